"""Explain the code of a finding, or what a state compiles to."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from ..asl.tree import Tree
from ..base.diagnostics import FlowError
from ..base.words import did_you_mean, one_line
from ..project import Loaded, locate_state

_CODE = re.compile(r"FD\d{3}", re.IGNORECASE)


def is_code(text: str) -> bool:
    """True for the code of a finding, such as FD401."""
    return _CODE.fullmatch(text) is not None


def codes() -> list[str]:
    """All codes that `explain_code` knows."""
    return [*_sections()]


def _sections() -> dict[str, str]:
    return dict(re.findall(r"^### (FD\d+)\n(.*?)(?=^##|\Z)", _guide(), re.MULTILINE | re.DOTALL))


def explain_code(code: str) -> str:
    """The section of docs/checks.md about a code, as Markdown. Raises FlowError for an unknown code."""
    sections = _sections()
    text = sections.get(code.upper())
    if text is None:
        hint = did_you_mean(code.upper(), sections) or "docs/checks.md lists all codes"
        raise FlowError.of(f"there is no code {code}", code="FD711", hint=hint)
    return f"### {code.upper()}\n{text}".strip()


def _guide() -> str:
    """docs/checks.md: a wheel has a copy of it in the package, a clone has it in docs/."""
    packaged = files(__package__) / "checks.md"
    if packaged.is_file():
        return packaged.read_text(encoding="utf-8")
    return (Path(__file__).parents[2] / "docs" / "checks.md").read_text(encoding="utf-8")


def explain_state(machines: Sequence[Loaded], name: str) -> dict[str, Any]:
    """What a state compiles to: `machine`, `state`, `asl` (its fields), `next` (states that can come next) and, if it
    is known, `place` (file:line:column). Raises FlowError if no machine has the state, or several have it."""
    trees = [(loaded, Tree(loaded.definition)) for loaded in machines]
    owners = [(loaded, node) for loaded, tree in trees if (node := tree.find(name)) is not None]
    if not owners:
        names = [each for _, tree in trees for each in tree.names]
        hint = did_you_mean(name, names) or one_line(f"the states are: {', '.join(names) or 'none'}")
        raise FlowError.of(f"there is no state {name!r}", code="FD711", hint=hint)
    if len(owners) > 1:
        message = f"several state machines have a state {name!r}: {', '.join(loaded.name for loaded, _ in owners)}"
        raise FlowError.of(message, code="FD711", hint="choose one with its FILE")
    [(loaded, node)] = owners
    explanation: dict[str, Any] = {"machine": loaded.name, "state": name}
    if place := locate_state(loaded, name):
        explanation["place"] = str(place)
    return {**explanation, "asl": node.fields, "next": [each.name for each in node.following]}
