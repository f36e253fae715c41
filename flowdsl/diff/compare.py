"""Two state machines compared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..asl.tree import Machine, Node, Tree
from ..graph.wording import summary
from . import meaning
from .around import changed_functions, changed_permissions
from .fields import changed_fields, neutral_fields
from .matching import Matching
from .model import Change, Comparison, Neutral, Side
from .order import Move, moves, place
from .routes import Routes, change, changed_next, changed_starts
from .rules import catchers, choices, retriers
from .touches import touched


def compare_all(old: Iterable[Side], new: Iterable[Side]) -> list[Comparison]:
    """The comparisons of the machines of two files or builds: by name, or the only ones of both with each other."""
    left, right = {side.name: side for side in old}, {side.name: side for side in new}
    if len(left) == len(right) == 1:
        return [compare(*left.values(), *right.values())]
    comparisons = []
    for name in dict.fromkeys([*left, *right]):
        one, other = left.get(name), right.get(name)
        if one and other:
            comparisons.append(compare(one, other))
        else:
            kind: Any = "removed" if one else "added"
            whole = Change(kind=kind, text=f"the state machine {name} was {kind}")
            comparisons.append(Comparison(name=name, old=one, new=other, changes=(whole,)))
    return comparisons


def compare(old: Side, new: Side) -> Comparison:
    """What changed from one state machine to the other, the changes of a state together, in the order of the states."""
    trees = Tree(old.definition), Tree(new.definition)
    matching = Matching(*trees)
    moved = moves(matching)
    routes = Routes(matching, moved)
    changes: list[Change] = [*_of_machine(old, new, *trees), *changed_starts(matching, routes)]
    neutral: list[Neutral] = [*_neutral_machines(matching)]
    added = {*matching.added}
    for node in _in_order(matching, *trees):
        if node not in matching.old:
            changes.append(_alone(node, is_new=node in added))
            continue
        for each in _of_state(matching.old[node], node, moved, routes, matching.machines):
            if isinstance(each, Neutral):
                neutral.append(each)
            else:
                changes.append(each)
    changes += [*changed_permissions(old, new), *changed_functions(old, new)]
    weighed = touched(changes, old, new, trees, matching)
    return Comparison(
        name=new.name,
        old=old,
        new=new,
        changes=tuple(weighed),
        neutral=tuple(_together(neutral)),
        matches={one.path: other.path for one, other in matching.new.items()},
    )


def _in_order(matching: Matching, old: Tree, new: Tree) -> list[Node]:
    """The states of the new definition, each removed one after the state that it followed."""
    result = [*new]
    position = {node: index for index, node in enumerate(result)}
    inserted: dict[int, list[Node]] = {}
    last = -1
    for node in old:
        partner = matching.new.get(node)
        if partner is not None:
            last = position[partner]
        else:
            inserted.setdefault(last, []).append(node)
    ordered = [*inserted.get(-1, [])]
    for index, node in enumerate(result):
        ordered += [node, *inserted.get(index, [])]
    return ordered


def _alone(node: Node, *, is_new: bool) -> Change:
    """A state that only one definition has."""
    before = [each.name for each in node.machine.states.values() if node in each.following]
    where = place(node.machine)
    what = f"{node.fields.get('Type')}{f' {text}' if (text := summary(node)) else ''}"
    after = f", after {', '.join(before[:3])}" if before else ", at the start" if node.machine.start is node else ""
    inside = f" in {where}" if node.machine.owner is not None else ""
    onward = [each.name for each in node.following]
    leads = f", before {', '.join(onward[:3])}" if onward else ""
    return Change(
        kind="added" if is_new else "removed",
        state=node.name,
        text=what + inside + after + leads,
        old=None if is_new else node.path,
        new=node.path if is_new else None,
        before=None if is_new else node.fields,
        after=node.fields if is_new else None,
    )


def _of_state(
    old: Node, new: Node, moved: Mapping[Node, Move], routes: Routes, machines: Mapping[Machine, Machine]
) -> Iterator[Change | Neutral]:
    if old.name != new.name:
        yield Change(
            kind="renamed",
            state=new.name,
            text=f"was {old.name}",
            old=old.path,
            new=new.path,
            before=old.name,
            after=new.name,
        )
    move = moved.get(old)
    if move:
        yield Change(kind="moved", state=new.name, text=move.text, old=old.path, new=new.path)
    yield from changed_fields(old, new)
    if move is None:
        yield from changed_next(old, new, routes)
    yield from _branches(old, new, machines)
    yield from choices(old, new, routes)
    yield from retriers(old, new)
    yield from catchers(old, new, routes)
    yield from neutral_fields(old, new)


def _branches(old: Node, new: Node, machines: Mapping[Machine, Machine]) -> Iterator[Change]:
    """The order of a Parallel's branches, which is that of its results."""
    places = [new.machines.index(machines[each]) for each in old.machines if machines.get(each) in new.machines]
    if places != sorted(places) and old.type == new.type == "Parallel":
        starts = [[each.fields.get("StartAt") for each in node.machines] for node in (old, new)]
        text = f"the order of the branches, and so of the results: {', '.join(map(str, starts[1]))} now"
        yield change("data", old, new, text, ("Branches",), starts[0], starts[1])


# The machine itself


def _of_machine(old: Side, new: Side, one: Tree, other: Tree) -> Iterator[Change]:
    def changed(text: str, name: str, before: Any, after: Any) -> Change:
        return Change(kind="machine", text=text, old=(name,), new=(name,), before=before, after=after)

    if old.type and new.type and old.type != new.type:
        yield Change(kind="machine", text=f"type {old.type} → {new.type}", before=old.type, after=new.type)
    known = {"Comment", "StartAt", "States", "QueryLanguage"}
    defaults = {"Version": "1.0"}
    left, right = ({**defaults, **tree.root.fields} for tree in (one, other))
    for name in dict.fromkeys([*left, *right]):
        before, after = left.get(name), right.get(name)
        if name not in known and not meaning.same(before, after):
            yield changed(f"{name}: {_or_none(before)} → {_or_none(after)}", name, before, after)


def _or_none(value: Any) -> str:
    return "none" if value is None else meaning.token(value)


def _neutral_machines(matching: Matching) -> Iterator[Neutral]:
    for old, new in matching.machines.items():
        name = (new.owner.name,) if new.owner else ()
        common = [matching.new[node] for node in old.states.values() if node in matching.new]
        here = [node for node in new.states.values() if node in matching.old]
        if [node for node in common if node in here] != [node for node in here if node in common]:
            yield Neutral("order of states in the text", name)
        if not meaning.same(old.fields.get("Comment"), new.fields.get("Comment")):
            yield Neutral("comments", name)
        keys = [[key for key in one.fields if key in other.fields] for one, other in ((old, new), (new, old))]
        if keys[0] != keys[1]:
            yield Neutral("order of fields", name)
        if old.owner is None:
            for key in ("QueryLanguage", "Version"):
                if (key in old.fields) != (key in new.fields) and _is_default(key, old.fields, new.fields):
                    yield Neutral("defaults written out", name)


def _is_default(key: str, *fields: Mapping[str, Any]) -> bool:
    usual = {"QueryLanguage": "JSONPath", "Version": "1.0"}[key]
    return all(each.get(key, usual) == usual for each in fields)


def _together(neutral: Iterable[Neutral]) -> Iterator[Neutral]:
    """Each kind once, with all its states."""
    states: dict[str, dict[str, None]] = {}
    for each in neutral:
        states.setdefault(each.text, {}).update(dict.fromkeys(each.states))
    for text, names in states.items():
        yield Neutral(text, tuple(names))
