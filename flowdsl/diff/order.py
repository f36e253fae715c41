"""States that moved: into another machine, or to the other side of a state that they came before or after."""

from __future__ import annotations

from typing import Final

from attrs import frozen

from ..asl.tree import Machine, Node
from .matching import Matching
from .routes import Goal, Routes

_MOST: Final = 400


@frozen
class Move:
    """A state that moved."""

    old: Node
    new: Node
    text: str


def moves(matching: Matching) -> dict[Node, Move]:
    """The states that moved, by the state of the old definition."""
    result: dict[Node, Move] = {}
    for old, new in matching.new.items():
        if matching.is_elsewhere(old):
            result[old] = Move(old, new, f"from {place(old.machine)} to {place(new.machine)}")
    routes = Routes(matching, {})
    for machine, other in matching.machines.items():
        for old, earlier, neighbour in _turned(machine, other, matching, routes):
            way = "before" if earlier else "after"
            result[old] = Move(old, matching.new[old], f"now {way} {matching.new[neighbour].name}")
    return result


def place(machine: Machine) -> str:
    """Where a machine is, in words.

    >>> from ..asl.tree import Tree
    >>> place(Tree({"StartAt": "A", "States": {}}).root)
    'the top level'
    """
    owner = machine.owner
    if owner is None:
        return "the top level"
    if machine.kind == "processor":
        return f"the items of {owner.name}"
    return f"branch {owner.machines.index(machine) + 1} of {owner.name}"


def _turned(machine: Machine, other: Machine, matching: Matching, routes: Routes) -> list[tuple[Node, bool, Node]]:
    """The fewest states, roughly, that explain why pairs of states come in the other order; with each whether it comes
    earlier now, and a state that it passed."""
    states = [node for node in machine.states.values() if matching.new.get(node) in other.states.values()]
    if len(states) > _MOST or len(states) < 2:
        return []
    old = _before(machine)
    new = _before(other)
    turned: dict[Node, dict[Node, bool]] = {}
    for index, first in enumerate(states):
        for second in states[index + 1 :]:
            left, right = matching.new[first], matching.new[second]
            was = (second in old[first], first in old[second])
            now = (right in new[left], left in new[right])
            if was != now and was[0] != was[1] and now[0] != now[1]:
                turned.setdefault(first, {})[second] = now[0]
                turned.setdefault(second, {})[first] = now[1]
    can_move = _placed_elsewhere(machine, other, matching, routes) if turned else set()
    result = []
    while candidates := [node for node in turned if node in can_move]:
        # The one that passed the most others; of two that changed places the one that comes earlier now.
        moved = max(candidates, key=lambda node: (len(turned[node]), any(turned[node].values())))
        passed = turned.pop(moved)
        earlier = sum(passed.values()) * 2 >= len(passed)
        neighbours = [node for node, way in passed.items() if way == earlier]
        result.append((moved, earlier, _nearest(matching.new[moved], neighbours, matching, earlier=earlier)))
        for node in passed:
            turned[node].pop(moved)
            if not turned[node]:
                del turned[node]
    return result


def _placed_elsewhere(machine: Machine, other: Machine, matching: Matching, routes: Routes) -> set[Node]:
    """The states to which other states lead now, and which lead to others. A state that only one of both is true of did
    not move: a route changed."""
    leaving: dict[Node, list[set[Goal]]] = {}
    coming: dict[Goal, list[set[Goal]]] = {}
    for index, (part, goal_of) in enumerate(((machine, routes.old_goal), (other, routes.new_goal))):
        for node in part.states.values():
            old = node if index == 0 else matching.old.get(node)
            if old is None or matching.new.get(old) is None:
                continue
            goals = {goal_of(edge.name, part) for edge in node.transitions if edge.kind != "catch"}
            leaving.setdefault(old, [set(), set()])[index] = goals
            for goal in goals:
                coming.setdefault(goal, [set(), set()])[index].add(old)
        coming.setdefault(goal_of(part.fields.get("StartAt"), part), [set(), set()])[index].add("start")
    result = set()
    for old, (was, now) in leaving.items():
        before = coming.get(matching.new[old], [set(), set()])
        if was != now and before[0] != before[1]:
            result.add(old)
    return result


def _nearest(new: Node, neighbours: list[Node], matching: Matching, *, earlier: bool) -> Node:
    """Of the states that one passed, the one next to it."""
    for node in neighbours:
        other = matching.new[node]
        if other in new.following if earlier else new in other.following:
            return node
    return neighbours[0]


def _before(machine: Machine) -> dict[Node, set[Node]]:
    """For each state the states that can come after it, by the ways onward: not those back to an earlier state, and not
    those of catchers, which lead out of the order."""
    following = {
        node: [edge.target for edge in node.transitions if edge.kind != "catch" and edge.target is not None]
        for node in machine.states.values()
    }
    onward: dict[Node, list[Node]] = {}
    after: dict[Node, set[Node]] = {}
    open_: dict[Node, None] = {}
    for root in filter(None, [machine.start, *machine.states.values()]):
        todo = [root]
        while todo:
            node = todo[-1]
            if node not in onward and node not in open_:
                open_[node] = None
                onward[node] = [target for target in following[node] if target not in open_]
                todo.extend(target for target in reversed(onward[node]) if target not in onward)
                continue
            todo.pop()
            if node in open_:
                del open_[node]
                after[node] = set().union(*({target} | after.get(target, set()) for target in onward[node]))
    return after
