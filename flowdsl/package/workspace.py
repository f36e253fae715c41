"""The build folder: replaced as a whole or not at all.

A build is written to a folder in `.flowdsl/`, next to the build folder. At the end two renames move the earlier build
out of the way and the new one into its place. A build that fails or is killed leaves the earlier one as it was; only
if it is killed between the renames, the next build has to put the earlier one back first. The next build also removes
what a killed one left. A lock, which the system releases with the process, makes builds of one folder wait for each
other. Installers have it, too: if only this process is killed, the next build waits until they have ended.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..base.diagnostics import FlowError
from ..base.interrupts import allowing_interrupts, check_interrupts, holding_interrupts
from ..base.record import Record
from ..base.source import display_path
from . import manifest


class Workspace(Record):
    """`output`: the earlier build, if any; `new`: its replacement; `scratch`: temporary files; `lock`: the lock's
    descriptor, for processes that write there."""

    output: Path
    new: Path
    scratch: Path
    lock: int


@contextmanager
def replacing(output: Path, on_wait: Callable[[], None]) -> Iterator[Workspace]:
    """Provide a workspace whose `new` replaces `output` after the block, unless the block raises.

    Ctrl-C is held back during the block, except where it allows it.
    Raises FlowError if `output` contains files that flowdsl did not write; it never removes them.
    """
    space = output.parent / ".flowdsl" / output.name
    try:
        check_own(output)  # before anything is written beside it
        with holding_interrupts(), _hold_lock(space, on_wait) as lock:
            _clean_up(space, output)
            check_own(output)
            work = space / f"build-{os.getpid()}"
            work.mkdir(mode=0o700)
            try:
                workspace = Workspace(output, work / "new", work / "scratch", lock)
                workspace.new.mkdir()
                workspace.scratch.mkdir()
                yield workspace
                check_own(output)
                check_interrupts()
                _swap(workspace.new, output, work / "old")
            finally:
                shutil.rmtree(work, ignore_errors=True)
    except OSError as error:
        raise _write_error(output, error) from error


@contextmanager
def _hold_lock(space: Path, on_wait: Callable[[], None]) -> Iterator[int]:
    """Have `space` alone; it goes afterwards."""
    lock = _lock(space, on_wait)
    try:
        (space / ".gitignore").unlink(missing_ok=True)  # a link would lead elsewhere
        (space / ".gitignore").write_text("*\n")
        yield lock
    finally:
        with suppress(OSError):  # such as other files in it
            (space / ".gitignore").unlink(missing_ok=True)
            (space / "lock").unlink()
            space.rmdir()
            space.parent.rmdir()
        os.close(lock)


def _lock(space: Path, on_wait: Callable[[], None]) -> int:
    while True:
        _refuse_links(space.parent, space, space / "lock")
        space.mkdir(parents=True, exist_ok=True)
        try:
            lock = os.open(space / "lock", os.O_RDWR | os.O_CREAT, 0o666)
        except FileNotFoundError:  # the build before has just removed the folder
            continue
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                on_wait()
                with allowing_interrupts():
                    fcntl.flock(lock, fcntl.LOCK_EX)
            if (space / "lock").stat().st_ino == os.fstat(lock).st_ino:
                return lock
        except FileNotFoundError:
            pass  # the build that held the lock has removed it
        except BaseException:
            os.close(lock)
            raise
        os.close(lock)


def _refuse_links(*places: Path) -> None:
    """Raise FlowError for a link, which may lead to files that are not flowdsl's: a project may come with one."""
    for place in places:
        if place.is_symlink():
            raise FlowError.of(f"{display_path(place)} is a symbolic link", code="FD630", hint="remove it")


def check_own(output: Path) -> None:
    """Raise FlowError if the folder contains files that no build wrote."""
    if not output.exists():
        return
    if not output.is_dir():
        raise FlowError.of(
            f"{display_path(output)} is not a folder", code="FD630", hint="choose another folder with --output"
        )
    present = {path.name for path in output.iterdir()}
    earlier = manifest.read(output)
    strange = sorted(present - (earlier.files() if earlier else set()))
    if strange:
        some = ", ".join(strange[:5]) + (", …" if strange[5:] else "")
        raise FlowError.of(
            f"{display_path(output)} contains files that flowdsl did not write: {some}",
            code="FD630",
            hint="move them elsewhere, or choose another folder with --output",
        )


def _clean_up(space: Path, output: Path) -> None:
    """Clean up after a killed build: put the earlier build back if it was moved away, and remove the rest."""
    for work in space.glob("build-*"):
        old = work / "old"
        if old.is_dir() and not (work.is_symlink() or old.is_symlink() or output.exists()):
            old.rename(output)
        shutil.rmtree(work, ignore_errors=True)


def _swap(new: Path, output: Path, old: Path) -> None:
    if output.exists():
        output.rename(old)  # if the process is killed here, the next build's _clean_up undoes it
    try:
        new.rename(output)
    except OSError:
        if old.exists():
            old.rename(output)
        raise


def _write_error(output: Path, error: OSError) -> FlowError:
    place = f" ({error.filename})" if error.filename else ""
    return FlowError.of(
        f"{display_path(output)} could not be written: {error.strerror or error}{place}; an earlier build is unchanged",
        code="FD632",
        hint="free disk space, correct the permissions, or choose another folder with --output",
    )
