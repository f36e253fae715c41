"""Draw a Picture as SVG.

Every state is a `<g class="state …" data-state="POINTER">`, every edge an element with `data-edge="POINTER"`, where
the pointer is that of the definition. Text from the definition is escaped, and cut to its place with the whole in a
tooltip.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from xml.sax.saxutils import escape

from ..asl.tree import Edge
from ..base.diagnostics import AslPath
from . import outline, theme, wording
from .elements import number, rectangle, text_element
from .fonts import clean, fit, measure, wrap
from .labels import LINE
from .layout import BADGE, BADGE_GAP, ICON, NAME, SLANT, SMALL, TINY
from .picture import Box, Dot, Lane, Link, Mark, Picture, Point, Rect, key
from .symbols import CATCH, NO_RETRY, RETRY, SYMBOLS

_CORNER = 8.0
"""The radius of a line's corners."""
_ARROW, _ARROW_HALF = 8.0, 4.0
_SIDE = 24.0
_HEADING, _COMMENT_LINE = 34.0, 16.0

Marks = Mapping[AslPath, Mark]
Below = Callable[[float], tuple[str, float]]
"""Draws something below the picture, in at least this width; returns SVG from (0, 0) and its height."""


def svg(
    picture: Picture,
    *,
    title: str = "",
    comment: str = "",
    marks: Marks | None = None,
    below: Sequence[tuple[str, float, float]] = (),
    styled: bool = True,
    colours: theme.Theme = "auto",
    outlined: bool | None = None,
) -> str:
    """Return the picture as an SVG file.

    `title` and `comment` stand above it; `below` are further pieces of SVG with their width and height. Without
    `styled` it has no style sheet of its own, for a page that has one. `outlined` puts a list of the states beside it;
    by default if they are many.
    """
    has_outline = len(picture.boxes) >= outline.MANY if outlined is None else outlined
    side = outline.width_of(picture) if has_outline else 0.0
    width = max(side + picture.width, *(each for _, each, _ in below), measure(clean(title), 18, bold=True) + 2 * _SIDE)
    head, top = _heading(clean(title), clean(comment), width)
    body = [*_draw(picture, marks or {})]
    height = top + picture.height
    left = side + (width - side - picture.width) / 2
    pieces = [f'<g transform="translate({number(left)} {number(top)})">', *body, "</g>"]
    if has_outline:
        pieces = [*pieces, *outline.draw(picture, left, top)]
    for text, _, high in below:
        pieces += [f'<g transform="translate(0 {number(height)})">', text, "</g>"]
        height += high
    size = f'width="{number(width)}" height="{number(height)}" viewBox="0 0 {number(width)} {number(height)}"'
    label = _attribute(clean(title) or "state machine")
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" class="flow" {size} role="img" aria-label={label}>']
    if styled:
        lines += [f"<style>\n{theme.style_sheet(colours)}</style>"]
    lines += [f'<rect class="background" width="{number(width)}" height="{number(height)}"/>', *head, *pieces, "</svg>"]
    return "\n".join(lines) + "\n"


def _heading(title: str, comment: str, width: float) -> tuple[list[str], float]:
    if not title and not comment:
        return [], 0.0
    y = 36.0 if title else 14.0
    pieces = (
        [text_element(_SIDE, y, fit(title, width - 2 * _SIDE, 18, bold=True), 18, "heading", bold=True)]
        if title
        else []
    )
    for line in wrap(comment, width - 2 * _SIDE, SMALL, 3):
        y += _COMMENT_LINE
        pieces.append(text_element(_SIDE, y, line, SMALL, "small muted"))
    return [f'<g class="title">{"".join(pieces)}</g>'], y + 4


def _draw(picture: Picture, marks: Marks) -> Iterator[str]:
    """Containers first, then what is in them: lanes, lines, states, and labels above all lines."""
    containers = [box for box in picture.boxes if box.is_container]
    inside: dict[AslPath, list[Lane]] = {}
    for lane in picture.lanes:
        inside.setdefault(lane.machine.owner.path if lane.machine.owner else (), []).append(lane)
    for box in containers:
        yield from _state(box, marks.get(box.path), marks)
        for lane in inside.get(box.path, ()):
            yield _lane(lane)
    for link in picture.links:
        yield from _link(link, marks.get(link.edge.path))
    for dot in picture.dots:
        yield _dot(dot)
    for box in picture.boxes:
        if not box.is_container:
            yield from _state(box, marks.get(box.path), marks)
    for link in picture.links:
        if link.lines:
            yield _label(link, marks.get(link.edge.path))


# -- states


