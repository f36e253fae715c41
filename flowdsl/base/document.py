"""A JSON or YAML file: its value, and the place of each part in the file. `yaml_document` reads YAML."""

from __future__ import annotations

import json
import math
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

from .diagnostics import AslPath, Diagnostic, FlowError
from .json import is_too_deep
from .patterns import regex
from .record import Record, field
from .source import Span
from .words import shorten

Place = tuple[int, int]
"""The offsets in the text where something starts and ends."""
Placed = tuple[AslPath, Place, Place | None]
"""A path, the place of its value, and that of the key before the value."""


class Document(Record, frozen=False):
    """`value` is a JSON value; `find_places` is called when a place is needed for the first time."""

    file: str
    text: str
    value: Any
    find_places: Callable[[], Iterator[Placed]] = field(repr=False)
    twice: tuple[AslPath, ...] = ()
    """The paths of duplicate keys; `value` contains their last values."""
    find_comments: Callable[[], dict[AslPath, tuple[str, ...]]] = field(default=dict, repr=False)

    @cached_property
    def _placed(self) -> list[Placed]:
        return [*self.find_places()]

    @cached_property
    def places(self) -> dict[AslPath, Place]:
        """A scalar's own place; of a mapping or a list under a key, the key's."""
        return {path: place for path, place, _ in self._placed}

    @cached_property
    def _keys(self) -> dict[AslPath, Place]:
        return {path: key for path, _, key in self._placed if key is not None}

    def place_of(self, path: AslPath, needle: str | float | None = None) -> Place:
        """The place of the value at the path, or of the nearest enclosing one; that of the path's last key if this is
        the needle, and the value is not a text with it."""
        known = path
        while known and known not in self.places:
            known = known[:-1]
        place = self.places.get(known, (0, 1))
        is_key = path and needle == path[-1] and str(needle) not in self.text[slice(*place)]
        return self._keys.get(path, place) if is_key else place

    @cached_property
    def comments(self) -> dict[AslPath, tuple[str, ...]]:
        """The comments of the file without their `#`, at the path of the value that each stands before or beside."""
        return self.find_comments()

    def span(self, path: AslPath, needle: str | float | None = None) -> Span:
        """The place of the value, of its key, or of the nearest enclosing value, see `place_of`."""
        start, end = self.place_of(path, needle)
        return Span(self.file, *self._line_and_column(start), *self._line_and_column(end))

    def _line_and_column(self, offset: int) -> tuple[int, int]:
        before = bisect_left(self._line_ends, offset)
        return before + 1, offset - (self._line_ends[before - 1] if before else -1)

    @cached_property
    def _line_ends(self) -> list[int]:
        return [match.start() for match in re.finditer("\n", self.text)]


def span_of(file: str, text: str, start: int, end: int) -> Span:
    """A piece of the text as lines and columns."""
    line, column = line_and_column(text, start)
    end_line, end_column = line_and_column(text, end)
    return Span(file, line, column, end_line, end_column)


def line_and_column(text: str, offset: int) -> tuple[int, int]:
    """The line and column of an offset, both counted from 1."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def wrong(message: str, span: Span | None, hint: str | None = None) -> FlowError:
    """A mistake in the file's syntax."""
    return FlowError(Diagnostic("FD704", message, span=span, hint=hint, aws="INVALID_JSON_DESCRIPTION"))


def check_depth(value: Any, file: str) -> None:
    """Raise FlowError for values nested deeper than what walks them can follow, whatever the version of Python."""
    if is_too_deep(value):
        raise wrong("nested too deeply", Span(file, 1))


# JSON


class _DuplicateKeyError(ValueError):
    pass


