"""Definitions without what differs from one deployment to the next: what snapshots contain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..base.patterns import regex

_PLACEHOLDERS = (
    # The account in an ARN, in the URL of a queue, and at the end of a bucket's name.
    (regex(r"(?<![0-9A-Za-z])[0-9]{12}(?![0-9A-Za-z])"), "<account>"),
    # A function's version, a state machine's version.
    (regex(r"(:function:[A-Za-z0-9_-]+|:stateMachine:[A-Za-z0-9_.-]+):[0-9]+$"), r"\1:<version>"),
    # Digests: SHA-256, SHA-1 and MD5 in hexadecimal, SHA-256 in Base64.
    (regex(r"(?<![0-9A-Za-z])(?:[0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{32})(?![0-9A-Za-z])"), "<hash>"),
    (regex(r"(?<![0-9A-Za-z+/])[0-9A-Za-z+/]{43}=(?!=)"), "<hash>"),
)


def portable(value: Any) -> Any:
    """The definition with account ids, hashes and versions in its strings replaced by `<account>` and so on."""
    if isinstance(value, str):
        for pattern, placeholder in _PLACEHOLDERS:
            value = pattern.sub(placeholder, value)
        return value
    if isinstance(value, Mapping):
        return {key: portable(item) for key, item in value.items()}
    return [portable(item) for item in value] if isinstance(value, list | tuple) else value
