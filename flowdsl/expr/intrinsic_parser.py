"""Text of an intrinsic function to its tree: `States.Format('{}', $.a)`.

Source: ASL specification, "Intrinsic Functions"; the nesting limit is in the Developer Guide, "Intrinsic functions".
"""

from __future__ import annotations

import math
import re
from typing import TypeAlias

from ..base.patterns import Regex, regex
from ..base.record import Record
from .path.parser import parse_path
from .path.tree import Path, PathSyntaxError

MAX_NESTING = 10


class IntrinsicSyntaxError(ValueError):
    """The text is not an intrinsic function. `offset` counts characters from the start of the text."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(f"{message} (at offset {offset})")
        self.message = message
        self.offset = offset


class ConstantArgument(Record):
    """A string, number, true, false or null; `raw` is a string's text between the quotes, escapes untouched."""

    value: str | int | float | bool | None
    raw: str
    offset: int


class PathArgument(Record):
    """A path as an argument."""

    path: Path
    offset: int


class IntrinsicCall(Record):
    """A function and its arguments. Whether the name and the number of arguments are right is not looked at here."""

    name: str
    arguments: tuple[Argument, ...]
    offset: int


Argument: TypeAlias = IntrinsicCall | PathArgument | ConstantArgument

_NAME = regex(r"States\.[A-Za-z0-9]+")
_NUMBER = regex(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?(?=[\s,)])")
_KEYWORD = regex(r"(?:true|false|null)(?=[\s,)])")
_KEYWORDS = {"true": True, "false": False, "null": None}
_STRING = regex(r"'((?:[^'\\]|\\['{}\\])*)'")
_SPACE = regex(r"\s*")


def parse_intrinsic(text: str) -> IntrinsicCall:
    """Parse a whole call; raises IntrinsicSyntaxError with the offset of what is wrong."""
    parser = _Parser(text)
    parser.space()
    call = parser.call(1)
    parser.space()
    if parser.at < len(text):
        raise IntrinsicSyntaxError(f"unexpected {text[parser.at]!r} after the call", parser.at)
    return call


def unescape(raw: str) -> str:
    """A backslash makes the next character stand for itself."""
    return re.sub(r"\\(.)", r"\1", raw, flags=re.DOTALL)


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def space(self) -> None:
        self.match(_SPACE)

    def match(self, pattern: Regex) -> re.Match[str] | None:
        match = pattern.match(self.text, self.at)
        if match is not None:
            self.at = match.end()
        return match

    def call(self, depth: int) -> IntrinsicCall:
        offset = self.at
        if depth > MAX_NESTING:
            raise IntrinsicSyntaxError(f"intrinsic functions nest at most {MAX_NESTING} deep", offset)
        name = self.match(_NAME)
        if name is None:
            raise IntrinsicSyntaxError("expected the name of an intrinsic function, such as States.Format", offset)
        if not self.text.startswith("(", self.at):
            raise IntrinsicSyntaxError(f"expected '(' after {name.group()}", self.at)
        self.at += 1
        arguments: list[Argument] = []
        self.space()
        if not self.text.startswith(")", self.at):
            arguments.append(self.argument(depth))
            self.space()
            while self.text.startswith(",", self.at):
                self.at += 1
                self.space()
                arguments.append(self.argument(depth))
                self.space()
        if not self.text.startswith(")", self.at):
            raise IntrinsicSyntaxError("expected ',' or ')'", self.at)
        self.at += 1
        return IntrinsicCall(name.group(), tuple(arguments), offset)

    def argument(self, depth: int) -> Argument:
        offset = self.at
        if self.text.startswith("States.", offset):
            return self.call(depth + 1)
        if self.text.startswith("$", offset):
            return self.path()
        if self.text.startswith("'", offset):
            literal = self.match(_STRING)
            if literal is None:
                raise IntrinsicSyntaxError(
                    "the quote is not closed, or a backslash stands before something other than ' { } \\\\", offset
                )
            return ConstantArgument(unescape(literal.group(1)), literal.group(1), offset)
        if number := self.match(_NUMBER):
            digits = number.group()
            plain = number.group(1) is None and number.group(2) is None and len(digits) < 4000
            value = int(digits) if plain else float(digits)
            if value in (math.inf, -math.inf):
                raise IntrinsicSyntaxError("the number is larger than any double", offset)
            return ConstantArgument(value, digits, offset)
        if keyword := self.match(_KEYWORD):
            return ConstantArgument(_KEYWORDS[keyword.group()], keyword.group(), offset)
        raise IntrinsicSyntaxError(
            "expected a path, a string in single quotes, a number, true, false, null or an intrinsic function", offset
        )

    def path(self) -> PathArgument:
        """A path ends at the comma or bracket that is outside all of its own brackets and quotes."""
        offset = self.at
        depth = 0
        quote = ""
        while self.at < len(self.text):
            character = self.text[self.at]
            if character == "\\":
                self.at += 1
            elif quote:
                quote = "" if character == quote else quote
            elif character in "'\"":
                quote = character
            elif character in "[(":
                depth += 1
            elif character in "])" and depth:
                depth -= 1
            elif not depth and character in ",)":
                break
            self.at += 1
        text = self.text[offset : self.at].rstrip()
        try:
            return PathArgument(parse_path(text), offset)
        except PathSyntaxError as error:
            raise IntrinsicSyntaxError(error.message, offset + error.offset) from None
