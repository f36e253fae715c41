"""The environment's settings. On Lambda all of them are required: a fallback would lose data or money."""

from __future__ import annotations

import os

from handlers.document import Misconfigured

RETENTION, NEVER = "PAYMENTS_RETENTION_DAYS", "never"
"""After how many days donors' data is erased; a deployed sweep has to be told, if only that it never is."""


_LONGEST = 36_500
"""Days: a hundred years."""


def retention_days(value: str | None) -> int | None:
    """Return the number of days that PAYMENTS_RETENTION_DAYS says, or None if it is no such number."""
    if value is None or not value.isdecimal() or len(value) > len(str(_LONGEST)):
        return None
    return int(value) if 1 <= int(value) <= _LONGEST else None


def is_on_lambda() -> bool:
    """Return true if this process is a Lambda function.

    Local runs have the variables of one, too, but a virtual time, and not the API of Lambda's runtime.
    """
    is_local = "FLOWDSL_NOW" in os.environ and "AWS_LAMBDA_RUNTIME_API" not in os.environ
    return bool(os.environ.get("AWS_LAMBDA_FUNCTION_NAME")) and not is_local


def store_name(setting: str) -> str | None:
    """Return the name of a table or a bus, or None to use SQLite. Raises Misconfigured on Lambda if it is not set."""
    value = os.environ.get(setting, "").strip() or None
    if value is None and is_on_lambda():
        raise Misconfigured(f"{setting}: not set; add it to the function's environment")
    return value
