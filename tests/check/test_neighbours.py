"""Each rule beside the cases that a recording or a document shows: other states, other fields, inside other states."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from flowdsl.check import check

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:pay"
INNER = {"StartAt": "I", "States": {"I": {"Type": "Pass", "End": True}}}
DISTRIBUTED = {**INNER, "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}}
RULE = {"Variable": "$.a", "IsNull": True, "Next": "B"}
STATES: dict[str, dict[str, Any]] = {
    "Task": {"Type": "Task", "Resource": FUNCTION, "End": True},
    "Parallel": {"Type": "Parallel", "Branches": [INNER], "End": True},
    "Map": {"Type": "Map", "ItemProcessor": INNER, "End": True},
    "Pass": {"Type": "Pass", "End": True},
    "Wait": {"Type": "Wait", "Seconds": 1, "End": True},
    "Choice": {"Type": "Choice", "Choices": [RULE], "Default": "B"},
    "Succeed": {"Type": "Succeed"},
    "Fail": {"Type": "Fail"},
}
HANDLER = {"ErrorEquals": ["X"]}
FIELDS: dict[str, tuple[Any, str]] = {
    "InputPath": ("$", "Task Parallel Map Pass Wait Choice Succeed"),
    "OutputPath": ("$", "Task Parallel Map Pass Wait Choice Succeed"),
    "ResultPath": ("$", "Task Parallel Map Pass"),
    "Parameters": ({}, "Task Parallel Map Pass"),
    "ResultSelector": ({}, "Task Parallel Map"),
    "Retry": ([HANDLER], "Task Parallel Map"),
    "Catch": ([{**HANDLER, "Next": "A"}], "Task Parallel Map"),
    "Assign": ({"a": 1}, "Task Parallel Map Pass Wait Choice"),
    "TimeoutSeconds": (5, "Task"),
    "HeartbeatSecondsPath": ("$.a", "Task"),
    "Credentials": ({"RoleArn": "r"}, "Task"),
    "Result": (1, "Pass"),
    "MaxConcurrency": (1, "Map"),
    "ItemSelector": ({}, "Map"),
    "ErrorPath": ("$.a", "Fail"),
    "Cause": ("a", "Fail"),
}
"""Source: ASL specification, the tables of "State Types" and of each state."""


def machine(state: dict[str, Any], language: str = "JSONPath") -> dict[str, Any]:
    states = {"A": state, "B": {"Type": "Succeed"}} if state["Type"] == "Choice" else {"A": state}
    return {"QueryLanguage": language, "StartAt": "A", "States": states}


def everywhere(definition: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The definition, and machines that have its states inside a Map, a Distributed Map and a Parallel."""
    yield definition
    inner = {key: definition[key] for key in ("StartAt", "States")}
    around: list[dict[str, Any]] = [
        {"Type": "Map", "ItemProcessor": inner},
        {"Type": "Map", "Iterator": inner},
        {"Type": "Map", "ItemProcessor": {**inner, "ProcessorConfig": DISTRIBUTED["ProcessorConfig"]}},
        {"Type": "Parallel", "Branches": [{"StartAt": "Other", "States": {"Other": {"Type": "Succeed"}}}, inner]},
    ]
    for state in around:
        yield {**definition, "StartAt": "Around", "States": {"Around": {**state, "End": True}}}


def refused(state: dict[str, Any], language: str = "JSONPath") -> set[bool]:
    """Whether AWS refuses the state, wherever it stands."""
    return {
        any(found.severity == "error" and bool(found.aws) for found in check(each))
        for each in everywhere(machine(state, language))
    }


@pytest.mark.parametrize("kind", STATES)
@pytest.mark.parametrize("field", FIELDS)
def test_fields_of_states(field: str, kind: str) -> None:
    value, owners = FIELDS[field]
    assert refused({**STATES[kind], field: value}) == {kind not in owners.split()}


REFERENCE_PATHS = {
    "Wait": ["SecondsPath", "TimestampPath"],
    "Task": ["ResultPath", "TimeoutSecondsPath", "HeartbeatSecondsPath"],
    "Map": ["ResultPath", "MaxConcurrencyPath", "ItemsPath"],
    "Fail": ["ErrorPath", "CausePath"],
    "Pass": ["ResultPath"],
    "Parallel": ["ResultPath"],
}


@pytest.mark.parametrize(
    ("kind", "field"), [(kind, field) for kind in REFERENCE_PATHS for field in REFERENCE_PATHS[kind]]
)
def test_reference_paths(kind: str, field: str) -> None:
    state = {key: value for key, value in STATES[kind].items() if key != "Seconds"}
    for text in ("$.a", "$.a.b[0]", "$['a b'].c", "$"):
        assert refused({**state, field: text}) == {False}, text
    for wrong in ("$.a[*]", "$..a", "$.a[0:1]", "$.a[?(@.b)]", "a", "", "$.a[", 1, [], {}):
        assert refused({**state, field: wrong}) == {True}, wrong
    assert refused({**state, field: "$$.Execution.Input.a"}) == {field not in ("ItemsPath", "ErrorPath", "CausePath")}
    assert refused({**state, field: "$v"}) == {field == "ResultPath"}


