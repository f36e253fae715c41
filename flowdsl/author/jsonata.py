"""Expressions as JSONata: single-quoted text, no parentheses that change nothing, and JSONata's traps kept out.

The traps, each held by tests/author/test_jsonata_meaning.py:

- A sequence of one item is that item, and an empty one is nothing. What gives a sequence is put into `[...]`, which
  makes a list of it; `[]` behind it keeps an item that is itself a list. Step Functions' own `$range` and `$partition`
  are no better.
- `[...]` takes over the items of a list inside it. A list in a list goes through `$each`, which does not.
- `[...][0].name` finds nothing; `([...])[0].name` does.
- `'...'` has no escape for its own quote.
- `value[index]` is the whole value if the index is a text.

Source: https://docs.jsonata.org ("Predicate Queries", "Processing Model", "Path Operators").
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Final

from ..base.patterns import regex
from . import nodes
from .nodes import Node, Parameter, kind_of, walk
from .regexes import write_regex

_PLAIN_STEP = regex(r"[A-Za-z_][A-Za-z0-9_]*")
_WORDS = frozenset({"and", "or", "in", "true", "false", "null", "function"})
_ROOTS = {
    "input": "$states.input",
    "context": "$states.context",
    "result": "$states.result",
    "error": "$states.errorOutput",
}
MOST_EXACT = 2**53
"""JSONata counts in doubles: greater integers lose digits."""

# How tightly the operators bind. Source: the binding powers of the reference implementation's parser.
_ANY, _CHOICE, _OR, _AND, _COMPARE, _SUM, _PRODUCT, _SIGN, _ATOM = 0, 20, 25, 30, 40, 50, 60, 70, 100
_BINDS = {"+": _SUM, "-": _SUM, "*": _PRODUCT, "/": _PRODUCT, "%": _PRODUCT}


class NotWritten(Exception):  # noqa: N818 - caught by the writer of the state, which reports it
    """A query language cannot say a node. `hint` says what to write instead."""

    def __init__(self, node: Node, message: str, hint: str) -> None:
        super().__init__(message)
        self.node = node
        self.message = message
        self.hint = hint


def too_deep(node: Node) -> NotWritten:
    return NotWritten(node, "this expression nests too deeply", "calculate a part of it in an earlier state")


def write_jsonata(node: Node) -> str:
    """The node as a JSONata expression, without the `{% %}`. Raises NotWritten."""
    taken = {each.root[1:] for each in walk(node) if isinstance(each, nodes.Path) and isinstance(each.root, str)}
    raw = {name for each in walk(node) if isinstance(each, nodes.Raw) for name in _variables(each)}
    try:
        return _Writer({*taken, *raw}).write(node, _ANY)
    except RecursionError:
        raise too_deep(node) from None


def _variables(raw: nodes.Raw) -> list[str]:
    return [name for part in raw.parts if isinstance(part, str) for name in re.findall(r"\$(\w+)", part)]


class _Writer:
    """Writes one expression; knows the names of the parameters that are in use."""

    def __init__(self, taken: set[str]) -> None:
        self.taken = taken
        self.names: dict[Parameter, str] = {}

    def write(self, node: Node, least: int) -> str:
        """The node, in parentheses if it binds less tightly than `least`."""
        text, binds = self.text(node)
        return text if binds >= least else f"({text})"

    def text(self, node: Node) -> tuple[str, int]:
        match node:
            case nodes.Constant():
                return _constant(node)
            case nodes.Path(root=Parameter(name=name) as root) if root not in self.names:
                message = f"the parameter {name!r} of a lambda is used outside it"
                raise NotWritten(node, message, "use it only inside the lambda")
            case nodes.Path(root=root, steps=steps):
                start = self.names[root] if isinstance(root, Parameter) else root
                return self.steps(_ROOTS.get(start, start), steps), _ATOM
            case nodes.Get():
                return self.get(node), _ATOM
            case nodes.Object(fields=fields):
                pairs = [f"{quoted(key)}: {self.write(value, _ANY)}" for key, value in fields]
                return "{" + ", ".join(pairs) + "}", _ATOM
            case nodes.Array():
                return self.array(node), _ATOM
            case nodes.Text(parts=(part,)) if kind_of(part) != "text":
                return f"$string({self.write(part, _ANY)})", _ATOM
            case nodes.Text(parts=(part,)):
                return self.text(part)
            case nodes.Text(parts=parts):
                return " & ".join(self.write(part, _SUM + 1) for part in parts), _SUM
            case nodes.Arithmetic():
                return self.arithmetic(node)
            case nodes.Negative(operand=operand):
                return "-" + self.write(operand, _SIGN + 1), _SIGN
            case nodes.Comparison(sign=sign, left=left, right=right):
                moments = sign != "in" and (_is_moment(left) or _is_moment(right))
                left, right = (_millis(left), _millis(right)) if moments else (left, right)
                of = self.flat(right) if sign == "in" and isinstance(right, nodes.Array) else None
                return f"{self.write(left, _COMPARE + 1)} {sign} {of or self.write(right, _COMPARE + 1)}", _COMPARE
            case nodes.Test():
                return self.text(_asked(node))
            case nodes.Logic(word=word, parts=parts):
                binds = _AND if word == "and" else _OR
                return f" {word} ".join(self.write(part, binds + 1) for part in parts), binds
            case nodes.Not(operand=operand):
                return f"$not({self.write(operand, _ANY)})", _ATOM
            case nodes.Conditional(test=test, then=then, otherwise=otherwise):
                answers = f"{self.write(then, _CHOICE + 1)} : {self.write(otherwise, _CHOICE)}"
                return f"{self.write(test, _CHOICE + 1)} ? {answers}", _CHOICE
            case nodes.FunctionCall():
                return self.call(node)
            case nodes.Lambda():
                return self.function(node), _ATOM
            case nodes.Regex(pattern=pattern, flags=flags):
                return f"/{write_regex(pattern, flags)}/{flags}", _ATOM
            case nodes.Raw(parts=parts):
                text = "".join(part if isinstance(part, str) else self.write(part, _ATOM) for part in parts).strip()
                return text, _ATOM if re.fullmatch(r"\$?[\w.]+", text) else _ANY
            case nodes.Invalid(message=message, hint=hint):
                raise NotWritten(node, message, hint)
        raise AssertionError(node)

    def arithmetic(self, node: nodes.Arithmetic) -> tuple[str, int]:
        sign, right, binds = node.sign, node.right, _BINDS[node.sign]
        if (
            binds == _SUM
            and isinstance(right, nodes.Constant)
            and isinstance(right.value, int | float)
            and right.value < 0
        ):
            sign, right = "-" if sign == "+" else "+", nodes.Constant(-right.value)
        return f"{self.write(node.left, binds)} {sign} {self.write(right, binds + 1)}", binds

    # Steps into values

    def steps(self, text: str, steps: tuple[str | int | Node, ...]) -> str:
        for step in steps:
            if isinstance(step, int):
                text += f"[{step}]"
            elif isinstance(step, Node):
                inner = self.write(step, _ANY)
                if kind_of(step) is None:
                    raise NotWritten(step, *_unknown_step(step))
                text = f"$lookup({text}, {inner})" if kind_of(step) == "text" else f"{text}[{inner}]"
            elif _PLAIN_STEP.fullmatch(step) and step not in _WORDS:
                text += f".{step}"
            elif step and "`" not in step:
                text += f".`{step}`"
            else:
                text = f"$lookup({text}, {quoted(step)})"
        return text

    def get(self, node: nodes.Get) -> str:
        base = self.write(node.base, _ATOM)
        names = [step for step in node.steps if isinstance(step, str)]
        if not isinstance(node.base, nodes.Path | nodes.Object) and (names or isinstance(node.base, nodes.Array)):
            base = f"({base})" if base.startswith("[") and names else base
        return self.steps(base, node.steps)

    # Lists

    def array(self, node: nodes.Array) -> str:
        """A list of these items, also where one of them turns out to be a list."""
        if all(kind_of(part) not in (None, "list") or isinstance(part, nodes.Array) for part in node.items):
            return self.flat(node)
        fields = ", ".join(f"'{index}': {self.write(part, _ANY)}" for index, part in enumerate(node.items))
        return f"[$each({{{fields}}}, function($v) {{$v}})[]]"

    def flat(self, node: nodes.Array) -> str:
        """A list whose items are not lists, or whose lists may be taken apart."""
        return "[" + ", ".join(self.write(part, _ANY) for part in node.items) + "]"

    # Functions

    def call(self, node: nodes.FunctionCall) -> tuple[str, int]:
        special = _SPECIAL.get(node.name)
        if special is not None:
            return self.text(special(node))
        text = self.plain_call(node)
        if node.name in _SEQUENCES and not _is_long_range(node):
            return f"[{text}{'[]' if _may_hold_lists(node) else ''}]", _ATOM
        return (f"$merge([{text}])" if node.name == "sift" else text), _ATOM

    def plain_call(self, node: nodes.FunctionCall) -> str:
        """The call, which may give a sequence."""
        first, *rest = node.arguments or (None,)
        arguments = [self.write(argument, _ANY) for argument in rest]
        if isinstance(first, nodes.Array) and node.name in _FLAT:
            arguments.insert(0, self.flat(first))
        elif isinstance(first, nodes.FunctionCall) and node.name in _TAKE_SEQUENCES and _is_sequence_of_scalars(first):
            arguments.insert(0, self.plain_call(first))
        elif first is not None:
            arguments.insert(0, self.write(first, _ANY))
        return f"${node.name}({', '.join(arguments)})"

    def function(self, node: nodes.Lambda) -> str:
        before = set(self.taken)
        for parameter in node.parameters:
            self.names[parameter] = "$" + self.fresh(parameter.name)
        names = ", ".join(self.names[parameter] for parameter in node.parameters)
        body = self.write(node.body, _ANY)
        self.taken = before
        for parameter in node.parameters:
            del self.names[parameter]
        return f"function({names}) {{{body}}}"

    def fresh(self, name: str) -> str:
        wanted, number = name, 1
        while name in self.taken or name in FUNCTION_NAMES or name == "states":
            number += 1
            name = f"{wanted}{number}"
        self.taken = {*self.taken, name}
        return name


_SEQUENCES = frozenset({"filter", "map", "each", "keys", "match", "spread", "range", "partition"})
_FLAT = frozenset({"sum", "max", "min", "average", "join", "merge"})
"""Functions of lists of scalars or objects."""
_TAKE_SEQUENCES = frozenset({"count", "filter", "map"})
"""Functions to which one item is a list of it, and nothing an empty list."""


def _is_long_range(node: nodes.FunctionCall) -> bool:
    """True if the call gives at least two numbers, so a list, whatever the flow's values are."""
    values = [each.value if isinstance(each, nodes.Constant) else None for each in node.arguments]
    match values if node.name == "range" else ():
        case [int() as first, int() as last, int() as step] if step:
            return (last - first) // step > 0
    return False


