"""Labels that graphlay found no room for at their lines: find them, and put them there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from attrs import evolve

from .picture import Box, Link, Point, Rect

LINE = 14.0
"""The height of a line of a label."""
_NEAR = 14.0
"""A label that is farther from its line does not look like a part of it."""
_BESIDE = 5.0
_ALONG = (0.5, 0.35, 0.65, 0.2, 0.8)


def area(link: Link, at: Point) -> Rect:
    """What a label covers if its middle is there."""
    width, height = link.width + 8, len(link.lines) * LINE + 2
    return Rect(at.x - width / 2, at.y - height / 2, width, height)


def lost(links: Sequence[Link]) -> list[int]:
    """The numbers of the links whose labels are far from their lines, or on another label."""
    places = {number: area(link, link.at) for number, link in enumerate(links) if link.lines and link.at}
    over = {
        number
        for number, place in places.items()
        if any(other < number and _overlap(place, there) for other, there in places.items())
    }
    return [number for number in places if number in over or _distance(links[number]) > _NEAR]


def _distance(link: Link) -> float:
    assert link.at is not None  # noqa: S101 - only links with labels are measured
    label = area(link, link.at)
    return min((_gap(label, one, other) for one, other in pairwise(link.points)), default=0.0)


def _gap(rect: Rect, one: Point, other: Point) -> float:
    """From a rectangle to a horizontal or vertical piece of a line."""
    across = max(rect.x - max(one.x, other.x), min(one.x, other.x) - rect.right, 0.0)
    down = max(rect.y - max(one.y, other.y), min(one.y, other.y) - rect.bottom, 0.0)
    return float((across * across + down * down) ** 0.5)


def settle(links: list[Link], boxes: Sequence[Box]) -> None:
    """Put labels that are far from their lines onto them or beside them, over as few other lines as possible, and never
    over a state or another label."""
    for number in lost(links):
        link = links[number]
        others = [each for index, each in enumerate(links) if index != number]
        taken = [box.rect for box in boxes] + [area(each, each.at) for each in others if each.lines and each.at]
        free = [
            (sum(_crosses(area(link, at), each) for each in others), rank, at)
            for rank, at in enumerate(_places(link))
            if not any(_overlap(area(link, at), each) for each in taken)
        ]
        if free:
            links[number] = evolve(link, at=min(free)[2])


def _places(link: Link) -> Iterator[Point]:
    """Places for a label, the best first: on the longest piece of its line, then beside it, then at shorter pieces."""
    pieces = sorted(
        pairwise(link.points), key=lambda piece: -abs(piece[0].x - piece[1].x) - abs(piece[0].y - piece[1].y)
    )
    size = area(link, Point(0.0, 0.0))
    for one, other in pieces:
        for part in _ALONG:
            x, y = one.x + (other.x - one.x) * part, one.y + (other.y - one.y) * part
            yield Point(x, y)
            aside = Point(size.width / 2 + _BESIDE, 0.0) if one.x == other.x else Point(0.0, size.height / 2 + _BESIDE)
            yield Point(x - aside.x, y - aside.y)
            yield Point(x + aside.x, y + aside.y)


def _crosses(rect: Rect, link: Link) -> bool:
    return any(_gap(rect, one, other) == 0 for one, other in pairwise(link.points))


def _overlap(one: Rect, other: Rect) -> bool:
    return one.x < other.right and other.x < one.right and one.y < other.bottom and other.y < one.bottom
