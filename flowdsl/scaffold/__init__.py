"""New projects: a flow with its functions, tests, a snapshot and what a pipeline runs.

The files are in `files/`, as they will be but for `.txt` at the end of their names and `__NAME__` in names and text.
`existing` makes those of a project around a definition, with the values of `sample` in its first test.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, distribution
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING

from ..asl.names import is_machine_name
from ..base.diagnostics import FlowError
from ..base.interrupts import holding_interrupts
from ..base.source import display_path

if TYPE_CHECKING:
    from .existing import Existing

_NAME = "__NAME__"
_HIDDEN = {"gitignore": ".gitignore", "github/ci.yml": ".github/workflows/ci.yml"}
"""Files that would have an effect inside of flowdsl itself under their own name."""
_COMMON = frozenset({".gitignore", ".github/workflows/ci.yml", "Makefile", "README.md", "pyproject.toml"})
"""Files that every project has, whatever its flow."""
RUN = """flowdsl run --input '{"id": "1", "item": "Life jacket", "quantity": 50}'"""
_MOST = 55
"""The longest name: a function's name is the project's and a word, and has at most 64 characters."""


def project_files(name: str) -> dict[str, str]:
    """The text of a new project's files by their paths in it."""
    texts = _named(name, RUN)
    return {**texts, "handlers/__init__.py": "", **{f"{each}/__init__.py": "" for each in _folders(texts)}}


def files_around(existing: Existing, name: str) -> dict[str, str | bytes]:
    """The content of a new project's files around what was made of a definition, by their paths in it."""
    common = {path: text for path, text in _named(name, existing.command).items() if path in _COMMON}
    common["pyproject.toml"] = re.sub(r"\n.* # handlers/confirm requires it", "", common["pyproject.toml"])
    return {**common, **existing.files}


def create(folder: Path, contents: Mapping[str, str | bytes]) -> None:
    """Write a project as a whole or not at all. Raises FlowError if the folder exists and has files."""
    check_folder(folder)
    named, folder = folder, Path(os.path.realpath(folder))  # a link may lead to the folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with holding_interrupts():
            scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
            try:
                for name, text in contents.items():
                    file = scratch / name
                    file.parent.mkdir(parents=True, exist_ok=True)
                    file.write_bytes(text.encode() if isinstance(text, str) else text)
                scratch.chmod(0o777 & ~_umask())
                scratch.replace(folder)
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
    except OSError as error:
        place = Path(error.filename or folder)
        above = f" ({display_path(place)})" if place in folder.parents else ""
        raise FlowError.of(
            f"{display_path(named)} cannot be written: {error.strerror}{above}",
            code="FD708",
            hint="choose another folder, or correct its permissions",
        ) from None


def check_folder(folder: Path) -> None:
    """Raise FlowError if the folder exists and has files."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FlowError.of(
            f"{display_path(folder)} already exists", code="FD708", hint="choose another name, or an empty folder"
        )


def check_name(name: str) -> None:
    """Raise FlowError unless a project, a state machine and the functions can have the name."""
    if not is_machine_name(name) or not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", name) or len(name) > _MOST:
        raise FlowError.of(
            f"{name!r} cannot be the name of a project",
            code="FD708",
            hint=f"use at most {_MOST} letters, digits, '-' and '_', beginning with a letter, such as order-flow",
        )


def own_address() -> str | None:
    """The address that this flowdsl was installed from; None if it came from a package index.

    Source: PyPA specifications, "Recording the Direct URL Origin of installed distributions".
    """
    try:
        recorded = distribution("flowdsl").read_text("direct_url.json")
    except PackageNotFoundError:  # run from its folder
        return None
    return str(json.loads(recorded)["url"]) if recorded else None


def _named(name: str, run: str) -> dict[str, str]:
    """The files with the project's name, and the command that runs its flow."""
    root = files(__package__) / "files"
    return {
        _path(place).replace(_NAME, name): text.replace(_NAME, name).replace("__RUN__", run)
        for place, text in _texts(root).items()
    }


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
