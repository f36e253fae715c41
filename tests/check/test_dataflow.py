"""What each state does to the document, and what is said where something is read that is not there."""

from __future__ import annotations

from typing import Any

import pytest

from flowdsl.check import check
from flowdsl.check.dataflow.annotations import Data
from flowdsl.check.dataflow.shapes import (
    ANY,
    NUMBER,
    STRING,
    ArrayShape,
    Member,
    ObjectShape,
    ScalarShape,
    Shape,
    Source,
)

FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:get"
ORDER = ObjectShape(
    {
        "id": Member(STRING),
        "lines": Member(ArrayShape(ObjectShape({"sku": Member(STRING)}, True, Source("a line")))),
    },
    True,
    Source("it"),
)


def reads(path: str) -> dict[str, Any]:
    return {"Type": "Pass", "InputPath": path, "End": True}


def result(value: Any, **fields: Any) -> dict[str, Any]:
    return {"Type": "Pass", "Result": value, **fields}


def inside(**states: Any) -> dict[str, Any]:
    return {"StartAt": next(iter(states)), "States": chained(states)}


def chained(states: dict[str, Any]) -> dict[str, Any]:
    """Each state leads to the one after it, unless it says something else."""
    names = [*states]
    leads = {"Next", "End", "Choices"}
    return {
        name: state if leads & state.keys() or state["Type"] in ("Succeed", "Fail") else {**state, **way}
        for index, (name, state) in enumerate(states.items())
        for way in [{"Next": names[index + 1]} if index + 1 < len(names) else {"End": True}]
    }


def messages(states: dict[str, Any], language: str = "JSONPath", input: Shape = ANY, **results: Shape) -> list[str]:
    definition = {"QueryLanguage": language, **inside(**states)}
    found = check(definition, data=Data(input, {("States", name): shape for name, shape in results.items()}))
    return [each.code for each in found if each.code.startswith("FD8") or each.severity == "error"]


MAP = {"Type": "Map", "ItemsPath": "$.lines"}
STARTS = "arn:aws:states:::states:startExecution"
START = {"Type": "Task", "Parameters": {"StateMachineArn": "arn:aws:states:eu-west-1:123456789012:stateMachine:a"}}
TASK = {"Type": "Task", "Resource": FUNCTION}
ASK = {"Choices": [{"Variable": "$.a", "IsPresent": True, "Next": "Use"}], "Default": "Use"}

