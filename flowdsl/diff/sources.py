"""What the arguments of `flowdsl diff` name: files, folders of builds, and git revisions."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from attrs import frozen

from .. import project
from ..base.diagnostics import Diagnostic, FlowError
from ..base.source import Span, display_path
from ..package import manifest
from .model import Side
from .revisions import Revision, checked_out, find_revision
from .sides import CANNOT_COMPARE, Derive, from_text, side_of, sides_of_build


@frozen
class Source:
    """A file, a folder of a build, or a file at a revision."""

    label: str
    path: Path
    """Of a revision the file in the work tree, which need not exist there."""
    revision: Revision | None = None
    is_build: bool = False

    @property
    def is_python(self) -> bool:
        return not self.is_build and self.path.suffix.lower() == ".py"


@frozen
class Compared:
    """Both sides, with what they are called."""

    labels: tuple[str, str]
    old: list[Side]
    new: list[Side]


def read_both(old: str, new: str | None, substitutions: Mapping[str, str], derive: Derive) -> Compared:
    """Find and read both sides. A revision without a path is that of the file on the other side, or else of the flows
    of pyproject.toml; without NEW the work tree's files are compared.

    Raises FlowError if an argument names nothing, or a side cannot be read.
    """
    pairs = [*_pairs(old, new)]
    sides: tuple[list[Side], list[Side]] = ([], [])
    with ExitStack() as stack:
        for first, second in pairs:
            # Modules of the same names in two versions cannot be in one process.
            apart = first.is_python and second.is_python
            for into, source, alone in ((sides[0], first, apart), (sides[1], second, len(pairs) > 1)):
                place = source.path
                if source.revision:
                    place = _checked_out(source, source.revision, stack, lenient=len(pairs) > 1)
                if len(pairs) == 1 or place.exists():  # one of several flows may be new, or gone
                    into += _read(source, place, substitutions, derive, elsewhere=alone or bool(source.revision))
    labels = [", ".join(pair[index].label for pair in pairs) for index in (0, 1)]
    return Compared((labels[0], labels[1]), *sides)


def _pairs(old: str, new: str | None) -> Iterator[tuple[Source, Source]]:
    """What is compared with what: several files if the project has several flows."""
    folder = Path.cwd()
    first = _find(old, folder, None)
    second = None if new is None else _find(new, folder, first if isinstance(first, Source) else None)
    if isinstance(first, Source) and not isinstance(second, Revision):
        if second is None:
            second = _of_path(first.path if first.revision else project.default_flow())
        yield first, second
    elif isinstance(first, Revision) and isinstance(second, Source):
        yield _at(first, second.path if not second.is_build else project.default_flow()), second
    elif isinstance(first, Source) and isinstance(second, Revision):
        yield first, _at(second, first.path if not first.is_build else project.default_flow())
    elif isinstance(first, Revision):
        flows = project.find(folder).flows or project.default_flows()
        for flow in flows:
            yield _at(first, flow), _at(second, flow) if isinstance(second, Revision) else _of_path(flow)


def _find(text: str, folder: Path, other: Source | None) -> Source | Revision:
    path = Path(text)
    if path.exists():
        return _of_path(path)
    name, colon, inside = text.partition(":")
    revision = find_revision(name, folder)
    if revision is None:
        hint = "give a file, the folder of a build, or a git revision such as main or HEAD~1"
        if colon:
            hint = "write REVISION:PATH, such as main:payment_flow.py; git fetch gets a branch of the server"
        message = f"{text!r} is no file, no folder and no git revision here"
        raise FlowError.of(message, code=CANNOT_COMPARE, hint=hint)
    if colon and inside:
        file = revision.root / inside if not inside.startswith(("./", "../")) else (folder / inside).resolve()
        return Source(f"{inside} at {revision.label}", file, revision)
    return _at(revision, other.path) if other and not other.is_build else revision


def _of_path(path: Path) -> Source:
    if path.is_dir():
        if (path / manifest.FILE).is_file():
            return Source(f"{display_path(path.absolute())}{os.sep}", path, is_build=True)
        flows = project.find(path).flows if (path / "pyproject.toml").is_file() else ()
        if len(flows) > 1:
            names = ", ".join(display_path(each) for each in flows)
            raise FlowError.of(
                f"{display_path(path.absolute())} has several flows", code=CANNOT_COMPARE, hint=f"give one of {names}"
            )
        flow = flows[0] if flows else None
        if flow is None:
            raise FlowError.of(
                f"{display_path(path.absolute())} is neither the folder of a build nor a project with a flow",
                code=CANNOT_COMPARE,
                hint='give a file, run flowdsl build, or set flow = "…" in [tool.flowdsl]',
            )
        return Source(display_path(flow), flow)
    return Source(display_path(path.absolute()), path)


def _at(revision: Revision, file: Path) -> Source:
    """A file of the work tree at a revision; it need not exist here."""
    path = file.resolve()
    if not path.is_relative_to(revision.root):
        raise FlowError.of(
            f"{display_path(path)} is not in the repository of {revision.name}",
            code=CANNOT_COMPARE,
            hint=f"write {revision.name}:PATH, with a path from the repository's folder",
        )
    return Source(f"{path.relative_to(revision.root)} at {revision.label}", path, revision)


def _checked_out(source: Source, revision: Revision, stack: ExitStack, *, lenient: bool) -> Path:
    files = stack.enter_context(checked_out(revision))
    inside = source.path.relative_to(revision.root) if source.path.is_relative_to(revision.root) else source.path
    if not (files / inside).is_file() and not lenient:
        raise FlowError.of(
            f"{inside} does not exist at {revision.label}",
            code=CANNOT_COMPARE,
            hint=f"write {revision.name}:PATH if the file had another name",
        )
    return files / inside


def _read(
    source: Source, place: Path, substitutions: Mapping[str, str], derive: Derive, *, elsewhere: bool
) -> list[Side]:
    if source.is_build:
        return sides_of_build(source.path, derive)
    if source.is_python and elsewhere:
        return _compile_elsewhere(source, place, substitutions)
    try:
        return [side_of(loaded, derive) for loaded in project.load(place, substitutions)]
    except FlowError as error:
        raise FlowError(*(_labelled(each, source, place) for each in error.diagnostics)) from error


def _labelled(diagnostic: Diagnostic, source: Source, place: Path) -> Diagnostic:
    """A diagnostic whose place names the revision instead of a temporary file."""
    from ..base.record import evolve

    if source.revision is None:
        return diagnostic
    span = diagnostic.span
    return evolve(
        diagnostic,
        message=diagnostic.message.replace(display_path(place), source.label).replace(str(place), source.label),
        span=Span(f"{source.revision.name}:{Path(span.file).name}", span.line, span.column) if span else None,
    )


def _compile_elsewhere(source: Source, place: Path, substitutions: Mapping[str, str]) -> list[Side]:
    """Compile a flow in a process of its own, as `flowdsl diff --describe`, whose current folder is the project.

    The process has this flowdsl, whatever the project's folder contains: `-P` keeps that from `sys.path`.
    """
    root = project.find(place.parent).root
    path = [str(Path(__file__).parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])]
    options = [part for name, value in substitutions.items() for part in ("--substitution", f"{name}={value}")]
    done = subprocess.run(  # noqa: S603 - this Python, and no shell
        [sys.executable, "-P", "-m", "flowdsl", "diff", *options, "--describe", "--", str(place.resolve())],
        cwd=root,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path), "PYTHONIOENCODING": "utf-8"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    sys.stderr.write(done.stderr if done.returncode == 0 else "")
    try:
        answer: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        last = done.stderr.strip().splitlines()[-1:] or ["no output"]
        message = f"{source.label} cannot be compiled: {last[0]}"
        raise FlowError.of(message, code=CANNOT_COMPARE, hint="check that revision out and run flowdsl check") from None
    if "problems" in answer:
        raise FlowError(*(_problem(each, source) for each in answer["problems"]))
    return from_text(json.dumps(answer["sides"]))


def _problem(value: Mapping[str, Any], source: Source) -> Diagnostic:
    where = f", line {value['line']}" if "line" in value else ""
    file = Path(value["file"]).name if "file" in value else source.path.name
    at = f" ({file}{where})" if file else ""
    message = f"{source.label} cannot be compiled: {value['message']}{at}"
    return Diagnostic(str(value.get("code", CANNOT_COMPARE)), message, hint=value.get("hint"))
