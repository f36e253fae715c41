"""From definitions to the text of a Python file that compiles to the same definitions."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from ..base.diagnostics import AslPath, Diagnostic, FlowError
from .graph import Options
from .module import Module, write_module
from .proof import compiled_machines, differing_states
from .source import Imported
from .states import NotSaid
from .values import REFUSED

_IDIOMS = ("has_helpers", "has_outs", "has_defaults", "has_guards", "has_loops", "has_chains")
"""What is given up if the module does not compile to the same definitions: each alone, and then one after the other."""
_ATTEMPTS = ((), *((idiom,) for idiom in _IDIOMS), *(_IDIOMS[:count] for count in range(2, len(_IDIOMS) + 1)))
_OTHERWISE: tuple[type[Exception], ...] = (NotSaid, *REFUSED)
"""What asks for another attempt."""
_DEEPEST = 20_000
"""Calls of Python that may be nested: generated code is a tree, as deep as the definition."""


def converted(sources: Sequence[Imported]) -> Module:
    """The Python file for the definitions. Raises FlowError for a definition that the authoring API cannot say."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _DEEPEST))
    try:
        return _converted(sources)
    except (RecursionError, MemoryError, SyntaxError) as error:  # of Python's parser, which has limits of its own
        if isinstance(error, SyntaxError) and "too many" not in error.msg:
            raise
        raise FlowError.of("the definition is nested too deeply to be imported", code="FD730") from None
    finally:
        sys.setrecursionlimit(before)


def _converted(sources: Sequence[Imported]) -> Module:
    for attempt in _ATTEMPTS:
        module = _same(sources, Options(**dict.fromkeys(attempt, False)))
        if module is not None:
            return module
    raise FlowError(*_differences(sources, Options(**dict.fromkeys(_IDIOMS, False))))


def _same(sources: Sequence[Imported], options: Options) -> Module | None:
    """The module, if it compiles to the same definitions."""
    try:
        module = write_module(sources, options)
        machines = compiled_machines(module.body)
        if len(machines) != len(sources):
            return None
        for machine, source in zip(machines, sources, strict=True):
            if machine.type != source.type or differing_states(source.definition, machine) is not None:
                return None
    except _OTHERWISE:
        return None
    return module


def _differences(sources: Sequence[Imported], options: Options) -> list[Diagnostic]:
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
