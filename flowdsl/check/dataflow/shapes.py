"""Shapes: what is known of a JSON value before a machine runs, such as its kind and fields.

A field may exist only on some routes; then the shape has the reason why it can be missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple, TypeAlias

MAX_DEPTH = 24
"""The greatest depth of a shape; deeper values are unknown."""


class UnknownShape(NamedTuple):
    """Any value."""


class ScalarShape(NamedTuple):
    """A string, number, boolean or null. `values` are its only possible values, if they are known."""

    kind: str
    values: frozenset[Any] | None = None


class ArrayShape(NamedTuple):
    """A list. `items` are its elements if its length is known; otherwise each has the shape `item`."""

    item: Shape
    items: tuple[Shape, ...] | None = None


class Member(NamedTuple):
    """A field of an object. If it is not `always` present, `absent` names what lacks it."""

    shape: Shape
    always: bool = True
    absent: str = ""


class ObjectShape(NamedTuple):
    """An object; a closed one has no other fields. `source` is its name in messages."""

    fields: Mapping[str, Member]
    closed: bool = True
    source: str = ""


Shape: TypeAlias = UnknownShape | ScalarShape | ArrayShape | ObjectShape
ANY: Final = UnknownShape()
MAYBE: Final = Member(ANY, False)
"""A field that may be missing, with any value."""
STRING, NUMBER, BOOLEAN, NULL = (
    ScalarShape("string"),
    ScalarShape("number"),
    ScalarShape("boolean"),
    ScalarShape("null"),
)


class Missing(NamedTuple):
    """A step of a path that selects no value: on all routes, or on some (`sometimes`)."""

    name: str
    sometimes: bool
    fields: tuple[str, ...] | None
    """The fields that exist instead; None if the value is not an object."""
    source: str


def of_value(value: Any, source: str = "", depth: int = 0) -> Shape:
    """Return the shape of a constant."""
    if depth > MAX_DEPTH:
        return ANY
    if isinstance(value, dict):
        return ObjectShape(
            {key: Member(of_value(each, source, depth + 1)) for key, each in value.items()}, True, source
        )
    if isinstance(value, list):
        items = tuple(of_value(each, source, depth + 1) for each in value[:100])
        return ArrayShape(merged(items), items if len(items) == len(value) else None)
    return ScalarShape(kind_of(value), frozenset({value}) if isinstance(value, str | int | float) else None)


def kind_of(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    return {str: "string", int: "number", float: "number"}.get(type(value), "null")


def merged(shapes: tuple[Shape, ...]) -> Shape:
    """Return what is known of a value that has one of these shapes."""
    if not shapes:
        return ANY
    result = shapes[0]
    for shape in shapes[1:]:
        result = merge(result, shape)
    return result


Pairs: TypeAlias = dict[tuple[int, int], Shape]
"""Merged shapes by the ids of the two that they come from, while both exist.

