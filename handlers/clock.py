"""The time, in the one form that documents use."""

from __future__ import annotations

import os
from datetime import UTC, datetime


def now() -> str:
    """The present moment in UTC as RFC 3339 with milliseconds: `2026-01-31T09:30:00.000Z`.

    In a local run time is virtual; flowdsl tells it in the environment variable FLOWDSL_NOW.
    """
    if told := os.environ.get("FLOWDSL_NOW"):
        return told
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds_since(moment: str) -> float:
    """How long ago a moment (RFC 3339) was."""
    return (datetime.fromisoformat(now()) - datetime.fromisoformat(moment)).total_seconds()
