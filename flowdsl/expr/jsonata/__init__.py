"""JSONata as Step Functions has it: `{% … %}` strings anywhere in a value, compiled once and evaluated often.

`engine` calls jlens, which is imported when the first expression is compiled; `shortcuts` has what runs without it;
`tree` and `reader` tell what an expression reads, without the engine if it is `plain`; `functions` are those that Step
Functions adds.

Source: Step Functions Developer Guide, "Transforming data with JSONata in Step Functions".
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from ...base.json import json_text
from ..chance import random_uuid
from ..delimiters import expression_text, is_expression
from .errors import (
    InternalError,
    JsonataSyntaxError,
    QueryEvaluationError,
    Thrown,
    Unsupported,
    expression_error,
)

__all__ = [
    "EvaluateJsonata",
    "JsonataSyntaxError",
    "QueryEvaluationError",
    "compile_jsonata",
    "expression_text",
    "is_expression",
]

EvaluateJsonata = Callable[[Mapping[str, Any], Mapping[str, Any]], Any]
"""(`$states`, variables) → JSON value. `$states` holds those of input, result, errorOutput and context that exist."""


def compile_jsonata(
    value: Any, field: str, expected: str | None = None, now: Callable[[], float] = time.time
) -> EvaluateJsonata:
    """Compile the value of `field` (`Output`, `Arguments`, `Choices[0]/Condition` …).

    `expected` is the type that an expression there must give: array, boolean, number, object or string. `now` is the
    clock of `$now()` and `$millis()`, seconds since 1970. Parts without expressions are not rebuilt. Raises
    JsonataSyntaxError; at run time QueryEvaluationError.
    """
    evaluate = _compile(value, field, expected, now)
    return evaluate if evaluate is not None else lambda states, variables: value


def _compile(value: Any, field: str, expected: str | None, now: Callable[[], float]) -> EvaluateJsonata | None:
    """Return None if the value contains no expressions."""
    if is_expression(value):
        return _checked(expression_text(value), field, expected, now)
    if isinstance(value, dict):
        fields = [(key, part) for key, item in value.items() if (part := _compile(item, f"{field}/{key}", None, now))]
        if not fields:
            return None

        def build(states: Mapping[str, Any], variables: Mapping[str, Any]) -> Any:
            built = value.copy()
            for key, part in fields:
                built[key] = part(states, variables)
            return built

        return build
    if isinstance(value, list):
        items = [(at, part) for at, item in enumerate(value) if (part := _compile(item, f"{field}[{at}]", None, now))]
        if not items:
            return None

        def build_list(states: Mapping[str, Any], variables: Mapping[str, Any]) -> Any:
            built = value.copy()
            for at, part in items:
                built[at] = part(states, variables)
            return built

        return build_list
    return None


def _checked(text: str, field: str, expected: str | None, now: Callable[[], float]) -> EvaluateJsonata:
    """An expression that must give a JSON value, of the expected type."""
    # Reading an expression needs this package too, but neither the engine nor what runs around it.
    from .engine import compile_expression
    from .shortcuts import UNDEFINED

    run = compile_expression(text)

    def evaluate(states: Mapping[str, Any], variables: Mapping[str, Any]) -> Any:
        try:
            value = run(states, variables, now)
        except Unsupported:
            raise expression_error(text, field, "returned an unsupported result type.") from None
        except Thrown as error:
            raise expression_error(text, field, f"threw an error during evaluation{error}") from None
        except InternalError:
            what = f"threw an internal error during evaluation. {random_uuid()}"
            raise expression_error(text, field, what) from None
        if value is UNDEFINED:
            raise expression_error(text, field, "returned nothing (undefined).")
        if expected is not None and (actual := _type_name(value)) != expected:
            raise expression_error(
                text,
                field,
                f"returned an unexpected result type. Expected '{expected}', but was '{actual}' for value: "
                f"{json_text(value)}",
            )
        return value

    return evaluate


def _type_name(value: Any) -> str:
    if value is None:
        return "null"
    names = {bool: "boolean", int: "number", float: "number", str: "string", list: "array", dict: "object"}
    return names[type(value)]
