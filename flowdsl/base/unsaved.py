"""The text of files as an editor has them, before they are saved."""

from __future__ import annotations

import linecache
from pathlib import Path

from .reads import note

_TEXTS: dict[str, str] = {}


def use_text(file: Path, text: str) -> None:
    """From now on, read this text in this process instead of the file's own, also by its path without links."""
    for name in {str(file), str(file.resolve())}:
        _TEXTS[name] = text
        # Without a time, linecache.checkcache keeps the lines although the file has others.
        linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)


def is_unsaved(file: Path) -> bool:
    """True if an editor has the text of the file, which may not exist yet."""
    return str(file) in _TEXTS


def stamp(file: Path) -> tuple[int, int] | str | None:
    """What changes when the text of a file does; None if there is no such file."""
    if (text := _TEXTS.get(str(file))) is not None:
        return text
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def read_source(file: Path) -> bytes:
    """The content of a Python file. Raises OSError if it cannot be read."""
    text = _TEXTS.get(str(file))
    try:
        content = file.read_bytes() if text is None else text.encode()
    except OSError:
        note("content", str(file), None)
        raise
    note("content", str(file), content)
    return content
