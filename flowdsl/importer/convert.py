"""From definitions to the text of a Python file that compiles to the same definitions."""

from __future__ import annotations

from collections.abc import Sequence

from ..base.diagnostics import AslPath, Diagnostic, FlowError
from .graph import Options
from .module import Module, write_module
from .proof import compiled_machines, differing_states
from .source import Imported

_ATTEMPTS = ("has_helpers", "has_outs", "has_defaults", "has_guards", "has_loops")
"""The idioms that are given up, one after the other, if the module does not compile to the same definitions."""


def converted(sources: Sequence[Imported]) -> Module:
    """The Python file for the definitions. Raises FlowError for a definition that the authoring API cannot say."""
    options = [Options() for _ in sources]
    for attempt in ("", *_ATTEMPTS):
        if attempt:
            for each in options:
                setattr(each, attempt, False)
        module = _same(sources, options)
        if module is not None:
            return module
    raise FlowError(*_differences(sources, options))


def _same(sources: Sequence[Imported], options: list[Options]) -> Module | None:
    """The module, if it compiles to the same definitions."""
    module = write_module(sources, options)
    machines = compiled_machines(module.body)
    if len(machines) != len(sources):
        return None
    same = [
        machine.type == source.type and differing_states(source.definition, machine) is None
        for source, machine in zip(sources, machines, strict=True)
    ]
    return module if all(same) else None


def _differences(sources: Sequence[Imported], options: list[Options]) -> list[Diagnostic]:
    module = write_module(sources, options)
    problems: list[Diagnostic] = []
    for source, machine in zip(sources, compiled_machines(module.body), strict=True):
        names = differing_states(source.definition, machine)
        for name in names if names is not None else ():
            path: AslPath = ("States", name)
            problems.append(
                Diagnostic(
                    "FD730",
                    f"the state {name!r} cannot be written in Python so that it compiles to the same definition",
                    path,
                    span=source.locate(path),
                    hint="keep it in its file, which flowdsl checks, runs and builds too, or change the state",
                )
            )
        if names == []:
            problems.append(
                Diagnostic("FD730", "the definition cannot be written in Python", (), span=source.locate(()))
            )
    return problems
