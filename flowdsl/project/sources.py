"""Python of the project, compiled from its source each time: byte code beside it may be older than it looks."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType, NoneType

from ..author.tokens import KEEPS_TEXTS, READ_BY, READS_TEXTS, followed
from ..base.record import Record
from ..base.source import FOLLOWED
from ..base.unsaved import read_source
from .mistakes import is_authors


class SourceLoader(SourceFileLoader):
    """Neither reads byte code nor leaves any.

    Python takes cached byte code for current if the source's size and the second of its last change are the same.
    """

    def get_data(self, path: str) -> bytes:
        return read_source(Path(path))

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002 - the loader's interface
        tree = ast.parse(self.get_data(self.path), self.path)
        _follow_texts(tree)
        code: CodeType = self.source_to_code(tree, self.path)
        return code

    def exec_module(self, module: ModuleType) -> None:
        setattr(module, FOLLOWED, followed)
        super().exec_module(module)


def _follow_texts(tree: ast.AST) -> None:
    """Hand each f-string, and each function that may get one, to `followed` (see author/tokens.py)."""
    todo = [tree]
    while todo:
        node = todo.pop()
        if node.__class__ in _PATTERNS:  # these hold attributes, and no calls
            continue
        for name, value in vars(node).items():
            if value.__class__ is list:
                for index, each in enumerate(value):
                    if each.__class__ in _CHANGED:
                        value[index] = _followed(each)
                    if each.__class__ not in _LEAVES:
                        todo.append(each)
                if name in _STATEMENTS and any(each.__class__ is ast.ImportFrom for each in value):
                    value[:] = _with_followed(value)
            elif value.__class__ not in _LEAVES:
                todo.append(value)
                if value.__class__ in _CHANGED and name != "format_spec":  # Python wants an f-string there
                    setattr(node, name, _followed(value))


_LEAVES = frozenset({ast.Name, ast.Constant, ast.Load, ast.Store, bool, int, str, NoneType})
_STATEMENTS = ("body", "orelse", "finalbody")
_CHANGED = (ast.JoinedStr, ast.Call, ast.Compare, ast.Attribute)
_PATTERNS = (ast.MatchValue, ast.MatchMapping, ast.MatchClass)


def _followed(node: ast.expr) -> ast.expr:
    match node:
        case ast.JoinedStr():
            return _call(node, node)
        case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name)) if name in KEEPS_TEXTS:
            return _call(node, node)
        case ast.Call(func=ast.Name(id="getattr")):
            return _call(node, node)
        case ast.Attribute(attr=name, ctx=ast.Load()) if name in READS_TEXTS:
            return _call(node, node)
        case ast.Compare(ops=[ast.In() | ast.NotIn()]):
            node.left = _call(node.left, node, ast.copy_location(ast.Constant("in"), node))
    return node


def _with_followed(body: list[ast.stmt]) -> list[ast.stmt]:
    """The statements, and behind each import of functions that read texts, these handed to `followed`."""
    statements: list[ast.stmt] = []
    for each in body:
        statements.append(each)
        if isinstance(each, ast.ImportFrom) and each.module in READ_BY:
            for name in (alias.asname or alias.name for alias in each.names if alias.name != "*"):
                target = ast.copy_location(ast.Name(name, ast.Store()), each)
                function = _call(ast.copy_location(ast.Name(name, ast.Load()), each), each)
                statements.append(ast.copy_location(ast.Assign([target], function), each))
    return statements


def _call(argument: ast.expr, place: ast.expr | ast.stmt, *others: ast.expr) -> ast.Call:
    function = ast.copy_location(ast.Name(FOLLOWED, ast.Load()), place)
    return ast.copy_location(ast.Call(function, [argument, *others], []), place)


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
