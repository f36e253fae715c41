"""Expressions under JSONPath: paths, intrinsic functions and choice rules. What they cannot say needs JSONata.

Source: ASL specification, "Intrinsic Functions" and "Choice State".
"""

from __future__ import annotations

import json
import re
from typing import Any

from ..base.patterns import regex
from . import nodes
from .describing import SIGNS, described
from .expressions import Path
from .jsonata import NotWritten, too_deep
from .nodes import Node, Parameter, kind_of

_PLAIN_STEP = regex(r"[A-Za-z_][A-Za-z0-9_]*")
_ROOTS = {"input": "$", "context": "$$", "result": "$", "error": "$"}
MOST_NESTED = 10
"""How deep intrinsic functions nest at most. Source: Step Functions Developer Guide, "Intrinsic functions"."""

JSONATA = 'use query_language="JSONata" on the machine or state'


def needs_jsonata(node: Node, what: str, hint: str = JSONATA) -> NotWritten:
    return NotWritten(node, f"{what} needs JSONata", hint)


def write_path(node: nodes.Path) -> str:
    """The JSONPath of a place."""
    start = "$" + node.root.name if isinstance(node.root, Parameter) else _ROOTS.get(node.root, node.root)
    return start + "".join(_step(step) for step in node.steps)


def _known_path(node: nodes.Path) -> str:
    """The JSONPath of a place that is not inside a lambda."""
    if isinstance(node.root, Parameter):
        message = f"the parameter {node.root.name!r} of a lambda is used outside it"
        raise NotWritten(node, message, "use it only inside the lambda")
    return write_path(node)


