"""What reaches the terminal: text of others cannot move the cursor, change what stands there or turn text around.

State names, errors, causes and inputs come from anywhere. Source: ECMA-48 for the control sequences; Unicode Standard
Annex 9 for the characters that change the direction of text; the Unicode Technical Report 36, "Bidirectional Text
Spoofing".
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any, TextIO, cast

_STYLE = r"\x1b\[(?:[0-2]|22|3[1-7]|39)m"
"""The colours, bold and dim of our own messages."""
_CONTROL = "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]"
_RISKY = re.compile(f"({_STYLE})|{_CONTROL}")


def escape(text: str) -> str:
    r"""The text with control characters and marks of direction as JSON writes them; line breaks, tabs and colours stay.

    >>> escape("a\x1b[2Jb"), escape("pay\u202edecline")
    ('a\\u001b[2Jb', 'pay\\u202edecline')
    """
    return _RISKY.sub(lambda match: match[1] or f"\\u{ord(match[0]):04x}", text)


class _Escaping:
    """A text stream that escapes what is written to it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        self._stream.write(escape(text))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        if name == "buffer":  # what is written to it would not be escaped
            raise AttributeError(name)
        return getattr(self._stream, name)


@contextmanager
def escaping() -> Iterator[None]:
    """Escape all that is written to stdout and stderr."""
    with redirect_stdout(cast(TextIO, _Escaping(sys.stdout))), redirect_stderr(cast(TextIO, _Escaping(sys.stderr))):
        yield


def write_bytes(content: bytes) -> None:
    """Write to stdout what is no text, such as a PNG file: unchanged, because a program reads it."""
    stream = sys.stdout
    if isinstance(stream, _Escaping):
        stream = stream._stream
    stream.flush()
    stream.buffer.write(content)
    stream.buffer.flush()
