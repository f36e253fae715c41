"""Short ways through the commonest expressions, equal to the general evaluation by the language's own rules.

Literals; `$variable` and `$states.input.a.b`; and operators between those. A path over objects alone is a chain of
look-ups, and an operator between two values of one plain type is Python's. Whatever else is met when it runs, an array
on the way or a number beside a string, goes the general way.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Container, Mapping
from typing import Any, Final

Run = Callable[[Mapping[str, Any], Mapping[str, Any], Callable[[], float]], Any]
"""One expression: (`$states`, variables, clock) → JSON value or UNDEFINED."""
UNDEFINED: Final = object()

_SAFE: Final = 2**53
_PLAIN: Final = frozenset({int, float, str})
_COMPARE: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_EQUAL: Final[dict[str, bool]] = {"=": True, "!=": False}
_ADD: Final[dict[str, Callable[[int, int], int]]] = {"+": operator.add, "-": operator.sub, "*": operator.mul}
_DECORATIONS: Final = (
    "predicate",
    "stages",
    "group",
    "tuple",
    "focus",
    "index",
    "keep_array",
    "keep_singleton_array",
    "ancestor",
    "consarray",
)


def is_decorated(node: Any) -> bool:
    """Whether a predicate, a group, a binding or a flag changes what the node alone would give."""
    return any(getattr(node, name, None) for name in _DECORATIONS)


def shortcut(ast: Any, functions: Container[str], general: Callable[[Any], Run], depth: int = 4) -> Run | None:
    """The short way of a tree, or None where there is none.

    `functions` are names that may stand for a function where no variable has them; `general` makes the general way of a
    tree, and is asked only when it is needed; `depth` is how deep operators may nest.
    """
    if is_decorated(ast) or depth == 0:
        return None
    if ast.type in ("string", "number", "value"):
        value = ast.value
        if value.__class__ is int and not -MAX_WHOLE < value < MAX_WHOLE:
            value = float(value)
        return lambda states, variables, now: value
    if ast.type in ("path", "variable"):
        return _read(ast, functions, general)
    if ast.type == "binary":
        left = shortcut(ast.lhs, functions, general, depth - 1)
        right = shortcut(ast.rhs, functions, general, depth - 1)
        if left is not None and right is not None:
            return _binary(str(ast.value), left, right, _later(ast, general))
    return None


def _later(ast: Any, general: Callable[[Any], Run]) -> Run:
    made: list[Run] = []

    def run(states: Mapping[str, Any], variables: Mapping[str, Any], now: Callable[[], float]) -> Any:
        if not made:
            made.append(general(ast))
        return made[0](states, variables, now)

    return run


def _read(ast: Any, functions: Container[str], general: Callable[[Any], Run]) -> Run | None:
    first, *names = ast.steps if ast.type == "path" else [ast]
    if first.type != "variable" or not first.value or any(step.type != "name" for step in names):
        return None
    if is_decorated(first) or any(map(is_decorated, names)) or first.value in functions:
        return None
    root = str(first.value)
    keys = tuple(str(step.value) for step in names)
    is_states = root == "states"
    otherwise = _later(ast, general)

    def read(states: Mapping[str, Any], variables: Mapping[str, Any], now: Callable[[], float]) -> Any:
        value = states if is_states else variables.get(root, UNDEFINED)
        for key in keys:
            if value.__class__ is dict:
                value = value.get(key, UNDEFINED)
            elif value.__class__ is list:
                return otherwise(states, variables, now)
            else:
                return UNDEFINED
        return _made_whole(value)

    return read


MAX_WHOLE: Final = 10**21
"""From here on a whole number is written as a double, as in JavaScript."""


def converting(leaf: Callable[[Any], Any], *kinds: type) -> Callable[[Any], Any]:
    """Changes the parts of JSON values that are of these kinds; a value without any is given back itself."""
    leaves = frozenset(kinds)
    looked_into = leaves | {dict, list}

    def convert(value: Any) -> Any:
        kind = value.__class__
        if kind in leaves:
            return leaf(value)
        if kind is dict:
            changed = {
                key: made
                for key, item in value.items()
                if item.__class__ in looked_into and (made := convert(item)) is not item
            }
            return {**value, **changed} if changed else value
        if kind is list:
            items = [convert(item) if item.__class__ in looked_into else item for item in value]
            return value if all(map(operator.is_, items, value)) else items
        return value

    return convert


def whole(value: float) -> float:
    """1.0 as 1, as JavaScript has it."""
    return int(value) if value.is_integer() and abs(value) < MAX_WHOLE else value


def remembering(convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The same for values that nobody changes, once for the several expressions and states that read one."""
    seen: dict[int, tuple[Any, Any]] = {}

    def converted(value: Any) -> Any:
        if value.__class__ is not dict and value.__class__ is not list:
            return convert(value)
        entry = seen.get(id(value))
        if entry is not None and entry[0] is value:
            return entry[1]
        made = convert(value)
        if len(seen) >= KEPT:
            seen.clear()
        seen[id(value)] = (value, made)
        return made

    return converted


KEPT: Final = 16
"""Values that are remembered as looked through."""
_made_whole = remembering(converting(whole, float))


def _binary(name: str, left: Run, right: Run, otherwise: Run) -> Run | None:
    if name in _COMPARE:
        compare = _COMPARE[name]

        def ordered(states: Mapping[str, Any], variables: Mapping[str, Any], now: Callable[[], float]) -> Any:
            one, other = left(states, variables, now), right(states, variables, now)
            if one.__class__ is other.__class__ and one.__class__ in _PLAIN:
                return compare(one, other)
            return otherwise(states, variables, now)

        return ordered
    if name in _EQUAL:
        same = _EQUAL[name]

        def equal(states: Mapping[str, Any], variables: Mapping[str, Any], now: Callable[[], float]) -> Any:
            one, other = left(states, variables, now), right(states, variables, now)
            if one.__class__ is other.__class__ and (one.__class__ in _PLAIN or one.__class__ is bool):
                return (one == other) is same
            return otherwise(states, variables, now)

        return equal
    if name in _ADD:
        add = _ADD[name]

        def added(states: Mapping[str, Any], variables: Mapping[str, Any], now: Callable[[], float]) -> Any:
            one, other = left(states, variables, now), right(states, variables, now)
            if one.__class__ is int and other.__class__ is int and -_SAFE < (total := add(one, other)) < _SAFE:
                return total
            return otherwise(states, variables, now)

        return added
    if name == "&":

        def joined(states: Mapping[str, Any], variables: Mapping[str, Any], now: Callable[[], float]) -> Any:
            one, other = left(states, variables, now), right(states, variables, now)
            if one.__class__ is str and other.__class__ is str:
                return one + other
            return otherwise(states, variables, now)

        return joined
    return None
