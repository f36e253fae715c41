"""What is known of a JSON value before anything runs: its kind, its fields, and on which routes they are there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple, TypeAlias

MAX_DEPTH = 24
"""How deep a shape goes; what is below is unknown."""


class Unknown(NamedTuple):
    """Anything."""


class Scalar(NamedTuple):
    """A string, number, boolean or null; `values`, where they are known, are the only ones it can have."""

    kind: str
    values: frozenset[Any] | None = None


class Array(NamedTuple):
    """A list; `items`, where its length is known, else every item is like `item`."""

    item: Shape
    items: tuple[Shape, ...] | None = None


class Field(NamedTuple):
    """A field of an object. Where it is not `always` there, `absent` says what has none."""

    shape: Shape
    always: bool = True
    absent: str = ""


class Object(NamedTuple):
    """An object; a closed one has no other fields. `source` says what it is, for messages."""

    fields: Mapping[str, Field]
    closed: bool = True
    source: str = ""


Shape: TypeAlias = Unknown | Scalar | Array | Object
ANY: Final = Unknown()
MAYBE: Final = Field(ANY, False)
"""A field that may be there or not, and be anything."""
STRING, NUMBER, BOOLEAN, NULL = Scalar("string"), Scalar("number"), Scalar("boolean"), Scalar("null")


class Missing(NamedTuple):
    """A step of a path that finds nothing: on no route, or only not on all of them (`sometimes`)."""

    name: str
    sometimes: bool
    there: tuple[str, ...] | None
    """The fields that are there instead; None where it is no object."""
    source: str


def of_value(value: Any, source: str = "", depth: int = 0) -> Shape:
    """The shape of a constant."""
    if depth > MAX_DEPTH:
        return ANY
    if isinstance(value, dict):
        return Object({key: Field(of_value(each, source, depth + 1)) for key, each in value.items()}, True, source)
    if isinstance(value, list):
        items = tuple(of_value(each, source, depth + 1) for each in value[:100])
        return Array(merged(items), items if len(items) == len(value) else None)
    return Scalar(kind_of(value), frozenset({value}) if isinstance(value, str | int | float) else None)


def kind_of(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    return {str: "string", int: "number", float: "number"}.get(type(value), "null")


def merged(shapes: tuple[Shape, ...]) -> Shape:
    """What is known where any of several shapes may be there."""
    if not shapes:
        return ANY
    found = shapes[0]
    for shape in shapes[1:]:
        found = merge(found, shape)
    return found


def merge(one: Shape, other: Shape, depth: int = 0) -> Shape:
    """What is known where either may be there; `one` itself where the other adds nothing."""
    if one is other or isinstance(one, Unknown):
        return one
    if isinstance(one, Object) and isinstance(other, Object) and depth < MAX_DEPTH:
        return _merge_objects(one, other, depth)
    if isinstance(one, Array) and isinstance(other, Array) and depth < MAX_DEPTH:
        item = merge(one.item, other.item, depth + 1)
        if one.items is None or (other.items is not None and len(one.items) == len(other.items) == 0):
            return one if item is one.item else Array(item)
        return Array(item)
    if isinstance(one, Scalar) and isinstance(other, Scalar) and one.kind == other.kind:
        if one.values is None or (other.values is not None and other.values <= one.values):
            return one
        known = other.values is not None and len(one.values | other.values) <= 20
        return Scalar(one.kind, one.values | other.values if known and other.values is not None else None)
    return ANY


def _merge_objects(one: Object, other: Object, depth: int) -> Object:
    """A state at which a thousand routes meet merges a thousand times, mostly fields that are the same."""
    own, theirs = one.fields, other.fields
    changed: dict[str, Field] = {}
    for name, field in own.items():
        if field is MAYBE or (there := theirs.get(name)) is field:
            continue
        if there is None:
            if not other.closed:
                changed[name] = MAYBE
            elif field.always:
                changed[name] = Field(field.shape, False, other.source)
        elif there.shape is not field.shape or (field.always and not there.always):
            shape = merge(field.shape, there.shape, depth + 1)
            if shape is not field.shape or (field.always and not there.always):
                changed[name] = Field(shape, field.always and there.always, field.absent or there.absent)
    for name, field in theirs.items():
        if name not in own:
            changed[name] = Field(field.shape, False, one.source) if one.closed else MAYBE
    closed = one.closed and other.closed
    if not changed and closed is one.closed:
        return one
    return Object({**own, **changed}, closed, one.source or other.source)


def put(shape: Shape, keys: tuple[str | int, ...], value: Shape, source: str) -> Shape:
    """The shape with a value at a Reference Path, as ResultPath writes it."""
    if not keys:
        return value
    if len(keys) > MAX_DEPTH:
        return ANY
    key, *rest = keys
    if isinstance(key, int):
        return ANY
    if isinstance(shape, Object):
        old = shape.fields.get(key)
        inside = old.shape if old is not None else ANY if not shape.closed else Object({}, True, source)
        inside = inside if isinstance(inside, Object | Unknown) else Object({}, True, source)
        made = put(inside, tuple(rest), value, source)
        return Object({**shape.fields, key: Field(made)}, shape.closed, shape.source)
    if isinstance(shape, Unknown):
        return Object({key: Field(put(ANY, tuple(rest), value, source))}, False)
    return ANY


def allow(shape: Shape, keys: tuple[str | int, ...]) -> Shape:
    """The shape where somebody has asked whether a path is there: from then on it may be."""
    if not keys or not isinstance(shape, Object) or isinstance(keys[0], int):
        return shape
    key, rest = keys[0], keys[1:]
    field = shape.fields.get(key)
    if field is None:
        return Object({**shape.fields, key: Field(ANY)}, True, shape.source) if shape.closed else shape
    return Object({**shape.fields, key: Field(allow(field.shape, rest))}, shape.closed, shape.source)


def look(shape: Shape, keys: tuple[str | int, ...]) -> tuple[Shape, Missing | None]:
    """What a path of names and indexes finds, and the first step that may find nothing."""
    missing: Missing | None = None
    for key in keys:
        if isinstance(shape, Unknown):
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
    if not isinstance(shape, Object):
        return ANY, Missing(key, False, None, "")
    field = shape.fields.get(key)
    if field is None:
        return ANY, Missing(key, False, tuple(shape.fields), shape.source) if shape.closed else None
    if field.always or not field.absent:
        return field.shape, None
    return field.shape, Missing(key, True, tuple(shape.fields), field.absent)


def _item(shape: Shape, index: int) -> tuple[Shape, Missing | None]:
    if not isinstance(shape, Array):
        return ANY, Missing(f"[{index}]", False, None, "")
    if shape.items is None:
        return shape.item, None
    if -len(shape.items) <= index < len(shape.items):
        return shape.items[index], None
    return ANY, None  # An index outside a list finds null or nothing, depending on who asks.
