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
    covered = {number: area(link, link.at) for number, link in enumerate(links) if link.lines and link.at}
    pieces = [[*map(_around, pairwise(link.points))] for link in links]
    for number in lost(links):
        link = links[number]
        others = [each for other, each in enumerate(pieces) if other != number]
        taken = [*(box.rect for box in boxes), *(rect for other, rect in covered.items() if other != number)]
        best, fewest = None, len(links)
        for at in _places(link):
            place = area(link, at)
            if any(_overlap(place, each) for each in taken):
                continue
            crossed = sum(any(_touch(place, piece) for piece in each) for each in others)
            if crossed < fewest:
                best, fewest = at, crossed
            if not crossed:
                break
        if best is not None:
            links[number], covered[number] = evolve(link, at=best), area(link, best)


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


def _around(piece: tuple[Point, Point]) -> Rect:
    """A piece of a line as a rectangle without a width or a height."""
    one, other = piece
    return Rect(min(one.x, other.x), min(one.y, other.y), abs(one.x - other.x), abs(one.y - other.y))


def _touch(one: Rect, other: Rect) -> bool:
    return one.x <= other.right and other.x <= one.right and one.y <= other.bottom and other.y <= one.bottom


def _overlap(one: Rect, other: Rect) -> bool:
    return one.x < other.right and other.x < one.right and one.y < other.bottom and other.y < one.bottom
