"""The comparisons of Choice rules in JSONPath: one record for each operator.

Source: ASL specification, "Choice State"; a value of another kind than the operator's compares as false.
"""

from __future__ import annotations

import functools
import operator
import re
from collections.abc import Callable
from typing import Any, Final

from ..base.record import Record
from .path.tree import ABSENT


class Operator(Record):
    """A data-test operator: the kind of its operand, whether the operand is a path to it, and the test."""

    kind: str
    """`string`, `number`, `boolean`, `timestamp`, or `test` for IsNull and its like, whose operand is a boolean."""
    is_path: bool
    test: Callable[[Any, Any], bool]


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_timestamp(value: Any) -> bool:
    return isinstance(value, str) and _instant(value) is not None


@functools.lru_cache(maxsize=1024)
def _instant(text: str) -> Any:
    from .timestamps import parse_instant  # few definitions compare timestamps

    return parse_instant(text)


def _strings(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """Compare by UTF-16 code units, as Java does."""

    def test(value: Any, operand: Any) -> bool:
        if not (isinstance(value, str) and isinstance(operand, str)):
            return False
        return compare(value.encode("utf-16-be", "surrogatepass"), operand.encode("utf-16-be", "surrogatepass"))

    return test


def _equal_strings(value: Any, operand: Any) -> bool:
    return isinstance(value, str) and bool(value == operand)


def _numbers(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def test(value: Any, operand: Any) -> bool:
        return is_number(value) and is_number(operand) and compare(value, operand)

    return test


def _booleans(value: Any, operand: Any) -> bool:
    return isinstance(value, bool) and value is operand


def _timestamps(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def test(value: Any, operand: Any) -> bool:
        if not (isinstance(value, str) and isinstance(operand, str)):
            return False
        left, right = _instant(value), _instant(operand)
        return left is not None and right is not None and compare(left, right)

    return test


def _matches(value: Any, operand: Any) -> bool:
    """The parts between the wildcards stand in the value in their order, the first and the last at its ends."""
    if not (isinstance(value, str) and isinstance(operand, str)):
        return False
    first, *others = _literals(operand)
    if not others:
        return value == first
    *between, last = others
    at, end = len(first), len(value) - len(last)
    if at > end or not (value.startswith(first) and value.endswith(last)):
        return False
    for part in between:
        position = value.find(part, at, end)
        if position < 0:
            return False
        at = position + len(part)
    return True


@functools.lru_cache(maxsize=1024)
def _literals(wildcards: str) -> tuple[str, ...]:
    """What stands between the wildcards `*`; `\\*` is an asterisk and `\\\\` a backslash."""
    parts = [""]
    for piece in re.findall(r"\\.|.", wildcards, re.DOTALL):
        if piece == "*":
            parts.append("")
        else:
            parts[-1] += piece[-1]
    return tuple(parts)


def _type_test(check: Callable[[Any], bool]) -> Operator:
    return Operator("test", False, lambda value, operand: check(value) is operand)


_ORDERS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "Equals": operator.eq,
    "LessThan": operator.lt,
    "GreaterThan": operator.gt,
    "LessThanEquals": operator.le,
    "GreaterThanEquals": operator.ge,
}
_COMPARISONS: Final[dict[str, tuple[str, Callable[[Any, Any], bool]]]] = {
    **{f"String{name}": ("string", _strings(order)) for name, order in _ORDERS.items()},
    **{f"Numeric{name}": ("number", _numbers(order)) for name, order in _ORDERS.items()},
    **{f"Timestamp{name}": ("timestamp", _timestamps(order)) for name, order in _ORDERS.items()},
    "StringEquals": ("string", _equal_strings),
    "BooleanEquals": ("boolean", _booleans),
}
OPERATORS: Final[dict[str, Operator]] = {
    **{name: Operator(kind, False, test) for name, (kind, test) in _COMPARISONS.items()},
    **{f"{name}Path": Operator(kind, True, test) for name, (kind, test) in _COMPARISONS.items()},
    "StringMatches": Operator("string", False, _matches),
    "IsNull": _type_test(lambda value: value is None),
    "IsPresent": _type_test(lambda value: value is not ABSENT),
    "IsNumeric": _type_test(is_number),
    "IsString": _type_test(lambda value: isinstance(value, str)),
    "IsBoolean": _type_test(lambda value: isinstance(value, bool)),
    "IsTimestamp": _type_test(is_timestamp),
}
