"""What flowdsl looks at in files and folders, and what it saw there: what follows from that holds until it changes."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

Answer = bytes | str | bool | None
"""What was there; None for a file that cannot be read."""

_seen: dict[tuple[str, str], Answer] = {}
SEEN: Final[Mapping[tuple[str, str], Answer]] = MappingProxyType(_seen)
"""What this process has looked at so far, by question and path. All of it: modules are read once and kept."""
CHANGED: Final = "changed"
"""The answer to a question that was asked twice and had two answers: no later one equals it."""


def note(question: str, path: str, answer: Answer) -> None:
    """Note an answer to one of the questions of `asker`."""
    before = _seen.setdefault((question, path), answer)
    if before != answer:
        _seen[question, path] = CHANGED


def is_file(path: Path) -> bool:
    answer = path.is_file()
    note("is_file", str(path), answer)
    return answer


class Names:
    """The names in a folder; none if it is not there. Notes those that somebody looks for."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._names = _names(folder)

    def __contains__(self, name: str) -> bool:
        answer = name in self._names
        note("exists", f"{self._folder}/{name}", answer)
        return answer


def _names(folder: str) -> frozenset[str]:
    try:
        return frozenset(os.listdir(folder))  # noqa: PTH208 - many folders, names alone
    except OSError:
        return frozenset()


def _content(path: str) -> bytes | None:
    try:
        return Path(path).read_bytes()
    except OSError:
        return None


def state_of(path: str) -> str:
    """The size of a file and the moment of its last change; "" if there is none."""
    try:
        state = os.stat(path)  # noqa: PTH116 - hundreds of files
    except OSError:
        return ""
    return f"{state.st_size} {state.st_mtime_ns}"


def asker() -> Callable[[str, str], Answer]:
    """Return a function that asks a question about a path again; it lists each folder once."""
    names = cache(_names)

    def exists(path: str) -> bool:
        folder, _, name = path.rpartition("/")
        return name in names(folder)

    questions: Mapping[str, Callable[[str], Answer]] = {
        "content": _content,
        "exists": exists,
        "is_file": os.path.isfile,
        "state": state_of,
    }
    return lambda question, path: questions[question](path)