A part in several places is merged once and stays one part: a loop may double the places in each round.
"""


def merge(one: Shape, other: Shape, depth: int = 0, pairs: Pairs | None = None) -> Shape:
    """Return what is known of a value that has either shape; `one` itself if `other` changes nothing."""
    if one is other or isinstance(one, UnknownShape):
        return one
    if isinstance(one, ObjectShape) and isinstance(other, ObjectShape) and depth < MAX_DEPTH:
        pairs = {} if pairs is None else pairs
        key = (id(one), id(other))
        if key not in pairs:
            pairs[key] = _merge_objects(one, other, depth, pairs)
        return pairs[key]
    if isinstance(one, ArrayShape) and isinstance(other, ArrayShape) and depth < MAX_DEPTH:
        item = merge(one.item, other.item, depth + 1, pairs)
        if one.items is None or (other.items is not None and len(one.items) == len(other.items) == 0):
            return one if item is one.item else ArrayShape(item)
        return ArrayShape(item)
    if isinstance(one, ScalarShape) and isinstance(other, ScalarShape) and one.kind == other.kind:
        if one.values is None or (other.values is not None and other.values <= one.values):
            return one
        known = other.values is not None and len(one.values | other.values) <= 20
        return ScalarShape(one.kind, one.values | other.values if known and other.values is not None else None)
    return ANY


def _merge_objects(one: ObjectShape, other: ObjectShape, depth: int, pairs: Pairs) -> ObjectShape:
    """Merge fields; fast if they are the same, because a state may be the target of a thousand routes."""
    own, theirs = one.fields, other.fields
    changed: dict[str, Member] = {}
    for name, field in own.items():
        if field is MAYBE or (other_field := theirs.get(name)) is field:
            continue
        if other_field is None:
            if not other.closed:
                changed[name] = MAYBE
            elif field.always:
                changed[name] = Member(field.shape, False, other.source)
        elif other_field.shape is not field.shape or (field.always and not other_field.always):
            shape = merge(field.shape, other_field.shape, depth + 1, pairs)
            if shape is not field.shape or (field.always and not other_field.always):
                changed[name] = Member(shape, field.always and other_field.always, field.absent or other_field.absent)
    for name, field in theirs.items():
        if name not in own:
            changed[name] = Member(field.shape, False, one.source) if one.closed else MAYBE
    closed = one.closed and other.closed
    if not changed and closed is one.closed:
        return one
    return ObjectShape({**own, **changed}, closed, one.source or other.source)


def put(shape: Shape, keys: tuple[str | int, ...], value: Shape, source: str) -> Shape:
    """Return the shape with a value at a Reference Path, as ResultPath writes it."""
    if not keys:
        return value
    if len(keys) > MAX_DEPTH:
        return ANY
    key, *rest = keys
    if isinstance(key, int):
        return ANY
    if isinstance(shape, ObjectShape):
        old = shape.fields.get(key)
        inside = old.shape if old is not None else ANY if not shape.closed else ObjectShape({}, True, source)
        inside = inside if isinstance(inside, ObjectShape | UnknownShape) else ObjectShape({}, True, source)
        new = put(inside, tuple(rest), value, source)
        return ObjectShape({**shape.fields, key: Member(new)}, shape.closed, shape.source)
    if isinstance(shape, UnknownShape):
        return ObjectShape({key: Member(put(ANY, tuple(rest), value, source))}, False)
    return ANY


def allow(shape: Shape, keys: tuple[str | int, ...]) -> Shape:
    """Return the shape after a test whether a path is present: from then on it may be."""
    if not keys or not isinstance(shape, ObjectShape) or isinstance(keys[0], int):
        return shape
    key, rest = keys[0], keys[1:]
    field = shape.fields.get(key)
    if field is None:
        return ObjectShape({**shape.fields, key: Member(ANY)}, True, shape.source) if shape.closed else shape
    return ObjectShape({**shape.fields, key: Member(allow(field.shape, rest))}, shape.closed, shape.source)


def look(shape: Shape, keys: tuple[str | int, ...]) -> tuple[Shape, Missing | None]:
    """Return the shape at a path of names and indexes, and the first step that may select no value."""
    missing: Missing | None = None
    for key in keys:
        if isinstance(shape, UnknownShape):
            break
        if isinstance(key, int):
            shape, wrong = _item(shape, key)
        else:
            shape, wrong = _field(shape, key)
        missing = missing or wrong
        if wrong is not None and not wrong.sometimes:
            return ANY, wrong
    return shape, missing


def _field(shape: Shape, key: str) -> tuple[Shape, Missing | None]:
    if not isinstance(shape, ObjectShape):
        return ANY, Missing(key, False, None, "")
    field = shape.fields.get(key)
    if field is None:
        return ANY, Missing(key, False, tuple(shape.fields), shape.source) if shape.closed else None
    if field.always or not field.absent:
        return field.shape, None
    return field.shape, Missing(key, True, tuple(shape.fields), field.absent)


def _item(shape: Shape, index: int) -> tuple[Shape, Missing | None]:
    if not isinstance(shape, ArrayShape):
        return ANY, Missing(f"[{index}]", False, None, "")
    if shape.items is None:
        return shape.item, None
    if -len(shape.items) <= index < len(shape.items):
        return shape.items[index], None
    return ANY, None  # An index outside a list gives null or no value, depending on the reader.
