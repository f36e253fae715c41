"""The document that a Task gets whole: fields that another change adds to it or takes away.

A function that gets the whole document, such as one that stores it, has no field in the definition that tells what it
reads. So what states write into the document on the way to it is compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from ..asl.tree import Node, Tree
from ..base.words import join_words
from .effects import has_effects
from .matching import Matching
from .model import Touch


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
        old, new = map(_contents, self._trees)
        result = []
        for one, other in self._matching.new.items():
            if has_effects(other) and _is_whole(other) and one in old and other in new:
                added, gone = new[other] - old[one], old[one] - new[other]
                if added or gone:
                    result.append((other, added, gone))
        return result


def _contents(tree: Tree) -> dict[Node, set[str]]:
    """The fields that the document in front of each state may have, as far as states of the definition write them."""
    contents: dict[Node, set[str]] = {}
    todo: list[tuple[Node, set[str]]] = [(tree.root.start, set())] if tree.root.start else []
    while todo:
        node, names = todo.pop()
        if node in contents and names <= contents[node]:
            continue
        contents[node] = contents.get(node, set()) | names
        whole = contents[node]
        inside = set() if node.type == "Map" else whole
        todo += [(machine.start, inside) for machine in node.machines if machine.start is not None]
        for edge in node.transitions:
            if edge.target is not None:
                keeps, written = _effect(node, edge.fields if edge.kind == "catch" else node.fields, edge.kind)
                todo.append((edge.target, (whole if keeps else set()) | written))
    return contents


def _effect(node: Node, fields: Mapping[str, Any], kind: str) -> tuple[bool, set[str]]:
    """Whether the document stays on the way out of a state, and the fields that are written into it."""
    answers = kind == "catch" or node.type in ("Task", "Map", "Parallel")
    if node.language == "JSONata":
        output = fields.get("Output")
        if output is None:
            return not answers, set()
        if isinstance(output, Mapping):
            return False, {str(name) for name in output}
        return "$states.input" in str(output), _merged(str(output))
    path = fields.get("ResultPath", "$")
    if isinstance(path, str) and path.startswith(("$.", "$[")):
        return True, {path[2:].strip("'\"]").partition(".")[0].partition("[")[0]}
    if path is None:
        return True, set()
    if node.type == "Pass" and kind != "catch":
        value = fields.get("Result", fields.get("Parameters"))
        return value is None, {str(name).removesuffix(".$") for name in value} if isinstance(value, Mapping) else set()
    selected = fields.get("ResultSelector")
    return not answers, {str(name).removesuffix(".$") for name in selected} if isinstance(selected, Mapping) else set()


def _is_whole(node: Node) -> bool:
    """True if a Task hands on all that it gets."""
    fields = node.fields
    arguments = fields.get("Arguments") if node.language == "JSONata" else fields.get("Parameters")
    if arguments is None:
        return node.language == "JSONata" or fields.get("InputPath", "$") == "$"
    values = arguments.values() if isinstance(arguments, Mapping) else [arguments]
    return any(isinstance(each, str) and each.replace(" ", "") in ("$", "{%$states.input%}") for each in values)


def _written(node: Node | None) -> frozenset[str]:
    """The fields of the document that a state writes, on any way out."""
    if node is None:
        return frozenset()
    ways = [(node.fields, "next"), *((edge.fields, "catch") for edge in node.transitions if edge.kind == "catch")]
    return frozenset(name for fields, kind in ways for name in _effect(node, fields, kind)[1])


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
