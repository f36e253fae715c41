"""Shapes where routes meet: what is known of a value that may be either of two."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowdsl.check.dataflow.shapes import (
    ANY,
    BOOLEAN,
    NULL,
    NUMBER,
    STRING,
    ArrayShape,
    Member,
    ObjectShape,
    ScalarShape,
    Shape,
    Source,
    UnionShape,
    flatten,
    kind_of,
    look,
    merge,
    merged,
    ways_of,
)


def scalar(*values: str | float | bool) -> ScalarShape:
    return ScalarShape(kind_of(values[0]), frozenset(values))


MERGED: dict[str, tuple[Shape, Shape, Shape]] = {
    "the values of both": (scalar("a"), scalar("b"), scalar("a", "b")),
    "numbers too": (scalar(1), scalar(2.5), scalar(1, 2.5)),
    "a known value and any of its kind": (scalar("a"), STRING, STRING),
    "any of a kind and a known value": (NUMBER, scalar(1), NUMBER),
    "two kinds": (scalar("a"), scalar(1), UnionShape((scalar("a"), scalar(1)))),
    "two kinds without values": (BOOLEAN, NULL, UnionShape((BOOLEAN, NULL))),
    "true is a boolean and not the number 1": (scalar(True), scalar(1), UnionShape((scalar(True), scalar(1)))),
    "something unknown": (scalar("a"), ANY, UnionShape((scalar("a"), ANY))),
    "a third kind": (UnionShape((STRING, NUMBER)), BOOLEAN, UnionShape((STRING, NUMBER, BOOLEAN))),
    "a kind of a union": (UnionShape((STRING, NUMBER)), scalar("a"), UnionShape((STRING, NUMBER))),
    "as many values as are told apart": (
        scalar(*map(str, range(10))),
        scalar(*map(str, range(10, 20))),
        scalar(*map(str, range(20))),
    ),
    "more values than that": (scalar(*map(str, range(10))), scalar(*map(str, range(10, 21))), STRING),
}


@pytest.mark.parametrize("name", MERGED)
def test_scalars_merge(name: str) -> None:
    one, other, expected = MERGED[name]
    assert {*ways_of(merge(one, other))} == {*ways_of(expected)}
    assert {*ways_of(merge(other, one))} == {*ways_of(expected)}


def test_nothing_new_leaves_the_shape_as_it_is() -> None:
    """The checker goes on until no shape changes, and compares them by identity."""
    for one, other in ((scalar("a", "b"), scalar("b")), (STRING, scalar("a")), (STRING, ScalarShape("string"))):
        assert merge(one, other) is one


def admits(shape: Shape, value: object) -> bool:
    if isinstance(shape, UnionShape):
        return any(admits(each, value) for each in shape.ways)
    if not isinstance(shape, ScalarShape):
        return shape == ANY
    return shape.kind == kind_of(value) and (shape.values is None or value in shape.values)


VALUES = st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.sampled_from("abc"))


@given(st.lists(VALUES, min_size=1, max_size=30))
def test_a_merged_shape_admits_every_value_that_went_in(values: list[object]) -> None:
    shapes = tuple(
        ScalarShape(kind_of(value), frozenset({value}) if isinstance(value, str | int) else None) for value in values
    )
    assert all(admits(merged(shapes), value) for value in values)


def test_a_value_that_lacks_a_field_on_one_route_is_known_although_another_route_is_unknown() -> None:
    made = ObjectShape({"a": Member(STRING)}, True, Source("the Result of 'Make'"))
    either = merge(made, ANY)
    assert look(either, ("a",))[1] is None
    _, missing = look(either, ("b",))
    assert missing is not None
    assert (missing.name, missing.sometimes, missing.source) == ("b", True, Source("the Result of 'Make'"))
    assert look(ANY, ("b",))[1] is None


def test_objects_of_several_sources_are_one_object_for_pictures() -> None:
    one, other = (
        ObjectShape({"a": Member(STRING)}, True, Source("x")),
        ObjectShape({"b": Member(STRING)}, True, Source("y")),
    )
    whole = flatten(merge(one, other))
    assert isinstance(whole, ObjectShape)
    assert {name: member.always for name, member in whole.fields.items()} == {"a": False, "b": False}
    assert flatten(merge(one, STRING)) == ANY


def test_an_index_outside_of_a_list_is_missing() -> None:
    three = ArrayShape(NUMBER, (NUMBER, NUMBER, NUMBER))
    assert look(three, (2,))[1] is None
    _, missing = look(three, (3,))
    assert missing is not None
    assert missing.length == 3
    assert look(ArrayShape(NUMBER), (3,))[1] is None
