"""The build folder: replaced as a whole or not at all.

A build is written to a folder of its own in `.flowdsl/`, next to the build folder, and takes its place in one
step at the end. Whatever happens before leaves the earlier build as it was; what a killed build leaves
behind, the next one removes. A lock, which the system releases with the process, makes builds of one folder
wait for each other.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import frozen

from ..base.diagnostics import FlowError
from ..base.source import display_path
from . import manifest

_EXCHANGE = 2
"""RENAME_EXCHANGE of Linux's renameat2(2), RENAME_SWAP of macOS's renamex_np(2)."""
_AT_FDCWD = -100


@frozen
class Workspace:
    """`output`: the earlier build, if there is one; `new`: what is to replace it; `scratch`: for the build."""

    output: Path
    new: Path
    scratch: Path


@contextmanager
def replacing(output: Path, on_wait: Callable[[], None]) -> Iterator[Workspace]:
    """Give a workspace whose `new` replaces `output` after the block, unless the block raises.

    FlowError where `output` has anything that flowdsl did not write: nothing of that is ever removed.
    """
    space = output.parent / ".flowdsl" / output.name
    try:
        space.mkdir(parents=True, exist_ok=True)
        (space / ".gitignore").write_text("*\n")
        with _locked(space / "lock", on_wait):
            _clean_up(space, output)
            check_own(output)
            work = Path(tempfile.mkdtemp(prefix="build-", dir=space))
            try:
                made = Workspace(output, work / "new", work / "scratch")
                made.new.mkdir()
                made.scratch.mkdir()
                yield made
                check_own(output)
                _swap(made.new, output, work / "old")
            finally:
                shutil.rmtree(work, ignore_errors=True)
    except OSError as error:
        raise _failed(output, error) from error


@contextmanager
def _locked(file: Path, on_wait: Callable[[], None]) -> Iterator[None]:
    lock = os.open(file, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_wait()
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def check_own(output: Path) -> None:
    """FlowError where the folder has what no build wrote."""
    if not output.exists():
        return
    if not output.is_dir():
        raise FlowError.of(f"{display_path(output)} is not a folder", code="FD630", hint="name another with --output")
    present = {path.name for path in output.iterdir()}
    earlier = manifest.read(output)
    strange = sorted(present - (earlier.files() if earlier else set()))
    if strange:
        some = ", ".join(strange[:5]) + (", …" if strange[5:] else "")
        raise FlowError.of(
            f"{display_path(output)} has what flowdsl did not write: {some}",
            code="FD630",
            hint="move it elsewhere, or name another folder with --output",
        )


def _clean_up(space: Path, output: Path) -> None:
    """After a killed build: put the earlier build back where it was on its way, remove the rest."""
    for work in space.glob("build-*"):
        if (work / "old").is_dir() and not output.exists():
            (work / "old").rename(output)
        shutil.rmtree(work, ignore_errors=True)


def _swap(new: Path, output: Path, old: Path) -> None:
    if not output.exists():
        new.rename(output)
        return
    try:
        _exchange(new, output)
    except OSError as error:
        if error.errno not in {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP}:
            raise
        output.rename(old)  # a kill between the two is what _clean_up mends
        new.rename(output)


def _exchange(one: Path, other: Path) -> None:
    """Let two folders change places, atomically; OSError with ENOSYS or such where the system cannot."""
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        if sys.platform == "darwin":
            failed = libc.renamex_np(os.fsencode(one), os.fsencode(other), _EXCHANGE)
        else:
            failed = libc.renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _EXCHANGE)
    except AttributeError:
        raise OSError(errno.ENOSYS, "no such call in libc") from None
    if failed:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(other))


def _failed(output: Path, error: OSError) -> FlowError:
    place = f" ({error.filename})" if error.filename else ""
    return FlowError.of(
        f"{display_path(output)} was not built: {error.strerror or error}{place}; an earlier build is as it was",
        code="FD632",
        hint="make room or correct the permissions, or name another folder with --output",
    )
