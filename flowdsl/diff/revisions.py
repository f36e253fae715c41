"""Files as they are in a git revision."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import frozen

from ..base.diagnostics import FlowError
from ..base.source import display_path
from .sides import CANNOT_COMPARE


@frozen
class Revision:
    """A commit of the repository around a folder."""

    name: str
    """As the user wrote it."""
    commit: str
    root: Path
    """The repository's folder."""

    @property
    def label(self) -> str:
        short = self.commit[:9]
        return self.name if self.name.startswith(short) else f"{self.name} ({short})"


def find_revision(name: str, folder: Path) -> Revision | None:
    """The commit that a name stands for, or None if there is no such commit, no repository or no git."""
    root = _git(folder, "rev-parse", "--show-toplevel")
    commit = _git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    return Revision(name, commit.strip(), Path(root.rstrip("\n")).resolve()) if root and commit else None


@contextmanager
def checked_out(revision: Revision) -> Iterator[Path]:
    """All files of the revision in a temporary folder.

    By an index of its own: the work tree, the repository's index and its list of worktrees stay as they are, no hook
    runs, and no attribute leaves files out as `git archive` would.
    """
    with tempfile.TemporaryDirectory(prefix="flowdsl-diff-") as temporary:
        folder = Path(temporary, "files")
        folder.mkdir()
        index = {"GIT_INDEX_FILE": str(Path(temporary, "index"))}
        done = _git(revision.root, "read-tree", revision.commit, more=index) is not None
        prefix = f"--prefix={folder}{os.sep}"
        if not done or _git(revision.root, "checkout-index", "--all", "--force", prefix, more=index) is None:
            raise FlowError.of(
                f"the files of {revision.name} cannot be read from the repository {display_path(revision.root)}",
                code=CANNOT_COMPARE,
                hint=f"get them: git fetch origin {revision.commit}",
            )
        yield folder.resolve()


def _git(folder: Path, *arguments: str, more: dict[str, str] | None = None) -> str | None:
    """What git prints; None if it fails. Variables of a hook that flowdsl may run in do not lead elsewhere."""
    hidden = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")
    environment = {name: value for name, value in os.environ.items() if name not in hidden} | (more or {})
    try:
        done = subprocess.run(  # noqa: S603 - no shell, and the user's words are behind --end-of-options
            ["git", "-C", str(folder), *arguments],  # noqa: S607 - the user's git
            env=environment,
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            check=False,
        )
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None
