"""A YAML file as JSON values, with the place of each part and with its comments.

Sources: YAML 1.1, which AWS's tools read with PyYAML; the Core Schema of YAML 1.2, for booleans; CloudFormation
Template Reference, "Intrinsic function reference", for short forms such as `!Sub`.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Callable, Iterator
from typing import Any

from .diagnostics import AslPath, FlowError
from .document import Document, Place, Placed, as_float, check_depth, refuse_constant, wrong
from .patterns import regex
from .record import Record
from .source import Span
from .words import shorten

_TAG = "tag:yaml.org,2002:"
_MOST_FROM_ALIASES = 100_000
"""The most values that aliases may add to a file: a small file of nested aliases can stand for billions of values."""


class Dialect(Record):
    """What the YAML of some kind of file has beyond JSON's values."""

    short_tags: bool = False
    """True if `!Sub text` is short for `{"Fn::Sub": text}`, and `!GetAtt A.Arn` for `{"Fn::GetAtt": ["A", "Arn"]}`."""
    merges: bool = False
    """True if `<<: *other` adds the other mapping's pairs."""
    only_true_and_false: bool = False
    """True if `yes`, `No`, `On` and the like are text, as numbers are that JSON does not have, such as 012."""


ASL = Dialect()
TEMPLATE = Dialect(short_tags=True, merges=True, only_true_and_false=True)


def read_yaml(text: str, file: str, dialect: Dialect = ASL) -> Document:
    """Read YAML whose values are JSON's. Raises FlowError, also if PyYAML is not installed or if aliases would make
    the file too large."""
    try:
        import yaml
    except ImportError:
        raise wrong(
            "PyYAML is needed to read YAML", Span(file, 1), 'install it with: pip install "flowdsl[yaml]"'
        ) from None
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        root = yaml.compose(text, Loader=loader)
        value = None if root is None else _Reading(file, dialect).value_of(root)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        span = Span(file, mark.line + 1, mark.column + 1) if mark else Span(file, 1)
        raise wrong(f"not YAML: {error.problem or error.context}", span) from None
    except yaml.YAMLError as error:
        raise wrong(f"not YAML: {str(error).splitlines()[0]}", Span(file, 1)) from None
    except RecursionError:
        raise wrong("nested too deeply, or an alias within its own anchor", Span(file, 1)) from None
    check_depth(value, file)

    def comments() -> dict[AslPath, tuple[str, ...]]:
        gaps = _gaps(text, ((token.start_mark.index, token.end_mark.index) for token in yaml.scan(text, Loader=loader)))
        return _comments(text, gaps, _places(root, dialect)) if root else {}

    return Document(file, text, value, lambda: _places(root, dialect) if root else iter(()), find_comments=comments)


class _Reading(Record):
    """The values of one file's nodes. The nodes of merges are replaced by what they stand for."""

    file: str
    dialect: Dialect

    def value_of(self, root: Any) -> Any:
        if self.dialect.merges:
            self._merge(root, set(), [_MOST_FROM_ALIASES])
        self._count(root)
        return self._value(root, {})

    def _merge(self, node: Any, done: set[int], left: list[int]) -> None:
        """Replace each `<<` by the pairs of its mappings that the mapping does not have itself; `left` is how many more
        there may be in the file."""
        if id(node) in done or node.id == "scalar":
            return
        done.add(id(node))
        if node.id == "sequence":
            for item in node.value:
                self._merge(item, done, left)
            return
        for _, item in node.value:
            self._merge(item, done, left)
        merges = [item for key, item in node.value if key.tag == _TAG + "merge"]
        if not merges:
            return
        own = [(key, item) for key, item in node.value if key.tag != _TAG + "merge"]
        known = {key.value for key, _ in own if key.id == "scalar"}
        others: list[tuple[Any, Any]] = []
        for merge in merges:
            for each in merge.value if merge.id == "sequence" else [merge]:
                if each.id != "mapping":
                    raise wrong("<< must be followed by a mapping", self._span(each), "write an alias, such as *name")
                more = [(key, item) for key, item in each.value if key.id == "scalar" and key.value not in known]
                known |= {key.value for key, _ in more}
                others += more
                left[0] -= len(each.value)
                if left[0] < 0:
                    raise self._too_many(merge)
        node.value = others + own

    def _count(self, root: Any) -> None:
        """Refuse aliases that add too many values. `sizes` has the number of values in each node, by its id."""
        sizes: dict[int, int] = {}
        todo: list[tuple[Any, bool]] = [(root, False)]
        entered: set[int] = set()
        while todo:
            node, left = todo.pop()
            if id(node) in sizes:
                continue
            below = [] if node.id == "scalar" else node.value
            if node.id == "mapping":
                below = [item for _, item in below]
            if left:
                sizes[id(node)] = 1 + sum(sizes[id(each)] for each in below)
                if sizes[id(node)] > len(sizes) + _MOST_FROM_ALIASES:
                    raise self._too_many(node)
            elif id(node) in entered:
                raise wrong("an alias within its own anchor", self._span(node), "write it out")
            else:
                entered.add(id(node))
                todo.append((node, True))
                todo.extend((each, False) for each in below)

    def _too_many(self, node: Any) -> FlowError:
        hint = "write out what is needed, instead of aliases of aliases"
        return wrong("the aliases stand for too many values", self._span(node), hint)

    def _value(self, node: Any, values: dict[int, Any]) -> Any:
        if id(node) in values:
            return values[id(node)]
        value = values[id(node)] = self._new_value(node, values)
        return value

    def _new_value(self, node: Any, values: dict[int, Any]) -> Any:
        kind = node.tag.removeprefix(_TAG)
        if self.dialect.short_tags and kind.startswith("!") and len(kind) > 1:
            return _long_form(kind[1:], self._plain(node, {"scalar": "str"}.get(node.id, ""), values))
        return self._plain(node, kind, values)

    def _plain(self, node: Any, kind: str, values: dict[int, Any]) -> Any:
        if node.id == "mapping" and kind in ("map", ""):
            value: dict[str, Any] = {}
            for key, item in node.value:
                value[self._key(key, value)] = self._value(item, values)
            return value
        if node.id == "sequence" and kind in ("seq", ""):
            return [self._value(item, values) for item in node.value]
        if node.id != "scalar" or kind not in _SCALARS:
            hint = "write it out, or quote it as a string"
            raise wrong(f"JSON has no values of type {node.tag}", self._span(node), hint)
        lenient = self.dialect.only_true_and_false
        if lenient and kind == "bool" and node.value.lower() not in ("true", "false"):
            return node.value
        try:
            return _SCALARS[kind](node.value)
        except ValueError:
            if lenient:
                return node.value
            hint = "quote it if it is a string"
            raise wrong(f"{shorten(node.value)} is not a JSON number", self._span(node), hint) from None

    def _key(self, node: Any, others: dict[str, Any]) -> str:
        if node.id != "scalar" or node.tag == _TAG + "merge":
            raise wrong("keys must be strings", self._span(node), "quote it")
        if node.value in others:
            raise wrong(f"duplicate key {shorten(node.value)!r}", self._span(node), "remove or rename one of them")
        return str(node.value)

    def _span(self, node: Any) -> Span:
        return Span(self.file, node.start_mark.line + 1, node.start_mark.column + 1)


