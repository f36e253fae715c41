"""Definitions that a template has as text: put together from pieces, parsed, each value with its place.

The text is JSON only once it is together: Fn::Join and Fn::Sub cut it anywhere, also within a string.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable
from itertools import accumulate
from typing import Any

import attrs

from ..asl.placeholders import PLACEHOLDER
from ..base.diagnostics import AslPath, FlowError
from ..base.document import Document, read_json
from ..base.patterns import regex
from ..base.record import evolve
from ..base.source import Span
from .files import Places


@attrs.frozen
class Piece:
    """A piece of text and the scalar of the template that it is from."""

    text: str
    path: AslPath
    offset: int | None = None
    """Where it starts in that scalar's text; None if it is not a part of it, as for a reference."""


@attrs.frozen
class Parsed:
    """A definition from text."""

    value: Any
    document: Document
    """Of the text that was put together."""
    locate: Callable[..., Span | None] = attrs.field(repr=False)
    """Returns the place in the template of an ASL path; also takes the key at its end."""
    bare: frozenset[str] = frozenset()
    """The names of placeholders outside strings, which stand for numbers, booleans, objects and so on."""


def plain(pieces: Iterable[Piece]) -> str:
    return "".join(piece.text for piece in pieces)


def parse(pieces: list[Piece], places: Places, at: AslPath) -> Parsed:
    """Parse JSON from pieces; `at` is the path of the whole. Raises FlowError with a place in the template."""
    text = plain(pieces)
    starts = [0, *accumulate(len(piece.text) for piece in pieces)][:-1]

    def span_at(offset: int) -> Span:
        index = max(0, bisect_right(starts, offset) - 1)
        if not pieces:
            return places.span(at)
        piece = pieces[index]
        if piece.offset is None:
            return places.span(piece.path)
        return _inside(places, piece.path, piece.offset + offset - starts[index])

    hidden, names = hide_bare(text)
    try:
        document = read_json(hidden, "")
    except FlowError as error:
        [mistake] = error.diagnostics
        span = mistake.span or Span("", 1)
        offset = _offset(hidden, span.line, span.column)
        raise FlowError(evolve(mistake, span=span_at(offset))) from None

    def locate(path: AslPath, needle: str | float | None = None) -> Span:
        return span_at(document.place_of(path, needle)[0])

    return Parsed(show_bare(document.value, names), document, locate, frozenset(names.values()))


def _offset(text: str, line: int, column: int) -> int:
    start = 0
    for _ in range(line - 1):
        start = text.find("\n", start) + 1
    return start + column - 1


_BLOCK = regex(r"\|[-+\d]*[ \t]*(#[^\n]*)?\n")


def _inside(places: Places, path: AslPath, offset: int) -> Span:
    """The place of an offset in the text of a scalar: exact in a block of YAML (`|`), which has the text's lines."""
    document, place = places.place(path)
    block = _BLOCK.match(document.text, place[0]) if place else None
    if block is None:
        return places.span(path)
    lines = document.text[block.end() :].split("\n")
    indent = next((len(line) - len(line.lstrip(" ")) for line in lines if line.strip()), 0)
    line = column = 0
    for line, content in enumerate(lines):  # noqa: B007 - what the loop ends at is the result
        length = len(content[indent:]) + 1
        if offset < length:
            column = offset
            break
        offset -= length
    first = document.text.count("\n", 0, block.end()) + 1
    return Span(document.file, first + line, indent + column + 1)


_STRING_OR_BARE = regex(r'"(?:[^"\\]|\\.)*"|' + PLACEHOLDER.pattern, re.DOTALL)
_FIRST_MARK = 0xE000
"""Private-use characters, of which a mark for a placeholder outside strings is made."""


def hide_bare(text: str) -> tuple[str, dict[str, str]]:
    """Replace each placeholder outside strings, as in `"Seconds": ${Delay}`, by a string of the same length, so that
    the text is JSON. Returns the text, and the names by mark."""
    names: dict[str, str] = {}

    def hide(match: re.Match[str]) -> str:
        if match[0].startswith('"'):
            return match[0]
        mark = chr(_FIRST_MARK + len(names) % 6000) + str(len(names))
        mark = mark[: len(match[0]) - 2].ljust(len(match[0]) - 2, chr(_FIRST_MARK + 6000))
        names[mark] = match[0][2:-1]
        return f'"{mark}"'

    return _STRING_OR_BARE.sub(hide, text), names


def show_bare(value: Any, names: dict[str, str]) -> Any:
    """Put the placeholders back, as strings."""
    if not names:
        return value
    if isinstance(value, dict):
        return {names_or(key, names): show_bare(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [show_bare(item, names) for item in value]
    return names_or(value, names) if isinstance(value, str) else value


def names_or(text: str, names: dict[str, str]) -> str:
    return f"${{{names[text]}}}" if text in names else text