def _is_sequence_of_scalars(node: nodes.FunctionCall) -> bool:
    return node.name in _SEQUENCES and not _may_hold_lists(node)


def _may_hold_lists(node: nodes.FunctionCall) -> bool:
    """True if the items of the sequence may be lists, as far as can be told."""
    if node.name in ("keys", "match", "spread", "range"):
        return False
    if node.name == "partition":
        return True
    function = node.arguments[1]
    if not isinstance(function, nodes.Lambda):
        return True
    if node.name in ("map", "each"):
        return kind_of(function.body) in (None, "list")
    return not _is_scalar_or_object(function.parameters[0], function.body)


def _is_scalar_or_object(parameter: Parameter, body: Node) -> bool:
    """True if the function uses its parameter as only a scalar or an object can be used."""
    for node in walk(body):
        if isinstance(node, nodes.Path) and node.root is parameter and node.steps and isinstance(node.steps[0], str):
            return True
        if isinstance(node, nodes.Arithmetic | nodes.Text | nodes.Comparison | nodes.Negative):
            sides = node.parts if isinstance(node, nodes.Text) else _sides(node)
            known = isinstance(node, nodes.Arithmetic | nodes.Text | nodes.Negative)
            known = known or any(kind_of(side) in ("text", "number", "boolean", "null") for side in sides)
            if known and any(isinstance(side, nodes.Path) and side.root is parameter for side in sides):
                return True
    return False


