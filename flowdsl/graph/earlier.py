"""Keep states where they are in an earlier picture, as far as graphlay does: it takes their order over from there.

Positions are read from the SVG itself, in which every state has its pointer, so a picture that is kept with the code is
all that is needed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import unescape
from itertools import combinations
from pathlib import Path

from ..base.diagnostics import FlowError
from ..base.source import display_path
from .picture import Point

_STATE = re.compile(r'<g class="state [^"]*" data-state="([^"]*)">')
_BOX = re.compile(r'<rect class="shape" x="([^"]+)" y="([^"]+)" width="([^"]+)" height="([^"]+)"')
_OUTLINE = re.compile(r'<path class="shape" d="([^"]+)"')
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_STEP = 90.0
"""About the distance of two states in a row."""

_NEAR = 20.0
"""Nodes that were nearer than this had no order."""

Ends = Sequence[tuple[int, int]]
"""The edges of a machine: the numbers of their source and target."""


def read_positions(file: Path) -> dict[str, Point]:
    """The middles of the states in an SVG or HTML file, by their keys. Raises FlowError if it has none."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise _refusal(file, f"cannot be read: {reason}") from None
    _, *pieces = _STATE.split(text)
    positions: dict[str, Point] = {}
    for state, drawing in zip(pieces[::2], pieces[1::2], strict=True):
        middle = _middle(drawing)
        if middle is not None:  # an HTML file has a second picture, with its catches folded away
            positions.setdefault(unescape(state), middle)
    if not positions:
        raise _refusal(file, "has no states of a flow")
    return positions


def _middle(drawing: str) -> Point | None:
    """The middle of the largest shape: that of a Map, which looks like a stack, is not its first."""
    boxes = [tuple(map(float, each)) for each in _BOX.findall(drawing)]
    if boxes:
        x, y, width, height = max(boxes, key=lambda box: box[3])
        return Point(x + width / 2, y + height / 2)
    outline = _OUTLINE.search(drawing)
    numbers = [float(each) for each in _NUMBER.findall(outline[1])] if outline else []
    xs, ys = numbers[::2], numbers[1::2]
    return Point((min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2) if xs and ys else None


def _refusal(file: Path, what: str) -> FlowError:
    hint = "give an .svg or .html file that flowdsl graph wrote"
    return FlowError.of(f"{display_path(file)} {what}", code="FD971", hint=hint)


def complete(known: Mapping[int, Point], count: int, ends: Ends) -> list[Point] | None:
    """A position for each of so many nodes, the new ones near their neighbours; None if no position is known.

    graphlay takes positions over only if all nodes have one.
    """
    if not known:
        return None
    places = dict(known)
    while len(places) < count:
        before = len(places)
        for node in range(count):
            above = [places[source] for source, target in ends if target == node and source in places]
            below = [places[target] for source, target in ends if source == node and target in places]
            if node not in places and (above or below):
                places[node] = _between(above, below)
        if len(places) == before:  # what nothing leads to
            places.update({node: Point(0.0, 0.0) for node in range(count) if node not in places})
    return [places[node] for node in range(count)]


def _between(above: Sequence[Point], below: Sequence[Point]) -> Point:
    x = sum(point.x for point in (*above, *below)) / (len(above) + len(below))
    top = max((point.y for point in above), default=None)
    bottom = min((point.y for point in below), default=None)
    if top is None or bottom is None:
        return Point(x, bottom - _STEP if bottom is not None else (top or 0.0) + _STEP)
    return Point(x, (top + bottom) / 2)


def kept(known: Mapping[int, Point], places: Sequence[Point]) -> float:
    """The part of the pairs of known nodes that have the same order as in the earlier picture, across and down."""
    same = total = 0
    for one, other in combinations(known, 2):
        for axis in ("x", "y"):
            before = getattr(known[one], axis) - getattr(known[other], axis)
            after = getattr(places[one], axis) - getattr(places[other], axis)
            if abs(before) > _NEAR:
                total += 1
                same += before * after > 0
    return same / total if total else 1.0
