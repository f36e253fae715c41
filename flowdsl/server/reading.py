"""What stands at a place of a flow's text, which may be broken: it is being typed.

So nothing here parses Python; each line is read for itself, by the forms in which flows are written.
"""

from __future__ import annotations

import re

from ..base.named import NamedTuple

_WORD = re.compile(r"[A-Za-z_]\w*")
_STRING = re.compile(r"""(["'])((?:(?!\1)[^\\\n]|\\.)*)\1""")
_ASSIGNED = re.compile(r"""^([A-Za-z_]\w*)[ \t]*(?::[^=\n]+)?=[ \t]*[\w.]+\(\s*(["'])(.*?)\2""", re.MULTILINE)
_OUT = re.compile(r"([A-Za-z_]\w*)\.out((?:\.[A-Za-z_]\w*|\[\d+\])*)\.(\w*)$")


class Token(NamedTuple):
    """A name, or the text of a string, with its columns (from 0, the end exclusive)."""

    text: str
    is_string: bool
    start: int
    end: int


def token_at(line: str, column: int) -> Token | None:
    """The name or string in which the column (in characters, from 0) is."""
    for match in _STRING.finditer(line):
        if match.start() <= column < match.end():
            return Token(match[2], True, match.start(), match.end())
    for match in _WORD.finditer(line):
        if match.start() <= column <= match.end():
            return Token(match[0], False, match.start(), match.end())
    return None


def assigned_states(text: str) -> dict[str, tuple[str, int]]:
    """The variables that hold steps, `charge = Task("Charge", …)`: the first argument and the line (from 0)."""
    return {match[1]: (match[3], text.count("\n", 0, match.start())) for match in _ASSIGNED.finditer(text)}


class Out(NamedTuple):
    """`charge.out.receipt.na`: the variable, the fields before the last dot, and the beginning of the next one."""

    variable: str
    fields: tuple[str | int, ...]
    beginning: str


def out_before(line: str, column: int) -> Out | None:
    """The `.out` that is being typed at this column."""
    match = _OUT.search(line[:column])
    if match is None:
        return None
    steps = re.findall(r"\.(\w+)|\[(\d+)\]", match[2])
    return Out(match[1], tuple(name or int(index) for name, index in steps), match[3])
