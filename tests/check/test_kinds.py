"""Kinds of values: what some routes only have, floats, what an expression asks for first."""

from __future__ import annotations

from typing import Any

import pytest

from flowdsl import Pass, StateMachine, cond, dump, is_null, state_input
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
    Source,
    UnionShape,
)

MIXED = UnionShape((NUMBER, STRING))
LINE = ObjectShape(
    {"name": Member(STRING), "cents": Member(NUMBER), "off": Member(UnionShape((NUMBER, NULL)))}, True, Source("a line")
)
INPUT = ObjectShape(
    {
        "n": Member(NUMBER),
        "part": Member(FLOAT),
        "text": Member(STRING),
        "word": Member(ScalarShape("string", frozenset({"a", "c"}))),
        "maybe": Member(UnionShape((STRING, NULL))),
        "mixed": Member(MIXED),
        "lines": Member(ArrayShape(LINE)),
        "null_or_n": Member(UnionShape((NUMBER, NULL))),
        "coupon": Member(STRING, False, Source("an order without one")),
    },
    True,
    Source("the input"),
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
    ("expression", "expected"),
    [
        ("X + 1", ["X + 1: + needs a number, but the value may be null"]),
        ("X > 5", ["X > 5: > compares a number with a value that may be null"]),
        ("$states.input.mixed > 1", ["$states.input.mixed > 1: > compares a number with text on some routes"]),
        ("X != null ? X + 1 : 0", []),
        ("X = null ? 0 : X + 1", []),
        ("X = null ? X + 1 : 0", ["X + 1: + needs numbers, not null"]),
        ("X ? X + 1 : 0", []),
        ("$type(X) = 'number' ? X + 1 : 0", []),
        ("$not(X = null) ? X + 1 : 0", []),
        ("X != null and X > 5", []),
        ("X = null or X > 5", []),
        ("X = null and X > 5", ["X > 5: > compares numbers or texts, not null"]),
        ("X != null and $states.input.n > 1 ? X + 1 : 0", []),
        ("X != null or $states.input.n > 1 ? X + 1 : 0", ["X + 1: + needs a number, but the value may be null"]),
        ("($x := X; $x = null ? 0 : $x * 2)", []),
        ("($x := X; $x = null ? 0 : 1; $x * 2)", ["$x * 2: * needs a number, but the value may be null"]),
        ("$states.input.lines[off != null and off > 5]", []),
        ("$states.input.lines.(off = null ? 0 : off + 1)", []),
        ("$states.input.lines[off != null].(off + 1)", []),
        ("$filter($states.input.lines, function($l) { $l.off != null }).(off + 1)", []),
        ("$states.input.lines[off = null].(off + 1)", ["off + 1: + needs numbers, not null"]),
        ("$states.input.lines[cents > 1].(off + 1)", ["off + 1: + needs a number, but the value may be null"]),
        ("$states.input.lines.(off + 1)", ["off + 1: + needs a number, but the value may be null"]),
        ("$map($states.input.lines, function($l) { $l.off = null ? 0 : $l.off + 1 })", []),
    ],
)
def test_conditions_within_expressions_narrow_too(expression: str, expected: list[str]) -> None:
    pytest.importorskip("jlens")
    text = f"{{% {expression.replace('X', '$states.input.null_or_n')} %}}"
    state = {"Type": "Pass", "Output": {"v": text}, "End": True}
    found = check({"QueryLanguage": "JSONata", "StartAt": "S", "States": {"S": state}}, data=Data(INPUT))
    assert [each.message for each in found] == [each.replace("X", "$states.input.null_or_n") for each in expected]


def test_a_null_guard_of_an_author() -> None:
    pytest.importorskip("jlens")
    given = state_input.null_or_n
    state = Pass("S", output={"v": cond(is_null(given), 0, given + 1)})
    machine = StateMachine("guarded", state, query_language="JSONata")
    assert list(check(dump(machine), data=Data(INPUT))) == []


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
    ("test", "field", "is_right"),
    [
        ({"Variable": "$.null_or_n", "NumericGreaterThan": 1}, "SecondsPath", True),
        ({"Variable": "$.null_or_n", "NumericLessThanEqualsPath": "$.n"}, "SecondsPath", True),
        ({"Variable": "$.null_or_n", "IsPresent": True}, "SecondsPath", False),
        ({"Not": {"Variable": "$.null_or_n", "NumericGreaterThan": 1}}, "SecondsPath", False),
        ({"Variable": "$.mixed", "NumericLessThan": 1}, "SecondsPath", True),
        ({"Variable": "$.mixed", "StringLessThan": "a"}, "SecondsPath", False),
        ({"Variable": "$.mixed", "StringMatches": "a*"}, "TimestampPath", True),
        ({"Variable": "$.maybe", "IsTimestamp": True}, "TimestampPath", True),
        ({"Variable": "$.maybe", "TimestampGreaterThan": "2026-01-01T00:00:00Z"}, "TimestampPath", True),
        ({"Not": {"Variable": "$.maybe", "IsTimestamp": True}}, "TimestampPath", False),
    ],
)
def test_a_comparison_that_holds_tells_the_kind(test: dict[str, Any], field: str, is_right: bool) -> None:
    """Source: ASL specification, "Choice State": the value must be of the operator's type for the test to be true."""
    path = test.get("Not", test)["Variable"]
    states = {
        "S": {"Type": "Choice", "Choices": [{**test, "Next": "W"}], "Default": "E"},
        "W": {"Type": "Wait", field: path, "End": True},
        "E": {"Type": "Succeed"},
    }
    found = [each.code for each in check({"StartAt": "S", "States": states}, data=Data(INPUT))]
    assert found == ([] if is_right else ["FD805"] if "IsPresent" not in test else ["FD803", "FD805"])


@pytest.mark.parametrize(("index", "expected"), [(0, []), (None, ["FD803", "FD805"])])
def test_what_has_an_item_is_no_null(index: int | None, expected: list[str]) -> None:
    lines = UnionShape((ArrayShape(LINE), NULL))
    path = "$.lines" if index is None else f"$.lines[{index}]"
    processor = {"StartAt": "P", "States": {"P": {"Type": "Succeed"}}}
    states = {
        "S": {"Type": "Choice", "Choices": [{"Variable": path, "IsPresent": True, "Next": "M"}], "Default": "E"},
        "M": {"Type": "Map", "ItemsPath": "$.lines", "ItemProcessor": processor, "End": True},
        "E": {"Type": "Succeed"},
    }
    known = ObjectShape({"lines": Member(lines)}, True, Source("the input"))
    assert [each.code for each in check({"StartAt": "S", "States": states}, data=Data(known))] == expected


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
