"""The imports of a Python file, found without running it, and their files in the project."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator
from functools import lru_cache
from io import BytesIO
from pathlib import Path

from .bindings import bindings_of
from .diagnostics import FlowError
from .record import Record
from .source import Span, display_path
from .unsaved import read_source

STANDARD_LIBRARY = sys.stdlib_module_names | {"annotationlib", "compression"}
"""The modules of the Python that runs flowdsl, and those added in newer versions that Lambda supports."""


class Import(Record):
    """`import module`, or `from module import names`; the module is absolute, empty for the project's root.

    `optional` where the file handles its absence.
    """

    module: tuple[str, ...]
    names: tuple[str, ...]
    span: Span
    optional: bool

    def __str__(self) -> str:
        return ".".join(self.module)


def parse(file: Path) -> ast.Module:
    """Parse a file; callers must not change the tree, which is shared. Raises FlowError for invalid Python."""
    return _parse(read_source(file), file)


@lru_cache(1000)  # functions share modules
def _parse(content: bytes, file: Path) -> ast.Module:
    try:
        tree = ast.parse(content, display_path(file))
        if not content.isascii():  # ast.parse takes other bytes in comments; an import does not.
            from tokenize import detect_encoding  # few files need it

            content.decode(detect_encoding(BytesIO(content).readline)[0])
    except (SyntaxError, ValueError, RecursionError) as error:
        version = ".".join(map(str, sys.version_info[:3]))
        line, column = getattr(error, "lineno", None) or 1, getattr(error, "offset", None) or 1
        if isinstance(error, UnicodeDecodeError):
            line = content.count(b"\n", 0, error.start) + 1
        raise FlowError.of(
            f"not Python {version}: {getattr(error, 'msg', error)}",
            code="FD602",
            span=Span(display_path(file), line, max(column, 1)),
            hint="fix the syntax, or run flowdsl with the Python version that the function is written for",
        ) from None
    return tree


def imports(file: Path, package: tuple[str, ...]) -> tuple[Import, ...]:
    """Every import of a file of `package` that may run, in functions too, in no particular order.

    Those under `if TYPE_CHECKING` never run. `importlib.import_module` counts where it is given a literal. Raises
    FlowError for invalid Python, and for a relative import that leaves the project's folder.
    """
    return _imports(read_source(file), file, package)


@lru_cache(1000)  # functions share modules
def _imports(content: bytes, file: Path, package: tuple[str, ...]) -> tuple[Import, ...]:
    children = ast.iter_child_nodes if b"import_module" in content else _statements
    return tuple(_walk(_parse(content, file), package, file, children))


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """The statements inside a statement: where nothing calls `import_module`, expressions import nothing."""
    for name in ("body", "orelse", "finalbody", "handlers", "cases"):
        inside = getattr(node, name, ())
        if isinstance(inside, list):  # a lambda's body is an expression
            yield from inside


def _walk(
    tree: ast.Module, package: tuple[str, ...], file: Path, children: Callable[[ast.AST], Iterator[ast.AST]]
) -> Iterator[Import]:

    def where(node: ast.stmt | ast.expr) -> Span:
        return Span(display_path(file), node.lineno, node.col_offset + 1)

    rest: list[tuple[ast.AST, bool]] = [(tree, False)]
    while rest:
        node, optional = rest.pop()
        if isinstance(node, ast.If) and _is_type_checking(node.test):
            rest += [(child, optional) for child in node.orelse]
            continue
        if isinstance(node, ast.Try | ast.TryStar):
            handled = optional or any(_handles_absence(handler) for handler in node.handlers)
            rest += [(child, handled) for child in node.body]
            rest += [(child, optional) for child in (*node.handlers, *node.orelse, *node.finalbody)]
            continue
        rest += [(child, optional) for child in children(node)]
        match node:
            case ast.Import(names=aliases):
                for alias in aliases:
                    yield Import(tuple(alias.name.split(".")), (), where(node), optional)
            case ast.ImportFrom(module=module, names=aliases, level=level):
                names = tuple(alias.name for alias in aliases if alias.name != "*")
                at = where(node)
                yield Import(_absolute(module or "", level, package, at), names, at, optional)
            case ast.Call(func=function, args=[ast.Constant(value=str(name)), *_]) if _is_import_module(function):
                relative = name.lstrip(".")
                at = where(node)
                yield Import(_absolute(relative, len(name) - len(relative), package, at), (), at, optional)


def find(root: Path, module: tuple[str, ...]) -> list[Path] | None:
    """The files that run when the module is imported, its packages' `__init__.py` first; None if there is
    none.

    No files for a folder without `__init__.py` (a namespace package).
    """
    files: list[Path] = []
    folder = root
    for number, part in enumerate(module, 1):
        package, file = folder / part / "__init__.py", folder / f"{part}.py"
        if package.is_file():
            files.append(package)
        elif file.is_file():
            return [*files, file] if number == len(module) else None
        elif not (folder / part).is_dir():
            return None
        folder /= part
    return files


def defines(tree: ast.Module, name: str) -> bool:
    """True if importing the module may define this name in it."""
    bound = bindings_of(tree)
    return name in bound or "*" in bound


def _absolute(module: str, level: int, package: tuple[str, ...], where: Span) -> tuple[str, ...]:
    parts = tuple(module.split(".")) if module else ()
    if level == 0:
        return parts
    if level > len(package):
        raise FlowError.of(
            "relative import leaves the project's folder", code="FD603", span=where, hint="use fewer dots"
        )
    return package[: len(package) - level + 1] + parts


def _is_type_checking(test: ast.expr) -> bool:
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (
        isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING"
    )


def _handles_absence(handler: ast.ExceptHandler) -> bool:
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(
        kind is None
        or (
            isinstance(kind, ast.Name)
            and kind.id in {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}
        )
        for kind in caught
    )


def _is_import_module(function: ast.expr) -> bool:
    if isinstance(function, ast.Attribute):
        return function.attr == "import_module"
    return isinstance(function, ast.Name) and function.id in {"import_module", "__import__"}


def import_from(root: Path) -> None:
    """Put the project's folder first on `sys.path`."""
    if sys.path[:1] != [str(root)]:
        sys.path[:] = [str(root), *(folder for folder in sys.path if folder != str(root))]
