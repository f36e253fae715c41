"""Deployments into memory: what they make, that executions in flight go on as they began, and that they converge."""

import json
from datetime import timedelta

import pytest

from flowdsl import StateMachine
from flowdsl.author.states import Pass
from flowdsl.base.diagnostics import FlowError
from flowdsl.deploy.model import Live
from flowdsl.deploy.plan import CanaryRequest, make_plan
from flowdsl.deploy.retire import DestroyRequest
from flowdsl.project.environments import Allowed, FunctionSettings, Secret
from tests.deploy.memory import Memory
from tests.deploy.memory_common import PLACE
from tests.deploy.world import FUNCTIONS, called, can_run, flow, no_failure, with_environment


def test_a_first_deploy_makes_everything_and_a_second_nothing(world):
    plan = world.deploy()
    assert {call.operation for call in plan.calls} >= {
        "CreateFunction",
        "CreateStateMachine",
        "CreateStateMachineAlias",
    }
    assert world.versions() == [1]
    assert world.routes() == {1: 100}
    again = world.plan()
    assert not again.calls
    assert not again.problems
    assert again.current == ("payment:live → version 1",)


def test_reading_makes_no_changes(world):
    world.deploy()
    world.aws.log.clear()
    world.plan()
    assert not world.aws.changes()


def test_the_definition_names_published_versions(world):
    world.deploy()
    definition = json.loads(world.live_machine["now"]["definition"])
    assert definition["States"]["Setup"]["Resource"].endswith(":function:setup:1")
    take = definition["States"]["Take"]["Parameters"]
    alias = world.aws.functions["psp-a"]["aliases"]
    assert [*alias.values()] == ["1"]
    assert take["Qualifier"] == next(iter(alias))
    assert alias == world.aws.functions["psp-b"]["aliases"]


def test_resources_are_tagged_as_the_stacks(world):
    world.deploy()
    tags = {"flowdsl:stack": "payment_flow", "flowdsl:environment": "test", "flowdsl:tags": "team", "team": "payments"}
    assert world.live_machine["tags"] == tags
    assert world.aws.functions["setup"]["tags"] == tags
    assert all(group["tags"] == tags for group in world.aws.groups.values())
    owners = {name: role["tags"].pop("flowdsl:for") for name, role in world.aws.roles.items()}
    assert all(role["tags"] == tags for role in world.aws.roles.values())
    assert owners["payment-states-eu-west-1"] == "stateMachine/payment"
    assert owners["setup-eu-west-1"] == "function/setup"


def test_executions_are_never_logged_with_data(world):
    with_environment(world, logging="ALL")
    world.deploy()
    logging = world.live_machine["now"]["loggingConfiguration"]
    group = PLACE.arn("logs", "log-group:/aws/vendedlogs/states/payment")
    assert logging["includeExecutionData"] is False
    assert logging["destinations"] == [{"cloudWatchLogsLogGroup": {"logGroupArn": f"{group}:*"}}]
    assert not world.plan().calls  # A16: `:*` is no drift


def test_changed_code_gives_new_versions(world):
    """A28: each call waits until the one before has settled; AWS refuses it meanwhile."""
    world.deploy()
    world.change("setup")
    plan = world.deploy()
    assert [call.operation for call in plan.calls] == [
        "UpdateFunctionCode",
        "PublishVersion",
        "UpdateStateMachine",
        "UpdateStateMachineAlias",
    ]
    assert world.function_versions("setup") == ["1", "2"]
    assert world.versions() == [1, 2]
    assert world.routes() == {2: 100}


def test_a_function_that_is_chosen_at_run_time_gets_a_new_alias(world):
    world.deploy()
    before = dict(world.aws.functions["psp-a"]["aliases"])
    world.change("psp-b")
    world.deploy()
    assert world.aws.functions["psp-a"]["aliases"].items() > before.items()
    assert sorted(world.aws.functions["psp-b"]["aliases"].values()) == ["1", "2"]
    assert sorted(world.aws.functions["psp-a"]["aliases"].values()) == ["1", "1"]


def test_code_that_was_deployed_before_gets_no_new_version(world):
    world.deploy()
    world.change("setup")
    world.deploy()
    world.code["setup"] = "1"
    plan = world.deploy()
    assert "PublishVersion" not in [call.operation for call in plan.calls]
    assert world.function_versions("setup") == ["1", "2"]
    assert world.versions() == [1, 2]
    assert world.routes() == {1: 100}
    assert not world.plan().calls


