"""Named tuples, and what their classes may not have."""

from __future__ import annotations

import typing

import pytest

from flowdsl.base.named import NamedTuple


class Point(NamedTuple):
    x: int
    y: int = 0

    def moved(self, by: int) -> Point:
        return self._replace(x=self.x + by)


def test_fields_have_their_own_values():
    assert (Point(5), Point(5, 1).moved(2), Point(y=3, x=2)) == ((5, 0), (7, 1), (2, 3))


@pytest.mark.parametrize("base", [NamedTuple, typing.NamedTuple], ids=["ours", "typing's"])
def test_a_field_without_a_default_does_not_follow_one_with_one(base):
    with pytest.raises(TypeError, match=r"field"):

        class Swapped(base):
            x: int = 1
            y: int


def test_the_errors_say_what_to_write():
    with pytest.raises(TypeError, match=r"^Swapped: field z needs a default, as y before it has one$"):

        class Swapped(NamedTuple):
            x: int
            y: int = 1
            z: int

    with pytest.raises(TypeError, match=r"^Shown: methods of a NamedTuple cannot use super\(\) or __class__"):

        class Shown(NamedTuple):
            x: int

            def __repr__(self) -> str:
                return super().__repr__()
