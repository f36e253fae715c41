"""What is wrong with a loaded machine."""

from __future__ import annotations

from pathlib import Path

import attrs

from ..asl.names import is_machine_name
from ..asl.tree import Tree
from ..base.diagnostics import Diagnostic
from ..base.source import Span, display_path
from ..check import check
from ..check.dataflow.annotations import declared
from ..check.ignores import without_marked
from .loading import Loaded, Type, functions
from .settings import find


def diagnose(loaded: Loaded, *, type: Type | None = None) -> list[Diagnostic]:
    """All that is wrong with a machine: what its author wrote, and the definition that it gives, in order of places."""
    found = _name_mistakes(loaded)
    machine, data = loaded.machine, None
    if machine:
        data = declared(machine.input, machine.callees, find(loaded.file.parent).root)
    found += check(
        loaded.definition,
        type=type or loaded.type,
        locate=loaded.locate,
        twice=loaded.twice,
        data=data,
        problems=machine.problems if machine else (),
        python=machine is not None,
    )
    if machine:
        found = without_marked(found, str(loaded.file))
    return _in_order(found)


def review(machines: list[Loaded], *, type: Type | None = None, packaging: bool = True) -> list[Diagnostic]:
    """All that keeps the machines of a file from being built, in order of places: what `diagnose` says of each, two of
    one name and, with `packaging`, functions that cannot be packaged."""
    found = [*clashes(machines), *(each for loaded in machines for each in diagnose(loaded, type=type))]
    called = functions(machines) if packaging else []
    if called:
        from ..package.sources import problems  # an ASL-only build does without

        found += problems(called, find(machines[0].file.parent).root)
    return _in_order(found)


def _in_order(found: list[Diagnostic]) -> list[Diagnostic]:
    relative = [_relative(each) for each in found]
    return sorted(relative, key=lambda each: (each.span.file, each.span.line) if each.span else ("", 0))


def locate_state(loaded: Loaded, state: str) -> Span | None:
    """Where the author wrote the state of this name."""
    node = Tree(loaded.definition).find(state)
    span = loaded.locate(node.path) if node else None
    return _relative_span(span) if span else None


def _relative(diagnostic: Diagnostic) -> Diagnostic:
    if diagnostic.span is None:
        return diagnostic
    return attrs.evolve(diagnostic, span=_relative_span(diagnostic.span))


def _relative_span(span: Span) -> Span:
    called_at = _relative_span(span.called_at) if span.called_at else None
    return attrs.evolve(span, file=display_path(Path(span.file)), called_at=called_at)


def _name_mistakes(loaded: Loaded) -> list[Diagnostic]:
    if is_machine_name(loaded.name):
        return []
    hint = "write 1 to 80 letters, digits, '-' and '_'"
    message = f"{loaded.name!r} cannot be a state machine's name"
    return [Diagnostic("FD706", message, span=loaded.locate(()), hint=hint)]


def clashes(machines: list[Loaded]) -> list[Diagnostic]:
    """Machines of one name would be one file of a build; file systems may fold case."""
    named: dict[str, Loaded] = {}
    others = [loaded for loaded in machines if named.setdefault(loaded.name.casefold(), loaded) is not loaded]
    hint = "give one of them another name"
    return [
        Diagnostic("FD707", f"two state machines are named {loaded.name!r}", span=loaded.locate(()), hint=hint)
        for loaded in others
    ]
