"""Compare what a case of `own/` expects with what the engine did, for clones without the recordings and their judge.

The same three functions as the judge of the recordings; times count as equal whatever they are, JSON inside a string is
compared as JSON.
"""

from __future__ import annotations

import json
import re
from typing import Any

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def matches(expected: Any, actual: Any) -> bool:
    return _plain(expected) == _plain(actual)


def _plain(value: Any) -> Any:
    """The value as JSON text, with JSON inside strings parsed and times blanked: 1, 1.0 and True stay apart."""
    return json.dumps(_parsed(value), sort_keys=True)


def _parsed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _parsed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_parsed(item) for item in value]
    if not isinstance(value, str):
        return value
    try:
        inner = json.loads(value)
    except ValueError:
        return _TIME.sub("time", value)
    return _parsed(inner) if isinstance(inner, dict | list) else inner


def outcome_differs(
    expected: dict[str, Any], *, status: str, output: Any = None, error: str | None = None, cause: str | None = None
) -> str | None:
    """Return the first part of the outcome that differs, as a sentence, or None."""
    actual = {"status": status, "output": output, "error": error, "cause": cause}
    for part, value in actual.items():
        if not matches(expected.get(part), value):
            return f"{part}: expected {json.dumps(expected.get(part))}, got {json.dumps(value)} ({error}: {cause})"
    return None


def events_differ(
    expected: list[dict[str, Any]] | None, actual: list[dict[str, Any]], *, unordered: bool = False
) -> str | None:
    """Return the first event that differs, as a sentence, or None. The cases of `own/` are ordered."""
    assert not unordered
    if expected is None:
        return None
    for number, (event, candidate) in enumerate(zip(expected, actual, strict=False), 1):
        if not matches(event, candidate):
            return f"event {number}: expected {json.dumps(event)}, got {json.dumps(candidate)}"
    return None if len(expected) == len(actual) else f"{len(expected)} events expected, got {len(actual)}"
