"""The errors that the Python of a handler may raise, read from its text: importing it would need what it depends on.

A name is known if the handler or a module of the project that it imports raises or mentions it. Lambda reports an
exception by the name of its class (Lambda Developer Guide, "Lambda function handler in Python", "errorType").
"""

from __future__ import annotations

import builtins
import re
import sys
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from ..author.functions import Function
from ..base.record import Record
from ..base.unsaved import read_source

_IMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+(\.*[\w.]*)[ \t]+import[ \t]+(\([^)]*\)|[^\n#]*)|import[ \t]+([\w., \t]+))", re.M
)
_MEMBER = re.compile(r"(\w+)(?:\s+as\s+\w+)?\s*(?:,|\)|$)")
_CLASS = re.compile(r"^[ \t]*class[ \t]+(\w+)", re.M)
_RAISE = re.compile(r"^[ \t]*raise[ \t]+(?:\w+\.)*([A-Z]\w*)", re.M)
_WORD = re.compile(r"\b[A-Z]\w*")
_LINES_THAT_ONLY_NAME = re.compile(r"^[ \t]*(?:class[ \t]+\w+|#)[^\n]*", re.M)
_BUILTINS = frozenset(name for name in dir(builtins) if name[:1].isupper())
MOST_FILES = 300


class Raised:
    """What handlers may raise. Their files are read one after the other, only as far as somebody asks."""

    def __init__(self, handlers: Iterable[tuple[Path, Path]], root: Path) -> None:
        """`handlers`: the file of each, and the folder of its function."""
        self._names: set[str] = set()
        self._mentioned: set[str] = set()
        self._classes: set[str] = set()
        self._imports_others = False
        self._reading = self._read(tuple(handlers), root)

    def may_raise(self, name: str) -> bool:
        """Return True if the code names the error, or Python has it."""
        if name in _BUILTINS or name in self._mentioned:
            return True
        return any(name in self._mentioned for _ in self._reading)

    @property
    def names(self) -> set[str]:
        """The classes that the code raises."""
        return self._whole()._names

    @property
    def classes(self) -> set[str]:
        """The classes that the code defines."""
        return self._whole()._classes

    @property
    def imports_others(self) -> bool:
        """True if it imports packages from outside the project and the standard library, whose errors are not known."""
        return self._whole()._imports_others

    def _whole(self) -> Raised:
        for _ in self._reading:
            pass
        return self

    def _read(self, handlers: tuple[tuple[Path, Path], ...], root: Path) -> Iterator[None]:
        """Read a file at each step, the handlers' own first."""
        waiting = list(handlers)
        seen = {file for file, _ in handlers}
        for file, folder in waiting:  # which grows
            try:
                text = _read_text(read_source(file))
            except OSError:
                continue
            self._names |= text.names
            self._classes |= text.classes
            self._mentioned |= text.mentioned
            yield
            folders = [root] if folder == root else [folder, root]
            for module, members in _absolute(text.imports, file, root):
                files = _files(module, members, folders)
                if not files and module.partition(".")[0] not in sys.stdlib_module_names:
                    self._imports_others = self._imports_others or not _is_own(module, folders)
                new = [each for each in files if each not in seen]
                waiting += [(each, folder) for each in new]
                seen.update(new)
            if len(seen) > MOST_FILES:
                self._imports_others = True
                return


def read_raised(functions: Iterable[Function], root: Path) -> Raised | None:
    """Read what any of these functions may raise; None if the code of one is not here."""
    handlers = []
    for function in functions:
        name = function.handler.rpartition(".")[0]
        file = root.joinpath(function.source, *name.split(".")).with_suffix(".py")
        if not function.source or not file.is_file():
            return None
        handlers.append((file, root.joinpath(function.source)))
    return Raised(handlers, root) if handlers else None


class _Text(Record):
    """What one file says by itself."""

    names: frozenset[str]
    classes: frozenset[str]
    mentioned: frozenset[str]
    """All names with a capital; one of them may be raised, too."""
    imports: tuple[tuple[str, tuple[str, ...]], ...]
    """Modules as they are written, with leading dots, and the names that are imported from them."""


@lru_cache(1000)  # handlers share modules
def _read_text(content: bytes) -> _Text:
    text = content.decode("utf-8", "replace")
    imports: list[tuple[str, tuple[str, ...]]] = []
    for source, names, plain in _IMPORT.findall(text):
        if plain:
            imports += [(each.split()[0], ()) for each in plain.split(",") if each.strip()]
        else:
            imports.append((source, tuple(_MEMBER.findall(names))))
    raised = frozenset(_RAISE.findall(text))
    mentioned = raised.union(_WORD.findall(_LINES_THAT_ONLY_NAME.sub("", text)))
    return _Text(raised, frozenset(_CLASS.findall(text)), mentioned, tuple(imports))


def _absolute(
    imports: Iterable[tuple[str, tuple[str, ...]]], file: Path, root: Path
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the imports with the whole names of their modules, except for those from above the root."""
    for source, members in imports:
        module = source.lstrip(".")
        if level := len(source) - len(module):
            if not file.is_relative_to(root):
                continue
            inside = file.parent.relative_to(root).parts
            module = ".".join([*inside[: len(inside) - level + 1], *filter(None, [module])])
        yield module, members


def _files(module: str, members: Iterable[str], folders: Iterable[Path]) -> list[Path]:
    """The project's files that the import of a module runs, and those of its members that are modules."""
    files: list[Path] = []
    for folder in folders:
        base = folder.joinpath(*module.split("."))
        if not base.parent.is_dir():
            continue
        own = base.with_suffix(".py")
        if own.is_file():
            files.append(own)
        elif base.is_dir():
            inside = [base / "__init__.py", *(base / f"{member}.py" for member in members)]
            inside += [base / member / "__init__.py" for member in members]
            files += [each for each in inside if each.is_file()]
    return files


def _is_own(module: str, folders: Iterable[Path]) -> bool:
    """Return True for a module of the project, a name inside one, and a folder without __init__.py."""
    top = module.partition(".")[0]
    return any((folder / top).is_dir() or (folder / f"{top}.py").is_file() for folder in folders)
