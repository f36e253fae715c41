"""Deployments into memory: what they make, that executions in flight go on as they began, and that they converge."""

import copy
import json
from datetime import timedelta

import pytest
from attrs import evolve

from flowdsl import StateMachine, Table
from flowdsl.author.states import Pass
from flowdsl.base.diagnostics import FlowError
from flowdsl.deploy.aws import AwsError, Paced
from flowdsl.deploy.plan import CanaryRequest
from flowdsl.deploy.retire import DestroyRequest
from flowdsl.deploy.session import Session
from flowdsl.project.environments import Allowed, FunctionSettings, Secret
from tests.deploy.memory import PLACE, READS, ConnectionLostError, Memory
from tests.deploy.world import World, called, can_run, flow, with_environment


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


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
    assert all(role["tags"] == tags for role in world.aws.roles.values())


def test_executions_are_never_logged_with_data(world):
    with_environment(world, logging="ALL")
    world.deploy()
    logging = world.live_machine["now"]["loggingConfiguration"]
    group = PLACE.arn("logs", "log-group:/aws/vendedlogs/states/payment")
    assert logging["includeExecutionData"] is False
    assert logging["destinations"] == [{"cloudWatchLogsLogGroup": {"logGroupArn": f"{group}:*"}}]
    assert not world.plan().calls  # A16: `:*` is no drift


def test_changed_code_gives_new_versions(world):
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
    world.aws.watch = lambda aws: _no_failure(aws, execution)
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


def _no_failure(aws: Memory, execution: str) -> None:
    assert not can_run(aws, execution)


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


def test_a_canary(world):
    world.deploy()
    world.change("setup")
    world.deploy(CanaryRequest(10, timedelta(minutes=15)))
    assert world.routes() == {2: 10, 1: 90}
    plan = world.plan()
    assert not plan.calls
    (alias, canary), *_ = plan.canaries.items()
    steps: list[str] = []
    # Another process takes it up again.
    assert world.session().watch(alias, canary, tell=steps.append)
    assert world.routes() == {2: 100}
    assert not world.plan().calls
    world.rollback()
    assert world.routes() == {1: 100}


def test_a_canary_whose_time_is_over_is_ended_by_the_next_deploy(world):
    world.deploy()
    world.change("setup")
    world.deploy(CanaryRequest(10, timedelta(minutes=15)))
    world.aws.clock.sleep(16 * 60)
    plan = world.deploy()
    assert [call.reason for call in plan.calls] == ["the canary has ended well"]
    assert world.routes() == {2: 100}


def test_a_canary_is_rolled_back(world):
    world.deploy()
    world.change("setup")
    world.deploy(CanaryRequest(10, timedelta(minutes=15)))
    world.rollback()
    assert world.routes() == {1: 100}


def test_an_alarm_rolls_a_canary_back(world, monkeypatch):
    world.deploy()
    world.change("setup")
    world.deploy(CanaryRequest(50, timedelta(minutes=15)))
    session = world.session()
    monkeypatch.setattr(type(session), "ringing", lambda *_: ["failing"] if world.aws.clock.slept > 200 else [])
    (alias, canary), *_ = world.plan().canaries.items()
    assert not session.watch(alias, canary, alarms=("failing",))
    assert world.routes() == {1: 100}


def test_a_new_build_does_not_enter_a_canary(world):
    world.deploy()
    world.change("setup")
    world.deploy(CanaryRequest(10, timedelta(minutes=15)))
    world.change("setup")
    plan = world.plan()
    assert "a canary of version 2 goes on" in plan.problems[0].message
    assert "flowdsl rollback" in plan.problems[0].hint


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


def test_a_policy_that_is_too_big_is_told_before_anything_is_called(world):
    """A14."""
    resources = tuple(f"arn:aws:sqs:eu-west-1:123456789012:a-queue-with-a-long-name-{number}" for number in range(200))
    with_environment(world, permissions=(Allowed(("sqs:SendMessage",), resources),))
    problem = world.plan().problems[0]
    assert "characters; IAM takes 10240" in problem.message


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
    assert plan.problems[0].message == "1 executions of payment are open: e"
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


