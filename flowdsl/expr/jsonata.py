"""JSONata as Step Functions has it: `{% … %}` strings anywhere in a value, compiled once and evaluated often.

Source: Step Functions Developer Guide, "Transforming data with JSONata in Step Functions". The language itself is
jsonata-python's, imported when the first expression is compiled; jsonata_shortcuts has what runs without it.
"""

from __future__ import annotations

import functools
import math
import operator
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from ..diagnostics import Diagnostic, FlowError
from .delimiters import expression_text, is_expression
from .java import json_text
from .jsonata_errors import STACK_OVERFLOW, TIMEOUT, QueryEvaluationError, expression_error, thrown
from .jsonata_functions import FUNCTIONS, Function, FunctionError
from .jsonata_shortcuts import UNDEFINED, Run, is_decorated, shortcut

if TYPE_CHECKING:
    from types import SimpleNamespace

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

MAX_DEPTH: Final = 100
"""How deep an evaluation may nest."""
STATES_FIELDS: Final = ("input", "result", "errorOutput", "context")
"""What `$states` can hold."""
MAX_WHOLE: Final = 10**21
"""From here on a whole number is written as a double, as in JavaScript."""
KEPT: Final = 16
"""Inputs and results that are remembered as looked through."""
MAX_SECONDS: Final = 5.0
"""How long one expression may run (real time, whatever the engine's clock says)."""


class JsonataSyntaxError(ValueError):
    """The expression does not parse. `code` is JSONata's (`S0201`), `offset` counts characters of the expression."""

    def __init__(self, code: str, message: str, offset: int) -> None:
        super().__init__(f"{code}: {message} (at offset {offset})")
        self.code = code
        self.message = message
        self.offset = offset


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
        except _Unsupported:
            raise expression_error(text, field, "returned an unsupported result type.") from None
        except _Thrown as error:
            raise expression_error(text, field, f"threw an error during evaluation{error}") from None
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


def parse_expression(text: str) -> Any:
    """The library's tree of an expression, for jsonata_reader. Raises JsonataSyntaxError."""
    return _library().parse(text).ast


class _Unsupported(Exception):  # noqa: N818 - an outcome; the caller knows the field and makes it an error
    """The result is or holds a function."""


class _Thrown(Exception):  # noqa: N818 - as _Unsupported
    """The evaluation threw; the argument is the rest of the sentence."""


@functools.lru_cache(maxsize=4096)
def _expression(text: str) -> Run:
    library = _library()
    instance = library.parse(text)
    short = shortcut(instance.ast, library.known, lambda ast: _general(library.wrap(ast)))
    return short or _general(instance)


def _general(instance: Any) -> Run:
    library = _library()
    ast = instance.ast
    depth, calls, names, fields = _survey(ast, library)
    guarded = calls or depth > MAX_DEPTH // 2
    needed = tuple(name for name in names if name and name not in ("$", "states"))
    from_json, from_input = library.from_json, library.from_input

    def protect(name: str, value: Any) -> Any:
        if name not in fields:
            return value
        return from_input(value) if name in ("input", "result") else from_json(value)

    def run(states: Mapping[str, Any], variables: Mapping[str, Any], now: Callable[[], float]) -> Any:
        frame = library.Frame(library.functions)
        bindings = frame.bindings
        if fields:
            bindings["states"] = {name: protect(name, value) for name, value in states.items()}
        for name in needed:
            if name in variables:
                bindings[name] = from_json(variables[name])
        # The interpreter asks for these two at every node; found here, it asks no further.
        bindings["__evaluate_entry"] = bindings["__evaluate_exit"] = None
        if guarded:
            library.guard(frame)
        instance.timestamp = math.floor(now() * 1000)
        library.Jsonata.CURRENT.jsonata = instance
        try:
            value = instance.eval(ast, None, frame)
        except library.JException as error:
            raise _Thrown(thrown(error, library.templates)) from None
        except FunctionError as error:
            raise _Thrown(f". {error}") from None
        except RecursionError:
            raise _Thrown(f": {STACK_OVERFLOW}") from None
        except (ValueError, TypeError, ArithmeticError, LookupError, AttributeError) as error:
            # jsonata-python lets some of its own slips out; they are the expression's failure, not ours.
            raise _Thrown(f": {error}") from None
        return UNDEFINED if value is None else library.to_json(value)

    return run


def _survey(ast: Any, library: SimpleNamespace) -> tuple[int, bool, tuple[str, ...], frozenset[str]]:
    """How deep the tree is, whether it can call itself, the variables and the fields of `$states` that it may read."""
    deepest, calls = 0, False
    names: set[str] = set()
    fields: set[str] = set()
    seen: set[int] = set()
    todo: list[tuple[Any, int]] = [(ast, 1)]
    while todo:
        node, depth = todo.pop()
        if isinstance(node, list | tuple):
            todo.extend((item, depth) for item in node)
        elif isinstance(node, library.Symbol) and id(node) not in seen:
            seen.add(id(node))
            deepest = max(deepest, depth)
            if node.type == "lambda":
                calls = True
            if node.type == "variable" and isinstance(node.value, str):
                names.add(node.value)
                if node.value == "states":  # A bare $states; as the first step of a path it is seen already.
                    fields.update(STATES_FIELDS)
            if node.type == "path" and (read := _states_field(node)):
                fields.add(read)
                names.add("states")
                seen.add(id(node.steps[0]))
            todo.extend((child, depth + 1) for child in vars(node).values())
    return deepest, calls, tuple(names), frozenset(fields)


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


