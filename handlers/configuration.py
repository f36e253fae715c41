"""The environment's settings. On Lambda all of them are required: a fallback would lose data or money."""

from __future__ import annotations

import os

from handlers.document import Misconfigured

RETENTION, NEVER = "PAYMENTS_RETENTION_DAYS", "never"
"""The setting with the days after which donors' data is erased, and its value for not erasing."""

_LONGEST = 36_500
"""Days: a hundred years."""


def retention_days(value: str | None) -> int | None:
    """Return a value of PAYMENTS_RETENTION_DAYS as a number of days, or None if it is invalid."""
    if value is None or not value.isdecimal() or len(value) > len(str(_LONGEST)):
        return None
    return int(value) if 1 <= int(value) <= _LONGEST else None


def is_on_lambda() -> bool:
    """Return true if this process is a Lambda function.

    Local runs have a function's environment variables, too, but a virtual clock and no runtime API of Lambda's.
    """
    is_local = "FLOWDSL_NOW" in os.environ and "AWS_LAMBDA_RUNTIME_API" not in os.environ
    return bool(os.environ.get("AWS_LAMBDA_FUNCTION_NAME")) and not is_local


def store_name(setting: str) -> str | None:
    """Return the name of a table or a bus, or None to use SQLite. Raises Misconfigured on Lambda if it is not set."""
    value = os.environ.get(setting, "").strip() or None
    if value is None and is_on_lambda():
        raise Misconfigured(f"{setting}: not set; add it to the function's environment")
    return value
