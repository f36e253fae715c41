"""What flowdsl notes for later commands of the same user: in a folder of the user's, outside of projects.

A project's files come from anybody who may propose a change to it, so no note in a project would prove anything.
Source: XDG Base Directory Specification, for the folder.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

from .interrupts import holding_interrupts
from .record import Record

_KEPT_SECONDS = 30 * 24 * 3600
"""How long a note lasts: those of projects that are gone go, too."""


class Notes(Record):
    """Texts by name, of one kind. A note that cannot be read or written is none."""

    folder: Path

    def read(self, name: str) -> str | None:
        try:
            return (self.folder / name).read_text(encoding="utf-8")
        except (OSError, ValueError):
            return None

    def write(self, name: str, text: str) -> None:
        """Write a note in one piece, and remove old ones."""
        # A name of its own: two commands may run at once, and one that was killed may have left its file.
        new = self.folder / f"{name}.{os.getpid()}-{time.time_ns()}"
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._remove_old()
            with holding_interrupts():
                with new.open("x", encoding="utf-8") as file:
                    file.write(text)
                new.replace(self.folder / name)
        except (OSError, ValueError):
            with suppress(OSError):
                new.unlink(missing_ok=True)

    def _remove_old(self) -> None:
        oldest = time.time() - _KEPT_SECONDS
        for file in self.folder.iterdir():
            with suppress(OSError):
                if file.stat().st_mtime < oldest:
                    file.unlink()


def notes(kind: str, project: Path) -> Notes | None:
    """The notes of a kind for commands in a project: in FLOWDSL_CACHE_DIR, or in the user's folder for caches.

    None if others may write there, or if it is inside of the project's repository, as for some pipelines.
    """
    chosen = os.environ.get("FLOWDSL_CACHE_DIR") or f"{os.environ.get('XDG_CACHE_HOME') or '~/.cache'}/flowdsl"
    try:
        folder = Path(chosen).expanduser()
        if not folder.is_absolute():
            return None
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = folder.resolve()
        state = folder.stat()
    except (OSError, ValueError, RuntimeError):  # without a home, or without a place to write
        return None
    if state.st_uid != os.geteuid() or state.st_mode & 0o022 or folder.is_relative_to(_repository(project)):
        return None
    return Notes(folder / kind)


def _repository(project: Path) -> Path:
    """The outermost folder whose files may have come with the project's."""
    project = project.resolve()
    return next((each for each in reversed(project.parents) if (each / ".git").exists()), project)
