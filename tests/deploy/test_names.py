"""Names that AWS does not take, or that become too long in an instance: an error before anything is made."""

from datetime import timedelta
from typing import Any

import pytest

from flowdsl import Alarm, EventBus, Executions, Function, Queue, Schedule, StateMachine, Table, Task, Topic
from flowdsl.base.diagnostics import FlowError
from tests.deploy.test_nested import child_arn, starts
from tests.deploy.world import World

SETUP = Function("setup", "handlers/setup")
INSTANCE = "pull-request-1234567"


def machine(name: str = "payment", **more: Any) -> StateMachine:
    return StateMachine(name, Task("Setup", SETUP), **more)


def using(resource: Any, action: str) -> StateMachine:
    function = Function("setup", "handlers/setup", access=[resource.access(action, variable="ITS_NAME")])
    return StateMachine("payment", Task("Setup", function))


WRONG = {
    "a state machine with an umlaut": (lambda: machine("zählung"), "'zählung' cannot be the name of"),
    "a state machine, too long": (lambda: machine("m" * 60), "at most 80"),
    "a table, too short": (lambda: using(Table("t", key="id"), "GetItem"), "'table t' cannot have this name"),
    "a table, too long": (lambda: using(Table("t" * 240, key="id"), "GetItem"), "use 3 to 255 letters"),
    "a queue, too long": (lambda: using(Queue("q" * 60), "SendMessage"), "use at most 80 letters"),
    "a FIFO queue, too long": (lambda: using(Queue("q" * 55 + ".fifo"), "SendMessage"), "use at most 80 letters"),
    "a topic with spaces": (lambda: using(Topic("the news"), "Publish"), "use at most 256 letters"),
    "an event bus with a slash": (lambda: using(EventBus("a/b"), "PutEvents"), "use at most 256 letters"),
    "schedules, too long": (
        lambda: machine("m" * 50, schedules=[Schedule("sweep", SETUP, every=timedelta(hours=1))]),
        "use at most 64 letters",
    ),
}


@pytest.mark.parametrize(("declare", "text"), WRONG.values(), ids=WRONG)
def test_a_name_that_aws_does_not_take(tmp_path, declare, text):
    instance = "" if text.startswith(("'table t'", "'zählung")) else INSTANCE
    world = World(tmp_path, machine=declare(), instance=instance)
    with pytest.raises(FlowError) as raised:
        world.plan()
    assert text in str(raised.value)
    assert raised.value.diagnostics[0].hint
    assert not world.aws.changes()


LONGEST = {
    "a state machine": lambda: machine("m" * 59),
    "a queue": lambda: using(Queue("q" * 54 + ".fifo"), "SendMessage"),
    "a table": lambda: using(Table("t" * 234, key="id"), "GetItem"),
    "schedules and an alarm": lambda: machine(
        "m" * 43,
        schedules=[Schedule("s" * 64, SETUP, every=timedelta(hours=1))],
        alarms=[Alarm("a" * 200, Executions("m" * 43))],
    ),
}


@pytest.mark.parametrize("declare", LONGEST.values(), ids=LONGEST)
def test_the_longest_names_are_deployed(tmp_path, declare):
    world = World(tmp_path, machine=declare(), instance=INSTANCE)
    world.deploy()
    assert not world.plan().calls
    assert {len(name) <= 64 for name in world.aws.roles} == {True}


def test_a_nested_state_machine_with_dots_stays_while_it_is_needed(tmp_path):
    """Its name is what stands in the ARN up to the next colon."""
    nested = StateMachine("child.v2", Task("Receipt", Function("receipt", "handlers/receipt")))
    world = World(tmp_path, machine=StateMachine("payment", starts("child.v2")), others=[nested])
    world.deploy()
    world.aws.start("e", "payment")
    world.change("receipt")
    world.deploy()
    assert child_arn(world).endswith(":stateMachine:child.v2:2")
    world.prune()
    assert {*world.aws.machines["child.v2"]["versions"]} == {1, 2}
    assert world.function_versions("receipt") == ["1", "2"]


def test_a_state_machine_of_others_keeps_its_name(tmp_path):
    """One whose name begins like that of the flow's own."""
    world = World(tmp_path, machine=StateMachine("payment", starts("payment.theirs")), instance="pr-7")
    world.deploy()
    assert child_arn(world).endswith(":stateMachine:payment.theirs")