JSONPATH: dict[str, tuple[dict[str, Any], list[str]]] = {
    "an unknown input is silent": ({"Use": reads("$.a.b")}, []),
    "what a batch gets": (
        {
            "Make": result({"lines": [1]}),
            "Each": {
                **MAP,
                "ItemBatcher": {"MaxItemsPerBatch": 2, "BatchInput": {"a.$": "$.lins"}},
                "ItemProcessor": {
                    "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                    **inside(P={"Type": "Pass"}),
                },
            },
        },
        ["FD801"],
    ),
    "a constant is known": ({"Make": result({"a": 1}), "Use": reads("$.b")}, ["FD801"]),
    "a constant's part": ({"Make": result({"a": {"b": 1}}), "Use": reads("$.a.b")}, []),
    "a part of a scalar": ({"Make": result({"a": 1}), "Use": reads("$.a.b")}, ["FD801"]),
    "a part of a list": ({"Make": result([1, 2]), "Use": reads("$.a")}, ["FD801"]),
    "an item": ({"Make": result([{"a": 1}]), "Use": reads("$[0].b")}, ["FD801"]),
    "a filter's result is unknown": ({"Make": result([{"a": 1}]), "Use": reads("$[?(@.a == 1)].b")}, []),
    "before a filter": ({"Make": result({"a": []}), "Use": reads("$.b[*].c")}, ["FD801"]),
    "ResultPath adds": ({"A": result({"a": 1}), "B": result(2, ResultPath="$.b"), "Use": reads("$.a")}, []),
    "ResultPath null keeps": ({"A": result({"a": 1}), "B": result(2, ResultPath=None), "Use": reads("$.a")}, []),
    "without ResultPath the result replaces": (
        {"A": result({"a": 1}), "B": result({}), "Use": reads("$.a")},
        ["FD801"],
    ),
    "OutputPath drops": ({"A": result({"a": {"x": 1}, "b": 1}, OutputPath="$.a"), "Use": reads("$.b")}, ["FD801"]),
    "OutputPath null drops all": ({"A": result({"a": 1}, OutputPath=None), "Use": reads("$.a")}, ["FD801"]),
    "InputPath does not narrow what ResultPath keeps": (
        {
            "A": result({"a": {"x": 1}}),
            "B": {"Type": "Pass", "InputPath": "$.a", "ResultPath": "$.c"},
            "Use": reads("$.c.x"),
        },
        [],
    ),
    "Parameters make the document": (
        {"A": {"Type": "Pass", "Parameters": {"a.$": "$.x"}}, "Use": reads("$.x")},
        ["FD801"],
    ),
    "an intrinsic reads": (
        {"A": result({"a": 1}), "Use": {"Type": "Pass", "Parameters": {"b.$": "States.Format('{}', $.c)"}}},
        ["FD801"],
    ),
    "a twin reads": ({"A": result({"a": 1}), "Use": {"Type": "Wait", "SecondsPath": "$.b"}}, ["FD801"]),
    "a service's result is unknown": ({"A": TASK, "Use": reads("$.a")}, []),
    "ResultSelector makes the result": (
        {"A": {**TASK, "ResultSelector": {"a.$": "$.x"}}, "Use": reads("$.b")},
        ["FD801"],
    ),
    "a branch's output": (
        {"A": {"Type": "Parallel", "Branches": [inside(B=result({"b": 1}))]}, "Use": reads("$[0].c")},
        ["FD801"],
    ),
    "a branch gets the input": (
        {"A": result({"a": 1}), "P": {"Type": "Parallel", "Branches": [inside(B=reads("$.b"))]}},
        ["FD801"],
    ),
    "a Map's item": (
        {"A": result({"lines": [{"sku": 1}]}), "M": {**MAP, "ItemProcessor": inside(I=reads("$.skuu"))}},
        ["FD801"],
    ),
    "an ItemSelector": (
        {"M": {**MAP, "ItemSelector": {"line.$": "$$.Map.Item.Value"}, "ItemProcessor": inside(I=reads("$.sku"))}},
        ["FD801"],
    ),
    "a Map's output is a list": (
        {"M": {**MAP, "ItemProcessor": inside(I=result({"a": 1}))}, "Use": reads("$[0].b")},
        ["FD801"],
    ),
    "an execution's output as text": (
        {"A": {**START, "Resource": f"{STARTS}.sync", "ResultSelector": {"a.$": "$.Output.total"}}},
        ["FD801"],
    ),
    "an execution's output as JSON": (
        {"A": {**START, "Resource": f"{STARTS}.sync:2", "ResultSelector": {"a.$": "$.Output.total"}}},
        [],
    ),
    "an execution that nobody waits for": (
        {"A": {**START, "Resource": STARTS, "ResultSelector": {"a.$": "$.Output"}}},
        ["FD801"],
    ),
    "some routes": (
        {
            "A": result({"a": 1}),
            "Ask": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.a", "NumericEquals": 1, "Next": "B"}],
                "Default": "Use",
            },
            "B": result(1, ResultPath="$.b"),
            "Use": reads("$.b"),
        },
        ["FD802"],
    ),
    "asked before": (
        {
            "A": {"Type": "Pass", "Parameters": {"before.$": "$.x"}, "OutputPath": "$.before"},
            "Ask": {"Type": "Choice", **ASK},
            "Use": reads("$.a"),
        },
        [],
    ),
    "asked for what no route sets": (
        {"A": result({"b": 1}), "Ask": {"Type": "Choice", **ASK}, "Use": reads("$.a")},
        ["FD803", "FD802"],
    ),
    "a kind that it never has": (
        {
            "A": result({"a": "x"}),
            "Ask": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.a", "NumericEquals": 1, "Next": "Use"}],
                "Default": "Use",
            },
            "Use": reads("$.a"),
        },
        ["FD803"],
    ),
    "an error replaces the document": (
        {
            "A": result({"a": 1}),
            "T": {**TASK, "ResultPath": "$.t", "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Use"}]},
            "Use": reads("$.a"),
        },
        ["FD804"],
    ),
    "an error at its place": (
        {
            "A": result({"a": 1}),
            "T": {
                **TASK,
                "ResultPath": "$.t",
                "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.e", "Next": "Use"}],
            },
            "Use": reads("$.a"),
        },
        [],
    ),
    "a variable": (
        {"A": result({"a": 1}, Assign={"v.$": "$"}), "Use": reads("$v.b")},
        ["FD801"],
    ),
    "a loop that builds on itself ends": (
        {
            "A": {"Type": "Pass", "Parameters": {"before.$": "$"}},
            "Ask": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.x", "IsPresent": True, "Next": "A"}],
                "Default": "Use",
            },
            "Use": reads("$.before"),
        },
        ["FD803"],
    ),
}


