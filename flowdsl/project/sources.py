"""Python of the project, compiled from its source each time: byte code beside it may be older than it looks."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

from ..base.record import Record
from ..base.unsaved import read_source
from .mistakes import is_authors


class SourceLoader(SourceFileLoader):
    """Neither reads byte code nor leaves any.

    Python takes cached byte code for current if the source's size and the second of its last change are the same.
    """

    def get_data(self, path: str) -> bytes:
        return read_source(Path(path))

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002 - the loader's interface
        code: CodeType = self.source_to_code(self.get_data(self.path), self.path)
        return code


class _Finder(Record):
    """Finds the modules of a project for `import`."""

    root: Path

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path, target)
        if spec is None or type(spec.loader) is not SourceFileLoader or spec.origin is None:
            return spec
        if is_authors(Path(spec.origin), self.root):
            spec.loader = SourceLoader(name, spec.origin)
        return spec


@contextmanager
def importing_sources(root: Path) -> Iterator[None]:
    """Have the imports meanwhile compile the project's modules from their source."""
    finder = _Finder(root)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
