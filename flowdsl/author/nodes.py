"""What an expression is made of: plain values that the writers of both query languages read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal

from ..base.record import Record, as_dict, evolve, field
from ..base.source import Caller

Mark = Literal["String", "Numeric", "Boolean", "Timestamp"]
"""What an author says a path holds, in the words of ASL's choice rules."""
Kind = Literal["null", "boolean", "number", "text", "list", "object"]
"""What a node is known to give."""

_MARKED: dict[Mark, Kind] = {"String": "text", "Timestamp": "text", "Numeric": "number", "Boolean": "boolean"}


class Node(Record, eq=False):
    """A part of an expression. `origin` is where the author wrote it, if it is not a path or a constant."""

    origin: Caller | None = field(default=None, kw_only=True, repr=False)


class Parameter(Record, eq=False):
    """A parameter of a traced function. The writer gives it a name that means nothing else in the expression."""

    name: str


class Constant(Node):
    """A JSON scalar."""

    value: bool | int | float | str | None


class Path(Node):
    """A place below `input`, `context`, `result`, `error`, a variable (`$name`) or a parameter."""

    root: str | Parameter
    steps: tuple[str | int, ...] = ()
    mark: Mark | None = None


class Get(Node):
    """A place below a value that is not a path. A node among the steps is an index, or the name of a field."""

    base: Node
    steps: tuple[str | int | Node, ...]


class Object(Node):
    """A JSON object."""

    fields: tuple[tuple[str, Node], ...]


class Array(Node):
    """A JSON array."""

    items: tuple[Node, ...]


class Text(Node):
    """The texts of its parts, one after the other."""

    parts: tuple[Node, ...]


class Arithmetic(Node):
    """Two numbers and `+`, `-`, `*`, `/` or `%`."""

    sign: str
    left: Node
    right: Node


class Negative(Node):
    """A number with the other sign."""

    operand: Node


class Comparison(Node):
    """Two values and `=`, `!=`, `<`, `<=`, `>`, `>=` or `in`."""

    sign: str
    left: Node
    right: Node


class Test(Node):
    """A question about one value, by the name of its choice rule: IsPresent, IsNull, …, StringMatches."""

    operand: Node
    operator: str
    value: bool | str = True


class Logic(Node):
    """`and` or `or` between conditions."""

    word: Literal["and", "or"]
    parts: tuple[Node, ...]


class Not(Node):
    """True if the operand is false."""

    operand: Node


class Conditional(Node):
    """One of two values."""

    test: Node
    then: Node
    otherwise: Node


class FunctionCall(Node):
    """A call of a JSONata function (without its `$`), or of an intrinsic function that JSONata does not have."""

    name: str
    arguments: tuple[Node, ...]
    kind: Kind | None = None


class Lambda(Node):
    """A traced function."""

    parameters: tuple[Parameter, ...]
    body: Node


class Regex(Node):
    """A regular expression; the flags are `i` and `m`."""

    pattern: str
    flags: str = ""


class Raw(Node):
    """JSONata as its author wrote it; nodes stand for the expressions inside it."""

    parts: tuple[str | Node, ...]


class Invalid(Node):
    """A value that an expression cannot take in; reported with all other mistakes when the state is written."""

    message: str
    hint: str


def kind_of(node: Node) -> Kind | None:
    """What the node gives, or None if it cannot be told."""
    match node:
        case Constant(value=None):
            return "null"
        case Constant(value=value):
            return "boolean" if isinstance(value, bool) else "text" if isinstance(value, str) else "number"
        case Path(mark=mark):
            return _MARKED[mark] if mark else None
        case Object():
            return "object"
        case Array():
            return "list"
        case Text():
            return "text"
        case Arithmetic() | Negative():
            return "number"
        case Comparison() | Test() | Logic() | Not():
            return "boolean"
        case Conditional(then=then, otherwise=otherwise):
            kind = kind_of(then)
            return kind if kind == kind_of(otherwise) else None
        case FunctionCall(kind=kind):
            return kind
    return None


def walk(node: Node) -> Iterator[Node]:
    """The node and every node inside it, in the order in which they are written."""
    todo: list[Any] = [node]
    while todo:
        here = todo.pop()
        yield here
        todo.extend(reversed([*_inside(here)]))


def _inside(node: Node) -> Iterator[Node]:
    for value in as_dict(node).values():
        if isinstance(value, Node):
            yield value
        elif isinstance(value, tuple):
            for item in value:
                if isinstance(item, tuple):
                    item = item[1]
                if isinstance(item, Node):
                    yield item


def replaced(node: Node, change: Callable[[Node], Node]) -> Node:
    """The node with each node inside it changed, from the inside out."""
    changes = {}
    for name, value in as_dict(node).items():
        new = _replaced(value, change)
        if new is not value:
            changes[name] = new
    return change(evolve(node, **changes) if changes else node)


def _replaced(value: Any, change: Callable[[Node], Node]) -> Any:
    if isinstance(value, Node):
        return replaced(value, change)
    if isinstance(value, tuple):
        return tuple(_replaced(item, change) for item in value)
    return value