def test_a_configuration_is_part_of_the_version(world):
    world.deploy()
    execution = world.aws.start("e", "payment")
    before = called(world.aws, execution)
    settings = FunctionSettings(memory=512, environment={"KEY": Secret("secretsmanager", "payments/key")})
    with_environment(world, functions={"setup": settings})
    plan = world.deploy()
    change = next(call for call in plan.calls if call.operation == "UpdateFunctionConfiguration")
    assert change.reason == "MemorySize 256 → 512, environment variable KEY"
    assert world.aws.functions["setup"]["settings"]["Environment"]["Variables"]["KEY"] == "secretsmanager:payments/key"
    assert called(world.aws, execution) == before
    role = world.aws.functions["setup"]["settings"]["Role"]
    secret = PLACE.arn("secretsmanager", "secret:payments/key-AbCdEf")
    assert world.aws.allows(role, "secretsmanager:GetSecretValue", secret)


def test_reserved_concurrency(world):
    with_environment(world, functions={"setup": FunctionSettings(reserved_concurrency=5)})
    world.deploy()
    assert world.aws.functions["setup"]["concurrency"] == 5
    with_environment(world, functions={})
    world.deploy()
    assert world.aws.functions["setup"]["concurrency"] is None


def test_an_execution_in_flight_keeps_code_and_permissions(world):
    """A11: the definition and the role's ARN are frozen, but the role's policies and the functions are not."""
    with_environment(world, permissions=(Allowed(("sqs:SendMessage",), ("arn:aws:sqs:eu-west-1:1:q",)),))
    world.deploy()
    execution = world.aws.start("e", "payment")
    before = called(world.aws, execution)
    world.aws.watch = lambda aws: no_failure(aws, execution)
    world.machine = flow(receipts=False)
    with_environment(world, permissions=())
    world.change("setup", "psp-a")
    world.deploy()
    assert called(world.aws, execution) == before
    role = world.aws.executions[execution]["roleArn"]
    assert world.aws.allows(role, "lambda:InvokeFunction", PLACE.arn("lambda", "function:receipt:1"))
    assert world.aws.allows(role, "sqs:SendMessage", "arn:aws:sqs:eu-west-1:1:q")
    world.prune()
    assert called(world.aws, execution) == before
    assert world.aws.allows(role, "sqs:SendMessage", "arn:aws:sqs:eu-west-1:1:q")
    assert "receipt" in world.aws.functions

    world.aws.watch = lambda _: None
    world.aws.end(execution)
    world.prune()
    assert not world.aws.allows(role, "lambda:InvokeFunction", PLACE.arn("lambda", "function:receipt:1"))
    assert not world.aws.allows(role, "sqs:SendMessage", "arn:aws:sqs:eu-west-1:1:q")
    assert world.function_versions("setup") == ["2"]
    assert world.versions() == [2]
    assert not world.plan().calls


def test_an_execution_of_the_machine_itself_is_seen_too(world):
    world.deploy()
    execution = world.aws.start("e", "payment", alias=None)
    world.change("setup")
    plan = world.deploy()
    assert [each.name for each in plan.executions] == ["e"]
    assert plan.executions[0].at == ("Setup",)
    world.prune()
    assert not can_run(world.aws, execution)


def test_what_can_be_redriven_keeps_its_functions(world):
    """For 14 days after its end. Source: Step Functions Developer Guide, "Redriving executions"."""
    world.deploy()
    execution = world.aws.start("e", "payment")
    world.aws.end(execution, "FAILED")
    world.change("setup")
    world.deploy()
    world.prune()
    assert not can_run(world.aws, execution)
    world.aws.clock.sleep(timedelta(days=14, seconds=1).total_seconds())
    world.prune()
    assert can_run(world.aws, execution) == ["setup:1 is gone"]


def test_prune_keeps_versions_for_a_rollback(world):
    for _ in range(4):
        world.change("setup")
        world.deploy()
    world.prune(keep=2)
    assert world.versions() == [3, 4]
    assert world.function_versions("setup") == ["3", "4"]
    world.rollback()
    assert world.routes() == {3: 100}
    assert not world.session().plan_prune(world.wanted(), 1).calls  # 4 is the newest, 3 is live


def test_an_execution_of_an_old_version_does_not_keep_the_versions_between(world):
    """The definition of its version is read, although it is not one of the newest."""
    world.deploy()
    execution = world.aws.start("e", "payment")
    for _ in range(3):
        world.change("setup")
        world.deploy()
    world.prune(keep=1)
    assert world.versions() == [1, 4]
    assert world.function_versions("setup") == ["1", "4"]
    assert not can_run(world.aws, execution)


