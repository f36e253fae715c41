"""JSONata as Step Functions has it: `{% … %}` strings anywhere in a value, compiled once and evaluated often.

Source: Step Functions Developer Guide, "Transforming data with JSONata in Step Functions". The language itself is
jsonata-python's, imported when the first expression is compiled; jsonata_shortcuts has what runs without it.
"""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from ..base.diagnostics import Diagnostic, FlowError
from ..base.json import json_text
from .chance import random_uuid
from .delimiters import expression_text, is_expression
from .jsonata_errors import (
    STACK_OVERFLOW,
    InternalError,
    JsonataSyntaxError,
    QueryEvaluationError,
    Thrown,
    Unsupported,
    expression_error,
    slipped,
    thrown,
)
from .jsonata_shortcuts import UNDEFINED, Run, is_decorated, shortcut
from .jsonata_signatures import FunctionError

if TYPE_CHECKING:
    from types import ModuleType

__all__ = [
    "EvaluateJsonata",
    "JsonataSyntaxError",
    "QueryEvaluationError",
    "compile_jsonata",
    "expression_text",
    "is_expression",
    "parse_expression",
]

EvaluateJsonata = Callable[[Mapping[str, Any], Mapping[str, Any]], Any]
"""(`$states`, variables) → JSON value. `$states` holds those of input, result, errorOutput and context that exist."""

STATES_FIELDS: Final = ("input", "result", "errorOutput", "context")
"""What `$states` can hold."""


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
    """None for what is constant."""
    if is_expression(value):
        return _checked(expression_text(value), field, expected, now)
    if isinstance(value, dict):
        fields = [(key, part) for key, item in value.items() if (part := _compile(item, f"{field}/{key}", None, now))]
        if not fields:
            return None

        def build(states: Mapping[str, Any], variables: Mapping[str, Any]) -> Any:
            made = value.copy()
            for key, part in fields:
                made[key] = part(states, variables)
            return made

        return build
    if isinstance(value, list):
        items = [(at, part) for at, item in enumerate(value) if (part := _compile(item, f"{field}[{at}]", None, now))]
        if not items:
            return None

        def build_list(states: Mapping[str, Any], variables: Mapping[str, Any]) -> Any:
            made = value.copy()
            for at, part in items:
                made[at] = part(states, variables)
            return made

        return build_list
    return None


def _checked(text: str, field: str, expected: str | None, now: Callable[[], float]) -> EvaluateJsonata:
    """An expression that must give a JSON value, of the expected type."""
    run = _expression(text)

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


@functools.cache
def library_module() -> ModuleType:
    """jsonata_library, when the first expression is compiled: importing it takes long, and needs jsonata-python."""
    try:
        return import_module(".jsonata_library", __package__)
    except ModuleNotFoundError as error:
        message = "a JSONata expression needs jsonata-python, which is not installed"
        raise FlowError(Diagnostic("FD900", message, (), hint="install flowdsl[jsonata]")) from error


def parse_expression(text: str) -> Any:
    """The library's tree of an expression, for jsonata_reader. Raises JsonataSyntaxError."""
    return library_module().parse(text).ast


@functools.lru_cache(maxsize=4096)
def _expression(text: str) -> Run:
    library = library_module()
    instance = library.parse(text)
    short = shortcut(instance.ast, library.KNOWN, lambda ast: _general(library.wrap(ast)))
    return short or _general(instance)


def _general(instance: Any) -> Run:
    library = library_module()
    names, fields = _survey(instance.ast, library)
    needed = tuple(name for name in names if name and name not in ("$", "states"))
    from_json = library.from_json

    def run(states: Mapping[str, Any], variables: Mapping[str, Any], now: Callable[[], float]) -> Any:
        frame = library.Frame(library.FUNCTIONS_FRAME)
        bindings = frame.bindings
        if fields:
            bindings["states"] = {name: from_json(value) for name, value in states.items() if name in fields}
        for name in needed:
            if name in variables:
                bindings[name] = from_json(variables[name])
        library.guard(frame)
        try:
            value = instance.run(frame, math.floor(now() * 1000))
        except library.JException as error:
            raise Thrown(thrown(error, library.TEMPLATES)) from None
        except FunctionError as error:
            raise Thrown(f". {error}") from None
        except RecursionError:
            raise Thrown(f": {STACK_OVERFLOW}") from None
        except (InternalError, Thrown, Unsupported):
            raise
        except Exception as error:  # noqa: BLE001 - slips of the library; the expression's failure, not the engine's
            raise Thrown(slipped(error, library.TEMPLATES)) from None
        return UNDEFINED if value is None else library.to_json(value)

    return run


def _survey(ast: Any, library: ModuleType) -> tuple[tuple[str, ...], frozenset[str]]:
    """The variables and the fields of `$states` that the tree may read."""
    names: set[str] = set()
    fields: set[str] = set()
    seen: set[int] = set()
    todo: list[Any] = [ast]
    while todo:
        node = todo.pop()
        if isinstance(node, list | tuple):
            todo.extend(node)
        elif isinstance(node, library.Symbol) and id(node) not in seen:
            seen.add(id(node))
            if node.type == "variable" and isinstance(node.value, str):
                names.add(node.value)
                if node.value == "states":  # A bare $states; as the first step of a path it is seen already.
                    fields.update(STATES_FIELDS)
            if node.type == "path" and (read := _states_field(node)):
                fields.add(read)
                names.add("states")
                seen.add(id(node.steps[0]))
            todo.extend(vars(node).values())
    return tuple(names), frozenset(fields)


def _states_field(path: Any) -> str | None:
    """`input` of `$states.input…`."""
    first, *rest = path.steps
    if (
        first.type == "variable"
        and first.value == "states"
        and rest
        and rest[0].type == "name"
        and not is_decorated(first)
    ):
        return str(rest[0].value)
    return None
