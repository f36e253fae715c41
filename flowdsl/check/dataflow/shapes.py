"""Shapes: what is known of a JSON value before a machine runs, such as its kind and fields.

A field may exist only on some routes; then the shape has the reason why it can be missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, TypeAlias

from ...base.named import NamedTuple

MAX_DEPTH = 24
"""The greatest depth of a shape; deeper values are unknown."""


class UnknownShape(NamedTuple):
    """Any value."""


class Source(NamedTuple):
    """Where a value comes from: its name in messages, and what follows for its fields (see SourceKind)."""

    name: str = ""
    kind: SourceKind = ""
    key: str = ""
    """The name of the field, if it is a declared one."""

    def field(self, key: str) -> Source:
        """Return the source of a field of a declared object."""
        return Source(f"{self.name}.{key}" if self.name else key, self.kind, key)

    def __bool__(self) -> bool:
        return self.name != ""

    def __str__(self) -> str:
        return self.name


SourceKind = Literal["", "input", "event", "caught", "answer", "job", "unknown"]
"""What is special about a source: the execution's input may lack a field with a default; an event is made of none of
the author's own classes; an error has been caught; the answer of a service, and the description of a `.sync` job, to
which it may add; an unknown result has replaced the document."""
NOWHERE: Final = Source()


class ScalarShape(NamedTuple):
    """A string, number, boolean or null. `values` are its only possible values, if they are known; `has_fraction` if
    the author says that a number is a float."""

    kind: str
    values: frozenset[Any] | None = None
    has_fraction: bool = False


class ArrayShape(NamedTuple):
    """A list. `items` are its elements if its length is known; otherwise each has the shape `item`."""

    item: Shape
    items: tuple[Shape, ...] | None = None


class Member(NamedTuple):
    """A field of an object. If it is not `always` present, `absent` is what lacks it."""

    shape: Shape
    always: bool = True
    absent: Source = NOWHERE


class ObjectShape(NamedTuple):
    """An object; a closed one has no other fields. `rest` is the shape of others."""

    fields: Mapping[str, Member]
    closed: bool = True
    source: Source = NOWHERE
    rest: Shape = UnknownShape()


class UnionShape(NamedTuple):
    """A value that is of another kind on each of several routes; at most one way is unknown, and none is a union."""

    ways: tuple[Shape, ...]


Shape: TypeAlias = UnknownShape | ScalarShape | ArrayShape | ObjectShape | UnionShape
ANY: Final = UnknownShape()
MAYBE: Final = Member(ANY, False)
"""A field that may be missing, with any value."""
STRING, NUMBER, FLOAT, BOOLEAN, NULL = (
    ScalarShape("string"),
    ScalarShape("number"),
    ScalarShape("number", None, True),
    ScalarShape("boolean"),
    ScalarShape("null"),
)


class Missing(NamedTuple):
    """A step of a path that selects no value: on all routes, or on some (`sometimes`)."""

    name: str
    sometimes: bool
    fields: tuple[str, ...] | None
    """The fields that exist instead; None if the value is not an object."""
    source: Source
    length: int | None = None
    """The length of the list if an index leads outside of it."""


def of_value(value: Any, source: Source = NOWHERE, depth: int = 0) -> Shape:
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


Pairs: TypeAlias = dict[tuple[int, int], tuple[Shape, Shape, Shape]]
"""Two shapes, so that their ids stay theirs, and what they are merged to; by these ids.