def test_prune_removes_a_function_that_left_the_flow(world):
    world.deploy()
    world.machine = flow(receipts=False)
    world.aws.clock.sleep(60)
    plan = world.deploy()
    assert any("no longer part of the flow: function receipt" in note for note in plan.notes)
    assert "receipt" in world.aws.functions
    world.prune()
    assert "receipt" not in world.aws.functions


def test_a_rollback_moves_the_alias_and_nothing_else(world):
    world.deploy()
    world.change("setup")
    world.deploy()
    world.aws.log.clear()
    world.rollback()
    assert world.aws.changes() == ["states:UpdateStateMachineAlias"]
    assert world.routes() == {1: 100}
    plan = world.plan()
    assert any("version 2 was rolled back" in note for note in plan.notes)
    world.deploy()
    assert world.routes() == {2: 100}


def test_a_rollback_to_a_version_that_is_not_there(world):
    world.deploy()
    plan = world.session().plan_rollback("live", ["payment"], 7)
    assert plan.problems[0].message == "state machine payment has no version 7"
    assert plan.problems[0].hint == "choose one of its versions with --to: 1"


DRIFTS = {
    "an environment variable": lambda aws: aws.functions["setup"]["settings"].update(
        Environment={"Variables": {"X": "1"}}
    ),
    "the definition": lambda aws: aws.machines["payment"]["now"].update(
        definition='{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}'
    ),
    "logging": lambda aws: aws.machines["payment"]["now"].update(
        loggingConfiguration={"level": "OFF", "includeExecutionData": False, "destinations": []}
    ),
    "a tag": lambda aws: aws.machines["payment"]["tags"].update(team="others"),
    "retention": lambda aws: aws.groups["/aws/lambda/setup"].update(retention=1),
    "a policy": lambda aws: aws.roles["setup-eu-west-1"]["inline"]["flowdsl"]["Statement"][0].update(
        Action=["logs:PutLogEvents"]
    ),
    "who may assume a role": lambda aws: aws.roles["setup-eu-west-1"]["trust"]["Statement"][0].update(
        Principal={"Service": "ec2.amazonaws.com"}
    ),
    "the alias of a version": lambda aws: aws.functions["psp-a"]["aliases"].update(
        dict.fromkeys(aws.functions["psp-a"]["aliases"], "9")
    ),
    "concurrency": lambda aws: aws.functions["setup"].update(concurrency=0),
}


@pytest.mark.parametrize("drift", DRIFTS.values(), ids=DRIFTS)
def test_drift_is_what_a_plan_shows_when_nothing_was_built(world, drift):
    world.deploy()
    drift(world.aws)
    assert world.plan().calls
    world.deploy()
    assert not world.plan().calls


@pytest.mark.parametrize(
    ("region", "partition", "domain"),
    [
        ("cn-north-1", "aws-cn", "amazonaws.com.cn"),
        ("us-gov-west-1", "aws-us-gov", "amazonaws.com"),
        ("eusc-de-east-1", "aws-eusc", "amazonaws.eu"),
    ],
)
def test_other_partitions(world, region, partition, domain):
    """No ARN of the usual partition is left, and service principals have their usual names there."""
    with_environment(world, region=region, tracing=True)
    wanted = world.wanted()
    text = repr(wanted)
    assert "arn:aws:" not in text
    assert f"arn:{partition}:lambda:{region}:123456789012:function:setup" in text
    assert f"arn:{partition}:states:::lambda:invoke" in text
    assert f"https://sqs.{region}.{domain}/123456789012/letters" in text
    plan = make_plan(wanted, Live(), now=world.aws.clock.now())
    assert not plan.problems
    assert f"arn:{partition}:iam::123456789012:role/" in str(plan.calls[-2].arguments)


NO_DRIFT = {
    "keys in another order": lambda aws: aws.machines["payment"]["now"].update(
        definition=json.dumps(json.loads(aws.machines["payment"]["now"]["definition"]), sort_keys=True)
    ),
    "somebody's own tag": lambda aws: aws.functions["setup"]["tags"].update(cost="42"),
    "a tag of AWS": lambda aws: aws.machines["payment"]["tags"].update({"aws:cloudformation": "x"}),
}