def _step(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    if _PLAIN_STEP.fullmatch(step):
        return f".{step}"
    escaped = step.replace("\\", "\\\\").replace("'", "\\'")
    return f"['{escaped}']"


def write_jsonpath(node: Node) -> str:
    """The node as a path or an intrinsic function. Raises NotWritten."""
    try:
        text, depth = _value(node)
    except RecursionError:
        raise too_deep(node) from None
    if depth > MOST_NESTED:
        raise needs_jsonata(node, f"nesting {depth} intrinsic functions (at most {MOST_NESTED})")
    return text


def _value(node: Node) -> tuple[str, int]:
    """The text, and how deep intrinsic functions nest in it."""
    match node:
        case nodes.Path():
            return _known_path(node), 0
        case nodes.Constant(value=str() as value):
            return _text(value), 0
        case nodes.Constant(value=value):
            return json.dumps(value), 0
        case nodes.Text(parts=parts):
            pieces = [_braces(part.value) if _is_text(part) else "{}" for part in parts]  # type: ignore[attr-defined]
            return _call("Format", [f"'{''.join(pieces)}'", *(part for part in parts if not _is_text(part))])
        case nodes.Arithmetic():
            return _sum(node)
        case nodes.Array(items=items):
            return _call("Array", items)
        case nodes.Get(base=base, steps=steps):
            text, depth = _value(base)
            for step in steps:
                if isinstance(step, str):
                    raise needs_jsonata(node, f"{step!r} of {described(base)}")
                if isinstance(step, Node) and kind_of(step) == "text":
                    raise needs_jsonata(node, f"a field whose name is {described(step)}")
                index, deeper = (str(step), 0) if isinstance(step, int) else _value(step)
                text, depth = f"States.ArrayGetItem({text}, {index})", max(depth, deeper) + 1
            return text, depth
        case nodes.FunctionCall():
            return _function(node)
        case nodes.Object():
            raise needs_jsonata(node, "an object inside an expression")
        case nodes.Conditional():
            raise needs_jsonata(node, "cond(...)", "use a Choice, or " + JSONATA)
        case nodes.Invalid(message=message, hint=hint):
            raise NotWritten(node, message, hint)
        case nodes.Raw():
            raise needs_jsonata(node, "jsonata(...)")
    if kind_of(node) == "boolean":
        raise needs_jsonata(node, "a condition as a value", "use a Choice, or " + JSONATA)
    raise needs_jsonata(node, described(node))


def _is_text(node: Node) -> bool:
    return isinstance(node, nodes.Constant) and isinstance(node.value, str)


def _text(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _braces(value: str) -> str:
    """Constant text inside States.Format."""
    return re.sub(r"([\\'{}])", r"\\\1", value)


def _call(name: str, arguments: Any) -> tuple[str, int]:
    written = [(argument, 0) if isinstance(argument, str) else _value(argument) for argument in arguments]
    depth = max((depth for _, depth in written), default=0)
    return f"States.{name}({', '.join(text for text, _ in written)})", depth + 1


def _sum(node: nodes.Arithmetic) -> tuple[str, int]:
    left, right = node.left, node.right
    for side in (left, right):
        if isinstance(side, nodes.Constant) and not isinstance(side.value, int):
            raise needs_jsonata(node, f"{node.sign} {side.value} (States.MathAdd adds integers)")
    if node.sign == "-" and isinstance(right, nodes.Constant) and isinstance(right.value, int):
        return _call("MathAdd", [left, nodes.Constant(-right.value)])
    if node.sign == "+":
        return _call("MathAdd", [left, right])
    raise needs_jsonata(node, described(node))


INTRINSICS = {
    "string": "Format",
    "json_to_string": "JsonToString",
    "parse": "StringToJson",
    "partition": "ArrayPartition",
    "array_contains": "ArrayContains",
    "range": "ArrayRange",
    "array_get_item": "ArrayGetItem",
    "count": "ArrayLength",
    "distinct": "ArrayUnique",
    "base64encode": "Base64Encode",
    "base64decode": "Base64Decode",
    "hash": "Hash",
    "merge": "JsonMerge",
    "math_random": "MathRandom",
    "split": "StringSplit",
    "uuid": "UUID",
    "timestamp": "",
}
"""A function by its node's name → the intrinsic function that does the same."""


def _function(node: nodes.FunctionCall) -> tuple[str, int]:
    name, arguments = node.name, node.arguments
    intrinsic = INTRINSICS.get(name)
    if intrinsic is None:
        raise needs_jsonata(node, f"fn.{name}")
    if name == "string" and len(arguments) > 1:
        raise needs_jsonata(node, "fn.string(..., pretty=True)")
    if name == "string":
        return _call("Format", ["'{}'", *arguments])
    if name == "timestamp":
        return _value(arguments[0])
    if name == "merge":
        both = arguments[0].items if isinstance(arguments[0], nodes.Array) else arguments
        if len(both) != 2:
            raise needs_jsonata(node, f"merging {len(both)} objects (States.JsonMerge takes two)")
        return _call("JsonMerge", [*both, nodes.Constant(False)])
    if name == "split" and (len(arguments) > 2 or isinstance(arguments[1], nodes.Regex)):
        raise needs_jsonata(node, "fn.split with a pattern or a limit")
    if name == "split" and isinstance(arguments[1], nodes.Constant) and len(str(arguments[1].value)) != 1:
        raise needs_jsonata(node, "splitting at more than one character (States.StringSplit splits at each of them)")
    return _call(intrinsic, arguments)


# Choice rules

_SIGNS = {
    "=": "Equals",
    "<": "LessThan",
    "<=": "LessThanEquals",
    ">": "GreaterThan",
    ">=": "GreaterThanEquals",
}
_MIRRORED = {"=": "=", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


def write_rule(node: Node) -> dict[str, Any]:
    """The comparison fields of a choice rule. Raises NotWritten."""
    match node:
        case nodes.Path(mark=None | "Boolean"):
            return {"Variable": write_path(node), "BooleanEquals": True}
        case nodes.Not(operand=operand):
            return {"Not": write_rule(operand)}
        case nodes.Logic(word=word, parts=parts):
            return {word.capitalize(): [write_rule(part) for part in parts]}
        case nodes.Test(operand=operand, operator=operator, value=value):
            return {"Variable": _variable(operand), operator: value}
        case nodes.FunctionCall(name="contains", arguments=(text, nodes.Constant(value=str() as piece))):
            escaped = re.sub(r"([*\\])", r"\\\1", piece)
            return {"Variable": _variable(text), "StringMatches": f"*{escaped}*"}
        case nodes.Comparison(sign="in", left=left, right=nodes.Array(items=items)):
            rules = [write_rule(nodes.Comparison("=", left, item, origin=node.origin)) for item in items]
            return rules[0] if len(rules) == 1 else {"Or": rules}
        case nodes.Comparison():
            return _comparison(node)
    if kind_of(node) not in (None, "boolean"):
        raise NotWritten(node, f"{described(node)} is not a condition", "compare it, as in path > 5")
    raise needs_jsonata(node, f"the condition {described(node)}")


def _variable(node: Node) -> str:
    if isinstance(node, nodes.Path):
        return _known_path(node)
    raise needs_jsonata(
        node,
        f"{described(node)} in a condition",
        "assign it to a variable in an earlier state and compare that, or " + JSONATA,
    )


def _comparison(node: nodes.Comparison) -> dict[str, Any]:
    sign, left, right = node.sign, node.left, node.right
    if isinstance(left, nodes.Test) and sign == "=" and isinstance(right, nodes.Constant) and right.value is False:
        return {"Variable": _variable(left.operand), left.operator: False}
    if not isinstance(left, nodes.Path) and isinstance(right, nodes.Path):
        sign, left, right = _MIRRORED[sign], right, left
    if sign == "!=":
        return {"Not": _comparison(nodes.Comparison("=", left, right, origin=node.origin))}
    variable = _variable(left)
    if isinstance(right, nodes.Constant) and right.value is None and sign == "=":
        return {"Variable": variable, "IsNull": True}
    mark = _mark(right) or _mark(left)
    if mark == "String" and _mark(left) == "Timestamp":
        mark = "Timestamp"
    if isinstance(right, nodes.Path):
        if mark is None:
            raise NotWritten(
                node,
                f"cannot tell the type of {described(left)} {SIGNS.get(sign, sign)} {described(right)}",
                f"wrap one side: number(a), string(a), boolean(a) or timestamp(a); or {JSONATA}",
            )
        return {"Variable": variable, f"{mark}{_SIGNS[sign]}Path": write_path(right)}
    constant = right.arguments[0] if isinstance(right, nodes.FunctionCall) and right.name == "timestamp" else right
    if isinstance(constant, nodes.Invalid):
        raise NotWritten(constant, constant.message, constant.hint)
    if not isinstance(constant, nodes.Constant | nodes.Array | nodes.Object):
        _variable(right)
    if mark is None or (mark == "Boolean" and sign != "=") or not isinstance(constant, nodes.Constant):
        what = f"comparing {described(left)} {SIGNS.get(sign, sign)} {described(right)}"
        raise needs_jsonata(node, what, f"compare with a string, a number or a datetime, or {JSONATA}")
    return {"Variable": variable, f"{mark}{_SIGNS[sign]}": constant.value}


def _mark(node: Node) -> nodes.Mark | None:
    if isinstance(node, nodes.Path):
        return node.mark
    if isinstance(node, nodes.FunctionCall) and node.name == "timestamp":
        return "Timestamp"
    if not isinstance(node, nodes.Constant):
        return None
    match kind_of(node):
        case "boolean":
            return "Boolean"
        case "number":
            return "Numeric"
        case "text":
            return "String"
    return None


def path_text(path: Path) -> str:
    """The JSONPath of an author's path."""
    return write_path(path._node)
