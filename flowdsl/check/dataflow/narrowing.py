"""What a condition says of the values that it tests: on the routes after a Choice, ways that it excludes are gone."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final, TypeAlias

from ...base.named import NamedTuple
from ...base.patterns import regex
from ...expr.path.tree import Root
from ..conditions import And, Atom, Formula, Not
from ..rules.paths import as_path
from .parts import keys_of
from .shapes import (
    NOWHERE,
    ArrayShape,
    Member,
    ObjectShape,
    ScalarShape,
    Shape,
    UnionShape,
    UnknownShape,
    merged,
    ways_of,
)

_JSONATA = regex(r"(\$(?:[A-Za-z_]\w*)?|[A-Za-z_]\w*)((?:\.[A-Za-z_]\w*)*)")
Keys = tuple[str | int, ...]


class Values(NamedTuple):
    """The document and the variables, as an object."""

    document: Shape
    variables: Shape


Find: TypeAlias = Callable[[str], "tuple[str, Keys] | None"]
"""Returns the variable, "" for the document, and the keys of a tested value; None if it is not a plain path."""


def narrow(values: Values, formula: Formula, holds: bool, language: str) -> Values:
    """Return what is left of the values if the condition of a Choice holds, or does not."""
    return _narrow(values, formula, holds, partial(place_of, language=language))


def narrow_within(values: Values, formula: Formula, holds: bool) -> Values:
    """Return what is left of the values if a condition within an expression holds, or does not: of the variables,
    `states` among them, and of the context in place of the document."""
    return _narrow(values, formula, holds, place_within)


def _narrow(values: Values, formula: Formula, holds: bool, find: Find) -> Values:
    if isinstance(formula, Not):
        return _narrow(values, formula.part, not holds, find)
    if isinstance(formula, Atom):
        place = find(formula.subject)
        if place is None:
            return values
        variable, keys = place
        if variable:
            return values._replace(variables=_narrowed(values.variables, (variable, *keys), formula, holds))
        return values._replace(document=_narrowed(values.document, keys, formula, holds))
    if isinstance(formula, And) is holds:
        for part in formula.parts:
            values = _narrow(values, part, holds, find)
        return values
    each = [_narrow(values, part, holds, find) for part in formula.parts]
    if all(one == values for one in each):
        return values
    return Values(merged(tuple(one.document for one in each)), merged(tuple(one.variables for one in each)))


def place_of(subject: str, language: str) -> tuple[str, Keys] | None:
    """Return the variable, "" for the document, and the keys of a tested value; None if it is not a plain path."""
    if language == "JSONata":
        variable, names = place_within(subject) or ("", ())
        if variable == "states":
            return ("", names[1:]) if names[:1] == ("input",) else None
        return (variable, names) if variable else None
    path = as_path(subject)
    keys = keys_of(path)
    if path is None or keys is None or path.root not in (Root.INPUT, Root.VARIABLE):
        return None
    return (path.variable or "") if path.root is Root.VARIABLE else "", keys


def place_within(subject: str) -> tuple[str, Keys] | None:
    """Return the variable, "" for the context, and the keys of a value that an expression tests."""
    match = _JSONATA.fullmatch(subject)
    if match is None:
        return None
    names = tuple(match[2].split(".")[1:])
    return (match[1][1:], names) if match[1].startswith("$") else ("", (match[1], *names))


def _narrowed(shape: Shape, keys: Keys, test: Atom, holds: bool) -> Shape:
    left = _left(shape, keys, test, holds)
    return shape if left is None else left


def _left(shape: Shape, keys: Keys, test: Atom, holds: bool) -> Shape | None:
    """Return what is left of a shape; None if the test excludes all of it."""
    ways = ways_of(shape)
    new = [_way_left(each, keys, test, holds) for each in ways]
    if all(one is other for one, other in zip(ways, new, strict=True)):
        return shape
    left = tuple(each for each in new if each is not None)
    if not left:
        return None
    return left[0] if len(left) == 1 else UnionShape(left)


def _way_left(shape: Shape, keys: Keys, test: Atom, holds: bool) -> Shape | None:
    if not keys:
        return _value_left(shape, test, holds)
    if isinstance(shape, ScalarShape) and holds and _needs_a_value(test):
        return None  # Nothing is inside it.
    if not isinstance(shape, ObjectShape) or isinstance(keys[0], int):
        return shape
    member = shape.fields.get(keys[0])
    if member is None:
        return None if shape.closed and holds and _needs_a_value(test) else shape
    inner = _left(member.shape, keys[1:], test, holds)
    if inner is None:
        return None if member.always or holds else shape
    is_sure = member.always or (holds and _needs_a_value(test))
    if inner is member.shape and is_sure is member.always:
        return shape
    return shape._replace(
        fields={**shape.fields, keys[0]: Member(inner, is_sure, NOWHERE if is_sure else member.absent)}
    )


_KINDS: Final = {
    "IsNull": "null",
    "IsString": "string",
    "IsNumeric": "number",
    "IsBoolean": "boolean",
}
"""A test of a value's kind → the kind."""
_ORDER: Final = frozenset({"<", "<=", ">", ">="})
_COMPARED: Final = {"String": "string", "Numeric": "number", "Boolean": "boolean", "Timestamp": "string"}
"""How an operator of JSONPath starts, such as StringMatches → the kind of the values for which it may hold."""


