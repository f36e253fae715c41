"""The quotas of Step Functions that an execution can meet.

Source: Step Functions Developer Guide, "Service quotas".
"""

from __future__ import annotations

import json
import math
import sys
from typing import Any

MAX_DATA = 262_144
"""Bytes of UTF-8 that the input or output of a state, task or execution may have as JSON."""
MAX_EVENTS = 25_000
"""Events in the history of a Standard execution."""
MAX_STANDARD_SECONDS = 365 * 24 * 3600.0
"""How long a Standard execution may run."""
MAX_EXPRESS_SECONDS = 300.0
"""How long an Express execution may run."""
MAX_VARIABLES = 10 * 1024 * 1024
"""Bytes of all variables of an execution together."""

MAX_NESTING = 250
"""How deep arrays and objects may stand in one another. AWS documents no limit (its JSON parser's own is 1,000); deeper
ones count as too large, so that what walks a value never meets the limit of Python's stack."""

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_SMALL = 4096
_SHALLOW = 50


def too_large(value: Any) -> bool:
    """Whether the value is beyond MAX_DATA as JSON text, or beyond MAX_NESTING; small values are told without writing
    any text."""
    if type(value) is str:
        return len(value) * 6 > MAX_DATA and size(value) > MAX_DATA
    return not _fits(value, _SMALL, _SHALLOW) and _beyond(value, MAX_DATA)


def _beyond(value: Any, most: int) -> bool:
    return not _fits(value, None, MAX_NESTING) or size(value) > most


def variables_too_large(assigned: dict[str, Any], variables: dict[str, Any]) -> bool:
    """Whether one Assign gives more than MAX_DATA, or all variables together are beyond MAX_VARIABLES.

    All together are counted only when something that isn't small is assigned: small values cannot fill ten MiB within
    the events that an execution may have.
    """
    if _fits(assigned, _SMALL, _SHALLOW):
        return False
    return _beyond(assigned, MAX_DATA) or size(variables) > MAX_VARIABLES


def size(value: Any) -> int:
    """Bytes of the value as JSON text in UTF-8; a number that Python does not write out is larger than any limit."""
    try:
        written = _encode(value)
    except ValueError:
        return sys.maxsize
    return len(written) if written.isascii() else len(written.encode(errors="surrogatepass"))


def _fits(value: Any, budget: float | None, levels: int) -> bool:
    """Whether a generous estimate of the value's size stays within the budget, and its nesting within the levels."""
    left = math.inf if budget is None else budget
    level = [value]
    while level:
        below: list[Any] = []
        for part in level:
            kind = type(part)
            if kind is str:
                left -= 6 * len(part) + 3
            elif kind is dict:
                below.extend(part.values())
                left -= 2 + 4 * len(part) + 6 * sum(map(len, part))
            elif kind is list:
                below.extend(part)
                left -= 2 + len(part)
            elif kind is int:
                left -= part.bit_length() // 3 + 3
            else:
                left -= 26
            if left < 0:
                return False
        level = below
        levels -= 1
        if levels < 0:
            return not below
    return True
