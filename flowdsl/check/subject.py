"""The subject of a check: a definition, and the facts about it that several rules need."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..asl.tree import Node, Tree
from ..author.fields import Kind, Language, Spec
from ..base.diagnostics import AslPath
from ..base.named import NamedTuple

if TYPE_CHECKING:
    from ..asl.resource import Resource
    from .dataflow.annotations import Data


class FieldUse(NamedTuple):
    """A field that the definition has, with a value of the right kind."""

    spec: Spec
    kind: Kind
    """The kind of the field, or of its `…Path` twin."""
    key: str
    value: Any
    path: AslPath
    cls: type[Any]
    """The class of the element that has the field, such as Task or Retrier."""
    state: Node | None
    """The state around it, or None for a field of a machine."""
    language: Language

    @property
    def may_read(self) -> bool:
        """True if the value can contain paths or expressions."""
        return self.kind.shape in ("path", "template") or self.spec.jsonata or self.key == "Result"


class ComparedPath(NamedTuple):
    """A path that a choice rule reads."""

    text: str
    path: AslPath
    state: Node


class VariableRead(NamedTuple):
    """A variable that a path or an expression reads."""

    name: str
    state: Node
    path: AslPath
    language: Language
    is_in_catch: bool
    """True if a Catch reads it, after an error."""


class Subject:
    """A definition that is checked. Rules that run earlier fill the lists for those that run later."""

    def __init__(self, definition: Any, type: str, data: Data | None, duplicates: Iterable[AslPath]) -> None:
        self.definition = definition
        self.tree = Tree(definition)
        self.type = type
        """STANDARD or EXPRESS."""
        self.data = data
        """The declarations of the author: the shapes of the input and of the functions' results."""
        self.duplicates = [*duplicates]
        """The keys that the file's text has twice; values cannot show them."""
        self.fields: list[FieldUse] = []
        """All fields with a value of the right kind; filled by rules/fields."""
        self.compared: list[ComparedPath] = []
        """Filled by rules/choices."""
        self.reads: list[VariableRead] = []
        """Filled by rules/paths and rules/jsonata."""

    @cached_property
    def text(self) -> str:
        """The definition as JSON text, to see at once whether something may be in it; "" if it cannot be written."""
        try:
            return json.dumps(self.definition, ensure_ascii=False, separators=(",", ":"), default=str)
        except (ValueError, RecursionError):
            return ""

    @cached_property
    def variable_names(self) -> frozenset[str]:
        """The names of all variables that the definition assigns; once rules/fields has run."""
        return frozenset(
            name.removesuffix(".$") if each.language == "JSONPath" else name
            for each in self.fields
            if each.key == "Assign"
            for name in each.value
        )

    @cached_property
    def state_types(self) -> set[str]:
        return {node.type for node in self.tree}

    @cached_property
    def tasks(self) -> list[tuple[Node, Resource]]:
        """The Task states whose Resource is a string, with it taken apart."""
        from ..asl.resource import parse_resource

        return [
            (node, parse_resource(text))
            for node in self.tree
            if node.type == "Task" and isinstance(text := node.fields.get("Resource"), str)
        ]
