"""What somebody does to a deployment in the console: the next deploy says so, and puts it right."""

import json
from typing import Any

import pytest

from flowdsl.deploy.model import STACK
from tests.deploy.memory import Memory
from tests.deploy.memory_common import PLACE
from tests.deploy.test_watching import watched
from tests.deploy.world import World, no_failure

MACHINE = PLACE.arn("states", "stateMachine:payment")


@pytest.fixture
def deployed(world: World) -> World:
    """Two versions, with schedules and alarms."""
    world.code["sweep"] = "1"
    world.machine = watched()
    world.deploy()
    world.change("setup")
    world.deploy()
    world.aws.clock.sleep(60)
    return world


def delete(what: str, name: str) -> Any:
    return lambda aws: getattr(aws, what).pop(name)


def route(*weights: tuple[int, int]) -> Any:
    """Route the alias by hand; the description stays."""

    def change(aws: Memory) -> None:
        routes = {f"{MACHINE}:{version}": weight for version, weight in weights}
        aws.machines["payment"]["aliases"]["live"]["routes"] = routes

    return change


def describe(text: str) -> Any:
    return lambda aws: aws.machines["payment"]["aliases"]["live"].update(description=text)


def untag(what: str, name: str) -> Any:
    return lambda aws: getattr(aws, what)[name]["tags"].clear()


def drop_version(aws: Memory) -> None:
    aws.functions["setup"]["versions"].pop()


DELETED = {
    "a function": (delete("functions", "setup"), "+ function setup"),
    "the newest version of a function": (drop_version, "+ function setup"),
    "the alias of a function that is chosen at run time": (
        lambda aws: aws.functions["psp-a"]["aliases"].clear(),
        "of function psp-a",
    ),
    "a role": (delete("roles", "setup-eu-west-1"), "+ role setup-eu-west-1"),
    "a role's policy": (lambda aws: aws.roles["setup-eu-west-1"]["inline"].clear(), "~ role setup-eu-west-1"),
    "a log group": (delete("groups", "/aws/lambda/setup"), "+ log group /aws/lambda/setup"),
    "a table": (delete("tables", "donations"), "+ table donations"),
    "a queue": (delete("queues", "letters"), "+ queue letters"),
    "a topic": (delete("topics", "news"), "+ topic news"),
    "an event bus": (delete("buses", "events"), "+ event bus events"),
    "an alarm": (delete("metric_alarms", "failing"), "~ alarm failing"),
    "the schedules": (delete("schedule_groups", "payment"), "+ schedule group payment"),
    "a schedule": (lambda aws: aws.schedule_groups["payment"]["schedules"].pop("tidy"), "+ schedule payment/tidy"),
    "the state machine": (delete("machines", "payment"), "+ state machine payment"),
    "its newest version": (
        lambda aws: (route((1, 100))(aws), aws.machines["payment"]["versions"].pop(2)),
        "+ state machine payment",
    ),
    "the alias": (lambda aws: aws.machines["payment"]["aliases"].clear(), "+ alias live of state machine payment"),
    "the alias, moved back": (route((1, 100)), "~ alias live of state machine payment  from version 1"),
    "the alias, split": (
        route((1, 50), (2, 50)),
        "~ alias live of state machine payment  from version 1 and version 2",
    ),
}


MARKS = {"create": "+", "change": "~", "delete": "-"}


@pytest.mark.parametrize(("change", "line"), DELETED.values(), ids=DELETED)
def test_what_somebody_deleted_or_moved_is_put_right(deployed, change, line):
    before = deployed.state()
    change(deployed.aws)
    plan = deployed.plan()
    lines = [
        f"{ {'create': '+', 'change': '~', 'delete': '-'}[call.verb] } {call.resource}  {call.reason}"
        for call in plan.calls
    ]
    assert any(line in each for each in lines), lines
    deployed.deploy()
    assert not deployed.plan().calls
    after = deployed.state()
    assert after.keys() == before.keys()
    for kind in before:
        assert after[kind].keys() == before[kind].keys(), kind
    newest = max(deployed.versions())
    assert deployed.routes() == {newest: 100}
    execution = deployed.aws.start("new", "payment")
    no_failure(deployed.aws, execution)


def test_an_execution_whose_function_somebody_deleted_is_named(deployed):
    """It cannot be helped, for its definition names the version."""
    deployed.aws.start("don-1", "payment")
    deployed.aws.functions["setup"]["versions"].pop()
    notes = deployed.plan().notes
    assert "execution don-1 calls setup:2, which is not there any more" in notes
    del deployed.aws.functions["setup"]
    notes = deployed.plan().notes
    assert "execution don-1 calls setup:2, which is not there any more" in notes
    deployed.deploy()
    assert not deployed.plan().calls


