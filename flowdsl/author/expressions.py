"""What an author writes besides states: paths, calculations, texts and conditions.

An expression means the same under both query languages: the machine writes it as JSONPath or as JSONata. It holds a
tree of nodes; operators, attributes and the functions of `fn` make greater trees of it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import Enum
from itertools import zip_longest
from typing import Any, Final, NoReturn, Self, Union

from ..base.arguments import WrongArgument, mistake
from ..base.json import is_json_number
from ..base.source import Caller, caller, is_asked_by_flowdsl, reader
from . import nodes
from .nodes import Mark, Node, kind_of
from .tokens import has_tokens, leave_token, note_description, split, tokens_in

if sys.version_info >= (3, 14):
    from string.templatelib import Template
else:

    class Template:
        """A t-string; Python has them from 3.14 on."""

        strings: tuple[str, ...]
        interpolations: tuple[Any, ...]


class Discard(Enum):
    """The type of `DISCARD`."""

    DISCARD = "discard"


DISCARD: Final = Discard.DISCARD
"""As `into`: the result is thrown away and the state's input goes on unchanged (`"ResultPath": null`)."""

Value = Union["Expression", str, int, float, bool, None, datetime, Template, Mapping[str, Any], Sequence[Any]]
"""What an expression can be made of: other expressions and JSON, one inside the other."""


