"""The document that a Task gets whole: fields that another change adds to it or takes away.

A function that gets the whole document, such as one that stores it, has no field in the definition that tells what it
reads. So what the data-flow analysis knows in front of it is compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property

from ..asl.tree import Node, Tree
from ..base.words import join_words
from ..check.dataflow.rule import follow
from ..check.dataflow.shapes import ObjectShape, Shape
from .effects import has_effects
from .matching import Matching
from .model import Touch

_DEEPEST = 3
_MOST_STATES = 400
"""The analysis of a larger definition takes longer than a comparison may."""


class Documents:
    def __init__(self, trees: tuple[Tree, Tree], matching: Matching) -> None:
        self._trees = trees
        self._matching = matching

    def touches(self, old: Node | None, new: Node | None) -> Iterator[Touch]:
        """What a change in this state does to the documents that others get whole."""
        written = [_written(node) for node in (old, new)]
        if written[0] == written[1] and old is not None and new is not None:
            return
        names = {name for side in written for name in side}
        same: dict[str, list[str]] = {}
        for reader, added, gone in self._readers:
            mine = [sorted(each for each in fields if each.partition(".")[0] in names) for fields in (added, gone)]
            if reader is not new and any(mine):
                parts = [
                    f"{word} {join_words(fields[:4])}"
                    for word, fields in zip(("with", "without"), mine, strict=True)
                    if fields
                ]
                same.setdefault(" and ".join(parts), []).append(reader.name)
        for text, readers in same.items():
            verb = "gets" if len(readers) == 1 else "get"
            yield Touch(
                "stored data",
                f"{join_words(readers)} {verb} the whole document, {text} now: check who reads what is stored of it",
            )

    @cached_property
    def _readers(self) -> list[tuple[Node, set[str], set[str]]]:
        """The Tasks with effects that get the whole document, with the fields that are new and those that are gone."""
        if any(sum(1 for _ in tree) > _MOST_STATES for tree in self._trees):
            return []
        old, new = (follow(tree, None) for tree in self._trees)
        if old.budget <= 0 or new.budget <= 0:
            return []
        result = []
        for one, other in self._matching.new.items():
            if not (has_effects(other) and _is_whole(other)) or one not in old.before or other not in new.before:
                continue
            left, right = (_names(flow.before[node].document) for flow, node in ((old, one), (new, other)))
            if left and right and left != right:
                added, gone = right - left, left - right
                result.append((other, _tops(added), _tops(gone)))
        return result


def _tops(names: set[str]) -> set[str]:
    """The names without those inside another one of them."""
    return {name for name in names if not any(name.startswith(f"{other}.") for other in names)}


def _is_whole(node: Node) -> bool:
    """True if a Task hands on all that it gets."""
    fields = node.fields
    arguments = fields.get("Arguments") if node.language == "JSONata" else fields.get("Parameters")
    if arguments is None:
        return node.language == "JSONata" or fields.get("InputPath", "$") == "$"
    values = arguments.values() if isinstance(arguments, Mapping) else [arguments]
    return any(isinstance(each, str) and each.replace(" ", "") in ("$", "{%$states.input%}") for each in values)


def _written(node: Node | None) -> frozenset[str]:
    """The first steps of the fields of the document that a state writes."""
    if node is None:
        return frozenset()
    names: set[str] = set()
    catchers = node.fields.get("Catch")
    for fields in (node.fields, *(catchers if isinstance(catchers, list) else ())):
        if not isinstance(fields, Mapping):
            continue
        path = fields.get("ResultPath")
        if isinstance(path, str) and path.startswith("$."):
            names.add(path[2:].partition(".")[0].partition("[")[0])
        for key in ("Output", "Parameters", "Result", "ResultSelector"):
            value = fields.get(key)
            if isinstance(value, Mapping):
                names |= {str(name).removesuffix(".$") for name in value}
            elif isinstance(value, str) and key == "Output":
                names |= _merged(value)
    return frozenset(names)


def _merged(text: str) -> set[str]:
    """The keys of the objects in an expression, as of `$merge([$states.input, {"payment": …}])`."""
    from ..expr.jsonata.errors import JsonataSyntaxError
    from ..expr.jsonata.tree import parse, walk

    if not text.startswith("{%"):
        return set()
    try:
        nodes = [*walk(parse(text.rstrip()[2:-2]))]
    except (JsonataSyntaxError, RecursionError, IndexError):
        return set()
    return {part.value for node in nodes if node.kind == "object" for part in node.parts if part.kind == "string"}


def _names(shape: Shape, depth: int = 0, place: str = "") -> set[str]:
    """The fields of a document that are known."""
    names: set[str] = set()
    if isinstance(shape, ObjectShape) and depth < _DEEPEST:
        for name, member in shape.fields.items():
            names.add(place + name)
            names |= _names(member.shape, depth + 1, f"{place}{name}.")
    return names
