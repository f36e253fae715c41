"""The functions that Step Functions adds to JSONata: `FUNCTIONS`, name → (signature, function).

Source: Step Functions Developer Guide, "Transforming data with JSONata in Step Functions". An undefined argument is
None, JSON null is never seen here, and None as a result is undefined. Numbers that must be whole lose their fraction.
"""

from __future__ import annotations

import hashlib
import json
import math
import random as _random
import uuid as _uuid
from collections.abc import Callable
from typing import Any, Final

JSONATA_CODE: Final = "D3137"
MAX_LONG: Final = 2**63
_ALGORITHMS: Final = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}


class FunctionError(Exception):
    """A function cannot take its arguments; the argument is the sentence after `D3137: `."""


def partition(array: Any, size: Any) -> Any:
    """Parts of `size` items; all in one part without a size, nothing for no items or a size of zero."""
    if not array:
        return None
    items = list(array)
    if size is None:
        return [items]
    step = math.trunc(size)
    if step < 0:
        raise FunctionError("Second argument must be zero or greater")
    return [items[start : start + step] for start in range(0, len(items), step)] if step else None


def numbers_between(first: Any, last: Any, step: Any) -> Any:
    """From `first` to `last`, both included where the step lands on it; a single number is no list."""
    if first is None or last is None or step is None:
        return None
    start, end, by = math.trunc(first), math.trunc(last), math.trunc(step)
    if by == 0:
        return None
    found = range(start, end + (1 if by > 0 else -1), by)
    if len(found) < 2:
        return found[0] if found else None
    if len(found) > MAX_ITEMS:
        raise FunctionError(f"The range has more than {MAX_ITEMS} items")
    return list(found)


MAX_ITEMS: Final = 1_000_000
"""As many as JSONata's own range operator makes."""


def hash_of(text: Any, algorithm: Any) -> Any:
    """The digest in lower-case hexadecimal digits."""
    if text is None or algorithm is None:
        return None
    name = _ALGORITHMS.get(algorithm)
    if name is None:
        raise FunctionError(f"Unsupported hash algorithm: {algorithm}")
    return hashlib.new(name, text.encode(), usedforsecurity=False).hexdigest()


def random(seed: Any) -> float:
    """A number from 0 up to 1; with a seed the first one of Java's `java.util.Random`."""
    if seed is None:
        return _random.random()  # noqa: S311 - not for secrets
    state = (math.trunc(seed) ^ 0x5DEECE66D) & ((1 << 48) - 1)
    state, high = _java_bits(state, 26)
    _, low = _java_bits(state, 27)
    return float((high << 27) + low) / (1 << 53)


def _java_bits(state: int, bits: int) -> tuple[int, int]:
    state = (state * 0x5DEECE66D + 0xB) & ((1 << 48) - 1)
    return state, state >> (48 - bits)


def uuid() -> str:
    return str(_uuid.uuid4())


def parse(text: Any) -> Any:
    """JSON text to its value, strictly: no repeated keys, no numbers beyond a double."""
    if text is None:
        return None
    try:
        return json.loads(
            text, object_pairs_hook=_unique, parse_int=_integer, parse_float=_number, parse_constant=_refuse
        )
    except (ValueError, RecursionError):
        raise FunctionError("Invalid JSON") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("repeated key")
    return made


def _integer(digits: str) -> int | float:
    value = int(digits)
    return value if -MAX_LONG <= value < MAX_LONG else _number(digits)


def _number(digits: str) -> int | float:
    value = float(digits)
    if math.isinf(value):
        raise ValueError("number out of range")
    return int(value) if value.is_integer() and abs(value) < MAX_LONG else value


def _refuse(name: str) -> None:
    raise ValueError(name)


FUNCTIONS: Final[dict[str, tuple[str, Callable[..., Any]]]] = {
    "partition": ("<a<x>n?:a>", partition),
    "range": ("<nnn?:a>", numbers_between),
    "hash": ("<ss?:s>", hash_of),
    "random": ("<n?:n>", random),
    "uuid": ("<:s>", uuid),
    "parse": ("<s?:x>", parse),
}
