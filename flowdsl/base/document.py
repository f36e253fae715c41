"""A JSON or YAML file: its value, and the place of each part in the file."""

from __future__ import annotations

import json
import math
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

from attrs import define, field

from .diagnostics import AslPath, Diagnostic, FlowError
from .source import Span

Place = tuple[int, int]
"""The offsets in the text where something starts and ends."""


@define(slots=False)
class Document:
    """`value` is a JSON value; `find_places` is called when a place is needed for the first time."""

    file: str
    text: str
    value: Any
    find_places: Callable[[], Iterator[tuple[AslPath, Place]]] = field(repr=False)
    twice: tuple[AslPath, ...] = ()
    """The paths of duplicate keys; `value` contains their last values."""

    @cached_property
    def places(self) -> dict[AslPath, Place]:
        return dict(self.find_places())

    def span(self, path: AslPath) -> Span:
        """The place of the value, or of the nearest enclosing one."""
        while path and path not in self.places:
            path = path[:-1]
        start, end = self.places.get(path, (0, 1))
        return Span(self.file, *self._line_and_column(start), *self._line_and_column(end))

    def _line_and_column(self, offset: int) -> tuple[int, int]:
        before = bisect_left(self._line_ends, offset)
        return before + 1, offset - (self._line_ends[before - 1] if before else -1)

    @cached_property
    def _line_ends(self) -> list[int]:
        return [match.start() for match in re.finditer("\n", self.text)]


def span_of(file: str, text: str, start: int, end: int) -> Span:
    """A piece of the text as lines and columns."""
    line, column = _line_and_column(text, start)
    end_line, end_column = _line_and_column(text, end)
    return Span(file, line, column, end_line, end_column)


def _line_and_column(text: str, offset: int) -> tuple[int, int]:
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def _wrong(message: str, span: Span | None, hint: str | None = None) -> FlowError:
    return FlowError(Diagnostic("FD704", message, span=span, hint=hint, aws="INVALID_JSON_DESCRIPTION"))


# JSON


class _DuplicateKeyError(ValueError):
    pass


def read_json(text: str, file: str) -> Document:
    """Read JSON as AWS does: no comments, no NaN. Raises FlowError with the place of the mistake."""
    twice: tuple[AslPath, ...] = ()
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_float=_float, parse_constant=_constant)
    except json.JSONDecodeError as error:
        span = span_of(file, text, error.pos, error.pos + 1)
        code, message, at = _as_aws(text, error.pos)
        wrong = Diagnostic("FD704", f"not JSON: {error.msg}", span=span, aws=code, aws_message=message, aws_at=at)
        raise FlowError(wrong) from None
    except _DuplicateKeyError:
        value = json.loads(text, parse_float=_float, parse_constant=_constant)
        counts = Counter(path for path, _ in _json_places(text))
        twice = tuple(path for path, count in counts.items() if count > 1 and isinstance(path[-1], str))
    except RecursionError:
        raise _wrong("nested too deeply", Span(file, 1)) from None
    except ValueError as error:
        match = re.search(rf"(?<![\w\"]){re.escape(str(error))}", text)
        span = span_of(file, text, *match.span()) if match else Span(file, 1)
        raise _wrong(f"not JSON: {error} is not a JSON value", span, "write a number or null") from None
    return Document(file, text, value, lambda: _json_places(text), twice)


def _as_aws(text: str, offset: int) -> tuple[str, str, str]:
    """The code, message and location of ValidateStateMachineDefinition for invalid JSON (those of Jackson)."""
    if not text.strip():
        return "SCHEMA_VALIDATION_FAILED", "Definition must be a valid JSON object", ""
    word = re.compile(r"[A-Za-z_$][\w$]*").match(text, offset)
    if word:
        message = (
            f"Unrecognized token '{word.group()}': was expecting (JSON String, Number, Array, Object or token 'null', "
        )
        message += "'true' or 'false')"
    elif offset < len(text):
        message = f"Unexpected character ('{text[offset]}' (code {ord(text[offset])}))"
    else:
        message = "Unexpected end-of-input"
    line, column = _line_and_column(text, word.end() if word else min(offset + 1, len(text)))
    excerpt = text if len(text) <= 500 else f"{text[:500]}[truncated {len(text) - 500} chars]"
    location = f'[Source: (String)"{excerpt}"; line: {line}, column: {column}]'
    return "INVALID_JSON_DESCRIPTION", f"{message}\n at {location}", location


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _DuplicateKeyError
    return value


