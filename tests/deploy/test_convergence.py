"""Deployments while AWS lags, throttles, refuses and breaks off: the next one converges."""

import contextlib
import copy
import json
from typing import Any

import pytest
from attrs import evolve

from flowdsl.base.diagnostics import FlowError
from flowdsl.deploy.aws import Boto, CallError, Paced, connect_paced
from flowdsl.deploy.session import Session
from flowdsl.project.environments import FunctionSettings
from tests.deploy.memory_common import PLACE, READS, ConnectionLostError, sha
from tests.deploy.test_watching import watched
from tests.deploy.world import World, flow, no_failure, with_environment

MACHINE = PLACE.arn("states", "stateMachine:payment")


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
    with pytest.raises(FlowError, match="cannot be assumed by Lambda") as raised:
        world.deploy()
    assert world.aws.clock.slept < 300
    assert '"Service": "lambda.amazonaws.com"' in str(raised.value)


NEVER = {
    "cannot be assumed": ('"Service": "states.amazonaws.com"', "states principal is not authorized to assume the role"),
    "the log group": (
        '"logs:CreateLogDelivery"',
        "The state machine IAM Role is not authorized to access the Log Destination",
    ),
    "events": ('"events:PutRule"', "'arn:aws:iam::1:role/r' is not authorized to create managed-rule."),
}


@pytest.mark.parametrize(("statement", "text"), NEVER.values(), ids=NEVER)
def test_a_role_that_lacks_rights_for_ever_is_told_with_the_statement(world, statement, text):
    """A2: the same code stands for "not yet" and "never"."""

    class Refusing:
        def call(self, service, operation, arguments):
            if operation == "CreateStateMachine":
                raise CallError("AccessDeniedException", text, service, operation)
            return world.aws.call(service, operation, arguments)

    clock = world.aws.clock
    session = Session(Paced(Refusing(), clock), clock, world.stack)
    plan = session.plan(world.wanted())
    with pytest.raises(FlowError) as raised:
        session.apply(plan)
    assert clock.slept < 300
    assert text in str(raised.value)
    assert statement in str(raised.value)
    world.deploy()
    assert not world.plan().calls


@pytest.mark.parametrize("text", [text for _, text in NEVER.values()], ids=NEVER)
def test_rights_that_come_a_moment_later_are_waited_for(world, text):
    """A1: a stub that refuses twice, then answers."""
    refusals = ["first", "second"]

    class Lagging:
        def call(self, service, operation, arguments):
            if operation == "CreateStateMachine" and refusals:
                refusals.pop()
                raise CallError("AccessDeniedException", text, service, operation)
            return world.aws.call(service, operation, arguments)

    clock = world.aws.clock
    session = Session(Paced(Lagging(), clock), clock, world.stack)
    session.apply(session.plan(world.wanted()))
    assert world.versions() == [1]


@pytest.mark.parametrize("lag", [3, 10_000])
def test_an_update_is_waited_for_by_its_revision(world, lag):
    """A23: descriptions lag behind, texts and dates too; the wait ends."""
    world.deploy()
    world.change("setup")
    before = world.aws.call("states", "DescribeStateMachine", {"stateMachineArn": MACHINE})
    plan, left = world.plan(), [lag]

    class Lagging:
        def call(self, service, operation, arguments):
            if operation == "DescribeStateMachine" and left[0]:
                left[0] -= 1
                return before
            return world.aws.call(service, operation, arguments)

    clock = world.aws.clock
    session = Session(Paced(Lagging(), clock), clock, world.stack)
    if lag < 10:
        session.apply(plan)
        assert world.routes() == {2: 100}
    else:
        with pytest.raises(FlowError, match="has not settled in 900 seconds"):
            session.apply(plan)
        assert clock.slept < 1000
        world.deploy()
    assert left[0] < lag
    assert not world.plan().calls


def test_throttled_calls_are_made_again(world):
    class Throttling:
        made = 0

        def call(self, service, operation, arguments):
            self.made += 1
            if self.made % 3 == 0:
                raise CallError("ThrottlingException", "Rate exceeded", service, operation)
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


@pytest.mark.parametrize("same", [True, False], ids=["the same", "another"])
def test_a_second_deploy_in_the_middle_of_one(tmp_path, same):
    """At each of its calls: it ends well or with one error, what is in flight goes on, and the next one converges."""
    world = World(tmp_path / "a")
    (tmp_path / "a").mkdir()
    world.deploy()
    execution = world.aws.start("in flight", "payment")
    world.change("setup", "psp-a")
    before = copy.deepcopy(world.aws)
    count = len(world.plan().calls)
    assert count > 5
    (tmp_path / "b").mkdir()
    for position in range(1, count + 1):
        world.aws = copy.deepcopy(before)
        world.aws.watch = lambda aws: no_failure(aws, execution)
        other = evolve(world, folder=tmp_path / "b", code=dict(world.code))
        if not same:
            other.code["setup"] = "1"
            other.change("receipt", "psp-b")

        def meanwhile(number, _total, _call, what, position=position, other=other):
            if (number, what) == (position, "starting"):
                other.deploy()

        session = world.session()
        session.progress = meanwhile
        with contextlib.suppress(FlowError):
            session.apply(session.plan(world.wanted()))
        for last in (other, world):
            last.deploy()
            assert not last.plan().calls
            newest = json.loads(last.aws.machines["payment"]["now"]["definition"])
            setup = newest["States"]["Setup"]["Resource"].rpartition(":")[2]
            version = next(each for each in last.aws.functions["setup"]["versions"] if each["number"] == setup)
            assert version["settings"]["CodeSha256"] == sha(f"setup {last.code['setup']}".encode())


