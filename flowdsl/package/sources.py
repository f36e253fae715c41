"""The files of the project that go into a function's zip."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from pathlib import Path
from unicodedata import normalize

from ..author.functions import Function
from ..base.diagnostics import Diagnostic, FlowError
from ..base.imports import STANDARD_LIBRARY, Import, defines, find, imports, parse
from ..base.record import Record
from ..base.source import display_path
from .handler import RUNTIME_MODULES, collect_errors, distinct, normalized, span, validate

BYTE_CODE = ("__pycache__", "*.pyc", "*.pyo")
LEFT_OUT = (
    *BYTE_CODE,
    ".*",
    "*~",
    "tests",
    "test",
    "test_*.py",
    "*_test.py",
    "conftest.py",
    "__main__.py",
    "requirements*.txt",
    "requirements*.in",
    "test_event*.json",
)
"""Files and folders that are not packaged, such as tests and commands, unless a packaged module imports them."""


class Sources(Record):
    """`files`: the files by their paths in the zip; `external`: imports of modules outside the project."""

    files: dict[str, Path]
    external: tuple[Import, ...]


Look = Callable[[tuple[str, ...]], list[Path] | None]
"""`find` in the project's folder, each module once."""


def looking_in(root: Path) -> Look:
    """Return a `Look`, for as long as no file comes or goes."""
    return cache(partial(find, root))


def collect(function: Function, root: Path, look: Look | None = None) -> Sources:
    """Collect the function's folder, its `include`, and all that their modules import from the project, transitively.

    FlowError if the handler is not there, and with each file that is no Python and each import of the project's that
    leads nowhere.
    """
    folder, inside = root / function.source, root.resolve()
    entry = _entry(function, root)
    waiting = [*entry, *function_files(folder), *_include_files(function, root)]
    entries: dict[str, Path] = {}
    external: list[Import] = []
    wrong: list[Diagnostic] = []
    look = look or looking_in(root)
    while waiting:
        file = waiting.pop()
        name = _zipped_name(file.relative_to(root))
        if name in entries:
            continue
        entries[name] = _check_regular(file, root, inside)
        if file.suffix == ".py":
            package = file.relative_to(root).parent.parts
            waiting += look(package) or []  # a package's __init__.py runs before its modules
            with collect_errors(wrong):
                for wanted in imports(file, package):
                    with collect_errors(wrong):
                        files = _resolve(wanted, look, folder)
                        waiting += files
                        if not files and not wanted.optional and wanted.module:
                            external.append(wanted)
    if wrong:
        raise FlowError(*wrong)
    return Sources(dict(sorted(entries.items())), tuple(sorted(external, key=lambda one: (str(one), one.span.file))))


def problems(functions: Iterable[Function], root: Path, *, hashed: bool = True) -> list[Diagnostic]:
    """The problems that keep functions from being packaged, as far as they are known without an installation.

    `hashed` if each requirement must have a hash. Which modules a requirement has is known if it is installed here.
    """
    functions = list(functions)
    diagnostics: list[Diagnostic] = []
    look = looking_in(root)
    with collect_errors(diagnostics):
        distinct(functions)
    for function in functions:
        with collect_errors(diagnostics):
            validate(function, root)
            code = collect(function, root, look)
            pins = _pins(root / function.source / "requirements.txt", hashed)
            wanted = {each.module[0] for each in code.external} - STANDARD_LIBRARY - RUNTIME_MODULES
            check_external(code, function, _modules_of(pins, wanted) if pins and wanted else set())
    return diagnostics


def _pins(file: Path, hashed: bool) -> set[str]:
    """The names of the locked packages. Raises FlowError with each line that is not locked."""
    if not file.is_file():
        return set()
    from .requirements import read  # a function without requirements does without

    return {pin.name for pin in read(file, hashed=hashed).pins}


def _modules_of(pins: set[str], wanted: set[str]) -> set[str]:
    """Those of the wanted modules that locked packages have, or may have."""
    unsure = {module for module in wanted if normalized(module) not in pins}
    if not unsure:
        return wanted
    from importlib.metadata import packages_distributions  # reads the files of all installed packages

    owners = {module: {normalized(name) for name in names} for module, names in packages_distributions().items()}
    all_known = pins <= {name for names in owners.values() for name in names}
    gone = {module for module in unsure if (not pins & owners[module] if module in owners else all_known)}
    return wanted - gone


