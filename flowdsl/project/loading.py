"""Flows loaded from Python, JSON or YAML."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from contextlib import redirect_stdout
from pathlib import Path
from types import ModuleType

from ..asl.text import canonical_text
from ..author import tokens
from ..author.fields import noting_elements
from ..author.functions import Function
from ..author.machine import StateMachine
from ..author.serial import dump
from ..author.unplaced import unplaced
from ..base.arguments import Mistake, noting_mistakes
from ..base.diagnostics import Diagnostic, FlowError
from ..base.files import read_stdin
from ..base.imports import import_from
from ..base.interrupts import pass_on_interrupt
from ..base.patterns import regex
from ..base.record import evolve
from ..base.source import Span, display_path
from ..base.unsaved import is_unsaved
from .loaded import Loaded, substituted
from .mistakes import author_error, noted_mistakes, syntax_error
from .sdk_objects import load_sdk_objects
from .settings import default_flows, find
from .sources import SourceLoader, importing_sources

STDIN = Path("-")
_IMPORT = regex(r"^(?:from [\w.]+ import |import [\w., ]+$)", re.MULTILINE)
"""A line of Python that is none of JSON or YAML with a definition."""


def load(file: Path, substitutions: Mapping[str, str] | None = None) -> list[Loaded]:
    """Load the state machines of a file: every StateMachine at the top level of a .py file (if there is none, every
    workflow of the Data Science SDK), the definition of a .json, .yaml or .yml file, or those of a template:
    CloudFormation, SAM or serverless.yml.

    `substitutions` fills placeholders by name. Python runs in a module of its own, with the project's folder on
    `sys.path`; what it prints goes to stderr. Raises FlowError if the file cannot be read, fails, or defines no state
    machine. `-` is a definition or template on stdin.
    """
    if file == STDIN:
        from .documents import load_text

        text = read_stdin(code="FD704")
        if _IMPORT.search(text):
            hint = "write it to a file, for it imports what is beside it, and give that file"
            raise FlowError.of("stdin has Python, not a definition or template", code="FD702", hint=hint)
        suffix = ".json" if text.lstrip().startswith("{") else ".yaml"
        return load_text(text, Path("stdin"), suffix, substitutions or {})
    if not file.is_file() and not is_unsaved(file):
        what = "is a folder, not a flow" if file.is_dir() else "is not a file" if file.exists() else "does not exist"
        raise FlowError.of(f"{display_path(file)} {what}", code="FD702", hint="give a .py, .json, .yaml or .yml file")
    file = file.resolve()
    suffix = file.suffix.lower()
    if suffix == ".py":
        return substituted(_load_python(file, find(file.parent).root), substitutions or {})
    if suffix in (".json", ".yaml", ".yml", ".template"):
        from .documents import load_document

        return load_document(file, suffix, substitutions or {})
    raise FlowError.of(
        f"{display_path(file)} is not a flow", code="FD702", hint="give a .py, .json, .yaml or .yml file"
    )


def _load_python(file: Path, root: Path) -> list[Loaded]:
    before = tokens.moment()
    with noting_elements() as written, noting_mistakes() as mistakes:
        module = _execute(file, root, mistakes)
    machines: dict[int, StateMachine] = {
        id(value): value for value in vars(module).values() if isinstance(value, StateMachine)
    }
    if not machines:
        loaded = load_sdk_objects(vars(module), file)
        if loaded:
            return loaded
        raise FlowError.of(
            "this file defines no state machine",
            code="FD705",
            span=Span(display_path(file), 1),
            hint='assign one at the top level: machine = StateMachine("payment", chain(...))',
        )
    next(iter(machines.values())).problems.extend([*noted_mistakes(mistakes), *_misused_tokens(before)])
    loaded = []
    for machine in machines.values():
        definition = dump(machine)
        loaded.append(
            Loaded(file, machine.name, definition, canonical_text(definition), machine.type, machine, machine.span)
        )
    for each in loaded:
        if each.machine:
            each.machine.problems.extend(_descriptions(before, each.text))
    return [evolve(loaded[0], warnings=tuple(unplaced(written, str(file)))), *loaded[1:]]


def _descriptions(before: tokens.Moment, definition: str) -> list[Diagnostic]:
    """The texts that Python has for expressions, as parts of a definition."""
    return [
        Diagnostic(
            "FD215",
            f"{text} in the definition is Python's text of an expression, not its value",
            span=origin.span(),
            hint="put the expression itself there, or into an f-string",
        )
        for text, origin in tokens.descriptions_in(before, definition).items()
    ]


def _misused_tokens(before: tokens.Moment) -> list[Diagnostic]:
    """The f-strings with expressions that Python changed, or that no machine uses: taken apart or dropped."""
    return [
        Diagnostic(
            "FD215",
            f"the f-string with {token.text} is changed by Python, which cannot change the expression's value"
            if token.is_changed
            else f"the f-string with {token.text} is used in no state",
            span=token.origin.span() if token.origin else None,
            hint="use a function of fn instead: fn.uppercase(text), fn.trim(text), fn.replace(text, '-', '_')"
            if token.is_changed
            else "use it as a value in a state of the flow, unchanged; change it with fn, as in fn.split(text, '-')",
        )
        for token in tokens.misused_since(before)
    ]


def _execute(file: Path, root: Path, mistakes: list[Mistake]) -> ModuleType:
    import_from(root)
    name = f"flow:{file.stem}"
    module = ModuleType(name)
    module.__file__, module.__package__ = str(file), ""
    before, sys.modules[name] = sys.modules.get(name), module
    try:
        with redirect_stdout(sys.stderr), importing_sources(root):
            SourceLoader(name, str(file)).exec_module(module)
    except SyntaxError as error:
        raise FlowError(syntax_error(error, file)) from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a flow's own may be derived from it
        pass_on_interrupt(error)
        if type(error).__module__.startswith("_pytest"):
            raise  # a test ends
        noted = noted_mistakes(mistakes)
        lines = {(each.span.file, each.span.line) for each in noted if each.span}
        raised = author_error(error, file, root)
        others = [each for each in raised if not each.span or (each.span.file, each.span.line) not in lines]
        raise FlowError(*noted, *others) from error
    finally:
        if before is not None:
            sys.modules[name] = before
    return module


def load_flows(file: Path | None = None, substitutions: Mapping[str, str] | None = None) -> list[Loaded]:
    """Load the state machines of a file, or without one those of all flows of the project around the current folder.

    Raises FlowError like `load`, and if pyproject.toml sets no flow.
    """
    return [each for one in ((file,) if file else default_flows()) for each in load(one, substitutions)]


def functions(machines: list[Loaded]) -> list[Function]:
    """The Lambda functions of all machines. Files that declare the same function have an object of it each: one counts.

    Two different declarations of one name stay two, which `flowdsl check` reports.
    """
    every = [function for loaded in machines if loaded.machine for function in loaded.machine.functions.values()]
    return [function for index, function in enumerate(every) if function not in every[:index]]


def definitions(machines: list[Loaded]) -> Mapping[str, str]:
    """The definitions of a build: text by file name."""
    return {f"{loaded.name}.asl.json": loaded.text for loaded in machines}