# Tables, queues and topics


def test_a_function_gets_what_it_declares(world):
    world.deploy()
    assert world.aws.functions["setup"]["settings"]["Environment"] == {
        "Variables": {
            "DONATIONS": "donations",
            "LETTERS": "https://sqs.eu-west-1.amazonaws.com/123456789012/letters",
            "NEWS": PLACE.arn("sns", "news"),
        }
    }
    role = world.aws.functions["setup"]["settings"]["Role"]
    table = PLACE.arn("dynamodb", "table/donations")
    assert world.aws.allows(role, "dynamodb:PutItem", table)
    assert world.aws.allows(role, "dynamodb:GetItem", f"{table}/index/by-day")
    assert not world.aws.allows(role, "dynamodb:DeleteItem", table)
    assert world.aws.allows(role, "sqs:SendMessage", PLACE.arn("sqs", "letters"))
    assert world.aws.allows(role, "sns:Publish", PLACE.arn("sns", "news"))
    other = world.aws.functions["receipt"]["settings"]["Role"]
    assert not world.aws.allows(other, "dynamodb:PutItem", table)


def test_an_index_is_added(world):
    world.deploy()
    more = Table("donations", key="id", indexes={"by-day": ("day", "id"), "by-state": "state"})
    world.machine = flow(access=[more.access("Query", variable="DONATIONS")])
    plan = world.deploy()
    assert ("table donations", "index by-state") in [(call.resource, call.reason) for call in plan.calls]
    assert len(world.aws.tables["donations"]["settings"]["GlobalSecondaryIndexes"]) == 2
    assert not world.plan().calls


@pytest.mark.parametrize(
    "table",
    [Table("donations", key="other"), Table("donations", key="id", indexes={"by-day": "month"})],
    ids=["key", "index"],
)
def test_a_key_cannot_change(world, table):
    world.deploy()
    world.machine = flow(access=[table.access("Query", variable="DONATIONS")])
    problem = world.plan().problems[0]
    assert "AWS cannot change it without losing data" in problem.message


def test_a_queue_that_somebody_changed(world):
    world.deploy()
    world.aws.queues["letters"]["attributes"]["VisibilityTimeout"] = "1"
    assert [call.reason for call in world.deploy().calls] == ["VisibilityTimeout"]


def test_data_stays_in_an_environment_and_goes_with_an_instance(world):
    world.deploy()
    world.aws.clock.sleep(60)
    plan = world.destroy()
    assert {"donations"} == {*world.aws.tables}
    assert any("table donations stays with its data" in note for note in plan.notes)
    world.instance = "pr-1"
    world.deploy()
    assert {"donations", "donations-pr-1"} == {*world.aws.tables}
    world.aws.clock.sleep(60)
    world.destroy()
    assert {"donations"} == {*world.aws.tables}
    assert {"letters"} == {*world.aws.queues}
    assert {"news"} == {*world.aws.topics}


def test_a_table_of_somebody_else(world):
    world.aws.tables["donations"] = {"settings": {}, "tags": {}, "changed": world.aws.clock.now()}
    problem = world.plan().problems[0]
    assert problem.message == "the name is taken: table donations exists and was not created by flowdsl"


# Eventual consistency


def test_a_new_role_is_waited_for(world):
    """A1."""
    world.deploy()
    assert 8 < world.aws.clock.slept < 60
    world.aws.clock.slept = 0
    world.change("setup")
    world.deploy()
    assert world.aws.clock.slept < 15  # for the function alone


def test_a_role_that_can_never_be_assumed_ends_the_command(world):
    """A2."""
    world.aws.never_assumable = True
    with pytest.raises(FlowError, match="cannot be assumed by Lambda"):
        world.deploy()
    assert world.aws.clock.slept < 300


