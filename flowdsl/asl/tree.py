"""A definition as a tree: its machines and states at every depth, and the edges between the states.

    tree = Tree(definition)
    for node in tree:
        for edge in node.edges:
            print(node.name, edge.kind, edge.name)

- A *machine* has StartAt and States: the definition itself, a branch of a Parallel, the processor of a Map.
- A *node* is a state.
- An *edge* leads from a state to the next one, back to itself (Retry), or into a machine inside it.

Each of them knows its ASL path. Every value has a tree, however broken or deep: what cannot be read is left out, and an
edge to a state that does not exist has no target. Fields are shared with the definition and never changed.

The classes are plain because making attrs classes would be a good part of the time that `flowdsl check` takes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from ..base.diagnostics import AslPath
from ..base.named import NamedTuple
from .placeholders import has_placeholder

if TYPE_CHECKING:
    from ..author.fields import Language

STATE_TYPES = ("Task", "Wait", "Pass", "Succeed", "Fail", "Choice", "Parallel", "Map")

EdgeKind = Literal["start", "next", "choice", "default", "catch", "retry", "branch", "processor"]
MachineKind = Literal["machine", "branch", "processor"]


class Edge(NamedTuple):
    """A way from one state to another.

    `start` has no source: it leads to the first state of a machine. `branch` and `processor` lead from a Parallel or a
    Map to the first state inside; `retry` leads from a state to itself.
    """

    kind: EdgeKind
    source: Node | None
    target: Node | None
    """None if no state of that name exists in the machine."""
    name: Any
    """The target's name as the definition has it; in a broken definition any JSON value."""
    path: AslPath
    """Where the definition has the name; of a retry the retrier, of a branch or processor the machine."""
    fields: Mapping[str, Any]
    """The JSON object that the edge belongs to: the choice rule, catcher or retrier, the machine, or else the state."""

    @property
    def label(self) -> str:
        """A short text for pictures and lists, such as `rule 1` or the names of the errors; "" for `next`."""
        if self.kind in ("catch", "retry"):
            names = self.fields.get("ErrorEquals")
            return ", ".join(map(str, names)) if isinstance(names, list) else ""
        if self.kind in ("choice", "branch"):
            position = next(step for step in reversed(self.path) if isinstance(step, int))
            return f"{'rule' if self.kind == 'choice' else 'branch'} {position + 1}"
        return {"default": "Default", "processor": "item processor"}.get(self.kind, "")


class Node:
    """A state."""

    def __init__(self, name: str, fields: dict[str, Any], machine: Machine, default: Language) -> None:
        kind = fields.get("Type")
        self.name = name
        self.path: AslPath = (*machine.path, "States", name)
        self.fields = fields
        self.machine = machine
        """The machine whose States has this state."""
        self.type: str = kind if isinstance(kind, str) and kind in STATE_TYPES else ""
        """The Type, or "" if it is missing or unknown."""
        self.language = _language(fields, default)
        self.machines: list[Machine] = []
        """The machines inside: the branches of a Parallel, the processor of a Map."""

    def __repr__(self) -> str:
        return f"<{self.type or 'State'} {self.name!r}>"

    @property
    def is_terminal(self) -> bool:
        """True if an execution of the machine can end here."""
        return self.type in ("Succeed", "Fail") or self.fields.get("End") is True

    @property
    def parent(self) -> Node | None:
        """The Parallel or Map around this state, or None at the top level."""
        return self.machine.owner

    @property
    def ancestors(self) -> list[Node]:
        """The Parallels and Maps around this state, outermost first."""
        nodes: list[Node] = []
        node = self.parent
        while node is not None:
            nodes.append(node)
            node = node.parent
        return nodes[::-1]

    @cached_property
    def edges(self) -> list[Edge]:
        """The edges out of this state: next, choices, default, retriers, catchers, machines inside."""
        return [*self._edges()]

    @property
    def transitions(self) -> list[Edge]:
        """The edges to the next state of the same machine: `edges` without retries and machines inside."""
        return [edge for edge in self.edges if edge.kind in ("next", "choice", "default", "catch")]

    @cached_property
    def following(self) -> list[Node]:
        """The states that can come next, each once."""
        return list(dict.fromkeys(edge.target for edge in self.transitions if edge.target is not None))

    def _edges(self) -> Iterator[Edge]:
        fields, path = self.fields, self.path
        if "Next" in fields:
            yield self._edge("next", fields["Next"], (*path, "Next"), fields)
        for index, rule in _objects(fields.get("Choices")):
            if "Next" in rule:
                yield self._edge("choice", rule["Next"], (*path, "Choices", index, "Next"), rule)
        if "Default" in fields:
            yield self._edge("default", fields["Default"], (*path, "Default"), fields)
        for index, retrier in _objects(fields.get("Retry")):
            yield Edge("retry", self, self, self.name, (*path, "Retry", index), retrier)
        for index, catcher in _objects(fields.get("Catch")):
            if "Next" in catcher:
                yield self._edge("catch", catcher["Next"], (*path, "Catch", index, "Next"), catcher)
        for machine in self.machines:
            kind: EdgeKind = "branch" if machine.kind == "branch" else "processor"
            yield Edge(kind, self, machine.start, machine.fields.get("StartAt"), machine.path, machine.fields)

    def _edge(self, kind: EdgeKind, name: Any, path: AslPath, fields: Mapping[str, Any]) -> Edge:
        return Edge(kind, self, self.machine.find(name), name, path, fields)


