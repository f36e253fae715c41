"""The checker: an ASL definition in, diagnostics with their places out. The rules are listed in registry.py."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from ..base.diagnostics import AslPath, Diagnostic
from ..base.record import evolve
from ..base.source import Span
from .findings import Findings
from .registry import run_rules
from .subject import Subject

__all__ = ["Locate", "check", "check_text"]

if TYPE_CHECKING:
    from .dataflow.annotations import Data

Locate = Callable[..., Span | None]
"""Takes an ASL path and the needle of a diagnostic: a name or a constant in the value there, or its key, or None."""


def check(
    definition: Any,
    *,
    type: str = "STANDARD",
    locate: Locate | None = None,
    twice: Iterable[AslPath] = (),
    data: Data | None = None,
    problems: Iterable[Diagnostic] = (),
    python: bool = False,
) -> list[Diagnostic]:
    """Return all that is wrong with a definition, in its order. Never raises.

    `definition` is ASL as JSON values; any value is accepted. `type` is STANDARD or EXPRESS. `locate` returns the place
    of an ASL path in the author's file. `twice` are the paths of duplicate keys in the file's text. `data` is what the
    author declared (`read_declarations`): with it, reading what no route produces is an error anywhere; without it,
    where the state surely fails. `problems` are the diagnostics of the wiring of a flow: the result contains them, and
    leaves out what follows from them. `python` makes hints show Python instead of ASL.
    """
    known = [*problems]
    findings = Findings([*known], python)
    run_rules(Subject(definition, type, data, twice), findings)
    return _in_order(definition, _without_consequences(known, findings.diagnostics), locate)


def check_text(text: str, *, file: str = "definition.json", type: str = "STANDARD") -> list[Diagnostic]:
    """Check a definition given as JSON text; `file` is the name that the places show."""
    from ..base.diagnostics import FlowError
    from ..base.document import read_json

    try:
        document = read_json(text, file)
    except FlowError as error:
        return [*error.diagnostics]
    return check(document.value, type=type, locate=document.span, twice=document.twice)


def _without_consequences(known: list[Diagnostic], diagnostics: list[Diagnostic]) -> list[Diagnostic]:
    """Leave out what a rule reports with the code and path of a known problem, whose message is better.

    A machine without states (FD103) has no StartAt, either (FD104).
    """
    keys = {(each.code, each.path) for each in known}
    keys |= {("FD104", each.path[:-1]) for each in known if each.code == "FD103" and each.path[-1:] == ("States",)}
    own = {id(each) for each in known}
    return [each for each in diagnostics if id(each) in own or (each.code, each.path) not in keys]


def _in_order(definition: Any, diagnostics: list[Diagnostic], locate: Locate | None) -> list[Diagnostic]:
    """Return the diagnostics with their places, sorted by them, each once."""
    orders: dict[int, dict[Any, int]] = {}
    placed: list[tuple[tuple[Any, ...], Diagnostic]] = []
    seen: set[tuple[Any, ...]] = set()
    for diagnostic in diagnostics:
        key = (diagnostic.code, diagnostic.path, diagnostic.message, diagnostic.span)
        if key in seen:
            continue
        seen.add(key)
        if locate is not None and diagnostic.span is None:
            diagnostic = evolve(diagnostic, span=locate(diagnostic.path, diagnostic.needle))
        span = diagnostic.span
        position = (span.file, span.line, span.column) if span else ("", 0, 0)
        placed.append(((*position, _position(definition, diagnostic.path, orders)), diagnostic))
    placed.sort(key=lambda each: each[0])
    return [diagnostic for _, diagnostic in placed]


def _position(value: Any, path: AslPath, orders: dict[int, dict[Any, int]]) -> tuple[int, ...]:
    """Return the position of a path in the definition, as a value to sort by; `orders` caches the order of keys."""
    positions: list[int] = []
    for step in path:
        if isinstance(value, dict):
            order = orders.get(id(value))
            if order is None:
                order = orders[id(value)] = {key: index for index, key in enumerate(value)}
            positions.append(order.get(step, -1))
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            positions.append(step)
            value = value[step]
        else:
            break
    return tuple(positions)
