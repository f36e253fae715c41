"""JSONata as expressions of the authoring API, from its syntax tree.

What the API cannot say raises `NotSaid`; what it says is compared with the text by `values`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..author import fn
from ..expr.jsonata.errors import JsonataSyntaxError
from ..expr.jsonata.tree import Node, parse
from . import code as c
from .code import Code
from .paths import place, text_code


class NotSaid(Exception):  # noqa: N818 - it is no error: the text stays as it is
    """The authoring API has no words for a part of an expression."""


_ROOTS = {"input": "state_input", "context": "context", "result": "result", "errorOutput": "error_output"}
_SIGNS = {"+": "+", "-": "-", "*": "*", "/": "/", "%": "%", "and": "&", "or": "|", "!=": "!=", "=": "=="}
_SIGNS |= {sign: sign for sign in ("<", "<=", ">", ">=")}
_TYPES = {"string": "is_string", "number": "is_numeric", "boolean": "is_boolean"}
_CONSTANT = re.compile(r"[\"'\d-]|(?:True|False|None)\b")
_RENAMED = {"assert": "assert_", "exists": ""}
_WITH_PATTERNS = frozenset({"contains", "split", "match", "replace"})
_WITH_FUNCTIONS = frozenset({"map", "filter", "single", "reduce", "sift", "each", "sort"})


def jsonata_code(text: str) -> Code | None:
    """The JSONata text, without its `{% %}`, as an expression."""
    try:
        return _convert(parse(text), {})
    except (NotSaid, JsonataSyntaxError, RecursionError):
        return None


Names = Mapping[str, str]
"""The parameters of the lambdas around a node: JSONata's name to Python's."""


def _convert(node: Node, names: Names) -> Code:
    match node.kind:
        case "string":
            return c.constant(node.value)
        case "number":
            return _number(node)
        case "value":
            return c.Text({"true": "True", "false": "False", "null": "None"}[node.value])
        case "unary":
            operand = _convert(node.parts[0], names)
            if node.parts[0].kind == "number" and isinstance(operand, c.Text):
                return c.Text("-" + operand.text)
            return c.Unary("-", operand)
        case "variable" | "path" | "filter":
            return _place(node, names)
        case "binary":
            return _binary(node, names)
        case "condition" if len(node.parts) == 3:
            return _conditional(node, names)
        case "call":
            return _call(node, names)
        case "array":
            return _array(node, names)
        case "object":
            return _object(node, names)
        case "block" if len(node.parts) == 1:
            return _convert(node.parts[0], names)
    raise NotSaid


def _number(node: Node) -> Code:
    value = float(node.value)
    if re.fullmatch(r"\d+", node.value):
        return c.Text(node.value)
    return c.Text(repr(value))


def _place(node: Node, names: Names) -> Code:
    """A path: a variable, `$states.…`, or a value, and steps below it."""
    base, steps = _steps(node, names)
    if base.kind == "variable":
        return _rooted(base.value, steps, names)
    code = _convert(base, names)
    for step in steps:
        code = c.Below(code, step)
    return code


def _steps(node: Node, names: Names) -> tuple[Node, list[str | int | Code]]:
    steps: list[str | int | Code] = []
    while True:
        if node.kind == "path":
            step = node.parts[1]
            inner: list[str | int | Code] = []
            while step.kind == "filter":
                inner.append(_index(step.parts[1], names))
                step = step.parts[0]
            if step.kind != "name":
                raise NotSaid
            steps.extend([*inner, step.value])
            node = node.parts[0]
        elif node.kind == "filter":
            steps.append(_index(node.parts[1], names))
            node = node.parts[0]
        else:
            return node, steps[::-1]


def _index(node: Node, names: Names) -> int | Code:
    if node.kind == "number" and node.value.isdigit():
        return int(node.value)
    if node.kind == "unary" and node.parts[0].kind == "number" and node.parts[0].value.isdigit():
        return -int(node.parts[0].value)
    code = _convert(node, names)
    is_parameter = node.kind == "variable" and node.value in names  # it may be known for an index
    return c.call("number", code) if node.kind in ("path", "variable") and not is_parameter else code


def _rooted(root: str, steps: list[str | int | Code], names: Names) -> Code:
    if root in names:
        text = names[root]
    elif root == "states":
        if not steps or not isinstance(steps[0], str) or steps[0] not in _ROOTS:
            raise NotSaid
        text, steps = _ROOTS[steps[0]], steps[1:]
    elif root in ("", "$"):
        raise NotSaid
    else:
        text = f"var.{root}" if c.is_attribute(root) else f"var[{c.literal(root)}]"
    constant: list[str | int] = []
    for step in steps:
        if not isinstance(step, str | int):
            break
        constant.append(step)
    code = place(text, tuple(constant))
    for step in steps[len(constant) :]:
        code = c.Below(code, step)
    return code


def _binary(node: Node, names: Names) -> Code:
    left, right = node.parts
    sign = node.value
    if sign == "&":
        text = text_code([part.value if part.kind == "string" else _convert(part, names) for part in _joined(node)])
        if text is None:
            raise NotSaid
        return text
    if sign == "in" and right.kind == "array":
        return c.call("one_of", _convert(left, names), *(_convert(part, names) for part in right.parts))
    if sign == "in":
        return c.call(c.Text("fn.array_contains"), _convert(right, names), _convert(left, names))
    if sign not in _SIGNS:
        raise NotSaid
    if sign == "=" and (test := _test(left, right, names)) is not None:
        return test
    first, second = _convert(left, names), _convert(right, names)
    if _is_constant(first) and _is_constant(second):
        raise NotSaid  # Python would calculate it at once
    return c.Binary(_SIGNS[sign], first, second)


def _is_constant(code: Code) -> bool:
    """True if the code has no expression in it."""
    parts = [part for part in c.walk(code) if isinstance(part, c.Text | c.Api)]
    return all(isinstance(part, c.Text) and _CONSTANT.match(part.text) for part in parts)


def _joined(node: Node) -> list[Node]:
    parts: list[Node] = []
    while node.kind == "binary" and node.value == "&":
        parts.append(node.parts[1])
        node = node.parts[0]
    return [node, *reversed(parts)]


def _test(left: Node, right: Node, names: Names) -> Code | None:
    """`$type(x) = 'string'` and `x = null` as the tests that they are."""
    if right.kind == "value" and right.value == "null":
        return c.call("is_null", _convert(left, names))
    if left.kind != "call" or left.parts[0].value != "type" or right.kind != "string" or len(left.parts) != 2:
        return None
    name = _TYPES.get(right.value)
    return c.call(name, _convert(left.parts[1], names)) if name else None


def _conditional(node: Node, names: Names) -> Code:
    test, then, otherwise = node.parts
    is_exists = test.kind == "call" and test.parts[0].value == "exists" and len(test.parts) == 2
    if is_exists and _convert(test.parts[1], names) == _convert(then, names):
        return c.call(c.Text("fn.default"), _convert(then, names), _convert(otherwise, names))
    return c.call("cond", *(_convert(part, names) for part in node.parts))


def _object(node: Node, names: Names) -> Code:
    pairs: list[tuple[str, Code]] = []
    for key, value in zip(node.parts[::2], node.parts[1::2], strict=True):
        if key.kind != "string":
            raise NotSaid
        pairs.append((key.value, _convert(value, names)))
    if len({key for key, _ in pairs}) < len(pairs):
        raise NotSaid
    return c.Dict(tuple(pairs))


def _array(node: Node, names: Names) -> Code:
    if len(node.parts) == 1:
        inner = node.parts[0]
        inner = inner.parts[0] if inner.kind == "keep" else inner
        if inner.kind == "call" and inner.parts[0].value in _SEQUENCES:
            return _call(inner, names)
    return c.Items(tuple(_convert(part, names) for part in node.parts))


_SEQUENCES = frozenset({"filter", "map", "each", "keys", "match", "spread", "range", "partition"})
_POSITIONAL = frozenset(name for name in dir(fn) if not name.startswith("_"))


def _call(node: Node, names: Names) -> Code:
    function, *arguments = node.parts
    if function.kind != "variable":
        raise NotSaid
    name = function.value
    if name == "not" and len(arguments) == 1:
        return _negated(arguments[0], names)
    if name == "exists" and len(arguments) == 1:
        return c.call("is_present", _convert(arguments[0], names))
    if name == "filter" and len(arguments) == 2:
        return c.call("where", _convert(arguments[0], names), _argument(name, arguments[1], names))
    if name == "merge" and len(arguments) == 1 and arguments[0].kind == "array":
        values = [_convert(part, names) for part in arguments[0].parts]
        if len(values) > 1:
            return c.call(c.Text("fn.merge"), *values)
    python = re.sub(r"([A-Z])", lambda letter: "_" + letter[1].lower(), name)
    python = _RENAMED.get(python, python)
    if python not in _POSITIONAL:
        raise NotSaid
    return c.call(c.Text(f"fn.{python}"), *(_argument(name, argument, names) for argument in arguments))


def _negated(node: Node, names: Names) -> Code:
    return c.Unary("~", _convert(node, names))


def _argument(name: str, node: Node, names: Names) -> Code:
    if node.kind == "regex" and name in _WITH_PATTERNS:
        return _pattern(node.value)
    if node.kind == "lambda" and name in _WITH_FUNCTIONS:
        return _lambda(node, names)
    return _convert(node, names)


def _pattern(text: str) -> Code:
    body, _, flags = text[1:].rpartition("/")
    body = body.replace("\\/", "/")
    words = [f"re.{word}" for flag, word in (("i", "IGNORECASE"), ("m", "MULTILINE")) if flag in flags]
    raw = f'r"{body}"' if body.isprintable() and '"' not in body and not body.endswith("\\") else c.literal(body)
    options = (("", c.Text(" | ".join(words))),) if words else ()
    return c.PythonCall(c.Text("re.compile"), (("", c.Text(raw)), *options))


def _lambda(node: Node, names: Names) -> Code:
    inner = dict(names)
    for parameter in node.parameters:
        if not c.is_attribute(parameter) or parameter in _RESERVED:
            raise NotSaid
        inner[parameter] = parameter
    return c.Lambda(node.parameters, _convert(node.parts[0], inner))


_RESERVED = frozenset({"state_input", "context", "result", "error_output", "var", "fn", "re", "f", "cond", "where"})
_RESERVED |= {"item", "item_index", "task_token", "intrinsic", "one_of", "jsonata", *_TYPES.values()}
_RESERVED |= {"is_present", "is_null", "is_timestamp", "matches"}
