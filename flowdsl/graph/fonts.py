"""The width of texts, from a table: the same on every computer.

The widths are those of Helvetica's metrics, which Arial, Liberation Sans and Nimbus Sans share. A viewer with another
font is told the width (SVG's `textLength`), so no text leaves its box there either.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

FAMILY = "Helvetica, Arial, 'Liberation Sans', 'Nimbus Sans', sans-serif"
ELLIPSIS = "…"

# Thousandths of the font size for the characters from space to "~".
_REGULAR = (
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556,
    556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833,
    722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556,
    556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334,
    260, 334, 584,
)  # fmt: skip
_BOLD = (
    278, 333, 474, 556, 556, 889, 722, 238, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556,
    556, 556, 556, 333, 333, 584, 584, 584, 611, 975, 722, 722, 722, 722, 667, 611, 778, 722, 278, 556, 722, 611, 833,
    722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 333, 278, 333, 584, 556, 333, 556, 611, 556, 611,
    556, 333, 611, 611, 278, 278, 556, 278, 889, 611, 611, 611, 611, 389, 556, 333, 611, 556, 778, 556, 556, 500, 389,
    280, 389, 584,
)  # fmt: skip
_OTHER = {"…": 1000, "·": 333, "–": 556, "—": 1000, "“": 480, "”": 480, "‘": 278, "’": 278, "λ": 556}
_WIDE, _LETTER = 1000, 700
"""East Asian wide characters and emoji, and all other letters: more than most of them need."""


def clean(text: str) -> str:
    """Replace the characters that would change the text around them or the file: control, bidi and format characters,
    line breaks, lone surrogates and what XML cannot contain.

    Each becomes its code in angle quotes, so two names that differ in one do not look alike.
    Source: XML 1.0, "Characters"; Unicode Technical Report 36, "Bidirectional Text Spoofing".

    >>> clean("a\\u202eb\\tc")
    'a‹202E›b c'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_clean_character, text))


def _clean_character(character: str) -> str:
    if character in "\t\n\r\u2028\u2029\xa0":
        return " "
    category = unicodedata.category(character)
    if category in ("Cc", "Cf", "Cs", "Cn", "Co") or ord(character) & 0xFFFE == 0xFFFE:
        return f"‹{ord(character):04X}›"
    return character


@lru_cache(maxsize=8192)
def measure(text: str, size: float, *, bold: bool = False) -> float:
    """Return the width of a text in this font size."""
    table = _BOLD if bold else _REGULAR
    total = 0
    for character in text:
        code = ord(character) - 32
        if 0 <= code < len(table):
            total += table[code]
        else:
            total += _width(character)
    return round(total * size / 1000, 2)


def _width(character: str) -> int:
    if character in _OTHER:
        return _OTHER[character]
    if unicodedata.combining(character):
        return 0
    return _WIDE if unicodedata.east_asian_width(character) in "WF" else _LETTER


def fit(text: str, width: float, size: float, *, bold: bool = False) -> str:
    """Return the text, or as much of its beginning as fits into the width, with an ellipsis.

    >>> fit("TakePayment", 50, 13, bold=True)
    'TakeP…'
    """
    if measure(text, size, bold=bold) <= width:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if measure(text[:middle].rstrip() + ELLIPSIS, size, bold=bold) <= width:
            low = middle
        else:
            high = middle - 1
    while low and unicodedata.combining(text[low]):
        low -= 1  # not between a letter and its accent
    return text[:low].rstrip() + ELLIPSIS


def wrap(text: str, width: float, size: float, most: int) -> list[str]:
    """Break a text at spaces into at most so many lines; the last one has an ellipsis if more would be needed.

    >>> wrap('transaction.status == "conflict"', 90, 11, 3)
    ['transaction.status', '== "conflict"']
    """
    words = [piece for word in text.split() for piece in _pieces(word, width, size)]
    lines: list[str] = []
    while words:
        line = words.pop(0)
        while words and measure((line + words[0]).rstrip(), size) <= width:
            line += words.pop(0)
        if len(lines) == most - 1 and words:
            line = "".join([line, *words])
            words = []
        lines.append(fit(line.rstrip(), width, size))
    return lines


def _pieces(word: str, width: float, size: float) -> list[str]:
    """A word with the space after it; one that is too long for a line in pieces that end with a dot, slash or such."""
    if measure(word, size) <= width:
        return [f"{word} "]
    return [*re.findall(r"[^./:,_-]*[./:,_-]+|[^./:,_-]+", word)[:64], " "]
