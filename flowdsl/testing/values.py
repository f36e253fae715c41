"""The JSON values that a test hands over."""

from __future__ import annotations

import json
from typing import Any


def copied(value: Any, what: str) -> Any:
    """A copy, so that nobody's later change reaches into an execution. Raises TypeError where it is no JSON value."""
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise TypeError(f"{what} is not a JSON value: {error}") from None
