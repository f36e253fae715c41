"""Values of ASL fields as code: payload templates, expressions and conditions.

Each expression is compiled before it is used: if the machine would not write it as the definition has it, the value
stays a text, `jsonata("…")` or a key with `.$`.
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import attrs

from ..author import api, nodes
from ..author.expressions import Expression, node_of
from ..author.fields import Language
from ..author.jsonata import NotWritten, write_jsonata
from ..author.jsonpath import write_jsonpath, write_rule
from ..author.nodes import kind_of
from ..author.tokens import has_tokens
from . import code as c
from .code import Code
from .paths import Dollar, condition_code, expression_code
from .queries import jsonata_code

REFUSED: tuple[type[Exception], ...] = (
    *(TypeError, ValueError, AttributeError, NameError, SyntaxError),
    *(LookupError, ArithmeticError, RecursionError, re.error),
)
"""What the API or Python raises for code that it does not take."""
_QUERY = re.compile(r"\{%(.*)%\}", re.DOTALL)


@attrs.frozen
class Place:
    """Where a value is: the query language and what `$` means there."""

    language: Language
    dollar: Dollar = "state_input"


@cache
def namespace() -> dict[str, Any]:
    """The names that generated code may use, and no others: not even Python's own functions."""
    from datetime import timedelta

    names = {name: getattr(api, name) for name in api.__all__}
    return {"__builtins__": {}, **names, "re": re, "timedelta": timedelta}


def evaluated(code: Code) -> Any:
    """The value of generated code. Raises whatever the API raises if it refuses the code."""
    compiled = builtins.compile(c.one_line(code), "<imported>", "eval")
    return eval(compiled, dict(namespace()))  # noqa: S307 - the code is ours, with all texts as literals


def expression(text: str, place: Place) -> Code | None:
    """A path, an intrinsic function or JSONata in its `{% %}` as an expression that compiles to the same text."""
    if place.language == "JSONPath":
        code = expression_code(text, place.dollar)
    else:
        match = _QUERY.fullmatch(text)
        code = jsonata_code(match[1]) if match else None
    return code if code is not None and _text(code, place) == text else None


def _text(code: Code, place: Place) -> str | None:
    """What the expression is in ASL, or None if it is none."""
    node = _node(code)
    if node is None:
        return None
    try:
        return f"{{% {write_jsonata(node)} %}}" if place.language == "JSONata" else write_jsonpath(node)
    except (NotWritten, RecursionError):
        return None


def _node(code: Code) -> nodes.Node | None:
    try:
        value = evaluated(code)
    except (
        TypeError,
        ValueError,
        AttributeError,
        NameError,
        SyntaxError,
        KeyError,
        re.error,
        RecursionError,
        MemoryError,
    ):
        return None
    is_expression = isinstance(value, Expression) or (isinstance(value, str) and has_tokens(value))
    return node_of(value) if is_expression else None


def queried(text: str) -> Code:
    """JSONata as an expression, or as text."""
    code = expression(text, Place("JSONata"))
    if code is not None:
        return code
    match = _QUERY.fullmatch(text)
    if match and match[0] == f"{{% {match[1].strip()} %}}" and not has_tokens(text):
        return c.call("jsonata", c.constant(match[1].strip()))
    return c.constant(text)


def is_query(value: Any) -> bool:
    return isinstance(value, str) and _QUERY.fullmatch(value) is not None


def template(value: Any, place: Place) -> Code:
    """A payload template, or a constant."""
    if isinstance(value, dict):
        return c.Dict(tuple(pair(key, item, place) for key, item in value.items()))
    if isinstance(value, list):
        return c.Items(tuple(template(item, place) for item in value))
    if place.language == "JSONata" and is_query(value):
        return queried(value)
    return c.constant(value)


def pair(key: str, value: Any, place: Place) -> tuple[str, Code]:
    """A field of a payload template: `"key.$"` has an expression."""
    if place.language == "JSONPath" and key.endswith(".$") and isinstance(value, str):
        code = expression(value, place)
        if code is not None:
            return key[:-2], _as_list(code)
        return key, c.constant(value)
    return key, template(value, place)


def _as_list(code: Code) -> Code:
    """`States.Array(...)` as a list if the machine writes such a list as this function."""
    if not isinstance(code, c.PythonCall) or code.function != c.Text("intrinsic.array"):
        return code
    items = tuple(value for _, value in code.arguments)
    has_expressions = any(_node(item) is not None for item in items)
    has_objects = any(isinstance(item, c.Dict | c.Items) or _is_array(item) for item in items)
    return c.Items(items) if has_expressions and not has_objects else code


def _is_array(code: Code) -> bool:
    return isinstance(code, c.PythonCall) and code.function == c.Text("intrinsic.array")


def condition(rule: Mapping[str, Any], language: Language) -> Code:
    """What a `when` asks: `rule` is the choice rule without Next, Comment, Assign and Output."""
    if language == "JSONata":
        text = rule.get("Condition")
        if not isinstance(text, str) or not is_query(text):
            return c.constant(text)
        asked = queried(text)
        node = _node(asked)
        return asked if node is not None and kind_of(node) in (None, "boolean") else c.constant(text)
    code = condition_code(rule)
    if code is not None:
        node = _node(code)
        try:
            if node is not None and write_rule(node) == rule:
                return code
        except (NotWritten, KeyError, AttributeError):
            pass
    return c.constant(rule)
