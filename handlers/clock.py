"""The time, in the one form that documents use."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> str:
    """The present moment in UTC as RFC 3339 with milliseconds: `2026-01-31T09:30:00.000Z`."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
