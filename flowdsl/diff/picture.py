"""A comparison as a picture of both definitions: what was added is green, removed red, changed amber."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any, Final

from ..asl.tree import Machine, Node, Tree
from ..base.diagnostics import AslPath
from ..graph.picture import Mark, Point, key
from ..graph.subject import Subject
from .model import Change, Comparison, Side
from .text import heading, summary

_OWN: Final = ("added", "removed")
_LABEL: Final = "before"


def picture(comparison: Comparison, *, keeps_places: bool = False) -> Subject:
    """The new definition, with the states that were removed and the routes that led elsewhere.

    With `keeps_places`, which needs graphlay, states are about where they are in a picture of the old definition.
    """
    if comparison.new is None or comparison.old is None:
        side = comparison.new or comparison.old
        tone: Any = "added" if comparison.new else "removed"
        definition = side.definition if side else {}
        return Subject(
            name=comparison.name,
            definition=definition,
            comment=summary(comparison),
            marks={node.path: Mark(tone) for node in Tree(definition)},
        )
    both = _Both(comparison, comparison.old, comparison.new)
    return Subject(
        name=comparison.name,
        definition=both.definition,
        comment=summary(comparison),
        marks=both.marks,
        details=both.details,
        like=both.old_places() if keeps_places else {},
    )


class _Both:
    def __init__(self, comparison: Comparison, old: Side, new: Side) -> None:
        self.definition: Any = deepcopy(new.definition)
        self.marks: dict[AslPath, Mark] = {}
        self.details: dict[AslPath, dict[str, Any]] = {}
        self._matches = comparison.matches
        self._old = Tree(old.definition)
        self._new = Tree(self.definition)
        self._removed: dict[AslPath, AslPath] = {}
        """The paths of removed states in the old definition, and in the picture."""
        self._put_removed()
        self._mark_changes(comparison.changes)
        self._mark_routes()
        self._mark_edges(comparison.changes)

    def _put_removed(self) -> None:
        machines = {machine.path: machine for machine in self._new.machines}
        gone = [node for node in self._old if node.path not in self._matches]
        for node in gone:
            if node.path[:-2] and self._inside_removed(node):
                continue  # its Map or Parallel is drawn with all that is inside
            machine = machines.get(self._place(node.machine))
            states = machine.fields.get("States") if machine else None
            if machine is None or not isinstance(states, dict):
                continue
            name = node.name
            while name in states:
                name += " (before)"
            states[name] = deepcopy(node.fields)
            self._removed[node.path] = (*machine.path, "States", name)
        for node in gone:
            path = self._removed.get(node.path)
            if path is not None:
                self._lead_on(node, path)
                self._mark_all(path)

    def old_places(self) -> dict[str, Point]:
        """The middles of the states in a picture of the old definition, by their keys in this one."""
        from ..graph.layout import lay_out

        places: dict[str, Point] = {}
        for box in lay_out(self._old).boxes:
            path = self._renamed(box.path)
            if path:
                places[key(path)] = Point(box.rect.x + box.rect.width / 2, box.rect.y + box.rect.height / 2)
        return places

    def _inside_removed(self, node: Node) -> bool:
        return any(each.path not in self._matches for each in node.ancestors)

    def _place(self, machine: Machine) -> AslPath:
        """Where a machine of the old definition is in the new one."""
        owner = machine.owner
        if owner is None:
            return ()
        path = self._matches.get(owner.path, ())
        return (*path, *machine.path[len(owner.path) :])

    def _lead_on(self, node: Node, path: AslPath) -> None:
        """Let a removed state lead to the states as they are named in the picture."""
        fields = _at(self.definition, path)
        for holder in _holders(fields):
            for field in ("Next", "Default"):
                target = node.machine.find(holder.get(field))
                if target is not None:
                    there = self._matches.get(target.path) or self._removed.get(target.path)
                    if there is not None:
                        holder[field] = there[-1]

    def _mark_all(self, path: AslPath) -> None:
        for node in Tree(self.definition):
            if node.path[: len(path)] == path:
                self.marks[node.path] = Mark("removed", "−", "removed")
                for edge in node.edges:
                    self.marks[edge.path] = Mark("removed")

    def _mark_changes(self, changes: tuple[Change, ...]) -> None:
        by_state: dict[AslPath, list[Change]] = {}
        tree = Tree(self.definition)
        for change in changes:
            node = tree.node_at(change.new) if change.new else None
            if node is not None:
                by_state.setdefault(node.path, []).append(change)
        for path, mine in by_state.items():
            note = "\n".join(f"{heading(each).rpartition(': ')[2]}: {each.text}" for each in mine)
            if any(each.kind == "added" for each in mine):
                self.marks[path] = Mark("added", "+", note)
            else:
                self.marks[path] = Mark("changed", str(len(mine)) if len(mine) > 1 else "~", note)
            lines = [line for each in mine for line in (f"{heading(each)}: {each.text}", *each.details)]
            lines += [f"! {touch.risk}: {touch.text}" for each in mine for touch in each.touches]
            self.details[path] = {"Changes": "\n".join(lines)}

    def _mark_routes(self) -> None:
        """Edges of the new definition that are new; those that are gone are drawn, too, as rules of the state."""
        old_names = {new: old for old, new in self._matches.items()}
        tree = Tree(self.definition)
        before = {path: {*_targets(self._old.node_at(path))} for path in self._matches}
        for node in tree:
            old = old_names.get(node.path)
            if node.path in self.marks and self.marks[node.path].tone == "added":
                for edge in node.edges:
                    self.marks[edge.path] = Mark("added")
                continue
            if old is None:
                continue
            was = {self._renamed(path) for path in before[old]}
            now = {edge.target.path for edge in node.transitions if edge.target is not None}
            for edge in node.transitions:
                if edge.target is not None and edge.target.path not in was:
                    self.marks[edge.path] = Mark("added")
            for path in sorted(was - now, key=str):
                if path and path[:-1] == node.path[:-1]:
                    self._put_edge(node, path)

    def _mark_edges(self, changes: tuple[Change, ...]) -> None:
        """Edges whose condition, errors or target changed."""
        places = {change.new: change for change in changes if change.kind in ("route", "condition", "retry", "catch")}
        for node in Tree(self.definition):
            for edge in node.edges:
                change = places.get(edge.path) or places.get(edge.path[:-1])
                if change is not None and edge.path not in self.marks:
                    is_new = change.before is None or change.kind == "route"
                    self.marks[edge.path] = Mark("added" if is_new else "changed", note=change.text)

    def _renamed(self, path: AslPath) -> AslPath:
        return self._matches.get(path) or self._removed.get(path, ())

    def _put_edge(self, node: Node, target: AslPath) -> None:
        rules = node.fields.setdefault("Choices", [])
        if not isinstance(rules, list):
            return
        rules.append({"Comment": "only in the old definition", "Condition": _LABEL, "Next": target[-1]})
        self.marks[(*node.path, "Choices", len(rules) - 1, "Next")] = Mark("removed")


def _targets(node: Node | None) -> Iterator[AslPath]:
    for edge in node.transitions if node else ():
        if edge.target is not None:
            yield edge.target.path


def _holders(fields: Any) -> Iterator[dict[str, Any]]:
    if isinstance(fields, dict):
        yield fields
        for name in ("Choices", "Catch"):
            values = fields.get(name)
            yield from (each for each in (values if isinstance(values, list) else ()) if isinstance(each, dict))


def _at(value: Any, path: AslPath) -> Any:
    for step in path:
        value = value[step]
    return value
