"""The functions that Step Functions adds to JSONata: `FUNCTIONS`, name → (kinds of its arguments, function).

Source: Step Functions Developer Guide, "Transforming data with JSONata in Step Functions"; the words of the errors have
been measured. An undefined argument is None, and None as a result is undefined. Numbers that must be whole lose their
fraction.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from typing import Any, Final

import attrs

from ..base.json import parse_json
from .chance import chance, random_uuid
from .jsonata_errors import MEMORY, Thrown
from .jsonata_signatures import FunctionError

MAX_LONG: Final = 2**63
_ALGORITHMS: Final = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}


@attrs.frozen
class Function:
    """`kinds`: a letter for each argument, as in JSONata's signatures: a(rray), n(umber), s(tring), x for any.

    `least` of them must be given.
    """

    kinds: str
    least: int
    apply: Callable[..., Any]

    def check(self, name: str, arguments: Sequence[Any]) -> list[Any]:
        """The arguments, with None for those left out; raises FunctionError where one is of the wrong kind."""
        for at, kind in enumerate(self.kinds):
            if at >= len(arguments):
                if at < self.least:
                    raise _mismatch(name, at)
            elif arguments[at] is not None and not _IS_KIND[kind](arguments[at]):
                if kind == "a":
                    raise FunctionError(f'T0412: Argument {at + 1} of function "{name}" must be an array of undefined')
                raise _mismatch(name, at)
        if len(arguments) > len(self.kinds):
            raise _mismatch(name, len(self.kinds))
        return [*arguments, *[None] * (len(self.kinds) - len(arguments))]


_IS_KIND: Final[dict[str, Callable[[Any], bool]]] = {
    "a": lambda value: isinstance(value, list),
    "n": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "s": lambda value: isinstance(value, str),
    "x": lambda value: True,
}


def _mismatch(name: str, at: int) -> FunctionError:
    return FunctionError(f'T0410: Argument {at + 1} of function "{name}" does not match function signature')


def partition(array: Any, size: Any) -> Any:
    """Parts of `size` items; all in one part without a size, nothing for no items or a size of zero."""
    if not array:
        return None
    items = list(array)
    if size is None:
        return [items]
    step = math.trunc(size)
    if step < 0:
        raise FunctionError("D3137: Second argument must be zero or greater")
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
    if len(found) >= MAX_ITEMS:
        raise Thrown(f": {MEMORY}")
    return list(found)


MAX_ITEMS: Final = 500_000
"""So many items have been seen to exceed the memory of an expression, and 200,000 not to."""


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


def uuid() -> str:
    return random_uuid()


def parse(text: Any) -> Any:
    """JSON text to its value, strictly: no repeated keys, no numbers beyond a double."""
    if text is None:
        return None
    try:
        return parse_json(text, integer=_integer, fraction=_number, members=_unique)
    except ValueError:
        raise FunctionError("D3137: Invalid JSON") from None


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


FUNCTIONS: Final[dict[str, Function]] = {
    "partition": Function("an", 0, partition),
    "range": Function("nnn", 2, numbers_between),
    "hash": Function("ss", 1, hash_of),
    "random": Function("n", 0, random),
    "uuid": Function("", 0, uuid),
    "parse": Function("s", 0, parse),
}
