"""The errors that the Python of a handler may raise, read from its text: importing it would need what it depends on.

A name is known if the handler or a module of the project that it imports raises or mentions it. Lambda reports an
exception by the name of its class (Lambda Developer Guide, "Lambda function handler in Python", "errorType").
"""

from __future__ import annotations

import builtins
import re
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from ..author.functions import Function
from ..base.record import Record

_IMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+(\.*[\w.]*)[ \t]+import[ \t]+(\([^)]*\)|[^\n#]*)|import[ \t]+([\w., \t]+))", re.M
)
_CLASS = re.compile(r"^[ \t]*class[ \t]+(\w+)", re.M)
_RAISE = re.compile(r"^[ \t]*raise[ \t]+(?:\w+\.)*([A-Z]\w*)", re.M)
_WORD = re.compile(r"\b[A-Z]\w*")
_LINES_THAT_ONLY_NAME = re.compile(r"^[ \t]*(?:class[ \t]+\w+|#)[^\n]*", re.M)
_BUILTINS = frozenset(name for name in dir(builtins) if name[:1].isupper())
MOST_FILES = 300


class Raised(Record):
    """What a handler may raise."""

    names: frozenset[str]
    """The classes that its code raises."""
    mentioned: frozenset[str]
    """All names with a capital in its code; one of them may be raised, too."""
    classes: frozenset[str]
    """The classes that its code defines."""
    imports_others: bool
    """True if it imports packages from outside the project and the standard library, whose errors are not known."""

    def may_raise(self, name: str) -> bool:
        """Return True if the code names the error, or Python has it."""
        return name in self.mentioned or name in _BUILTINS


def read_raised(functions: Iterable[Function], root: Path) -> Raised | None:
    """Read what any of these functions may raise; None if the code of one is not here."""
    parts = []
    for function in functions:
        name = function.handler.rpartition(".")[0]
        file = root.joinpath(function.source, *name.split(".")).with_suffix(".py")
        if not function.source or not file.is_file():
            return None
        parts.append(_read(file, root.joinpath(function.source), root))
    if not parts:
        return None
    nothing: frozenset[str] = frozenset()
    return Raised(
        nothing.union(*(each.names for each in parts)),
        nothing.union(*(each.mentioned for each in parts)),
        nothing.union(*(each.classes for each in parts)),
        any(each.imports_others for each in parts),
    )


@cache
def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""


@cache
def _read(file: Path, folder: Path, root: Path) -> Raised:
    names: set[str] = set()
    mentioned: set[str] = set()
    classes: set[str] = set()
    others = False
    todo, seen = [file], {file}
    while todo:
        each = todo.pop()
        text = _text(each)
        names.update(_RAISE.findall(text))
        classes.update(_CLASS.findall(text))
        mentioned.update(_WORD.findall(_LINES_THAT_ONLY_NAME.sub("", text)))
        for module in _imported(each, text, root):
            files = [*_files(module, folder), *_files(module, root)]
            if not files and module.partition(".")[0] not in sys.stdlib_module_names:
                others = others or not _is_below(module, folder, root)
            todo.extend(new for new in files if new not in seen)
            seen.update(files)
        if len(seen) > MOST_FILES:
            others = True
            break
    return Raised(frozenset(names), frozenset(mentioned | names), frozenset(classes), others)


def _imported(file: Path, text: str, root: Path) -> Iterable[str]:
    """Yield the dotted names that a file imports: modules, and what may be modules in them."""
    for source, names, plain in _IMPORT.findall(text):
        if plain:
            yield from (each.split()[0] for each in plain.split(",") if each.strip())
            continue
        module = source.lstrip(".")
        if level := len(source) - len(module):
            try:
                inside = file.parent.relative_to(root).parts
            except ValueError:
                continue
            module = ".".join([*inside[: len(inside) - level + 1], *filter(None, [module])])
        yield module
        yield from (f"{module}.{name}" for name in re.findall(r"(\w+)(?:\s+as\s+\w+)?\s*(?:,|\)|$)", names))


def _files(module: str, root: Path) -> list[Path]:
    base = root.joinpath(*module.split("."))
    return [path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()]


def _is_below(module: str, folder: Path, root: Path) -> bool:
    """Return True for a name inside a module of the project, and for one of its folders without __init__.py."""
    parts = module.split(".")
    return any(_files(".".join(parts[:-1]), each) or each.joinpath(*parts).is_dir() for each in (folder, root))
