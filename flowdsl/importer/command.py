"""What `flowdsl import` does: read, check, convert, write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from ..asl.names import is_machine_name
from ..base.diagnostics import Diagnostic, FlowError
from ..base.files import write_file
from ..base.source import display_path
from ..check import check
from .convert import converted
from .module import Module
from .source import Imported
from .sources import read_source
from .states import Level


@attrs.frozen
class Result:
    """What was written."""

    text: str
    states: int
    raw: int
    mistakes: tuple[Diagnostic, ...] = ()
    """Mistakes of the definition that the flow has too."""
    warnings: tuple[Diagnostic, ...] = ()
    """What the source says that is not brought in."""

    def summary(self, file: Path) -> str:
        """One line for people."""
        plural = "s" * (self.states != 1)
        rest = f", {self.raw} of them as raw(...)" if self.raw else ""
        return f"{display_path(file)}: {self.states} state{plural}{rest}"


def import_source(
    source: str,
    *,
    name: str | None = None,
    type: str | None = None,
    machine: str | None = None,
    substitutions: Mapping[str, str] | None = None,
    target: Path | None = None,
    force: bool = False,
) -> Result:
    """Convert the definitions of a source to Python, and write it to `target` if there is one.

    `machine` chooses one of the state machines of a template, `substitutions` fill placeholders by name. Raises
    FlowError if the source has mistakes, or if the file exists and may not be replaced.
    """
    if target is not None and not force and target.exists():
        raise FlowError.of(f"{display_path(target)} exists", code="FD731", hint="add --force to replace it")
    sources = [_named(each, name, type) for each in read_source(source, machine, substitutions or {})]
    mistakes = [mistake for each in sources for mistake in find_mistakes(each)]
    module = converted(sources)
    if target is not None:
        write_file(target, module.text, code="FD731")
    return _result(module, sources, mistakes)


def _named(source: Imported, name: str | None, type: str | None) -> Imported:
    if name is not None and not is_machine_name(name):
        hint = "use 1 to 80 letters, digits, '-' and '_'"
        raise FlowError.of(f"invalid state machine name {name!r}", code="FD706", hint=hint)
    changes: dict[str, Any] = {"name": name, "type": type and type.upper()}
    return attrs.evolve(source, **{key: value for key, value in changes.items() if value})


def _result(module: Module, sources: Sequence[Imported], mistakes: Sequence[Diagnostic]) -> Result:
    levels = [*module.levels.values()]
    warnings = tuple(warning for each in sources for warning in each.warnings)
    return Result(module.text, len(levels), sum(level == Level.RAW for level in levels), (*mistakes,), warnings)


_BROKEN = ("FD1", "FD2", "FD3", "FD4", "FD501", "FD512", "FD513")
"""Codes of what is not Amazon States Language, where AWS refuses it; others are about what it calls."""
_DETAILS = frozenset({"Credentials", "ItemReader", "ItemBatcher", "ResultWriter"})
"""Fields whose content validators judge differently."""


def find_mistakes(source: Imported) -> list[Diagnostic]:
    """The errors of a definition that can be imported all the same. Raises FlowError if it is not ASL."""
    problems = check(source.definition, type=source.type, locate=source.locate, twice=source.twice)
    errors = [each for each in problems if each.severity == "error"]
    refused = [each for each in errors if each.aws is not None and each.code.startswith(_BROKEN)]
    broken = [each for each in refused if not _DETAILS.intersection(each.path)]
    if broken:
        raise FlowError(*broken)
    return errors