@functools.cache
def _library() -> SimpleNamespace:
    """jsonata-python and what is made of it once: the frame with the functions, the converter, the guard."""
    from types import SimpleNamespace

    try:
        from jsonata import jexception, utils
        from jsonata.jsonata import Jsonata
        from jsonata.parser import Parser
    except ModuleNotFoundError as error:
        message = "a JSONata expression needs jsonata-python, which is not installed"
        raise FlowError(Diagnostic("FD900", message, (), hint="install flowdsl[jsonata]")) from error

    null = utils.Utils.NULL_VALUE
    frame = Jsonata.Frame(Jsonata.static_frame)

    class Expression(Jsonata):  # type: ignore[misc] # the library has no types
        """Numbers may leave the finite, as in JavaScript; the service writes those as their names."""

        def evaluate_numeric_expression(self, lhs: Any, rhs: Any, op: Any) -> Any:
            try:
                return super().evaluate_numeric_expression(lhs, rhs, op)
            except ZeroDivisionError:
                return math.nan if op != "/" or lhs == 0 else math.copysign(math.inf, lhs)
            except (jexception.JException, OverflowError):
                if op == "*" and all(isinstance(each, int | float) and math.isfinite(each) for each in (lhs, rhs)):
                    return math.copysign(math.inf, lhs) * math.copysign(1, rhs)
                raise

    class Added(Jsonata.JFunction):  # type: ignore[misc] # the library has no types
        """A function of ours. The library asks its `signature` how many arguments `$map` may give it: one."""

        def __init__(self, name: str, function: Function) -> None:
            super().__init__(None, "<x:x>")
            self.name = name
            self.added = function

        def call(self, input: Any, args: Any) -> Any:  # noqa: ARG002 - as the library names it
            found = self.added.apply(*args)
            return null if found is None and self.name == "parse" and args[0] is not None else found

        def validate(self, args: Any, context: Any) -> Any:  # noqa: ARG002
            return self.added.check(self.name, args)

    for name, function in FUNCTIONS.items():
        frame.bindings[name] = Added(name, function)
    frame.bindings["eval"] = None  # The service does not support $eval.

    def parse(text: str) -> Any:
        try:
            instance = Expression(text)
        except jexception.JException as error:
            raise JsonataSyntaxError(str(error.error), str(error), max(error.location, 0)) from None
        except (RecursionError, AttributeError, TypeError, ValueError, IndexError) as error:
            raise JsonataSyntaxError("S0500", str(error), 0) from None
        return instance

    def wrap(ast: Any) -> Any:
        instance = Expression("null")
        instance.ast = ast
        return instance

    def guard(frame: Any) -> None:
        depth = 0
        deadline = time.monotonic() + MAX_SECONDS

        def enter(*_: Any) -> None:
            nonlocal depth
            depth += 1
            if depth > MAX_DEPTH:
                raise _Thrown(f": {STACK_OVERFLOW}. Depth={depth} max={MAX_DEPTH}")
            if time.monotonic() > deadline:
                raise _Thrown(f": {TIMEOUT}")

        def leave(*_: Any) -> None:
            nonlocal depth
            depth -= 1

        frame.bindings["__evaluate_entry"] = enter
        frame.bindings["__evaluate_exit"] = leave

    def from_json(value: Any) -> Any:
        """JSON null as the library's own null, which it tells from undefined; what holds none is kept as it is."""
        if value is None:
            return null
        kind = value.__class__
        if kind is dict:
            changed = {
                key: made
                for key, item in value.items()
                if (item is None or item.__class__ in _CONTAINERS) and (made := from_json(item)) is not item
            }
            return {**value, **changed} if changed else value
        if kind is list:
            items = [from_json(item) if item is None or item.__class__ in _CONTAINERS else item for item in value]
            return value if all(map(operator.is_, items, value)) else items
        return value

    seen: dict[int, tuple[Any, Any]] = {}

    def from_input(value: Any) -> Any:
        """The same, looked through once for the several expressions of a state: nobody changes an input or a result."""
        entry = seen.get(id(value))
        if entry is not None and entry[0] is value:
            return entry[1]
        made = from_json(value)
        if len(seen) >= KEPT:
            seen.clear()
        seen[id(value)] = (value, made)
        return made

    def double(value: int) -> float:
        try:
            return float(value)
        except OverflowError:
            raise _Thrown(f". D1001: Number out of range: {value}") from None

    def to_json(value: Any) -> Any:
        """Plain JSON values: no null of the library's, whole floats as integers; what needs no change is kept."""
        kind = value.__class__
        if kind is int:
            return value if -MAX_WHOLE < value < MAX_WHOLE else double(value)
        if kind is str or kind is bool or value is None:
            return value
        if value is null:
            return None
        if kind is float:
            if not math.isfinite(value):
                return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[repr(value)]
            return int(value) if value.is_integer() and abs(value) < MAX_WHOLE else value
        if isinstance(value, dict):
            changed = {key: made for key, item in value.items() if (made := to_json(item)) is not item}
            return {**value, **changed} if changed else value
        if isinstance(value, list):
            if isinstance(value, utils.Utils.RangeList):
                return list(range(value.a, value.b + 1))
            made = [to_json(item) for item in value]
            return value if kind is list and all(map(operator.is_, made, value)) else made
        raise _Unsupported

    return SimpleNamespace(
        Frame=Jsonata.Frame,
        JException=jexception.JException,
        Jsonata=Jsonata,
        Symbol=Parser.Symbol,
        from_input=from_input,
        from_json=from_json,
        functions=frame,
        guard=guard,
        known=frozenset(Jsonata.static_frame.bindings) | frozenset(FUNCTIONS),
        null=null,
        parse=parse,
        templates=jexception.JException.error_codes,
        to_json=to_json,
        wrap=wrap,
    )


_CONTAINERS: Final = frozenset({dict, list})