class Machine:
    """States that can lead to each other: the whole state machine, a branch of a Parallel or the processor of a Map."""

    def __init__(self, kind: MachineKind, path: AslPath, fields: dict[str, Any], owner: Node | None) -> None:
        self.kind = kind
        self.path = path
        self.fields = fields
        self.owner = owner
        """The Parallel or Map that this machine belongs to, or None for the state machine itself."""
        self.states: dict[str, Node] = {}

    def __repr__(self) -> str:
        return f"<{self.kind} {'/'.join(map(str, self.path))}>"

    def find(self, name: Any) -> Node | None:
        """Return the state of this name, or None if this machine has none."""
        return self.states.get(name) if isinstance(name, str) else None

    @property
    def start(self) -> Node | None:
        """The first state, or None if StartAt is missing or names no state of this machine."""
        return self.find(self.fields.get("StartAt"))

    @property
    def is_distributed(self) -> bool:
        """True for the processor of a Distributed Map, which runs in executions of its own."""
        config = self.fields.get("ProcessorConfig")
        return isinstance(config, dict) and config.get("Mode") == "DISTRIBUTED"

    @property
    def is_express_child(self) -> bool:
        """True if this machine runs in Express executions that a Distributed Map starts."""
        machine = self
        while not machine.is_distributed:
            if machine.owner is None:
                return False
            machine = machine.owner.machine
        return bool(machine.fields["ProcessorConfig"].get("ExecutionType") == "EXPRESS")

    @property
    def edges(self) -> Iterator[Edge]:
        """The start edge, and the edges out of each state."""
        if "StartAt" in self.fields:
            name = self.fields["StartAt"]
            yield Edge("start", None, self.start, name, (*self.path, "StartAt"), self.fields)
        for node in self.states.values():
            yield from node.edges

    def reachable(self, also: Iterable[Node] = ()) -> dict[Node, None]:
        """Return the states that StartAt or one of `also` leads to, as a dict because that keeps their order."""
        first = [self.start] if self.start is not None else []
        return _closure([*first, *also], {node: node.following for node in self.states.values()})

    def leading_to(self, targets: Iterable[Node]) -> dict[Node, None]:
        """Return the states from which one of `targets` can be reached, `targets` included."""
        return _closure(targets, self.predecessors())

    def predecessors(self) -> dict[Node, list[Node]]:
        """Return for each state the states that can come immediately before it."""
        before: dict[Node, list[Node]] = {node: [] for node in self.states.values()}
        for node in self.states.values():
            for target in node.following:
                before[target].append(node)
        return before

    def cycles(self, among: Iterable[Node] | None = None) -> list[list[Node]]:
        """Return the sets of states that lead to each other (strongly connected components that have a cycle).

        With `among`, only by way of these states.
        """
        nodes = dict.fromkeys(self.states.values() if among is None else among)
        return [
            component
            for component in _components(nodes)
            if len(component) > 1 or component[0] in component[0].following
        ]

    def cycle_through(self, node: Node) -> list[Node]:
        """Return the states of a shortest way from a state back to itself, that state first; empty if there is none."""
        before: dict[Node, Node] = {}
        todo = deque([node])
        while todo and node not in before:
            current = todo.popleft()
            for target in current.following:
                if target not in before:
                    before[target] = current
                    todo.append(target)
        if node not in before:
            return []
        cycle = [before[node]]
        while cycle[-1] is not node:
            cycle.append(before[cycle[-1]])
        return cycle[::-1]


