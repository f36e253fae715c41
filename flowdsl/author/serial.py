"""ASL JSON: dump and load.

`load(dump(machine))` equals the machine; both walk with a list instead of recursion, so depth is no limit.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..base.diagnostics import FlowError
from ..base.record import evolve
from ..base.source import caller
from .fields import UNSET, ByPath, Element, Spec, by_asl_name, note, per_class, specs
from .graphs import Branch, Graph, Processor
from .machine import StateMachine
from .states import STATES, Rule, State

_FIRST = ("Comment", "QueryLanguage")
_LAST = (
    *("ResultSelector", "ResultPath", "OutputPath", "Output", "Assign"),
    *("Retry", "Catch", "Default", "Next", "End"),
)


def dump(machine: Graph) -> dict[str, Any]:
    """The machine as ASL JSON values, in the order in which a person would read it."""
    definition: dict[str, Any] = {}
    todo: list[tuple[Graph, dict[str, Any]]] = [(machine, definition)]
    while todo:
        graph, target = todo.pop()
        for spec in _order(type(graph)):
            value = getattr(graph, spec.attribute)
            if spec.name == "States" and isinstance(value, Mapping):
                target["States"] = {name: _state(state, todo) for name, state in value.items()}
            elif value is not UNSET:
                target[spec.name] = _plain(value, spec, todo)
        target.update({key: _described(value) for key, value in graph.extras.items()})
    return definition


def _described(value: Any) -> Any:
    """The value of a keyword that a class does not have: what is not JSON as text, because it is only reported."""
    try:
        json.dumps(value)
    except (TypeError, ValueError, RecursionError):
        return repr(value)
    return value


def _state(state: Any, todo: list[tuple[Graph, dict[str, Any]]]) -> Any:
    if not isinstance(state, State):
        return state
    fields = {"Type": state.type} if state.type else {}
    return fields | _object(state, todo)


def _object(part: Element, todo: list[tuple[Graph, dict[str, Any]]]) -> dict[str, Any]:
    written: dict[str, Any] = {}
    for spec in _order(type(part)):
        value = getattr(part, spec.attribute)
        if value is UNSET:
            continue
        if spec.kind.shape == "rule" and isinstance(value, Mapping):
            written.update(value)
        elif isinstance(value, ByPath) and spec.path:
            written[spec.path] = str(value)
        else:
            written[spec.name] = _plain(value, spec, todo)
    written.update(part.extras)
    return written


def _plain(value: Any, spec: Spec, todo: list[tuple[Graph, dict[str, Any]]]) -> Any:
    if isinstance(value, Graph):
        inner: dict[str, Any] = {}
        todo.append((value, inner))
        return inner
    if isinstance(value, Element):
        return _object(value, todo)
    if isinstance(value, tuple):
        return [_plain(item, spec, todo) for item in value]
    return value


@per_class
def _order(cls: type[Any]) -> tuple[Spec, ...]:
    """The class's own fields first, then the input's, and last what becomes of the result and where it leads."""
    every = specs(cls)
    own = [every[name] for name in cls.__annotations__ if name in every]
    rest = [spec for spec in every.values() if spec not in own]
    middle = [spec for spec in (*own, *rest) if spec.name not in _FIRST + _LAST]
    named = {spec.name: spec for spec in every.values()}
    head = [named[name] for name in _FIRST if name in named]
    return (*head, *middle, *(named[name] for name in _LAST if name in named))


def load(definition: Mapping[str, Any] | str, *, name: str = "StateMachine", type: str = "STANDARD") -> StateMachine:
    """A machine from ASL JSON. Unknown fields and wrong types are kept as they are: the checker reports them.

    Raises FlowError where the text is not JSON or not an object.
    """
    if isinstance(definition, str):
        try:
            definition = json.loads(definition)
        except ValueError as error:
            raise FlowError.of(f"the definition is not JSON: {error}", code="FD101") from error
    if not isinstance(definition, Mapping):
        raise FlowError.of("a definition is a JSON object", code="FD101", hint='write {"StartAt": …, "States": {…}}')
    todo: list[tuple[Mapping[str, Any], dict[str, Any]]] = []
    fields = _attributes(StateMachine, definition, todo)
    machine = StateMachine(name, type=type, origin=None, **fields)  # type: ignore[arg-type]
    while todo:
        states, target = todo.pop()
        for state_name, state in states.items():
            target[state_name] = _load_state(state_name, state, todo)
    return machine


def raw(name: str, definition: Mapping[str, Any]) -> State:
    """Any ASL state as JSON, checked like the rest.

    >>> raw("Hello", {"Type": "Pass", "Result": "world"}).result
    'world'
    """
    todo: list[tuple[Mapping[str, Any], dict[str, Any]]] = []
    state = _load_state(name, definition, todo)
    if not isinstance(state, State):
        raise TypeError(f"raw({name!r}, ...): a state is a JSON object, not {definition!r}")
    while todo:
        states, target = todo.pop()
        for inner, value in states.items():
            target[inner] = _load_state(inner, value, todo)
    return note(evolve(state, origin=caller()))


def _load_state(name: str, definition: Any, todo: list[tuple[Mapping[str, Any], dict[str, Any]]]) -> Any:
    if not isinstance(definition, Mapping):
        return definition
    kind = definition.get("Type")
    cls = STATES.get(kind) if isinstance(kind, str) else None
    if cls is None:
        return State(name, extras=dict(definition), origin=None)
    fields = {key: value for key, value in definition.items() if key != "Type"}
    return cls(name=name, origin=None, **_attributes(cls, fields, todo))


def _attributes(
    cls: type[Any], fields: Mapping[str, Any], todo: list[tuple[Mapping[str, Any], dict[str, Any]]]
) -> dict[str, Any]:
    known = by_asl_name(cls)
    values: dict[str, Any] = {}
    extras: dict[str, Any] = {}
    for key, value in fields.items():
        spec = known.get(key)
        if spec is None or spec.attribute in values:
            extras[key] = value
        elif key == spec.path and isinstance(value, str):
            values[spec.attribute] = ByPath(value)
        elif key == spec.path:
            extras[key] = value
        else:
            values[spec.attribute] = _loaded(value, spec, todo)
    if cls is Rule and "condition" not in values:
        values["condition"], extras = extras, {}
    if extras:
        values["extras"] = extras
    return values


def _loaded(value: Any, spec: Spec, todo: list[tuple[Mapping[str, Any], dict[str, Any]]]) -> Any:
    shape = spec.kind.shape
    if shape == "states" and isinstance(value, Mapping):
        states: dict[str, Any] = {}
        todo.append((value, states))
        return states
    if shape == "machine" and isinstance(value, Mapping):
        return Processor(origin=None, **_attributes(Processor, value, todo))
    if shape == "machines" and isinstance(value, list):
        return tuple(
            Branch(origin=None, **_attributes(Branch, each, todo)) if isinstance(each, Mapping) else each
            for each in value
        )
    if shape == "part" and isinstance(value, Mapping) and spec.kind.of:
        return spec.kind.of(origin=None, **_attributes(spec.kind.of, value, todo))
    if shape == "parts" and isinstance(value, list) and spec.kind.of:
        cls = spec.kind.of
        return tuple(
            cls(origin=None, **_attributes(cls, each, todo)) if isinstance(each, Mapping) else each for each in value
        )
    return value
