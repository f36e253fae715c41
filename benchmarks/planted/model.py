"""What the operators share: the flows they change, a planted bug, and where a flow has what."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from ..mutations import Source, calls, chain_of


class Host(NamedTuple):
    """A flow, and what its expressions are: words of its own that the operators put in each other's place."""

    flow: str
    kinds: Mapping[str, str]


HOSTS = (
    Host(
        "travel/travel_flow.py",
        {
            "state_input.id": "text",
            "state_input.budget": "number",
            "state_input.legs": "list",
            "state_input.traveller": "object",
            "reserve.out.cents": "number",
            "reserve.out.wait_seconds": "number",
            "search.out.offers": "list",
            "search.out.partial": "boolean",
            "state_input.traveller.name": "text",
        },
    ),
    Host(
        "claims/claims_flow.py",
        {
            "state_input.number": "text",
            "state_input.damages": "list",
            "state_input.urgent": "boolean",
            "register.out.account": "text",
            "pay.out.again_in": "number",
            "pay.out.reference": "text",
        },
    ),
    Host("stock.asl.yaml", {}),
)


class Planted(NamedTuple):
    """A change of one file: the lines, by file, where a colleague would look; the file's new text."""

    kind: str
    places: frozenset[tuple[str, int]]
    file: str
    text: str
    what: str


def at_lines(file: str, *lines: int | None) -> frozenset[tuple[str, int]]:
    return frozenset((file, line) for line in lines if line)


def changed_line(file: str, lines: list[str], at: int, new: str, kind: str) -> Planted:
    text = "\n".join([*lines[: at - 1], new, *lines[at:]]) + "\n"
    return Planted(kind, at_lines(file, at), file, text, f"{lines[at - 1].strip()} → {new.strip()}")


def outermost(source: Source) -> Iterator[tuple[ast.Attribute, list[str]]]:
    inner = {id(node.value) for node in ast.walk(source.tree) if isinstance(node, ast.Attribute)}
    targets = {id(k.value) for call, _ in calls(source) for k in call.keywords if k.arg in ("into", "counter")}
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute) and id(node) not in inner | targets:
            names = chain_of(node)
            if names and not isinstance(getattr(node, "ctx", None), ast.Store):
                yield node, names


def assigned(source: Source) -> Iterator[tuple[str, ast.Call, str]]:
    """The steps that have a name: the name, the call, what is called."""
    for statement in source.tree.body:
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Call):
            target = statement.targets[0]
            if isinstance(target, ast.Name):
                yield target.id, statement.value, chain_of(statement.value.func)[-1]
