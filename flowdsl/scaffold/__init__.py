"""New projects: a flow with two functions, their locked requirements, tests, a snapshot and what a pipeline runs.

The files are in `files/`, as they will be but for `.txt` at the end of their names and `__NAME__` in names and text.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from ..asl.names import is_machine_name
from ..base.diagnostics import FlowError
from ..base.source import display_path

_NAME = "__NAME__"
_HIDDEN = {"gitignore": ".gitignore", "github/ci.yml": ".github/workflows/ci.yml"}
"""Files that would have an effect inside of flowdsl itself under their own name."""
_MOST = 55
"""The longest name: a function's name is the project's and a word, and has at most 64 characters."""


def project_files(name: str) -> dict[str, str]:
    """The text of a new project's files by their paths in it."""
    root = files(__package__) / "files"
    texts = {_path(place).replace(_NAME, name): text.replace(_NAME, name) for place, text in _texts(root).items()}
    return {**texts, "handlers/__init__.py": "", **{f"{each}/__init__.py": "" for each in _folders(texts)}}


def create(folder: Path, contents: Mapping[str, str]) -> None:
    """Write a project as a whole or not at all. Raises FlowError if the folder exists and has files."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FlowError.of(
            f"{display_path(folder)} already exists", code="FD708", hint="choose another name, or an empty folder"
        )
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        try:
            for name, text in contents.items():
                file = scratch / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, encoding="utf-8")
            scratch.chmod(0o777 & ~_umask())
            scratch.replace(folder)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    except OSError as error:
        raise FlowError.of(
            f"{display_path(folder)} cannot be written: {error.strerror}",
            code="FD708",
            hint="choose another folder, or correct its permissions",
        ) from None


def check_name(name: str) -> None:
    """Raise FlowError unless a project, a state machine and the functions can have the name."""
    if not is_machine_name(name) or not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", name) or len(name) > _MOST:
        raise FlowError.of(
            f"{name!r} cannot be the name of a project",
            code="FD708",
            hint=f"use at most {_MOST} letters, digits, '-' and '_', beginning with a letter, such as order-flow",
        )


def _texts(folder: Traversable, above: str = "") -> dict[str, str]:
    texts: dict[str, str] = {}
    for each in sorted(folder.iterdir(), key=lambda each: each.name):
        place = f"{above}{each.name}"
        texts |= _texts(each, f"{place}/") if each.is_dir() else {place: each.read_text(encoding="utf-8")}
    return texts


def _path(place: str) -> str:
    name = place.removesuffix(".txt")
    return _HIDDEN.get(name, name)


def _folders(texts: Mapping[str, str]) -> set[str]:
    return {str(Path(name).parent) for name in texts if name.startswith("handlers/")}


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