@pytest.mark.parametrize("case", JSONPATH.values(), ids=JSONPATH)
def test_jsonpath(case: tuple[dict[str, Any], list[str]]) -> None:
    states, expected = case
    assert messages(states) == expected


def makes(output: Any, **fields: Any) -> dict[str, Any]:
    return {"Type": "Pass", "Output": output, **fields}


JSONATA: dict[str, tuple[dict[str, Any], list[str]]] = {
    "Output makes the document": ({"A": makes({"a": 1}), "Use": makes("{% $states.input.b %}")}, ["FD801"]),
    "Output follows paths": (
        {"A": makes({"a": {"x": 1}}), "B": makes("{% $states.input.a %}"), "Use": makes("{% $states.input.y %}")},
        ["FD801"],
    ),
    "an expression reads": ({"A": makes({"a": 1}), "Use": makes("{% $states.input.b + 1 %}")}, ["FD801"]),
    "an expression asks": ({"A": {"Type": "Pass"}, "Use": makes("{% $exists($states.input.b) %}")}, []),
    "an expression asks for what no route has": (
        {"A": makes({"a": 1}), "Use": makes("{% $exists($states.input.b) %}")},
        ["FD803"],
    ),
    "a list is mapped over": ({"A": makes({"a": [{"x": 1}]}), "Use": makes("{% $states.input.a.x %}")}, []),
    "$merge keeps the other fields": (
        {
            "A": makes({"a": 1}),
            "B": makes("{% $merge([$states.input, {'b': 1}]) %}"),
            "Use": makes("{% $states.input.a %}"),
        },
        [],
    ),
    "$merge adds no others": (
        {
            "A": makes({"a": 1}),
            "B": makes("{% $merge([$states.input, {'b': 1}]) %}"),
            "Use": makes("{% $states.input.c %}"),
        },
        ["FD801"],
    ),
    "$merge with an unknown value may have any field": (
        {"A": makes("{% $merge([{'b': 1}, $states.input]) %}"), "Use": makes("{% $states.input.b.c %}")},
        [],
    ),
    "an object's fields": (
        {"A": makes("{% {'a': {'b': 1}} %}"), "Use": makes("{% $states.input.a.c = 2 %}")},
        ["FD801"],
    ),
    "a field that may be undefined": (
        {"A": makes("{% {'a': $states.input.x} %}"), "Use": makes("{% $states.input.a.b %}")},
        [],
    ),
    "a list's items": ({"A": makes({"a": [{"x": 1}]}), "Use": makes("{% $states.input.a.y %}")}, ["FD801"]),
    "an item at an index": ({"A": makes({"a": [{"x": 1}]}), "Use": makes("{% $states.input.a[0].y %}")}, ["FD801"]),
    "an item at a negative index": ({"A": makes({"a": [{"x": 1}]}), "Use": makes("{% $states.input.a[-1].x %}")}, []),
    "a predicate": ({"A": makes({"a": [{"x": 1}]}), "Use": makes("{% $states.input.a[y > 1] %}")}, ["FD801"]),
    "a predicate's items": ({"A": makes({"a": [{"x": 1}]}), "Use": makes("{% $states.input.a[x > 1].y %}")}, ["FD801"]),
    "$filter": (
        {"A": makes({"a": [{"x": 1}]}), "Use": makes("{% [$filter($states.input.a, function($i) {$i.y > 1})] %}")},
        ["FD801"],
    ),
    "the list of $filter": (
        {
            "A": makes({"a": [{"x": 1}]}),
            "B": makes("{% {'kept': [$filter($states.input.a, function($i) {$i.x > 1})]} %}"),
            "Use": makes("{% $states.input.kept[0].y %}"),
        },
        ["FD801"],
    ),
    "$map": (
        {
            "A": makes({"a": [{"x": 1}]}),
            "B": makes("{% {'all': [$map($states.input.a, function($i) {{'z': $i.x}})]} %}"),
            "Use": makes("{% $states.input.all.x %}"),
        },
        ["FD801"],
    ),
    "a sequence may be one item or a list": (
        {"A": makes({"a": [{"x": 1}]}), "B": makes("{% $states.input.a.x %}"), "Use": makes("{% $states.input[0] %}")},
        [],
    ),
    "a transform": (
        {
            "A": makes({"a": {"x": 1}}),
            "B": makes("{% $states.input ~> |a|{'z': x}| %}"),
            "Use": makes("{% $states.input.a.x + $states.input.a.z + $states.input.a.y %}"),
        },
        ["FD801"],
    ),
    "a transform reads from what it changes": (
        {"A": makes({"a": {"x": 1}}), "Use": makes("{% $states.input ~> |a|{'z': y}| %}")},
        ["FD801"],
    ),
    "a variable of a block": (
        {"A": makes({"a": {"x": 1}}), "Use": makes("{% ($v := $states.input.a; $v.y) %}")},
        ["FD801"],
    ),
    "one of a list of texts": ({"A": makes({"a": 1}), "Use": makes("{% $states.input.b in ['x'] %}")}, ["FD801"]),
    "a condition with a comparison": (
        {"A": makes({"a": 1}), "Use": makes("{% $states.input.b = 1 ? 1 : 2 %}")},
        ["FD801"],
    ),
    "a condition that asks": (
        {"A": makes({"a": 1}), "Use": makes("{% $states.input.b ? $states.input.b : 2 %}")},
        ["FD803"],
    ),
    "a question mark in a text": ({"A": makes({"a": 1}), "Use": makes("{% 'what? ' & $states.input.b %}")}, ["FD801"]),
    "a loop that nests for ever": (
        {
            "A": makes({"a": 1}),
            "B": makes("{% {'b': $states.input, 'c': $states.input} %}", Next="C"),
            "C": {"Type": "Choice", "Choices": [{"Condition": "{% true %}", "Next": "B"}], "Default": "D"},
            "D": {"Type": "Succeed"},
        },
        [],
    ),
    "a variable": ({"A": makes(1, Assign={"v": {"a": 1}}), "Use": makes("{% $v.b %}")}, ["FD801"]),
    "an error": (
        {
            "A": makes({"a": 1}),
            "T": {
                **TASK,
                "Output": "{% $states.input %}",
                "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Use"}],
            },
            "Use": makes("{% $states.input.a %}"),
        },
        ["FD804"],
    ),
    "items": (
        {
            "A": makes({"lines": [{"sku": 1}]}),
            "M": {
                "Type": "Map",
                "Items": "{% $states.input.lines %}",
                "ItemProcessor": inside(I=makes("{% $states.input.b %}")),
            },
        },
        ["FD801"],
    ),
}


