"""Where states lead: routes that changed for another reason than that a state on them was added, removed or moved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

from ..asl.tree import Edge, Machine, Node
from ..base.diagnostics import AslPath
from .matching import Matching
from .model import Change

Goal: TypeAlias = Node | str
"""Where a route leads: a state of the new definition, or what else is there, such as the end."""
END: Final = "the end"


class Routes:
    """The routes of both definitions, in terms of the states that both have.

    A route through a state that was added, removed or moved leads to where that state leads: so a state that was put
    between two others does not change the route from the one to the other.
    """

    def __init__(self, matching: Matching, moved: Mapping[Node, object]) -> None:
        self._matching = matching
        self._skipped_old = {*matching.removed, *moved}
        self._skipped_new = {*matching.added, *(matching.new[node] for node in moved)}
        self._new = matching.old
        """By the new state the old one."""

    def old_goal(self, name: Any, machine: Machine) -> Goal:
        """Where a name of the old definition leads."""
        node = self._through(name, machine, self._skipped_old)
        return self._matching.new.get(node, f"removed {node.name}") if isinstance(node, Node) else node

    def new_goal(self, name: Any, machine: Machine) -> Goal:
        node = self._through(name, machine, self._skipped_new)
        return f"added {node.name}" if isinstance(node, Node) and node not in self._new else node

    def _through(self, name: Any, machine: Machine, skipped: set[Node]) -> Goal:
        passed: set[Node] = set()
        while True:
            node = machine.find(name)
            if node is None:
                return f"{name!s}, which does not exist"
            if node not in skipped:
                return node
            onward = _onward(node)
            if onward == END:
                return END
            if onward is None or node in passed:
                return node
            passed.add(node)
            name = onward

    def same(self, old: Any, old_machine: Machine, new: Any, new_machine: Machine) -> bool:
        """Whether two names lead to the same place: as they are, or past states that were added, removed or moved."""
        one, other = old_machine.find(old), new_machine.find(new)
        if one is not None and self._matching.new.get(one) is other and other is not None:
            return True
        return self.old_goal(old, old_machine) == self.new_goal(new, new_machine)


def _onward(node: Node) -> Any:
    """Where a state leads if nothing special happens; None if that depends."""
    if node.type in ("Succeed",) or node.fields.get("End") is True:
        return END
    if node.type == "Fail":
        return None
    return node.fields.get("Default") if node.type == "Choice" else node.fields.get("Next")


def changed_next(old: Node, new: Node, routes: Routes) -> Iterator[Change]:
    """The change of Next or End of a state that both definitions have."""
    if "Choice" in (old.type, new.type):
        key = "Default"
        one, other = old.fields.get(key), new.fields.get(key)
        if one is None and other is None:
            return
        if one is None or other is None:
            text = f"otherwise → {other} added" if one is None else f"otherwise → {one} removed: no match is an error"
            yield change("route", old, new, text, (key,), one, other)
        elif not routes.same(one, old.machine, other, new.machine):
            yield change("route", old, new, f"otherwise → {other}, not {one}", (key,), one, other)
        return
    goals = [_goal(old, routes, is_old=True), _goal(new, routes, is_old=False)]
    one, other = old.fields.get("Next"), new.fields.get("Next")
    if one is not None and other is not None and routes.same(one, old.machine, other, new.machine):
        return
    if goals[0] != goals[1]:
        text = f"→ {END if other is None else other}, not {END if one is None else one}"
        yield change("route", old, new, text, ("Next",), one, other)


def _goal(node: Node, routes: Routes, *, is_old: bool) -> Goal:
    name = node.fields.get("Next")
    if name is None:
        return END
    return routes.old_goal(name, node.machine) if is_old else routes.new_goal(name, node.machine)


def changed_starts(matching: Matching, routes: Routes) -> Iterator[Change]:
    """The changes of StartAt, of machines that both definitions have."""
    for old, new in matching.machines.items():
        one, other = old.fields.get("StartAt"), new.fields.get("StartAt")
        if routes.same(one, old, other, new):
            continue
        owner = new.owner.name if new.owner else ""
        yield Change(
            kind="route",
            state=owner,
            text=f"starts at {other}, not {one}",
            old=(*old.path, "StartAt"),
            new=(*new.path, "StartAt"),
            before=one,
            after=other,
        )


def change(
    kind: Any, old: Node, new: Node, text: str, field: AslPath, before: Any, after: Any, details: tuple[str, ...] = ()
) -> Change:
    """A change of a field of a state that both definitions have."""
    return Change(
        kind=kind,
        state=new.name,
        text=text,
        details=details,
        old=(*old.path, *field),
        new=(*new.path, *field),
        before=before,
        after=after,
    )


def edge_named(edge: Edge) -> str:
    """The target's name of an edge, for people."""
    return edge.name if isinstance(edge.name, str) else repr(edge.name)
