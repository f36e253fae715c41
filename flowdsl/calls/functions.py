"""The Lambda functions of a project as handlers in this process, each imported at its first call.

Functions that a flow in Python declares are imported from the project's folder, the root of their packages. Functions
of existing definitions, which the user names, are imported as Lambda's runtime does it: with their own folder as the
root, and with modules of their own.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from importlib import import_module
from pathlib import Path, PurePosixPath
from traceback import walk_tb
from types import ModuleType
from typing import Any

from attrs import define, field

from ..author.functions import Function
from ..base.diagnostics import FlowError
from ..base.imports import defines, import_from, parse
from ..base.interrupts import pass_on_interrupt
from ..base.source import Span, display_path
from .lambdas import Handler, Hosted
from .sharing import REGION, share_process

MAX_SECONDS = 900.0
"""The timeout of a function whose own timeout is unknown: Lambda's maximum."""


def find_handlers(
    functions: Iterable[Function], places: Mapping[str, str | Path], *, root: Path, region: str
) -> dict[str, Handler]:
    """The handlers by function name: those that flows declare, and those at `places` (a folder, or
    `folder/file.py:function`).

    `root` is the project's folder; `region` is in the handlers' environment. What they print goes to stderr, in place
    of their log. Raises FlowError if a handler does not exist. Calling a handler raises FlowError if its module cannot
    be imported, because a flow should not catch that.
    """
    variables = dict.fromkeys(REGION, region)
    handlers: dict[str, Handler] = {each.name: _declared_handler(each, root, variables) for each in functions}
    for name, place in places.items():
        handlers[name] = _handler_at(name, place, root, variables)
    return handlers


def _declared_handler(function: Function, root: Path, environment: Mapping[str, str]) -> Hosted:
    module, _, attribute = function.handler.rpartition(".")
    file = root.joinpath(function.source, *module.split(".")).with_suffix(".py")
    span = function.origin.span() if function.origin else None
    hint = "correct `source`, or `handler`, which is module.function inside that folder"
    _require(function.name, file, attribute, span, hint)
    dotted = ".".join([*PurePosixPath(function.source).parts, module])

    @contextmanager
    def at_root() -> Iterator[None]:
        import_from(root)
        yield

    handler = _import_at_first_call(function.name, dotted, attribute, file, at_root)
    return Hosted(
        _with_environment(handler, {**function.environment, **environment}, root),
        function.timeout_seconds,
        function.memory,
    )


def _handler_at(name: str, place: str | Path, root: Path, environment: Mapping[str, str]) -> Hosted:
    """A function at `folder`, in its handler.py, or at `folder/file.py:function`."""
    path, _, function = str(place).rpartition(":") if ":" in Path(place).name else (str(place), "", "")
    file = Path(os.path.normpath(root / path))
    attribute = function or "handler"
    if file.suffix != ".py":
        file /= "handler.py"
    hint = f"correct --handler {name}=…, handlers={{{name!r}: …}}, or {name} in [tool.flowdsl.handlers]"
    _require(name, file, attribute, None, hint)
    modules = _Modules(file.parent)
    handler = _import_at_first_call(name, file.stem, attribute, file, modules.current)
    return Hosted(_with_environment(handler, environment, file.parent), MAX_SECONDS)


def _require(name: str, file: Path, attribute: str, span: Span | None, hint: str) -> None:
    problem = None
    if not file.is_file():
        problem = f"{display_path(file)} does not exist"
    elif not defines(parse(file), attribute):
        problem = f"{display_path(file)} does not define {attribute}"
    if problem is not None:
        raise FlowError.of(f"function {name!r}: {problem}", code="FD710", span=span, hint=hint)


def _import_at_first_call(
    name: str, module: str, attribute: str, file: Path, place: Callable[[], AbstractContextManager[None]]
) -> Handler:
    def handler(event: Any, context: Any) -> Any:
        with place():
            try:
                call: Callable[[Any, Any], Any] = getattr(import_module(module), attribute)
            except Exception as error:
                pass_on_interrupt(error)
                reason = f"{type(error).__name__}: {error}{_innermost_place(error, file.parent)}"
                raise FlowError.of(
                    f"function {name!r}: {display_path(file)} cannot be imported: {reason}",
                    code="FD710",
                    hint=_shadow(error, file) or "fix it, install what it imports, or mock the function",
                ) from error
            return call(event, context)

    return handler


def _shadow(error: Exception, file: Path) -> str | None:
    """A hint if another package has the name of a folder around the file, and so is imported in its place.

    A folder without __init__.py loses to a package of its name anywhere on `sys.path`.
    """
    if not isinstance(error, ModuleNotFoundError) or not error.name:
        return None
    top = error.name.partition(".")[0]
    folder = next((each for each in file.parents if each.name == top), None)
    package = getattr(sys.modules.get(top), "__file__", None)
    if folder is None or package is None or Path(package).is_relative_to(folder):
        return None
    return f"{package} is imported in its place: add {display_path(folder / '__init__.py')}"


def _innermost_place(error: Exception, folder: Path) -> str:
    """The innermost line below the function's folder."""
    frames = [(Path(frame.f_code.co_filename), line) for frame, line in walk_tb(error.__traceback__)]
    places = [f" (at {display_path(file)}:{line})" for file, line in frames if file.is_relative_to(folder)]
    return places[-1] if places else ""


def _with_environment(handler: Handler, environment: Mapping[str, str], folder: Path) -> Handler:
    """Wrap the handler to run with the function's environment variables and the modules of its folder."""

    def handle(event: Any, context: Any) -> Any:
        with share_process(environment, str(folder)):
            return handler(event, context)

    return handle


@define
class _Modules:
    """The modules of a function's folder, imported by their bare names.

    They are in `sys.modules` only during the function's calls, because another function may have modules of the same
    names.
    """

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
        """Remove modules of these names that come from elsewhere from `sys.modules`, and return them."""
        if not any(name in sys.modules for name in self._names):
            return {}
        names = [name for name in sys.modules if name.partition(".")[0] in self._names]
        return {name: sys.modules.pop(name) for name in names if not self._holds(sys.modules[name])}

    def _holds(self, module: ModuleType) -> bool:
        """True if the module is in this folder, although it was imported elsewhere."""
        file = getattr(module, "__file__", None)
        return file is not None and Path(file).is_relative_to(self.folder)
