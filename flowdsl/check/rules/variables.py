"""Variables: their names, their scopes, and whether every route has assigned what is read.

Source: Step Functions Developer Guide, "Passing data between states with variables".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from ...asl.tree import Scope, StateAt
from ...base.diagnostics import AslPath
from ...base.words import did_you_mean
from ...expr.path.tree import Path, Root
from ..findings import Findings
from .fields import Given
from .graph import reachable
from .jsonata import VariableRead, functions
from .paths import expressions, is_intrinsic, parsed

MAX_VARIABLE_NAME = 80


class Edge(NamedTuple):
    """A way from a state to the next, with the variables that it sets."""

    target: str
    assigned: frozenset[str]


def check_variables(scopes: list[Scope], given: list[Given], reads: list[VariableRead], findings: Findings) -> None:
    assigns = [each for each in given if each.key == "Assign"]
    for each in assigns:
        for name in each.value:
            _name(_plain(name, each.language), (*each.path, name), findings)
    if not assigns and not reads:
        return
    own = {id(scope): _assigned_in(scope) for scope in scopes}
    for scope in scopes:
        _shadowing(scope, own, findings)
    before = _before_states(scopes)
    for read in reads:
        _check_read(read, before, own, findings)


def _plain(name: str, language: str) -> str:
    return name.removesuffix(".$") if language == "JSONPath" else name


def _name(name: str, path: AslPath, findings: Findings) -> None:
    if not name or len(name) > MAX_VARIABLE_NAME:
        message = f"a variable's name has 1 to {MAX_VARIABLE_NAME} characters, not {len(name)}"
        findings.error("FD756", message, path)
    elif name == "states":
        findings.error("FD756", "'states' is the name of a variable that Step Functions sets", path)
    elif not name.isidentifier():
        message = f"{name!r} cannot be a variable's name: letters, digits and '_', and no digit first"
        findings.error("FD756", message, path)


def _assigns(state: StateAt) -> Iterator[tuple[dict[str, Any], AslPath]]:
    """Every Assign of a state: its own, its catchers' and its rules'."""
    if isinstance(state.fields.get("Assign"), dict):
        yield state.fields["Assign"], (*state.path, "Assign")
    for key in ("Catch", "Choices"):
        parts = state.fields.get(key)
        for index, part in enumerate(parts if isinstance(parts, list) else []):
            if isinstance(part, dict) and isinstance(part.get("Assign"), dict):
                yield part["Assign"], (*state.path, key, index, "Assign")


def _names(assign: Any, language: str) -> frozenset[str]:
    return frozenset(_plain(name, language) for name in assign) if isinstance(assign, dict) else frozenset()


def _assigned_in(scope: Scope) -> frozenset[str]:
    found: set[str] = set()
    for state in scope.states.values():
        for assign, _ in _assigns(state):
            found |= _names(assign, state.language)
    return frozenset(found)


def _shadowing(scope: Scope, own: dict[int, frozenset[str]], findings: Findings) -> None:
    outer: set[str] = set()
    inner = scope
    while inner.owner is not None and not _is_distributed(inner):
        inner = inner.owner.scope
        outer |= own[id(inner)]
    if not outer:
        return
    for state in scope.states.values():
        for assign, path in _assigns(state):
            for name in assign:
                plain = _plain(name, state.language)
                if plain in outer:
                    message = f"the variable {plain!r} belongs to the states around: it cannot be assigned in here"
                    hint = "give it another name, and return its value as the output"
                    findings.error("FD760", message, (*path, name), hint=hint)


def edges(state: StateAt) -> list[Edge]:
    """The ways out of a state with what each assigns: the matching rule's, the catcher's, or the state's own Assign."""
    fields, language = state.fields, state.language
    own = _names(fields.get("Assign"), language)
    found = [Edge(fields[key], own) for key in ("Next", "Default") if isinstance(fields.get(key), str)]
    for key in ("Catch", "Choices"):
        parts = fields.get(key)
        found += [
            Edge(part["Next"], _names(part.get("Assign"), language))
            for part in (parts if isinstance(parts, list) else [])
            if isinstance(part, dict) and isinstance(part.get("Next"), str)
        ]
    return [edge for edge in found if edge.target in state.scope.states]


Known = tuple[frozenset[str], frozenset[str]]
"""The variables that every route has assigned, and those that some route has."""


