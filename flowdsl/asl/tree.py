"""A definition laid out for the rules: its graphs and states, whatever the depth, with the query language of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from ..author.fields import Language
from ..author.graphs import Branch, Graph, Processor
from ..author.machine import StateMachine
from ..author.states import STATES, State
from ..base.diagnostics import AslPath
from .placeholders import has_placeholder


@attrs.define(eq=False)
class StateAt:
    """A state of the definition; `cls` is None where its Type is unknown."""

    name: str
    path: AslPath
    fields: dict[str, Any]
    cls: type[State] | None
    language: Language
    scope: Scope
    type: str = attrs.field(init=False)
    """Its type in ASL, or "" where that is unknown."""
    _targets: list[tuple[Any, AslPath]] | None = attrs.field(init=False, default=None)

    def __attrs_post_init__(self) -> None:
        self.type = self.cls.type if self.cls else ""

    def targets(self) -> list[tuple[Any, AslPath]]:
        """The names of the states that can come next, and where each is said."""
        if self._targets is None:
            self._targets = list(self._find_targets())
        return self._targets

    def _find_targets(self) -> Iterator[tuple[Any, AslPath]]:
        fields, path = self.fields, self.path
        if "Next" in fields:
            yield fields["Next"], (*path, "Next")
        for key in ("Catch", "Choices"):
            for index, each in enumerate(_list(fields.get(key))):
                if isinstance(each, dict) and "Next" in each:
                    yield each["Next"], (*path, key, index, "Next")
        if "Default" in fields:
            yield fields["Default"], (*path, "Default")

    def is_terminal(self) -> bool:
        return self.type in {"Succeed", "Fail"} or self.fields.get("End") is True


@attrs.define(eq=False)
class Scope:
    """The state machine, a branch of a Parallel or the processor of a Map: states that can lead to each other."""

    path: AslPath
    fields: dict[str, Any]
    cls: type[Graph]
    owner: StateAt | None
    states: dict[str, StateAt] = attrs.field(factory=dict)


def survey(definition: Mapping[str, Any]) -> list[Scope]:
    """All graphs of the definition, outermost first, those of a state in its order. No recursion: depth is no limit.

    The machine's QueryLanguage is the default for every state at every depth; a state's own does not pass to the states
    inside it (observed behaviour of the service).
    """
    default = _language(definition, "JSONPath")
    root = Scope((), dict(definition), StateMachine, None)
    scopes: list[Scope] = []
    todo = [root]
    while todo:
        scope = todo.pop()
        scopes.append(scope)
        states = scope.fields.get("States")
        inner: list[Scope] = []
        for name, fields in states.items() if isinstance(states, dict) else ():
            if isinstance(fields, dict):
                state = _state(str(name), fields, scope, default)
                scope.states[state.name] = state
                inner.extend(_inner(state))
        todo.extend(reversed(inner))
    return scopes


def _state(name: str, fields: dict[str, Any], scope: Scope, default: Language) -> StateAt:
    kind = fields.get("Type")
    language = _language(fields, default)
    cls = STATES.get(kind) if isinstance(kind, str) else None
    return StateAt(name, (*scope.path, "States", name), fields, cls, language, scope)


def _language(fields: Mapping[str, Any], default: Language) -> Language:
    """What a QueryLanguage is taken for: anything but "JSONPath" for JSONata (observed behaviour of the service)."""
    said = fields.get("QueryLanguage", default)
    if has_placeholder(said):
        return default
    return "JSONPath" if said == "JSONPath" else "JSONata"


def _inner(state: StateAt) -> Iterator[Scope]:
    if state.type == "Map":
        for key in ("ItemProcessor", "Iterator"):
            graph = state.fields.get(key)
            if isinstance(graph, dict):
                yield Scope((*state.path, key), graph, Processor, state)
    elif state.type == "Parallel":
        for index, graph in enumerate(_list(state.fields.get("Branches"))):
            if isinstance(graph, dict):
                yield Scope((*state.path, "Branches", index), graph, Branch, state)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
