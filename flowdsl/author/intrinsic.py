"""ASL's intrinsic functions as Python functions. Under JSONata they become the JSONata function that does the same.

Source: ASL specification, "Intrinsic Functions"; Step Functions Developer Guide, "Transforming data with JSONata".
"""

from __future__ import annotations

import json
from typing import Any

import attrs

from .expressions import Expression
from .fields import Language

Argument = Any
"""A string, a number, a boolean, None, a path or another intrinsic function."""


@attrs.frozen(eq=False)
class Intrinsic(Expression):
    """A call of an intrinsic function. `jsonata` has a `{}` for each argument, or `{*}` for all of them."""

    name: str
    arguments: tuple[Argument, ...]
    jsonata: str

    def write(self, language: Language) -> str:
        texts = [_argument(argument, language) for argument in self.arguments]
        if language == "JSONata":
            return (
                self.jsonata.replace("{*}", ", ".join(texts)) if "{*}" in self.jsonata else _fill(self.jsonata, texts)
            )
        return f"States.{self.name}({', '.join(texts)})"


def _fill(pattern: str, texts: list[str]) -> str:
    head, *rest = pattern.split("{}")
    return head + "".join(text + piece for text, piece in zip(texts, rest, strict=True))


def _argument(value: Argument, language: Language) -> str:
    if isinstance(value, Expression):
        return value.write(language)
    if language == "JSONata" or not isinstance(value, str):
        return json.dumps(value)
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def format(template: str, *arguments: Argument) -> Intrinsic:  # noqa: A001 - ASL's own name; used as intrinsic.format
    """`States.Format`: the template with each `{}` replaced by an argument.

    >>> format("Order {} of {}", 1, 2).write("JSONPath")
    "States.Format('Order {} of {}', 1, 2)"
    """
    pieces = template.split("{}")
    if len(pieces) != len(arguments) + 1:
        raise ValueError(f"format: {template!r} has {len(pieces) - 1} places {{}} but {len(arguments)} arguments")
    strings = [json.dumps(piece) for piece in pieces]
    body = strings[0] + "".join(" & $string({}) & " + piece for piece in strings[1:])
    return _Format("Format", (template, *arguments), body)


class _Format(Intrinsic):
    __slots__ = ()

    def write(self, language: Language) -> str:
        if language == "JSONata":
            return "(" + _fill(self.jsonata, [_argument(value, language) for value in self.arguments[1:]]) + ")"
        return super().write(language)


def string_to_json(text: Argument) -> Intrinsic:
    """`States.StringToJson`: the JSON value that a string holds."""
    return Intrinsic("StringToJson", (text,), "$parse({})")


def json_to_string(value: Argument) -> Intrinsic:
    """`States.JsonToString`: a value as JSON text."""
    return Intrinsic("JsonToString", (value,), "$string({})")


def array(*items: Argument) -> Intrinsic:
    """`States.Array`: a list of the arguments."""
    return Intrinsic("Array", items, "[{*}]")


def array_partition(items: Argument, size: Argument) -> Intrinsic:
    """`States.ArrayPartition`: a list of lists of `size` items, the last may be shorter."""
    return Intrinsic("ArrayPartition", (items, size), "$partition({}, {})")


def array_contains(items: Argument, value: Argument) -> Intrinsic:
    """`States.ArrayContains`: whether the list has the value."""
    return Intrinsic("ArrayContains", (items, value), "($v := {}; {} in $v)")


def array_range(first: Argument, last: Argument, step: Argument) -> Intrinsic:
    """`States.ArrayRange`: the integers from first to last, both included."""
    return Intrinsic("ArrayRange", (first, last, step), "$range({}, {}, {})")


def array_get_item(items: Argument, index: Argument) -> Intrinsic:
    """`States.ArrayGetItem`: the item at an index that counts from 0."""
    return Intrinsic("ArrayGetItem", (items, index), "({})[{}]")


def array_length(items: Argument) -> Intrinsic:
    """`States.ArrayLength`: how many items the list has."""
    return Intrinsic("ArrayLength", (items,), "$count({})")


def array_unique(items: Argument) -> Intrinsic:
    """`States.ArrayUnique`: the list without repeated values; AWS does not promise an order."""
    return Intrinsic("ArrayUnique", (items,), "$distinct({})")


def base64_encode(text: Argument) -> Intrinsic:
    """`States.Base64Encode`."""
    return Intrinsic("Base64Encode", (text,), "$base64encode({})")


def base64_decode(text: Argument) -> Intrinsic:
    """`States.Base64Decode`."""
    return Intrinsic("Base64Decode", (text,), "$base64decode({})")


def hash(value: Argument, algorithm: str) -> Intrinsic:  # noqa: A001 - ASL's own name; used as intrinsic.hash
    """`States.Hash`: with MD5, SHA-1, SHA-256, SHA-384 or SHA-512, in hexadecimal."""
    return Intrinsic("Hash", (value, algorithm), "$hash({}, {})")


def json_merge(first: Argument, second: Argument) -> Intrinsic:
    """`States.JsonMerge`: the fields of both objects, the second's where both have one; shallow, as AWS has it."""
    return _JsonMerge("JsonMerge", (first, second, False), "$merge([{}, {}])")


class _JsonMerge(Intrinsic):
    __slots__ = ()

    def write(self, language: Language) -> str:
        if language == "JSONata":
            return _fill(self.jsonata, [_argument(value, language) for value in self.arguments[:2]])
        return super().write(language)


def math_random(start: Argument, end: Argument) -> Intrinsic:
    """`States.MathRandom`: an integer from start (included) to end (excluded)."""
    pattern = "($a := {}; $b := {}; $floor($random() * ($b - $a)) + $a)"
    return Intrinsic("MathRandom", (start, end), pattern)


def math_add(first: Argument, second: Argument) -> Intrinsic:
    """`States.MathAdd`: the sum of two integers."""
    return Intrinsic("MathAdd", (first, second), "({} + {})")


def string_split(text: Argument, splitter: Argument) -> Intrinsic:
    """`States.StringSplit`: the pieces between the separators."""
    return Intrinsic("StringSplit", (text, splitter), "$split({}, {})")


def uuid() -> Intrinsic:
    """`States.UUID`: a random version 4 UUID."""
    return Intrinsic("UUID", (), "$uuid()")
