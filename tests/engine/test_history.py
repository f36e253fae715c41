"""What get_execution_history would return, checked against botocore's model of that API."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from flowdsl.engine import execute, prepare
from flowdsl.engine.history import MEMBERS

from .script import Script, value

pytestmark = pytest.mark.slow


@cache
def model() -> Any:
    from botocore.loaders import Loader
    from botocore.model import ServiceModel

    return ServiceModel(Loader().load_service_model("stepfunctions", "service-2"))


def conforms(shape: Any, shown: Any, where: str = "event") -> None:
    """Whether a rendered value has the type, and only the members, that the API's model gives it."""
    if shape.type_name == "structure":
        assert shown.keys() <= shape.members.keys(), f"{where}: {shown.keys() - shape.members.keys()}"
        assert set(shape.required_members) <= shown.keys(), where
        for key, item in shown.items():
            conforms(shape.members[key], item, f"{where}.{key}")
    elif shape.type_name == "map":
        for key, item in shown.items():
            conforms(shape.value, item, f"{where}.{key}")
    else:
        types: dict[str, Any] = {
            "string": str,
            "long": int,
            "integer": int,
            "boolean": bool,
            "timestamp": datetime,
        }
        assert isinstance(shown, types[shape.type_name]), f"{where}: {shown!r}"
        if getattr(shape, "enum", None):
            assert shown in shape.enum, f"{where}: {shown!r}"


CASES = [
    pytest.param(case, id=case["name"])
    for file in sorted((Path(__file__).parent / "cases").glob("*.json"))
    for case in json.loads(file.read_text())
]


@pytest.mark.parametrize("case", CASES)
def test_every_event_is_one_of_the_api(case: dict[str, Any]) -> None:
    program = prepare(case["definition"], type=case.get("type", "STANDARD"))
    result = execute(program, value(case["input"]), invoke=Script(case.get("replies")))
    shape = model().shape_for("HistoryEvent")
    for event in result.history.render():
        conforms(shape, event)


def test_the_members_are_those_of_the_api() -> None:
    shape = model().shape_for("HistoryEvent")
    assert set(MEMBERS.values()) <= shape.members.keys()
    assert MEMBERS.keys() <= set(model().shape_for("HistoryEventType").enum)


def test_an_event_in_full() -> None:
    program = prepare({"StartAt": "S", "States": {"S": {"Type": "Pass", "Assign": {"v": [1]}, "End": True}}})
    result = execute(program, {"é": 1.0}, invoke=Script())
    assert result.history.render()[2] == {
        "timestamp": datetime(2025, 1, 1, tzinfo=UTC),
        "type": "PassStateExited",
        "id": 3,
        "previousEventId": 2,
        "stateExitedEventDetails": {
            "name": "S",
            "output": '{"é":1.0}',
            "outputDetails": {"truncated": False},
            "assignedVariables": {"v": "[1]"},
            "assignedVariablesDetails": {"truncated": False},
        },
    }


def loop(times: int) -> dict[str, Any]:
    count = {"Type": "Pass", "Parameters": {"n.$": "States.MathAdd($.n, 1)"}, "Next": "More"}
    rule = {"Variable": "$.n", "NumericLessThan": times, "Next": "Count"}
    more = {"Type": "Choice", "Choices": [rule], "Default": "Done"}
    return {"StartAt": "Count", "States": {"Count": count, "More": more, "Done": {"Type": "Succeed"}}}


def test_at_most_25000_events() -> None:
    result = execute(prepare(loop(1_000_000)), {"n": 0}, invoke=Script())
    assert result.status == "FAILED"
    assert result.cause == "The execution reached the maximum number of history events (25000)."
    assert len(result.history) == 25_000
    assert result.history[-1].type == "ExecutionFailed"


def test_the_25000th_event_may_be_the_end() -> None:
    passes = {f"P{n}": {"Type": "Pass", "Next": f"P{n + 1}"} for n in range(12_498)}
    program = prepare({"StartAt": "P0", "States": {**passes, "P12498": {"Type": "Pass", "End": True}}})
    result = execute(program, {}, invoke=Script())
    assert (result.status, len(result.history)) == ("SUCCEEDED", 25_000)


def test_an_express_execution_in_an_endless_loop_times_out() -> None:
    around = {"StartAt": "S", "States": {"S": {"Type": "Pass", "Next": "S"}}}
    result = execute(prepare(around, type="EXPRESS"), {}, invoke=Script())
    assert (result.status, result.error, len(result.history)) == ("TIMED_OUT", None, 300_000)
    assert result.history[-1].details == {"error": "States.Timeout"}


def test_an_express_execution_has_no_limit_of_events() -> None:
    result = execute(prepare(loop(10_000), type="EXPRESS"), {"n": 0}, invoke=Script())
    assert (result.status, result.output) == ("SUCCEEDED", {"n": 10_000})
