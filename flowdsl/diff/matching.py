"""Which state of the new definition is which of the old one.

By name first. What is left is matched by content and neighbours: a state that was renamed calls the same, is reached
from the same states and leads to the same ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import SequenceMatcher
from functools import cached_property
from typing import Any, Final

from ..asl.resource import constant_function
from ..asl.tree import Machine, Node, Tree
from . import meaning

_ALIKE: Final = 0.35
"""Two states of one name with less in common than this may be two different ones."""
_MOST_PAIRS: Final = 250_000
"""How many pairs of states without a partner are compared; a definition in which more were renamed was replaced."""
_IDENTITY: Final[Mapping[str, tuple[str, ...]]] = {
    "Task": ("Resource", "call"),
    "Wait": ("Seconds", "SecondsPath", "Timestamp", "TimestampPath"),
    "Pass": ("Result", "Parameters", "Output", "Assign"),
    "Choice": ("rules",),
    "Fail": ("Error", "ErrorPath", "Cause", "CausePath"),
    "Succeed": ("Output",),
    "Map": ("inside",),
    "Parallel": ("inside",),
}
"""What makes a state the one it is, by type."""


class Content:
    """What a state does, whatever its name and wherever it leads."""

    def __init__(self, node: Node) -> None:
        self.node = node

    @cached_property
    def fields(self) -> dict[str, Any]:
        node = self.node
        fields = meaning.fields_of(node)
        own = node.fields
        if isinstance(own.get("Choices"), list):
            fields["rules"] = [meaning.rule_of(rule, node.language) for rule in own["Choices"]]
        for name, one in (
            ("Retry", meaning.retrier_of),
            ("Catch", lambda each: meaning.catcher_of(each, node.language)),
        ):
            values = own.get(name)
            if isinstance(values, list) and values:
                fields[name] = [one(each) if isinstance(each, Mapping) else each for each in values]
        if node.type == "Task":
            fields["call"] = called(node)
        if node.machines:
            fields["inside"] = sorted(name for machine in node.machines for name in machine.states)
        return fields

    @cached_property
    def text(self) -> str:
        return meaning.token(self.fields)

    @cached_property
    def identity(self) -> str:
        """What makes the state this one; "" if it has nothing of that kind, as a Succeed."""
        own = {name: self.fields[name] for name in _IDENTITY.get(self.node.type, ()) if name in self.fields}
        usual = {"{% $states.input %}", "$"}
        own = {name: value for name, value in own.items() if not (isinstance(value, str) and value in usual)}
        return meaning.token(own) if any(own.values()) else ""

    @cached_property
    def leaves(self) -> frozenset[tuple[str, str]]:
        return frozenset((place, meaning.token(value)) for place, value in meaning.leaves(self.fields))

    def likeness(self, other: Content) -> float:
        """From 0 to 1: the part of all values that both have."""
        if self.node.type != other.node.type:
            return 0.0
        if self.text == other.text:
            return 1.0
        union = self.leaves | other.leaves
        return len(self.leaves & other.leaves) / len(union) if union else 1.0


def called(node: Node) -> str:
    """What a Task calls: a function's name, a state machine, a table; "" if that is chosen at run time."""
    arguments = node.fields.get("Arguments") or node.fields.get("Parameters")
    named = arguments if isinstance(arguments, Mapping) else {}
    keys = ("StateMachineArn", "TableName", "QueueUrl", "TopicArn", "JobDefinition", "JobName", "ApiEndpoint", "Bucket")
    return constant_function(node.fields) or next((str(named[key]) for key in keys if key in named), "")


