"""Which parts of a state machine the tests reached: states, branches of Choice, Retry and Catch.

Coverage is computed from histories and the definition, so runs on AWS count like those on the embedded engine:

- a state is covered if it was entered;
- a rule of a Choice, or its Default, if the state that it leads to came next. If several lead to this state, the rules
  are evaluated again on the state's input and the variables; if that fails, the first of them counts;
- a retrier if an attempt that failed with one of its errors was followed by another attempt; with `"MaxAttempts": 0`,
  if no other attempt followed;
- a catcher if the state failed and the execution went where the catcher leads; if several lead there, the first that
  matches the error.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from attrs import define, field, frozen

from ..asl.tree import Node, Tree
from ..base.diagnostics import AslPath, pointer
from ..base.source import display_path
from ..engine.errors import Failure
from ..project import Loaded
from ..run.visits import Fault, Visit
from .branches import find_branch
from .history import History

Kind = Literal["state", "branch", "retry", "catch"]
KINDS: tuple[Kind, ...] = ("state", "branch", "retry", "catch")


@frozen
class Item:
    """Something that a test can reach; `path` is its place in the definition."""

    kind: Kind
    path: AslPath
    about: str


def items(definition: Mapping[str, Any]) -> Iterator[Item]:
    """Yield everything that can be covered, in the order of the definition."""
    for node in Tree(definition):
        name, path = node.name, node.path
        yield Item("state", path, f"state {name}")
        for edge in node.edges:
            match edge.kind:
                case "choice":
                    yield Item("branch", edge.path[:-1], f"{name}: {edge.label}, to {edge.name}")
                case "default":
                    yield Item("branch", edge.path, f"{name}: Default, to {edge.name}")
                case "retry":
                    yield Item("retry", edge.path, f"{name}: Retry of {_errors(edge.fields)}")
                case "catch":
                    yield Item("catch", edge.path[:-1], f"{name}: Catch of {_errors(edge.fields)}, to {edge.name}")


def _errors(part: Mapping[str, Any]) -> str:
    first, *rest = part.get("ErrorEquals", ("nothing",))
    return f"{first} and {len(rest)} more" if rest else str(first)


def hits(definition: Mapping[str, Any], history: History) -> Counter[AslPath]:
    """How often each item was reached in an execution, by path."""
    return _Reader(Tree(definition)).read(history)


def find_node(tree: Tree, visit: Visit) -> Node | None:
    """The visited state. Duplicate names are qualified with their enclosing states."""
    nodes = tree.names.get(visit.name, [])
    if len(nodes) > 1 and visit.parent is not None and (around := find_node(tree, visit.parent)):
        nodes = [node for node in nodes if around in node.ancestors] or nodes
    return nodes[0] if nodes else None


def followed(definition: Mapping[str, Any], history: History) -> Counter[AslPath]:
    """How often the Next of each state was followed in an execution, by its path: a picture needs it, but a state that
    has been left needs no coverage of its only way on."""
    tree = Tree(definition)
    counts: Counter[AslPath] = Counter()
    for visit in history.visits:
        node = find_node(tree, visit)
        if node is not None and not visit.failed and visit.following == node.fields.get("Next", False):
            counts[*node.path, "Next"] += 1
    return counts


@define
class _Reader:
    tree: Tree

    def read(self, history: History) -> Counter[AslPath]:
        counts: Counter[AslPath] = Counter()
        for visit in history.visits:
            if node := find_node(self.tree, visit):
                counts.update(self._reached_paths(node, visit, history))
        return counts

    def _reached_paths(self, node: Node, visit: Visit, history: History) -> Iterator[AslPath]:
        path, state = node.path, node.fields
        yield path
        if node.type == "Choice" and visit.following is not None:
            branch = find_branch(state, visit, history, self.tree.language)
            if branch is not None:
                yield (*path, *branch)
        retriers = state.get("Retry", ())
        for fault in visit.faults:
            index = self._first(retriers, fault)
            if index is not None and (fault in visit.retried or retriers[index].get("MaxAttempts") == 0):
                yield (*path, "Retry", index)
        catcher = self._catcher(state, visit)
        if catcher is not None:
            yield (*path, "Catch", catcher)

    def _catcher(self, state: Mapping[str, Any], visit: Visit) -> int | None:
        catchers = state.get("Catch", ())
        leading = [index for index, each in enumerate(catchers) if each.get("Next") == visit.following]
        if not leading or visit.following is None:
            return None
        if not visit.failed:
            # An error outside the attempts, such as a path without a value, has no event of its own.
            return leading[0] if visit.following != state.get("Next") else None
        first = self._first([catchers[index] for index in leading], visit.faults[-1])
        return leading[first or 0]

    def _first(self, parts: Sequence[Mapping[str, Any]], fault: Fault) -> int | None:
        """The first retrier or catcher that takes the error."""
        error = fault.error
        if error is None and fault.fail_state is not None and (fail := self.tree.find(fault.fail_state)):
            error = fail.fields.get("Error")
        failure = Failure(error, alias="States.HeartbeatTimeout" if fault.heartbeat else None)
        for index, part in enumerate(parts):
            if failure.matches(tuple(part.get("ErrorEquals", ()))):
                return index
        return None


@define
class Measured:
    """The coverage of one state machine: the place of each item (`file:line`) and its hits, by pointer."""

    definition: Mapping[str, Any]
    places: dict[str, str] = field(factory=dict)
    hits: Counter[str] = field(factory=Counter)
    runs: int = 0
    followed: Counter[str] = field(factory=Counter)
    """How often the Next of each state was followed, by pointer; kept if tests are named."""
    tests: dict[str, Counter[str]] = field(factory=dict)
    """Hits and followed Nexts by test, if tests are named."""

    def items(self) -> list[tuple[Item, int]]:
        return [(item, self.hits[pointer(item.path)]) for item in items(self.definition)]

    def count(self, kind: Kind | None = None) -> tuple[int, int]:
        """How many items (of a kind) were reached, and how many there are."""
        chosen = [reached for item, reached in self.items() if kind in (None, item.kind)]
        return sum(1 for reached in chosen if reached), len(chosen)

    @property
    def percent(self) -> float:
        reached, total = self.count()
        return 100.0 * reached / total if total else 100.0


@define
class Coverage:
    """The state machines that ran, by name; a second one of the same name is `name#2`."""

    machines: dict[str, Measured] = field(factory=dict)

    def observe(self, machine: Loaded, histories: Iterable[History], *, test: str = "") -> None:
        """Count what an execution of the machine and its child executions reached; `test` names the test that ran it,
        for a report that lists tests."""
        measured = self.expect(machine)
        measured.runs += 1
        for history in histories:
            reached = Counter({pointer(path): count for path, count in hits(machine.definition, history).items()})
            measured.hits.update(reached)
            if test:
                ways = {pointer(path): count for path, count in followed(machine.definition, history).items()}
                measured.followed.update(ways)
                reached.update(ways)
                measured.tests.setdefault(test, Counter()).update(reached)

    def expect(self, machine: Loaded) -> Measured:
        """The entry of a machine, created if it is missing."""
        measured = self._entry(machine.name, machine.definition)
        if not measured.places:
            for item in items(machine.definition):
                span = machine.locate(item.path)
                if span is not None:
                    measured.places[pointer(item.path)] = f"{display_path(Path(span.file))}:{span.line}"
        return measured

    def _entry(self, name: str, definition: Mapping[str, Any]) -> Measured:
        key, number = name, 1
        while key in self.machines and self.machines[key].definition != definition:
            number += 1
            key = f"{name}#{number}"
        return self.machines.setdefault(key, Measured(definition))

    def merge(self, data: Mapping[str, Any]) -> None:
        """Add the `data()` of another process."""
        for name, other in data.items():
            measured = self._entry(name.partition("#")[0], other["definition"])
            measured.places.update(other["places"])
            measured.hits.update(other["hits"])
            measured.runs += other["runs"]
            measured.followed.update(other["followed"])
            for test, hits_of_test in other["tests"].items():
                measured.tests.setdefault(test, Counter()).update(hits_of_test)

    def data(self) -> dict[str, Any]:
        """All of it as JSON values."""
        return {
            name: {
                "definition": measured.definition,
                "places": measured.places,
                "hits": dict(measured.hits),
                "runs": measured.runs,
                "followed": dict(measured.followed),
                "tests": {test: dict(hits_of_test) for test, hits_of_test in measured.tests.items()},
            }
            for name, measured in self.machines.items()
        }

    def summary(self) -> dict[str, Any]:
        """The report as JSON values: percentages, and every item with its line and how often it was reached."""
        return {
            "percent": self.percent,
            "machines": {
                name: {
                    "percent": measured.percent,
                    "runs": measured.runs,
                    "items": [
                        {
                            "kind": item.kind,
                            "path": pointer(item.path),
                            "about": item.about,
                            "place": measured.places.get(pointer(item.path)),
                            "reached": reached,
                        }
                        for item, reached in measured.items()
                    ],
                }
                for name, measured in self.machines.items()
            },
        }

    @property
    def percent(self) -> float:
        """The percentage of all items of all machines; 0 without machines."""
        counts = [measured.count() for measured in self.machines.values()]
        total = sum(total for _, total in counts)
        return 100.0 * sum(reached for reached, _ in counts) / total if total else 0.0