def _state(box: Box, mark: Mark | None, marks: Marks) -> Iterator[str]:
    kind = (box.node.type if box.node else "") or "none"
    classes = ["state", kind, *_mark_classes(mark)]
    if box.node is None:
        classes.append("missing")
    elif box.is_container:
        classes.append("container")
    rect = box.rect
    attributes = f'class="{" ".join(classes)}" data-state={_attribute(key(box.path))}'
    yield f"<g {attributes}><title>{escape(_title(box, mark))}</title>"
    yield from _outline(box, kind)
    inset = SLANT if kind == "Choice" else 0.0
    middle = rect.y + (25 if box.is_container else rect.height / 2)
    yield _icon(rect.x + inset + 9, middle - 13, "" if box.node is None else box.node.type)
    left, right = rect.x + inset + ICON, rect.right - inset - 12
    base = middle - 3 if box.summary else middle + 4.5
    if not box.summary and (box.retries or box.folded):
        base = middle - 3
    yield text_element(left, base, box.name, NAME, "name", bold=True)
    if box.summary:
        yield text_element(left, middle + 13, box.summary, SMALL, "small muted")
    x = right
    for edge in reversed((*box.retries, *box.folded)):
        x -= BADGE
        yield _chip(edge, x, middle + 3.5, marks.get(edge.path))
        x -= BADGE_GAP
    if box.ends:
        yield _end_mark(rect)
    if mark and mark.badge:
        yield _badge(mark.badge, rect)
    yield "</g>"


def _title(box: Box, mark: Mark | None) -> str:
    kind = "this state does not exist" if box.node is None else (box.node.type or box.summary)
    lines = [box.title, kind]
    if box.node is not None and box.node.type and (whole := wording.summary(box.node)):
        lines[1] += f": {whole}"
    comment = box.node.fields.get("Comment") if box.node else None
    lines += [wording.short(comment)] if comment else []
    lines += [wording.explain(edge) for edge in (*box.retries, *box.folded)]
    lines += [clean(mark.note)] if mark and mark.note else []
    return "\n".join(lines)


def _outline(box: Box, kind: str) -> Iterator[str]:
    rect = box.rect
    if kind == "Choice":
        half = rect.y + rect.height / 2
        points = [
            (rect.x, half),
            (rect.x + SLANT, rect.y),
            (rect.right - SLANT, rect.y),
            (rect.right, half),
            (rect.right - SLANT, rect.bottom),
            (rect.x + SLANT, rect.bottom),
        ]
        path = "M" + "L".join(f"{number(x)} {number(y)}" for x, y in points) + "Z"
        yield f'<path class="shape" d="{path}"/><path class="tint" d="{path}"/>'
        return
    radius = {"Succeed": rect.height / 2, "Fail": rect.height / 2}.get(kind, 14.0 if box.is_container else 9.0)
    if kind == "Map":  # a stack: it runs for each item
        for step in (6.0, 3.0):
            under = Rect(rect.x + step + 4, rect.bottom - radius * 2 + step, rect.width - 2 * step - 8, radius * 2)
            yield rectangle(under, radius, "shape")
    yield rectangle(rect, radius, "shape")
    if box.is_container or kind in ("Succeed", "Fail", "none"):
        yield rectangle(rect, radius, "tint")


def _icon(x: float, y: float, kind: str) -> str:
    tile = f'<rect class="tile" x="{number(x)}" y="{number(y)}" width="26" height="26" rx="7"/>'
    return f'{tile}<path class="glyph" transform="translate({number(x + 3)} {number(y + 3)})" d="{SYMBOLS[kind]}"/>'


def _chip(edge: Edge, x: float, y: float, mark: Mark | None) -> str:
    """The badge of a retrier, or of a catcher that is folded away."""
    most = wording.attempts(edge.fields) if edge.kind == "retry" else ""
    sign = CATCH if edge.kind == "catch" else NO_RETRY if most == "0" else RETRY
    indent = 3.0 if most not in ("", "0") else (BADGE - 10) / 2
    classes = " ".join(["edge", edge.kind, "chip", *_mark_classes(mark)])
    pieces = [
        f'<g class="{classes}" data-edge={_attribute(key(edge.path))}><title>{escape(_note(edge, mark))}</title>',
        f'<rect x="{number(x)}" y="{number(y)}" width="{number(BADGE)}" height="13" rx="6.5"/>',
        f'<path transform="translate({number(x + indent)} {number(y + 1.5)})" d="{sign}"/>',
    ]
    room = BADGE - 15
    if most not in ("", "0"):
        pieces.append(text_element(x + 14, y + 10, fit(most, room, TINY - 1), TINY - 1, "tiny"))
    return "".join([*pieces, "</g>"])


def _end_mark(rect: Rect) -> str:
    x, y = rect.x + 22, rect.bottom
    ring = f'<circle class="ring" cx="{number(x)}" cy="{number(y)}" r="6" stroke-width="1.4"/>'
    return f'<g class="end">{ring}<circle class="dot" cx="{number(x)}" cy="{number(y)}" r="3"/></g>'


def _badge(text: str, rect: Rect) -> str:
    text = fit(clean(text), max(rect.width - 40, 30), TINY, bold=True)
    width = measure(text, TINY, bold=True) + 12
    x = rect.right - width - 8
    pill = f'<rect x="{number(x)}" y="{number(rect.y - 8)}" width="{number(width)}" height="16" rx="8"/>'
    return f'<g class="mark">{pill}{text_element(x + 6, rect.y + 3.5, text, TINY, "badge", bold=True)}</g>'