@pytest.mark.parametrize("case", JSONATA.values(), ids=JSONATA)
def test_jsonata(case: tuple[dict[str, Any], list[str]]) -> None:
    states, expected = case
    assert messages(states, "JSONata") == expected


def test_what_is_declared() -> None:
    assert messages({"Use": reads("$.name")}, input=ORDER) == ["FD801"]
    assert messages({"M": {**MAP, "ItemProcessor": inside(I=reads("$.sku"))}}, input=ORDER) == []
    assert messages({"M": {**MAP, "ItemProcessor": inside(I=reads("$.price"))}}, input=ORDER) == ["FD801"]
    paid = ObjectShape(
        {"status": Member(ScalarShape("string", frozenset({"paid"}))), "total": Member(NUMBER)}, True, Source("it")
    )
    assert messages({"T": TASK, "Use": reads("$.total")}, T=paid) == []
    assert messages({"T": TASK, "Use": reads("$.sum")}, T=paid) == ["FD801"]
    invoke = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName": "get"}}
    assert messages({"T": invoke, "Use": reads("$.Payload.sum")}, T=paid) == ["FD801"]


def choice(first: str, second: str) -> dict[str, Any]:
    rules = [{"Variable": each, "NumericGreaterThan": 0, "Next": "End"} for each in (first, second)]
    return {"Type": "Choice", "Choices": rules, "Default": "Other"}


