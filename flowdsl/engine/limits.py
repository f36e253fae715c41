"""The quotas of Step Functions that an execution can meet.

Source: Step Functions Developer Guide, "Service quotas".
"""

from __future__ import annotations

import json
import marshal
import sys
from typing import Any

from ..base.json import is_too_deep

MAX_DATA = 262_144
"""Bytes of UTF-8 that the input or output of a state, task or execution may have as JSON."""
MAX_EVENTS = 25_000
"""Events in the history of a Standard execution."""
MAX_STANDARD_SECONDS = 365 * 24 * 3600.0
"""How long a Standard execution may run."""
MAX_EXPRESS_SECONDS = 300.0
"""How long an Express execution may run."""
MAX_EXPRESS_EVENTS = 300_000
"""Events after which an Express execution counts as timed out. AWS counts none, but the five minutes pass while an
execution goes around a loop (a millisecond is little for an event); on a virtual clock, where states take no time, it
would never end."""
MAX_NESTED = 1_000
"""How many executions may start each other in a row. AWS knows no such limit, but its executions cost time."""
MAX_VARIABLES = 10 * 1024 * 1024
"""Bytes of all variables of an execution together."""

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_SMALL = 1200
"""A value that marshal writes in at most so many bytes exceeds no limit: a level of nesting takes five or more, a
number that Python does not write out 1,900; and JSON text has at most six times as many (`false,` to one byte)."""


def too_large(value: Any) -> bool:
    """Return True if the value exceeds MAX_DATA as JSON text, or MAX_NESTING. Most values are judged without writing
    text."""
    return not _is_small(value) and (is_too_deep(value) or size(value) > MAX_DATA)


def variables_too_large(assigned: dict[str, Any], variables: dict[str, Any]) -> bool:
    """Return True if one Assign sets more than MAX_DATA, or all variables together are beyond MAX_VARIABLES.

    All together are counted only when something that isn't small is assigned: small values cannot fill ten MiB within
    the events that an execution may have.
    """
    return not _is_small(assigned) and (too_large(assigned) or size(variables) > MAX_VARIABLES)


def size(value: Any) -> int:
    """Bytes of the value as JSON text in UTF-8; a number that Python does not write out is larger than any limit."""
    try:
        written = _encode(value)
    except ValueError:
        return sys.maxsize
    return len(written) if written.isascii() else len(written.encode(errors="surrogatepass"))


def _is_small(value: Any) -> bool:
    """Return True if the value is far below every limit; marshal needs a tenth of the time of JSON."""
    try:
        return len(marshal.dumps(value, 2)) <= _SMALL  # later versions write what occurs twice only once
    except ValueError:  # nested too deep for marshal, or not of Python's own types
        return False