UNTAGGED = {
    "a function": (untag("functions", "setup"), "function setup"),
    "the state machine": (untag("machines", "payment"), "state machine payment"),
    "a role": (untag("roles", "setup-eu-west-1"), "role setup-eu-west-1"),
    "a table": (untag("tables", "donations"), "table donations"),
    "a queue": (untag("queues", "letters"), "queue letters"),
    "a topic": (lambda aws: aws.topics["news"].clear(), "topic news"),
    "an event bus": (lambda aws: aws.buses["events"].clear(), "event bus events"),
    "an alarm": (untag("metric_alarms", "failing"), "alarm failing"),
    "the schedules": (untag("schedule_groups", "payment"), "schedule group payment"),
}


@pytest.mark.parametrize(("change", "what"), UNTAGGED.values(), ids=UNTAGGED)
def test_tags_that_somebody_removed(deployed, change, what):
    """Then nothing says that it is flowdsl's, so nothing is changed; the hint has the tags that make it so again."""
    before = deployed.state()
    change(deployed.aws)
    plan = deployed.plan()
    (problem,) = plan.problems
    assert problem.message == f"the name is taken: {what} exists and was not created by flowdsl"
    tags = dict(each.split("=") for each in problem.hint.rpartition("give it these: ")[2].split(", "))
    assert tags == deployed.stack.marks
    kinds = (
        deployed.aws.functions,
        deployed.aws.machines,
        deployed.aws.roles,
        deployed.aws.tables,
        deployed.aws.queues,
    )
    kinds = (*kinds, deployed.aws.metric_alarms, deployed.aws.schedule_groups)
    everything = [each["tags"] for kind in kinds for each in kind.values()]
    for each in (*everything, *deployed.aws.topics.values(), *deployed.aws.buses.values()):
        if STACK not in each:
            each.update(tags)
    deployed.deploy()
    assert not deployed.plan().calls
    assert deployed.state() == before


def test_what_lost_its_tags_is_not_destroyed_nor_left_without_its_role(deployed):
    for change in (untag("functions", "setup"), untag("machines", "payment")):
        change(deployed.aws)
    for _ in range(2):
        plan = deployed.destroy()
        assert "function setup lacks the tags of this stack, so it stays with its role" in plan.notes
        assert "state machine payment lacks the tags of this stack, so it stays with its role" in plan.notes
        assert "nothing is left" not in plan.notes
    assert {*deployed.aws.functions} == {"setup"}
    assert {*deployed.aws.roles} == {"setup-eu-west-1", "payment-states-eu-west-1"}
    for each in (deployed.aws.functions["setup"], deployed.aws.machines["payment"]):
        each["tags"].update(deployed.stack.marks)
    deployed.destroy()
    assert not deployed.aws.functions
    assert not deployed.aws.roles


BROKEN = {
    "no description": "",
    "somebody's own": "the alias of payments",
    "not JSON": "flowdsl {",
    "not an object": "flowdsl []",
    "a canary of nothing": 'flowdsl {"previous": 1, "canary": {}}',
    "a canary without a time": 'flowdsl {"previous": 1, "canary": {"percent": 10, "until": "soon"}}',
    "a canary without a time zone": 'flowdsl {"previous": 1, "canary": {"percent": 10, "until": "2026-03-01"}}',
    "a canary that is a number": 'flowdsl {"previous": 1, "canary": 10}',
    "a version that is a text": 'flowdsl {"previous": "one", "rolled_back": {}}',
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_an_alias_whose_description_somebody_changed(deployed, text):
    route((1, 90), (2, 10))(deployed.aws)
    describe(text)(deployed.aws)
    assert not deployed.plan().problems
    deployed.deploy()
    assert deployed.routes() == {2: 100}
    describe(text)(deployed.aws)
    deployed.rollback()
    assert deployed.routes() == {1: 100}


def test_the_share_of_a_canary_that_somebody_changed(deployed):
    """The plan tells the share that the alias has, not the one that it began with."""
    until = (deployed.aws.clock.now()).replace(year=2030).isoformat()
    route((1, 70), (2, 30))(deployed.aws)
    describe("flowdsl " + json.dumps({"previous": 1, "canary": {"percent": 10, "until": until}}))(deployed.aws)
    plan = deployed.plan()
    assert any("version 2 gets 30 % until" in note for note in plan.notes)
    assert not plan.calls
