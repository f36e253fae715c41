"""Whole numbers beyond 2^53, such as account numbers, which the engine rounds to doubles.

An expression that only passes such a number on must not change it. So each one in a result is looked up among the
numbers that the expression could read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

_SAFE: Final = 2**53


def with_exact_integers(value: Any, *sources: Any) -> Any:
    """The value with each large whole number as the sources have it; the value itself if it has none."""
    if not _has_large(value):
        return value
    exact: dict[float, int | None] = {}
    for number in _large(sources):
        double = float(number)
        exact[double] = None if exact.get(double, number) != number else number
    return _replaced(value, exact)


def _is_large(value: Any) -> bool:
    return value.__class__ is int and not -_SAFE < value < _SAFE


def _has_large(value: Any) -> bool:
    todo = [value]
    for item in todo:  # the list grows while it is read, which is the fastest walk
        kind = item.__class__
        if kind is dict:
            todo.extend(item.values())
        elif kind is list:
            todo.extend(item)
        elif kind is int and not -_SAFE < item < _SAFE:
            return True
    return False


def _large(value: Any) -> Iterator[int]:
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list | tuple):
        if _is_large(value) and abs(value) < 10**21:
            yield value
        return
    for item in value:
        yield from _large(item)


def _replaced(value: Any, exact: dict[float, int | None]) -> Any:
    if isinstance(value, dict):
        return {key: _replaced(item, exact) for key, item in value.items()}
    if isinstance(value, list):
        return [_replaced(item, exact) for item in value]
    number = exact.get(float(value)) if _is_large(value) else None
    return value if number is None else number
