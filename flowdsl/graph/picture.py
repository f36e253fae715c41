"""A definition with everything in its place: what `layout` computes and `svg` draws. Lengths are in pixels."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from attrs import frozen

from ..asl.tree import Edge, Machine, Node, Tree
from ..base.diagnostics import AslPath, pointer
from .fonts import clean

Tone = Literal["added", "removed", "changed", "reached", "missed", "failed", "waiting", "quiet"]
"""Why a state or an edge has a colour of its own: see `theme`."""


@frozen
class Mark:
    """How a state or an edge differs from the others of a picture."""

    tone: Tone
    badge: str = ""
    """A short text at the upper right corner of the state, or after the label of the edge: `2×`."""
    note: str = ""
    """More about it, shown as a tooltip and by the page of HTML."""


@frozen(order=True)
class Point:
    x: float
    y: float


@frozen
class Rect:
    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def bottom(self) -> float:
        return self.y + self.height

    def moved(self, x: float, y: float) -> Rect:
        return Rect(self.x + x, self.y + y, self.width, self.height)


@frozen
class Box:
    """A state, or the name of one that does not exist."""

    rect: Rect
    name: str
    """As it fits into the box; `title` is the whole name."""
    title: str
    path: AslPath
    """The state's; of a missing state where it would be."""
    node: Node | None = None
    """None for a missing state."""
    summary: str = ""
    retries: tuple[Edge, ...] = ()
    folded: tuple[Edge, ...] = ()
    """The catchers that are not drawn as lines."""
    ends: bool = False
    """True if a mark at the lower edge says that the machine can end here."""

    @property
    def is_container(self) -> bool:
        return self.node is not None and bool(self.node.machines)


@frozen
class Lane:
    """A branch of a Parallel or the processor of a Map: a part of the state's box."""

    rect: Rect
    machine: Machine
    edge: Edge
    title: str


@frozen
class Link:
    """The line of an edge, from border to border."""

    edge: Edge
    points: tuple[Point, ...]
    lines: tuple[str, ...] = ()
    """The label, as lines."""
    at: Point | None = None
    """The middle of the label."""
    width: float = 0.0
    """Of the label."""
    goes_back: bool = False
    """True if it leads to an earlier state: a loop."""


@frozen
class Dot:
    """The start of a machine, or one of the ends of the whole state machine."""

    kind: Literal["start", "end"]
    centre: Point
    radius: float
    line: tuple[Point, ...] = ()
    """From the state that ends, or () for a start."""
    path: AslPath = ()
    """Of the state that ends."""


@frozen
class Picture:
    width: float
    height: float
    tree: Tree
    boxes: tuple[Box, ...]
    lanes: tuple[Lane, ...]
    links: tuple[Link, ...]
    dots: tuple[Dot, ...]
    hidden: int = 0
    """States that are not drawn because only folded catchers lead to them."""

    @property
    def missing(self) -> list[Box]:
        """The states that are named but do not exist."""
        return [box for box in self.boxes if box.node is None]


def key(path: Iterable[str | int]) -> str:
    """How SVG and HTML name a state or an edge: its JSON pointer, without characters that XML cannot contain."""
    return clean(pointer(tuple(path)))