class Matching:
    """The pairs of a comparison: `new[old_node]` and `old[new_node]`."""

    def __init__(self, old: Tree, new: Tree) -> None:
        self.new: dict[Node, Node] = {}
        self.old: dict[Node, Node] = {}
        self.machines: dict[Machine, Machine] = {}
        """The machines of the old definition, and the same ones of the new."""
        self._contents: dict[Node, Content] = {}
        self._trees = (old, new)
        self._by_name()
        self._machines()
        for _ in range(4):  # each pair may tell who its neighbours are
            if not self._by_content():
                break
            self._machines()

    def content(self, node: Node) -> Content:
        if node not in self._contents:
            self._contents[node] = Content(node)
        return self._contents[node]

    @property
    def removed(self) -> list[Node]:
        return [node for node in self._trees[0] if node not in self.new]

    @property
    def added(self) -> list[Node]:
        return [node for node in self._trees[1] if node not in self.old]

    def is_elsewhere(self, old: Node) -> bool:
        """True if the state is in another machine than before."""
        return self.machines.get(old.machine) is not self.new[old].machine

    def _pair(self, old: Node, new: Node) -> None:
        self.new[old] = new
        self.old[new] = old

    def _by_name(self) -> None:
        old, new = self._trees
        doubtful: list[tuple[Node, Node]] = []
        for name, nodes in old.names.items():
            others = new.names.get(name, [])
            pairs = [*zip(nodes, others, strict=False)]
            for one, other in pairs:
                if self.content(one).likeness(self.content(other)) >= _ALIKE:
                    self._pair(one, other)
                else:
                    doubtful.append((one, other))
        # A name that was given to another state: the old content is elsewhere under a name of its own.
        for one, other in doubtful:
            if not (self._is_elsewhere(one, self.added) or self._is_elsewhere(other, self.removed)):
                self._pair(one, other)

    def _is_elsewhere(self, node: Node, candidates: Iterable[Node]) -> bool:
        """True if a candidate of another name does the same."""
        content = self.content(node)
        return bool(content.identity) and any(
            each.name != node.name and self.content(each).text == content.text for each in candidates
        )

    def _machines(self) -> None:
        """Pair the machines: the whole ones, the processors of paired Maps, the branches of paired Parallels by the
        states that they share, then by their place."""
        old, new = self._trees
        self.machines = {old.root: new.root}
        for one, other in self.new.items():
            left, right = [*one.machines], [*other.machines]
            shared = sorted(
                (
                    (-sum(self.new.get(node) in b.states.values() for node in a.states.values()), abs(i - j), i, j)
                    for i, a in enumerate(left)
                    for j, b in enumerate(right)
                )
            )
            used: tuple[set[int], set[int]] = (set(), set())
            for count, _, i, j in shared:
                is_free = i not in used[0] and j not in used[1]
                if is_free and (count or len(left) == len(right) or one.type == "Map"):
                    self.machines[left[i]] = right[j]
                    used[0].add(i)
                    used[1].add(j)

    def _by_content(self) -> bool:
        """Pair states that are alike and have the same neighbours, the most alike first."""
        removed, added = self.removed, self.added
        if not removed or not added or len(removed) * len(added) > _MOST_PAIRS:
            return False
        machines = {node.machine for node in (*removed, *added)}
        before = {node: each for machine in machines for node, each in machine.predecessors().items()}
        around = {node: _neighbours(node, before[node]) for node in (*removed, *added)}
        scores = []
        for i, one in enumerate(removed):
            for j, other in enumerate(added):
                score = self._score(one, other, around)
                if score > 0:
                    scores.append((-score, abs(i - j), i, j))
        used: tuple[set[int], set[int]] = (set(), set())
        for _, _, i, j in sorted(scores):
            if i not in used[0] and j not in used[1]:
                used[0].add(i)
                used[1].add(j)
                self._pair(removed[i], added[j])
        return bool(used[0])

    def _score(self, one: Node, other: Node, around: Mapping[Node, frozenset[Any]]) -> float:
        """How likely two states are the same; 0 if they are two."""
        if one.type != other.type:
            return 0.0
        first, second = self.content(one), self.content(other)
        like = first.likeness(second)
        near = self._nearness(around[one], around[other])
        here = 0.1 if self.machines.get(one.machine) is other.machine else 0.0
        total = like + near + here
        names = SequenceMatcher(None, one.name.casefold(), other.name.casefold()).ratio()
        if like == 1.0 and first.identity:
            return total + names / 10 if near >= 0.3 or here else 0.0
        if like == 1.0:
            return total + names / 10 if near >= 0.5 else 0.0
        if first.identity and first.identity == second.identity:
            return total if near >= 0.5 and like >= 0.4 else 0.0
        if one.machines:
            shared = self._shared(one, other)
            return total + shared if shared >= 0.5 else 0.0
        return total if names >= 0.6 and near >= 0.6 and like >= 0.5 else 0.0

    def _shared(self, one: Node, other: Node) -> float:
        """The part of the states inside two containers that are the same."""
        inside = [{node for machine in each.machines for node in machine.states.values()} for each in (one, other)]
        pairs = sum(self.new.get(node) in inside[1] for node in inside[0])
        size = max(len(inside[0]), len(inside[1]))
        return pairs / size if size else 0.0

    def _nearness(self, old: frozenset[Any], new: frozenset[Any]) -> float:
        """From 0 to 1: the part of the neighbours that are the same. Neighbours without a partner do not count."""
        left = {(way, self.new.get(each, each) if isinstance(each, Node) else each) for way, each in old}
        right = {*new}
        known = {item for item in left if not isinstance(item[1], Node) or item[1] in self.old}
        others = {item for item in right if not isinstance(item[1], Node) or item[1] in self.old}
        if not known and not others:
            return 0.3
        return len(known & others) / len(known | others)


def _neighbours(node: Node, before: Iterable[Node]) -> frozenset[Any]:
    """The states before and after a state, with the way: (`after`, node); the start and the end of its machine."""
    items: set[Any] = {("after", target) for target in node.following} | {("before", each) for each in before}
    if node.machine.start is node:
        items.add(("before", "start"))
    if node.is_terminal:
        items.add(("after", "end"))
    return frozenset(items)
