"""The outline beside a large picture: its states by name, each with the square of the picture that has it.

In a browser an entry leads to its state, which gets a frame. Where a picture is an image or on paper, the squares are
those of a map, a letter across and a number down.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from .elements import text_element
from .fonts import fit, measure
from .layout import NAME, SMALL
from .picture import Box, Picture

MANY = 60
"""The states from which a picture has an outline."""
_SQUARE = 400.0
_LINE, _INDENT, _COLUMN, _GAP = 17.0, 10.0, 250.0, 18.0
_TOP, _SIDE, _HEAD = 36.0, 24.0, 14.0
_FRAME = "fill: none; stroke: none; pointer-events: none;"
_STYLE = f"<style>.flow .place {{ {_FRAME} }} .flow .place:target {{ stroke: #d97706; stroke-width: 4; }}</style>"


def width_of(picture: Picture) -> float:
    """The width of the outline: as many columns as the picture's height needs."""
    return _columns(picture)[0] * (_COLUMN + _GAP) + _SIDE


def _columns(picture: Picture) -> tuple[int, int]:
    """How many columns there are, and how many entries in each."""
    entries = len(picture.boxes)
    each = max(int((picture.height - _TOP) / _LINE), 20)
    columns = math.ceil(entries / each)
    return columns, math.ceil(entries / columns)


def square(x: float, y: float) -> str:
    """The square of a point of the picture.

    >>> square(0, 0), square(450, 850), square(400 * 27, 0)
    ('A1', 'B3', 'AB1')
    """
    column, letters = int(x // _SQUARE), ""
    while column >= 0:
        column, letter = divmod(column, 26)
        letters, column = chr(ord("A") + letter) + letters, column - 1
    return f"{letters}{int(y // _SQUARE) + 1}"


def draw(picture: Picture, left: float, top: float) -> Iterator[str]:
    """The outline, from (0, `top`) on, the names of the squares, and what the entries lead to; the picture itself is at
    (`left`, `top`)."""
    _, each = _columns(picture)
    yield f'{_STYLE}<g class="outline">'
    yield text_element(_SIDE, top + _HEAD, f"{len(picture.boxes)} states", SMALL, "small muted")
    ordered = sorted(picture.boxes, key=lambda box: _as_read(box.title))
    for number, box in enumerate(ordered):
        column, row = divmod(number, each)
        yield _entry(box, number, _SIDE + column * (_COLUMN + _GAP), top + _TOP + row * _LINE)
    yield "</g>"
    for number, box in enumerate(ordered):
        rect = box.rect.moved(left, top)
        size = f'x="{rect.x:g}" y="{rect.y:g}" width="{rect.width:g}" height="{rect.height:g}"'
        yield f'<rect id="state-{number}" class="place" {size} rx="9"/>'
    yield from _edges(picture, left, top)


def _as_read(name: str) -> list[tuple[int, str]]:
    """A name by which S2 comes before S10."""
    return [(int(digits or -1), text.casefold()) for digits, text in re.findall(r"(\d{1,9})|(\D+|\d+)", name)]


def _entry(box: Box, number: int, x: float, y: float) -> str:
    where = square(box.rect.x + box.rect.width / 2, box.rect.y)
    kind = (box.node.type if box.node else "") or "none"
    name = fit(box.title, _COLUMN - _INDENT - 40, SMALL)
    return (
        f'<a href="#state-{number}"><g class="{kind}">'
        f'<rect class="tile" x="{x:g}" y="{y - 8:g}" width="8" height="8" rx="2"/></g>'
        f'<rect x="{x:g}" y="{y - 12:g}" width="{_COLUMN:g}" height="{_LINE:g}" fill="none" pointer-events="all"/>'
        f"{text_element(x + _INDENT + 4, y, name, SMALL, 'small')}"
        f"{text_element(x + _COLUMN - measure(where, SMALL), y, where, SMALL, 'small muted')}</a>"
    )


def _edges(picture: Picture, left: float, top: float) -> Iterator[str]:
    """The letters above the picture and the numbers at its left."""
    for column in range(math.ceil(picture.width / _SQUARE)):
        letters = square(column * _SQUARE, 0)[:-1]
        yield text_element(left + column * _SQUARE + 4, top + _HEAD, letters, SMALL, "small muted")
    for row in range(math.ceil(picture.height / _SQUARE)):
        yield text_element(left + 4, top + row * _SQUARE + 2 * NAME, str(row + 1), SMALL, "small muted")
