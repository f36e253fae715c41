"""Card numbers have no place in a document, a log or a store: find them and take them out.

What looks like one: 13 to 19 digits, perhaps in groups, whose check digit is right (ISO/IEC 7812-1, Luhn)
and whose first digit is one that cards for consumers begin with (2 to 6). The last rule keeps a time in
milliseconds, which begins with 1, from being taken for a card.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_DIGITS = re.compile(r"(?<![0-9])[2-6](?:[ -]?[0-9]){12,18}(?![0-9])")
REMOVED = "[card number removed]"


def is_card_number(digits: str) -> bool:
    """Whether the digits (without separators) pass the Luhn check and have a card number's length."""
    if not 13 <= len(digits) <= 19:
        return False
    doubled = (int(digit) * 2 if index % 2 else int(digit) for index, digit in enumerate(reversed(digits)))
    return sum(number - 9 if number > 9 else number for number in doubled) % 10 == 0


def find(value: Any, path: str = "") -> Iterator[str]:
    """The dotted paths of the fields that hold something like a card number; never the number."""
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
    """The text with everything that looks like a card number replaced."""
    return _DIGITS.sub(lambda found: REMOVED if _is_card(found.group()) else found.group(), text)


def without_cards(value: Any) -> Any:
    """The JSON value with everything that looks like a card number replaced, in keys and in values."""
    if isinstance(value, dict):
        return {redact(key): without_cards(item) for key, item in value.items()}
    if isinstance(value, list):
        return [without_cards(item) for item in value]
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, int | float) and not isinstance(value, bool) and redact(str(value)) != str(value):
        return REMOVED
    return value


def _is_card(text: str) -> bool:
    return is_card_number(re.sub("[ -]", "", text))