class Expression:
    """A value that is known only when the flow runs.

    Attributes and keys go deeper: `path.donation.amount`, `path["key with spaces"]`, `path[0]`. A name that begins
    with an underscore needs the brackets. `+ - * / %` calculate (`+` with a text joins texts), comparisons give
    conditions, `&`, `|` and `~` combine them. An f-string takes expressions in.
    """

    __slots__ = ("_node",)
    _node: Node

    def __init__(self, node: Node) -> None:
        self._node = node

    def __getattr__(self, name: str) -> Expression:
        if name.startswith("_"):
            raise AttributeError(f"write path[{name!r}] for a field whose name begins with an underscore")
        return self[name]

    def __getitem__(self, step: str | int | Expression) -> Expression:
        return Expression(_deeper(self._node, step))

    # Arithmetic and text

    def __add__(self, other: Value) -> Expression:
        return _sum(self, other)

    def __radd__(self, other: Value) -> Expression:
        return _sum(other, self)

    def __sub__(self, other: Value) -> Expression:
        return _arithmetic("-", self, other)

    def __rsub__(self, other: Value) -> Expression:
        return _arithmetic("-", other, self)

    def __mul__(self, other: Value) -> Expression:
        return _arithmetic("*", self, other)

    def __rmul__(self, other: Value) -> Expression:
        return _arithmetic("*", other, self)

    def __truediv__(self, other: Value) -> Expression:
        return _arithmetic("/", self, other)

    def __rtruediv__(self, other: Value) -> Expression:
        return _arithmetic("/", other, self)

    def __mod__(self, other: Value) -> Expression:
        return _arithmetic("%", self, other)

    def __rmod__(self, other: Value) -> Expression:
        return _arithmetic("%", other, self)

    def __neg__(self) -> Expression:
        return Expression(nodes.Negative(self._node, origin=caller()))

    def __format__(self, spec: str) -> str:
        if spec:
            raise TypeError(
                f"{_text_of(self)} cannot be formatted with {spec!r}: its value is known only when the flow runs;"
                " fn.pad and fn.format_number write it in a width or with decimal places"
            )
        return leave_token(self._node)

    # Comparisons and conditions

    def __eq__(self, other: object) -> Condition:  # type: ignore[override]
        return _compare("=", self, other)

    def __ne__(self, other: object) -> Condition:  # type: ignore[override]
        return _compare("!=", self, other)

    def __lt__(self, other: Value) -> Condition:
        return _compare("<", self, other)

    def __le__(self, other: Value) -> Condition:
        return _compare("<=", self, other)

    def __gt__(self, other: Value) -> Condition:
        return _compare(">", self, other)

    def __ge__(self, other: Value) -> Condition:
        return _compare(">=", self, other)

    def __and__(self, other: Expression) -> Condition:
        return _logic("and", self, other)

    def __or__(self, other: Expression) -> Condition:
        return _logic("or", self, other)

    def __rand__(self, other: object) -> NoReturn:
        _logic("and", self, other)
        raise AssertionError

    __ror__ = __rand__

    def __invert__(self) -> Condition:
        if isinstance(self._node, nodes.Not):
            return Condition(self._node.operand)
        return Condition(nodes.Not(self._node, origin=caller()))

    # What Python would do at once, while the flow is read

    def __bool__(self) -> NoReturn:
        where = caller()
        if where and where.operation == "CONTAINS_OP":
            raise TypeError(
                "an expression has no value until the flow runs: write one_of(path, ...) instead of in (...)"
            )
        if where and "CALL" in where.operation:
            raise TypeError(
                "an expression has no value until the flow runs: write cond(...) or a Choice instead of bool, & and |"
                " instead of all and any, and fn.max, fn.min and fn.sort instead of max, min and sorted"
            )
        raise TypeError(
            "an expression has no value until the flow runs: write &, | and ~ instead of and, or and not,"
            " and a Choice or cond(...) instead of if"
        )

    def __str__(self) -> str:
        raise TypeError(f"{self!r} has no text until the flow runs: put it into an f-string, or use fn.string(...)")

    def __abs__(self) -> NoReturn:
        self._refuse("fn.abs(path)")

    def __round__(self, digits: int = 0) -> NoReturn:
        self._refuse("fn.round(path)")

    def __int__(self) -> NoReturn:
        self._refuse("fn.number(path), fn.floor(path) or fn.round(path)")

    def __float__(self) -> NoReturn:
        self._refuse("fn.number(path)")

    def __pow__(self, other: object) -> NoReturn:
        self._refuse("fn.power(path, 2)")

    __rpow__ = __pow__

    def __floordiv__(self, other: object) -> NoReturn:
        self._refuse("fn.floor(a / b)")

    __rfloordiv__ = __floordiv__

    def _refuse(self, instead: str) -> NoReturn:
        raise TypeError(f"{self!r} is known only when the flow runs: write {instead}")

    def __iter__(self) -> NoReturn:
        raise TypeError(f"{self!r} cannot be looped over: its list is known only when the flow runs; use Map or fn.map")

    def __contains__(self, item: object) -> NoReturn:
        raise TypeError(f"{self!r} is known only when the flow runs: write fn.array_contains(path, {item!r})")

    def __len__(self) -> NoReturn:
        raise TypeError(f"{self!r} is known only when the flow runs: write fn.count(path) or fn.length(path)")

    def __call__(self, *values: object) -> NoReturn:  # noqa: ARG002 - whatever it is called with
        raise TypeError(
            f"{self!r} is an expression, which has no methods: its functions are in fn, as in fn.uppercase(path);"
            " for a pattern there is matches(path, 'x*')"
        )

    def __repr__(self) -> str:
        text = _text_of(self)
        if is_asked_by_flowdsl():
            return text
        author, where = reader(), caller()
        is_joined = author is not None and author.operation.startswith(("FORMAT_", "CONVERT_", "BINARY_OP"))
        if is_joined or (where and where.converts()):
            raise TypeError(
                f"{text} has no text until the flow runs: write {{path}} in an f-string, without !r, !a or =, and not"
                " inside a list or dict, for which there is fn.string([path])"
            )
        if author is not None:
            note_description(text, author)
        return text

    def __hash__(self) -> int:
        author = None if is_asked_by_flowdsl() else reader()
        if author is not None and author.operation.startswith(("CALL", "CONTAINS_OP", "BINARY_")):
            raise TypeError(
                f"{_text_of(self)} is known only when the flow runs, so no dict or set of Python has it: write"
                " one_of(path, ...), a Choice, or fn.lookup(object, path)"
            )
        return id(self)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self


