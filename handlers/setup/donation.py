"""Validation of donations."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from handlers import cards
from handlers.document import word
from handlers.money import ACCEPTED, WITHDRAWN
from handlers.setup.misspelt import misspelt
from handlers.terminal import plain

MAX_AMOUNT = 99_999_999
"""In the minor unit: eight digits, the most that card schemes and PSPs accept."""

MAX_BYTES = 32_768
"""Bytes of JSON (ASCII). A document may have 256 KiB with everything that the steps and their errors add: an execution
that exceeds this limit ends immediately, perhaps with a payment that was taken and not stored."""

_DEEPEST = 32
"""Levels of objects and arrays. Step Functions and JSON's libraries have limits of their own."""

_LARGEST = 1e308
"""JSONata and most other languages have no larger numbers."""

_SECRETS = re.compile(
    r"(card|cc|payment)*((cvc|cvv|cvn|cvd|cav|csc)\d?(code|number|value)?|securitycode|cardverification(code|number|value))\d?"
    r"|cardcode|cardpin|pinblock|(track|magstripe|magneticstripe)(data\d?|\d(data)?)"
)
"""Names of fields whose values must never be stored, not even encrypted (PCI DSS, requirement 3.3): verification codes,
PINs and the magnetic stripe's data."""

_SURROGATE = re.compile("[\ud800-\udfff]")
"""Half of a UTF-16 pair, which JSON can carry and no store or PSP accepts."""

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
"""Control characters except tabs and line breaks, which additional fields may contain."""

_LINE_FORGING = re.compile(r"[\t\n\r\u061c\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Line breaks, tabs and changes of direction: in a name, they forge lines in receipts and terminals."""

_ABSENT = object()


class MalformedDonation(ValueError):
    """The donation is invalid; the message names every wrong field and the expected value."""


def _id(value: Any) -> str | None:
    expected = "expected 1 to 64 letters, digits, '-' or '_'"
    if not isinstance(value, str):
        return f"is {word(type(value))}; {expected}"
    return None if re.fullmatch(r"[A-Za-z0-9_-]{1,64}", value) else expected


def _text(value: Any) -> str | None:
    if not isinstance(value, str):
        return f"is {word(type(value))}; expected a string"
    if _LINE_FORGING.search(value):
        return "contains a line break, a tab or a change of direction; expected plain text in one line"
    return None if 0 < len(value.strip()) <= 200 else "expected 1 to 200 characters"


def _amount(value: Any) -> str | None:
    expected = f"expected an integer from 1 to {MAX_AMOUNT}, in the currency's minor unit (2500 is 25.00 GBP)"
    if isinstance(value, bool) or not isinstance(value, int):
        return f"is {word(type(value))}; {expected}"
    return None if 1 <= value <= MAX_AMOUNT else expected


def _currency(value: Any) -> str | None:
    expected = "expected an ISO 4217 code in capitals, such as GBP"
    if not isinstance(value, str):
        return f"is {word(type(value))}; {expected}"
    if value in WITHDRAWN:
        return f"{value} was withdrawn; use {WITHDRAWN[value]}"
    return None if value in ACCEPTED else expected


def _email(value: Any) -> str | None:
    expected = "expected an e-mail address, such as ada@example.org"
    if not isinstance(value, str):
        return f"is {word(type(value))}; {expected}"
    is_plain = len(value) <= 254 and not _LINE_FORGING.search(value)
    return None if is_plain and re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", value) else expected


_FIELDS: dict[str, Callable[[Any], str | None]] = {
    "id": _id,
    "charity": _text,
    "amount": _amount,
    "currency": _currency,
    "payment_method.type": _text,
    "payment_method.token": _text,
    "donor.name": _text,
    "donor.email": _email,
}


def _capture(value: Any) -> str | None:
    return None if value == "later" else 'expected "later", or no such field'


_OPTIONAL: dict[str, Callable[[Any], str | None]] = {"payment_method.psp": _text, "capture": _capture}


def validated(donation: Any) -> dict[str, Any]:
    """Return the donation unchanged, with any additional fields. Raises MalformedDonation if it is invalid, also for an
    additional field that looks like a misspelt one."""
    if not isinstance(donation, dict):
        raise MalformedDonation(f"the donation is {word(type(donation))}; expected an object")
    if beyond := list(_beyond_limits(donation)):
        raise MalformedDonation(plain("; ".join(beyond)))
    size = len(json.dumps(donation))
    if size > MAX_BYTES:
        raise MalformedDonation(f"the donation has {size:,} bytes of JSON; expected at most {MAX_BYTES:,}")
    numbers = set(cards.find(donation))
    problems = [f"{name}: looks like a card number; send the PSP's token instead" for name in sorted(numbers)]
    problems += [
        f"{name}: contains a card's secret; send the PSP's token instead" for name in sorted(_secrets(donation))
    ]
    problems += [f"{name}: {problem}" for name, problem in _unstorable(donation)]
    for name, check in {**_FIELDS, **_OPTIONAL}.items():
        value = _value(donation, name)
        if (value is _ABSENT and name in _OPTIONAL) or name in numbers:
            continue
        problem = "missing" if value is _ABSENT else check(value)
        if problem:
            problems.append(f"{name}: {problem}")
    problems += misspelt(donation, {**_FIELDS, **_OPTIONAL})
    if problems:
        raise MalformedDonation(plain("; ".join(problems)))
    return donation


def _beyond_limits(value: Any, path: str = "the donation", depth: int = 0) -> Iterator[str]:
    """Yield the parts that are nested too deeply, or have a number that is too large."""
    if isinstance(value, dict | list):
        if depth == _DEEPEST:
            yield f"{path}: is nested more than {_DEEPEST} levels deep; send the additional field as text"
            return
        for name, item in value.items() if isinstance(value, dict) else enumerate(value):
            # The outermost name is enough to find it.
            yield from _beyond_limits(item, path if depth else cards.redact(str(name)), depth + 1)
    elif isinstance(value, int | float) and not -_LARGEST <= value <= _LARGEST:
        yield f"{path}: has a number that is too large, or none; send it as text"


def _secrets(value: Any, path: str = "") -> Iterator[str]:
    """Yield the dotted paths of the fields whose names are those of a card's secrets."""
    for name, item in value.items() if isinstance(value, dict) else ():
        inside = f"{path}.{name}" if path else name
        if _SECRETS.fullmatch(re.sub("[^a-z0-9]", "", name.lower())):
            yield inside
        yield from _secrets(item, inside)
    for index, item in enumerate(value if isinstance(value, list) else ()):
        yield from _secrets(item, f"{path}[{index}]")


def _unstorable(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the dotted paths of the fields with characters that cannot be stored or displayed, each with the
    problem."""
    if isinstance(value, dict):
        for name, item in value.items():
            inside = f"{path}.{cards.redact(name)}" if path else cards.redact(name)
            if fault := _fault(name):
                yield f"{inside} (the field's name)", fault
            yield from _unstorable(item, inside)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _unstorable(item, f"{path}[{index}]")
    elif isinstance(value, str) and (fault := _fault(value)):
        yield path, fault


def _fault(text: str) -> str | None:
    if match := _SURROGATE.search(text):
        return f"contains half of a surrogate pair (U+{ord(match.group()):04X}); remove it or send the whole character"
    if match := _CONTROL.search(text):
        return f"contains a control character (U+{ord(match.group()):04X}); remove it"
    return None


def _value(donation: dict[str, Any], name: str) -> Any:
    value: Any = donation
    for step in name.split("."):
        if not isinstance(value, dict) or step not in value:
            return _ABSENT
        value = value[step]
    return value
