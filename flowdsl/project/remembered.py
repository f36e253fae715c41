"""What the checker found nothing wrong with, so that the next build of exactly the same need not check it again.

The checker is a function of what is compiled, of the author's files that it reads, of flowdsl, of Python, and of the
packages that it asks; nothing is remembered unless it found nothing at all, not even a warning, or one that a comment
in Python accepts. Flows are loaded and compiled every time. Files count by their content, flowdsl and installed
packages by the size and the time of their files. It is remembered outside of the project (base/user_cache): a change of
the project that brings a verdict along silences nothing. Without a pyproject.toml, without such a folder, or on a full
disk nothing is remembered.
"""

from __future__ import annotations

import json
import os
import sys
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..base.reads import CHANGED, SEEN, Answer, asker, state_of
from ..base.record import Record
from ..base.user_cache import Notes, notes
from .loaded import Loaded, Type
from .settings import find_root

KIND = "checked"
_ROOMS = [str(Path(__file__).parent.parent / room) for room in ("base", "expr", "author", "asl", "check", "project")]
"""The code of flowdsl that a verdict depends on."""
_ASKED = ("botocore", "jlens")
"""The packages besides flowdsl that a verdict depends on. Of botocore's models, those that are read count."""


class Verdict(Record):
    """That a check of these state machines finds nothing: `key` stands for all that it depends on, except for files of
    the author, which the note of this `name` lists beside it."""

    notes: Notes
    name: str
    key: str

    def holds(self) -> bool:
        """True if it was kept before, and all that was looked at then is the same now."""
        ask = asker()
        try:
            kept = json.loads(self.notes.read(self.name) or "null")
            return kept["key"] == self.key and all(
                _brief(ask(question, path)) == answer for question, path, answer in kept["seen"]
            )
        except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return False

    def keep(self) -> None:
        """Note it, for what was looked at so far."""
        if CHANGED in SEEN.values():
            return
        seen = [(question, path, _brief(answer)) for (question, path), answer in SEEN.items()]
        self.notes.write(self.name, json.dumps({"key": self.key, "seen": seen}))


def verdict_on(machines: list[Loaded], type: Type | None) -> Verdict | None:
    """The verdict on these state machines; None where none can be remembered."""
    root = find_root(machines[0].file.parent)
    kept = notes(KIND, root) if (root / "pyproject.toml").is_file() else None
    if kept is None:
        return None
    try:
        surroundings = [sys.version, sys.path, sys.getrecursionlimit(), os.getcwd(), *map(_code, _ROOMS)]  # noqa: PTH109
        origins = [(spec := find_spec(name)) and spec.origin for name in _ASKED]
        packages = [origin and _code(str(Path(origin).parent), below=False) for origin in origins]
        key = repr((surroundings, packages, str(root), type, [_compiled(each) for each in machines]))
    except (OSError, ImportError, ValueError, RecursionError):
        return None
    name = sha256("\n".join(str(each.file) for each in machines).encode("utf-8", "surrogatepass")).hexdigest()
    digest = sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
    return Verdict(kept, f"{name[:32]}.json", digest)


def _compiled(loaded: Loaded) -> Any:
    """All of a state machine that the checker gets."""
    machine = loaded.machine
    own = (str(loaded.file), loaded.name, loaded.type, loaded.definition, loaded.twice, loaded.warnings)
    if machine is None:
        return own
    module = sys.modules.get(getattr(machine.input, "__module__", ""))
    return (*own, machine.problems, machine.callees, machine.input, getattr(module, "__file__", None))


def _code(folder: str, *, below: bool = True) -> list[Any]:
    """The files of a folder, and those of the folders below it, with their sizes and times."""
    return [
        (entry.path, _code(entry.path) if entry.is_dir() else state_of(entry.path))
        for entry in sorted(os.scandir(folder), key=lambda entry: entry.name)
        if entry.name != "__pycache__" and (below or not entry.is_dir())
    ]


def _brief(answer: Answer) -> str | bool | None:
    return sha256(answer).hexdigest() if isinstance(answer, bytes) else answer
