"""Aliases that move gradually, back, and by somebody else, on an AWS in memory that starts executions by them."""

import contextlib
import copy
import json
from datetime import timedelta
from typing import Any

import pytest

from flowdsl.base.diagnostics import FlowError
from flowdsl.deploy.aws import CallError
from flowdsl.deploy.plan import CanaryRequest
from tests.deploy.memory_common import PLACE, ConnectionLostError
from tests.deploy.world import World

ALIAS = PLACE.arn("states", "stateMachine:payment:live")


def begin(world: World, percent: int = 10, minutes: float = 15) -> Any:
    """Two versions, and a canary of the second; its value."""
    world.deploy()
    world.change("setup")
    world.deploy(CanaryRequest(percent, timedelta(minutes=minutes)))
    return world.plan().canaries[ALIAS]


def started(world: World, count: int) -> list[str]:
    """The versions of `setup` that new executions call, of so many started through the alias."""
    arns = [world.aws.states_StartExecution(ALIAS)["executionArn"] for _ in range(count)]
    definitions = [json.loads(world.aws.executions[arn]["definition"]) for arn in arns]
    return [each["States"]["Setup"]["Resource"].rpartition(":")[2] for each in definitions]


def test_what_starts_through_the_alias(world):
    """A22: one or two versions whose weights are 100 together."""
    world.deploy()
    assert started(world, 1) == ["1"]
    world.change("setup")
    world.deploy(CanaryRequest(10, timedelta(minutes=15)))
    assert sorted(started(world, 100)) == ["1"] * 90 + ["2"] * 10
    world.rollback()
    assert started(world, 5) == ["1"] * 5
    world.deploy()
    assert started(world, 5) == ["2"] * 5
    world.rollback()
    assert started(world, 5) == ["1"] * 5
    world.aws.states_StartExecution(f"{ALIAS.removesuffix(':live')}:2", name="of a version")
    execution = world.aws.executions[PLACE.arn("states", "execution:payment:of a version")]
    assert ":setup:2" in execution["definition"]


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


def test_prune_never_takes_what_an_alias_names(world):
    """Both versions of a canary, and that of an alias that somebody made by hand."""
    world.deploy()
    first = f"{ALIAS.removesuffix(':live')}:1"
    routes = [{"stateMachineVersionArn": first, "weight": 100}]
    world.aws.call("states", "CreateStateMachineAlias", {"name": "audit", "routingConfiguration": routes})
    for _ in range(2):
        world.change("setup")
        world.deploy()
    world.change("setup")
    world.deploy(CanaryRequest(10, timedelta(minutes=15)))
    world.prune(keep=1)
    assert world.versions() == [1, 3, 4]
    assert world.function_versions("setup") == ["1", "3", "4"]
    assert world.routes() == {3: 90, 4: 10}


def test_a_new_build_does_not_enter_a_canary(world):
    world.deploy()
    world.change("setup")
    world.deploy(CanaryRequest(10, timedelta(minutes=15)))
    world.change("setup")
    plan = world.plan()
    assert "a canary of version 2 goes on" in plan.problems[0].message
    assert "flowdsl rollback" in plan.problems[0].hint


@pytest.mark.parametrize("alarm", ["failing", "all-failing"], ids=["metric", "composite"])
def test_an_alarm_rolls_a_canary_back(world, alarm):
    canary = begin(world, 50)
    world.aws.alarms = {alarm: "OK", "other": "ALARM"}
    session, told = world.session(), []
    assert session.missing_alarms((alarm, "misspelt")) == ["misspelt"]

    def tell(text: str) -> None:
        told.append(text)
        if len(told) == 10:
            world.aws.alarms[alarm] = "ALARM"

    assert not session.watch(ALIAS, canary, alarms=(alarm,), tell=tell)
    assert told[-1] == f"alarm {alarm}: back to version 1"
    assert len(told) == 11
    assert world.routes() == {1: 100}


def test_alarms_that_may_not_be_read(world):
    world.aws.denied = frozenset({"cloudwatch:DescribeAlarms"})
    with pytest.raises(FlowError, match="your credentials lack permissions: cloudwatch:DescribeAlarms"):
        world.session().missing_alarms(("failing",))


