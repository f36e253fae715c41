"""Short ways through the commonest expressions, equal to the engine's evaluation by the language's own rules.

Literals; `$variable` and `$states.input.a.b`; and operators between those. A path over objects alone is a chain of
look-ups, and an operator between two values of one plain type is Python's. Anything else met at run time, such as an
array in the path or a number beside a string, is left to the engine.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any, Final

from .functions import KNOWN
from .tree import Node, steps

Run = Callable[[Mapping[str, Any], Mapping[str, Any], Callable[[], float]], Any]
"""One expression: (`$states`, variables, clock) → JSON value or UNDEFINED."""
UNDEFINED: Final = object()

_SAFE: Final = 2**53
_MAX_WHOLE: Final = 10**21
"""From here on a whole number is written as a double, as in JavaScript."""
_UNCHANGED: Final = frozenset({str, int, bool, type(None)})
"""Kinds of values that are the same in JSONata."""
_PLAIN: Final = frozenset({int, float, str})
_COMPARE: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_EQUAL: Final[dict[str, bool]] = {"=": True, "!=": False}
_ADD: Final[dict[str, Callable[[int, int], int]]] = {"+": operator.add, "-": operator.sub, "*": operator.mul}
_LITERALS: Final = {"true": True, "false": False, "null": None}


def shortcut(node: Node, general: Run, depth: int = 4) -> Run | None:
    """The short way of a tree, or None if there is none.

    `general` evaluates the whole expression, and is called when the short way leads nowhere; `depth` is how deep
    operators may nest.
    """
    if node.kind == "string":
        return _constant(node.value)
    if node.kind == "number":
        return _constant(whole(float(node.value)))
    if node.kind == "value":
        return _constant(_LITERALS[node.value])
    if node.kind in ("path", "variable"):
        return _read(node, general)
    if node.kind == "binary" and depth:
        left = shortcut(node.parts[0], _leave, depth - 1)
        right = shortcut(node.parts[1], _leave, depth - 1)
        if left is not None and right is not None:
            return _binary(node.value, left, right, general)
    return None


class _Elsewhere(Exception):  # noqa: N818 - a signal
    """A part of an expression needs the engine, which evaluates the whole."""


def _leave(*_: Any) -> Any:
    raise _Elsewhere


def _constant(value: Any) -> Run:
    return lambda states, variables, now: value


def whole(value: float) -> int | float:
    """1.0 as 1, as JavaScript has it."""
    return int(value) if value.is_integer() and abs(value) < _MAX_WHOLE else value


def _read(node: Node, general: Run) -> Run | None:
    first, *names = steps(node)
    if first.kind != "variable" or not first.value or first.value == "$" or first.value in KNOWN:
        return None
    if any(step.kind != "name" for step in names):
        return None
    root = first.value
    keys = tuple(step.value for step in names)
    is_states = root == "states"

    def read(states: Mapping[str, Any], variables: Mapping[str, Any], now: Callable[[], float]) -> Any:
        value = states if is_states else variables.get(root, UNDEFINED)
        for key in keys:
            if value.__class__ is dict:
                value = value.get(key, UNDEFINED)
            elif value.__class__ is list:
                return general(states, variables, now)
            else:
                return UNDEFINED
        return value if value.__class__ in _UNCHANGED else _with_whole_numbers(value)

    return read


def _convert(value: Any) -> Any:
    """The value with 1.0 as 1 in it; a value without any is returned itself."""
    kind = value.__class__
    if kind is float:
        return whole(value)
    if kind is dict:
        changed = {
            key: new
            for key, item in value.items()
            if item.__class__ in _LOOKED_INTO and (new := _convert(item)) is not item
        }
        return {**value, **changed} if changed else value
    if kind is list:
        items = [_convert(item) if item.__class__ in _LOOKED_INTO else item for item in value]
        return value if all(map(operator.is_, items, value)) else items
    return value


_LOOKED_INTO: Final = frozenset({float, dict, list})
_KEPT: Final = 16
"""Values that are remembered as converted."""
_converted: Final[dict[int, tuple[Any, Any]]] = {}


def _with_whole_numbers(value: Any) -> Any:
    """As _convert, once for the several expressions and states that read one value, which nobody changes."""
    if value.__class__ is not dict and value.__class__ is not list:
        return _convert(value)
    entry = _converted.get(id(value))
    if entry is not None and entry[0] is value:
        return entry[1]
    new = _convert(value)
    if len(_converted) >= _KEPT:
        _converted.clear()
    _converted[id(value)] = (value, new)
    return new


def _binary(name: str, left: Run, right: Run, general: Run) -> Run | None:
    apply = _operation(name)
    if apply is None:
        return None

    def run(states: Mapping[str, Any], variables: Mapping[str, Any], now: Callable[[], float]) -> Any:
        try:
            value = apply(left(states, variables, now), right(states, variables, now))
        except _Elsewhere:
            value = UNDEFINED
        return general(states, variables, now) if value is UNDEFINED else value

    return run


def _operation(name: str) -> Callable[[Any, Any], Any] | None:
    """The operator between plain values of one type; UNDEFINED for all others."""
    if name in _COMPARE:
        compare = _COMPARE[name]
        return lambda one, other: (
            compare(one, other) if one.__class__ is other.__class__ and one.__class__ in _PLAIN else UNDEFINED
        )
    if name in _EQUAL:
        same = _EQUAL[name]
        return lambda one, other: (
            (one == other) is same
            if one.__class__ is other.__class__ and (one.__class__ in _PLAIN or one.__class__ is bool)
            else UNDEFINED
        )
    if name in _ADD:
        add = _ADD[name]

        def added(one: Any, other: Any) -> Any:
            if one.__class__ is int and other.__class__ is int and -_SAFE < (total := add(one, other)) < _SAFE:
                return total
            return UNDEFINED

        return added
    if name == "&":
        return lambda one, other: one + other if one.__class__ is str and other.__class__ is str else UNDEFINED
    return None