def _needs_a_value(test: Atom) -> bool:
    """True for a test that does not hold for what is not there."""
    return test.operator in ("exists", "=", *_KINDS) or _compared_kind(test) is not None


def _compared_kind(test: Atom) -> str | None:
    """Return the kind of the values for which a comparison may hold; None for another test."""
    if test.operator in _ORDER:
        return _kind(test.constant)
    return next((kind for start, kind in _COMPARED.items() if test.operator.removeprefix("Is").startswith(start)), None)


def _value_left(shape: Shape, test: Atom, holds: bool) -> Shape | None:
    if test.operator == "exists":
        return shape if holds else None
    if test.operator == "is" and isinstance(shape, ScalarShape) and shape.kind == "null":
        return None if holds else shape
    if test.operator in _KINDS and not isinstance(shape, UnknownShape | UnionShape):
        is_of_kind = isinstance(shape, ScalarShape) and shape.kind == _KINDS[test.operator]
        return shape if is_of_kind is holds else None
    compared = _compared_kind(test)
    if compared is not None and holds and not isinstance(shape, UnknownShape | UnionShape):
        return shape if isinstance(shape, ScalarShape) and shape.kind == compared else None
    if test.operator != "=" or isinstance(shape, UnknownShape | UnionShape):
        return shape
    if not isinstance(shape, ScalarShape) or shape.kind != _kind(test.constant):
        return None if holds and isinstance(shape, ScalarShape | ArrayShape | ObjectShape) else shape
    if holds:
        known = shape.values is None or test.constant in shape.values
        return ScalarShape(shape.kind, frozenset({test.constant})) if known else None
    if shape.values is None or test.constant not in shape.values:
        return shape
    values = shape.values - {test.constant}
    return ScalarShape(shape.kind, values) if values else None


def _kind(constant: object) -> str:
    return "boolean" if isinstance(constant, bool) else "string" if isinstance(constant, str) else "number"


def is_present(shape: Shape, keys: Keys) -> bool | None:
    """Return True if every value of the shape has something at the keys, False if none has, None if it is not known."""
    answers = {_is_present(each, keys) for each in ways_of(shape)}
    return answers.pop() if len(answers) == 1 else None


def _is_present(shape: Shape, keys: Keys) -> bool | None:
    if not keys:
        return None if isinstance(shape, UnknownShape) else True
    if not isinstance(shape, ObjectShape) or isinstance(keys[0], int):
        return None
    member = shape.fields.get(keys[0])
    if member is None:
        return False if shape.closed else None
    if len(keys) == 1:
        return True if member.always else None
    return is_present(member.shape, keys[1:]) if member.always else None
