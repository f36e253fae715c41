"""The current time, in the format that documents use."""

from __future__ import annotations

import os
from datetime import UTC, datetime


def now() -> str:
    """Return the current time in UTC as RFC 3339 with milliseconds: `2026-01-31T09:30:00.000Z`.

    Local runs have a virtual clock; flowdsl passes its time in the environment variable FLOWDSL_NOW.
    """
    virtual = os.environ.get("FLOWDSL_NOW")
    if virtual and "AWS_LAMBDA_RUNTIME_API" not in os.environ:  # which Lambda itself sets
        return virtual
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds_since(moment: str) -> float:
    """Return the seconds that have passed since a moment (RFC 3339)."""
    return (datetime.fromisoformat(now()) - datetime.fromisoformat(moment)).total_seconds()
