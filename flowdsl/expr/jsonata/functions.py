"""The functions that Step Functions adds to JSONata, or has otherwise than JSONata: `FUNCTIONS`.

Source: Step Functions Developer Guide, "Transforming data with JSONata in Step Functions"; the words of the errors have
been measured. An undefined argument is None, and a result of None is undefined. Numbers that must be whole lose their
fraction.
"""

from __future__ import annotations

import base64
import hashlib
import math
import threading
from collections.abc import Callable
from typing import Any, Final

from ...base.json import parse_json
from ...base.record import Record
from ..chance import chance, random_uuid
from .errors import MEMORY, FunctionError, InternalError, Thrown

MAX_LONG: Final = 2**63
MAX_ITEMS: Final = 500_000
"""`$range` of so many items has been seen to exceed the memory of an expression, and of 200,000 not to."""
_ALGORITHMS: Final = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}


class JsonataFunction(Record):
    """`signature` is JSONata's, `<s-n?:s>`; the engine holds the arguments to it before it calls `apply`."""

    signature: str
    apply: Callable[..., Any]


class _Budget(threading.local):
    """The numbers that the evaluation in this thread has left for its ranges."""

    numbers = 0


budget = _Budget()


def spend(count: float) -> None:
    """Count the numbers of a range. Raises Thrown if this evaluation has made too many."""
    budget.numbers -= max(0, math.ceil(count))
    if budget.numbers < 0:
        raise Thrown(f": {MEMORY}")


def partition(array: Any, size: Any) -> Any:
    """Parts of `size` items; one part without a size; undefined if there are no items or the size is zero."""
    if not array:
        return None
    if size is None:
        return [array]
    step = math.trunc(size)
    if step < 0:
        raise FunctionError("D3137: Second argument must be zero or greater")
    return [array[start : start + step] for start in range(0, len(array), step)] if step else None


def numbers_between(first: Any, last: Any, step: Any) -> Any:
    """From `first` to `last`, both included where the step lands on it; a single number is not put into a list."""
    if first is None or last is None or step is None:
        return None
    start, end, by = math.trunc(first), math.trunc(last), math.trunc(step)
    if by == 0:
        return None
    count = (end - start) // by + 1  # the length of a range that Python cannot count in a machine word
    if count < 2:
        return start if count == 1 else None
    if count >= MAX_ITEMS:
        raise Thrown(f": {MEMORY}")
    spend(count)
    return list(range(start, start + count * by, by))


def hash_of(text: Any, algorithm: Any) -> Any:
    """The digest in lower-case hexadecimal digits."""
    if text is None or algorithm is None:
        return None
    name = _ALGORITHMS.get(algorithm)
    if name is None:
        raise FunctionError(f"D3137: Hash algorithm '{algorithm}' must be one of SHA-1, SHA-384, SHA-256, SHA-512, MD5")
    return hashlib.new(name, text.encode(errors="replace"), usedforsecurity=False).hexdigest()


def random(seed: Any) -> float:
    """A number from 0 up to 1; with a seed the first one of Java's `java.util.Random`."""
    if seed is None:
        return chance.source.random()
    state = (math.trunc(seed) ^ 0x5DEECE66D) & ((1 << 48) - 1)
    state, high = _java_bits(state, 26)
    _, low = _java_bits(state, 27)
    return float((high << 27) + low) / (1 << 53)


def _java_bits(state: int, bits: int) -> tuple[int, int]:
    state = (state * 0x5DEECE66D + 0xB) & ((1 << 48) - 1)
    return state, state >> (48 - bits)


def shuffle(items: Any) -> Any:
    """The items in an order drawn from the execution's own numbers, so that a replay has the same."""
    return None if items is None else chance.source.sample(items, len(items))


class ParsedNull(Exception):  # noqa: N818 - a signal to the engine
    """`$parse` has read null, which it cannot return: None is undefined."""


def parse(text: Any) -> Any:
    """Parse JSON text strictly: no repeated keys, no numbers beyond a double. Raises ParsedNull for null."""
    value = parse_boxed(text)
    if value is None:
        return None
    if value["value"] is None:
        raise ParsedNull
    return value["value"]


def parse_boxed(text: Any) -> dict[str, Any] | None:
    """As parse, with the value in an object, where it may be null."""
    if text is None:
        return None
    try:
        return {"value": parse_json(text, integer=_integer, fraction=_number, members=_unique)}
    except ValueError:
        raise FunctionError("D3137: Invalid JSON") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("repeated key")
    return members


def _integer(digits: str) -> int | float:
    value = int(digits)
    return value if -MAX_LONG <= value < MAX_LONG else _number(digits)


def _number(digits: str) -> int | float:
    value = float(digits)
    if math.isinf(value):
        raise ValueError("number out of range")
    return int(value) if value.is_integer() and abs(value) < MAX_LONG else value


def base64_decode(text: Any) -> Any:
    """Decode Base64, whose padding is optional; anything else has been seen to be an error inside the service."""
    if text is None:
        return None
    padding = "" if "=" in text else "=" * (-len(text) % 4)
    try:
        return base64.b64decode(text + padding, validate=True).decode(errors="replace")
    except ValueError:
        raise InternalError from None


ADDED: Final[dict[str, JsonataFunction]] = {
    "partition": JsonataFunction("<(a)?n?:x>", partition),
    "range": JsonataFunction("<nnn?:x>", numbers_between),
    "hash": JsonataFunction("<ss?:s>", hash_of),
    "random": JsonataFunction("<n?:n>", random),
    "uuid": JsonataFunction("<:s>", random_uuid),
    "parse": JsonataFunction("<s?:x>", parse),
}
"""By name, those that JSONata 2.0.6 lacks or that take more arguments here."""
FUNCTIONS: Final[dict[str, JsonataFunction]] = {
    **ADDED,
    "shuffle": JsonataFunction("<a:a>", shuffle),
    "base64decode": JsonataFunction("<s-:s>", base64_decode),
}
"""By name, those that replace the engine's or that it lacks."""
_NAMES: Final = """
    abs ceil floor round sqrt power number formatBase formatInteger formatNumber parseInteger random sum count max
    min average string length substring substringBefore substringAfter uppercase lowercase trim pad contains split
    join match replace base64encode base64decode encodeUrl encodeUrlComponent decodeUrl decodeUrlComponent append
    distinct reverse shuffle sort zip map filter reduce single sift each keys lookup spread merge clone boolean not
    exists type assert error now millis fromMillis toMillis
"""
BUILT_IN: Final = frozenset(_NAMES.split())
"""JSONata's own functions, but for `$eval`, which the service does not support."""
KNOWN: Final = BUILT_IN | frozenset(FUNCTIONS)
"""The names of all functions."""
