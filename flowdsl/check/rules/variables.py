"""Variables: their names, the machines that own them, and whether every route assigns what is read.

Source: Step Functions Developer Guide, "Passing data between states with variables".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...asl.names import MAX_NAME, is_variable_name
from ...asl.tree import Edge, Machine, Node, Tree
from ...base.diagnostics import AslPath
from ...base.words import did_you_mean
from ..findings import Findings
from ..registry import Code, Rule
from ..subject import Subject, VariableRead


def check_variables(subject: Subject, findings: Findings) -> None:
    tree, reads = subject.tree, subject.reads
    assigns = [each for each in subject.fields if each.key == "Assign"]
    for each in assigns:
        for name in each.value:
            _check_name(_plain(name, each.language), (*each.path, name), findings)
    if not assigns and not reads:
        return
    own = {machine: _assigned_in(machine) for machine in tree.machines}
    for machine in tree.machines:
        _check_shadowing(machine, own, findings)
    before = _before_states(tree)
    for read in reads:
        _check_read(read, before, own, findings)


def _plain(name: str, language: str) -> str:
    return name.removesuffix(".$") if language == "JSONPath" else name


def _check_name(name: str, path: AslPath, findings: Findings) -> None:
    if is_variable_name(name):
        return
    if name == "states":
        message = "a variable cannot be named 'states': Step Functions reserves the name"
    elif len(name) > MAX_NAME:
        message = f"a variable's name has at most {MAX_NAME} characters, not {len(name)}"
    else:
        message = f"{name!r} is not a variable name"
    findings.error("FD756", message, path, hint="use letters, digits and '_', and do not begin with a digit")


def _assigns(state: Node) -> Iterator[tuple[dict[str, Any], AslPath]]:
    """Yield every Assign of a state: its own, those of its catchers and of its choice rules."""
    if isinstance(state.fields.get("Assign"), dict):
        yield state.fields["Assign"], (*state.path, "Assign")
    for key in ("Catch", "Choices"):
        parts = state.fields.get(key)
        for index, part in enumerate(parts if isinstance(parts, list) else []):
            if isinstance(part, dict) and isinstance(part.get("Assign"), dict):
                yield part["Assign"], (*state.path, key, index, "Assign")


def _names(assign: Any, language: str) -> frozenset[str]:
    return frozenset(_plain(name, language) for name in assign) if isinstance(assign, dict) else frozenset()


def _assigned_in(machine: Machine) -> frozenset[str]:
    names: set[str] = set()
    for state in machine.states.values():
        for assign, _ in _assigns(state):
            names |= _names(assign, state.language)
    return frozenset(names)


def _check_shadowing(machine: Machine, own: dict[Machine, frozenset[str]], findings: Findings) -> None:
    outer: set[str] = set()
    inner = machine
    while inner.owner is not None and not inner.is_distributed:
        inner = inner.owner.machine
        outer |= own[inner]
    if not outer:
        return
    for state in machine.states.values():
        for assign, path in _assigns(state):
            for name in assign:
                plain = _plain(name, state.language)
                if plain in outer:
                    message = f"cannot assign the variable {plain!r} here: it belongs to the states outside"
                    hint = "use another name, and return the value as output"
                    findings.error("FD760", message, (*path, name), hint=hint)


def assigned_on(edge: Edge, state: Node) -> frozenset[str]:
    """The variables that a transition sets: those of the rule or catcher, else those of the state."""
    return _names(edge.fields.get("Assign"), state.language)


Known = tuple[frozenset[str], frozenset[str]]
"""The variables that every route assigns, and those that some routes assign."""


def _before_states(tree: Tree) -> dict[Node, Known]:
    """Return which variables are assigned when each state is entered. Outer machines come before inner ones."""
    before: dict[Node, Known] = {}
    for machine in tree.machines:
        start: Known = (frozenset(), frozenset())
        if machine.owner in before and not machine.is_distributed:
            start = before[machine.owner]
        _follow_routes(machine, start, before)
    return before


def _follow_routes(machine: Machine, start: Known, before: dict[Node, Known]) -> None:
    todo = [machine.start] if machine.start is not None else []
    before.update(dict.fromkeys(todo, start))
    while todo:
        node = todo.pop()
        always, sometimes = before[node]
        for edge in node.transitions:
            if edge.target is None:
                continue
            assigned = assigned_on(edge, node)
            new: Known = (always | assigned, sometimes | assigned)
            old = before.get(edge.target)
            merged = new if old is None else (old[0] & new[0], old[1] | new[1])
            if merged != old:
                before[edge.target] = merged
                todo.append(edge.target)


def _check_read(
    read: VariableRead, before: dict[Node, Known], own: dict[Machine, frozenset[str]], findings: Findings
) -> None:
    known = before.get(read.state)
    if known is None:
        return  # the state is unreachable, which rules/graph reports
    always, sometimes = known
    if read.name in always or (read.language == "JSONata" and _is_function(read.name)):
        return
    if read.name in sometimes:
        message = f"variable {read.name!r} is assigned only on some routes to state {read.state.name!r}"
        hint = "assign it on every route, or before the routes split"
        findings.warning("FD758", message, read.path, hint=hint, needle=read.name)
        return
    everywhere: frozenset[str] = frozenset().union(*own.values())
    near = did_you_mean(read.name, {*everywhere, *(["states"] if read.language == "JSONata" else [])} - {read.name})
    if read.name in everywhere:
        message = f"variable {read.name!r} is not assigned on any route to state {read.state.name!r}"
        if read.name in own[read.state.machine]:
            near = "read it in a later state: an assigned variable is available from the next state on"
    else:
        message = f"variable {read.name!r} is never assigned"
    findings.failure("FD757", message, read.path, hint=near, needle=read.name)


def _is_function(name: str) -> bool:
    from .jsonata import functions  # imports the JSONata engine

    return name in functions()


RULES = (
    Rule(
        check_variables,
        (
            Code("FD756", "error", "A variable name that is not allowed"),
            Code("FD757", "error", "A variable that is never assigned"),
            Code("FD758", "warning", "A variable that only some routes assign"),
            Code("FD760", "error", "Assigning a variable of the states outside"),
        ),
    ),
)
