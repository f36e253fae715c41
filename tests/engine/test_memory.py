"""A finished execution is freed with the last reference to it; the garbage collector has nothing to do."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import pytest

from flowdsl.calls.lambdas import LocalLambdas
from flowdsl.engine import ExecutionHistory, Result, Scheduler, execute, prepare

INPUT: dict[str, Any] = {"items": [1, 2]}
ALL = ["States.ALL"]
PASS = {"Type": "Pass", "End": True}
WAIT = {"Type": "Wait", "Seconds": 90, "End": True}
UNKNOWN_PATH = {"Type": "Pass", "InputPath": "$.unknown", "End": True}
WORK = {"Type": "Task", "Resource": "work", "TimeoutSeconds": 5, "End": True}
FAILING = {"Type": "Task", "Resource": "failing", "End": True}


def block(state: dict[str, Any]) -> dict[str, Any]:
    return {"StartAt": "Inner", "States": {"Inner": state}}


def each(state: dict[str, Any], mode: str = "INLINE") -> dict[str, Any]:
    config = {"Mode": mode} | ({"ExecutionType": "EXPRESS"} if mode == "DISTRIBUTED" else {})
    return {"Type": "Map", "ItemsPath": "$.items", "ItemProcessor": {**block(state), "ProcessorConfig": config}}


def beside(*states: dict[str, Any]) -> dict[str, Any]:
    return {"Type": "Parallel", "Branches": [block(state) for state in states]}


CAUGHT = {"Catch": [{"ErrorEquals": ALL, "Next": "Done"}], "Retry": [{"ErrorEquals": ALL, "MaxAttempts": 1}]}
STATES: dict[str, dict[str, Any]] = {
    "a Pass": PASS,
    "a Wait": WAIT,
    "a Wait that is cut off": {**WAIT, "Seconds": 5000},
    "a Task": WORK,
    "a Task that fails": FAILING,
    "a Task whose error is caught": {**FAILING, **CAUGHT},
    "a Fail": {"Type": "Fail", "Error": "E"},
    "a path that finds nothing": UNKNOWN_PATH,
    "a query that fails": {"Type": "Pass", "QueryLanguage": "JSONata", "Output": "{% $error('x') %}", "End": True},
    "branches": {**beside(PASS, WORK), "End": True},
    "a branch that fails": {**beside(WAIT, FAILING), "End": True},
    "a branch that ends everything": {**beside(WAIT, UNKNOWN_PATH), "End": True},
    "a branch whose error is caught": {**beside({**each(WAIT), "End": True}, FAILING), **CAUGHT, "End": True},
    "iterations": {**each(WORK), "End": True},
    "an iteration that fails": {**each(FAILING), "MaxConcurrency": 1, "End": True},
    "child executions": {**each(WORK, "DISTRIBUTED"), "End": True},
    "a child execution that fails": {**each(FAILING, "DISTRIBUTED"), **CAUGHT, "End": True},
}


def fail(event: Any, context: Any) -> None:
    raise RuntimeError("no")


LAMBDAS = LocalLambdas({"work": lambda event, context: event, "failing": fail})


@pytest.fixture(autouse=True)
def old_objects_out_of_sight() -> Iterator[None]:
    """The collector, and gc.get_objects, look at nothing from before: other tests leave millions of objects."""
    gc.freeze()
    yield
    gc.unfreeze()


def histories() -> int:
    return sum(isinstance(each, ExecutionHistory) for each in gc.get_objects())


@pytest.mark.parametrize("name", STATES)
def test_a_history_is_freed_with_its_result(name: str) -> None:
    states = {"S": STATES[name], "Done": {"Type": "Succeed"}}
    program = prepare({"StartAt": "S", "States": states, "TimeoutSeconds": 1000})
    execute(program, INPUT, invoke=LAMBDAS)  # fills what is cached
    gc.collect()
    gc.disable()
    try:
        before = histories()
        result: Result | None = execute(program, INPUT, invoke=LAMBDAS)
        assert result is not None
        assert result.status != "RUNNING"
        assert histories() > before
        result = None
        assert histories() == before
    finally:
        gc.enable()


def test_a_stopped_execution_is_freed_with_its_scheduler() -> None:
    program = prepare({"StartAt": "S", "States": {"S": WAIT}})
    gc.collect()
    gc.disable()
    try:
        before = histories()
        scheduler = Scheduler(LAMBDAS)
        result = scheduler.start(program, INPUT)
        scheduler.stop_execution(result)
        scheduler.run()
        assert (result.status, len(result.history)) == ("ABORTED", 2)
        del result, scheduler
        assert histories() == before
    finally:
        gc.enable()


def test_an_event_adds_nothing_that_the_garbage_collector_looks_at() -> None:
    states = {
        "Count": {"Type": "Pass", "Parameters": {"n.$": "States.MathAdd($.n, -1)"}, "Next": "More"},
        "More": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.n", "NumericEquals": 0, "Next": "Done"}],
            "Default": "Count",
        },
        "Done": {"Type": "Succeed"},
    }
    program = prepare({"StartAt": "Count", "States": states})

    def objects(n: int) -> int:
        result = execute(program, {"n": n}, invoke=LAMBDAS)
        gc.collect()
        assert len(result.history) > 4 * n
        return len(gc.get_objects())

    objects(1)
    assert (
        objects(1000) - objects(10) < 1.5 * 990
    )  # a value for each Pass (none before Python 3.14), nothing for its four events
