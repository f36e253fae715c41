"""Flows loaded from Python, JSON or YAML."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import attrs

from ..asl.text import canonical_text
from ..author import tokens
from ..author.functions import Function
from ..author.machine import StateMachine
from ..author.serial import dump
from ..base.diagnostics import AslPath, Diagnostic, FlowError
from ..base.imports import import_from
from ..base.source import Span, display_path
from .mistakes import author_error, syntax_error
from .settings import Project, find

Type = Literal["STANDARD", "EXPRESS"]


@attrs.frozen
class Loaded:
    """A state machine that was read from a file."""

    file: Path
    name: str
    definition: dict[str, Any]
    """The ASL as JSON values."""
    text: str
    """The ASL as canonical text."""
    type: Type = "STANDARD"
    machine: StateMachine | None = None
    """The author's object, where the file is Python."""
    locate: Callable[[AslPath], Span | None] = attrs.field(default=lambda _: None, repr=False)
    """Where in the file stands what the definition has at a path."""
    twice: tuple[AslPath, ...] = ()
    """The keys that stand more than once in the file."""


def load(file: Path) -> list[Loaded]:
    """The state machines of a file: every StateMachine at the top level of a .py, or the one of a .json, .yaml or .yml.

    Python is executed in a module of its own, with the project's folder on `sys.path`; what it prints goes to stderr.
    Raises FlowError for a file that cannot be read, that fails, or that has no machine.
    """
    if not file.is_file():
        what = "is a folder, not a flow" if file.is_dir() else "there is no such file"
        raise FlowError.of(f"{display_path(file)}: {what}", code="FD702", hint="name a .py, .json, .yaml or .yml file")
    file = file.resolve()
    suffix = file.suffix.lower()
    if suffix == ".py":
        return _load_python(file, find(file.parent))
    if suffix in (".json", ".yaml", ".yml"):
        return [_load_document(file, suffix)]
    raise FlowError.of(
        f"{display_path(file)} is not a flow", code="FD702", hint="name a .py, .json, .yaml or .yml file"
    )


def _load_document(file: Path, suffix: str) -> Loaded:
    from ..base import document

    try:
        content = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise FlowError.of(f"{display_path(file)} cannot be read: {reason}", code="FD702") from None
    read = document.read_json if suffix == ".json" else document.read_yaml
    found = read(content, display_path(file))
    if not isinstance(found.value, dict):
        raise FlowError.of(
            "a definition is a JSON object",
            code="FD704",
            span=found.span(()),
            hint='write {"StartAt": …, "States": {…}}',
        )
    name = file.stem.removesuffix(".asl")
    return Loaded(file, name, found.value, canonical_text(found.value), locate=found.span, twice=found.twice)


def _load_python(file: Path, project: Project) -> list[Loaded]:
    before = tokens.moment()
    module = _execute(file, project.root)
    machines: dict[int, StateMachine] = {
        id(value): value for value in vars(module).values() if isinstance(value, StateMachine)
    }
    if not machines:
        raise FlowError.of(
            "there is no state machine in this file",
            code="FD705",
            span=Span(display_path(file), 1),
            hint='assign one at the top level: machine = StateMachine("payment", chain(...))',
        )
    next(iter(machines.values())).problems.extend(_unused_tokens(before))
    loaded = []
    for machine in machines.values():
        definition = dump(machine)
        loaded.append(
            Loaded(file, machine.name, definition, canonical_text(definition), machine.type, machine, machine.span)
        )
    return loaded


def _unused_tokens(before: int) -> list[Diagnostic]:
    """The f-strings with expressions that no machine of the file uses: their text was taken apart or dropped."""
    return [
        Diagnostic(
            "FD215",
            f"the f-string with {token.text} is used in no state",
            span=token.origin.span() if token.origin else None,
            hint="use it as a value in a state of the flow, unchanged; the functions of fn change texts",
        )
        for token in tokens.unused_since(before)
    ]


def _execute(file: Path, root: Path) -> ModuleType:
    import_from(root)
    name = f"flow:{file.stem}"
    module = ModuleType(name)
    module.__file__, module.__package__ = str(file), ""
    before, sys.modules[name] = sys.modules.get(name), module
    try:
        with redirect_stdout(sys.stderr):
            SourceFileLoader(name, str(file)).exec_module(module)
    except SyntaxError as error:
        raise FlowError(syntax_error(error, file)) from error
    except (Exception, SystemExit) as error:
        raise FlowError(*author_error(error, file, root)) from error
    finally:
        if before is not None:
            sys.modules[name] = before
    return module


def functions(machines: list[Loaded]) -> list[Function]:
    """The Lambda functions of all machines."""
    return [function for loaded in machines if loaded.machine for function in loaded.machine.functions.values()]


def definitions(machines: list[Loaded]) -> Mapping[str, str]:
    """What a build writes: file name to text, of machines that `review` finds nothing wrong with."""
    return {f"{loaded.name}.asl.json": loaded.text for loaded in machines}
