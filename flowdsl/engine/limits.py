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
    return isinstance(value, (dict, list)) and not _fits(value, _SMALL) and size(value) > MAX_DATA


def variables_too_large(assigned: dict[str, Any], variables: dict[str, Any]) -> bool:
    """Whether one Assign gives more than MAX_DATA, or all variables together are beyond MAX_VARIABLES.

    All together are counted only when something that isn't small is assigned: small values cannot fill ten MiB within
    the events that an execution may have.
    """
    if _fits(assigned, _SMALL):
        return False
    return size(assigned) > MAX_DATA or size(variables) > MAX_VARIABLES


def size(value: Any) -> int:
    """Bytes of the value as JSON text in UTF-8."""
    written = _encode(value)
    return len(written) if written.isascii() else len(written.encode(errors="surrogatepass"))


def _fits(value: Any, budget: int) -> bool:
    """Whether a generous estimate of the value's size stays within the budget."""
    todo = [value]
    while todo:
        part = todo.pop()
        kind = type(part)
        if kind is str:
            budget -= 6 * len(part) + 3
        elif kind is dict:
            todo.extend(part.values())
            budget -= 2 + 4 * len(part) + 6 * sum(map(len, part))
        elif kind is list:
            todo.extend(part)
            budget -= 2 + len(part)
        elif kind is int:
            budget -= part.bit_length() // 3 + 3
        else:
            budget -= 26
        if budget < 0:
            return False
    return True