def test_throttled_calls_are_made_again(world):
    class Throttling:
        made = 0

        def call(self, service, operation, arguments):
            self.made += 1
            if self.made % 3 == 0:
                raise AwsError("ThrottlingException", "Rate exceeded", service, operation)
            return world.aws.call(service, operation, arguments)

    clock = world.aws.clock
    session = Session(Paced(Throttling(), clock), clock, world.stack)
    session.apply(session.plan(world.wanted()))
    assert world.versions() == [1]


def test_somebody_changed_a_function_meanwhile(world):
    world.deploy()
    world.change("setup")
    plan = world.plan()
    world.aws.functions["setup"]["revision"] += 1
    with pytest.raises(FlowError, match="somebody else changed it meanwhile"):
        world.session().apply(plan)
    world.deploy()
    assert not world.plan().calls


def test_two_deploys_at_once_end_the_same(world):
    first, second = world.plan(), world.plan()
    world.session().apply(first)
    with pytest.raises(FlowError, match="somebody else changed it meanwhile"):
        world.session().apply(second)
    assert not world.plan().calls


def test_missing_permissions_to_read_are_told_together(world):
    world.aws.denied = frozenset({"lambda:GetFunction", "iam:GetRole", "tagging:GetResources"})
    with pytest.raises(FlowError) as raised:
        world.plan()
    message = str(raised.value)
    assert "iam:GetRole, lambda:GetFunction, tag:GetResources" in message
    assert '"Action": [' in message


def test_a_missing_permission_to_change_is_told_as_a_policy(world):
    world.aws.denied = frozenset({"lambda:CreateFunction"})
    with pytest.raises(FlowError) as raised:
        world.deploy()
    assert "lambda:CreateFunction" in str(raised.value)
    assert '"Effect": "Allow"' in str(raised.value)
    world.aws.denied = frozenset()
    world.deploy()
    assert not world.plan().calls


def test_a_zip_that_changed_after_the_plan_is_not_sent(world):
    plan = world.plan()
    (world.folder / "build" / "setup.zip").write_bytes(b"other")
    with pytest.raises(FlowError, match="has changed since the plan was made"):
        world.session().apply(plan)


# Faults at every position


def first_deploy(_: World) -> None:
    pass


def second_deploy(world: World) -> None:
    world.deploy()
    world.aws.start("in flight", "payment")
    world.change("setup", "psp-a")
    world.machine = flow(wait=90, receipts=False)
    with_environment(world, tags={"team": "others"}, logging="ALL", functions={"setup": FunctionSettings(memory=512)})


FAULTS = [
    (first_deploy, "before"),
    (first_deploy, "after"),
    *((second_deploy, each) for each in ("before", "after", "throttle")),
]


@pytest.mark.parametrize(("start", "fault"), FAULTS)
def test_the_next_deploy_goes_on_after_any_fault(tmp_path, start, fault):
    """Each call that changes something fails once; what is in flight goes on, and the end is the same."""
    prepared = World(tmp_path)
    start(prepared)

    def again() -> World:
        return evolve(prepared, aws=copy.deepcopy(prepared.aws))

    undisturbed = again()
    undisturbed.deploy()
    end, before = undisturbed.state(), len(prepared.aws.log)
    names = [name for _, name in undisturbed.aws.log[before:]]
    changing = [number for number, name in enumerate(names) if not name.startswith(READS)]
    assert len(changing) > 10
    for position in changing:
        world = again()
        runs = [*world.aws.executions]
        world.aws.watch = lambda aws, runs=runs: [_no_failure(aws, each) for each in runs]
        world.aws.fail_at, world.aws.fault = before + position, fault
        failed = False
        try:
            world.deploy()
        except (FlowError, ConnectionLostError):
            failed = True
        # What AWS refuses for a while is made again, so a lost answer may be one that nobody waited for.
        assert failed == (fault != "throttle") or fault == "after", names[position]
        world.aws.fail_at = None
        world.deploy()
        assert world.state() == end, names[position]