def read_json(text: str, file: str) -> Document:
    """Read JSON as AWS does: no comments, no NaN. Raises FlowError with the place of the mistake."""
    twice: tuple[AslPath, ...] = ()
    try:
        value = _loads(text, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        span = span_of(file, text, error.pos, error.pos + 1)
        code, message, at = _as_aws(text, error.pos)
        mistake = Diagnostic("FD704", f"not JSON: {error.msg}", span=span, aws=code, aws_message=message, aws_at=at)
        raise FlowError(mistake) from None
    except _DuplicateKeyError:
        value = _loads(text)
        counts = Counter(path for path, _, _ in _json_places(text))
        twice = tuple(path for path, count in counts.items() if count > 1 and isinstance(path[-1], str))
    except RecursionError:
        raise wrong("nested too deeply", Span(file, 1)) from None
    except ValueError as error:
        # A word that _loads refuses, or an integer with more digits than Python reads, and so larger than any double.
        wanted = (
            _LONG_INTEGER if str(error).startswith("Exceeds") else re.compile(rf"(?<![\w\"]){re.escape(str(error))}")
        )
        match = wanted.search(text)
        span = span_of(file, text, *match.span()) if match else Span(file, 1)
        what = shorten(match[0] if match else str(error))
        raise wrong(f"not JSON: {what} is not a JSON value", span, "write a number or null") from None
    check_depth(value, file)
    return Document(file, text, value, lambda: _json_places(text), twice)


def _loads(text: str, **hooks: Any) -> Any:
    return json.loads(text, parse_float=as_float, parse_constant=refuse_constant, **hooks)


_LONG_INTEGER = regex(r"(?<![\w\"])-?\d{4300,}")


def _as_aws(text: str, offset: int) -> tuple[str, str, str]:
    """The code, message and location of ValidateStateMachineDefinition for invalid JSON (those of Jackson)."""
    if not text.strip():
        return "SCHEMA_VALIDATION_FAILED", "Definition must be a valid JSON object", ""
    word = re.compile(r"[A-Za-z_$][\w$]*").match(text, offset)
    if word:
        message = (
            f"Unrecognized token '{word.group()}': was expecting (JSON String, Number, Array, Object or token 'null', "
        )
        message += "'true' or 'false')"
    elif offset < len(text):
        message = f"Unexpected character ('{text[offset]}' (code {ord(text[offset])}))"
    else:
        message = "Unexpected end-of-input"
    line, column = line_and_column(text, word.end() if word else min(offset + 1, len(text)))
    excerpt = text if len(text) <= 500 else f"{text[:500]}[truncated {len(text) - 500} chars]"
    location = f'[Source: (String)"{excerpt}"; line: {line}, column: {column}]'
    return "INVALID_JSON_DESCRIPTION", f"{message}\n at {location}", location


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _DuplicateKeyError
    return value


def as_float(digits: str) -> float:
    """The number. Raises ValueError if it is too large."""
    number = float(digits)
    if math.isinf(number):
        raise ValueError(digits)
    return number


def refuse_constant(name: str) -> Any:
    """Raises ValueError: JSON has no NaN and no Infinity."""
    raise ValueError(name)


_SYMBOL = regex(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')


def _json_places(text: str) -> Iterator[Placed]:
    """The places in valid JSON."""
    path: list[str | int] = []
    lists: list[bool] = []
    key: Place | None = None
    expect_key = False
    for match in _SYMBOL.finditer(text):
        symbol = match.group()
        if symbol in ",":
            if lists[-1]:
                path[-1] += 1  # type: ignore[operator]
            else:
                path.pop()
                expect_key = True
        elif symbol in "}]":
            is_list = lists.pop()
            if is_list or not expect_key:
                path.pop()
            expect_key = False
        elif symbol == ":":
            expect_key = False
        elif expect_key:
            path.append(json.loads(symbol))
            key = match.span()
        else:
            yield tuple(path), key if key and symbol in "{[" else match.span(), key
            key = None
            if symbol in "{[":
                lists.append(symbol == "[")
                expect_key = symbol == "{"
                if symbol == "[":
                    path.append(0)