def _sides(node: nodes.Arithmetic | nodes.Comparison | nodes.Negative) -> tuple[Node, ...]:
    return (node.operand,) if isinstance(node, nodes.Negative) else (node.left, node.right)


def _constant(node: nodes.Constant) -> tuple[str, int]:
    value = node.value
    if isinstance(value, str):
        return quoted(value), _ATOM
    if isinstance(value, int) and abs(value) > MOST_EXACT:
        raise NotWritten(node, f"{value} loses digits: JSONata counts in doubles", "keep such a number as text")
    return json.dumps(value), _SIGN if _is_negative(node) else _ATOM


def _is_negative(node: nodes.Constant) -> bool:
    return isinstance(node.value, int | float) and node.value < 0


def quoted(text: str) -> str:
    """A JSONata string: in single quotes where it can be, for these have no escape of their own.

    >>> print(quoted("it is"), quoted("it's"))
    'it is' "it's"
    """
    escaped = json.dumps(text, ensure_ascii=False)[1:-1]
    return f'"{escaped}"' if "'" in text else "'" + escaped.replace('\\"', '"') + "'"


def _unknown_step(step: Node) -> tuple[str, str]:
    """`value[text]` would be the whole value: JSONata takes the text for a condition."""
    from .describing import described  # only messages need it

    name = described(step)
    message = f"cannot tell whether {name} is an index or the name of a field"
    return message, f"write fn.array_get_item(list, {name}), or fn.lookup(object, {name})"


