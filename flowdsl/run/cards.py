"""What looks like a card number, for masking recordings: the rule of handlers/cards.py, which says what it is.

Neither can import the other: handlers are deployed without flowdsl. tests/test_cards.py compares them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

# Digits of any script, such as fullwidth ones; separators are spaces of any width, hyphens, dots and slashes.
_SEPARATOR = r"(?:[ \t]{1,3} | [\u00a0\u2000-\u200b\u202f\u205f\u3000]{1,3} | [-./_\u2010-\u2015])"
_CANDIDATE = re.compile(
    rf"""
    [0-9a-fA-F]{{8}}(?:-[0-9a-fA-F]{{4}}){{3}}-[0-9a-fA-F]{{12}}    # a UUID: skip it
    | (?<![^\W_])
      (?P<number> \d{{13,40}}
                | \d{{4}} (?:{_SEPARATOR} \d{{4}}){{3}}
                | \d{{4}} {_SEPARATOR} \d{{6}} {_SEPARATOR} \d{{4,5}} )
      (?![^\W_])
    """,
    re.VERBOSE,
)
_BRANDS = re.compile(r"4\d{15}|5[1-5]\d{14}|2[2-7]\d{14}|3[47]\d{13}|6(?:011|5\d\d)\d{12}|35\d{14}")
"""Numbers as the large card schemes issue them."""


def is_card_number(digits: str) -> bool:
    """Return true if the digits (without separators) pass the Luhn check and have a card number's length."""
    if not 13 <= len(digits) <= 19:
        return False
    doubled = (int(digit) * 2 if index % 2 else int(digit) for index, digit in enumerate(reversed(digits)))
    return sum(number - 9 if number > 9 else number for number in doubled) % 10 == 0


def card_numbers(text: str) -> Iterator[str]:
    """Yield everything in the text that looks like a card number, as it is spelled there."""
    for match in _CANDIDATE.finditer(text):
        if _is_card(match["number"]):
            yield match[0]


def replace_cards(text: str, replacement: Callable[[str], str]) -> str:
    """Replace everything in the text that looks like a card number."""
    return _CANDIDATE.sub(lambda match: replacement(match[0]) if _is_card(match["number"]) else match[0], text)


def _is_card(number: str | None) -> bool:
    if number is None:
        return False
    digits = "".join(str(int(character)) for character in number if character.isdecimal())
    if len(digits) <= 19:
        return digits[0] in "23456" and is_card_number(digits)
    # A longer run: a number with its expiry date and security code after it, or with zeros or others before it.
    parts = [digits.lstrip("0")[:length] for length in (15, 16)] + [digits[-length:] for length in (15, 16)]
    return any(_BRANDS.fullmatch(part) and is_card_number(part) for part in parts)