def _long_form(name: str, value: Any) -> dict[str, Any]:
    """The long form of a short tag. Source: CloudFormation Template Reference, "Fn::GetAtt", "Syntax"."""
    if name == "GetAtt" and isinstance(value, str):
        resource, _, attribute = value.partition(".")
        value = [resource, attribute]
    return {_long_name(name): value}


def _long_name(tag: str) -> str:
    return tag if tag in ("Ref", "Condition") else f"Fn::{tag}"


def _number(text: str) -> Any:
    return json.loads(text, parse_float=as_float, parse_constant=refuse_constant)


_SCALARS: dict[str, Callable[[str], Any]] = {
    "str": str,
    "timestamp": str,
    "value": str,
    "null": lambda _: None,
    "bool": lambda text: text.lower() in ("true", "yes", "on"),
    "int": _number,
    "float": _number,
}
"""By YAML tag. Dates stay text, as ASL expects; numbers must also be JSON numbers."""


def _places(root: Any, dialect: Dialect) -> Iterator[Placed]:
    """The places in a file; for a short tag also of its long form."""
    todo: list[tuple[AslPath, Any, Any]] = [((), None, root)]
    while todo:
        path, key, value = todo.pop()
        before = _place(key) if key is not None else None
        place = before if before is not None and value.id != "scalar" else _place(value)
        yield path, place, before
        if dialect.short_tags and value.tag.startswith("!") and len(value.tag) > 1:
            path = (*path, _long_name(value.tag[1:]))
            yield path, place, place
        if value.id == "mapping":
            todo.extend(((*path, below.value), below, item) for below, item in value.value)
        elif value.id == "sequence":
            todo.extend(((*path, index), None, item) for index, item in enumerate(value.value))


def _place(node: Any) -> Place:
    start, end = node.start_mark, node.end_mark
    return start.index, end.index if end.line == start.line else start.index + 1


_COMMENT = regex(r"(?:^|(?<=\s))#(?P<text>[^\n]*)")


def _gaps(text: str, tokens: Iterator[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The pieces of the text between its tokens, where comments are."""
    before = 0
    for start, end in tokens:
        if start > before:
            yield before, start
        before = max(before, end)
    yield before, len(text)


def _comments(text: str, gaps: Iterator[tuple[int, int]], places: Iterator[Placed]) -> dict[AslPath, tuple[str, ...]]:
    """A comment beside something belongs to the first value on its line, one on its own to the next value."""
    starts = sorted((place[0], len(path), path) for path, place, _ in places)
    offsets = [start for start, _, _ in starts]
    comments: dict[AslPath, tuple[str, ...]] = {}
    for begin, end in gaps:
        for match in _COMMENT.finditer(text, begin, end):
            line = text.rfind("\n", 0, match.start()) + 1
            alone = not text[line : match.start()].strip()
            index = bisect_left(offsets, match.start() if alone else line)
            if not alone and index < len(starts) - 1 and not starts[index][2]:
                index += 1  # beside the file's first key, not above the file
            if index < len(starts):
                path = starts[index][2]
                comments[path] = (*comments.get(path, ()), match["text"].strip())
    return comments
