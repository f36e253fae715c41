"""Choice rules: every operator with every kind of value."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from flowdsl.expr.choice import RuleError, compile_rule
from flowdsl.expr.errors import StatesError
from flowdsl.expr.operators import OPERATORS
from flowdsl.expr.path.tree import PathSyntaxError
from flowdsl.expr.scope import Scope

SCOPE = Scope({"State": {"Name": "Pay"}}, {"limit": 5})
EARLY, LATE = "2024-01-01T00:00:00Z", "2024-01-01T00:00:01Z"
VALUES: dict[str, Any] = {
    "null": None,
    "true": True,
    "false": False,
    "zero": 0,
    "float": 1.5,
    "empty": "",
    "text": "b",
    "digits": "1",
    "timestamp": EARLY,
    "array": [],
    "object": {"a": 1},
}
KINDS = {
    "string": {"empty", "text", "digits", "timestamp"},
    "number": {"zero", "float"},
    "boolean": {"true", "false"},
    "timestamp": {"timestamp"},
}


def holds(rule: dict[str, Any], document: Any) -> bool:
    return compile_rule(rule)(document, SCOPE)


def test_there_are_39_operators() -> None:
    assert len(OPERATORS) == 39
    assert {operator.kind for operator in OPERATORS.values()} == {"string", "number", "boolean", "timestamp", "test"}


OPERANDS = {"string": "b", "number": 1, "boolean": True, "timestamp": EARLY}
COMPARISONS = [name for name, operator in OPERATORS.items() if operator.kind != "test"]


OTHERS = [
    (name, label) for name, label in itertools.product(COMPARISONS, VALUES) if label not in KINDS[OPERATORS[name].kind]
]


@pytest.mark.parametrize(("name", "label"), OTHERS)
def test_another_kind_never_matches(name: str, label: str) -> None:
    operand = OPERANDS[OPERATORS[name].kind]
    rule = {"Variable": "$.v", name: "$.w" if OPERATORS[name].is_path else operand}
    assert holds(rule, {"v": VALUES[label], "w": operand}) is False


@pytest.mark.parametrize(("name", "label"), [(name, label) for name, label in OTHERS if OPERATORS[name].is_path])
def test_a_path_to_another_kind_never_matches(name: str, label: str) -> None:
    document = {"v": OPERANDS[OPERATORS[name].kind], "w": VALUES[label]}
    assert holds({"Variable": "$.v", name: "$.w"}, document) is False


ORDERED = {"String": ("a", "b"), "Numeric": (1, 1.5), "Timestamp": (EARLY, LATE)}
ORDERS = {
    "Equals": (False, True, False),
    "LessThan": (True, False, False),
    "GreaterThan": (False, False, True),
    "LessThanEquals": (True, True, False),
    "GreaterThanEquals": (False, True, True),
}


@pytest.mark.parametrize(("family", "order", "path"), list(itertools.product(ORDERED, ORDERS, [False, True])))
def test_orders(family: str, order: str, path: bool) -> None:
    low, high = ORDERED[family]
    for (left, right), expected in zip([(low, high), (low, low), (high, low)], ORDERS[order], strict=True):
        rule = {"Variable": "$.v", f"{family}{order}{'Path' if path else ''}": "$.w" if path else right}
        assert holds(rule, {"v": left, "w": right}) is expected


TYPES = {
    "IsNull": {"null"},
    "IsBoolean": {"true", "false"},
    "IsNumeric": {"zero", "float"},
    "IsString": {"empty", "text", "digits", "timestamp"},
    "IsTimestamp": {"timestamp"},
    "IsPresent": set(VALUES),
}


@pytest.mark.parametrize(("name", "label"), list(itertools.product(TYPES, VALUES)))
def test_type_tests(name: str, label: str) -> None:
    expected = label in TYPES[name]
    assert holds({"Variable": "$.v", name: True}, {"v": VALUES[label]}) is expected
    assert holds({"Variable": "$.v", name: False}, {"v": VALUES[label]}) is not expected


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("log-*.txt", "log-1.txt", True),
        ("log-*.txt", "log-.txt", True),
        ("log-*.txt", "log-1.txt.gz", False),
        ("*", "", True),
        ("a*b*c", "aXbYc", True),
        ("a*", "a\nb", True),
        (r"a\*b", "a*b", True),
        (r"a\*b", "aXb", False),
        (r"a\\b", "a\\b", True),
        ("a.c", "abc", False),
    ],
)
def test_string_matches(pattern: str, text: str, expected: bool) -> None:
    assert holds({"Variable": "$.v", "StringMatches": pattern}, {"v": text}) is expected


def test_numbers_and_booleans_are_not_mixed() -> None:
    assert holds({"Variable": "$.v", "NumericEquals": 1}, {"v": 1.0})
    assert not holds({"Variable": "$.v", "NumericEquals": 1}, {"v": True})
    assert not holds({"Variable": "$.v", "BooleanEquals": True}, {"v": 1})


def test_timestamps_compare_as_instants() -> None:
    assert holds({"Variable": "$.v", "TimestampEquals": "2024-01-01T01:00:00+01:00"}, {"v": EARLY})
    assert holds({"Variable": "$.v", "TimestampEquals": "2024-01-01T00:00:00.000Z"}, {"v": EARLY})
    nanoseconds = {"Variable": "$.v", "TimestampLessThan": "2024-01-01T00:00:00.123456790Z"}
    assert holds(nanoseconds, {"v": "2024-01-01T00:00:00.123456789Z"})
    assert not holds(nanoseconds, {"v": "2024-01-01T00:00:00.12345679Z"})


@pytest.mark.parametrize(
    "rule",
    [
        {"Variable": "$.nope", "IsNull": True},
        {"Variable": "$.a.b", "StringEquals": "x"},
        {"Variable": "$.list[3]", "NumericEquals": 1},
        {"Variable": "$nope", "NumericEquals": 1},
    ],
)
def test_what_is_missing_is_an_error(rule: dict[str, Any]) -> None:
    with pytest.raises(StatesError) as caught:
        holds(rule, {"list": []})
    assert caught.value.error == "States.Runtime"
    assert caught.value.cause == (
        f"Invalid path '{rule['Variable']}': The choice state's condition path references an invalid value."
    )


def test_a_missing_operand_is_an_error() -> None:
    with pytest.raises(StatesError, match=r"Invalid path '\$\.w'"):
        holds({"Variable": "$.v", "NumericEqualsPath": "$.w"}, {"v": 1})


@pytest.mark.parametrize("path", ["$.nope", "$.a.b", "$.list[0]", "$nope", "$$.Nope"])
def test_is_present_is_false_for_what_is_missing(path: str) -> None:
    assert holds({"Variable": path, "IsPresent": True}, {"list": []}) is False
    assert holds({"Variable": path, "IsPresent": False}, {"list": []}) is True


def test_logic_looks_no_further_than_it_must() -> None:
    missing = {"Variable": "$.nope", "NumericEquals": 1}
    present = {"Variable": "$.nope", "IsPresent": True}
    assert holds({"And": [present, missing]}, {}) is False
    assert holds({"Or": [{"Not": present}, missing]}, {}) is True
    with pytest.raises(StatesError):
        holds({"And": [{"Not": present}, missing]}, {})


def test_reads_variables_and_the_context_object() -> None:
    assert holds({"Variable": "$limit", "NumericEqualsPath": "$.v"}, {"v": 5})
    assert holds({"Variable": "$$.State.Name", "StringEquals": "Pay"}, {})


@pytest.mark.parametrize(
    ("rule", "error"),
    [
        ({"Variable": "$.v"}, RuleError),
        ({"NumericEquals": 1}, RuleError),
        ({"Variable": "$.v", "NumericEquals": 1, "StringEquals": "a"}, RuleError),
        ({"Variable": "v", "NumericEquals": 1}, PathSyntaxError),
        ({"Variable": "$.v", "NumericEqualsPath": "w"}, PathSyntaxError),
        ({"Variable": 5, "NumericEquals": 1}, RuleError),
        ({"Variable": "$.v", "NumericEqualsPath": 1}, RuleError),
        ({"Variable": "$.v", "NumericEquals": "1"}, RuleError),
        ({"Variable": "$.v", "NumericEquals": True}, RuleError),
        ({"Variable": "$.v", "TimestampEquals": "2024-01-31"}, RuleError),
        ({"Variable": "$.v", "IsNull": "true"}, RuleError),
        ({"And": []}, RuleError),
        ({"Not": [{"Variable": "$.v", "IsNull": True}]}, RuleError),
    ],
)
def test_refuses_what_is_no_rule(rule: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        compile_rule(rule)
