"""Find and remove card numbers: they must not reach a document, a log or a store.

A card number has 13 to 19 digits, in one run or in the groups printed on cards, a valid check digit (ISO/IEC 7812-1,
Luhn) and a first digit from 2 to 6, as consumer cards have. Times in milliseconds, UUIDs and identifiers of letters and
digits are never treated as card numbers, whatever their digits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_CANDIDATE = re.compile(
    r"""
    [0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}    # a UUID: skip it
    | (?<![0-9A-Za-z])
      (?P<number> [2-6][0-9]{12,18}
                | [2-6][0-9]{3} (?:[ -][0-9]{4}){3}
                | [2-6][0-9]{3} [ -][0-9]{6} [ -][0-9]{4,5} )
      (?![0-9A-Za-z])
    """,
    re.VERBOSE,
)
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
    return number is not None and is_card_number(re.sub("[ -]", "", number))
