"""Expressions for people: as the author writes them, in messages and as `repr`."""

from __future__ import annotations

import re
from keyword import iskeyword
from typing import TYPE_CHECKING, Any

from . import nodes

if TYPE_CHECKING:
    from .nodes import Node

_ROOTS = {"input": "state_input", "context": "context", "result": "result", "error": "error_output"}
TESTS = {
    "IsPresent": "is_present",
    "IsNull": "is_null",
    "IsString": "is_string",
    "IsNumeric": "is_numeric",
    "IsBoolean": "is_boolean",
    "IsTimestamp": "is_timestamp",
    "StringMatches": "matches",
}
"""The functions of tests, by the operator of their choice rule."""
SIGNS = {"and": "&", "or": "|", "=": "=="}
"""The operators that Python spells differently."""
_BINDS = {"|": 1, "&": 2, "+": 4, "-": 4, "*": 5, "/": 5, "%": 5}
_COMPARED, _SIGNED, _WHOLE = 0, 6, 9
_MOST = 120
"""The most characters of a description."""


def described(node: Node) -> str:
    """The expression in Python, shortened if it is long."""
    text = whole(node)
    return text if len(text) <= _MOST else text[: _MOST - 1] + "…"


def whole(node: Node) -> str:
    """The expression in Python, however long it is."""
    return _written(node)[0]


def _written(node: Any) -> tuple[str, int]:
    """The text, and how tightly its outermost operator binds in Python."""
    match node:
        case nodes.Constant(value=value):
            return repr(value), _WHOLE
        case nodes.Path(root=root, steps=steps):
            return _path(root, steps), _WHOLE
        case nodes.Get(base=base, steps=steps):
            return _inside(base, _WHOLE) + "".join(map(_step, steps)), _WHOLE
        case nodes.Text(parts=parts):
            return _text(parts), _WHOLE
        case nodes.Arithmetic(sign=sign, left=left, right=right):
            binds = _BINDS[sign]
            return f"{_inside(left, binds)} {sign} {_inside(right, binds + 1)}", binds
        case nodes.Negative(operand=operand):
            return f"-{_inside(operand, _SIGNED)}", _SIGNED
        case nodes.Comparison(sign="in", left=left, right=nodes.Array(items=items)):
            return f"one_of({', '.join(_written(each)[0] for each in (left, *items))})", _WHOLE
        case nodes.Comparison(sign=sign, left=left, right=right):
            return f"{_inside(left, 1)} {SIGNS.get(sign, sign)} {_inside(right, 1)}", _COMPARED
        case nodes.Logic(word=word, parts=parts):
            sign = SIGNS[word]
            return f" {sign} ".join(_inside(part, _BINDS[sign] + 1) for part in parts), _BINDS[sign]
        case nodes.Not(operand=operand):
            return f"~{_inside(operand, _SIGNED)}", _SIGNED
        case nodes.Test(operand=operand, operator=operator, value=value):
            pattern = f", {value!r}" if isinstance(value, str) else ""
            return f"{TESTS.get(operator, operator)}({_written(operand)[0]}{pattern})", _WHOLE
        case nodes.Conditional(test=test, then=then, otherwise=otherwise):
            return f"cond({', '.join(_written(each)[0] for each in (test, then, otherwise))})", _WHOLE
        case nodes.FunctionCall(name="timestamp", arguments=(argument,)):
            return _written(argument)[0], _WHOLE
        case nodes.FunctionCall(name=name, arguments=arguments):
            return f"fn.{_snake(name)}({', '.join(_written(each)[0] for each in arguments)})", _WHOLE
        case nodes.Lambda(parameters=parameters, body=body):
            return f"lambda {', '.join(each.name for each in parameters)}: {_written(body)[0]}", _COMPARED
        case nodes.Object(fields=fields):
            return "{" + ", ".join(f"{key!r}: {_written(value)[0]}" for key, value in fields) + "}", _WHOLE
        case nodes.Array(items=items):
            return f"[{', '.join(_written(each)[0] for each in items)}]", _WHOLE
        case nodes.Regex(pattern=pattern, flags=flags):
            words = " | ".join(f"re.{letter.upper()}" for letter in flags)
            return f"re.compile({pattern!r}{words and ', '}{words})", _WHOLE
        case nodes.Raw(parts=parts):
            plain = [part if isinstance(part, str) else f"{{{whole(part)}}}" for part in parts]
            return f"jsonata({''.join(plain)!r})", _WHOLE
    return "an expression", _WHOLE


def _inside(node: Node, binds: int) -> str:
    """The text, in parentheses if it binds less than what is around it."""
    text, own = _written(node)
    return text if own >= binds else f"({text})"


def _path(root: str | nodes.Parameter, steps: tuple[str | int, ...]) -> str:
    if isinstance(root, nodes.Parameter):
        start = root.name
    elif root.startswith("$"):
        start = "var" + _step(root[1:])
    elif root == "context" and steps[:3] == ("Map", "Item", "Value"):
        start, steps = "item", steps[3:]
    elif root == "context" and steps == ("Map", "Item", "Index"):
        return "item_index"
    elif root == "context" and steps == ("Task", "Token"):
        return "task_token"
    else:
        start = _ROOTS.get(root, root)
    return start + "".join(map(_step, steps))


def _step(step: str | int | Node) -> str:
    if isinstance(step, str):
        is_plain = step.isidentifier() and not step.startswith("_") and not iskeyword(step)
        return f".{step}" if is_plain else f"[{step!r}]"
    if isinstance(step, int):
        return f"[{step}]"
    text = _written(step)[0]
    match step:
        case nodes.Path(root=str(), mark="Numeric" | "String" as mark) if text != "item_index":
            return f"[{'number' if mark == 'Numeric' else 'string'}({text})]"
    return f"[{text}]"


def _text(parts: tuple[Node, ...]) -> str:
    """An f-string, or a call of fn.format if quotes inside quotes would be hard to read."""
    pieces = [_piece(part) for part in parts]
    if any(piece.startswith("{") and not piece.startswith("{{") and re.search(r'["\\]', piece) for piece in pieces):
        return f"fn.format({'{}' * len(parts)!r}, {', '.join(map(whole, parts))})"
    return f'f"{"".join(pieces)}"'


def _piece(node: Any) -> str:
    """A part of an f-string."""
    if isinstance(node, nodes.Constant) and isinstance(node.value, str):
        plain = repr(node.value)[1:-1].replace("\\'", "'").replace('"', '\\"')
        return plain.replace("{", "{{").replace("}", "}}")
    return f"{{{_written(node)[0]}}}"


def _snake(name: str) -> str:
    return "".join("_" + letter.lower() if letter.isupper() else letter for letter in name)
