"""The state under test, as a request names it.

Source: Step Functions API Reference, TestState, `definition` and `stateName`; the name of a state that has none, and
the messages, from recorded calls.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import field, frozen

from ..asl.tree import Tree
from ..base.diagnostics import AslPath, Diagnostic, FlowError
from ..base.document import read_json
from ..base.json import parse_json
from ..check import check
from ..engine import prepare
from .errors import TestStateError, invalid

JSON = Any

UNNAMED = "StateName"


@frozen
class Tested:
    """A state: `language` is the query language around it; `machine` the definition, made for a single state;
    `in_map` is True inside a Map."""

    name: str
    body: dict[str, Any] = field(repr=False)
    language: str
    machine: dict[str, Any] = field(repr=False)
    in_map: bool = False


def find_state(definition: Mapping[str, Any] | str, name: str | None) -> Tested:
    """Find the state under test. Raises TestStateError if the definition is invalid or does not have the state."""
    read, twice = _read(definition)
    if name is None:
        machine = _around(read)
        _validate(machine, [("States", UNNAMED, *path) for path in twice])
        return Tested(UNNAMED, machine["States"][UNNAMED], "JSONPath", machine)
    _validate(read, twice)
    tree = Tree(read)
    node = tree.find(name)
    if node is None:
        raise invalid("State not found in definition")
    return Tested(name, node.fields, tree.language, read, any(each.type == "Map" for each in node.ancestors))


def inner_states(body: Mapping[str, Any]) -> set[str]:
    """The names of all states inside a Map or Parallel."""
    return {node.name for node in Tree(_alone(body)) if node.parent is not None}


def _read(definition: Mapping[str, Any] | str) -> tuple[Any, Sequence[AslPath]]:
    """The value, and the paths of duplicate keys in the text."""
    if not isinstance(definition, str):
        return (dict(definition) if isinstance(definition, Mapping) else definition), ()
    try:
        document = read_json(definition, "definition")
    except FlowError as error:
        raise _refused(error.diagnostics) from None
    return document.value, document.twice


def _around(state: Any) -> dict[str, Any]:
    """A machine around a single state, with a Succeed state in place of each state that it leads to."""
    others = targets(state) if isinstance(state, dict) else ()
    return {"StartAt": UNNAMED, "States": {name: {"Type": "Succeed"} for name in others} | {UNNAMED: state}}


def targets(state: Mapping[str, Any]) -> list[str]:
    """The names of the states that a state may lead to."""
    node = Tree(_alone(state)).root.states[UNNAMED]
    return [edge.name for edge in node.transitions if isinstance(edge.name, str)]


def _alone(state: Mapping[str, Any]) -> dict[str, Any]:
    return {"StartAt": UNNAMED, "States": {UNNAMED: dict(state)}}


def _validate(machine: Any, twice: Sequence[AslPath]) -> None:
    problems = check(machine, twice=tuple(twice))
    # What surely fails, such as a variable that is never assigned, AWS saves; here variables come from outside.
    errors = [each for each in problems if each.severity == "error" and each.aws is not None]
    if errors:
        raise _refused(errors)
    try:
        prepare(machine)
    except FlowError as error:
        raise _refused(error.diagnostics) from None


def _refused(diagnostics: Any) -> TestStateError:
    answers = ", ".join(map(_answer, diagnostics))
    return TestStateError("InvalidDefinition", f"Invalid State Machine Definition: '{answers}'")


def _answer(diagnostic: Diagnostic) -> str:
    answer = diagnostic.answer()
    place = f" at {answer['location']}" if "location" in answer else ""
    return f"{answer['code']}: {answer['message']}{place}"


def json_value(value: JSON, code: str, message: str) -> JSON:
    """A member of the request that is JSON text in the API; here it may be the JSON value itself, of which it makes a
    copy. Raises TestStateError if it is not JSON."""
    try:
        return parse_json(value if isinstance(value, str) else json.dumps(value))
    except (TypeError, ValueError, RecursionError):
        raise TestStateError(code, message) from None