A part in several places is merged once and stays one part: a loop may double the places in each round.
"""


def merge(one: Shape, other: Shape, depth: int = 0, pairs: Pairs | None = None) -> Shape:
    """Return what is known of a value that has either shape; `one` itself if `other` changes nothing."""
    if one is other or (isinstance(one, UnknownShape) and isinstance(other, UnknownShape)):
        return one
    if isinstance(one, ScalarShape) and isinstance(other, ScalarShape) and one.kind == other.kind:
        return _merge_scalars(one, other)
    if isinstance(one, UnionShape) and (one.ways[0] is other or one.ways[-1] is other):
        return one  # Most often the shape is one of two.
    pairs = {} if pairs is None else pairs
    key = (id(one), id(other))
    if key not in pairs:
        pairs[key] = (one, other, _merge_parts(one, other, depth, pairs))
    return pairs[key][2]


def _merge_scalars(one: ScalarShape, other: ScalarShape) -> ScalarShape:
    if one.values is None or (other.values is not None and other.values <= one.values):
        return other if other.has_fraction and not one.has_fraction else one
    known = other.values is not None and len(one.values | other.values) <= 20
    values = one.values | other.values if known and other.values is not None else None
    return ScalarShape(one.kind, values, one.has_fraction or other.has_fraction)


def _merge_parts(one: Shape, other: Shape, depth: int, pairs: Pairs) -> Shape:
    if isinstance(one, UnionShape) or isinstance(other, UnionShape):
        return _merge_ways(one, other, depth, pairs)
    if isinstance(one, ObjectShape) and isinstance(other, ObjectShape) and depth < MAX_DEPTH:
        return UnionShape((one, other)) if _way(one) != _way(other) else _merge_objects(one, other, depth, pairs)
    if isinstance(one, ArrayShape) and isinstance(other, ArrayShape) and depth < MAX_DEPTH:
        return _merge_arrays(one, other, depth, pairs)
    return UnionShape((one, other)) if depth < MAX_DEPTH else ANY


def ways_of(shape: Shape) -> tuple[Shape, ...]:
    """Return the shapes that a value may have, one for each way."""
    return shape.ways if isinstance(shape, UnionShape) else (shape,)


MOST_WAYS: Final = 8
"""How many ways a union keeps apart; above that, all objects are one."""


def _way(shape: Shape) -> object:
    """What two shapes have in common that become one way of a union: objects of one source, values of one kind."""
    if isinstance(shape, ObjectShape):
        return shape.closed, shape.source
    return shape.kind if isinstance(shape, ScalarShape) else type(shape)


def flatten(shape: Shape) -> Shape:
    """Return a union as one shape: an object with the fields of all, or ANY if the kinds differ."""
    if not isinstance(shape, UnionShape):
        return shape
    first, *others = [each for each in shape.ways if each != NULL] or [ANY]
    for each in others:
        if not isinstance(first, ObjectShape) or not isinstance(each, ObjectShape):
            return ANY
        first = _merge_objects(first, each, 0, {})
    return first


def _merge_ways(one: Shape, other: Shape, depth: int, pairs: Pairs) -> Shape:
    if depth >= MAX_DEPTH:
        return one if all(any(each is old for old in ways_of(one)) for each in ways_of(other)) else ANY
    ways = {_way(each): each for each in ways_of(one)}
    is_new = not isinstance(one, UnionShape)
    for each in ways_of(other):
        old = ways.get(_way(each))
        new = each if old is None else merge(old, each, depth, pairs)
        is_new = is_new or new is not old
        ways[_way(each)] = new
    if not is_new:
        return one
    if len(ways) <= MOST_WAYS:
        return UnionShape(tuple(ways.values()))
    objects = [each for each in ways.values() if isinstance(each, ObjectShape)]
    others = [each for each in ways.values() if not isinstance(each, ObjectShape)]
    whole = flatten(UnionShape(tuple(objects)))
    return UnionShape((whole, *others)) if others else whole


def _merge_arrays(one: ArrayShape, other: ArrayShape, depth: int, pairs: Pairs) -> ArrayShape:
    if one.items == () or other.items == ():  # An empty list has no items that could be of a kind.
        item = other.item if one.items == () else one.item
    else:
        item = merge(one.item, other.item, depth + 1, pairs)
    items: tuple[Shape, ...] | None = None
    if one.items is not None and other.items is not None and len(one.items) == len(other.items):
        items = tuple(merge(a, b, depth + 1, pairs) for a, b in zip(one.items, other.items, strict=True))
        if all(a is b for a, b in zip(items, one.items, strict=True)):
            items = one.items
    return one if item is one.item and items is one.items else ArrayShape(item, items)


def _merge_objects(one: ObjectShape, other: ObjectShape, depth: int, pairs: Pairs) -> ObjectShape:
    """Merge fields; fast if they are the same, because a state may be the target of a thousand routes."""
    if not one.closed and not other.closed:
        return _merge_open(one, other, depth, pairs)
    own, theirs = one.fields, other.fields
    changed: dict[str, Member] = {}
    others = theirs.get
    for name in [name for name, field in own.items() if field is not MAYBE and others(name) is not field]:
        field, other_field = own[name], others(name)
        if other_field is None:
            if not other.closed:
                changed[name] = MAYBE
            elif field.always:
                changed[name] = Member(field.shape, False, other.source)
        elif other_field.shape is not field.shape or (field.always and not other_field.always):
            shape = merge(field.shape, other_field.shape, depth + 1, pairs)
            if shape is not field.shape or (field.always and not other_field.always):
                changed[name] = Member(shape, field.always and other_field.always, field.absent or other_field.absent)
    for name in [name for name in theirs if name not in own]:
        changed[name] = Member(theirs[name].shape, False, one.source) if one.closed else MAYBE
    closed = one.closed and other.closed
    if not changed and closed is one.closed:
        return one
    rest = one.rest if closed else merge(one.rest, other.rest, depth + 1, pairs)
    return ObjectShape({**own, **changed}, closed, one.source or other.source, rest)


MOST_OPEN: Final = 16
"""How many fields two objects that may have others may have, to keep those that only one of them is known to have."""


def _maybe(field: Member) -> Member:
    """Return a field that is there on some routes, and of which nothing is known on others."""
    shape = merge(field.shape, ANY)
    return field if shape is field.shape and not field.always else Member(shape, False, field.absent)


def _merge_open(one: ObjectShape, other: ObjectShape, depth: int, pairs: Pairs) -> ObjectShape:
    """Merge objects that may have any other field: a field that only one of them is known to have may be there."""
    others = other.fields.get
    fields: dict[str, Member] = {}
    is_new = False
    # A state may be the target of a thousand routes, each with other fields: then those count as unknown.
    keeps = len(one.fields) <= MOST_OPEN and len(other.fields) <= MOST_OPEN
    for name, field in one.fields.items():
        other_field = others(name)
        if other_field is None:
            if not keeps:
                is_new = True
                continue
            new = _maybe(field)
            field, is_new = new, is_new or new is not field
            fields[name] = field
            continue
        if other_field is not field and other_field.shape is not field.shape:
            shape = merge(field.shape, other_field.shape, depth + 1, pairs)
            if shape is not field.shape or (field.always and not other_field.always):
                absent = field.absent or other_field.absent
                field, is_new = Member(shape, field.always and other_field.always, absent), True
        elif field.always and not other_field.always:
            field, is_new = Member(field.shape, False, field.absent or other_field.absent), True
        fields[name] = field
    for name, other_field in other.fields.items() if keeps else ():
        if name not in fields:
            fields[name], is_new = _maybe(other_field), True
    rest = merge(one.rest, other.rest, depth + 1, pairs)
    if not is_new and rest is one.rest:
        return one
    return ObjectShape(fields, False, one.source or other.source, rest)


def put(shape: Shape, keys: tuple[str | int, ...], value: Shape, source: Source) -> Shape:
    """Return the shape with a value at a Reference Path, as ResultPath writes it."""
    if not keys:
        return value
    if len(keys) > MAX_DEPTH:
        return ANY
    if isinstance(shape, UnionShape):
        return merged(tuple(put(each, keys, value, source) for each in shape.ways))
    key, *rest = keys
    if isinstance(key, int):
        return ANY
    if isinstance(shape, ObjectShape):
        old = shape.fields.get(key)
        inside = old.shape if old is not None else ANY if not shape.closed else ObjectShape({}, True, source)
        inside = inside if isinstance(inside, ObjectShape | UnknownShape) else ObjectShape({}, True, source)
        new = put(inside, tuple(rest), value, source)
        return ObjectShape({**shape.fields, key: Member(new)}, shape.closed, shape.source, shape.rest)
    if isinstance(shape, UnknownShape):
        return ObjectShape({key: Member(put(ANY, tuple(rest), value, source))}, False)
    return ANY


def allow(shape: Shape, keys: tuple[str | int, ...]) -> Shape:
    """Return the shape after a test whether a path is present: from then on it may be."""
    if isinstance(shape, UnionShape):
        return merged(tuple(allow(each, keys) for each in shape.ways))
    if not keys or not isinstance(shape, ObjectShape) or isinstance(keys[0], int):
        return shape
    key, rest = keys[0], keys[1:]
    field = shape.fields.get(key)
    if field is None:
        return ObjectShape({**shape.fields, key: Member(ANY)}, True, shape.source) if shape.closed else shape
    return shape._replace(fields={**shape.fields, key: Member(allow(field.shape, rest))})


def look(shape: Shape, keys: tuple[str | int, ...]) -> tuple[Shape, Missing | None]:
    """Return the shape at a path of names and indexes, and the first step that may select no value."""
    missing: Missing | None = None
    for key in keys:
        if isinstance(shape, UnknownShape):
            break
        shape, wrong = _step(shape, key)
        missing = missing or wrong
        if wrong is not None and not wrong.sometimes:
            return ANY, wrong
    return shape, missing


def one_or_many(item: Shape) -> Shape:
    """Return the shape of what a sequence of JSONata becomes: one value without a list, or a list of several."""
    return ANY if isinstance(item, UnknownShape | UnionShape) else UnionShape((ArrayShape(item), item))


def item_of_many(shape: Shape) -> Shape | None:
    """Return the shape of each value if it is `one_or_many`, perhaps on one of several routes; None if it is not."""
    lists = (each for each in ways_of(shape) if isinstance(each, ArrayShape))
    return next((each.item for each in lists if each.item in ways_of(shape)), None)


def _step(shape: Shape, key: str | int) -> tuple[Shape, Missing | None]:
    if isinstance(shape, UnionShape):
        if item_of_many(shape) is not None:
            return ANY, None
        steps = [_step(each, key) for each in shape.ways if each != NULL]  # Who allows null tests for it.
        wrong = [missing for _, missing in steps if missing is not None]
        present = [each for each, missing in steps if missing is None or missing.sometimes]
        if not present:
            return ANY, wrong[0] if wrong else None
        return merged(tuple(present)), wrong[0]._replace(sometimes=True) if wrong else None
    if isinstance(shape, UnknownShape):
        return ANY, None
    return _item(shape, key) if isinstance(key, int) else _field(shape, key)


def _field(shape: Shape, key: str) -> tuple[Shape, Missing | None]:
    if not isinstance(shape, ObjectShape):
        return ANY, Missing(key, False, None, source_of(shape))
    field = shape.fields.get(key)
    if field is None:
        return (ANY, Missing(key, False, tuple(shape.fields), shape.source)) if shape.closed else (shape.rest, None)
    if field.always or not field.absent:
        return field.shape, None
    return field.shape, Missing(key, True, tuple(shape.fields), field.absent)


def source_of(shape: Shape) -> Source:
    """Name what is known of a value, for a message about what it lacks."""
    if isinstance(shape, ObjectShape):
        return shape.source
    kind = _kind(shape)
    return Source({"array": "a list", "string": "a text"}.get(kind, f"a {kind}")) if kind else NOWHERE


def _kind(shape: Shape) -> str | None:
    return "array" if isinstance(shape, ArrayShape) else shape.kind if isinstance(shape, ScalarShape) else None


def _item(shape: Shape, index: int) -> tuple[Shape, Missing | None]:
    if not isinstance(shape, ArrayShape):
        return ANY, Missing(f"[{index}]", False, None, source_of(shape))
    if shape.items is None:
        return shape.item, None
    if -len(shape.items) <= index < len(shape.items):
        return shape.items[index], None
    return ANY, Missing(f"[{index}]", False, (), Source(f"a list of {len(shape.items)}"), len(shape.items))
