"""Kinds of values: what operators and functions of JSONata take and give, and what the fields of a state take.

A value of the wrong kind makes the expression, and so the state, fail. Source: docs.jsonata.org ("Comparison
Operators", "Numeric Operators", the function library); Developer Guide, the fields of each state.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ...base.words import abbreviate, did_you_mean
from .shapes import (
    BOOLEAN,
    NULL,
    NUMBER,
    STRING,
    ArrayShape,
    ObjectShape,
    ScalarShape,
    Shape,
    UnionShape,
    item_of_many,
)

_TEXTS: Final = (
    "string uppercase lowercase trim substring substringBefore substringAfter pad join replace now type uuid hash "
    "formatNumber formatBase formatInteger fromMillis base64encode base64decode encodeUrl decodeUrl "
    "encodeUrlComponent decodeUrlComponent"
)
_NUMBERS: Final = (
    "number abs floor ceil round power sqrt random sum max min average count length millis toMillis parseInteger"
)
RESULTS: Final[Mapping[str, Shape]] = {
    **dict.fromkeys(_TEXTS.split(), STRING),
    **dict.fromkeys(_NUMBERS.split(), NUMBER),
    **dict.fromkeys(("boolean", "not", "exists", "contains"), BOOLEAN),
    "split": ArrayShape(STRING),
    "range": ArrayShape(NUMBER),
}
"""What a function returns, unless nothing: its shape."""
_TEXT: Final = "uppercase lowercase trim length encodeUrl decodeUrl encodeUrlComponent decodeUrlComponent base64encode"
TAKES: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys((*_TEXT.split(), "base64decode", "parse"), ("string",)),
    "substring": ("string", "number", "number"),
    **dict.fromkeys(("substringBefore", "substringAfter"), ("string", "string")),
    "pad": ("string", "number", "string"),
    "split": ("string", "any", "number"),
    **dict.fromkeys(("replace", "contains", "match", "toMillis"), ("string", "any")),
    "join": ("texts", "string"),
    **dict.fromkeys(("abs", "floor", "ceil", "sqrt", "fromMillis", "formatBase"), ("number",)),
    **dict.fromkeys(("round", "power"), ("number", "number")),
    "formatNumber": ("number", "string"),
    **dict.fromkeys(("sum", "max", "min", "average"), ("numbers",)),
    "partition": ("any", "number"),
    "range": ("number", "number", "number"),
}
"""What the arguments of a function have to be; `numbers` is a number or a list of them, `texts` likewise."""
FIELDS: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        (
            *("Seconds", "TimeoutSeconds", "HeartbeatSeconds", "MaxConcurrency"),
            *("ToleratedFailureCount", "ToleratedFailurePercentage"),
        ),
        "number",
    ),
    **dict.fromkeys(("Timestamp", "Error", "Cause"), "string"),
    "Items": "items",
}
"""The kinds of the values of a state's fields; `items` is a list or an object."""
_WHOLE: Final = frozenset({"Seconds", "TimeoutSeconds", "HeartbeatSeconds", "MaxConcurrency", "ToleratedFailureCount"})
"""The fields whose number is a whole one."""
NAMES: Final = {
    "number": "a number",
    "string": "text",
    "boolean": "true or false",
    "null": "null",
    "array": "a list",
    "object": "an object",
    "items": "a list",
    "numbers": "a list of numbers",
    "texts": "a list of texts",
    "any": "anything",
}
ARITHMETIC: Final = frozenset("+-*/%")
ORDER: Final = frozenset({"<", ">", "<=", ">="})


def kind_of_shape(shape: Shape) -> str | None:
    """Return the kind of a value, such as `array`; None if it is not known."""
    if isinstance(shape, UnionShape):
        kinds = {kind_of_shape(each) for each in shape.ways}
        return kinds.pop() if len(kinds) == 1 else None
    if isinstance(shape, ScalarShape):
        return shape.kind
    return "array" if isinstance(shape, ArrayShape) else "object" if isinstance(shape, ObjectShape) else None


def misfit(shape: Shape, wanted: str) -> str | None:
    """Say what a value is if it is not of the wanted kind on any route: `text, not a number`."""
    if isinstance(shape, UnionShape):
        wrong = [misfit(each, wanted) for each in shape.ways if each != NULL]
        return wrong[0] if all(wrong) else None
    kind = kind_of_shape(shape)
    if kind is None or kind == wanted or wanted == "any" or (wanted == "items" and kind in ("array", "object")):
        return None
    if wanted in ("numbers", "texts"):
        single = {"numbers": "number", "texts": "string"}[wanted]
        if isinstance(shape, ArrayShape):
            inner = kind_of_shape(shape.item)
            return None if inner in (None, single) else f"{NAMES[wanted]}, not of {_plural(inner)}"
        if kind == single:
            return None
    return f"{NAMES[wanted]}, not {NAMES[kind]}"


