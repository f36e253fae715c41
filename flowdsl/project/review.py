"""Find what is wrong with loaded state machines."""

from __future__ import annotations

from pathlib import Path

from ..asl.names import is_machine_name
from ..base.diagnostics import Diagnostic
from ..base.record import evolve
from ..base.source import Span, display_path
from .loaded import Loaded, Type
from .loading import functions
from .settings import find, find_root


def diagnose(loaded: Loaded, *, type: Type | None = None) -> list[Diagnostic]:
    """All problems of a state machine, in its author's code and in its definition, sorted by place."""
    return _without_accepted(loaded, _find_problems(loaded, type))


def _find_problems(loaded: Loaded, type: Type | None) -> list[Diagnostic]:
    from ..check import check  # a build whose verdict is remembered does without
    from ..check.dataflow.annotations import read_declarations

    diagnostics = _name_mistakes(loaded)
    machine, data = loaded.machine, None
    if machine:
        data = read_declarations(machine.input, machine.callees, find_root(loaded.file.parent))
    return diagnostics + check(
        loaded.definition,
        type=type or loaded.type,
        locate=loaded.locate,
        twice=loaded.twice,
        data=data,
        problems=(*machine.problems, *loaded.warnings) if machine else loaded.warnings,
        python=machine is not None,
    )


def _without_accepted(loaded: Loaded, diagnostics: list[Diagnostic]) -> list[Diagnostic]:
    """Those that no comment in the author's Python ignores, sorted by place."""
    from ..check.ignores import without_ignored

    return _in_order(without_ignored(diagnostics, str(loaded.file)) if loaded.machine else diagnostics)


def review(
    machines: list[Loaded],
    *,
    type: Type | None = None,
    packaging: bool = True,
    environments: bool = False,
    remember: bool = False,
) -> list[Diagnostic]:
    """All problems that keep a file's state machines from being built, sorted by place: those of `diagnose`, duplicate
    names and, with `packaging`, functions that cannot be packaged. With `environments`, also what is wrong with the
    environments, which keeps only a deployment from being made. With `remember`, `diagnose` is left out if it found
    nothing in exactly the same before."""
    diagnostics = [*clashes(machines), *_diagnose_all(machines, type, remember)]
    if environments and machines and find(machines[0].file.parent).environments:
        from .configuration import configuration_mistakes, environment_problems  # most projects deploy with other tools

        diagnostics += [each for loaded in machines for each in configuration_mistakes(loaded)]
        diagnostics += environment_problems(machines)
    called = functions(machines) if packaging else []
    if called:
        from ..package.sources import problems  # an ASL-only build does without

        settings = find(machines[0].file.parent)
        diagnostics += problems(called, settings.root, hashed=settings.hashes)
    return _in_order(diagnostics)


def _diagnose_all(machines: list[Loaded], type: Type | None, remember: bool) -> list[Diagnostic]:
    verdict = None
    if remember:
        from .remembered import verdict_on  # only builds do

        verdict = verdict_on(machines, type)
    if verdict and verdict.holds():
        return []
    problems = [(loaded, _find_problems(loaded, type)) for loaded in machines]
    diagnostics = [each for loaded, own in problems for each in _without_accepted(loaded, own)]
    # What a comment accepts depends on its line, of which the definition tells nothing.
    if verdict and not diagnostics and not any(own for _, own in problems):
        verdict.keep()
    return diagnostics


def _in_order(diagnostics: list[Diagnostic]) -> list[Diagnostic]:
    relative = [_relative(each) for each in diagnostics]
    return sorted(relative, key=lambda each: (each.span.file, each.span.line) if each.span else ("", 0))


def locate_state(loaded: Loaded, state: str) -> Span | None:
    """The place of a state in the author's file."""
    from ..asl.tree import Tree

    node = Tree(loaded.definition).find(state)
    span = loaded.locate(node.path) if node else None
    return _relative_span(span) if span else None


def _relative(diagnostic: Diagnostic) -> Diagnostic:
    if diagnostic.span is None:
        return diagnostic
    return evolve(diagnostic, span=_relative_span(diagnostic.span))


def _relative_span(span: Span) -> Span:
    called_at = _relative_span(span.called_at) if span.called_at else None
    defined_at = _relative_span(span.defined_at) if span.defined_at else None
    return evolve(span, file=display_path(Path(span.file)), called_at=called_at, defined_at=defined_at)


def _name_mistakes(loaded: Loaded) -> list[Diagnostic]:
    if is_machine_name(loaded.name):
        return []
    hint = "use 1 to 80 letters, digits, '-' and '_'"
    message = f"invalid state machine name {loaded.name!r}"
    return [Diagnostic("FD706", message, span=loaded.locate(()), hint=hint)]


def clashes(machines: list[Loaded]) -> list[Diagnostic]:
    """State machines of the same name, ignoring case, which would be the same file in a build."""
    by_name: dict[str, Loaded] = {}
    others = [loaded for loaded in machines if by_name.setdefault(loaded.name.casefold(), loaded) is not loaded]
    hint = "rename one of them"
    return [
        Diagnostic("FD707", f"two state machines are named {loaded.name!r}", span=loaded.locate(()), hint=hint)
        for loaded in others
    ]
