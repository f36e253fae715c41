"""Executions that go on in another process, from what was stored before the first was killed."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from attrs import evolve

from flowdsl.base.diagnostics import FlowError
from flowdsl.engine import Call, Later, Program, Reply, Scheduler, Succeeded, VirtualClock, WallClock, prepare
from flowdsl.engine.stored import Snapshot, from_json, to_json

RETRY = {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 2, "MaxAttempts": 3, "JitterStrategy": "FULL"}
LEAF = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 7, "End": True}}}
NESTED = "arn:aws:states:::states:startExecution.sync:2"
SEND = "arn:aws:states:::sqs:sendMessage.waitForTaskToken"
ACTIVITY = "arn:aws:states:us-east-1:123456789012:activity:check"


def task(resource: str = "arn:aws:states:::lambda:invoke", **fields: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": resource, "Parameters": {}, "End": True, **fields}


def numbered(**states: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"StartAt": name, "States": {name: state}} for name, state in states.items()]


MACHINES: dict[str, dict[str, Any]] = {
    "retried calls in a Parallel": {
        "Type": "Parallel",
        "Branches": numbered(A=task(Retry=[RETRY]), B={"Type": "Wait", "Seconds": 9, "End": True}, C=task()),
    },
    "a Map with a timeout that is caught": {
        "Type": "Map",
        "ItemProcessor": {
            "StartAt": "T",
            "States": {
                "T": task(TimeoutSeconds=3, Catch=[{"ErrorEquals": ["States.Timeout"], "Next": "P"}]),
                "P": {"Type": "Pass", "Result": "late", "End": True},
            },
        },
    },
    "a callback with heartbeats": task(SEND, HeartbeatSeconds=5, TimeoutSeconds=60),
    "a callback that never comes": task(SEND, TimeoutSeconds=60, Retry=[{**RETRY, "MaxAttempts": 1}]),
    "an activity": {**task(ACTIVITY), "HeartbeatSeconds": 8},
    "a nested execution": task(NESTED, Parameters={"StateMachineArn": "leaf", "Input": {"n": 1}}),
    "a Distributed Map": {
        "Type": "Map",
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"},
            "StartAt": "D",
            "States": {"D": task(Retry=[RETRY], Next="V"), "V": {"Type": "Wait", "Seconds": 3, "End": True}},
        },
        "MaxConcurrency": 2,
        "End": True,
    },
}  # fmt: skip


def answer(call: Call) -> Reply:
    """Answers from the call alone, as a service does that is called again after a crash."""
    if call.resource == SEND:
        if call.heartbeat_seconds is None:
            return Reply.succeeded({"MessageId": "m"})
        return Reply.pending({"MessageId": "m"}, Later(9, Succeeded("called back")), seconds=0.5)
    if call.integration == "activity":
        return Reply.succeeded("done", seconds=4)
    if call.state_name == "T":
        return Reply.succeeded("in time", seconds=2.5) if call.event_id % 2 else Reply.timed_out()
    if call.retry_count < 2 and call.state_name != "C":
        return Reply.failed("Busy", seconds=1)
    return Reply.succeeded({"at": call.now, "retries": call.retry_count}, seconds=1.5)


def programs(state: dict[str, Any]) -> dict[str, Program]:
    machine = {"StartAt": "S", "States": {"S": {**state, "End": True}}}
    return {"machine": prepare(machine, name="machine"), "leaf": prepare(LEAF, name="leaf")}


def histories(scheduler: Scheduler) -> dict[str, tuple[str, list[dict[str, Any]]]]:
    return {arn: (result.status, result.history.render()) for arn, result in scheduler.executions.items()}


def recorded(state: dict[str, Any]) -> tuple[Scheduler, list[str]]:
    """An execution that was run to its end, and what was stored after each step, as JSON text."""
    stored: list[str] = []
    machines = programs(state)
    scheduler = Scheduler(
        answer, machines=machines, seed=5, on_step=lambda: stored.append(json.dumps(to_json(scheduler.snapshot())))
    )
    scheduler.start(machines["machine"], [1, 2, 3], name="run")
    stored.append(json.dumps(to_json(scheduler.snapshot())))
    scheduler.run()
    return scheduler, stored


def resumed(state: dict[str, Any], snapshot: Snapshot) -> Scheduler:
    machines = programs(state)
    scheduler = Scheduler(answer, clock=VirtualClock(snapshot.now), machines=machines, seed=5)
    scheduler.resume(snapshot, machines)
    scheduler.run()
    return scheduler


@pytest.mark.parametrize("name", MACHINES)
def test_an_execution_that_was_killed_goes_on_to_the_same_history(name: str) -> None:
    first, stored = recorded(MACHINES[name])
    lengths = set()
    for text in stored:
        snapshot = from_json(json.loads(text))
        lengths.add(sum(len(execution.journal) for execution in snapshot.executions))
        assert histories(resumed(MACHINES[name], snapshot)) == histories(first)
    whole = sum(len(result.journal) for result in first.executions.values())
    assert max(lengths) == whole
    assert len(lengths) >= whole - len(first.executions) + 1, "it was killed after each signal"


@pytest.mark.parametrize("name", ["a callback that never comes"])
def test_journals_alone_are_enough_for_what_has_no_answer_yet(name: str) -> None:
    first, stored = recorded(MACHINES[name])
    for text in stored:
        snapshot = evolve(from_json(json.loads(text)), timers=None, tasks=())
        if not snapshot.executions[0].journal:
            continue
        assert histories(resumed(MACHINES[name], snapshot)) == histories(first)


def test_a_call_that_had_not_returned_is_made_again() -> None:
    machines = programs(task())
    stored: list[Snapshot] = []

    def die(call: Call) -> Reply:
        raise KeyboardInterrupt

    scheduler = Scheduler(die, machines=machines, seed=5)
    result = scheduler.start(machines["machine"], {}, name="run")
    with pytest.raises(KeyboardInterrupt):
        scheduler.run()
    stored.append(scheduler.snapshot())
    assert [each.is_calling for each in stored[0].tasks] == [True]
    again = Scheduler(lambda call: Reply.succeeded("again"), clock=VirtualClock(stored[0].now), seed=5)
    again.resume(stored[0], machines)
    again.run()
    assert again.executions[result.arn].output == "again"


@pytest.mark.parametrize("pattern", ["", ".sync", ".sync:2"])
@pytest.mark.parametrize("type", ["STANDARD", "EXPRESS"])
def test_a_nested_execution_is_not_started_twice(pattern: str, type: Any) -> None:
    """Wherever the journals end, and although the call has no Name."""
    start = task(NESTED.replace(".sync:2", pattern), Parameters={"StateMachineArn": "leaf"})
    machines = {**programs(start), "leaf": prepare(LEAF, name="leaf", type=type)}
    stored: list[Snapshot] = []
    first = Scheduler(answer, machines=machines, seed=5, on_step=lambda: stored.append(first.snapshot()))
    first.start(machines["machine"], {}, name="run")
    first.run()
    for snapshot in stored:
        again = Scheduler(answer, clock=VirtualClock(snapshot.now), machines=machines, seed=5)
        again.resume(evolve(snapshot, timers=None, tasks=()), machines)
        again.run()
        assert histories(again) == histories(first)
        assert len(again.executions["arn:aws:states:us-east-1:123456789012:execution:machine:run"].children) == 1


def test_a_nested_execution_without_a_name_has_one_of_its_own_in_each_attempt() -> None:
    start = task(NESTED, Parameters={"StateMachineArn": "leaf"}, Retry=[{"ErrorEquals": ["States.ALL"]}])
    failing = prepare({"StartAt": "F", "States": {"F": {"Type": "Fail"}}}, name="leaf")
    machines = {**programs(start), "leaf": failing}
    scheduler = Scheduler(answer, machines=machines)
    scheduler.start(machines["machine"], {}, name="run")
    scheduler.run()
    assert len(scheduler.executions) == 1 + 4


def test_an_execution_may_have_the_name_of_another_machine() -> None:
    machines = programs({"Type": "Wait", "Seconds": 3})
    first = Scheduler(answer, seed=5)
    first.start(machines["machine"], {}, name="leaf")
    again = Scheduler(answer, clock=VirtualClock(first.clock.now()), seed=5)
    again.resume(first.snapshot(), machines)
    again.run()
    first.run()
    assert histories(again) == histories(first)


def test_what_another_thread_did_last_is_stored() -> None:
    """It is in the inbox when the snapshot is taken."""
    machines = programs({"Type": "Wait", "Seconds": 3})
    stored: list[Snapshot] = []

    def start_beside() -> None:
        if not stored:
            thread = threading.Thread(target=lambda: first.start(machines["leaf"], {}, name="second"))
            thread.start()
            thread.join()
            stored.append(first.snapshot())

    first = Scheduler(answer, seed=5, on_step=start_beside)
    first.start(machines["machine"], {}, name="first")
    first.run()
    again = Scheduler(answer, clock=VirtualClock(stored[0].now), seed=5)
    again.resume(from_json(json.loads(json.dumps(to_json(stored[0])))), machines)
    again.run()
    assert histories(again) == histories(first)


def test_an_answer_that_came_before_the_call_returned_is_stored() -> None:
    machines = programs(task(SEND))
    stored: list[Snapshot] = []
    returns = threading.Event()

    def send(call: Call) -> Reply:
        first.send_task_success(str(call.task_token), "sent")
        returns.wait()
        return Reply.succeeded({})

    def store() -> None:
        stored.append(first.snapshot())
        if any(each.early for each in stored[-1].tasks):
            raise KeyboardInterrupt

    first = Scheduler(send, clock=WallClock(), seed=5, on_step=store)
    result = first.start(machines["machine"], {}, name="run")
    with pytest.raises(KeyboardInterrupt):
        first.run()
    returns.set()
    again = Scheduler(lambda call: Reply.pending({}), clock=VirtualClock(stored[-1].now), seed=5)
    again.resume(from_json(json.loads(json.dumps(to_json(stored[-1])))), machines)
    assert again.tokens == []
    again.run()
    assert again.executions[result.arn].output == "sent"


def test_a_snapshot_may_be_taken_right_after_resuming() -> None:
    machines = programs(task())
    calls: list[Call] = []

    def die(call: Call) -> Reply:
        raise KeyboardInterrupt

    first = Scheduler(die, seed=5)
    first.start(machines["machine"], {}, name="run")
    with pytest.raises(KeyboardInterrupt):
        first.run()
    second = Scheduler(die, seed=5)
    second.resume(first.snapshot(), machines)
    third = Scheduler(lambda call: calls.append(call) or Reply.succeeded({}), seed=5)  # type: ignore[func-returns-value]
    third.resume(second.snapshot(), machines)
    third.run()
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("programs_now", "message"),
    [
        ({}, "its state machine 'machine' is missing"),
        (programs({"Type": "Pass"}), "the definition of 'machine' has changed"),
    ],
)
def test_an_execution_goes_on_with_its_own_definition(programs_now: dict[str, Program], message: str) -> None:
    first, _ = recorded({"Type": "Wait", "Seconds": 3})
    with pytest.raises(FlowError, match=message):
        Scheduler(answer).resume(first.snapshot(), programs_now)


@pytest.mark.parametrize("wrong", [None, {}, {"is": "Program"}, ["Entry"]])
def test_other_json_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match="not a stored value"):
        from_json(wrong)