class Tree:
    """A definition, read once. Iterating gives every state; those inside a Parallel or Map follow it."""

    def __init__(self, definition: Any) -> None:
        fields: dict[str, Any] = dict(definition) if isinstance(definition, Mapping) else {}
        self.language = _language(fields, "JSONPath")
        """The query language of states that name none. The QueryLanguage of a state does not pass to the states inside
        it (observed behaviour of the service)."""
        self.root = Machine("machine", (), fields, None)
        self.machines: list[Machine] = []
        """All machines: the state machine itself first, each before the machines inside it."""
        todo = [self.root]
        while todo:
            machine = todo.pop()
            self.machines.append(machine)
            states = machine.fields.get("States")
            inner: list[Machine] = []
            for name, state in states.items() if isinstance(states, dict) else ():
                if isinstance(state, dict):
                    node = Node(str(name), state, machine, self.language)
                    machine.states[node.name] = node
                    if node.type in ("Map", "Parallel"):
                        node.machines = [*_machines_in(node)]
                        inner.extend(node.machines)
            todo.extend(reversed(inner))

    def __iter__(self) -> Iterator[Node]:
        todo = [*reversed(self.root.states.values())]
        while todo:
            node = todo.pop()
            yield node
            for machine in reversed(node.machines):
                todo.extend(reversed(machine.states.values()))

    @cached_property
    def names(self) -> dict[str, list[Node]]:
        """The states of each name; in a valid definition one."""
        names: dict[str, list[Node]] = {}
        for node in self:
            names.setdefault(node.name, []).append(node)
        return names

    def find(self, name: str) -> Node | None:
        """Return the first state of this name at any depth, or None if there is none."""
        nodes = self.names.get(name)
        return nodes[0] if nodes else None

    def node_at(self, path: AslPath) -> Node | None:
        """Return the innermost state that an ASL path leads to or through, or None if it leads through none."""
        by_path = self._by_path
        return next((by_path[path[:size]] for size in range(len(path), 0, -1) if path[:size] in by_path), None)

    @cached_property
    def _by_path(self) -> dict[AslPath, Node]:
        return {node.path: node for node in self}


def _language(fields: Mapping[str, Any], default: Language) -> Language:
    """Read a QueryLanguage: anything but "JSONPath" counts as JSONata (observed behaviour of the service)."""
    language = fields.get("QueryLanguage", default)
    if has_placeholder(language):
        return default
    return "JSONPath" if language == "JSONPath" else "JSONata"


def _machines_in(node: Node) -> Iterator[Machine]:
    if node.type == "Map":
        for key in ("ItemProcessor", "Iterator"):
            fields = node.fields.get(key)
            if isinstance(fields, dict):
                yield Machine("processor", (*node.path, key), fields, node)
    else:
        for index, fields in _objects(node.fields.get("Branches")):
            yield Machine("branch", (*node.path, "Branches", index), fields, node)


def _objects(values: Any) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a list with their positions."""
    for index, value in enumerate(values if isinstance(values, list) else ()):
        if isinstance(value, dict):
            yield index, value


def _closure(first: Iterable[Node], following: Mapping[Node, Iterable[Node]]) -> dict[Node, None]:
    reached: dict[Node, None] = {}
    todo = [*first]
    while todo:
        node = todo.pop()
        if node not in reached:
            reached[node] = None
            todo.extend(following[node])
    return reached


def _components(nodes: Mapping[Node, None]) -> Iterator[list[Node]]:
    """Tarjan's algorithm with a list instead of recursion, on the edges between these nodes."""
    index: dict[Node, int] = {}
    low: dict[Node, int] = {}
    stack: list[Node] = []
    on_stack: set[Node] = set()
    for root in nodes:
        todo = [] if root in index else [(root, iter(root.following))]
        while todo:
            node, targets = todo[-1]
            if node not in index:
                index[node] = low[node] = len(index)
                stack.append(node)
                on_stack.add(node)
            for target in targets:
                if target not in nodes:
                    continue
                if target not in index:
                    todo.append((target, iter(target.following)))
                    break
                if target in on_stack:
                    low[node] = min(low[node], index[target])
            else:
                todo.pop()
                if todo:
                    before = todo[-1][0]
                    low[before] = min(low[before], low[node])
                if low[node] == index[node]:
                    component: list[Node] = []
                    while not component or component[-1] is not node:
                        component.append(stack.pop())
                    on_stack.difference_update(component)
                    yield component[::-1]
