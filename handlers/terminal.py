"""Text for a terminal: characters that could forge lines or control the terminal are written as escapes."""

from __future__ import annotations

import json
import re
from typing import Any

_FORGING = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, line ends, changes of direction, and halves of characters."""


def plain(text: str) -> str:
    """Return the text with such characters as Python's escapes.

    >>> plain("Ada\\n\\x1b[2J")
    'Ada\\\\n\\\\x1b[2J'
    """
    return _FORGING.sub(lambda match: match.group().encode("unicode_escape", "surrogatepass").decode(), text)


def json_text(value: Any) -> str:
    """Return a JSON value as indented text, with such characters inside strings as JSON's escapes."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return _FORGING.sub(lambda match: match.group() if match.group() == "\n" else f"\\u{ord(match.group()):04x}", text)
