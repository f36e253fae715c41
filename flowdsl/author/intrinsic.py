"""ASL's intrinsic functions by their own names; `fn` and the operators say the same, and more under JSONata.

Source: ASL specification, "Intrinsic Functions".
"""

from __future__ import annotations

from ..base.source import caller
from . import fn, nodes
from .expressions import Expression, Value, node_of
from .fn import array_contains, array_get_item, format, hash, math_random, uuid  # noqa: A004 - ASL's own names

__all__ = [
    "array",
    "array_contains",
    "array_get_item",
    "array_length",
    "array_partition",
    "array_range",
    "array_unique",
    "base64_decode",
    "base64_encode",
    "format",
    "hash",
    "json_merge",
    "json_to_string",
    "math_add",
    "math_random",
    "string_split",
    "string_to_json",
    "uuid",
]

array_length = fn.count
array_partition = fn.partition
array_range = fn.range
array_unique = fn.distinct
base64_decode = fn.base64decode
base64_encode = fn.base64encode
string_split = fn.split
string_to_json = fn.parse


def array(*items: Value) -> Expression:
    """`States.Array`: a list of the arguments."""
    return Expression(node_of(items))


def json_to_string(value: Value) -> Expression:
    """`States.JsonToString`: a value as JSON text. Under JSONata, a text stays as it is."""
    return Expression(nodes.FunctionCall("json_to_string", (node_of(value),), "text", origin=caller()))


def json_merge(first: Value, second: Value) -> Expression:
    """`States.JsonMerge`: the fields of both objects, the second's where both have one; shallow, as AWS has it."""
    return fn.merge(first, second)


def math_add(first: Value, second: Value) -> Expression:
    """`States.MathAdd`: the sum of two integers."""
    return Expression(nodes.Arithmetic("+", node_of(first), node_of(second), origin=caller()))
