"""`flowdsl build`: definitions and functions into one folder."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..author.functions import Function
from ..base.diagnostics import Diagnostic, FlowError
from ..base.interrupts import allowing_interrupts, check_interrupts
from ..base.record import Record, evolve
from ..base.source import display_path
from ..base.user_cache import notes
from . import archive, manifest, workspace
from .archive import Archive
from .handler import collect_errors, distinct, handler_string, platform, span, validate
from .manifest import Manifest, Packaged
from .provided import Split
from .workspace import Workspace

if TYPE_CHECKING:
    from .requirements import Requirements
    from .side_by_side import Jobs
    from .sources import Sources

RECIPE = 2
"""Increase it when the contents or format of zips change: then every function is packaged again."""

JOBS = 2
"""How many installations run at a time: they wait for the network, and unpack."""

Progress = Callable[[str, str], None]
"""Called with a function's name and its progress as text."""

Examine = Callable[[Manifest, Path], None]
"""Called with a build and the folder of its files before they are put into place; raises FlowError to stop that."""

Describe = Callable[[Manifest, Path], Mapping[str, str]]
"""Called like `Examine`; returns the texts of more files by name."""


def _silent(_name: str, _what: str) -> None:
    pass


def accept(_build: Manifest, _folder: Path) -> None:
    """Put any build into place."""


def nothing_more(_build: Manifest, _folder: Path) -> Mapping[str, str]:
    """No more files."""
    return {}


def build(
    functions: Iterable[Function] | None,
    definitions: Mapping[str, str],
    *,
    root: Path,
    output: Path,
    hashed: bool = True,
    on_progress: Progress = _silent,
    examine: Examine = accept,
    describe: Describe = nothing_more,
    jobs: int = JOBS,
) -> Manifest:
    """Write `definitions` (file name `<machine>.asl.json` to text), each function's zip and manifest.json to
    `output`.

    `root` is the project's folder: `source` and `include` are relative to it and the zips have its layout. A
    function whose inputs are those of the build before keeps its zip, if this user has packaged it: one that came
    with the project may have anything in it. `hashed` if each requirement must have a hash. `functions=None` keeps
    all zips as they are and writes definitions only. Files of an earlier build that are no longer wanted go.
    `examine` may refuse the build; `describe` returns more files of text that are made of it. `jobs` is how many
    installations run at a time, at most one for each processor.
    FlowError if anything is wrong, and where `output` has files that flowdsl did not write; the earlier build is then
    as it was.
    """
    root, output = root.resolve(), Path(os.path.realpath(output))  # which takes links that lead in a circle
    wanted = None if functions is None else distinct(functions)
    wrong: list[Diagnostic] = []
    for function in wanted or ():
        with collect_errors(wrong):
            validate(function, root)
    if wrong:
        raise FlowError(*wrong)
    for function in wanted or ():
        if output.is_relative_to(root / function.source):
            raise FlowError.of(
                f"output folder {display_path(output)} is inside the folder of function {function.name!r}",
                code="FD630",
                span=span(function),
                hint="choose another folder with --output",
            )
    for name in definitions:
        if not name.endswith(".asl.json") or "/" in name or name.startswith("."):
            raise FlowError.of(f"invalid file name {name!r} for a definition", hint="write <machine>.asl.json")
    own = None if wanted is None else notes("packaged", root)
    waiting = f"waiting for another build of {display_path(output)}"
    with workspace.replacing(output, lambda: on_progress("", waiting)) as work:
        earlier = manifest.read(output)
        kept = dict(earlier.functions) if earlier else {}
        for name, text in definitions.items():
            (work.new / name).write_bytes(text.encode())
        if wanted is None:
            packaged = {name: one for name, one in kept.items() if _keep(one, work)}
        else:
            kept = {name: one for name, one in kept.items() if own and own.read(_note_name(one)) is not None}
            packaged = _package_all(_prepare(wanted, root, hashed), kept, work, on_progress, jobs)
        digests = {name: archive.digests(text.encode())[0] for name, text in definitions.items()}
        result = Manifest(digests, packaged)
        (work.new / manifest.FILE).write_text(result.text(), encoding="utf-8")
        with allowing_interrupts():
            examine(result, work.new)
        texts = describe(result, work.new)
        if texts:
            for name, text in texts.items():
                (work.new / name).write_text(text, encoding="utf-8")
            others = {name: archive.digests(text.encode())[0] for name, text in texts.items()}
            result = evolve(result, others=others)
            (work.new / manifest.FILE).write_text(result.text(), encoding="utf-8")
        if own:  # before another build, which waits, looks for them
            for name in {_note_name(one) for one in packaged.values()} - {_note_name(one) for one in kept.values()}:
                own.write(name, "")
    return result


