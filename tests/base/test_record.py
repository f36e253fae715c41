"""Values with named fields."""

from __future__ import annotations

import inspect
from functools import cached_property

import pytest

from flowdsl.base.record import Record, as_dict, evolve, field


class Point(Record):
    x: int
    y: int = 0
    label: str = field(default="", kw_only=True, eq=False, repr=False)


class Circle(Point):
    radius: float = field(default=1, convert=float)
    points: list[int] = field(factory=list)
    name: str = field(factory=lambda circle: f"circle {circle.radius}", takes_self=True)

    @cached_property
    def area(self) -> float:
        return 3 * self.radius**2


class Node(Record, eq=False):
    parts: tuple[Node, ...] = ()


class Leaf(Node):
    text: str = ""


class Collector(Record, frozen=False, kw_only=True):
    items: list[int] = field(factory=list)
    count: int = 0


def test_fields_are_taken_by_position_and_by_name():
    assert as_dict(Point(1, 2)) == as_dict(Point(y=2, x=1)) == {"x": 1, "y": 2, "label": ""}
    circle = {"x": 1, "y": 0, "label": "", "radius": 3.0, "points": [], "name": "circle 3.0"}
    assert [*as_dict(Circle(1, radius=3)).items()] == [*circle.items()]
    assert Circle(1).points is not Circle(1).points


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Point(), r"Point\(...\) needs x$"),
        (lambda: Point(1, 2, 3), r"Point\(...\) takes at most 2 positional arguments$"),
        (lambda: Point(1, z=3), r"Point\(\) got an unexpected keyword argument 'z'$"),
        (lambda: Point(1, x=3), r"Point\(...\) has two values for x$"),
        (lambda: Collector([1]), r"Collector\(...\) takes at most 0 positional arguments$"),
    ],
)
def test_wrong_arguments_are_refused(make, message):
    with pytest.raises(TypeError, match=message):
        make()


def test_equal_fields_make_equal_values_of_one_class():
    assert Point(1, label="a") == Point(1, 0) != Point(1, 1)
    assert {Point(1): "found"}[Point(1, label="b")] == "found"
    assert Circle(1, 2) != Point(1, 2)
    assert Leaf("a") != Leaf("a")
    assert len({Leaf(), Leaf()}) == 2


def test_only_what_collects_can_change():
    point, collector = Point(1), Collector()
    with pytest.raises(AttributeError, match="a Point cannot be changed"):
        point.x = 2
    with pytest.raises(AttributeError, match="a Point cannot be changed"):
        del point.x
    collector.count += 1
    assert collector == Collector(count=1)


def test_a_changed_copy_computes_its_properties_anew():
    circle = Circle(1, radius=1)
    assert (circle.area, evolve(circle, radius=2.0).area, circle.area) == (3, 12, 3)


def test_values_match_by_position_and_have_a_text_and_a_signature():
    match Circle(1, 2, 3):
        case Circle(x, y, radius):
            assert (x, y, radius) == (1, 2, 3)
    assert repr(Point(1, label="a")) == "Point(x=1, y=0)"
    assert str(inspect.signature(Point)) == "(x, y=0, *, label='')"