READ = "arn:aws:states:::aws-sdk:s3:headObject"


@pytest.mark.parametrize(
    ("use", "severity"),
    [
        (reads("$.b"), "error"),
        (reads("$.a.b"), "error"),
        ({"Type": "Wait", "SecondsPath": "$.b", "End": True}, "error"),
        ({"Type": "Pass", "Parameters": {"x.$": "States.Format('{}', $.b)"}, "End": True}, "error"),
        (choice("$.b", "$.a"), "error"),
        (choice("$.a", "$.b"), "warning"),  # the first rule may hold
        ({"Type": "Pass", "Parameters": {"x.$": "$.b[*].c"}, "End": True}, "warning"),  # such a path may find nothing
        ({"Type": "Pass", "QueryLanguage": "JSONata", "Output": "{% $states.input.b %}", "End": True}, "error"),
        ({"Type": "Pass", "QueryLanguage": "JSONata", "Output": {"b": "{% $states.input.b %}"}, "End": True}, "error"),
        ({"Type": "Pass", "QueryLanguage": "JSONata", "Output": "{% $states.input.b & '' %}", "End": True}, "warning"),
    ],
)
def test_undeclared_reads_that_fail_are_errors(use: dict[str, Any], severity: str) -> None:
    """AWS takes a definition that reads what is not there; the state fails whenever it is reached."""
    end = {"End": {"Type": "Succeed"}, "Other": {"Type": "Fail"}} if use["Type"] == "Choice" else {}
    states = {"Make": {**result({"a": 1}), "Next": "Use"}, "Use": use, **end}
    found = check({"StartAt": "Make", "States": states})
    assert [(each.code, each.severity, each.aws) for each in found] == [("FD801", severity, None)]


def test_what_a_newer_service_may_answer_is_a_warning() -> None:
    task = {"Type": "Task", "Resource": READ, "Parameters": {"Bucket": "b", "Key": "k"}, "Next": "Use"}
    found = check({"StartAt": "Get", "States": {"Get": task, "Use": {**reads("$.Colour"), "End": True}}})
    assert [(each.code, each.severity) for each in found] == [("FD801", "warning")]


def test_a_value_of_the_wrong_kind_is_an_error_where_the_state_fails() -> None:
    states = {"Make": {**result({"a": "soon"}), "Next": "W"}, "W": {"Type": "Wait", "SecondsPath": "$.a", "End": True}}
    assert [(each.code, each.severity) for each in check({"StartAt": "Make", "States": states})] == [("FD805", "error")]


def test_the_message_says_what_was_there() -> None:
    (found,) = check(inside(Make=result({"status": 1, "code": 2}), Use=reads("$.state")))
    assert found.message == "$.state: 'state' does not exist on any route; the Result of 'Make' has status, code"
    assert found.path == ("States", "Use", "InputPath")
    assert found.hint == "did you mean 'status'?"
