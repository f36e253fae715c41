"""Variables: their names, their tree, and whether every route has assigned what is read.

Source: Step Functions Developer Guide, "Passing data between states with variables".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...asl.tree import Edge, Machine, Node, Tree
from ...base.diagnostics import AslPath
from ...base.words import did_you_mean
from ...expr.path.tree import Path, Root
from ..findings import Findings
from .fields import Given
from .jsonata import VariableRead, functions
from .paths import expressions, is_intrinsic, parsed

MAX_VARIABLE_NAME = 80


def check_variables(tree: Tree, given: list[Given], reads: list[VariableRead], findings: Findings) -> None:
    assigns = [each for each in given if each.key == "Assign"]
    for each in assigns:
        for name in each.value:
            _name(_plain(name, each.language), (*each.path, name), findings)
    if not assigns and not reads:
        return
    own = {machine: _assigned_in(machine) for machine in tree.machines}
    for machine in tree.machines:
        _shadowing(machine, own, findings)
    before = _before_states(tree)
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


def _assigns(state: Node) -> Iterator[tuple[dict[str, Any], AslPath]]:
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


def _assigned_in(machine: Machine) -> frozenset[str]:
    found: set[str] = set()
    for state in machine.states.values():
        for assign, _ in _assigns(state):
            found |= _names(assign, state.language)
    return frozenset(found)


def _shadowing(machine: Machine, own: dict[Machine, frozenset[str]], findings: Findings) -> None:
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
                    message = f"the variable {plain!r} belongs to the states around: it cannot be assigned in here"
                    hint = "give it another name, and return its value as the output"
                    findings.error("FD760", message, (*path, name), hint=hint)


def assigned_on(edge: Edge, state: Node) -> frozenset[str]:
    """The variables that a transition sets: those of the rule or catcher, else those of the state."""
    return _names(edge.fields.get("Assign"), state.language)


Known = tuple[frozenset[str], frozenset[str]]
"""The variables that every route has assigned, and those that some route has."""


def _before_states(tree: Tree) -> dict[Node, Known]:
    """What is assigned when each state is entered. Outer tree come before the tree inside them."""
    before: dict[Node, Known] = {}
    for machine in tree.machines:
        start: Known = (frozenset(), frozenset())
        if machine.owner in before and not machine.is_distributed:
            start = before[machine.owner]
        _flow(machine, start, before)
    return before


def _flow(machine: Machine, start: Known, before: dict[Node, Known]) -> None:
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
        if read.name in own[read.state.machine]:
            near = "what a state assigns can be read from the next state on"
    else:
        message = f"no state assigns the variable {read.name!r}"
    findings.warning("FD757", message, read.path, hint=near)


def jsonpath_reads(given: list[Given], compared: list[tuple[str, AslPath, Node]]) -> list[VariableRead]:
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
