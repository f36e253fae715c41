"""Runs the steps of a `Path` over a document, the way Jayway JsonPath does, down to its words about what is missing.

Step Functions shows those words in causes ("No results for path: $['a']"), so they are Jayway's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ...base.json import class_name, json_text
from ...base.record import evolve
from .filters import compile_filter, evaluate_function
from .tree import (
    ABSENT,
    Descend,
    Filter,
    FunctionStep,
    Index,
    Name,
    NotApplicable,
    NotFound,
    Path,
    Query,
    Root,
    Slice,
    Step,
    Wildcard,
    is_definite_step,
)

Lookup = Callable[[Any], Any]
"""Document → value or ABSENT; raises NotFound or NotApplicable."""


def compile_steps(path: Path) -> Lookup:
    """Compile the steps of a path for its root document; roots are the caller's business.

    An indefinite path below something that is missing gives an empty list (recorded; Jayway's own word is NotFound).
    """
    lookup = _compile_query(path, False)
    if _with_the_function_first(path).is_definite:
        return lookup

    def several(document: Any) -> Any:
        try:
            return lookup(document)
        except NotFound:
            return []

    return several


def _compile_query(path: Path, required: bool) -> Lookup:
    search = _Search(path, required)
    if not path.is_reference:
        return search
    keys: tuple[str | int, ...] = tuple(
        step.names[0] if isinstance(step, Name) else step.indexes[0]
        for step in path.steps
        if isinstance(step, Name | Index)
    )
    if not keys:
        return lambda document: document
    if all(isinstance(key, str) for key in keys):
        return _by_names(keys, search)

    def by_keys(document: Any) -> Any:
        value: Any = document
        try:
            for key in keys:
                if value.__class__ is not (list if key.__class__ is int else dict):
                    return search(document)
                value = value[key]  # type: ignore[index] # mypy does not follow __class__
        except (KeyError, IndexError):
            return search(document)
        return value

    return by_keys


def _by_names(keys: tuple[Any, ...], search: Lookup) -> Lookup:
    """One closure for each usual length: this is the innermost loop of the engine."""
    if len(keys) == 1:
        (only,) = keys

        def one(document: Any) -> Any:
            try:
                return document[only]
            except (KeyError, TypeError):
                return search(document)

        return one
    if len(keys) == 2:
        first, second = keys

        def two(document: Any) -> Any:
            try:
                return document[first][second]
            except (KeyError, TypeError):
                return search(document)

        return two

    def many(document: Any) -> Any:
        value = document
        try:
            for key in keys:
                value = value[key]
        except (KeyError, TypeError):
            return search(document)
        return value

    return many


class _Search:
    """The general case: every branch of the search, in document order."""

    __slots__ = ("definite", "fragments", "required", "steps")

    def __init__(self, path: Path, required: bool) -> None:
        """`required` makes it an error if a branch of an indefinite path lacks a property."""
        self.required = required
        path = _with_the_function_first(path)
        self.definite = path.is_definite
        self.fragments = tuple(_fragment(step) for step in path.steps)
        steps: list[Callable[[Any, Any], bool] | None] = [
            compile_filter(step.condition, _compile_query) if isinstance(step, Filter) else None for step in path.steps
        ]
        self.steps = tuple(zip(path.steps, steps, strict=True))

    def __call__(self, document: Any) -> Any:
        matches: list[Any] = []
        self._walk(0, document, "$", True, document, matches)
        if self.definite:
            if not matches:
                raise NotFound("No results for path: $" + "".join(self.fragments))
            return matches[-1]
        return [None if value is ABSENT else value for value in matches]

    def _walk(self, at: int, node: Any, location: str, definite: bool, document: Any, matches: list[Any]) -> None:
        """`definite` is true if every step before this one is; only then is it an error if something is missing."""
        if at == len(self.steps):
            matches.append(node)
            return
        step, condition = self.steps[at]
        after = definite and is_definite_step(step, at == len(self.steps) - 1)
        match step:
            case Name(names):
                if not isinstance(node, dict):
                    if definite:
                        raise self._not_an_object(at, node, location)
                    return
                if len(names) > 1 and at == len(self.steps) - 1:
                    matches.append({name: node[name] for name in names if name in node})
                    return
                for name in names:
                    here = f"{location}['{name}']"
                    if name in node:
                        self._walk(at + 1, node[name], here, after, document, matches)
                    elif self.required or (after and at < len(self.steps) - 1):
                        raise NotFound(f"Missing property in path {here}")
            case Index() | Slice():
                if not isinstance(node, list):
                    if definite:
                        raise self._not_an_array(at, node, location)
                    return
                for index in _indexes(step, len(node)):
                    self._walk(at + 1, _element(node, index), f"{location}[{index}]", after, document, matches)
            case Wildcard():
                for key, value in _children(node):
                    self._walk(at + 1, value, f"{location}[{key}]", False, document, matches)
            case Filter() if condition is not None:
                self._select(at, node, location, definite, document, matches, condition)
            case Descend():
                self._descend(at + 1, node, location, document, matches)
            case FunctionStep(name, arguments):
                matches.append(evaluate_function(name, node, arguments, document, _compile_query))

    def _select(
        self,
        at: int,
        node: Any,
        location: str,
        definite: bool,
        document: Any,
        matches: list[Any],
        condition: Callable[[Any, Any], bool],
    ) -> None:
        if isinstance(node, dict):
            if condition(node, document):
                self._walk(at + 1, node, location, False, document, matches)
        elif isinstance(node, list):
            for index, value in enumerate(node):
                if condition(value, document):
                    self._walk(at + 1, value, f"{location}[{index}]", False, document, matches)
        elif definite:
            rest = "".join(self.fragments[at:])
            context = self._context_text(at, node)
            raise NotApplicable(f"Filter: {rest} can not be applied to primitives. Current context is: {context}")

    def _descend(self, at: int, node: Any, location: str, document: Any, matches: list[Any]) -> None:
        """Where the step after `..` is not the last, Jayway takes the step after it to all items of an array:
        `$..[0].a` is `$..[*].a`."""
        step, condition = self.steps[at]
        match step:
            case Name(names):
                applies = isinstance(node, dict) and (self.required or len(names) > 1 or names[0] in node)
            case Index() | Slice():
                applies = isinstance(node, list)
            case Filter():
                applies = condition is not None and condition(node, document)
            case Wildcard():
                applies = True
            case _:
                applies = False
        if applies and isinstance(node, list) and at + 1 < len(self.steps):
            for index, value in enumerate(node):
                self._walk(at + 1, value, f"{location}[{index}]", False, document, matches)
        elif applies:
            self._walk(at, node, location, False, document, matches)
        for key, value in _children(node):
            if isinstance(value, dict | list):
                self._descend(at, value, f"{location}[{key}]", document, matches)

    def _not_an_array(self, at: int, node: Any, location: str) -> Exception:
        if node is ABSENT or (node is None and self._is_plain(at)):
            return NotFound(f"The path {location} is null")
        rest, context = "".join(self.fragments[at:]), self._context_text(at, node)
        return NotApplicable(f"Filter: {rest} can only be applied to arrays. Current context is: {context}")

    def _not_an_object(self, at: int, node: Any, location: str) -> Exception:
        kind = "null" if node is ABSENT else class_name(node, plain=self._is_plain(at))
        return NotFound(
            f"Expected to find an object with property {self.fragments[at]} in path {location} but found '{kind}'. "
            "This is not a json object according to the JsonProvider: "
            "'com.jayway.jsonpath.spi.json.JacksonJsonNodeJsonProvider'."
        )

    def _is_plain(self, at: int) -> bool:
        """Return True if the step at `at` gets a plain Java value: Jayway takes those out of objects, and nodes out of
        arrays."""
        return at > 0 and isinstance(self.steps[at - 1][0], Name)

    def _context_text(self, at: int, node: Any) -> str:
        if node is ABSENT:
            return "null"
        return node if isinstance(node, str) and self._is_plain(at) else json_text(node)


def _with_the_function_first(path: Path) -> Path:
    """Jayway takes `$..price.sum()` for `$.sum($..price)`; `$..a.length()` counts the children of what it finds."""
    match path.steps:
        case (Descend(), *between, FunctionStep(name, arguments)):
            scan = (Descend(), *between, *([Wildcard()] if name in {"length", "size"} else []))
            query = Query(False, Path(path.text, Root.INPUT, None, scan))
            return evolve(path, steps=(FunctionStep(name, (query, *arguments)),))
        case _:
            return path


def _children(node: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield f"'{key}'", value
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield str(index), value


def _element(array: list[Any], index: int) -> Any:
    position = index + len(array) if index < 0 else index
    return array[position] if 0 <= position < len(array) else ABSENT


def _indexes(step: Index | Slice, length: int) -> range | tuple[int, ...]:
    """The indexes a step names; Jayway counts only a lone start or a lone end of a slice from the array's end."""
    if isinstance(step, Index):
        return step.indexes
    if length == 0:
        return range(0)
    start, end = step.start, step.end
    if end is None:
        first = start or 0
        return range(max(0, first + length if first < 0 else first), length)
    if start is None:
        return range(min(length, end + length if end < 0 else end))
    return range(start, min(length, end))


def _fragment(step: Step) -> str:
    """How Jayway writes a step back."""
    match step:
        case Name(names):
            return "[" + ",".join(f"'{name}'" for name in names) + "]"
        case Index(indexes):
            return "[" + ",".join(map(str, indexes)) + "]"
        case Slice(start, end):
            return f"[{'' if start is None else start}:{'' if end is None else end}]"
        case Wildcard():
            return "[*]"
        case Descend():
            return ".."
        case Filter():
            return "[?]"
        case FunctionStep(name):
            return f".{name}()"
