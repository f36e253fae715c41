"""Shapes where routes meet: what is known of a value that may be either of two."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowdsl.check.dataflow.shapes import ANY, BOOLEAN, NULL, NUMBER, STRING, ScalarShape, Shape, kind_of, merge, merged


def scalar(*values: str | float | bool) -> ScalarShape:
    return ScalarShape(kind_of(values[0]), frozenset(values))


MERGED: dict[str, tuple[Shape, Shape, Shape]] = {
    "the values of both": (scalar("a"), scalar("b"), scalar("a", "b")),
    "numbers too": (scalar(1), scalar(2.5), scalar(1, 2.5)),
    "a known value and any of its kind": (scalar("a"), STRING, STRING),
    "any of a kind and a known value": (NUMBER, scalar(1), NUMBER),
    "two kinds": (scalar("a"), scalar(1), ANY),
    "two kinds without values": (BOOLEAN, NULL, ANY),
    "true is a boolean and not the number 1": (scalar(True), scalar(1), ANY),
    "something unknown": (scalar("a"), ANY, ANY),
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
    assert merge(one, other) == expected
    assert merge(other, one) == expected


def test_nothing_new_leaves_the_shape_as_it_is() -> None:
    """The checker goes on until no shape changes, and compares them by identity."""
    for one, other in ((scalar("a", "b"), scalar("b")), (STRING, scalar("a")), (STRING, ScalarShape("string"))):
        assert merge(one, other) is one


def admits(shape: Shape, value: object) -> bool:
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
