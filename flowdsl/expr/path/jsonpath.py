"""Paths compiled to functions: `compile_path` to read a document, `compile_reference` to write into one.

Sources: ASL specification, "Paths" and "Reference Paths"; Step Functions Developer Guide, "Using paths"; the causes are
those the service gives.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...base.json import json_text
from ...base.record import Record
from ..errors import StatesError
from ..scope import Evaluate, Scope
from .evaluator import compile_steps
from .parser import parse_path
from .tree import ABSENT, Index, Name, NotApplicable, NotFound, Path, PathSyntaxError, Root

__all__ = [
    "ABSENT",
    "NotApplicable",
    "NotFound",
    "Path",
    "PathSyntaxError",
    "Reference",
    "compile_field_path",
    "compile_lookup",
    "compile_path",
    "compile_reference",
    "parse_path",
    "root_document",
]

Search = Callable[[Any, Scope], Any]
"""Like Evaluate, but an index outside an array gives ABSENT, and what is missing raises NotFound or NotApplicable."""


def root_document(path: Path, document: Any, scope: Scope) -> Any:
    """The document that `path` is applied to; for a variable, the object of all variables."""
    if path.root is Root.INPUT:
        return document
    return scope.context if path.root is Root.CONTEXT else dict(scope.variables)


def compile_lookup(path: Path) -> Search:
    """Compile a parsed path for callers that word their own errors (choice rules, intrinsics).

    Into a document that is null no path leads, not even `$`: that is States.Runtime, whoever asks (Developer Guide,
    "Handling errors"; the service's answer is quoted in github.com/awslabs/states-language/issues/29).
    """
    lookup = compile_steps(path)
    match path.root:
        case Root.INPUT:

            def from_input(document: Any, scope: Scope) -> Any:  # noqa: ARG001 - a Search
                if document is None:
                    raise StatesError("States.Runtime", "Unable to apply Path transformation to null or empty input.")
                return lookup(document)

            return from_input
        case Root.CONTEXT:
            return lambda document, scope: lookup(scope.context)
        case Root.VARIABLE:
            name = path.variable or ""

            def from_variable(document: Any, scope: Scope) -> Any:  # noqa: ARG001 - a Search
                try:
                    value = scope.variables[name]
                except KeyError:
                    raise NotFound(f"No results for path: $['{name}']") from None
                return lookup(value)

            return from_variable


def compile_path(text: str) -> Evaluate:
    """Compile `$…`, `$$…` or `$variable…` for InputPath, OutputPath, ItemsPath and the other `…Path` fields.

    Raises PathSyntaxError here, and States.Runtime "Invalid path '…' : …" where the path finds nothing.
    """
    path = parse_path(text)
    lookup = compile_lookup(path)

    def evaluate(document: Any, scope: Scope) -> Any:
        try:
            value = lookup(document, scope)
        except (NotFound, NotApplicable) as missing:
            raise StatesError("States.Runtime", f"Invalid path '{text}' : {missing}") from None
        return None if value is ABSENT else value

    return evaluate


def compile_field_path(text: str, field: str) -> Evaluate:
    """Compile the path of a payload template's field (`name.$`), or of ErrorPath or CausePath.

    The cause of its States.Runtime names the field and the document searched.
    """
    path = parse_path(text)
    lookup = compile_lookup(path)

    def evaluate(document: Any, scope: Scope) -> Any:
        try:
            value = lookup(document, scope)
        except NotFound:
            searched = json_text(root_document(path, document, scope))
            raise StatesError(
                "States.Runtime",
                f"The JSONPath '{text}' specified for the field '{field}' could not be found in the input '{searched}'",
            ) from None
        except NotApplicable as reason:
            raise StatesError("States.Runtime", f"Invalid path '{text}' : {reason}") from None
        return None if value is ABSENT else value

    return evaluate


class Reference(Record):
    """A Reference Path into the state input, as in ResultPath."""

    path: Path
    keys: tuple[str | int, ...]

    def put(self, document: Any, value: Any) -> Any:
        """The document with `value` at this path; the document itself is not changed, and shares the rest.

        Missing objects on the way are made; `$` gives `value`. Where the way leads through something that is no object,
        or through an index that is not there, it is States.ResultPathMatchFailure: nothing is overwritten but the end
        of the path (ASL specification, "ResultPath").
        """
        return self._put(document, value, 0, document) if self.keys else value

    def _put(self, node: Any, value: Any, depth: int, document: Any) -> Any:
        if depth == len(self.keys):
            return value
        key = self.keys[depth]
        if isinstance(key, str):
            if not isinstance(node, dict):
                raise self._mismatch(document)
            return {**node, key: self._put(node.get(key, {}), value, depth + 1, document)}
        if not isinstance(node, list) or not -len(node) <= key < len(node):
            raise self._mismatch(document)
        changed = node.copy()
        changed[key] = self._put(node[key], value, depth + 1, document)
        return changed

    def _mismatch(self, document: Any) -> StatesError:
        return StatesError(
            "States.ResultPathMatchFailure",
            f"Unable to apply ReferencePath {self.path.text} to input {json_text(document)}",
        )


def compile_reference(text: str) -> Reference:
    """Parse the value of ResultPath; raises PathSyntaxError where it is no Reference Path into the state input."""
    path = parse_path(text)
    if not path.is_reference:
        raise PathSyntaxError("a Reference Path holds single names and indexes only", 0)
    if path.root is not Root.INPUT:
        raise PathSyntaxError("a Reference Path here starts with '$.', not with the context object or a variable", 0)
    keys = (
        step.names[0] if isinstance(step, Name) else step.indexes[0]
        for step in path.steps
        if isinstance(step, Name | Index)
    )
    return Reference(path, tuple(keys))