def check_external(sources: Sources, function: Function, installed: set[str]) -> None:
    """Raise FlowError with each import that would fail in Lambda: neither zip nor runtime contains the module."""
    available = installed | STANDARD_LIBRARY | RUNTIME_MODULES
    missing = [wanted for wanted in sources.external if wanted.module[0] not in available]
    if missing:
        raise FlowError(
            *(
                Diagnostic(
                    "FD604",
                    f"function {function.name!r} would fail in Lambda: module {wanted} is neither in the project, nor "
                    f"in the requirements, nor in Lambda's Python {function.python}",
                    span=wanted.span,
                    hint=f"add it to {function.source}/requirements.txt, or handle its ImportError",
                )
                for wanted in missing
            )
        )


def _resolve(wanted: Import, look: Look, folder: Path) -> list[Path]:
    """The project's files that an import runs; empty if the module is not the project's."""
    base = look(wanted.module)
    files = list(base or [])
    if base is not None:
        for name in wanted.names:
            files += look((*wanted.module, name)) or []
    if files or wanted.optional or not wanted.module:
        return files
    if look(wanted.module[:1]):
        message, hint = f"the project has no module {wanted}", "correct the name"
    elif find(folder, wanted.module):
        message = f"{wanted} cannot be imported in Lambda: imports start at the project's folder, not at the function's"
        hint = f"write `from . import {wanted}`"
    else:
        return []
    raise FlowError.of(message, code="FD603", span=wanted.span, hint=hint)


def _entry(function: Function, root: Path) -> list[Path]:
    """The files that Lambda imports to reach the handler."""
    *module, name = function.handler.split(".")
    path = (*function.source.split("/"), *module)
    files = find(root, path)
    file = root.joinpath(*path)
    if not files or files[-1] not in (file.with_suffix(".py"), file / "__init__.py"):
        raise FlowError.of(
            f"function {function.name!r}: {display_path(file)}.py does not exist",
            code="FD605",
            span=span(function),
            hint=f"create it, or correct handler={function.handler!r}",
        )
    if not defines(parse(files[-1]), name):
        raise FlowError.of(
            f"function {function.name!r}: {display_path(files[-1])} does not define {name}",
            code="FD605",
            span=span(function),
            hint=f"write `def {name}(event, context)` there, or correct handler={function.handler!r}",
        )
    return files


def function_files(folder: Path) -> Iterator[Path]:
    """The files of a function's folder that are packaged. Raises FlowError for a link to a folder."""
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not _matches(name, LEFT_OUT)]
        for name in folders:
            if Path(parent, name).is_symlink():
                raise _file_error(
                    Path(parent, name), "is a symbolic link to a folder", "replace it with the folder itself"
                )
        yield from (Path(parent, name) for name in files if not _matches(name, LEFT_OUT))


def _include_files(function: Function, root: Path) -> Iterator[Path]:
    for pattern in function.include:
        if not pattern or pattern.startswith("/") or ".." in pattern.split("/"):
            matches = []
        else:
            matches = [path for path in root.glob(pattern) if path.is_file()]
        if not matches:
            raise FlowError.of(
                f"function {function.name!r}: include {pattern!r} matches no file of the project",
                code="FD606",
                span=span(function),
                hint="write a glob relative to the project's folder, such as 'config/*.json'",
            )
        for path in matches:
            if not any(_matches(part, BYTE_CODE) for part in path.relative_to(root).parts):
                yield path


def _zipped_name(path: Path) -> str:
    """The name in the zip. Letters have their accents, as in Python's imports, also where macOS takes them apart."""
    name = path.as_posix()
    return name if name.isascii() else normalize("NFC", name)


def _check_regular(file: Path, root: Path, inside: Path) -> Path:
    name = str(file.relative_to(root))
    if not name.isprintable():  # such as bytes that are not UTF-8
        raise _file_error(Path(ascii(name)), "has a name that is not text", "rename it")
    if not file.is_file():
        raise _file_error(file, "is not a regular file", "remove it")
    if not file.resolve().is_relative_to(inside):
        what, whole = ("is", "file") if file.is_symlink() else ("is behind", "folder")
        raise _file_error(file, f"{what} a symbolic link out of the project", f"replace it with the {whole} itself")
    return file


def _file_error(path: Path, what: str, hint: str) -> FlowError:
    return FlowError.of(f"{display_path(path)} {what} and cannot be packaged", code="FD606", hint=hint)


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
