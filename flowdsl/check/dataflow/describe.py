"""The documents and variables of a machine as text: what is known of them in front of each state."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ...asl.tree import Tree
from ...base.diagnostics import AslPath
from ...base.named import NamedTuple
from .rule import follow
from .shapes import ANY, ArrayShape, ObjectShape, ScalarShape, Shape, UnionShape, flatten, ways_of

if TYPE_CHECKING:
    from .annotations import Data

_DEEPEST = 8
_MOST_VALUES = 6


class Documents(NamedTuple):
    """What is known in front of a state; "" for nothing."""

    document: str
    variables: str


def describe_documents(definition: Any, data: Data | None = None) -> dict[AslPath, Documents]:
    """Return what is known in front of each state that can be reached, by the state's path; {} if it is unknown.

    `data` is what the author declared of the input and the functions' results.
    """
    flow = follow(Tree(definition), data)
    if flow.budget <= 0:
        return {}
    return {
        state.path: Documents(describe_shape(known.document), describe_shape(known.variables))
        for state, known in flow.before.items()
    }


def describe_shape(shape: Shape) -> str:
    """Return a shape as lines: `?` after a field that may be missing, `…` for fields that are not known; "" if nothing
    is known.

    >>> from .shapes import STRING, Member
    >>> print(describe_shape(ObjectShape({"id": Member(STRING), "note": Member(STRING, False)}, closed=False)))
    {
      id: string
      note?: string
      …
    }
    """
    shape = flatten(shape)
    if not isinstance(shape, ScalarShape | ArrayShape | ObjectShape) or shape == ObjectShape({}, False):
        return ""
    return "".join(_describe(shape, "\n", _DEEPEST))


def _known(shape: Shape) -> Shape:
    """Return what is known of a value on the routes where something is."""
    known = tuple(each for each in ways_of(shape) if each != ANY)
    return shape if len(known) == len(ways_of(shape)) else known[0] if len(known) == 1 else UnionShape(known or (ANY,))


def _describe(shape: Shape, indent: str, deep: int) -> Iterator[str]:
    shape = flatten(_known(shape))
    if isinstance(shape, ScalarShape):
        values = sorted((json.dumps(value, ensure_ascii=False) for value in shape.values or ()), key=str)
        yield " | ".join(values) if 0 < len(values) <= _MOST_VALUES else shape.kind
    elif isinstance(shape, ArrayShape):
        yield "list of "
        yield from _describe(shape.item, indent, deep)
    elif isinstance(shape, ObjectShape) and shape.fields and deep:
        inner = indent + "  "
        yield "{"
        for name, member in shape.fields.items():
            plain = name if name.isidentifier() else json.dumps(name, ensure_ascii=False)
            yield f"{inner}{plain}{'' if member.always else '?'}: "
            yield from _describe(member.shape, inner, deep - 1)
        yield "" if shape.closed else f"{inner}…"
        yield indent + "}"
    elif isinstance(shape, ObjectShape):
        yield "{}" if shape.closed and not shape.fields else "{…}"
    else:
        yield "anything"
