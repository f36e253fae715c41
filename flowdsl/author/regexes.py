"""Python's regular expressions as JSONata's, which are JavaScript's.

JSONata finds the closing slash of a pattern by counting brackets, so one that is a character has to be escaped.

Source: Python's documentation, "Regular Expression Syntax"; ECMAScript, "RegExp (Regular Expression) Objects";
`scanRegex` in the tokenizer of https://github.com/jsonata-js/jsonata.
"""

from __future__ import annotations

import re
from typing import Final

from ..base.patterns import regex

_ESCAPED: Final = r"\\N\{[^}]*\}|\\U[0-9a-fA-F]{8}|\\[0-3][0-7][0-7]|\\0[0-7]?|\\."
_PIECE: Final = regex(
    rf"(?P<escaped>{_ESCAPED})"
    r"|(?P<opens>\[\^?\]?)(?P<members>(?:\\.|[^\]\\])*)\]"
    r"|\(\?P<(?P<name>\w+)>|\(\?P=(?P<again>\w+)\)"
    r"|(?P<unseen>\(\?#[^)]*\)|\(\?[aiLmsux]+\))"
    r"|\(\?(?:[:=!]|<[=!])"
    r"|(?P<unknown>\(\?[^:>)]*[:>)]|(?:[*+?]|\{\d*,?\d*\})\+)"
    r"|\{(?:,(?P<most>\d*)|\d+(?:,\d*)?)\}"
    r"|(?P<character>[]{}/\n\r])",
    re.DOTALL,
)
_MEMBER: Final = regex(rf"{_ESCAPED}|[][(){{}}/\n\r]", re.DOTALL)
_ENDS: Final = {"\\A": ("^", r"(?<![\s\S])"), "\\Z": ("$", r"(?![\s\S])"), "\\z": ("$", r"(?![\s\S])")}
"""The ends of the text; where `^` and `$` are those of lines, the second form."""
_NAMED: Final = {"\n": "\\n", "\r": "\\r", "\\a": "\\x07"}


class NoSuchPattern(ValueError):  # noqa: N818 - its name says what there is not
    """JSONata has nothing like the piece of the pattern that this exception names."""


def write_regex(pattern: str, flags: str = "") -> str:
    """The pattern without slashes around it; the flags are JSONata's. Raises NoSuchPattern.

    >>> print(write_regex("(?P<day>[0-9]{,2})/[)]"))
    (?<day>[0-9]{0,2})\\/[\\)]
    """
    return _PIECE.sub(lambda match: _piece(match, flags), pattern) or "(?:)"


def _piece(match: re.Match[str], flags: str) -> str:
    piece = match[0]
    match match.lastgroup:
        case "unknown":
            raise NoSuchPattern(piece)
        case "unseen":
            return ""
        case "name":
            return f"(?<{match['name']}>"
        case "again":
            return f"\\k<{match['again']}>"
        case "most":
            return f"{{0,{match['most']}}}"
        case "members":
            members = _MEMBER.sub(lambda each: _character(each[0]), match["members"])
            return match["opens"].replace("]", "\\]") + members + "]"
        case "escaped" if piece in _ENDS:
            return _ENDS[piece]["m" in flags]
        case "escaped" | "character":
            return _character(piece)
    return piece


def _character(piece: str) -> str:
    """A character, or an escaped one, so that the brackets around it still count."""
    if piece in _NAMED:
        return _NAMED[piece]
    if piece == "\\\\":
        return "\\x5c"  # a bracket behind a backslash does not count
    if len(piece) == 1:
        return "\\" + piece
    if piece[1] in "NU0" or (piece[1:].isdigit() and len(piece) == 4):
        letter = piece.encode().decode("unicode_escape")
        return _NAMED.get(letter) or re.escape(letter).replace("/", "\\/")
    return piece
