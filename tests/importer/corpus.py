"""The definitions on which the import is measured."""

from __future__ import annotations

import json
from typing import Any

import attrs

from flowdsl.importer.convert import converted
from flowdsl.importer.module import Module
from flowdsl.importer.source import Imported
from flowdsl.importer.states import Level
from tests.conformance_data import cases

EXAMPLES = ("examples/orders/orders.asl.json",)


def recorded() -> list[tuple[str, dict[str, Any]]]:
    """Every valid definition of the recordings, with a name."""
    return [
        (f"{folder} {number}", definition)
        for folder in ("definitions", "executions")
        for number, case in enumerate(cases(folder))
        if case.get("expected") != "invalid"
        if isinstance(definition := _value(case["definition"]), dict)
    ]


def _value(definition: Any) -> Any:
    return json.loads(definition) if isinstance(definition, str) else definition


@attrs.frozen
class Measured:
    """How a definition came in."""

    module: Module
    lines: int
    json_lines: int
    states: int
    raw: int

    @property
    def ratio(self) -> float:
        return self.lines / self.json_lines


def count_states(graph: Any) -> int:
    """The states of a definition, inner ones included."""
    inner = [
        below
        for state in graph["States"].values()
        for below in [
            *state.get("Branches", ()),
            *(state[key] for key in ("ItemProcessor", "Iterator") if key in state),
        ]
    ]
    return len(graph["States"]) + sum(map(count_states, inner))


def measured(name: str, definition: dict[str, Any]) -> Measured:
    """The definition, imported. Raises FlowError if it does not come back equal."""
    module = converted([Imported(name, definition)])
    states = count_states(definition)
    written = sum(level != Level.RAW for level in module.levels.values())
    return Measured(
        module,
        len(module.text.splitlines()),
        len(json.dumps(definition, indent=2).splitlines()),
        states,
        states - written,
    )