def _text_of(expression: Expression) -> str:
    from .describing import described  # only messages need it

    return described(expression._node)


class Condition(Expression):
    """A value that is true or false: what a `when` asks, or any other value."""

    __slots__ = ()


class Path(Expression):
    """A place in the state's input, the context object, a result, or a variable."""

    __slots__ = ()
    _node: nodes.Path

    def __init__(
        self, root: str | nodes.Parameter = "input", steps: tuple[str | int, ...] = (), mark: Mark | None = None
    ) -> None:
        self._node = nodes.Path(root, steps, mark)

    def __getattr__(self, name: str) -> Path:
        if name.startswith("_"):
            raise AttributeError(f"write path[{name!r}] for a field whose name begins with an underscore")
        return Path(self._node.root, (*self._node.steps, name))

    def __getitem__(self, step: str | int | Expression) -> Path:
        if isinstance(step, str | int) and not isinstance(step, bool) and not has_tokens(str(step)):
            return Path(self._node.root, (*self._node.steps, step))
        return super().__getitem__(step)  # type: ignore[return-value]  # an index that is known later is no JSONPath

    @property
    def _variable(self) -> str | None:
        """The name of the variable, if the path is a whole variable."""
        root = self._node.root
        return root[1:] if isinstance(root, str) and root.startswith("$") and not self._node.steps else None


def _deeper(node: Node, step: str | int | Expression) -> Node:
    if isinstance(step, str) and has_tokens(step):
        step = Expression(node_of(step))
    if isinstance(step, slice):
        raise TypeError(
            "a value of the flow cannot be sliced: use fn.substring for text, where or fn.filter for a list"
        )
    if isinstance(step, bool) or not isinstance(step, str | int | Expression):
        raise TypeError(f"a step into a value is the name of a field or an index, not {step!r}")
    key = step._node if isinstance(step, Expression) else step
    if isinstance(node, nodes.Get):
        return nodes.Get(node.base, (*node.steps, key), origin=node.origin)
    return nodes.Get(node, (key,), origin=caller())


# Roots

state_input: Final = Path("input")
"""The input of the state that uses it: `$`, or `$states.input`."""

context: Final = Path("context")
"""The context object: `$$`, or `$states.context`. Source: Step Functions Developer Guide, "Context object"."""

result: Final = Path("result")
"""The result of the state's own work, for ResultSelector, Output and Assign: `$`, or `$states.result`."""

error_output: Final = Path("error")
"""What a Catch caught, for its Output and Assign: an object with Error and Cause."""

UNKNOWN: Final[Expression] = state_input
"""Takes the place of an expression that is reported."""

task_token: Final = context.Task.Token
"""The token that answers a Task which waits for a callback."""

item: Final = context.Map.Item.Value
"""The item that a Map works on."""

item_index: Final = Path("context", ("Map", "Item", "Index"), "Numeric")
"""The index of the item that a Map works on; the first is 0."""


