"""Executions that go on in another process, from what was stored before the first was killed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from attrs import evolve

from flowdsl.engine import Call, Later, Program, Reply, Scheduler, Succeeded, VirtualClock, prepare
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


@pytest.mark.parametrize("wrong", [None, {}, {"is": "Program"}, ["Entry"]])
def test_other_json_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match="not a stored value"):
        from_json(wrong)