# What JSONata says with other functions


def _is_moment(node: Node) -> bool:
    return (isinstance(node, nodes.Path) and node.mark == "Timestamp") or (
        isinstance(node, nodes.FunctionCall) and node.name == "timestamp"
    )


def _millis(node: Node) -> Node:
    inner = node.arguments[0] if isinstance(node, nodes.FunctionCall) and node.name == "timestamp" else node
    return nodes.FunctionCall("toMillis", (inner,), "number")


_TYPES = {"IsString": "string", "IsNumeric": "number", "IsBoolean": "boolean"}
_TIMESTAMP = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$"


def _asked(node: nodes.Test) -> Node:
    """The question of a choice rule in JSONata's functions."""
    operand = node.operand
    if node.operator == "IsPresent":
        return nodes.FunctionCall("exists", (operand,), "boolean")
    if node.operator == "IsNull":
        return nodes.Comparison("=", operand, nodes.Constant(None))
    if node.operator == "StringMatches":
        return nodes.FunctionCall("contains", (operand, nodes.Regex(_wildcard_regex(str(node.value)))), "boolean")
    kind = nodes.FunctionCall("type", (operand,), "text")
    if node.operator == "IsTimestamp":
        text = nodes.Comparison("=", kind, nodes.Constant("string"))
        return nodes.Logic("and", (text, nodes.FunctionCall("contains", (operand, nodes.Regex(_TIMESTAMP)), "boolean")))
    return nodes.Comparison("=", kind, nodes.Constant(_TYPES[node.operator]))


def _wildcard_regex(pattern: str) -> str:
    """`*` matches any characters, `\\*` and `\\\\` are the characters themselves. Source: ASL, "StringMatches"."""
    pieces = re.findall(r"\\[*\\]|\*|[^*\\]+|\\", pattern)
    texts = (re.sub(r"([][(){}\\^$.*+?|])", r"\\\1", piece.lstrip("\\") or "\\") for piece in pieces)
    return "^" + "".join(r"[\s\S]*" if piece == "*" else text for piece, text in zip(pieces, texts, strict=True)) + "$"


def _random_integer(node: nodes.FunctionCall) -> Node:
    first, last = node.arguments[:2]
    width: Node = nodes.Arithmetic("-", last, first)
    if isinstance(first, nodes.Constant) and isinstance(last, nodes.Constant):
        width = nodes.Constant(last.value - first.value)  # type: ignore[operator]
    part = nodes.FunctionCall("floor", (nodes.Arithmetic("*", nodes.FunctionCall("random", ()), width),), "number")
    return nodes.Arithmetic("+", part, first)


_SPECIAL: dict[str, Callable[[nodes.FunctionCall], Node]] = {
    "timestamp": lambda call: call.arguments[0],
    "array_contains": lambda call: nodes.Comparison("in", call.arguments[1], call.arguments[0]),
    "json_to_string": lambda call: nodes.FunctionCall("string", call.arguments, "text"),
    "math_random": _random_integer,
    "array_get_item": lambda call: nodes.Get(
        call.arguments[0], (nodes.FunctionCall("index", call.arguments[1:], "number"),)
    ),
    "index": lambda call: call.arguments[0],
}
"""Functions that JSONata has by another name or as an operator."""

FUNCTION_NAMES: Final = frozenset(
    {
        "abs",
        "append",
        "assert",
        "average",
        "base64decode",
        "base64encode",
        "boolean",
        "ceil",
        "clone",
        "contains",
        "count",
        "decodeUrl",
        "decodeUrlComponent",
        "distinct",
        "each",
        "encodeUrl",
        "encodeUrlComponent",
        "error",
        "eval",
        "exists",
        "filter",
        "floor",
        "formatBase",
        "formatInteger",
        "formatNumber",
        "fromMillis",
        "hash",
        "join",
        "keys",
        "length",
        "lookup",
        "lowercase",
        "map",
        "match",
        "max",
        "merge",
        "millis",
        "min",
        "not",
        "now",
        "number",
        "pad",
        "parse",
        "parseInteger",
        "partition",
        "power",
        "random",
        "range",
        "reduce",
        "replace",
        "reverse",
        "round",
        "shuffle",
        "sift",
        "single",
        "sort",
        "split",
        "spread",
        "sqrt",
        "string",
        "substring",
        "substringAfter",
        "substringBefore",
        "sum",
        "toMillis",
        "trim",
        "type",
        "uppercase",
        "uuid",
        "zip",
    }
)
"""JSONata's functions and those that Step Functions adds; a parameter of such a name would hide one."""
