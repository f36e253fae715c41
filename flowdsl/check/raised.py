"""The errors that the Python of a handler may raise, read from its text: importing it would need what it depends on.

A name is known if the handler or a module of the project that it imports raises or mentions it. Lambda reports an
exception by the name of its class (Lambda Developer Guide, "Lambda function handler in Python", "errorType").
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Iterable, Iterator
from functools import cached_property, lru_cache
from pathlib import Path

from ..author.functions import Function
from ..base.patterns import regex
from ..base.reads import Names, is_file
from ..base.unsaved import read_source

# Each begins with what a search skips to quickly: "\n" in place of "^", and a set of letters in place of "\b".
_IMPORT = regex(r"\n[ \t]*(?:from[ \t]+(\.*[\w.]*)[ \t]+import[ \t]+(\([^)]*\)|[^\n#]*)|import[ \t]+([\w., \t]+))")
_MEMBER = regex(r"(\w+)(?:\s+as\s+\w+)?\s*(?:,|\)|$)")
_CLASS = regex(r"\n[ \t]*class[ \t]+(\w+)")
_RAISE = regex(r"\n[ \t]*raise[ \t]+(?:\w+\.)*([A-Z]\w*)")
_WORD = regex(r"\w+")
_LINES_THAT_ONLY_NAME = regex(r"\n[ \t]*(?:class[ \t]+\w+|#)[^\n]*")
_BUILTINS = frozenset(name for name in dir(builtins) if name[:1].isupper())
MOST_FILES = 300


class Handlers:
    """The handlers of a project, and the modules that they import, for one check: each folder is listed once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._entries: dict[str, Names] = {}

    def raised(self, functions: Iterable[Function]) -> Raised | None:
        """What any of these functions may raise; None if the code of one is not here."""
        handlers = []
        for function in functions:
            name = function.handler.rpartition(".")[0]
            file = self.root.joinpath(function.source, *name.split(".")).with_suffix(".py")
            if not function.source or not is_file(file):
                return None
            handlers.append((str(file), str(self.root.joinpath(function.source))))
        return Raised(handlers, self) if handlers else None

    def entries(self, folder: str) -> Names:
        """The names of the files and folders in a folder; none if it is not there."""
        if folder not in self._entries:
            self._entries[folder] = Names(folder)
        return self._entries[folder]

    def files(self, module: str, members: Iterable[str], folder: str) -> Iterator[str]:
        """The files below a folder that the import of a module runs, and those of its members that are modules."""
        *packages, own = module.split(".")
        for each in packages:
            if each not in self.entries(folder):
                return
            folder = f"{folder}/{each}"
        if f"{own}.py" in self.entries(folder):
            yield f"{folder}/{own}.py"
            return
        folder = f"{folder}/{own}" if own else folder
        inside = self.entries(folder)
        if "__init__.py" in inside:
            yield f"{folder}/__init__.py"
        for member in members:
            if f"{member}.py" in inside:
                yield f"{folder}/{member}.py"
            if member in inside and "__init__.py" in self.entries(f"{folder}/{member}"):
                yield f"{folder}/{member}/__init__.py"

    def has(self, module: str, folder: str) -> bool:
        """Return True for a module of the project, a name inside one, and a folder without __init__.py."""
        top = module.partition(".")[0]
        return top in self.entries(folder) or f"{top}.py" in self.entries(folder)


class Raised:
    """What handlers may raise. Their files are read one after the other, only as far as somebody asks."""

    def __init__(self, files: Iterable[tuple[str, str]], handlers: Handlers) -> None:
        """`files`: the file of each handler, and the folder of its function."""
        self._texts: list[_Text] = []
        self._imports_others = False
        self._reading = self._read([*files], handlers)

    def may_raise(self, name: str) -> bool:
        """Return True if the code names the error, or Python has it."""
        if name in _BUILTINS or any(text.mentions(name) for text in self._texts):
            return True
        return any(text.mentions(name) for text in self._reading)

    @property
    def names(self) -> set[str]:
        """The classes that the code raises."""
        return {name for text in self._whole() for name in text.raised}

    @property
    def classes(self) -> set[str]:
        """The classes that the code defines."""
        return {name for text in self._whole() for name in text.classes}

    @property
    def imports_others(self) -> bool:
        """True if it imports packages from outside the project and the standard library, whose errors are not known."""
        self._whole()
        return self._imports_others

    def _whole(self) -> list[_Text]:
        for _ in self._reading:
            pass
        return self._texts

    def _read(self, waiting: list[tuple[str, str]], handlers: Handlers) -> Iterator[_Text]:
        """Read a file at each step, the handlers' own first."""
        root = str(handlers.root)
        seen = {file for file, _ in waiting}
        for file, folder in waiting:  # which grows
            try:
                text = _read_text(read_source(Path(file)))
            except OSError:
                continue
            self._texts.append(text)
            yield text
            folders = [root] if folder == root else [folder, root]
            for module, members in _absolute(text.imports, Path(file), handlers.root):
                files = [each for place in folders for each in handlers.files(module, members, place)]
                if not files and module.partition(".")[0] not in sys.stdlib_module_names:
                    is_own = any(handlers.has(module, each) for each in folders)
                    self._imports_others = self._imports_others or not is_own
                new = [each for each in files if each not in seen]
                waiting += [(each, folder) for each in new]
                seen.update(new)
            if len(seen) > MOST_FILES:
                self._imports_others = True
                return


class _Text:
    """What one file says by itself: read when it is asked."""

    def __init__(self, content: bytes) -> None:
        self._text = "\n" + content.decode("utf-8", "replace")

    def mentions(self, name: str) -> bool:
        """Return True if the code has the name, which may be raised then, other than to define its class."""
        return name in self._text and name in self._words

    @cached_property
    def _words(self) -> frozenset[str]:
        return frozenset(_WORD.findall(_LINES_THAT_ONLY_NAME.sub("", self._text)))

    @cached_property
    def raised(self) -> frozenset[str]:
        return frozenset(_RAISE.findall(self._text))

    @cached_property
    def classes(self) -> frozenset[str]:
        return frozenset(_CLASS.findall(self._text))

    @cached_property
    def imports(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Modules as they are written, with leading dots, and the names that are imported from them."""
        imports: list[tuple[str, tuple[str, ...]]] = []
        for source, names, plain in _IMPORT.findall(self._text):
            if plain:
                imports += [(each.split()[0], ()) for each in plain.split(",") if each.strip()]
            else:
                imports.append((source, tuple(_MEMBER.findall(names))))
        return tuple(imports)


_read_text = lru_cache(1000)(_Text)  # handlers share modules


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
