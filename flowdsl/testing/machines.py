"""Find the state machine to test, and the Lambda functions that it may call."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..asl.text import canonical_text
from ..author.machine import StateMachine
from ..author.serial import dump
from ..base.diagnostics import FlowError
from ..base.source import display_path
from ..calls.lambdas import Handler
from ..project import Loaded, find, load
from ..run.local import local_settings, project_handlers

Machine = StateMachine | Loaded | Mapping[str, Any] | Path | str
"""The author's object, a result of `flowdsl.project.load`, ASL as JSON values, or a file."""


def resolve(machine: Machine | None, root: Path) -> Loaded:
    """The state machine to test; None is that of `[tool.flowdsl]` in the project around `root`.

    Raises FlowError if there is none, if a file contains several, or if the author's flow has mistakes.
    """
    if machine is None or isinstance(machine, Path | str):
        loaded = _in_file(machine, root)
    elif isinstance(machine, Loaded):
        loaded = machine
    elif isinstance(machine, StateMachine):
        definition = dump(machine)
        file = Path(machine.origin.code.co_filename) if machine.origin else root
        loaded = Loaded(file, machine.name, definition, canonical_text(definition), machine.type, machine, machine.span)
    else:
        loaded = Loaded(root, "StateMachine", dict(machine), "")
    problems = [each for each in loaded.machine.problems if each.severity == "error"] if loaded.machine else []
    if problems:
        raise FlowError(*problems)
    return loaded


def _in_file(file: Path | str | None, root: Path) -> Loaded:
    if file is None:
        flows = find(root).flows
        file = flows[0] if flows else None
        if file is None:
            hint = 'write `flow = "payment_flow.py"` under [tool.flowdsl] in pyproject.toml, or override the fixture'
            raise FlowError.of("no state machine to run", hint=f"{hint} flow_machine")
    machines = load(root / file)
    if len(machines) > 1:
        names = ", ".join(machine.name for machine in machines)
        raise FlowError.of(
            f"{display_path(root / file)} holds several state machines: {names}", hint="pass one of them"
        )
    return machines[0]


def of_project(root: Path) -> list[Loaded]:
    """The machines of `[tool.flowdsl]`, or none where it names no flow. Raises FlowError."""
    return [machine for file in find(root).flows for machine in load(file)]


def functions(loaded: Loaded, root: Path) -> dict[str, Handler]:
    """The functions of the machine and of its project by name; each module is imported at its first call."""
    project = find(loaded.file.parent if loaded.file.is_file() else root)
    return project_handlers([loaded], project, region=local_settings(project, {}).region)