def _float(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError(digits)
    return number


def _constant(name: str) -> Any:
    raise ValueError(name)


def _duplicate(path: AslPath, span: Span) -> FlowError:
    return _wrong(f"duplicate key {path[-1]!r}", span, "remove or rename one of them")


_SYMBOL = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')


def _json_places(text: str) -> Iterator[tuple[AslPath, Place]]:
    """Of valid JSON: a scalar's own place; of an object or list under a key, the key's."""
    path: list[str | int] = []
    lists: list[bool] = []
    key: Place | None = None
    expect_key = False
    for match in _SYMBOL.finditer(text):
        symbol = match.group()
        if symbol in ",":
            if lists[-1]:
                path[-1] += 1  # type: ignore[operator]
            else:
                path.pop()
                expect_key = True
        elif symbol in "}]":
            is_list = lists.pop()
            if is_list or not expect_key:
                path.pop()
            expect_key = False
        elif symbol == ":":
            expect_key = False
        elif expect_key:
            path.append(json.loads(symbol))
            key = match.span()
        else:
            yield tuple(path), key if key and symbol in "{[" else match.span()
            key = None
            if symbol in "{[":
                lists.append(symbol == "[")
                expect_key = symbol == "{"
                if symbol == "[":
                    path.append(0)


# YAML


def read_yaml(text: str, file: str) -> Document:
    """Read YAML whose values are JSON's. Raises FlowError, also if PyYAML is not installed."""
    try:
        import yaml
    except ImportError:
        raise _wrong(
            "PyYAML is needed to read YAML", Span(file, 1), 'install it with: pip install "flowdsl[yaml]"'
        ) from None
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        root = yaml.compose(text, Loader=loader)
        value = None if root is None else _yaml_value(root, file, {})
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        span = Span(file, mark.line + 1, mark.column + 1) if mark else Span(file, 1)
        raise _wrong(f"not YAML: {error.problem or error.context}", span) from None
    except yaml.YAMLError as error:
        raise _wrong(f"not YAML: {str(error).splitlines()[0]}", Span(file, 1)) from None
    except RecursionError:
        raise _wrong("nested too deeply, or an alias within its own anchor", Span(file, 1)) from None
    return Document(file, text, value, lambda: _yaml_places(root) if root else iter(()))


def _yaml_places(root: Any) -> Iterator[tuple[AslPath, Place]]:
    """As of JSON."""
    todo: list[tuple[AslPath, Any, Any]] = [((), None, root)]
    while todo:
        path, key, value = todo.pop()
        node = value if key is None or value.id == "scalar" else key
        start, end = node.start_mark, node.end_mark
        yield path, (start.index, end.index if end.line == start.line else start.index + 1)
        if value.id == "mapping":
            todo.extend(((*path, below.value), below, item) for below, item in value.value)
        elif value.id == "sequence":
            todo.extend(((*path, index), None, item) for index, item in enumerate(value.value))


_TAG = "tag:yaml.org,2002:"


def _yaml_value(node: Any, file: str, values: dict[int, Any]) -> Any:
    if id(node) in values:
        return values[id(node)]
    kind = node.tag.removeprefix(_TAG)
    value: Any = None
    if node.id == "mapping" and kind == "map":
        value = {}
        for key, item in node.value:
            value[_yaml_key(key, value, file)] = _yaml_value(item, file, values)
    elif node.id == "sequence" and kind == "seq":
        value = [_yaml_value(item, file, values) for item in node.value]
    elif node.id == "scalar" and kind in _SCALARS:
        try:
            value = _SCALARS[kind](node.value)
        except ValueError:
            raise _wrong(
                f"{node.value} is not a JSON number", _node_span(node, file), "quote it if it is a string"
            ) from None
    else:
        hint = "write it out, or quote it as a string"
        raise _wrong(f"JSON has no values of type {node.tag}", _node_span(node, file), hint)
    values[id(node)] = value
    return value


def _yaml_key(node: Any, others: dict[str, Any], file: str) -> str:
    if node.id != "scalar" or node.tag == _TAG + "merge":
        raise _wrong("keys must be strings", _node_span(node, file), "quote it")
    if node.value in others:
        raise _duplicate((node.value,), _node_span(node, file))
    return str(node.value)


def _node_span(node: Any, file: str) -> Span:
    return Span(file, node.start_mark.line + 1, node.start_mark.column + 1)


_SCALARS: dict[str, Callable[[str], Any]] = {
    "str": str,
    "timestamp": str,
    "null": lambda _: None,
    "bool": lambda text: text.lower() in ("true", "yes", "on"),
    "int": json.loads,
    "float": lambda text: json.loads(text, parse_float=_float, parse_constant=_constant),
}
"""By YAML tag. Dates stay text, as ASL expects; numbers must also be JSON numbers."""
