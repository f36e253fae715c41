"""The time that expressions see, and timestamps in states."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from functools import lru_cache

from ..expr.timestamps import parse_offset_date_time
from .history import JSON


class _Moment(threading.local):
    """The virtual time of the execution that this thread is moving on; `$now()` and `$millis()` read it."""

    now = 0.0


moment = _Moment()


def current_time() -> float:
    return moment.now


def until_timestamp(value: JSON) -> float:
    """Parse a timestamp as a running Wait does: whole seconds since 1970. Raises ValueError.

    Fractions of a second are cut off (Developer Guide, "Wait workflow state").
    """
    parsed = parse_offset_date_time(value) if isinstance(value, str) else None
    if parsed is None:
        raise ValueError(f"not a timestamp: {value!r}")
    return parsed.replace(microsecond=0).timestamp()


@lru_cache(maxsize=64)  # on the virtual clock, many states are entered at one moment
def iso(seconds: float) -> str:
    """Write a time like the context object and messages do: in milliseconds, without a fraction that is zero.

    Source: Step Functions Developer Guide, "Timestamp format with fractional seconds".
    """
    time = datetime.fromtimestamp(seconds, UTC)
    millis = time.microsecond // 1000
    return time.isoformat()[:19] + (f".{millis:03d}Z" if millis else "Z")
