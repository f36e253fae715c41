"""The Lambda functions of a project as handlers in this process, each imported when it is called first.

Functions that a flow in Python declares are imported from the project's folder, as their packages have them. Functions
that are only named, for a definition from elsewhere, are imported as Lambda's runtime does it, with their own folder as
the root: each has its modules for itself.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, redirect_stdout
from importlib import import_module
from pathlib import Path, PurePosixPath
from traceback import walk_tb
from types import ModuleType
from typing import Any

from attrs import define, field

from ..author.functions import Function
from ..base.diagnostics import FlowError
from ..base.imports import defines, import_from, parse
from ..base.source import Span, display_path
from .lambdas import Handler, Hosted

MAX_SECONDS = 900.0
"""How long a function may run whose own timeout is not known: the most that Lambda allows."""


def handlers_of(
    functions: Iterable[Function], named: Mapping[str, str | Path], *, root: Path, region: str
) -> dict[str, Handler]:
    """The functions that flows declare, and the `named` ones (a folder, or `folder/file.py:function`), by name.

    Both are below `root`, the project's folder; `region` is in their environment. What they print goes to stderr, as it
    would go to their log. Raises FlowError where a handler is not there; calling one raises FlowError where its module
    cannot be imported, for that is no error that a flow should handle.
    """
    variables = {"AWS_REGION": region, "AWS_DEFAULT_REGION": region}
    handlers: dict[str, Handler] = {each.name: _declared(each, root, variables) for each in functions}
    for name, place in named.items():
        handlers[name] = _named(name, place, root, variables)
    return handlers


def _declared(function: Function, root: Path, environment: Mapping[str, str]) -> Hosted:
    module, _, attribute = function.handler.rpartition(".")
    file = root.joinpath(function.source, *module.split(".")).with_suffix(".py")
    span = function.origin.span() if function.origin else None
    hint = "correct `source` or `handler`, which is module.function within the folder"
    _require(function.name, file, attribute, span, hint)
    dotted = ".".join([*PurePosixPath(function.source).parts, module])

    @contextmanager
    def at_root() -> Iterator[None]:
        import_from(root)
        yield

    handler = _imported_when_called(function.name, dotted, attribute, file, at_root)
    return Hosted(_within(handler, {**environment, **function.environment}), function.timeout, function.memory)


def _named(name: str, place: str | Path, root: Path, environment: Mapping[str, str]) -> Hosted:
    """A function at `folder`, in its handler.py, or at `folder/file.py:function`."""
    path, _, function = str(place).rpartition(":") if ":" in Path(place).name else (str(place), "", "")
    file = Path(os.path.normpath(root / path))
    attribute = function or "handler"
    if file.suffix != ".py":
        file /= "handler.py"
    hint = f"correct --handler {name}=…, handlers={{{name!r}: …}}, or {name} in [tool.flowdsl.handlers]"
    _require(name, file, attribute, None, hint)
    modules = _Modules(file.parent)
    handler = _imported_when_called(name, file.stem, attribute, file, modules.current)
    return Hosted(_within(handler, environment), MAX_SECONDS)


def _require(name: str, file: Path, attribute: str, span: Span | None, hint: str) -> None:
    said = None
    if not file.is_file():
        said = f"there is no {display_path(file)}"
    elif not defines(parse(file), attribute):
        said = f"{display_path(file)} defines no {attribute}"
    if said is not None:
        raise FlowError.of(f"function {name!r}: {said}", code="FD710", span=span, hint=hint)


def _imported_when_called(
    name: str, module: str, attribute: str, file: Path, place: Callable[[], AbstractContextManager[None]]
) -> Handler:
    def handler(event: Any, context: Any) -> Any:
        with place():
            try:
                call: Callable[[Any, Any], Any] = getattr(import_module(module), attribute)
            except Exception as error:
                said = f"{type(error).__name__}: {error}{_raised_at(error, file.parent)}"
                raise FlowError.of(
                    f"function {name!r}: {display_path(file)} cannot be imported: {said}",
                    code="FD710",
                    hint="mend it, install what it needs, or mock the function",
                ) from error
            return call(event, context)

    return handler


def _raised_at(error: Exception, folder: Path) -> str:
    """The innermost line below the function's folder."""
    frames = [(Path(frame.f_code.co_filename), line) for frame, line in walk_tb(error.__traceback__)]
    places = [f" (at {display_path(file)}:{line})" for file, line in frames if file.is_relative_to(folder)]
    return places[-1] if places else ""


def _within(handler: Handler, environment: Mapping[str, str]) -> Handler:
    """The handler with the function's environment variables; what the user has set for this run stays."""

    def handle(event: Any, context: Any) -> Any:
        added = {key: value for key, value in environment.items() if key not in os.environ}
        os.environ.update(added)
        try:
            with redirect_stdout(sys.stderr):
                return handler(event, context)
        finally:
            for key in added:
                os.environ.pop(key, None)

    return handle


@define
class _Modules:
    """The modules of a folder, which are imported by their bare names: out of sight whenever its function is not
    called, for the next function may have others of the same names."""

    folder: Path
    _own: dict[str, ModuleType] = field(factory=dict, init=False)
    _names: frozenset[str] = field(init=False)

    @_names.default
    def _find_names(self) -> frozenset[str]:
        return frozenset(entry.stem for entry in self.folder.iterdir()) - sys.stdlib_module_names

    @contextmanager
    def current(self) -> Iterator[None]:
        path = sys.path[:]
        hidden = self._hide()
        known = set(sys.modules)
        sys.modules.update(self._own)
        sys.path.insert(0, str(self.folder))
        try:
            yield
        finally:
            sys.path[:] = path
            new = [name for name in set(sys.modules) - known if name.partition(".")[0] in self._names]
            self._own |= {name: sys.modules.pop(name) for name in new}
            sys.modules.update(hidden)

    def _hide(self) -> dict[str, ModuleType]:
        """Take modules of these names that are from elsewhere out of what Python has imported."""
        if not any(name in sys.modules for name in self._names):
            return {}
        named = [name for name in sys.modules if name.partition(".")[0] in self._names]
        return {name: sys.modules.pop(name) for name in named if not self._holds(sys.modules[name])}

    def _holds(self, module: ModuleType) -> bool:
        """Whether the module is one of the folder's, which somebody else has imported."""
        file = getattr(module, "__file__", None)
        return file is not None and Path(file).is_relative_to(self.folder)