def _note_name(packaged: Packaged) -> str:
    """A zip and what it was made of."""
    return hashlib.sha256(f"{packaged.inputs} {packaged.sha256}".encode("utf-8", "surrogatepass")).hexdigest()


class _Ready(Record):
    """A function that is ready to be packaged once its requirements are installed."""

    function: Function
    sources: Sources
    locked: Requirements | None


def _prepare(functions: Iterable[Function], root: Path, hashed: bool) -> list[_Ready]:
    """Collect the code of all functions. Raises FlowError with all mistakes, before anything is installed."""
    from . import requirements, sources  # a build of definitions alone does without

    ready: list[_Ready] = []
    wrong: list[Diagnostic] = []
    for function in functions:
        file = root / function.source / "requirements.txt"
        with collect_errors(wrong):
            locked = requirements.read(file, hashed=hashed) if file.is_file() else None
            code = sources.collect(function, root)
            if not (locked and locked.pins):
                sources.check_external(code, function, set())
            ready.append(_Ready(function, code, locked))
    if wrong:
        raise FlowError(*wrong)
    return ready


class _Waiting(Record):
    """A function that has to be packaged: `own` has the copies of its files, `target` its installed requirements."""

    ready: _Ready
    inputs: str
    own: Path
    target: Path | None


def _package_all(
    ready: Sequence[_Ready], kept: Mapping[str, Packaged], work: Workspace, on_progress: Progress, jobs: int
) -> dict[str, Packaged]:
    """Package what has changed, in the order of the functions, while requirements are installed side by side.

    What is reported does not depend on which installation ends first. Raises FlowError with the errors of all
    functions.
    """
    from . import requirements
    from .side_by_side import Job, side_by_side

    packaged: dict[str, Packaged] = {}
    waiting: list[_Waiting] = []
    installs: dict[str, Job] = {}
    wrong: list[Diagnostic] = []
    for each in ready:
        function, locked = each.function, each.locked
        check_interrupts()
        own = work.scratch / function.name
        inputs = _snapshot(function, each.sources.files, locked, own)
        earlier = kept.get(function.name)
        if earlier and earlier.inputs == inputs and _keep(earlier, work):
            packaged[function.name] = _describe(function, earlier, inputs, earlier.from_runtime)
            continue
        target = None
        if locked and locked.pins:
            requirements.check_extra()
            target = work.scratch / "requirements installed" / requirements.target_name(locked, function)
            if target.name not in installs:
                pins = f"{len(locked.pins)} requirement{'s' * (len(locked.pins) > 1)}"
                on_progress(function.name, f"installing {pins} for {platform(function)}")
                installs[target.name] = requirements.install_job(locked, function, target)
        waiting.append(_Waiting(each, inputs, own, target))
    todo = {each.ready.function.name: each for each in waiting}
    with side_by_side(installs, min(jobs, os.cpu_count() or 1), work.lock) as running:
        for number, each in enumerate(ready, 1):
            name, what = each.function.name, "unchanged"
            if name in todo:
                with collect_errors(wrong):
                    packaged[name], what = _package(todo[name], work, running)
            if not wrong:
                on_progress(name, what if len(ready) == 1 else f"{what} ({number} of {len(ready)})")
    if wrong:
        raise FlowError(*wrong)
    return {each.function.name: packaged[each.function.name] for each in ready}


