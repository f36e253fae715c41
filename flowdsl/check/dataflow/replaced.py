"""What a result replaces: a value of another kind, or the whole document.

Source: ASL specification, "ResultPath"; Step Functions Developer Guide, "Passing data between states with variables".
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, Final

from ...asl.tree import Node, Tree
from ...base.diagnostics import AslPath
from ...base.json import texts_in
from ...base.patterns import regex
from ..rules.paths import as_path
from .kinds import NAMES, kind_of_shape
from .parts import keys_of
from .shapes import ANY, ArrayShape, Member, ObjectShape, ScalarShape, Shape, Source, flatten, look, ways_of

_MAKERS: Final = frozenset({"Task", "Map", "Parallel"})
"""The states that make a result of their own; a Pass is there to reshape what there is."""
MERGING: Final = "{% $merge([$states.input, "
"""How the Output of a state starts that adds its result to the document."""
_KEY: Final = regex(r"""["'](\w+)["']\s*:""")


def replaced_kinds(
    state: Node, document: Shape, keys: tuple[str | int, ...], result: Shape, variables: Shape, assigned: Shape
) -> Iterator[tuple[AslPath, str]]:
    """Yield the places where a state writes over a value of another kind, and what is said of each."""
    if state.type not in _MAKERS:
        return
    name = ".".join(map(str, keys))
    if keys and (problem := _problem(look(document, keys), result) or _other_object(document, keys, result)):
        yield (*state.path, "ResultPath"), f"the result of {state.name!r} replaces {name!r}, {problem}"
    for name, member in (assigned.fields if isinstance(assigned, ObjectShape) else {}).items():
        old = variables.fields.get(name) if isinstance(variables, ObjectShape) else None
        if old is not None and old.always and (problem := _problem((old.shape, None), member.shape)):
            key = name if name in state.fields.get("Assign", {}) else f"{name}.$"
            yield (*state.path, "Assign", key), f"state {state.name!r} replaces variable {name!r}, {problem}"


def _problem(before: tuple[Shape, object], after: Shape) -> str | None:
    old, missing = before
    kinds = kind_of_shape(old), kind_of_shape(after)
    if missing is not None or None in kinds or kinds[0] == kinds[1] or "null" in kinds or _is_empty(old):
        return None
    if isinstance(old, ScalarShape) and old.values is None and kinds[1] == "object":
        return None  # What an id leads to takes its place: a customer.
    return f"which is {NAMES[str(kinds[0])]}, with {NAMES[str(kinds[1])]}"


def _other_object(document: Shape, keys: tuple[str | int, ...], after: Shape) -> str | None:
    """Say that a field of a declared document gets an object that has not half of its fields."""
    (old, missing), after = look(document, keys), flatten(after)
    if missing is not None or not isinstance(after, ObjectShape) or not after.closed or not after.source:
        return None
    for each in ways_of(old):
        if not isinstance(each, ObjectShape) or each.source == after.source or each.source.key != keys[-1]:
            continue
        shared = each.fields.keys() & after.fields.keys()
        if 2 * len(shared) < len(each.fields) or not each.fields:
            return f"which is {each.source}, with {after.source}"
    return None


def _is_empty(shape: Shape) -> bool:
    """True for a constant that only keeps a place: "", 0, false, [] or {}."""
    if isinstance(shape, ScalarShape):
        return shape.values is not None and not any(shape.values)
    if isinstance(shape, ArrayShape):
        return shape.items == ()
    return isinstance(shape, ObjectShape) and shape.closed and not shape.fields


def placed_results(tree: Tree) -> frozenset[str]:
    """Return the names of the fields in which states put their results."""
    names: set[str] = set()
    for state in tree:
        if state.type not in _MAKERS:
            continue
        place, output = state.fields.get("ResultPath"), state.fields.get("Output")
        if isinstance(place, str):
            names.update(map(str, keys_of(as_path(place)) or ()))
        if isinstance(output, str) and output.startswith(MERGING):
            names.update(_KEY.findall(output))
    return frozenset(names)


def unknown_result(state: Node, document: Shape, arguments: Any, placed: Collection[str]) -> Shape:
    """Return an unknown result that takes the place of the document: it may lack the results of other states that were
    put into the document, except for those that its call was given. Other fields it may well have: a function that is
    given the id of an order returns the order."""
    document = flatten(document)
    if not isinstance(document, ObjectShape) or not document.closed:
        return ANY
    sent = " ".join([*texts_in(arguments), *(arguments if isinstance(arguments, dict) else ())])
    if any(text in ("$", "{% $states.input %}", "$$") for text in texts_in(arguments)):
        return ANY
    source = Source(f"the result of state {state.name!r}", "unknown")
    lost = {name: Member(ANY, False, source) for name in document.fields if name in placed and name not in sent}
    return ObjectShape(lost, False) if lost else ANY
