"""The quotas of Step Functions that an execution can meet.

Source: Step Functions Developer Guide, "Service quotas".
"""

from __future__ import annotations

import json
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

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_SMALL = 4096


def too_large(value: Any) -> bool:
    """Whether the value as JSON text is beyond MAX_DATA; small values are told without writing any text."""
    if type(value) is str:
        return len(value) * 6 > MAX_DATA and len(_encode(value).encode()) > MAX_DATA
    if not isinstance(value, (dict, list)) or _at_most(value, _SMALL) >= 0:
        return False
    return size(value) > MAX_DATA


def size(value: Any) -> int:
    """Bytes of the value as JSON text in UTF-8."""
    written = _encode(value)
    return len(written) if written.isascii() else len(written.encode(errors="surrogatepass"))


def _at_most(value: Any, budget: int) -> int:
    """What is left of the budget after a generous estimate of the value's size; negative where it may not fit."""
    if type(value) is str:
        return budget - 6 * len(value) - 3
    if type(value) is dict:
        for key, part in value.items():
            budget = _at_most(part, budget - 6 * len(key) - 4)
            if budget < 0:
                return budget
        return budget - 2
    if type(value) is list:
        for part in value:
            budget = _at_most(part, budget - 1)
            if budget < 0:
                return budget
        return budget - 2
    if type(value) is int:
        return budget - value.bit_length() // 3 - 2
    return budget - 26
