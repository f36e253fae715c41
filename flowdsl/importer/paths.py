"""JSONPath, intrinsic functions and choice rules as expressions of the authoring API.

`None` means that the API cannot say a text; what it says is compared with the text by `values`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from ..author.describing import TESTS
from ..expr.intrinsic_parser import (
    Argument,
    ConstantArgument,
    IntrinsicCall,
    IntrinsicSyntaxError,
    PathArgument,
    parse_intrinsic,
    unescape,
)
from . import code as c
from .code import Code

Dollar = Literal["state_input", "result", "error_output"]
"""What `$` is: it depends on the field."""

_ROOT = re.compile(r"\$(?:\$|[A-Za-z_][A-Za-z0-9_]*)?")
_STEP = re.compile(r"\.([A-Za-z_][A-Za-z0-9_]*)|\['((?:[^'\\]|\\['\\])*)'\]|\[(0|[1-9][0-9]*)\]")
_KNOWN = {
    "context.Task.Token": "task_token",
    "context.Map.Item.Value": "item",
    "context.Map.Item.Index": "item_index",
}


def split_path(text: str) -> tuple[str, tuple[str | int, ...]] | None:
    """The root of a path and its steps, if it has only names and indexes."""
    match = _ROOT.match(text)
    if match is None:
        return None
    steps: list[str | int] = []
    at = match.end()
    while at < len(text):
        step = _STEP.match(text, at)
        if step is None:
            return None
        name, quoted, index = step.groups()
        steps.append(int(index) if index else name if name else re.sub(r"\\(.)", r"\1", quoted))
        at = step.end()
    return match[0], tuple(steps)


def place(root: str, steps: tuple[str | int, ...]) -> Code:
    """A path of the API."""
    for length in (2, 3):
        known = _KNOWN.get(c.path(root, steps[:length]))
        if known and len(steps) >= length:
            return c.Text(c.path(known, steps[length:]))
    return c.Text(c.path(root, steps))


def path_code(text: str, dollar: Dollar) -> Code | None:
    """The path as an expression."""
    parts = split_path(text)
    if parts is None:
        return None
    root, steps = parts
    if root == "$":
        return place(dollar, steps)
    if root == "$$":
        return place("context", steps)
    return place("var" + (f".{root[1:]}" if c.is_attribute(root[1:]) else f"[{c.literal(root[1:])}]"), steps)


def expression_code(text: str, dollar: Dollar) -> Code | None:
    """The path or intrinsic function as an expression."""
    if not text.startswith("States."):
        return path_code(text, dollar)
    try:
        return _intrinsic(parse_intrinsic(text), text, dollar)
    except (IntrinsicSyntaxError, ValueError, RecursionError):
        return None


def _argument(argument: Argument, text: str, dollar: Dollar) -> Code | None:
    if isinstance(argument, IntrinsicCall):
        return _intrinsic(argument, text, dollar)
    if isinstance(argument, PathArgument):
        end = re.compile(r"(?:\[[^\]]*\]|[^,)\s\[])+").match(text, argument.offset)
        return path_code(end[0], dollar) if end else None
    if isinstance(argument, ConstantArgument):
        return c.constant(unescape(argument.raw) if isinstance(argument.value, str) else argument.value)
    return None


_FUNCTIONS: Mapping[str, str] = {
    "JsonToString": "intrinsic.json_to_string",
    "StringToJson": "fn.parse",
    "ArrayPartition": "fn.partition",
    "ArrayContains": "fn.array_contains",
    "ArrayRange": "fn.range",
    "ArrayGetItem": "fn.array_get_item",
    "ArrayLength": "fn.count",
    "ArrayUnique": "fn.distinct",
    "Base64Encode": "fn.base64encode",
    "Base64Decode": "fn.base64decode",
    "Hash": "fn.hash",
    "MathRandom": "fn.math_random",
    "StringSplit": "fn.split",
    "UUID": "fn.uuid",
}


def _intrinsic(parsed: IntrinsicCall, text: str, dollar: Dollar) -> Code | None:
    name = parsed.name.removeprefix("States.")
    if name == "Format":
        return _format(parsed, text, dollar)
    arguments: list[Code] = []
    for argument in parsed.arguments:
        value = _argument(argument, text, dollar)
        if value is None:
            return None
        arguments.append(value)
    if name == "Array":
        return c.call(c.Text("intrinsic.array"), *arguments)
    if name == "MathAdd" and len(arguments) == 2:
        return _sum(*arguments)
    if name == "JsonMerge" and len(arguments) == 3 and arguments[2] == c.Text("False"):
        return c.call(c.Text("fn.merge"), *arguments[:2])
    if name in _FUNCTIONS:
        return c.call(c.Text(_FUNCTIONS[name]), *arguments)
    return None


def _sum(left: Code, right: Code) -> Code:
    if isinstance(left, c.Text) and re.fullmatch(r"-?\d+", left.text):
        if isinstance(right, c.Text) and re.fullmatch(r"-?\d+", right.text):
            return c.call(c.Text("intrinsic.math_add"), left, right)
    elif isinstance(right, c.Text) and re.fullmatch(r"-\d+", right.text):
        return c.Binary("-", left, c.Text(right.text[1:]))
    return c.Binary("+", left, right)


def _format(parsed: IntrinsicCall, text: str, dollar: Dollar) -> Code | None:
    """An f-string, or `fn.format` if the code inside has quotes."""
    if not parsed.arguments or not isinstance(parsed.arguments[0], ConstantArgument):
        return None
    template = parsed.arguments[0]
    if not isinstance(template.value, str):
        return None
    values = [_argument(argument, text, dollar) for argument in parsed.arguments[1:]]
    pieces = re.split(r"(\\.|\{\})", template.raw)
    parts: list[str | Code] = []
    rest = iter(values)
    for piece in pieces:
        if piece == "{}":
            value = next(rest, None)
            if value is None:
                return None
            parts.append(value)
            continue
        plain = piece[1:] if piece.startswith("\\") else piece
        if plain and parts and isinstance(parts[-1], str):
            parts[-1] += plain
        elif plain:
            parts.append(plain)
    if next(rest, None) is not None:
        return None
    return text_code(parts)


def text_code(parts: list[str | Code]) -> Code | None:
    """Pieces of text and expressions as an f-string, or as `fn.format` if an f-string cannot hold the code."""
    whole = c.FString(tuple(part for part in parts if part != ""))
    if all(isinstance(part, str) for part in parts):
        return None
    if c.fits_fstring(whole):
        return whole
    if any("{}" in part for part in parts if isinstance(part, str)):
        return None
    template = "".join(part if isinstance(part, str) else "{}" for part in parts)
    return c.call(c.Text("fn.format"), c.constant(template), *(part for part in parts if not isinstance(part, str)))


# Choice rules

_COMPARED = re.compile(
    r"(String|Numeric|Boolean|Timestamp)(Equals|LessThan|GreaterThan|LessThanEquals|GreaterThanEquals)(Path)?"
)
_SIGNS = {"Equals": "==", "LessThan": "<", "GreaterThan": ">", "LessThanEquals": "<=", "GreaterThanEquals": ">="}
_MARKS = {"String": "string", "Numeric": "number", "Boolean": "boolean", "Timestamp": "timestamp"}


def condition_code(rule: Mapping[str, Any]) -> Code | None:
    """The comparison fields of a choice rule as a condition."""
    keys = set(rule)
    if keys == {"Not"} and isinstance(rule["Not"], dict):
        return _negated(rule["Not"])
    for word, sign in (("And", "&"), ("Or", "|")):
        if keys == {word} and isinstance(rule[word], list):
            return _combined(rule[word], sign)
    if len(keys) != 2 or "Variable" not in keys or not isinstance(rule["Variable"], str):
        return None
    (operator,) = keys - {"Variable"}
    variable = path_code(rule["Variable"], "state_input")
    return None if variable is None else _comparison(variable, operator, rule[operator])


def _negated(rule: Mapping[str, Any]) -> Code | None:
    inner = condition_code(rule)
    if isinstance(inner, c.Binary) and inner.sign == "==" and "IsPresent" not in str(rule):
        return c.Binary("!=", inner.left, inner.right)
    return None if inner is None else c.Unary("~", inner)


def _combined(rules: list[Any], sign: str) -> Code | None:
    parts = [condition_code(rule) if isinstance(rule, dict) else None for rule in rules]
    known = [part for part in parts if part is not None]
    if len(known) != len(parts) or not known:
        return None
    if sign == "|" and (one := _one_of(known)) is not None:
        return one
    if len(known) == 1:
        return None
    whole = known[0]
    for part in known[1:]:
        whole = c.Binary(sign, whole, part)
    return whole


def _one_of(parts: list[Code]) -> Code | None:
    """`one_of(path, "a", "b")` for comparisons of one path with constants."""
    first = parts[0]
    if len(parts) < 2 or not isinstance(first, c.Binary):
        return None
    values = [
        part.right for part in parts if isinstance(part, c.Binary) and part.sign == "==" and part.left == first.left
    ]
    if len(values) != len(parts) or not all(isinstance(value, c.Text) for value in values):
        return None
    return c.call("one_of", first.left, *values)


def _comparison(variable: Code, operator: str, value: Any) -> Code | None:
    if operator in TESTS and isinstance(value, bool):
        test = c.call(TESTS[operator], variable)
        return test if value else c.Binary("==", test, c.Text("False"))
    if operator == "StringMatches" and isinstance(value, str):
        return _matches(variable, value)
    match = _COMPARED.fullmatch(operator)
    if match is None:
        return None
    kind, sign, by_path = match[1], _SIGNS[match[2]], match[3]
    if by_path:
        other = path_code(value, "state_input") if isinstance(value, str) else None
        return None if other is None else c.Binary(sign, c.call(_MARKS[kind], variable), other)
    if kind == "Boolean" and sign == "==" and value is True:
        return variable
    marked = c.call("timestamp", variable) if kind == "Timestamp" else variable
    return c.Binary(sign, marked, c.constant(value))


def _matches(variable: Code, pattern: str) -> Code:
    """`fn.contains` for a text between two stars, or `matches`."""
    inner = pattern[1:-1]
    if len(pattern) > 2 and pattern[0] == pattern[-1] == "*" and not set(inner) & set("*\\"):
        return c.call(c.Text("fn.contains"), variable, c.constant(inner))
    return c.call("matches", variable, c.constant(pattern))
