"""Read stdin, and write files."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

from .diagnostics import FlowError
from .interrupts import holding_interrupts
from .source import display_path


def read_stdin(name: str = "stdin", *, code: str) -> str:
    """The text on stdin, without a byte order mark.

    Raises FlowError with this code, in which stdin has this name, if it is not UTF-8.
    """
    try:
        text = sys.stdin.read()
        text.encode()  # in the C locale Python keeps other bytes as halves of surrogate pairs
    except UnicodeError:
        raise FlowError.of(f"{name} is not UTF-8 text", code=code) from None
    return text.removeprefix("\ufeff")


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
