"""Card numbers have no place in a document, a log or a store: find them and take them out.

What looks like one: 13 to 19 digits, in one piece or in the groups that are printed on cards, whose check digit is
right (ISO/IEC 7812-1, Luhn) and whose first digit is one that cards for consumers begin with (2 to 6). A time in
milliseconds, a UUID or an identifier of letters and digits is not taken for a card, however its digits add up.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_CANDIDATE = re.compile(
    r"""
    [0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}    # a UUID: to be passed over
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
    return _CANDIDATE.sub(lambda found: REMOVED if _is_card(found["number"]) else found.group(), text)


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


def _is_card(number: str | None) -> bool:
    return number is not None and is_card_number(re.sub("[ -]", "", number))