def test_a_failed_test_rolls_a_canary_back(world):
    canary = begin(world)
    results = iter([True, True, False])
    tested: list[dict[str, str]] = []

    def test(versions: dict[str, str]) -> bool:
        tested.append(versions)
        return next(results)

    told: list[str] = []
    assert not world.session().watch(ALIAS, canary, test=test, tell=told.append)
    assert tested == [{"payment": PLACE.arn("states", "stateMachine:payment:2")}] * 3
    assert told[-1] == "the test failed: back to version 1"
    assert world.routes() == {1: 100}


def test_somebody_rolls_back_while_a_canary_is_watched(world):
    """The end of the canary does not undo that."""
    canary = begin(world)
    told: list[str] = []

    def tell(text: str) -> None:
        if not told:
            world.rollback()
        told.append(text)

    assert not world.session().watch(ALIAS, canary, tell=tell)
    assert told[-1] == "somebody else moved the alias"
    assert world.routes() == {1: 100}


def test_two_watch_the_same_canary(world):
    canary = begin(world)

    def tell(_: str) -> None:
        if len(world.routes()) == 2:
            assert world.session().watch(ALIAS, canary)

    assert world.session().watch(ALIAS, canary, tell=tell)
    assert world.routes() == {2: 100}


class Faulty:
    """An AWS whose reads fail some times in a row."""

    def __init__(self, world: World, times: int, code: str = "ServiceUnavailable") -> None:
        self.world, self.times, self.code = world, times, code

    def call(self, service: str, operation: str, arguments: Any) -> Any:
        if operation == "DescribeAlarms" and self.times:
            self.times -= 1
            raise CallError(self.code, "try later", service, operation)
        return self.world.aws.call(service, operation, arguments)


def test_a_passing_fault_does_not_end_the_watch(world):
    canary = begin(world)
    session = world.session()
    session.aws = Faulty(world, 3)
    assert session.watch(ALIAS, canary, alarms=("failing",))
    assert world.routes() == {2: 100}


def test_a_lasting_fault_says_how_to_go_on(world):
    canary = begin(world)
    session = world.session()
    session.aws = Faulty(world, 99)
    with pytest.raises(FlowError, match=r"the canary stays at 10 %: .*ServiceUnavailable") as raised:
        session.watch(ALIAS, canary, alarms=("failing",))
    assert "flowdsl rollback" in str(raised.value)
    assert world.routes() == {1: 90, 2: 10}


def test_credentials_that_expire_end_the_watch_at_once(world):
    canary = begin(world)
    session, before = world.session(), world.aws.clock.slept
    session.aws = Faulty(world, 99, "ExpiredTokenException")
    with pytest.raises(FlowError, match=r"stays at 10 %: .*have expired") as raised:
        session.watch(ALIAS, canary, alarms=("failing",))
    assert "log in again" in str(raised.value)
    assert "flowdsl deploy again to go on" in str(raised.value)
    assert world.aws.clock.slept == before
    assert world.session().watch(ALIAS, world.plan().canaries[ALIAS])
    assert world.routes() == {2: 100}


@pytest.mark.parametrize("fault", ["before", "after"])
def test_a_watch_that_breaks_off_is_taken_up_again(world, fault):
    """At each of its calls, by the next deploy."""
    canary = begin(world, minutes=1)
    before = copy.deepcopy(world.aws)
    assert world.session().watch(ALIAS, canary, pause=30)
    calls = len(world.aws.log) - len(before.log)
    assert calls > 3
    for position in range(calls):
        world.aws = copy.deepcopy(before)
        world.aws.fail_at, world.aws.fault = len(before.log) + position, fault
        with contextlib.suppress(FlowError, ConnectionLostError):
            world.session().watch(ALIAS, canary, pause=30)
        world.aws.fail_at = None
        world.deploy()
        for alias, running in world.plan().canaries.items():
            assert world.session().watch(alias, running)
        assert world.routes() == {2: 100}, position
        assert not world.plan().calls
