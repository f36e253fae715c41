"""Write files."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from .diagnostics import FlowError
from .interrupts import holding_interrupts
from .source import display_path


def write_file(file: Path, content: bytes | str, *, code: str, hint: str = "choose another file with -o") -> None:
    """Write a file as a whole or not at all; its folder is created if it is missing.

    Raises FlowError with this code and hint if it cannot be written.
    """
    partial = file.with_name(f".{file.name}.{os.getpid()}.partial")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with holding_interrupts():
            try:
                partial.write_bytes(content.encode() if isinstance(content, str) else content)
                partial.replace(file)
            finally:
                with suppress(OSError):
                    partial.unlink(missing_ok=True)
    except OSError as error:
        raise FlowError.of(f"{display_path(file)} cannot be written: {error.strerror}", code=code, hint=hint) from None
