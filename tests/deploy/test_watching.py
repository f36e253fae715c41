"""Schedules and alarms of a flow: deployed, changed, removed, and in a template."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from flowdsl import Alarm, Executions, Function, Functions, Metric, Schedule
from flowdsl.base.record import evolve
from tests.deploy.memory_common import PLACE
from tests.deploy.test_template import of_type, template_of
from tests.deploy.world import flow, with_environment

TOPIC = PLACE.arn("sns", "on-call")
HOUR = timedelta(hours=1)


def sweep():
    return Function("sweep", "handlers/sweep")


def watched(**changes):
    """The flow with a sweep every hour, and an alarm of each kind."""
    function = sweep()
    own = {
        "schedules": [Schedule("sweep", function, every=HOUR), Schedule("tidy", function, every=timedelta(days=1))],
        "alarms": [
            Alarm("failing", Executions("payment")),
            Alarm("sweep-failing", Functions(function), silence=True, within=2 * HOUR),
            Alarm("open-work", Metric("payments", "OpenWork", function), above=2),
        ],
        **changes,
    }
    return flow(**own)


@pytest.fixture
def deployed(world):
    world.code["sweep"] = "1"
    world.machine = watched()
    with_environment(world, notify=(TOPIC,))
    world.deploy()
    assert not world.plan().calls, "nothing is left to do"
    return world


def schedules(world, group="payment"):
    return world.aws.schedule_groups[group]["schedules"]


def alarm(world, name):
    return world.aws.metric_alarms[name]["settings"]


def test_what_is_declared_is_deployed(deployed):
    found = schedules(deployed)
    assert {name: each["ScheduleExpression"] for name, each in found.items()} == {
        "sweep": "rate(60 minutes)",
        "tidy": "rate(1440 minutes)",
    }
    target = found["sweep"]["Target"]
    assert (target["Arn"], target["Input"]) == (PLACE.arn("lambda", "function:sweep"), "{}")
    failing = alarm(deployed, "failing")
    measured = {each["MetricStat"]["Metric"]["MetricName"] for each in failing["Metrics"] if "MetricStat" in each}
    assert measured == {"ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted"}
    dimensions = failing["Metrics"][0]["MetricStat"]["Metric"]["Dimensions"]
    assert dimensions == [{"Name": "StateMachineArn", "Value": PLACE.arn("states", "stateMachine:payment")}]
    assert failing["Metrics"][-1]["Expression"] == "FILL(m0,0)+FILL(m1,0)+FILL(m2,0)"
    assert (failing["AlarmActions"], failing["Threshold"], failing["TreatMissingData"]) == ([TOPIC], 0, "notBreaching")
    silent = alarm(deployed, "sweep-failing")
    assert (silent["Metrics"][-1]["Expression"], silent["TreatMissingData"]) == ("m0", "breaching")
    assert silent["Metrics"][0]["MetricStat"]["Period"] == 7200
    work = alarm(deployed, "open-work")
    assert (work["Namespace"], work["MetricName"], work["Threshold"], work["Statistic"]) == (
        "payments",
        "OpenWork",
        2,
        "Maximum",
    )
    assert work["Dimensions"] == [{"Name": "function_name", "Value": "sweep"}]


def test_an_alarm_that_rings_for_what_lasts(deployed):
    function = sweep()
    lasting = Alarm("open-work", Metric("payments", "OpenWork", function), datapoints=3, periods=16)
    deployed.machine = watched(alarms=[lasting])
    deployed.deploy()
    settings = alarm(deployed, "open-work")
    assert (settings["DatapointsToAlarm"], settings["EvaluationPeriods"], settings["Period"]) == (3, 16, 300)
    assert not deployed.plan().calls

    deployed.machine = watched(alarms=[Alarm("open-work", lasting.of)])
    deployed.deploy()
    assert "DatapointsToAlarm" not in alarm(deployed, "open-work")
    assert not deployed.plan().calls


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"datapoints": 0}, "at least 1: 0 of 1"),
        ({"datapoints": 2}, "2 of 1"),
        ({"periods": 289}, "at most a day"),
        ({"periods": 169, "within": HOUR}, "7 days"),
    ],
)
def test_numbers_of_periods_that_cloudwatch_refuses(fields, message):
    with pytest.raises(TypeError, match=message):
        Alarm("open-work", Metric("payments", "OpenWork", sweep()), **fields)


def test_the_schedules_role_may_invoke_just_the_functions_of_the_schedules(deployed):
    """Removing any statement, action or resource is found: the function could not be invoked."""
    role = schedules(deployed)["sweep"]["Target"]["RoleArn"]
    own = deployed.aws.roles[role.rpartition("/")[2]]
    assert own["inline"] == {
        "flowdsl": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": ["lambda:InvokeFunction"],
                    "Resource": [PLACE.arn("lambda", "function:sweep")],
                }
            ],
        }
    }
    assert own["trust"]["Statement"][0] == {
        "Effect": "Allow",
        "Principal": {"Service": "scheduler.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {
            "StringEquals": {
                "aws:SourceAccount": PLACE.account,
                "aws:SourceArn": PLACE.arn("scheduler", "schedule-group/payment"),
            }
        },
    }
    assert deployed.aws.allows(role, "lambda:InvokeFunction", PLACE.arn("lambda", "function:sweep"))
    assert not deployed.aws.allows(role, "lambda:InvokeFunction", PLACE.arn("lambda", "function:setup"))


def test_instances_have_their_own(world):
    world.code["sweep"], world.instance = "1", "pr-1"
    world.machine = watched()
    world.deploy()
    target = schedules(world, "payment-pr-1")["sweep"]["Target"]
    assert target["Arn"] == PLACE.arn("lambda", "function:sweep-pr-1")
    assert alarm(world, "open-work-pr-1")["Dimensions"] == [{"Name": "function_name", "Value": "sweep-pr-1"}]
    metric = alarm(world, "failing-pr-1")["Metrics"][0]["MetricStat"]["Metric"]
    assert metric["Dimensions"][0]["Value"] == PLACE.arn("states", "stateMachine:payment-pr-1")
    assert not world.plan().calls


def test_what_somebody_changed_is_put_right(deployed):
    schedules(deployed)["sweep"]["State"] = "DISABLED"
    deployed.aws.metric_alarms["failing"]["settings"]["AlarmActions"] = []
    deployed.aws.metric_alarms["open-work"]["settings"]["Threshold"] = 50.0
    deployed.aws.metric_alarms["open-work"]["tags"].pop("team")
    plan = deployed.deploy()
    assert {(call.operation, call.resource, call.reason) for call in plan.calls} == {
        ("UpdateSchedule", "schedule payment/sweep", "State"),
        ("PutMetricAlarm", "alarm failing", "AlarmActions"),
        ("PutMetricAlarm", "alarm open-work", "Threshold"),
        ("TagResource", "alarm open-work", "tags team"),
    }
    assert not deployed.plan().calls


def test_an_alarm_that_watches_something_else_now(deployed):
    function = sweep()
    deployed.machine = watched(alarms=[Alarm("failing", Metric("payments", "Failing", function))])
    deployed.aws.clock.sleep(60)
    deployed.deploy()
    assert {*deployed.aws.metric_alarms} == {"failing"}
    assert "Metrics" not in alarm(deployed, "failing")
    assert not deployed.plan().calls


def test_what_left_the_flow_is_removed(deployed):
    deployed.aws.clock.sleep(60)
    deployed.machine = watched(schedules=[Schedule("tidy", sweep(), every=HOUR)], alarms=[])
    plan = deployed.deploy()
    assert {*schedules(deployed)} == {"tidy"}
    assert deployed.aws.metric_alarms == {}
    assert {call.resource for call in plan.calls if call.verb == "delete"} == {
        "schedule payment/sweep",
        *(f"alarm {name}" for name in ("failing", "sweep-failing", "open-work")),
    }
    deployed.machine = watched(schedules=[], alarms=[], access=())
    deployed.deploy()
    deployed.aws.clock.sleep(60)
    assert not deployed.plan().calls
    deployed.prune()
    assert not [name for name in deployed.aws.roles if "schedules" in name]


def test_destroying_takes_them_first(deployed):
    """Nothing is to be invoked, or to ring, while the rest goes; and they have no data to keep."""
    plan = deployed.destroy()
    first = [call.resource for call in plan.calls[:4]]
    assert {*first} == {"schedule group payment", "alarm failing", "alarm sweep-failing", "alarm open-work"}
    deployed.aws.clock.sleep(60)
    assert deployed.aws.metric_alarms == {}
    assert not deployed.aws.roles
    deployed.deploy()
    assert {*schedules(deployed)} == {"sweep", "tidy"}


def test_those_of_somebody_else_stay(world):
    world.aws.metric_alarms["failing"] = {"settings": {}, "tags": {}}
    world.aws.schedule_groups["payment"] = {"schedules": {}, "tags": {}}
    world.code["sweep"] = "1"
    world.machine = watched()
    problems = [each.message for each in world.plan().problems]
    assert problems == [
        "the name is taken: schedule group payment exists and was not created by flowdsl",
        "the name is taken: alarm failing exists and was not created by flowdsl",
    ]


def test_the_template_has_them(world):
    world.code["sweep"] = "1"
    world.machine = watched()
    with_environment(world, notify=(TOPIC,))
    template = template_of(world)
    assert {*of_type(template, "AWS::CloudWatch::Alarm")} == {"FailingAlarm", "SweepFailingAlarm", "OpenWorkAlarm"}
    (group,) = of_type(template, "AWS::Scheduler::ScheduleGroup")
    found = of_type(template, "AWS::Scheduler::Schedule")
    assert {each["Properties"]["Name"] for each in found.values()} == {"sweep", "tidy"}
    for each in found.values():
        assert each["Properties"]["GroupName"] == {"Ref": group}
        assert each["Properties"]["Target"]["Arn"] == {"Fn::GetAtt": ["SweepFunction", "Arn"]}
        role = each["Properties"]["Target"]["RoleArn"]["Fn::GetAtt"][0]
        assert template["Resources"][role]["Type"] == "AWS::IAM::Role"
    kept = [*of_type(template, "AWS::CloudWatch::Alarm").values(), *found.values()]
    assert not [each for each in kept if "DeletionPolicy" in each]


@pytest.mark.slow
def test_cfn_lint_finds_nothing(world):
    import json

    import cfnlint.api

    world.code["sweep"] = "1"
    world.machine = watched()
    with_environment(world, notify=(TOPIC,))
    text = json.dumps(template_of(world))
    found = cfnlint.api.lint(text, config=cfnlint.api.ManualArgs(regions=["eu-west-1"]))
    assert not [f"{each.rule.id} {each.message}" for each in found]


def test_two_alarms_of_one_name(world):
    from flowdsl.base.diagnostics import FlowError

    world.code["sweep"] = "1"
    world.machine = watched(alarms=[Alarm("a", Executions("payment")), Alarm("a", Executions("other"))])
    with pytest.raises(FlowError, match="two declarations of alarm a"):
        world.plan()


@pytest.mark.parametrize(
    ("declare", "message"),
    [
        (lambda: Schedule("a b", sweep(), every=HOUR), "a schedule's name has at most 64 letters"),
        (lambda: Schedule("a", "sweep", every=HOUR), "takes the Function that it invokes"),
        (lambda: Schedule("a", sweep(), every=timedelta(seconds=90)), "takes whole minutes"),
        (lambda: Schedule("a", sweep(), every=60), "takes whole minutes"),
        (lambda: Alarm("a:b", Executions("x")), "without ':' and '/'"),
        (lambda: Alarm("a", sweep()), "watches Executions"),
        (lambda: Alarm("a", Functions()), "watches 1 to 5 functions"),
        (lambda: Alarm("a", Executions("x"), within=timedelta(days=2)), "at most a day"),
        (lambda: Alarm("a", Executions("x"), silence=True), "a flow that nobody starts is no fault"),
    ],
)
def test_mistakes_of_the_author(declare, message):
    with pytest.raises(TypeError, match=message):
        declare()


def test_a_function_with_a_schedule_is_part_of_the_flow():
    assert "sweep" in watched(alarms=[]).functions


@pytest.mark.parametrize("kind", [Schedule, Alarm, Metric])
def test_the_guide_has_every_field(kind):
    guide = (Path(__file__).parents[2] / "docs" / "deploying.md").read_text()
    (row,) = re.findall(rf"^\| `{kind.__name__}\(.*$", guide, re.MULTILINE)
    assert all(f"`{each}`" in row for each in kind.__fields__ if each not in ("name", "function", "of", "namespace"))


def test_topics_are_arns():
    from flowdsl.project.environments import mistakes_in_environments

    table = {"test": {"region": "eu-west-1", "account": "123456789012", "notify": ["on-call"]}}
    (mistake,) = mistakes_in_environments(table)
    assert mistake.startswith("environments.test.notify must be a list of SNS topics' ARNs")
    assert evolve  # the environment's record is immutable