class _Variables:
    """The variables of a flow, as attributes."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Path:
        if name.startswith("_"):
            raise AttributeError(name)
        return Path("$" + name)

    def __getitem__(self, name: str) -> Path:
        if tokens_in(name):
            what = "the name of a variable must be constant text"
            raise WrongArgument(what, "to choose a value when the flow runs, write cond(...) or fn.lookup(object, key)")
        return Path("$" + name)


var: Final = _Variables()
"""The variables of the flow: `var.total`, or `var["total"]`, is `$total` in both languages."""


def jsonata(text: str | Template) -> Expression:
    """A JSONata expression, for a state or machine whose query language is JSONata. Expressions in an f-string count.

    >>> jsonata("$states.input.amount * 2")
    jsonata('$states.input.amount * 2')
    """
    if isinstance(text, Template):
        pieces = tuple(str(part.value) if isinstance(part, nodes.Constant) else part for part in _pieces(text))
        return Expression(nodes.Raw(pieces, origin=caller()))
    if not isinstance(text, str):
        raise WrongArgument(f"jsonata takes text, not {text!r}", 'write jsonata("$states.input.total")', "#0", "text")
    parts = tuple(piece if isinstance(piece, str) else piece.node for piece in split(text))
    return Expression(nodes.Raw(parts, origin=caller()))


# From Python to nodes


def node_of(value: Any) -> Node:
    """The value as a node; what is neither an expression nor JSON becomes an Invalid one."""
    match value:
        case Expression():
            return value._node
        case str() if has_tokens(value):
            pieces = split(value)
            origin = next((piece.origin for piece in pieces if not isinstance(piece, str)), None)
            return _text([piece if isinstance(piece, str) else piece.node for piece in pieces], origin)
        case int() | float() if not is_json_number(value):
            return _invalid(*without_json(value))
        case None | bool() | int() | float() | str():
            return nodes.Constant(value)
        case datetime():
            text = rfc3339(value)
            return nodes.Constant(text) if text else _invalid("a datetime without a time zone", "add one: tzinfo=UTC")
        case Mapping():
            for key in value:
                if not isinstance(key, str) or has_tokens(key):
                    name = repr(key) if not isinstance(key, str) else _text_of(Expression(node_of(key)))
                    return _invalid(f"{name} is not a key of a JSON object", "use constant text as keys")
            return nodes.Object(tuple((key, node_of(part)) for key, part in value.items()), origin=caller())
        case list() | tuple():
            return nodes.Array(tuple(node_of(part) for part in value), origin=caller())
        case Template():
            return _template(value)
    return _invalid(*without_json(value))


def without_json(value: Any) -> tuple[str, str]:
    """What to say of a value that has no JSON form, and what to write instead."""
    what = f"the class {value.__name__}" if isinstance(value, type) else f"a value of type {type(value).__name__}"
    if isinstance(value, int) and not isinstance(value, bool):
        what = "a number larger than any double"
    if isinstance(value, float):
        what = repr(value)
    return f"{what} has no JSON form", "use an expression, text, a number, true, false, None, a list or a dict"


def _invalid(message: str, hint: str) -> nodes.Invalid:
    return nodes.Invalid(message, hint, origin=caller())


def rfc3339(moment: datetime) -> str | None:
    """The moment as ASL writes timestamps, or None if it has no time zone."""
    return None if moment.tzinfo is None else moment.isoformat().replace("+00:00", "Z")


def _text(pieces: Sequence[str | Node], origin: Caller | None = None) -> nodes.Text:
    parts: list[Node] = []
    for piece in pieces:
        parts.extend(_parts(nodes.Constant(piece) if isinstance(piece, str) else piece))
    return nodes.Text(tuple(parts), origin=origin or caller())


def _template(template: Any) -> Node:
    """A t-string as a text. What it formats beside expressions is constant text, which Python formats."""
    parts: list[Node] = []
    for piece in _pieces(template):
        last = parts[-1] if parts else None
        if isinstance(piece, nodes.Constant) and isinstance(piece.value, str) and isinstance(last, nodes.Constant):
            parts[-1] = nodes.Constant(f"{last.value}{piece.value}")
        else:
            parts.append(piece)
    if all(isinstance(part, nodes.Constant) for part in parts):
        return parts[0] if parts else nodes.Constant("")
    return nodes.Text(tuple(parts))


def _pieces(template: Any) -> Iterator[Node]:
    """The nodes of a t-string in their order; its constants as text."""
    for index, text in enumerate(template.strings):
        if text:
            yield nodes.Constant(text)
        if index == len(template.interpolations):
            break
        part = template.interpolations[index]
        value, is_plain = part.value, not (part.conversion or part.format_spec)
        if isinstance(value, Expression | Template) or (isinstance(value, str) and has_tokens(value)):
            if is_plain:
                yield from _parts(node_of(value))
            else:
                written = part.expression + (f"!{part.conversion}" if part.conversion else "")
                spec = f":{part.format_spec}" if part.format_spec else ""
                hint = "use the functions of fn, as in fn.format_number or fn.string"
                yield nodes.Invalid(f"{{{written}{spec}}} formats a value that is known only when the flow runs", hint)
        else:
            changes: dict[str, Callable[[object], str]] = {"r": repr, "s": str, "a": ascii}
            change = changes.get(part.conversion or "")
            yield nodes.Constant(format(change(value) if change else value, part.format_spec))


def _sum(left: Value, right: Value) -> Expression:
    first, second = node_of(left), node_of(right)
    if "text" in (kind_of(first), kind_of(second)):
        return Expression(nodes.Text((*_parts(first), *_parts(second)), origin=caller()))
    return _arithmetic("+", left, right)


def _parts(node: Node) -> tuple[Node, ...]:
    return node.parts if isinstance(node, nodes.Text) else (node,)


_NUMBERS = ("number", None)


def _arithmetic(sign: str, left: Value, right: Value) -> Expression:
    first, second = node_of(left), node_of(right)
    for node, value in ((first, left), (second, right)):
        if kind_of(node) not in _NUMBERS:
            other = {
                "list": "; to join lists, write fn.append(a, b)",
                "object": "; to join objects, write fn.merge(a, b)",
            }
            joining = other.get(kind_of(node) or "", "") if sign == "+" else ""
            mistake(WrongArgument(f"{sign} takes numbers, not {value!r}{joining}", ""))
            return UNKNOWN
    return Expression(nodes.Arithmetic(sign, first, second, origin=caller()))


def _compare(sign: str, left: Any, right: Any) -> Condition:
    return Condition(nodes.Comparison(sign, _marked(left), _marked(right), origin=caller()))


def _marked(value: Any) -> Node:
    """A side of a comparison; a datetime makes it a comparison of moments."""
    if isinstance(value, datetime):
        return nodes.FunctionCall("timestamp", (node_of(value),), "text")
    return node_of(value)


def _logic(word: Any, left: object, right: object) -> Condition:
    parts: list[Node] = []
    for part in (left, right):
        if not isinstance(part, Expression):
            raise TypeError("put each comparison into parentheses: (a == 1) & (b == 2); & and | bind closer than ==")
        node = part._node
        parts.extend(node.parts if isinstance(node, nodes.Logic) and node.word == word else (node,))
    return Condition(nodes.Logic(word, tuple(parts), origin=caller()))


Marks = Sequence[Mark | None]
INDEXED: Final[Marks] = (None, "Numeric")
KEYED: Final[Marks] = (None, "String")
"""What a function's parameters are known to hold: an item and its index, a value and its key."""


def traced(function: Callable[..., Any], most: int, marks: Marks = ()) -> nodes.Lambda:
    """The function's body as a node: it is called once, with paths for its first parameters, `most` at most.

    `marks` say what the parameters are known to hold.
    """
    code = getattr(function, "__code__", None)
    if code is None:
        what = f"a function is needed here, not {function!r}"
        raise WrongArgument(what, "write a lambda, such as lambda row: row.total > 100", "#1")
    needed = code.co_argcount - len(getattr(function, "__defaults__", None) or ())
    if not 1 <= needed <= most:
        gets = "1 value" if most == 1 else f"1 to {most} values"
        hint = "write a lambda, such as lambda row: row.total"
        raise WrongArgument(f"the function takes {needed} parameters, but it gets {gets}", hint, "#1")
    parameters = tuple(nodes.Parameter(name) for name in code.co_varnames[:needed])
    body = function(*(Path(each, (), mark) for each, mark in zip_longest(parameters, marks[: len(parameters)])))
    return nodes.Lambda(parameters, node_of(body), origin=caller())