@pytest.mark.parametrize("change", NO_DRIFT.values(), ids=NO_DRIFT)
def test_what_is_no_drift(world, change):
    world.deploy()
    change(world.aws)
    assert not world.plan().calls


def test_logging_and_tracing_are_switched_off_explicitly(world):
    """A17: what an update leaves out keeps its value."""
    with_environment(world, logging="ALL", tracing=True)
    world.deploy()
    with_environment(world, logging="OFF", tracing=False)
    plan = world.deploy()
    assert any("loggingConfiguration" in call.reason for call in plan.calls)
    now = world.live_machine["now"]
    assert now["loggingConfiguration"] == {"level": "OFF", "includeExecutionData": False, "destinations": []}
    assert now["tracingConfiguration"] == {"enabled": False}
    assert not world.plan().calls


def test_a_removed_tag_is_removed(world):
    """A19."""
    world.deploy()
    with_environment(world, tags={})
    world.deploy()
    assert world.live_machine["tags"] == {"flowdsl:stack": "payment_flow", "flowdsl:environment": "test"}
    assert not world.plan().calls


def test_tags_are_never_those_of_a_version_or_an_alias(world):
    """A19: AWS tags state machines and functions, and refuses the ARN of a version."""
    plans = [world.deploy()]
    for tags, canary in (({"team": "a", "cost": "1"}, None), ({"team": "b"}, CanaryRequest(10, timedelta(minutes=5)))):
        world.change("setup", "psp-a")
        with_environment(world, tags=tags)
        plans.append(world.deploy(canary))
    plans += [world.rollback(), world.prune(), world.destroy()]
    arns = [
        call.arguments["resourceArn" if call.service == "states" else "Resource"]
        for plan in plans
        for call in plan.calls
        if call.service in ("states", "lambda") and call.operation in ("TagResource", "UntagResource")
    ]
    functions = {PLACE.arn("lambda", f"function:{name}") for name in FUNCTIONS}
    assert {*arns} == functions | {PLACE.arn("states", "stateMachine:payment")}
    assert len(arns) == 3 * len({*arns})  # tags that change twice, and one that is removed


def test_the_warning_before_there_are_too_many_versions(world):
    """A20: AWS keeps at most 1,000 and removes none."""
    world.deploy()
    versions = world.live_machine["versions"]
    versions.update(dict.fromkeys(range(2, 900), versions[1]))
    assert not [note for note in world.plan().notes if "run flowdsl prune" in note]
    versions[900] = versions[1]
    assert "state machine payment has 900 of 1000 versions: run flowdsl prune" in world.plan().notes
    versions.update(dict.fromkeys(range(901, 1001), versions[1]))
    world.change("setup")
    (problem,) = world.plan().problems
    assert problem.message == "state machine payment has 1000 versions, the most AWS takes"
    world.live_machine["last"] = 1000
    world.code["setup"] = "1"
    world.prune()
    assert len(world.versions()) == 2  # the newest, and that of the alias
    world.change("setup")
    world.deploy()


def test_log_retention_of_functions_and_state_machines(world):
    with_environment(world, log_retention=90)
    world.deploy()
    assert {each["retention"] for each in world.aws.groups.values()} == {90}
    assert {"/aws/lambda/setup", "/aws/vendedlogs/states/payment"} <= {*world.aws.groups}
    with_environment(world, log_retention=7)
    plan = world.deploy()
    assert {call.reason for call in plan.calls} == {"keep 7 days instead of 90"}
    assert {each["retention"] for each in world.aws.groups.values()} == {7}


def test_the_type_cannot_be_changed(world):
    world.deploy()
    world.type = "EXPRESS"
    problem = world.plan().problems[0]
    assert problem.message == "state machine payment is STANDARD and cannot become EXPRESS: it has to be replaced"
    assert "its history is lost" in problem.hint


def test_an_express_machine(world):
    world.type = "EXPRESS"
    world.deploy()
    world.change("setup")
    world.deploy()
    assert world.prune().calls == ()  # what was started a moment ago may still run
    world.aws.clock.sleep(301)
    world.prune()
    assert world.function_versions("setup") == ["2"]


def test_a_flow_without_tasks(world):
    """A13."""
    world.machine = StateMachine("payment", Pass("A"))
    with_environment(world, logging="OFF")
    world.deploy()
    assert world.aws.roles["payment-states-eu-west-1"]["inline"] == {}