LIMITS: dict[str, tuple[str, list[Any], list[Any]]] = {
    "Seconds": ("Wait", [0, 99_999_999], [-1, 1.5, "1", 100_000_000, True, None]),
    "TimeoutSeconds": ("Task", [1, 99_999_999], [0, -1, 1.5, "1", 100_000_000, True, None]),
    "HeartbeatSeconds": ("Task", [1, 99_999_999], [0, 1.5, 100_000_000]),
    "MaxConcurrency": ("Map", [0, 1, 1000], [-1, 1.5, "1", True, None]),
    "ToleratedFailurePercentage": ("Map", [0, 5.5, 100], [-0.1, 100.1, "5", True]),
    "ToleratedFailureCount": ("Map", [0, 7], [-1, 1.5, "5"]),
    "Label": ("Map", ["a" * 40, "My-Map_1"], ["a" * 41, "", "a b", 1]),
}
RETRIES: dict[str, tuple[list[Any], list[Any]]] = {
    "IntervalSeconds": ([1, 99_999_999], [0, -1, 1.5, 100_000_000]),
    "MaxAttempts": ([0, 99_999_999], [-1, 1.5, 100_000_000]),
    "BackoffRate": ([1, 1.0, 2, 1.5], [0, 0.99, -1, "2"]),
    "MaxDelaySeconds": ([2, 31_622_400], [0, -1, 31_622_401]),
    "JitterStrategy": (["FULL", "NONE"], ["full", 1]),
}


@pytest.mark.parametrize("field", LIMITS)
def test_limits(field: str) -> None:
    kind, right, wrong = LIMITS[field]
    state = {**STATES[kind], "ItemProcessor": DISTRIBUTED} if kind == "Map" else STATES[kind]
    for value in right:
        assert refused({**state, field: value}) == {False}, value
    for value in wrong:
        assert refused({**state, field: value}) == {True}, value


@pytest.mark.parametrize("kind", ["Task", "Map", "Parallel"])
@pytest.mark.parametrize("field", RETRIES)
def test_limits_of_retries(field: str, kind: str) -> None:
    right, wrong = RETRIES[field]
    for value in right:
        assert refused({**STATES[kind], "Retry": [{**HANDLER, field: value}]}) == {False}, value
    for value in wrong:
        assert refused({**STATES[kind], "Retry": [{**HANDLER, field: value}]}) == {True}, value


TEMPLATES = {
    "Task": ["Parameters", "ResultSelector", "Assign"],
    "Pass": ["Parameters", "Assign"],
    "Map": ["ItemSelector"],
}


@pytest.mark.parametrize(("kind", "field"), [(kind, field) for kind in TEMPLATES for field in TEMPLATES[kind]])
def test_payload_templates(kind: str, field: str) -> None:
    for right in (
        "$",
        "$.a[*].b",
        "$$.Execution.Id",
        "States.Format('{}', $.a)",
        "States.Array(1, 'a', null, $.a)",
        "$$.Execution.Name ",
    ):
        assert refused({**STATES[kind], field: {"x": [{"y.$": right}]}}) == {False}, right
    for wrong in (
        "a",
        "",
        1,
        None,
        "States.Foo()",
        "States.MathAdd(1)",
        "States.Format(",
        "$.a[",
        "States.Array($.a,)",
    ):
        assert refused({**STATES[kind], field: {"x": [{"y.$": wrong}]}}) == {True}, wrong


EXPRESSIONS = {
    "Pass": ["Output", "Assign"],
    "Task": ["Arguments", "Output", "TimeoutSeconds"],
    "Wait": ["Seconds"],
    "Map": ["Items", "ItemSelector", "MaxConcurrency"],
    "Fail": ["Error", "Cause"],
    "Succeed": ["Output"],
}


@pytest.mark.parametrize(("kind", "field"), [(kind, field) for kind in EXPRESSIONS for field in EXPRESSIONS[kind]])
def test_jsonata(kind: str, field: str) -> None:
    pytest.importorskip("jlens")

    def edited(text: str) -> dict[str, Any]:
        return {**STATES[kind], field: {"a": text} if field == "Assign" else text}

    for right in ("{% $states.input.a %}", "{% $count($states.input.a[b > 1].(c & d)) %}", "{% ($x := 1; $x + 1) %}"):
        assert refused(edited(right), "JSONata") == {False}, right
    for wrong in ("{% 1 + %}", "{% phone %}", "{% $$.a %}", "{% $eval('1') %}", "{% $states.errorOutput %}", "{% 1"):
        assert refused(edited(wrong), "JSONata") == {True}, wrong