def _before_states(scopes: list[Scope]) -> dict[int, Known]:
    """What is assigned when each state is entered. Outer scopes come before the scopes inside them."""
    before: dict[int, Known] = {}
    for scope in scopes:
        start: Known = (frozenset(), frozenset())
        if scope.owner is not None and id(scope.owner) in before and not _is_distributed(scope):
            start = before[id(scope.owner)]
        _flow(scope, start, before)
    return before


def _is_distributed(scope: Scope) -> bool:
    """The items of a Distributed Map run in executions of their own, which see no variable of the outer one."""
    config = scope.fields.get("ProcessorConfig")
    return isinstance(config, dict) and config.get("Mode") == "DISTRIBUTED"


def _flow(scope: Scope, start: Known, before: dict[int, Known]) -> None:
    first = scope.fields.get("StartAt")
    reached = reachable(scope)
    known: dict[str, Known] = {first: start} if isinstance(first, str) and first in reached else {}
    todo = [*known]
    while todo:
        name = todo.pop()
        always, sometimes = known[name]
        for target, assigned in edges(scope.states[name]):
            new: Known = (always | assigned, sometimes | assigned)
            old = known.get(target)
            merged = new if old is None else (old[0] & new[0], old[1] | new[1])
            if merged != old:
                known[target] = merged
                todo.append(target)
    for name, found in known.items():
        before[id(scope.states[name])] = found


def _check_read(
    read: VariableRead, before: dict[int, Known], own: dict[int, frozenset[str]], findings: Findings
) -> None:
    known = before.get(id(read.state))
    if known is None:
        return  # the state is never reached, which is said elsewhere
    always, sometimes = known
    if read.name in always or (read.language == "JSONata" and read.name in functions()):
        return
    if read.name in sometimes:
        message = f"the variable {read.name!r} is assigned only on some of the routes to state {read.state.name!r}"
        hint = "assign it on every route, or before they part"
        findings.warning("FD758", message, read.path, hint=hint)
        return
    everywhere: frozenset[str] = frozenset().union(*own.values())
    near = did_you_mean(read.name, everywhere - {read.name})
    if read.name in everywhere:
        message = f"no route to state {read.state.name!r} has assigned the variable {read.name!r} yet"
        if read.name in own[id(read.state.scope)]:
            near = "what a state assigns can be read from the next state on"
    else:
        message = f"no state assigns the variable {read.name!r}"
    findings.warning("FD757", message, read.path, hint=near)


def jsonpath_reads(given: list[Given], compared: list[tuple[str, AslPath, StateAt]]) -> list[VariableRead]:
    """The variables that paths, payload templates and choice rules read."""
    from ...author.states import Catcher

    reads: list[VariableRead] = []
    for each in given:
        if each.state is None or each.language == "JSONata":
            continue
        if each.kind.shape == "path":
            texts = [(each.value, each.path)]
        elif each.kind.shape == "template":
            texts = [(value, at) for key, value, at in expressions(each.value, each.path) if key.endswith(".$")]
        else:
            continue
        state, catcher = each.state, each.cls is Catcher
        reads += [
            VariableRead(name, state, at, "JSONPath", catcher) for text, at in texts for name in _variables_of(text)
        ]
    for text, at, state in compared:
        reads.extend(VariableRead(name, state, at, "JSONPath", False) for name in _variables_of(text))
    return reads


def _variables_of(text: Any) -> Iterator[str]:
    if not isinstance(text, str) or "$" not in text or len(text) < 2:
        return
    for path in paths_of(text):
        if path.root is Root.VARIABLE and path.variable is not None:
            yield path.variable


def paths_of(text: str) -> list[Path]:
    """The paths in a path or an intrinsic function; none where it is neither."""
    if not is_intrinsic(text):
        path = parsed(text)
        return [] if path is None else [path]
    from ...expr.intrinsic_parser import Call, IntrinsicSyntaxError, PathArgument
    from .intrinsics import parsed_intrinsic

    try:
        todo: list[Any] = [parsed_intrinsic(text)]
    except (IntrinsicSyntaxError, RecursionError):
        return []
    found: list[Path] = []
    while todo:
        each = todo.pop()
        if isinstance(each, PathArgument):
            found.append(each.path)
        elif isinstance(each, Call):
            todo.extend(each.arguments)
    return found
