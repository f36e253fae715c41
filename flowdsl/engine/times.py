"""Timestamps in states."""

from __future__ import annotations

from ..expr.timestamps import parse_timestamp
from .history import JSON


def until_timestamp(value: JSON) -> float:
    """Seconds since 1970 of an RFC 3339 timestamp; raises ValueError where it is none."""
    moment = parse_timestamp(value) if isinstance(value, str) else None
    if moment is None:
        raise ValueError(f"not a timestamp: {value!r}")
    return moment.timestamp()
