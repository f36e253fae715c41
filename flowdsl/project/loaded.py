"""A state machine as commands and tests get it, whatever it was loaded from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from ..asl.placeholders import find_placeholders, substitute
from ..asl.text import canonical_text
from ..author.machine import StateMachine
from ..base.diagnostics import AslPath, Diagnostic
from ..base.record import Record, evolve, field
from ..base.source import Span

Type = Literal["STANDARD", "EXPRESS"]


class Loaded(Record):
    """A state machine loaded from a file."""

    file: Path
    name: str
    definition: dict[str, Any]
    """The ASL as JSON values."""
    text: str
    """The ASL as canonical text."""
    type: Type = "STANDARD"
    machine: StateMachine | None = None
    """The author's object, if the file is Python."""
    locate: Callable[..., Span | None] = field(default=lambda *_: None, repr=False)
    """Returns the place of an ASL path in the file; also takes a name in the value there, see `check.Locate`."""
    twice: tuple[AslPath, ...] = ()
    """The paths of duplicate keys in the file."""
    warnings: tuple[Diagnostic, ...] = ()
    """What the author wrote in the file and no machine has, or what another tool's file says that has no place here."""
    handlers: Mapping[str, str] = field(factory=dict)
    """The handlers of the functions of a template, by the names that calls use, as `--handler` takes them."""


def substituted(machines: list[Loaded], values: Mapping[str, str], bare: frozenset[str] = frozenset()) -> list[Loaded]:
    """The machines with placeholders filled in. Raises FlowError for a name that no definition contains."""
    if not values:
        return machines
    from ..templates.errors import refuse_unknown

    refuse_unknown(values, {name for loaded in machines for name, _ in find_placeholders(loaded.definition)})
    return [_with_values(loaded, values, bare) for loaded in machines]


def _with_values(loaded: Loaded, values: Mapping[str, str], bare: frozenset[str]) -> Loaded:
    definition = substitute(loaded.definition, values, bare)
    return evolve(loaded, definition=definition, text=canonical_text(definition))
