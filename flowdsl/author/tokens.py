"""Expressions inside f-strings: each leaves a token in the text, and the writer puts the expression back.

Python joins the pieces of an f-string itself, so an expression can only leave a mark there: two private-use characters
around two letters and a number. A small and a capital letter, because `upper()`, `title()` and the like change one of
them, which shows that Python changed a text whose value it does not know; `strip()`, `replace()` and slices change the
constant text around the token, which is compared with the author's file. Such a token, and one that no expression takes
up again, is the author's mistake, at the line of the f-string.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from ..base.record import Record, field
from ..base.source import Caller, caller
from .nodes import Node

_LETTERS = "xY"
_TOKEN = re.compile("\ue0f0([A-Za-z]{2}[0-9]+)\ue0f1")


class Token(Record, eq=False, frozen=False):
    """An expression that an f-string holds; `is_used` once a value of the flow has taken it up.

    `is_changed` if a method such as `upper()` or `strip()` changed the text around it.
    """

    node: Node
    origin: Caller | None
    is_used: bool = False
    is_changed: bool = False
    _around: tuple[str, str] | None = field(default=None, repr=False)

    def look_around(self, before: str, after: str) -> None:
        """Notice if the constant text around the token is not the one that the author wrote there.

        White space counts only where there is nothing else, so that `textwrap.dedent` may be used.
        """
        if self._around is None:
            formatted = self.origin.formatted() if self.origin else None
            self._around = (formatted.before, formatted.after) if formatted else ("", "")
            self.is_changed = self.is_changed or bool(formatted and formatted.is_changed)
        start, end = (" ".join(f"|{text}|".split()).strip("|") for text in self._around)
        left, right = (" ".join(f"|{text}|".split()).strip("|") for text in (before, after))
        is_same = left.endswith(start.lstrip() or start) and right.startswith(end.rstrip() or end)
        self.is_changed = self.is_changed or not is_same

    @property
    def text(self) -> str:
        """The expression for people."""
        from .describing import described  # only messages need it

        return described(self.node)


_tokens: list[Token] = []


class _Left(str):
    """The text of a token while nothing is around it; widths, which would go by its own length, mark it as changed."""

    __slots__ = ("token",)
    token: Token

    def __format__(self, spec: str) -> str:
        self.token.is_changed = self.token.is_changed or bool(spec)
        return str.__format__(self, spec)

    def ljust(self, *arguments: Any) -> str:
        return self._changed(str.ljust, arguments)

    def rjust(self, *arguments: Any) -> str:
        return self._changed(str.rjust, arguments)

    def center(self, *arguments: Any) -> str:
        return self._changed(str.center, arguments)

    def zfill(self, *arguments: Any) -> str:
        return self._changed(str.zfill, arguments)

    def _changed(self, method: Callable[..., str], arguments: tuple[Any, ...]) -> str:
        self.token.is_changed = True
        return method(self, *arguments)


def leave_token(node: Node) -> str:
    """The text that stands for the expression inside a string."""
    _tokens.append(Token(node, caller()))
    left = _Left(f"\ue0f0{_LETTERS}{len(_tokens) - 1}\ue0f1")
    left.token = _tokens[-1]
    return left


def has_tokens(text: str) -> bool:
    return "\ue0f0" in text or "\ue0f1" in text


def tokens_in(text: str) -> list[Token]:
    """The expressions in a text; they count as used, for whoever asks reports them."""
    return [token for token in split(text) if isinstance(token, Token)]


def split(text: str) -> list[str | Token]:
    """The text in pieces: plain text and tokens, in order."""
    pieces: list[str | Token] = []
    raw = _TOKEN.split(text)
    for index, piece in enumerate(raw):
        if index % 2 == 0:
            pieces.extend([piece] if piece else [])
        elif int(piece[2:]) < len(_tokens):
            token = _tokens[int(piece[2:])]
            token.is_used = True
            token.is_changed = token.is_changed or not piece.startswith(_LETTERS)
            token.look_around(raw[index - 1], raw[index + 1])
            pieces.append(token)
    return pieces


def moment() -> int:
    """This moment, for `misused_since`."""
    return len(_tokens)


def misused_since(before: int) -> list[Token]:
    """The tokens left since then that no value of a flow has taken up, or whose text was changed.

    One for each f-string.
    """
    misused: dict[object, Token] = {}
    for token in _tokens[before:]:
        if token.is_changed or not token.is_used:
            formatted = token.origin.formatted() if token.origin else None
            misused.setdefault(formatted.whole if formatted else id(token), token)
    return [*misused.values()]
