"""States, rules, catchers and retriers that the author wrote and that no machine has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..base.diagnostics import Diagnostic
from .fields import UNSET, Element, set_fields
from .flow import parts_within
from .machine import StateMachine
from .states import STATES, Catcher, Retrier, Rule, State, Task

_KINDS: dict[type[Any], tuple[str, str]] = {
    **dict.fromkeys((State, *STATES.values()), ("state {!r} is in no flow", "add it to a chain, or delete it")),
    Catcher: ("this catch(...) belongs to no state", "add it to a state: catch=[...]"),
    Retrier: ("this retry(...) belongs to no state", "add it to a state: retry=[...]"),
    Rule: ("this when(...) belongs to no Choice", "add it to a Choice"),
}


def unplaced(written: Iterable[Any], file: str) -> list[Diagnostic]:
    """Warnings for what the file at this path wrote and no machine has; empty if a machine has problems already."""
    elements = [each for each in written if isinstance(each, Element)]
    machines = [each for each in elements if isinstance(each, StateMachine)]
    if any(machine.problems for machine in machines):
        return []
    placed = {id(part.origin) for machine in machines for part in _within(machine)}
    missing = [each for each in elements if each.origin and id(each.origin) not in placed and type(each) in _KINDS]
    inside = {id(part.origin) for each in missing for part in parts_within(each) if part.origin is not each.origin}
    warnings: dict[int, Diagnostic] = {}
    for each in missing:
        origin = each.origin
        if origin and origin.code.co_filename == file and id(origin) not in inside:
            message, hint = _KINDS[type(each)]
            message = message.format(getattr(each, "name", ""))
            warnings.setdefault(id(origin), Diagnostic("FD216", message, (), "warning", origin.span(), hint))
    return [*warnings.values(), *_unused_timeouts(machines, file)]


def _unused_timeouts(machines: Iterable[StateMachine], file: str) -> Iterator[Diagnostic]:
    """Warnings for a default timeout that no Task has got: there is none, or each has its own."""
    for machine in machines:
        defaults = machine.defaults
        if defaults is None or defaults.timeout is UNSET or not defaults.origin:
            continue
        tasks = [part for part in _within(machine) if isinstance(part, Task)]
        if defaults.origin.code.co_filename == file and all(task.timeout != defaults.timeout for task in tasks):
            span = defaults.origin.span(("timeout",))
            hint = "remove it, or remove the timeouts of the Tasks that should have it"
            yield Diagnostic("FD216", "timeout= of Defaults is that of no Task", (), "warning", span, hint)


def _within(machine: StateMachine) -> Iterator[Element]:
    """Every element of a machine."""
    todo: list[Any] = [machine]
    while todo:
        here = todo.pop()
        if isinstance(here, Element):
            yield here
            todo.extend(value for _, value in set_fields(here))
        elif isinstance(here, tuple | list):
            todo.extend(here)
        elif isinstance(here, Mapping):
            todo.extend(each for each in here.values() if isinstance(each, Element))
