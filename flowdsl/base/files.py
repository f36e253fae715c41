"""Read definitions and inputs, and write files."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from .diagnostics import FlowError
from .interrupts import holding_interrupts
from .source import display_path

MOST_CHARACTERS = 8 * 1024 * 1024
"""The longest text that is read as a definition or an input.

AWS takes 1 MB of the one and 256 KiB of the other, without spaces and line breaks."""


def read_text(file: Path, *, code: str) -> str:
    """The text of a file, without a byte order mark.

    Raises FlowError with this code if it cannot be read, is not UTF-8, or is too long to be a definition or an input.
    """
    try:
        with file.open(encoding="utf-8-sig") as stream:
            return _limited(stream, display_path(file), code)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise FlowError.of(f"{display_path(file)} cannot be read: {reason}", code=code) from None


def read_stdin(name: str = "stdin", *, code: str) -> str:
    """The text on stdin, as `read_text`; in errors it has this name."""
    try:
        text = _limited(sys.stdin, name, code)
        text.encode()  # in the C locale Python keeps other bytes as halves of surrogate pairs
    except UnicodeError:
        raise FlowError.of(f"{name} is not UTF-8 text", code=code) from None
    return text.removeprefix("\ufeff")


def _limited(stream: TextIO, name: str, code: str) -> str:
    """Read no more than what is refused: a stream may never end."""
    text = stream.read(MOST_CHARACTERS + 1)
    check_length(text, name, code)
    return text


def check_length(text: str, name: str, code: str) -> None:
    """Raise FlowError for a text that is too long to be a definition or an input, before it takes time to parse."""
    if len(text) > MOST_CHARACTERS:
        raise FlowError.of(f"{name} has more than {MOST_CHARACTERS:,} characters: AWS accepts no such text", code=code)


def write_file(file: Path, content: bytes | str, *, code: str, hint: str = "choose another file with -o") -> None:
    """Write a file as a whole or not at all; its folder is created if it is missing.

    A link stays: what it leads to is written. A device or a pipe, such as /dev/stdout, is written into.
    Raises FlowError with this code and hint if it cannot be written.
    """
    data = content.encode() if isinstance(content, str) else content
    try:
        if file.exists() and not file.is_file() and not file.is_dir():
            file.write_bytes(data)
            return
        target = Path(os.path.realpath(file))
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
        with holding_interrupts():
            try:
                partial.write_bytes(data)
                partial.replace(target)
            finally:
                with suppress(OSError):
                    partial.unlink(missing_ok=True)
    except OSError as error:
        raise FlowError.of(f"{display_path(file)} cannot be written: {error.strerror}", code=code, hint=hint) from None
