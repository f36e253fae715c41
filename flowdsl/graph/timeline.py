"""What an execution did when: a row for each state, a bar for each stay in it.

The axis is the order of the events, stretched by the time between them: on a true scale a wait of a day would leave no
room for a task of a second, and on a virtual clock tasks take no time at all. Ticks tell the time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from xml.sax.saxutils import escape, quoteattr

from attrs import frozen

from ..base.diagnostics import AslPath
from .elements import number, text_element
from .fonts import clean, fit, measure
from .picture import Tone, key
from .symbols import SYMBOLS
from .wording import duration

_LEFT, _RIGHT_EDGE, _TOP, _BOTTOM = 250.0, 40.0, 62.0, 24.0
_LANE, _ROW_GAP, _BAR = 16.0, 6.0, 12.0
_STEP = 9.0
"""The width of an event that takes no time."""
_STRETCH = 24.0
"""How much wider ten times the time is."""
_SHORTEST = 0.05
"""Seconds from which a time shows at all."""
_NARROW, _WIDE = 500.0, 1500.0
"""Between these widths the bars are as wide as their events need."""
_TICK = 74.0
"""The least distance of ticks."""
_MOST_LANES = 8
_DEEPEST = 8


@frozen(kw_only=True)
class Fault:
    """An attempt that failed."""

    order: int
    note: str
    until: int | None = None
    """The place of the event with which the next attempt began; None if there was none."""


@frozen(kw_only=True)
class Bar:
    """A stay in a state. `start` and `stop` are in seconds since the start of the execution; `first` and `last` are the
    places of its first and last event among all events."""

    path: AslPath
    name: str
    type: str
    depth: int
    first: int
    last: int
    start: float
    stop: float
    tone: Tone | None = None
    """Why it is marked: `failed`, or `waiting` if it never ended."""
    note: str = ""
    faults: tuple[Fault, ...] = ()


@frozen(kw_only=True)
class Timeline:
    bars: Sequence[Bar]
    times: Sequence[float]
    """The time of each event, in seconds since the start."""
    heading: str = ""


class _Axis:
    """Where each event is."""

    def __init__(self, timeline: Timeline) -> None:
        orders = {order for bar in timeline.bars for order in (bar.first, bar.last)}
        faults = [fault for bar in timeline.bars for fault in bar.faults]
        orders |= {order for fault in faults for order in (fault.order, fault.until) if order is not None}
        self.orders = sorted(orders)
        places = dict.fromkeys(self.orders[:1], 0.0)
        x = 0.0
        for before, after in pairwise(self.orders):
            gap = max(timeline.times[after] - timeline.times[before], 0.0)
            x += _STEP + _STRETCH * math.log10(1 + gap / _SHORTEST)
            places[after] = x
        scale = min(max(x, _NARROW), _WIDE) / x if x else 1.0
        self.places = {order: _LEFT + place * scale for order, place in places.items()}
        self.width = max(x * scale, _NARROW)

    def ticks(self, times: Sequence[float]) -> Iterator[tuple[float, float]]:
        """Places and times: of the first event of each moment, as many as there is room for."""
        last = -math.inf
        time = None
        for order in self.orders:
            if times[order] != time and self.places[order] - last >= _TICK:
                last, time = self.places[order], times[order]
                yield last, time


def draw(timeline: Timeline) -> tuple[str, float, float]:
    """Return SVG from (0, 0), its width and its height."""
    axis = _Axis(timeline)
    rows: dict[AslPath, list[Bar]] = {}
    for bar in sorted(timeline.bars, key=lambda each: each.first):
        rows.setdefault(bar.path, []).append(bar)
    pieces: list[str] = []
    y = _TOP
    for bars in rows.values():
        lanes = _lanes(bars)
        height = len(lanes) * _LANE
        pieces.append(_name(bars[0], y + height / 2))
        for lane, placed in enumerate(lanes):
            pieces += _bars(placed, axis, y + lane * _LANE)
        y += height + _ROW_GAP
    width = _LEFT + axis.width + _RIGHT_EDGE
    grid = [
        f'<path class="axis" d="M{number(x)} {number(_TOP - 8)}V{number(y)}" stroke-width="1"/>'
        + text_element(x, _TOP - 13, _moment(time), 10, "tiny muted")
        for x, time in axis.ticks(timeline.times)
    ]
    heading = fit(clean(timeline.heading), width - 48, 13, bold=True)
    head = text_element(24, 26, heading, 13, "name", bold=True)
    return f'<g class="timeline">{head}{"".join(grid)}{"".join(pieces)}</g>', width, y + _BOTTOM


def _moment(seconds: float) -> str:
    return "start" if seconds <= 0 else f"+{duration(seconds)}"


def _lanes(bars: list[Bar]) -> list[list[Bar]]:
    """The bars of a row, with those that are at the same time below each other."""
    lanes: list[list[Bar]] = []
    for bar in bars:
        free = next((lane for lane in lanes if lane[-1].last <= bar.first), None)
        if free is None and len(lanes) < _MOST_LANES:
            free = []
            lanes.append(free)
        (lanes[-1] if free is None else free).append(bar)
    return lanes


def _name(bar: Bar, middle: float) -> str:
    left = 24 + 12 * min(bar.depth, _DEEPEST)
    icon = (
        f'<g class="{bar.type or "none"}" transform="translate({number(left)} {number(middle - 8)})">'
        '<rect class="tile" width="16" height="16" rx="4.5"/>'
        f'<path class="glyph" transform="translate(2 2) scale(0.6)" d="{SYMBOLS.get(bar.type, SYMBOLS[""])}"/></g>'
    )
    name = clean(bar.name)
    text = text_element(left + 22, middle + 4, fit(name, _LEFT - left - 32, 11), 11, "small")
    return f"<g data-state={quoteattr(key(bar.path))}><title>{escape(name)}</title>{icon}{text}</g>"


def _bars(bars: list[Bar], axis: _Axis, y: float) -> Iterator[str]:
    for index, bar in enumerate(bars):
        left, right = axis.places[bar.first], axis.places[bar.last]
        width = max(right - left, 3.0)
        tone = f" {bar.tone} marked" if bar.tone else ""
        title = "\n".join(filter(None, [_about(bar), clean(bar.note)]))
        faint = ' fill-opacity="0.55"' if bar.type in ("Wait", "Parallel", "Map") else ""
        pieces = [
            f'<g class="stay {bar.type or "none"}{tone}" data-state={quoteattr(key(bar.path))}>'
            f"<title>{escape(title)}</title>",
            f'<rect class="bar" x="{number(left)}" y="{number(y + 2)}" width="{number(width)}" height="{number(_BAR)}"'
            f' rx="3"{faint}/>',
        ]
        for fault in bar.faults:
            x = axis.places[fault.order]
            if fault.until is not None:
                pause = f'width="{number(axis.places[fault.until] - x)}" height="{number(_BAR - 4)}"'
                pieces.append(f'<rect class="pause" x="{number(x)}" y="{number(y + 4)}" {pause} fill-opacity="0.7"/>')
            pieces.append(
                f'<g class="fault"><title>{escape(clean(fault.note))}</title>'
                f'<circle cx="{number(x)}" cy="{number(y + 2 + _BAR / 2)}" r="4"/></g>'
            )
        text = duration(bar.stop - bar.start) if bar.stop - bar.start >= _SHORTEST else ""
        following = axis.places[bars[index + 1].first] if index + 1 < len(bars) else _LEFT + axis.width + _RIGHT_EDGE
        if text and left + width + 8 + measure(text, 10) < following:
            pieces.append(text_element(left + width + 6, y + 12, text, 10, "tiny muted"))
        yield "".join([*pieces, "</g>"])


def _about(bar: Bar) -> str:
    stay = f"{duration(bar.stop - bar.start)}, from {_moment(bar.start)}"
    return f"{clean(bar.name)}: {stay}"
