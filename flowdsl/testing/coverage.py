"""What of a machine the tests have seen: states, branches of Choice, Retry and Catch.

It is read off the histories and the definition, so runs on AWS count like those on the embedded engine:

- a state is covered when it was entered;
- a rule of a Choice, or its Default, when the state that it leads to came next. Where several lead to one state the
  rules are evaluated again on the state's input and the variables; what cannot be evaluated so is counted for the
  first of them;
- a retrier when an attempt that failed with an error of its was followed by another attempt; one that says
  `"MaxAttempts": 0` when such an attempt was not;
- a catcher when the state failed and went where the catcher leads; where several lead there, the first that takes the
  error.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from attrs import define, field, frozen

from ..base.diagnostics import AslPath, pointer
from ..base.source import display_path
from ..engine.errors import Failure
from ..project import Loaded
from ..run.visits import Fault, Visit
from .branches import taken
from .history import History

Kind = Literal["state", "branch", "retry", "catch"]
KINDS: tuple[Kind, ...] = ("state", "branch", "retry", "catch")


@frozen
class Item:
    """Something that a test can reach; `path` is where it stands in the definition."""

    kind: Kind
    path: AslPath
    about: str


def items(definition: Mapping[str, Any]) -> Iterator[Item]:
    """All that can be covered, in the order of the definition."""
    for path, state in states(definition):
        name = str(path[-1])
        yield Item("state", path, f"state {name}")
        for index, rule in enumerate(state.get("Choices", ())):
            yield Item("branch", (*path, "Choices", index), f"{name}: rule {index + 1}, to {rule.get('Next')}")
        if "Default" in state:
            yield Item("branch", (*path, "Default"), f"{name}: Default, to {state['Default']}")
        for index, retrier in enumerate(state.get("Retry", ())):
            yield Item("retry", (*path, "Retry", index), f"{name}: Retry of {_errors(retrier)}")
        for index, catcher in enumerate(state.get("Catch", ())):
            about = f"{name}: Catch of {_errors(catcher)}, to {catcher.get('Next')}"
            yield Item("catch", (*path, "Catch", index), about)


def states(definition: Mapping[str, Any]) -> Iterator[tuple[AslPath, Mapping[str, Any]]]:
    """Every state with its path; those inside a Parallel or Map follow it."""
    todo: list[tuple[AslPath, Mapping[str, Any] | None, Any]] = [((), None, definition)]
    while todo:
        path, state, inner = todo.pop()
        if state is not None:
            yield path, state
            below = [((*path, "Branches", index), graph) for index, graph in enumerate(state.get("Branches", ()))]
            below += [((*path, key), state[key]) for key in ("ItemProcessor", "Iterator") if key in state]
        else:
            below = [(path, inner)]
        for at, graph in reversed(below):
            for name, each in reversed(graph.get("States", {}).items()):
                todo.append(((*at, "States", name), each, None))


def _errors(part: Mapping[str, Any]) -> str:
    first, *rest = part.get("ErrorEquals", ("nothing",))
    return f"{first} and {len(rest)} more" if rest else str(first)


def hits(definition: Mapping[str, Any], history: History) -> Counter[AslPath]:
    """How often each item was reached in an execution, by path."""
    return _Reader(definition).read(history)


@define
class _Reader:
    definition: Mapping[str, Any]
    named: dict[str, list[tuple[AslPath, Mapping[str, Any]]]] = field(init=False, factory=dict)

    def __attrs_post_init__(self) -> None:
        for path, state in states(self.definition):
            self.named.setdefault(str(path[-1]), []).append((path, state))

    def read(self, history: History) -> Counter[AslPath]:
        found: Counter[AslPath] = Counter()
        for visit in history.visits:
            if visit.name in self.named:
                path, state = self._place(visit)
                found.update(self._reached(path, state, visit, history))
        return found

    def _place(self, visit: Visit) -> tuple[AslPath, Mapping[str, Any]]:
        """Where the visited state stands; names that are there twice are told apart by what is around them."""
        known = self.named[visit.name]
        if len(known) > 1 and visit.parent is not None and visit.parent.name in self.named:
            around, _ = self._place(visit.parent)
            known = [(path, state) for path, state in known if path[: len(around)] == around] or known
        return known[0]

    def _reached(self, path: AslPath, state: Mapping[str, Any], visit: Visit, history: History) -> Iterator[AslPath]:
        yield path
        if state.get("Type") == "Choice" and visit.following is not None:
            branch = taken(state, visit, history, self.definition.get("QueryLanguage", "JSONPath"))
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
            # An error outside the attempts, such as a path that leads nowhere, leaves no event of its own.
            return leading[0] if visit.following != state.get("Next") else None
        found = self._first([catchers[index] for index in leading], visit.faults[-1])
        return leading[found or 0]

    def _first(self, parts: Sequence[Mapping[str, Any]], fault: Fault) -> int | None:
        """The first retrier or catcher that takes the error."""
        error = fault.error
        if error is None and fault.fail_state in self.named:
            error = self.named[fault.fail_state][0][1].get("Error")
        failure = Failure(error, alias="States.HeartbeatTimeout" if fault.heartbeat else None)
        for index, part in enumerate(parts):
            if failure.matches(tuple(part.get("ErrorEquals", ()))):
                return index
        return None


@define
class Measured:
    """One machine: where its items were written (`file:line` by pointer), and how often each was reached."""

    definition: Mapping[str, Any]
    places: dict[str, str] = field(factory=dict)
    hits: Counter[str] = field(factory=Counter)
    runs: int = 0

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
    """The machines that were run, by name; two that share a name are told apart as `name#2`."""

    machines: dict[str, Measured] = field(factory=dict)

    def observe(self, machine: Loaded, histories: Iterable[History]) -> None:
        """Count what an execution of the machine, with its child executions, has reached."""
        measured = self.expect(machine)
        measured.runs += 1
        for history in histories:
            for path, count in hits(machine.definition, history).items():
                measured.hits[pointer(path)] += count

    def expect(self, machine: Loaded) -> Measured:
        """The entry of a machine, made where it is not there yet."""
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
        """Add what another process has measured, as its `data()` says."""
        for name, other in data.items():
            measured = self._entry(name.partition("#")[0], other["definition"])
            measured.places.update(other["places"])
            measured.hits.update(other["hits"])
            measured.runs += other["runs"]

    def data(self) -> dict[str, Any]:
        """All of it as JSON values."""
        return {
            name: {
                "definition": measured.definition,
                "places": measured.places,
                "hits": dict(measured.hits),
                "runs": measured.runs,
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
        """Of all items of all machines; 0 where there is no machine at all."""
        counts = [measured.count() for measured in self.machines.values()]
        total = sum(total for _, total in counts)
        return 100.0 * sum(reached for reached, _ in counts) / total if total else 0.0
