"""Kinds of values: what some routes only have, floats, what an expression asks for first."""

from __future__ import annotations

from typing import Any

import pytest

from flowdsl.check import check
from flowdsl.check.dataflow.annotations import Data
from flowdsl.check.dataflow.shapes import (
    FLOAT,
    NULL,
    NUMBER,
    STRING,
    ArrayShape,
    Member,
    ObjectShape,
    ScalarShape,
    Shape,
    UnionShape,
)

MIXED = UnionShape((NUMBER, STRING))
LINE = ObjectShape({"name": Member(STRING), "cents": Member(NUMBER)}, True, "a line")
INPUT = ObjectShape(
    {
        "n": Member(NUMBER),
        "part": Member(FLOAT),
        "text": Member(STRING),
        "word": Member(ScalarShape("string", frozenset({"a", "c"}))),
        "maybe": Member(UnionShape((STRING, NULL))),
        "mixed": Member(MIXED),
        "lines": Member(ArrayShape(LINE)),
        "coupon": Member(STRING, False, "an order without one"),
    },
    True,
    "the input",
)


def reports(state: dict[str, Any], language: str = "JSONata", **results: Shape) -> list[tuple[str, str]]:
    states = {"S": state if "Next" in state or "Choices" in state else {**state, "End": True}}
    if "Choices" in state:
        states |= {"Yes": {"Type": "Succeed", "Output": "{% $uppercase($states.input.maybe) %}"}}
        states |= {"No": {"Type": "Succeed"}}
    data = Data(INPUT, {("States", name): shape for name, shape in results.items()})
    found = check({"QueryLanguage": language, "StartAt": "S", "States": states}, data=data)
    return [(each.code, each.severity) for each in found]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("$uppercase($states.input.maybe)", [("FD805", "warning")]),
        ("$states.input.maybe ? $uppercase($states.input.maybe) : ''", []),
        ("$states.input.mixed + 1", [("FD805", "warning")]),
        ("$states.input.word in ['a', 'b']", []),
        ("$states.input.word in ['A', 'B']", [("FD803", "warning")]),
        ("$states.input.n in ['1', '2']", [("FD803", "warning")]),
        ("$states.input.text in ['1', '2']", []),
        ("$states.input.text + 1", [("FD805", "error")]),
        ("$states.input.mixed > 1", [("FD805", "warning")]),
        ("$states.input.n > 1", []),
        ("$states.input.part + 1", []),
        ("$sum($states.input.lines.cents)", []),
        ("$sum($states.input.lines.name)", [("FD805", "error")]),
        ("$sum($append($states.input.lines, {'cents': 1}).cents)", []),
        ("$append($states.input.lines, [1]).price", [("FD801", "error")]),
        ("$uppercase($lookup($states.input, 'n'))", [("FD805", "error")]),
        ("$uppercase($lookup($states.input, 'text'))", []),
        ("$split($states.input.text, ',') + 1", [("FD805", "error")]),
        ("$exists($states.input.coupon) ? $states.input.coupon : ''", []),
        ("($c := $states.input.coupon; $exists($c) ? $c : '')", []),
        ("$exists($states.input.coupon) ? $states.input.cupon : ''", [("FD801", "error")]),
        ("$exists($states.input.voucher) ? $states.input.voucher : ''", [("FD803", "warning")]),
        ("$exists($states.input.text) ? $states.input.text : $states.input.coupon", [("FD802", "warning")]),
    ],
)
def test_values_of_expressions(expression: str, expected: list[tuple[str, str]]) -> None:
    pytest.importorskip("jlens")
    assert reports({"Type": "Pass", "Output": {"v": f"{{% {expression} %}}"}})[:2] == expected


@pytest.mark.parametrize(
    ("condition", "is_right"),
    [
        ("$states.input.n = 1", False),
        ("$states.input.maybe != null", True),
        ("null != $states.input.maybe", True),
        ("$type($states.input.maybe) = 'string'", True),
        ("$states.input.maybe = 'x'", True),
        ("$states.input.maybe = null", False),
    ],
)
def test_conditions_narrow_what_may_be_null(condition: str, is_right: bool) -> None:
    pytest.importorskip("jlens")
    choice = {
        "Type": "Choice",
        "Choices": [{"Condition": f"{{% {condition} %}}", "Next": "Yes"}],
        "Default": "No",
    }
    assert (reports(choice) == []) is is_right


@pytest.mark.parametrize(
    ("field", "path", "expected"),
    [
        ("SecondsPath", "$.n", []),
        ("SecondsPath", "$.part", [("FD805", "warning")]),
        ("SecondsPath", "$.mixed", [("FD805", "warning")]),
        ("SecondsPath", "$.text", [("FD805", "error")]),
        (
            "TimestampPath",
            "States.MathAdd($.mixed, 1)",
            [("FD302", "warning"), ("FD805", "warning"), ("FD805", "error")],
        ),
        ("TimestampPath", "$.maybe", [("FD805", "warning")]),
    ],
)
def test_fields_with_a_value_of_several_kinds(field: str, path: str, expected: list[tuple[str, str]]) -> None:
    assert reports({"Type": "Wait", field: path}, "JSONPath") == expected


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"Variable": "$.n", "NumericLessThanPath": "$.part"}, []),
        ({"Variable": "$.n", "NumericLessThanPath": "$.text"}, [("FD803", "warning")]),
        ({"Variable": "$.lines", "NumericLessThanPath": "$.n"}, [("FD803", "warning")]),
        ({"Variable": "$.text", "StringEqualsPath": "$.lines"}, [("FD803", "warning")]),
        ({"Variable": "$.text", "StringEqualsPath": "$.word"}, []),
    ],
)
def test_comparisons_of_two_paths(rule: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    choice = {"Type": "Choice", "Choices": [{**rule, "Next": "A"}], "Default": "B"}
    states = {"S": choice, "A": {"Type": "Succeed"}, "B": {"Type": "Succeed"}}
    found = check({"StartAt": "S", "States": states}, data=Data(INPUT))
    assert [(each.code, each.severity) for each in found] == expected