def test_names_that_are_taken(world):
    world.aws.functions["setup"] = {
        "versions": [],
        "settings": {},
        "aliases": {},
        "tags": {},
        "created": world.aws.clock.now(),
        "changed": world.aws.clock.now(),
        "revision": 1,
        "concurrency": None,
    }
    problem = world.plan().problems[0]
    assert problem.message == "the name is taken: function setup exists and was not created by flowdsl"


def test_another_stack_of_flowdsl_has_the_name(world):
    world.deploy()
    with_environment(world, name="other")
    messages = [problem.message for problem in world.plan().problems]
    assert "the name is taken: state machine payment exists and belongs to payment_flow / test" in messages


def test_instances_live_side_by_side_and_are_removed_whole(world):
    world.deploy()
    before = world.state()
    world.instance = "pr-7"
    world.aws.clock.sleep(60)
    plan = world.deploy()
    assert not [note for note in plan.notes if "no longer part" in note]
    assert set(world.aws.machines) == {"payment", "payment-pr-7"}
    variables = world.aws.functions["setup-pr-7"]["settings"]["Environment"]["Variables"]
    assert variables["FLOWDSL_FUNCTION_NAMES"] == "{}-pr-7"
    assert variables["DONATIONS"] == "donations-pr-7"
    definition = json.loads(world.live_machine["now"]["definition"])
    assert definition["States"]["Setup"]["Resource"].endswith(":function:setup-pr-7:1")
    world.aws.clock.sleep(60)
    world.destroy()
    assert world.state() == before


def test_destroy_right_after_a_deploy_misses_nothing(world):
    """The index of tags knows nothing yet; IAM lists the roles, and these tell whose they are."""
    world.aws.index_lag = 1e9
    world.deploy()
    plan = world.session().plan_destroy(DestroyRequest(), [], [])  # no name is known beforehand
    world.session().apply(plan)
    assert not world.aws.machines
    assert not world.aws.functions
    assert not world.aws.groups
    assert not world.aws.roles


def test_an_instance_is_deployed_again_right_after_it_was_destroyed(world):
    """Deleted tables and queues keep their names for a while."""
    world.instance = "pr-7"
    world.deploy()
    before = world.state()
    world.destroy()
    assert not world.aws.tables
    world.deploy()
    assert world.state() == before


def test_destroy_twice(world):
    world.deploy()
    world.aws.clock.sleep(60)  # then the tag index knows all
    world.destroy()
    assert not world.aws.machines
    assert not world.aws.functions
    assert not world.aws.roles
    assert not world.aws.groups
    assert not world.destroy().calls


def test_destroy_with_open_executions(world):
    """A25."""
    world.deploy()
    world.aws.clock.sleep(60)
    execution = world.aws.start("e", "payment")
    plan = world.session().plan_destroy(DestroyRequest(), ["payment"])
    assert plan.problems[0].message == "state machine payment has 1 open execution: e"
    assert "--stop-executions" in plan.problems[0].hint
    world.destroy(stop_executions=True)
    assert world.aws.executions[execution]["status"] == "ABORTED"
    assert not world.aws.roles


def test_the_order_of_destroying(world):
    """A26."""
    world.deploy()
    world.aws.clock.sleep(60)
    operations = [call.operation for call in world.destroy().calls]
    order = ["DeleteStateMachine", "DeleteFunction", "DeleteLogGroup", "DeleteRolePolicy", "DeleteRole"]
    first = [operations.index(each) for each in order]
    assert first == sorted(first)


def test_a_policy_of_somebody_else_is_named_not_detached(world):
    """A26."""
    world.deploy()
    world.aws.clock.sleep(60)
    world.aws.roles["setup-eu-west-1"]["attached"].append("arn:aws:iam::aws:policy/ReadOnlyAccess")
    plan = world.session().plan_destroy(DestroyRequest(), ["payment"])
    assert "policy/ReadOnlyAccess" in plan.problems[0].message


def test_a_machine_that_is_being_deleted_is_waited_for(world):
    world.deploy()
    execution = world.aws.start("e", "payment")
    world.aws.machines["payment"]["status"] = "DELETING"
    plan = world.plan()
    assert any("is being deleted" in note for note in plan.notes)
    ended = world.aws.clock.now() + timedelta(seconds=40)

    def watch(aws: Memory) -> None:
        if aws.clock.now() > ended:
            aws.executions[execution]["status"] = "ABORTED"

    world.aws.watch = watch
    with pytest.raises(FlowError):  # refused calls are not watched, so it never ends here
        world.session().apply(plan)
    world.aws.end(execution, "ABORTED")
    world.deploy()
    assert world.versions() == [1]