def misfit_sometimes(shape: Shape, wanted: str) -> str | None:
    """Say what a value is on some routes if it is of the wanted kind only on others: `text on some routes`."""
    wrong = _wrong_ways(shape, wanted)
    if not wrong:
        return None
    others = [each for each in wrong if each != NULL]
    return f"{misfit(others[0], wanted)} on some routes" if others else f"{NAMES[wanted]}, but the value may be null"


def _wrong_ways(shape: Shape, wanted: str) -> list[Shape]:
    """Return the ways of a value that are not of the wanted kind, if others are."""
    if not isinstance(shape, UnionShape) or item_of_many(shape) is not None or wanted == "any":
        return []
    wrong = [each for each in shape.ways if each == NULL or misfit(each, wanted)]
    return wrong if len(wrong) < len(shape.ways) else []


def fraction_in(key: str, shape: Shape) -> str | None:
    """Say what is wrong with a number that may have a fraction in a field that takes whole ones."""
    if key in _WHOLE and isinstance(shape, ScalarShape) and shape.has_fraction:
        return "a whole number, not a float"
    return None


def _plural(kind: str) -> str:
    return {"string": "texts", "object": "objects", "array": "lists"}.get(kind, f"{kind}s")


def operand_problem_sometimes(operator: str, left: Shape, right: Shape) -> str | None:
    """Say why an operator fails on some routes only: its operand is no number there, or not one of the other's kind."""
    if operator in ARITHMETIC:
        wrong = misfit_sometimes(left, "number") or misfit_sometimes(right, "number")
        return f"{operator} needs {wrong}" if wrong else None
    for one, other in ((left, right), (right, left)):
        kind = kind_of_shape(one)
        if operator in ORDER and kind in ("number", "string") and (ways := _wrong_ways(other, str(kind))):
            what = next((NAMES[str(kind_of_shape(each))] for each in ways if each != NULL), None)
            with_what = f"{what} on some routes" if what else "a value that may be null"
            return f"{operator} compares {NAMES[str(kind)]} with {with_what}"
    return None


def operand_problem(operator: str, left: Shape, right: Shape) -> str | None:
    """Say why an operator fails on these values: arithmetic needs numbers, an order two values of one kind."""
    kinds = kind_of_shape(left), kind_of_shape(right)
    if operator in ARITHMETIC:
        wrong = next((kind for kind in kinds if kind not in (None, "number")), None)
        return f"{operator} needs numbers, not {NAMES[wrong]}" if wrong else None
    if operator in ORDER:
        wrong = next((kind for kind in kinds if kind not in (None, "number", "string")), None)
        if wrong:
            return f"{operator} compares numbers or texts, not {NAMES[wrong]}"
        if None not in kinds and "array" not in kinds and kinds[0] != kinds[1]:
            return f"{operator} cannot compare {NAMES[str(kinds[0])]} with {NAMES[str(kinds[1])]}"
    return None


def never_among(value: Shape, items: Shape) -> tuple[str, str | None] | None:
    """Say why a value is never one of the items of a list, and what may be meant."""
    if not isinstance(items, ArrayShape) or not items.items:
        return None
    problems = [never_equal(value, each) for each in items.items]
    return problems[0] if all(problems) else None


def never_equal(left: Shape, right: Shape) -> tuple[str, str | None] | None:
    """Say why two values are never equal, and what may be meant."""
    if not isinstance(left, ScalarShape) or not isinstance(right, ScalarShape):
        kinds = kind_of_shape(left), kind_of_shape(right)
        if "null" not in kinds and None not in kinds and kinds[0] != kinds[1]:
            return f"{NAMES[str(kinds[0])]} is compared with {NAMES[str(kinds[1])]}", None
        return None
    if left.kind != right.kind:
        if "null" in (left.kind, right.kind):
            return None
        return f"{NAMES[left.kind]} is compared with {NAMES[right.kind]}", None
    if left.values is None or right.values is None or left.values & right.values:
        return None
    known, asked = (left, right) if len(right.values) == 1 else (right, left)
    (value,) = asked.values if asked.values is not None and len(asked.values) == 1 else (None,)
    if value is None or not known.values:
        return None
    others = ", ".join(sorted(map(abbreviate, known.values)))
    hint = did_you_mean(value, map(str, known.values)) if isinstance(value, str) else None
    return f"the value is never {abbreviate(value)}, only {others}", hint
