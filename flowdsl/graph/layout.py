"""Compute where states, edges and labels are, with graphlay (the extra `pictures`).

Each machine is laid out on its own, innermost first: the box of a Parallel or Map is as large as its lanes need. So a
change in a branch leaves what is in other branches where it is.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any, Final, Literal

from attrs import define, evolve, field

from ..asl.tree import Edge, Machine, Node, Tree
from ..base.diagnostics import AslPath, FlowError
from . import wording
from .earlier import complete, kept
from .fonts import clean, fit, measure, wrap
from .labels import LINE, lost, settle
from .picture import Box, Dot, Lane, Link, Picture, Point, Rect, key

Direction = Literal["down", "right"]

NAME, SMALL, TINY = 13.0, 11.0, 10.0
"""Font sizes: of names, of summaries and labels, of badges."""
ICON = 42.0
"""The width of the part of a box that has the symbol."""
BADGE, BADGE_GAP = 27.0, 4.0
SLANT = 12.0
"""How far the pointed sides of a Choice go in."""
_RIGHT = 14.0
_STATE_HEIGHT = 46.0
_NARROWEST, _WIDEST, _STEP = 130.0, 320.0, 10.0
_HEADER, _LANE_TITLE, _PADDING, _LANE_GAP = 50.0, 20.0, 14.0, 12.0
_LABEL_WIDTH, LABEL_LINES = 170.0, 3
_MARGIN, _GAP = 24.0, 44.0
_SHELF = 1800.0
"""The width from which the branches of a Parallel continue in another row."""
START, INNER_START = 9.0, 5.0
"""Radiuses of the dots."""
_WEIGHTS: Final = {"start": 4.0, "next": 4.0, "choice": 3.0, "default": 3.0, "catch": 1.0}
"""How much graphlay tries to keep an edge short and straight."""
_LARGE = 150
"""The states of a machine from which layout takes less effort."""

MISSING_LIBRARY = "FD970"


def lay_out(
    tree: Tree,
    *,
    fold_catches: bool = False,
    direction: Direction = "down",
    words: Mapping[AslPath, str] | None = None,
    like: Mapping[str, Point] | None = None,
) -> Picture:
    """Lay out a definition. With `fold_catches` no line is drawn for a catcher, nor a state to which only catchers
    lead. `words` are labels of rules, by their paths; `like` are the middles of states in an earlier picture, by their
    keys. Raises FlowError without graphlay."""
    return _Layout(tree, fold_catches, direction, words or {}, like or {}).picture()


@define
class _Plan:
    """A machine laid out by itself, from (0, 0)."""

    size: tuple[float, float] = (0.0, 0.0)
    boxes: list[Box] = field(factory=list)
    links: list[Link] = field(factory=list)
    dots: list[Dot] = field(factory=list)


@define
class _Inside:
    """The lanes of a Parallel or Map, relative to its box, and the size that they need."""

    width: float
    height: float
    lanes: list[Lane]


class _Layout:
    def __init__(
        self,
        tree: Tree,
        fold_catches: bool,
        direction: Direction,
        words: Mapping[AslPath, str],
        like: Mapping[str, Point],
    ) -> None:
        self.tree = tree
        self.folds = fold_catches
        self.direction = direction
        self.words = words
        self.like = like
        self.plans: dict[Machine, _Plan] = {}
        self.inside: dict[Node, _Inside] = {}
        self.hidden = 0
        self.graphlay = _import()

    def picture(self) -> Picture:
        for machine in reversed(self.tree.machines):
            self.plans[machine] = self._plan(machine)
        return self._place()

    def _place(self) -> Picture:
        """Put the plans into each other."""
        boxes: list[Box] = []
        lanes: list[Lane] = []
        links: list[Link] = []
        dots: list[Dot] = []
        todo = [(self.tree.root, _MARGIN, _MARGIN)]
        while todo:
            machine, x, y = todo.pop()
            plan = self.plans[machine]
            links += [_moved_link(link, x, y) for link in plan.links]
            dots += [_moved_dot(dot, x, y) for dot in plan.dots]
            for each in plan.boxes:
                box = evolve(each, rect=each.rect.moved(x, y))
                boxes.append(box)
                for lane in self.inside[box.node].lanes if box.node in self.inside else ():
                    placed = evolve(lane, rect=lane.rect.moved(box.rect.x, box.rect.y))
                    lanes.append(placed)
                    todo.append((lane.machine, *self._inner_corner(placed)))
        width, height = self.plans[self.tree.root].size
        return Picture(
            _round(width + 2 * _MARGIN),
            _round(height + 2 * _MARGIN),
            self.tree,
            tuple(boxes),
            tuple(lanes),
            tuple(links),
            tuple(dots),
            self.hidden,
        )

    def _inner_corner(self, lane: Lane) -> tuple[float, float]:
        """Where the machine of a lane begins, in the middle of the lane."""
        width, _ = self.plans[lane.machine].size
        top = lane.rect.y + _PADDING + (_LANE_TITLE if lane.title else 0)
        return _round(lane.rect.x + (lane.rect.width - width) / 2), top

    # -- one machine

    def _plan(self, machine: Machine) -> _Plan:
        states = self._visible(machine)
        boxes = [self._box(node, inner=machine.owner is not None) for node in states]
        index = {box.node: number for number, box in enumerate(boxes)}
        graph = _Graph(boxes, self.direction, self.words, self.like)
        missing: dict[str, int] = {}
        for edge in machine.edges:
            if edge.kind in ("retry", "branch", "processor") or (self.folds and edge.kind == "catch"):
                continue
            if edge.source is not None and edge.source not in index:
                continue
            if edge.target is None:
                name = edge.name if isinstance(edge.name, str) else wording.short(edge.name)
                if name not in missing:
                    missing[name] = graph.add_box(_missing(machine, name))
                target = missing[name]
            else:
                target = index[edge.target]
            if edge.kind == "start":
                graph.add_start(edge, target, INNER_START if machine.owner else START)
            elif edge.source is not None:
                graph.add_edge(edge, index[edge.source], target)
        if machine.owner is None:
            for node, number in index.items():
                if node is not None and node.is_terminal and node.type not in ("Succeed", "Fail"):
                    graph.add_end(node, number)
        return graph.lay_out(self.graphlay)

    def _visible(self, machine: Machine) -> list[Node]:
        if not self.folds:
            return [*machine.states.values()]
        states = visible(machine)
        self.hidden += len(machine.states) - len(states)
        return states

    def _box(self, node: Node, *, inner: bool) -> Box:
        name, summary = clean(node.name), wording.summary(node)
        retries = tuple(edge for edge in node.edges if edge.kind == "retry")
        folded = tuple(edge for edge in node.edges if edge.kind == "catch") if self.folds else ()
        badges = (len(retries) + len(folded)) * (BADGE + BADGE_GAP)
        sides = ICON + _RIGHT + (2 * SLANT if node.type == "Choice" else 0)
        wanted = sides + max(measure(name, NAME, bold=True), measure(summary, SMALL) + badges)
        width = max(_NARROWEST, math.ceil(min(wanted, max(_WIDEST, sides + badges)) / _STEP) * _STEP)
        height = _STATE_HEIGHT
        if node.machines:
            inside = self._arrange(node)
            width, height = max(width, inside.width), inside.height
        ends = inner and node.is_terminal and node.type not in ("Succeed", "Fail")
        return Box(
            Rect(0, 0, width, height),
            fit(name, width - sides, NAME, bold=True),
            name,
            node.path,
            node,
            fit(summary, width - sides - badges, SMALL) if summary else "",
            retries,
            folded,
            ends,
        )

    def _arrange(self, node: Node) -> _Inside:
        """Put the lanes of a state side by side, in rows if they are many; below each other if the flow goes right."""
        rows: list[list[Lane]] = []
        x, y = _PADDING, _HEADER
        for lane in self._lanes(node):
            wraps = x + lane.rect.width > _SHELF or self.direction == "right"
            if not rows or wraps:
                y += max((each.rect.height for each in rows[-1]), default=0.0) + _LANE_GAP if rows else 0.0
                rows.append([])
                x = _PADDING
            rows[-1].append(evolve(lane, rect=lane.rect.moved(x, y)))
            x += lane.rect.width + _LANE_GAP
        right = max((lane.rect.right for row in rows for lane in row), default=_PADDING)
        width = math.ceil(max(right + _PADDING, _NARROWEST, _header_width(node, self.folds)))
        lanes = [each for row in rows for each in _justified(row, width, wide=len(rows) == 1 or len(row) == 1)]
        bottom = max((lane.rect.bottom for lane in lanes), default=_HEADER)
        self.inside[node] = _Inside(width, math.ceil(bottom + _PADDING), lanes)
        return self.inside[node]

    def _lanes(self, node: Node) -> Iterator[Lane]:
        """The lanes of a state, as large as what is in them, at (0, 0)."""
        titled = node.type == "Parallel" and len(node.machines) > 1
        edges = {edge.path: edge for edge in node.edges if edge.kind in ("branch", "processor")}
        for number, machine in enumerate(node.machines):
            width, height = self.plans[machine].size
            title = fit(branch_title(node, number), max(width, 60.0), SMALL) if titled else ""
            width = max(width, measure(title, SMALL)) + 2 * _PADDING
            height += 2 * _PADDING + (_LANE_TITLE if title else 0)
            yield Lane(Rect(0.0, 0.0, width, height), machine, edges[machine.path], title)


def _justified(row: list[Lane], width: float, *, wide: bool) -> Iterator[Lane]:
    """The lanes of a row, equally high, and if `wide` together as wide as the box of this width has room for."""
    tallest = max(lane.rect.height for lane in row)
    share = (width - _PADDING - row[-1].rect.right) / len(row) if wide else 0.0
    for number, lane in enumerate(row):
        rect = lane.rect
        yield evolve(lane, rect=Rect(rect.x + number * share, rect.y, rect.width + share, tallest))


def visible(machine: Machine) -> list[Node]:
    """The states that stay if catchers are folded away: without those to which only catchers lead. States to which
    nothing leads at all stay: somebody has to see them."""
    reached: dict[Node, None] = {}
    todo = [machine.start] if machine.start is not None else []
    while todo:
        node = todo.pop()
        if node not in reached:
            reached[node] = None
            todo.extend(each.target for each in node.transitions if each.kind != "catch" and each.target is not None)
    drop = machine.reachable().keys() - reached.keys()
    return [node for node in machine.states.values() if node not in drop]


def branch_title(node: Node, number: int) -> str:
    """The name of a branch: the key under which the state keeps its result, or else its number."""
    selector = node.fields.get("ResultSelector")
    for name, value in selector.items() if isinstance(selector, dict) else ():
        if value == f"$[{number}]" and name.endswith(".$"):
            return clean(name.removesuffix(".$"))
    written = json.dumps([node.fields.get(key) for key in ("Output", "Assign")], ensure_ascii=False, default=str)
    match = re.search(rf"(['\"])([^'\"]+)\1: *(?:\"{{% *)?\$states\.result\[{number}\]", written.replace('\\"', '"'))
    return clean(match[2]) if match else f"branch {number + 1}"


def _header_width(node: Node, folds: bool) -> float:
    kinds = ("retry", "catch") if folds else ("retry",)
    badges = sum(edge.kind in kinds for edge in node.edges) * (BADGE + BADGE_GAP)
    text = max(measure(clean(node.name), NAME, bold=True), measure(wording.summary(node), SMALL) + badges)
    return min(ICON + _RIGHT + text, _WIDEST)


def _missing(machine: Machine, name: str) -> Box:
    title = clean(name)
    wanted = ICON + _RIGHT + max(measure(title, NAME, bold=True), measure("does not exist", SMALL))
    width = max(_NARROWEST, math.ceil(min(wanted, _WIDEST) / _STEP) * _STEP)
    text = fit(title, width - ICON - _RIGHT, NAME, bold=True)
    return Box(Rect(0, 0, width, _STATE_HEIGHT), text, title, (*machine.path, "States", name), summary="does not exist")


@define
class _Graph:
    """The request to graphlay for one machine."""

    boxes: list[Box]
    direction: Direction
    words: Mapping[AslPath, str]
    like: Mapping[str, Point]
    extra: list[tuple[str, Any, float]] = field(factory=list)
    """Dots: the kind, the edge or state, the radius. They follow the boxes."""
    edges: list[tuple[Edge | None, Any, Any]] = field(factory=list)
    """Edge, source, target: a number of a box, or ("dot", number)."""

    def add_box(self, box: Box) -> int:
        self.boxes.append(box)
        return len(self.boxes) - 1

    def add_start(self, edge: Edge, target: int, radius: float) -> None:
        self.extra.append(("start", edge, radius))
        self.edges.append((edge, ("dot", len(self.extra) - 1), target))

    def add_end(self, node: Node, source: int) -> None:
        self.extra.append(("end", node, START))
        self.edges.append((None, source, ("dot", len(self.extra) - 1)))

    def add_edge(self, edge: Edge, source: int, target: int) -> None:
        self.edges.append((edge, source, target))

    def lay_out(self, graphlay: Any) -> _Plan:
        if not self.boxes:
            return _Plan((60.0, 20.0))
        request = graphlay.Graph()
        for box in self.boxes:
            request.node(width=box.rect.width, height=box.rect.height)
        for kind, _, radius in self.extra:
            rank = {"rank": "first"} if kind == "start" else {}
            request.node(width=2 * radius, height=2 * radius, shape="ellipse", **rank)
        labels: list[tuple[tuple[str, ...], float]] = []
        for edge, source, target in self.edges:
            lines = tuple(wrap(wording.label(edge, self.words), _LABEL_WIDTH, SMALL, LABEL_LINES)) if edge else ()
            width = max((measure(line, SMALL) for line in lines), default=0.0)
            labels.append((lines, width))
            more: dict[str, Any] = {}
            if lines:
                more["label_size"] = {"width": width + 10, "height": len(lines) * LINE + 6}
            weight = _WEIGHTS[edge.kind] if edge else 2.0
            request.edge(self._number(source), self._number(target), weight=weight, **more)
        # Between two layers there is room for a label and a piece of its line on both sides.
        if self.direction == "down":
            gap = max((len(lines) * LINE + 30 for lines, _ in labels if lines), default=_GAP)
        else:
            gap = max((width + 50 for _, width in labels), default=_GAP)
        options = _options(self.direction, len(self.boxes), max(gap, _GAP))
        known = {
            number: self.like[key(box.path)] for number, box in enumerate(self.boxes) if key(box.path) in self.like
        }
        ends = [(self._number(source), self._number(target)) for _, source, target in self.edges]
        positions = complete(known, len(self.boxes) + len(self.extra), ends)
        plan = self._with_labels(graphlay, request, options, labels)
        if positions and kept(known, [*map(_centre, plan.boxes)]) < 1:
            for node, at in zip(request.nodes, positions, strict=True):
                node["position"] = {"x": at.x, "y": at.y}
            seeded = self._with_labels(graphlay, request, {**options, "seed_mode": "structure"}, labels)
            plan = max(plan, seeded, key=lambda each: kept(known, [*map(_centre, each.boxes)]))
        return _from_zero(plan)

    def _with_labels(
        self, graphlay: Any, request: Any, options: dict[str, Any], labels: list[tuple[tuple[str, ...], float]]
    ) -> _Plan:
        """The layout, with other options if some labels have no room at their lines: the first in which most have."""
        plan = self._read(graphlay.layout(request, options=options), labels)
        settle(plan.links, plan.boxes)
        higher = {"layer_gap": 2 * options["spacing"]["layer_gap"]}
        for other in (*_ROOMIER, {"spacing": higher}, {**_ROOMIER[0], "spacing": higher}):
            if not lost(plan.links):
                break
            changed = options | {key: {**options[key], **value} for key, value in other.items()}
            next_plan = self._read(graphlay.layout(request, options=changed), labels)
            settle(next_plan.links, next_plan.boxes)
            plan = min(plan, next_plan, key=_labels_lost)
        return plan

    def _number(self, end: Any) -> int:
        return end if isinstance(end, int) else len(self.boxes) + end[1]

    def _read(self, drawn: Any, labels: list[tuple[tuple[str, ...], float]]) -> _Plan:
        plan = _Plan()
        for box, node in zip(self.boxes, drawn.nodes, strict=False):
            centre = node["center"]
            x, y = centre["x"] - box.rect.width / 2, centre["y"] - box.rect.height / 2
            plan.boxes.append(evolve(box, rect=Rect(_round(x), _round(y), box.rect.width, box.rect.height)))
        rank = {number: node["rank"] for number, node in enumerate(drawn.nodes)}
        dot_lines: dict[int, tuple[Point, ...]] = {}
        loops: dict[int, list[int]] = {}
        for (edge, source, target), route, (lines, width) in zip(self.edges, drawn.edges, labels, strict=True):
            points = tuple(Point(_round(p["x"]), _round(p["y"])) for p in route["points"])
            if edge is None:
                dot_lines[target[1]] = points
                continue
            points = self._onto_border(points, plan.boxes, source, target)
            anchor = route.get("label_anchor")
            at = Point(_round(anchor["x"]), _round(anchor["y"])) if anchor and lines else None
            if lines and source == target:
                loops.setdefault(source, []).append(len(plan.links))
            elif lines and at is None:
                at = _middle(points)
            back = rank[self._number(target)] <= rank[self._number(source)]
            plan.links.append(Link(edge, points, lines, at, width, back))
        for state, numbers in loops.items():
            self._label_loops(plan, state, numbers)
        for number, (kind, what, radius) in enumerate(self.extra):
            centre = drawn.nodes[len(self.boxes) + number]["center"]
            path = what.path if kind == "end" else ()
            at = Point(_round(centre["x"]), _round(centre["y"]))
            plan.dots.append(Dot(kind, at, radius, dot_lines.get(number, ()), path))  # type: ignore[arg-type]
        return plan

    def _label_loops(self, plan: _Plan, state: int, numbers: list[int]) -> None:
        """Put the labels of lines from a state to itself beside the outermost of them, one below the other."""
        rect = plan.boxes[state].rect
        points = [point for number in numbers for point in plan.links[number].points]
        left, right = min(point.x for point in points), max(point.x for point in points)
        top, bottom = min(point.y for point in points), max(point.y for point in points)
        heights = [len(plan.links[number].lines) * LINE + 6 for number in numbers]
        y = rect.y + rect.height / 2 - sum(heights) / 2
        if top < rect.y - 1:
            y = top - 4 - sum(heights)
        elif bottom > rect.bottom + 1:
            y = bottom + 4
        for number, height in zip(numbers, heights, strict=True):
            link = plan.links[number]
            x = rect.x + rect.width / 2
            if left < rect.x - 1:
                x = left - 8 - link.width / 2
            elif right > rect.right + 1:
                x = right + 8 + link.width / 2
            plan.links[number] = evolve(link, at=Point(_round(x), _round(y + height / 2)))
            y += height

    def _onto_border(self, points: tuple[Point, ...], boxes: list[Box], source: Any, target: Any) -> tuple[Point, ...]:
        """Lengthen a line at the pointed sides of a Choice, which is smaller than its rectangle there."""
        if isinstance(source, int):
            points = (_on_outline(boxes[source], points[0]), *points[1:])
        if isinstance(target, int):
            points = (*points[:-1], _on_outline(boxes[target], points[-1]))
        return points


_ROOMIER: Final[tuple[dict[str, dict[str, Any]], ...]] = (
    {"labels": {"placement": "gap_centre"}},
    {"routing": {"bundle_parallel": False}},
    {"routing": {"bundle_parallel": False}, "spacing": {"port_gap": 100.0}},
)
"""Options for a machine in which graphlay finds no room for a label: each is right for some."""


def _labels_lost(plan: _Plan) -> int:
    return len(lost(plan.links))


def _centre(box: Box) -> Point:
    return Point(box.rect.x + box.rect.width / 2, box.rect.y + box.rect.height / 2)


def _on_outline(box: Box, point: Point) -> Point:
    """The point of the box's outline that a line from this point of the rectangle's border meets."""
    if box.node is None or box.node.type != "Choice":
        return point
    half = box.rect.height / 2
    middle = box.rect.y + half
    inset = SLANT * abs(point.y - middle) / half
    near_left, near_right = point.x - box.rect.x, box.rect.right - point.x
    if min(near_left, near_right) < 1:  # it comes from the side
        return Point(_round(point.x + (inset if near_left < near_right else -inset)), point.y)
    depth = SLANT - min(near_left, near_right)
    if depth <= 0:
        return point
    lower = half * depth / SLANT
    return Point(point.x, _round(point.y + (lower if point.y < middle else -lower)))


def _options(direction: Direction, size: int, gap: float) -> dict[str, Any]:
    return {
        "direction": "topbottom" if direction == "down" else "leftright",
        "cycles": {"strategy": "follow_flow"},
        "effort": "fast" if size > _LARGE else "thorough",
        "spacing": {"layer_gap": gap, "node_gap": 34.0, "dummy_gap": 24.0, "edge_label_margin": 12.0, "stub": 14.0},
        "routing": {"centre_ports": "round", "port_sides": "any"},
        "compaction": {"mode": "priority"},
        "labels": {"placement": "candidates", "clearance": 5.0},
    }


def _from_zero(plan: _Plan) -> _Plan:
    """Move a plan so that its upper left corner is (0, 0), and compute its size."""
    corners = [*_corners(plan)]
    left, top = min(x for x, _ in corners), min(y for _, y in corners)
    right, bottom = max(x for x, _ in corners), max(y for _, y in corners)
    return _Plan(
        (_round(right - left), _round(bottom - top)),
        [evolve(box, rect=box.rect.moved(-left, -top)) for box in plan.boxes],
        [_moved_link(link, -left, -top) for link in plan.links],
        [_moved_dot(dot, -left, -top) for dot in plan.dots],
    )


def _corners(plan: _Plan) -> Iterator[tuple[float, float]]:
    for box in plan.boxes:
        yield box.rect.x, box.rect.y
        yield box.rect.right, box.rect.bottom + (8.0 if box.ends else 0.0)
    for link in plan.links:
        yield from ((point.x, point.y) for point in link.points)
        if link.at is not None:
            half, high = link.width / 2 + 4, len(link.lines) * LINE / 2 + 2
            yield link.at.x - half, link.at.y - high
            yield link.at.x + half, link.at.y + high
    for dot in plan.dots:
        yield dot.centre.x - dot.radius, dot.centre.y - dot.radius
        yield dot.centre.x + dot.radius, dot.centre.y + dot.radius


def _middle(points: tuple[Point, ...]) -> Point:
    """The middle of the longest part of a line."""
    pairs = [*pairwise(points)] or [(points[0], points[0])]
    first, last = max(pairs, key=lambda pair: abs(pair[0].x - pair[1].x) + abs(pair[0].y - pair[1].y))
    return Point(_round((first.x + last.x) / 2), _round((first.y + last.y) / 2))


def _moved(points: Iterable[Point], x: float, y: float) -> tuple[Point, ...]:
    return tuple(Point(_round(point.x + x), _round(point.y + y)) for point in points)


def _moved_link(link: Link, x: float, y: float) -> Link:
    at = Point(_round(link.at.x + x), _round(link.at.y + y)) if link.at is not None else None
    return evolve(link, points=_moved(link.points, x, y), at=at)


def _moved_dot(dot: Dot, x: float, y: float) -> Dot:
    (centre,) = _moved((dot.centre,), x, y)
    return evolve(dot, centre=centre, line=_moved(dot.line, x, y))


def _round(value: float) -> float:
    """Half pixels are precise enough, and small differences of floating point do not show."""
    return round(value * 2) / 2


def _import() -> Any:
    try:
        import graphlay
    except ImportError:
        raise FlowError.of(
            "pictures need the library graphlay",
            code=MISSING_LIBRARY,
            hint="pip install 'flowdsl[pictures]', or use --format mermaid, which needs nothing",
        ) from None
    return graphlay
