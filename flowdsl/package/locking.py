"""Locking: requirements.in → requirements.txt, for the platform on which the function runs in Lambda.

Source: docs.astral.sh/uv/pip/compile.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..author.functions import Function
from ..base.diagnostics import FlowError
from ..base.files import write_file
from ..base.named import NamedTuple
from ..base.source import Span, display_path
from .building import refuse_editable, refuse_settings
from .handler import platform
from .requirements import hint_outside, uv_environment, uv_path

WANTED, LOCKED = "requirements.in", "requirements.txt"
_LEFT_OUT = frozenset({"build", "dist", "node_modules", "site-packages", "venv"})


class Locked(NamedTuple):
    """What became of a folder's requirements.txt, in a word for people."""

    is_changed: bool
    what: str


def folders(root: Path, functions: Iterable[Function], names: Iterable[str]) -> list[Path]:
    """The folders to lock: of the named functions or folders; without names, all that have a requirements.in.

    Raises FlowError for a name that is neither a function nor a folder, and for a folder without requirements.in.
    """
    by_name = {function.name: root / function.source for function in functions if function.source}
    chosen = [by_name.get(name) or root / name for name in names]
    for name, folder in zip(names, chosen, strict=True):
        if not folder.is_dir():
            from ..base.words import did_you_mean

            message = f"{name!r} is neither a function of the flow nor a folder of the project"
            raise FlowError.of(message, code="FD614", hint=did_you_mean(name, by_name) or _known(by_name))
        if not (folder / WANTED).is_file():
            raise FlowError.of(
                f"{display_path(folder)} has no {WANTED}",
                code="FD614",
                hint="write one there with the packages that the function imports, one a line, such as stripe>=16,<17",
            )
    chosen = chosen or sorted(_with_requirements(root))
    if not chosen:
        raise FlowError.of(
            f"no folder of the project has a {WANTED}",
            code="FD614",
            hint=f"write the packages that a function imports to handlers/NAME/{WANTED}, one a line",
        )
    return list(dict.fromkeys(chosen))


def lock(
    folder: Path,
    root: Path,
    functions: Iterable[Function],
    *,
    upgrade: bool = False,
    write: bool = True,
) -> Locked:
    """Lock a folder's requirements with hashes.

    The platform is that of the functions in the folder: all of them, if they differ; of a Function without settings,
    if there is none. Versions that are locked and still fit stay, unless `upgrade` is set. Without `write` the file
    stays as it is. No code of a package runs. Raises FlowError if there is no solution; the file is then unchanged,
    too.
    """
    target = folder / LOCKED
    if not Path(os.path.realpath(target)).is_relative_to(root.resolve()):  # which takes links that lead in a circle
        message = f"{display_path(target)} is a symbolic link out of the project"
        raise FlowError.of(message, code="FD614", hint="replace it with the file itself")
    refuse_settings(root, "FD614")
    refuse_editable(folder / WANTED, "FD614")
    with tempfile.TemporaryDirectory() as scratch:
        fresh = Path(scratch) / LOCKED
        if target.is_file() and not upgrade:
            shutil.copyfile(target, fresh)  # uv keeps its versions
        place = folder.relative_to(root).as_posix()
        command = [uv_path(), "pip", "compile", "--quiet", "--color=never", "--generate-hashes", "--only-binary=:all:"]
        command += ["--python", sys.executable]  # otherwise uv looks for the function's Python, also to download it
        command += [*_platform(folder, root, functions), f"--custom-compile-command=flowdsl lock {place}"]
        command += [f"{place}/{WANTED}", "--output-file", str(fresh)]
        done = subprocess.run(  # noqa: S603 - no part of it comes from outside but paths
            command, capture_output=True, text=True, check=False, cwd=root, env=uv_environment()
        )
        if done.returncode:
            raise FlowError.of(
                f"uv cannot lock {display_path(folder / WANTED)}:\n{done.stderr.strip() or '(no output)'}",
                code="FD614",
                span=Span(display_path(folder / WANTED), 1),
                hint=hint_outside(done.stderr) or "correct the file; each package needs wheels for Lambda's platform",
            )
        content = fresh.read_bytes()
    if target.is_file() and target.read_bytes() == content:
        return Locked(False, "unchanged")
    if not write:
        return Locked(True, "out of date")
    write_file(target, content, code="FD614", hint="free disk space, or correct the permissions")
    count = content.count(b"==")
    return Locked(True, f"{count} package{'s' * (count != 1)} locked")


def _platform(folder: Path, root: Path, functions: Iterable[Function]) -> Iterator[str]:
    here = [each for each in functions if each.source and root / each.source == folder]
    first, *others = here or [Function(folder.name, folder.relative_to(root).as_posix())]
    pythons = sorted({each.python for each in (first, *others)}, key=lambda text: [*map(int, text.split("."))])
    if len({platform(each) for each in (first, *others)}) == 1:
        yield f"--python-platform={platform(first)}"
    else:
        yield "--universal"
    yield f"--python-version={pythons[0]}"


def _with_requirements(root: Path) -> Iterator[Path]:
    for place, below, names in os.walk(root):
        below[:] = [name for name in below if not name.startswith(".") and name not in _LEFT_OUT]
        if WANTED in names:
            yield Path(place)


def _known(names: Iterable[str]) -> str:
    return f"functions: {', '.join(sorted(names)) or 'none'}"