def test_missing_permissions_to_read_are_told_together(world):
    world.aws.denied = frozenset({"lambda:GetFunction", "iam:GetRole", "tag:GetResources"})
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
    with pytest.raises(FlowError, match=r"setup\.zip has changed since it was built"):
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


def much_to_prune(world: World) -> None:
    """One version that is in flight, one that nothing needs, permissions and a function that left the flow."""
    world.deploy()
    world.aws.start("in flight", "payment")
    for number in range(2):
        world.change("setup", "psp-a")
        world.machine = flow(wait=90 + number, receipts=False)
        world.deploy()
    world.aws.clock.sleep(60)


def an_instance(world: World) -> None:
    world.instance = "pr-7"
    world.code["sweep"] = "1"
    world.machine = watched()
    world.deploy()
    world.aws.clock.sleep(60)


FAULTS = [
    (first_deploy, World.deploy, "before"),
    (first_deploy, World.deploy, "after"),
    *((second_deploy, World.deploy, each) for each in ("before", "after", "throttle", "expire")),
    *((much_to_prune, World.prune, each) for each in ("before", "after", "expire")),
    *((an_instance, World.destroy, each) for each in ("before", "after", "expire")),
]


def settled(world: World) -> Any:
    """What is there once a table that is being deleted has gone."""
    state = world.state()
    tables = {name: each for name, each in state["tables"].items() if "deleted" not in each}
    return {**state, "tables": tables}


@pytest.mark.parametrize(("start", "command", "fault"), FAULTS)
def test_the_next_command_goes_on_after_any_fault(tmp_path, start, command, fault):
    """Each call that changes something fails once; what is in flight goes on, and the end is the same."""
    prepared = World(tmp_path)
    start(prepared)

    def again() -> World:
        return evolve(prepared, aws=copy.deepcopy(prepared.aws))

    undisturbed = again()
    command(undisturbed)
    end, before = settled(undisturbed), len(prepared.aws.log)
    names = [name for _, name in undisturbed.aws.log[before:]]
    changing = [number for number, name in enumerate(names) if not name.startswith(READS)]
    assert len(changing) >= 5
    for position in range(len(names)) if fault in ("before", "expire") else changing:
        world = again()
        runs = [*world.aws.executions]
        world.aws.watch = lambda aws, runs=runs: [no_failure(aws, each) for each in runs]
        world.aws.fail_at, world.aws.fault = before + position, fault
        failed = False
        try:
            command(world)
        except (FlowError, ConnectionLostError) as error:
            failed = "credentials have expired" in str(error) or fault != "expire"
        # What AWS refuses for a while is made again, so a lost answer may be one that nobody waited for; and a
        # definition that AWS cannot validate at the moment is deployed all the same.
        is_needed = names[position] != "ValidateStateMachineDefinition" or fault == "expire"
        assert failed == (fault != "throttle" and is_needed) or fault == "after", names[position]
        world.aws.fail_at = None
        command(world)
        assert settled(world) == end, names[position]


@pytest.mark.parametrize(("endpoint", "slept"), [("http://127.0.0.1:1", 0), ("https://vpce-1.states.amazonaws.com", 5)])
def test_an_emulator_has_no_quotas(world, monkeypatch, endpoint, slept):
    monkeypatch.setenv("AWS_ENDPOINT_URL_SFN", endpoint)
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1")
    monkeypatch.setattr(Boto, "call", lambda *_: {"Account": PLACE.account})
    paced = connect_paced(PLACE, world.aws.clock, ["states"])
    for _ in range(25):
        paced.call("states", "UpdateStateMachineAlias", {})
    assert world.aws.clock.slept == pytest.approx(slept)


def test_calls_keep_the_pace_of_the_quotas(world):
    """A bucket of 20 calls that gets one more each second, whatever else is called meanwhile."""

    class Answering:
        def call(self, service, operation, arguments):
            return {}

    clock = world.aws.clock
    paced = Paced(Answering(), clock)
    for _ in range(20):
        paced.call("states", "UpdateStateMachineAlias", {})
    assert clock.slept == 0
    for _ in range(5):
        paced.call("states", "UpdateStateMachineAlias", {})
        paced.call("states", "DescribeExecution", {})
    assert clock.slept == pytest.approx(5)
    clock.sleep(60)
    paced.call("states", "UpdateStateMachineAlias", {})
    assert clock.slept == pytest.approx(65)
    assert paced.count == 31
