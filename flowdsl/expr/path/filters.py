"""Conditions and functions inside paths, as Jayway JsonPath evaluates them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any, Final

from ...base.json import json_text
from ...base.patterns import regex
from ..errors import StatesError
from .tree import (
    ABSENT,
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    Exists,
    Literal,
    Not,
    NotApplicable,
    NotFound,
    Operand,
    Path,
    Pattern,
    Query,
)

Test = Callable[[Any, Any], bool]
Value = Callable[[Any, Any], Any]
CompileQuery = Callable[[Path, bool], Callable[[Any], Any]]
"""A path inside a path, and whether every property that it names must be there, to what looks it up."""


def compile_filter(condition: Condition, compile_query: CompileQuery) -> Test:
    """The test of one candidate: (candidate, whole document) → bool; false, too, where a path cannot apply to it."""
    holds = _compile(condition, compile_query)

    def test(candidate: Any, document: Any) -> bool:
        try:
            return holds(candidate, document)
        except NotApplicable:
            return False

    return test


def _compile(condition: Condition, compile_query: CompileQuery) -> Test:
    match condition:
        case Literal(value):
            truth = bool(value)
            return lambda candidate, document: truth
        case Exists(query):
            lookup = _operand(query, compile_query, required=True)
            # Null is as good as missing: measured in github.com/floci-io/floci/issues/3480 with Step Functions Local.
            return lambda candidate, document: lookup(candidate, document) not in (ABSENT, None)
        case Not(inner):
            test = _compile(inner, compile_query)
            return lambda candidate, document: not test(candidate, document)
        case AllOf(conditions):
            tests = tuple(_compile(each, compile_query) for each in conditions)
            return lambda candidate, document: all(test(candidate, document) for test in tests)
        case AnyOf(conditions):
            tests = tuple(_compile(each, compile_query) for each in conditions)
            return lambda candidate, document: any(test(candidate, document) for test in tests)
        case Comparison(left, operator, right):
            left_value, right_value = _operand(left, compile_query), _operand(right, compile_query)
            compare = _COMPARE[operator]
            return lambda candidate, document: compare(
                left_value(candidate, document), right_value(candidate, document)
            )


def evaluate_function(
    name: str, node: Any, arguments: tuple[Operand, ...], document: Any, compile_query: CompileQuery
) -> Any:
    """A path function applied to the node it follows; null where the node is of another kind.

    Its arguments add to the node; those that are arrays, such as what `$.sum($..price)` finds, add all their items.
    """
    values = [_operand(each, compile_query)(node, document) for each in arguments]
    if name in {"length", "size"}:
        counted = values[0] if values else node
        return len(counted) if isinstance(counted, dict | list) else None
    if name == "keys":
        return list(node) if isinstance(node, dict) else None
    spread = [item for each in (node, *values) for item in (each if isinstance(each, list) else [each])]
    if not isinstance(node, list):
        del spread[0]
    if name == "concat":
        return "".join(each for each in spread if isinstance(each, str))
    if name == "append":
        return [*node, *values] if isinstance(node, list) else node
    if name in {"first", "last", "index"}:
        index = {"first": 0, "last": -1}.get(name, values[0] if values and isinstance(values[0], int) else 0)
        return node[index] if isinstance(node, list) and -len(node) <= index < len(node) else None
    numbers = [_double(each) for each in spread if _is_number(each)]
    result = _AGGREGATES[name](numbers) if numbers else None
    return result if result is None or math.isfinite(result) else None


def _double(number: float) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def _average(numbers: list[float]) -> float:
    return sum(numbers) / len(numbers)


def _deviation(numbers: list[float]) -> float:
    """Of the population, as Jayway adds it up."""
    variance = sum(number * number for number in numbers) / len(numbers) - _average(numbers) * _average(numbers)
    return math.sqrt(variance) if variance > 0 else 0.0


_AGGREGATES: Final[dict[str, Callable[[list[float]], float]]] = {
    "min": min,
    "max": max,
    "sum": sum,
    "avg": _average,
    "stddev": _deviation,
}


def _operand(operand: Operand, compile_query: CompileQuery, *, required: bool = False) -> Value:
    match operand:
        case Literal(value):
            return lambda candidate, document: value
        case Pattern():
            compiled = operand.regex
            return lambda candidate, document: compiled
        case Query(relative, path):
            lookup = compile_query(path, required)

            def query(candidate: Any, document: Any) -> Any:
                try:
                    return lookup(candidate if relative else document)
                except NotFound:
                    return ABSENT

            return query


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_DECIMAL: Final = regex(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
"""What Java reads as a number."""


def _equal(left: Any, right: Any) -> bool:
    """Jayway compares a string with a number by what is written on the left: `'1' == 1` and `1 == '1.0'` hold."""
    if left is ABSENT or right is ABSENT:
        return False
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, str) and _is_number(right):
        return left == json_text(right)
    if _is_number(left) and isinstance(right, str):
        return _DECIMAL.fullmatch(right) is not None and bool(left == float(right))
    return bool(left == right)


def _same_type(left: Any, right: Any) -> bool:
    return (_is_number(left) and _is_number(right)) or type(left) is type(right)


def _ordered(order: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def compare(left: Any, right: Any) -> bool:
        if (_is_number(left) and _is_number(right)) or (isinstance(left, str) and isinstance(right, str)):
            return order(left, right)
        return False

    return compare


def _matches(left: Any, right: Any) -> bool:
    """Jayway takes what is missing, null or no scalar for an empty text."""
    pattern, value = (left, right) if isinstance(left, re.Pattern) else (right, left)
    if not isinstance(pattern, re.Pattern) or isinstance(value, re.Pattern):
        return False
    written = value if isinstance(value, str) else json_text(value) if isinstance(value, int | float) else ""
    from ...base.alarm import OverdueError, raise_after  # few paths have a regular expression

    overdue = OverdueError()
    try:
        with raise_after(_REGEX_SECONDS, overdue):
            return pattern.fullmatch(written) is not None
    except OverdueError as error:
        if error is not overdue:
            raise
        raise StatesError("States.Runtime", f"The regular expression '{pattern.pattern}' takes too long") from None


_REGEX_SECONDS: Final = 5.0
"""Real time, as for an expression in JSONata: some patterns would never end."""


def _contained(left: Any, right: Any) -> bool:
    return isinstance(right, list) and any(_equal(left, each) for each in right)


def _contains(left: Any, right: Any) -> bool:
    if isinstance(left, str):
        return isinstance(right, str) and right in left
    return _contained(right, left)


def _size(left: Any, right: Any) -> bool:
    return isinstance(left, str | list) and _is_number(right) and len(left) == right


def _empty(left: Any, right: Any) -> bool:
    return isinstance(left, str | list | dict) and (not left) is right


def _both_lists(test: Callable[[list[Any], list[Any]], bool]) -> Callable[[Any, Any], bool]:
    return lambda left, right: isinstance(left, list) and isinstance(right, list) and test(left, right)


_COMPARE: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "==": _equal,
    "!=": lambda left, right: not _equal(left, right),
    "===": lambda left, right: _same_type(left, right) and _equal(left, right),
    "!==": lambda left, right: not (_same_type(left, right) and _equal(left, right)),
    "<": _ordered(lambda left, right: left < right),
    "<=": _ordered(lambda left, right: left <= right),
    ">": _ordered(lambda left, right: left > right),
    ">=": _ordered(lambda left, right: left >= right),
    "=~": _matches,
    "IN": _contained,
    "NIN": lambda left, right: not _contained(left, right),
    "CONTAINS": _contains,
    "SIZE": _size,
    "EMPTY": _empty,
    "ALL": _both_lists(lambda left, right: all(_contained(each, left) for each in right)),
    "SUBSETOF": _both_lists(lambda left, right: all(_contained(each, right) for each in left)),
    "ANYOF": _both_lists(lambda left, right: any(_contained(each, right) for each in left)),
    "NONEOF": _both_lists(lambda left, right: not any(_contained(each, right) for each in left)),
}
