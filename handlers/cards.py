"""Find and remove card numbers: they must not reach a document, a log or a store.

flowdsl/run/cards.py, for recordings, has the same rule: neither can import the other. tests/test_cards.py compares
them.

A card number has 13 to 19 digits of any script, in one run or in the groups printed on cards (separated by spaces,
hyphens, dots, slashes or underscores), a valid check digit (ISO/IEC 7812-1, Luhn) and a first digit from 2 to 6, as
consumer cards have. In a longer run of digits, the number of a large card scheme is found at its beginning and at its
end. Times in milliseconds, UUIDs and identifiers of letters and digits are never treated as card
numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

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
REMOVED = "[card number removed]"


def is_card_number(digits: str) -> bool:
    """Return true if the digits (without separators) pass the Luhn check and have a card number's length."""
    if not 13 <= len(digits) <= 19:
        return False
    doubled = (int(digit) * 2 if index % 2 else int(digit) for index, digit in enumerate(reversed(digits)))
    return sum(number - 9 if number > 9 else number for number in doubled) % 10 == 0


def find(value: Any, path: str = "") -> Iterator[str]:
    """Yield the dotted paths of the fields that seem to contain a card number, never the number itself."""
    if isinstance(value, dict):
        for key, item in value.items():
            name = redact(str(key))
            inside = f"{path}.{name}" if path else name
            if name != str(key):
                yield f"{inside} (the field's name)"
            yield from find(item, inside)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from find(item, f"{path}[{index}]")
    elif value is not None and not isinstance(value, bool) and redact(str(value)) != str(value):
        yield path or "the value"


def redact(text: str) -> str:
    """Replace everything in the text that looks like a card number."""
    return _CANDIDATE.sub(lambda match: REMOVED if _is_card(match["number"]) else match.group(), text)


def without_cards(value: Any) -> Any:
    """Replace everything in the JSON value that looks like a card number, in keys and in values."""
    if isinstance(value, dict):
        return {redact(key): without_cards(item) for key, item in value.items()}
    if isinstance(value, list):
        return [without_cards(item) for item in value]
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, int | float) and not isinstance(value, bool) and redact(str(value)) != str(value):
        return REMOVED
    return value


def _is_card(number: str | None) -> bool:
    if number is None:
        return False
    digits = "".join(str(int(character)) for character in number if character.isdecimal())
    if len(digits) <= 19:
        return digits[0] in "23456" and is_card_number(digits)
    # A longer run: a number with its expiry date and security code after it, or with zeros or others before it.
    parts = [digits.lstrip("0")[:length] for length in (15, 16)] + [digits[-length:] for length in (15, 16)]
    return any(_BRANDS.fullmatch(part) and is_card_number(part) for part in parts)
