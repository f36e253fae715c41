"""Reads a picture back from its SVG: the tests look at what is drawn, not at what the layout meant."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree

from attrs import define, field, frozen

SVG = "{http://www.w3.org/2000/svg}"
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


@frozen
class Area:
    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: Area, slack: float = 0.5) -> bool:
        return (
            self.left < other.right - slack
            and other.left < self.right - slack
            and self.top < other.bottom - slack
            and other.top < self.bottom - slack
        )

    def holds(self, other: Area, slack: float = 0.5) -> bool:
        return (
            self.left <= other.left + slack
            and other.right <= self.right + slack
            and self.top <= other.top + slack
            and other.bottom <= self.bottom + slack
        )

    def distance(self, x: float, y: float) -> float:
        """From a point to the border of the area."""
        inside_x, inside_y = self.left <= x <= self.right, self.top <= y <= self.bottom
        if inside_x and inside_y:
            return min(x - self.left, self.right - x, y - self.top, self.bottom - y)
        return max(self.left - x, x - self.right, self.top - y, y - self.bottom)


@define
class State:
    area: Area
    kinds: set[str]
    texts: list[tuple[str, Area]]
    title: str


@define
class Edge:
    kinds: set[str]
    source: str | None
    start: tuple[float, float] | None = None
    tip: tuple[float, float] | None = None


@define
class Drawing:
    width: float
    height: float
    states: dict[str, State] = field(factory=dict)
    edges: dict[str, Edge] = field(factory=dict)
    lanes: dict[str, Area] = field(factory=dict)
    labels: dict[str, tuple[Area, list[tuple[str, Area]]]] = field(factory=dict)
    ends: list[str] = field(factory=list)
    twice: list[str] = field(factory=list)
    """Pointers of what is drawn more than once."""


def read(svg: str) -> Drawing:
    root = ElementTree.fromstring(svg)
    drawing = Drawing(float(root.get("width")), float(root.get("height")))
    for element, x, y in _walk(root):
        kinds = set((element.get("class") or "").split())
        if (name := element.get("data-state")) is not None:
            drawing.twice += [name] * (name in drawing.states)
            texts = [*_texts(element, x, y)]
            drawing.states[name] = State(_area(element, x, y), kinds, texts, element.findtext(f"{SVG}title") or "")
        if (name := element.get("data-edge")) is not None:
            drawing.twice += [name] * (name in drawing.edges)
            drawing.edges[name] = edge = Edge(kinds, element.get("data-from"))
            if "lane" in kinds:
                drawing.lanes[name] = _area(element, x, y)
            line, head = element.find(f"{SVG}path[@class='line']"), element.find(f"{SVG}path[@class='head']")
            if line is not None and head is not None:
                edge.start = _point(line.get("d"), x, y)
                edge.tip = _point(head.get("d"), x, y)
        if (name := element.get("data-label")) is not None:
            drawing.labels[name] = (_area(element, x, y), [*_texts(element, x, y)])
        if (name := element.get("data-end")) is not None:
            drawing.ends.append(name)
    return drawing


def _walk(
    element: ElementTree.Element, x: float = 0.0, y: float = 0.0
) -> Iterator[tuple[ElementTree.Element, float, float]]:
    todo = [(element, x, y)]
    while todo:
        each, x, y = todo.pop()
        move = each.get("transform", "")
        if each.tag == f"{SVG}g" and move.startswith("translate"):
            dx, dy = (float(number) for number in _NUMBER.findall(move))
            x, y = x + dx, y + dy
        yield each, x, y
        todo.extend((child, x, y) for child in reversed(each))


def _area(element: ElementTree.Element, x: float, y: float) -> Area:
    """The first shape in the element that is not only the edge of a stack."""
    shapes = [
        child
        for child in element
        if child.get("class") in ("shape", None) and child.tag in (f"{SVG}rect", f"{SVG}path")
    ]
    shape = shapes[-1] if shapes[0].get("class") else shapes[0]
    if shape.tag == f"{SVG}rect":
        left, top = float(shape.get("x")) + x, float(shape.get("y")) + y
        return Area(left, top, left + float(shape.get("width")), top + float(shape.get("height")))
    numbers = [float(number) for number in _NUMBER.findall(shape.get("d"))]
    xs, ys = numbers[::2], numbers[1::2]
    return Area(min(xs) + x, min(ys) + y, max(xs) + x, max(ys) + y)


def _texts(element: ElementTree.Element, x: float, y: float) -> Iterator[tuple[str, Area]]:
    """Texts with their areas: capitals reach 0.75 of the font size above the line, descenders 0.25 below it."""
    sizes = {"name": 13.0, "small": 11.0, "tiny": 9.0, "badge": 10.0}
    for each in element.iter(f"{SVG}text"):
        kinds = (each.get("class") or "").split()
        if "badge" in kinds:
            continue
        size = sizes[kinds[0]]
        left, base = float(each.get("x")) + x, float(each.get("y")) + y
        width = float(each.get("textLength"))
        yield each.text or "", Area(left, base - 0.75 * size, left + width, base + 0.25 * size)


def _point(path: str, x: float, y: float) -> tuple[float, float]:
    first, second = _NUMBER.findall(path)[:2]
    return float(first) + x, float(second) + y