def _package(waiting: _Waiting, work: Workspace, running: Jobs) -> tuple[Packaged, str]:
    """The packaged function, and what was done in a few words."""
    from . import requirements, shadowing, sources

    function, code, locked = waiting.ready.function, waiting.ready.sources, waiting.ready.locked
    files = {name: waiting.own / name for name in code.files}
    split = Split({}, {})
    if locked and waiting.target:
        requirements.check_installed(running.wait(waiting.target.name), locked, function, waiting.target)
        imported = {each.module[0] for each in code.external}
        split = requirements.installed_files(function, waiting.target, imported)
    installed = split.files
    sources.check_external(code, function, {name.partition("/")[0].partition(".")[0] for name in installed})
    shadowing.refuse_shadows(function, files, installed)
    zipped = work.new / f"{function.name}.zip"
    package = archive.write(zipped, {**files, **installed}, on_file=running.go_on)
    shutil.rmtree(waiting.own)
    return (
        _describe(function, package, waiting.inputs, split.from_runtime),
        f"packaged, {archive.readable(package.size)}",
    )


def _snapshot(function: Function, files: Mapping[str, Path], locked: Requirements | None, own: Path) -> str:
    """Copy the project's files, so that exactly these are packaged; return the digest of all inputs of the zip."""
    archive.check_unzipped(f"{function.name}.zip", files)

    def contents() -> Iterator[tuple[str, bytes]]:
        for name, file in files.items():
            copy = own / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            data = file.read_bytes()
            copy.write_bytes(data)
            yield name, data

    return _digest(function, contents(), locked)


def _digest(function: Function, contents: Iterable[tuple[str, bytes]], locked: Requirements | None) -> str:
    digest = hashlib.sha256(f"{RECIPE}\0{platform(function)}\0{function.python}\0{function.bundle_sdk}\0".encode())
    digest.update(hashlib.sha256((locked.text if locked else "").encode()).digest())
    for name, data in contents:
        digest.update(name.encode() + b"\0" + hashlib.sha256(data).digest())
    return digest.hexdigest()


def digest_of(function: Function, root: Path) -> str:
    """The `inputs` that a build's manifest would have of a function. Nothing is installed or written.

    Raises FlowError if the function cannot be packaged.
    """
    from . import requirements, sources

    validate(function, root)
    file = root / function.source / "requirements.txt"
    locked = requirements.read(file, hashed=False) if file.is_file() else None
    files = sources.collect(function, root).files
    return _digest(function, ((name, each.read_bytes()) for name, each in files.items()), locked)


def _keep(earlier: Packaged, work: Workspace) -> bool:
    """Reuse an earlier build's zip; return False if it is missing or damaged."""
    zipped = work.output / earlier.file
    if not zipped.is_file() or archive.digests(zipped.read_bytes())[0] != earlier.sha256:
        return False
    try:
        os.link(zipped, work.new / earlier.file)
    except OSError:  # a file system without hard links
        shutil.copyfile(zipped, work.new / earlier.file)
    return True


def _describe(
    function: Function, package: Archive | Packaged, inputs: str, from_runtime: Mapping[str, str]
) -> Packaged:
    return Packaged(
        file=f"{function.name}.zip",
        handler=handler_string(function),
        runtime=f"python{function.python}",
        architecture=function.architecture,
        timeout=function.timeout_seconds,
        memory=function.memory,
        environment=dict(function.environment),
        inputs=inputs,
        sha256=package.sha256,
        code_sha256=package.code_sha256,
        contents=package.contents,
        size=package.size,
        unzipped=package.unzipped,
        from_runtime=dict(from_runtime),
    )
