"""What was written, compiled: each state alone, and the whole module."""

from __future__ import annotations

import builtins
import json
from collections.abc import Mapping
from typing import Any

import attrs

from ..author.machine import StateMachine
from ..author.serial import dump
from . import code as c
from .states import Context, Level, NotSaid, state_code
from .values import REFUSED, evaluated, namespace

_INNER: dict[str, Any] = {"StartAt": "Inner", "States": {"Inner": {"Type": "Pass", "End": True}}}


_OTHERWISE: tuple[type[Exception], ...] = (NotSaid, *REFUSED)
"""What asks for another level."""


def level_of(name: str, state: dict[str, Any], context: Context) -> Level:
    """The most idiomatic level at which the state compiles to the same fields."""
    alone, context = _alone(state), attrs.evolve(context, inner=lambda *_: c.call("Pass", c.constant("Inner")))
    wanted = _text(alone)
    for level in (Level.IDIOM, Level.FIELDS):
        try:
            compiled = _compiled(evaluated(state_code(name, alone, level, context, {})), context.language)
        except _OTHERWISE:
            continue
        if compiled is not None and _text(_alone(compiled.get(name, {}))) == wanted:
            return level
    return Level.RAW


def _compiled(step: Any, language: str) -> dict[str, Any] | None:
    """The states of a machine with this step alone, or None if it has problems."""
    machine = StateMachine("machine", step, query_language=language)  # type: ignore[arg-type]
    if machine.problems:
        return None
    states: dict[str, Any] = dump(machine)["States"]
    return states


def _alone(state: Mapping[str, Any]) -> dict[str, Any]:
    """The state without the names of other states, and without what is inside it."""
    alone = {key: value for key, value in state.items() if key not in ("Next", "End")}
    if "Default" in alone:
        alone["Default"] = "Other"
    for key in ("Choices", "Catch"):
        if key in alone:
            alone[key] = [{**part, "Next": "Other"} for part in alone[key]]
    if "Branches" in alone:
        alone["Branches"] = [{**branch, **_INNER} for branch in alone["Branches"]]
    for key in ("ItemProcessor", "Iterator"):
        if key in alone:
            alone[key] = {**alone[key], **_INNER}
    return alone


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def compiled_machines(body: str) -> list[StateMachine]:
    """The machines of a module that was written, in their order; their problems are in them.

    `body` is the module without its imports. It runs in a namespace that has the API and nothing else.
    """
    names = namespace()
    types = {"str": str, "int": int, "float": float, "bool": bool}
    names = {**names, "f": _Prefix(names), **types}
    exec(builtins.compile(body, "<imported>", "exec"), names)  # noqa: S102 - the code is ours, texts are literals
    return [value for value in names.values() if isinstance(value, StateMachine)]


class _Prefix:
    """`import flowdsl as f`."""

    def __init__(self, names: Mapping[str, Any]) -> None:
        self.__dict__.update(names)


def differing_states(wanted: dict[str, Any], machine: StateMachine) -> list[str] | None:
    """The names of the states that differ from the definition; None if the definitions are the same."""
    definition = dump(machine)
    if _text(definition) == _text(wanted) and not machine.problems:
        return None
    names: list[str] = []
    todo = [(wanted, definition)]
    while todo:
        first, second = todo.pop()
        for name, state in first["States"].items():
            other = second.get("States", {}).get(name)
            if _text(state) != _text(other):
                names.append(name)
    return names