def _lane(lane: Lane) -> str:
    classes = "lane edge " + ("branch" if lane.edge.kind == "branch" else "processor")
    if lane.machine.is_distributed:
        classes += " distributed"
    pieces = [f'<g class="{classes}" data-edge={_attribute(key(lane.machine.path))}>', rectangle(lane.rect, 9.0, "")]
    if lane.title:
        pieces.append(text_element(lane.rect.x + 14, lane.rect.y + 19, lane.title, SMALL, "small muted"))
    return "".join([*pieces, "</g>"])


# -- edges


def _link(link: Link, mark: Mark | None) -> Iterator[str]:
    edge = link.edge
    classes = ["edge", edge.kind, *_mark_classes(mark)] + ["back"] * link.goes_back
    attributes = f'class="{" ".join(classes)}" data-edge={_attribute(key(edge.path))}'
    ends = f"data-from={_attribute(key(edge.source.path))} " if edge.source else ""
    path, head = _path(link.points)
    yield f"<g {attributes} {ends}><title>{escape(_note(edge, mark))}</title>".replace(" >", ">")
    yield f'<path class="line" d="{path}"/>{head}</g>'


def _note(edge: Edge, mark: Mark | None) -> str:
    return "\n".join([wording.explain(edge), *([clean(mark.note)] if mark and mark.note else [])])


def _label(link: Link, mark: Mark | None) -> str:
    assert link.at is not None  # noqa: S101 - layout puts every label somewhere
    width, height = link.width + 8, len(link.lines) * LINE + 2
    left, top = link.at.x - width / 2, link.at.y - height / 2
    classes = " ".join(["label", link.edge.kind, *_mark_classes(mark)])
    pieces = [
        f'<g class="{classes}" data-label={_attribute(key(link.edge.path))}>'
        f"<title>{escape(_note(link.edge, mark))}</title>",
        rectangle(Rect(left, top, width, height), 4, "").replace("/>", ' fill-opacity="0.94"/>'),
    ]
    for index, line in enumerate(link.lines):
        x = link.at.x - measure(line, SMALL) / 2
        pieces.append(text_element(x, top + LINE * (index + 1) - 2, line, SMALL, "small"))
    return "".join([*pieces, "</g>"])


def _dot(dot: Dot) -> str:
    x, y = number(dot.centre.x), number(dot.centre.y)
    if dot.kind == "start":
        return f'<circle class="dot start" cx="{x}" cy="{y}" r="{number(dot.radius)}"/>'
    path, head = _path(dot.line)
    ring = f'<circle class="ring" cx="{x}" cy="{y}" r="{number(dot.radius - 0.8)}" stroke-width="1.6"/>'
    inner = f'<circle class="dot" cx="{x}" cy="{y}" r="{number(dot.radius - 4)}"/>'
    return f'<g class="end" data-end={_attribute(key(dot.path))}><path class="line" d="{path}"/>{head}{ring}{inner}</g>'


def _path(points: Sequence[Point]) -> tuple[str, str]:
    """A line with round corners as path data, and the arrow at its end."""
    if len(points) < 2:
        return "", ""
    before, tip = points[-2], points[-1]
    length = max(abs(tip.x - before.x) + abs(tip.y - before.y), 0.001)
    x, y = (tip.x - before.x) / length, (tip.y - before.y) / length
    base = Point(tip.x - x * _ARROW, tip.y - y * _ARROW)
    side = Point(-y * _ARROW_HALF, x * _ARROW_HALF)
    corners = (tip, Point(base.x + side.x, base.y + side.y), Point(base.x - side.x, base.y - side.y))
    head = f'<path class="head" d="M{"L".join(map(_at, corners))}Z"/>'
    stop = Point(tip.x - x * (_ARROW - 2), tip.y - y * (_ARROW - 2)) if length > _ARROW else before
    line = [*points[:-1], stop]
    text = f"M{_at(line[0])}"
    for first, corner, last in zip(line, line[1:], line[2:], strict=False):
        radius = min(_CORNER, _distance(first, corner) / 2, _distance(corner, last) / 2)
        start, end = _towards(corner, first, radius), _towards(corner, last, radius)
        text += f"L{_at(start)}Q{_at(corner)} {_at(end)}"
    return f"{text}L{_at(line[-1])}", head


def _at(point: Point) -> str:
    return f"{number(point.x)} {number(point.y)}"


def _distance(first: Point, second: Point) -> float:
    return float(((first.x - second.x) ** 2 + (first.y - second.y) ** 2) ** 0.5)


def _towards(start: Point, goal: Point, distance: float) -> Point:
    length = _distance(start, goal) or 1.0
    return Point(start.x + (goal.x - start.x) * distance / length, start.y + (goal.y - start.y) * distance / length)


# -- pieces


def _mark_classes(mark: Mark | None) -> list[str]:
    if mark is None:
        return []
    return [mark.tone, "faint"] if mark.tone in theme.FAINT else [mark.tone, "marked"]


def _attribute(text: str) -> str:
    return '"' + escape(text, {'"': "&quot;"}) + '"'
