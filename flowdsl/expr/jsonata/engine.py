"""jlens, the JSONata engine, made to behave as the service does.

The engine reads its input one level at a time as an expression reaches it, but converts bindings whole. So `$states`
and the variables are the input, and a prefix binds them: `($states:=$$.states;{"v":…})`. The object around the
expression tells undefined, which it drops, from null.

Source: Step Functions Developer Guide, "Transforming data with JSONata in Step Functions".
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from ...base.diagnostics import Diagnostic, FlowError
from ...base.patterns import regex
from ...base.record import Record
from .checks import (
    ALIASES,
    CAREFUL_REPLACE,
    CHECKS,
    LINEAR_DISTINCT,
    may_give_nan,
    may_grow,
    may_read_input,
    unmarked,
    with_checks,
)
from .errors import (
    MAX_CHARACTERS,
    MAX_DEPTH,
    STACK_OVERFLOW,
    FunctionError,
    InternalError,
    JsonataSyntaxError,
    Thrown,
    message_of,
    sentence,
)
from .exact import with_exact_integers
from .functions import FUNCTIONS, KNOWN, ParsedNull, budget
from .shortcuts import UNDEFINED, Run, shortcut
from .tree import Node, parse, walk

if TYPE_CHECKING:
    from types import ModuleType

    from jlens import Expression, JlensError


class Limits(Record):
    """What one evaluation may use before it fails."""

    depth: int = MAX_DEPTH
    """Levels of nesting."""
    seconds: float = 5.0
    """Real time, whatever the engine's clock says."""
    steps: int = 20_000_000
    """Parts of the expression that are evaluated."""
    items: int = 873_782
    """Items of one array: `[1..n]` with one more has been seen to exceed the memory of an expression."""
    numbers: int = 10_000_000
    """Numbers that the ranges of one evaluation may make together: 160 MB."""
    characters: int = MAX_CHARACTERS


LIMITS: Final = Limits()
"""The service's, as far as they have been measured (floci-io/floci#2737)."""
_PREFIX_DEPTH: Final = 2
"""How deep the prefix nests an expression."""
_CHECK_DEPTH: Final = 2
"""How deep the check of a result nests it."""


@functools.cache
def engine_module() -> ModuleType:
    """Import jlens when the first expression is compiled. Raises FlowError if it is not installed."""
    try:
        import jlens
    except ModuleNotFoundError as error:
        message = "a JSONata expression needs jlens, which is not installed"
        raise FlowError(Diagnostic("FD900", message, (), hint='run: pip install "flowdsl[jsonata]"')) from error
    return jlens


@functools.lru_cache(maxsize=4096)
def compile_expression(text: str) -> Run:
    """Compile an expression (without its `{% %}`). Raises JsonataSyntaxError."""
    root = parse_expression(text)
    try:
        evaluator = Evaluator(text, root, LIMITS)
        return shortcut(root, evaluator.run) or evaluator.run
    except RecursionError:
        return _overflow


def _overflow(*_: Any) -> Any:
    raise Thrown(f": {STACK_OVERFLOW}")


def parse_expression(text: str) -> Node:
    """The syntax tree of an expression. Raises JsonataSyntaxError."""
    jlens = engine_module()
    text = _encodable(text)
    try:
        jlens.Expression(text)
    except jlens.JlensError as error:
        code, offset = error.code, error.start or 0
        raise JsonataSyntaxError(code if code.startswith("S") else "S0500", message_of(error), offset) from None
    try:
        return parse(text)
    except RecursionError:
        raise JsonataSyntaxError("S0500", "nested too deeply", 0) from None


_SURROGATE: Final = regex("[\ud800-\udfff]")


def _encodable(text: str) -> str:
    """The text with the replacement character for half a surrogate pair, which the engine refuses."""
    return _SURROGATE.sub("\ufffd", text)


class Evaluator:
    """One expression and the ways to evaluate it, each compiled when it is first used."""

    def __init__(self, text: str, root: Node, limits: Limits) -> None:
        jlens = engine_module()
        self._limits = limits
        self._error: type[JlensError] = jlens.JlensError
        self._has_surrogate = _SURROGATE.search(text) is not None
        self._text = _encodable(text)
        self._root = root
        names = {each.value for each in walk(root) if each.kind == "variable"} - {"", "$"}
        self._bound = sorted(name for name in names - KNOWN - {"states", "eval"} if re.fullmatch(r"\w+", name))
        """Variables that the prefix binds."""
        self._like_functions = sorted(names & KNOWN)
        """Names of functions, which a variable may have too."""
        self._functions = names & FUNCTIONS.keys()
        self._has_eval = "eval" in names
        self._has_clock = not names.isdisjoint(("now", "millis"))
        self._reads_states = "states" in names
        # Without an input of its own, the expression gets $states and variables as bindings.
        self._has_context = may_read_input(root) and "input" in jlens.Expression(self._text).reads()
        self._may_give_nan = may_give_nan(root)
        self._may_grow = may_grow(root)
        self._has_distinct = "distinct" in names
        self._operators = [
            (each.value, each.parts[1]) for each in walk(root) if each.kind == "binary" and each.value in ("and", "or")
        ]

    @functools.cached_property
    def _plain(self) -> tuple[Expression, int | None, dict[str, Any]]:
        """The compiled expression; where its own text begins in it, None if checks are written into that; options."""
        body = with_checks(self._text, self._root)
        has_checks = body != self._text
        prefix, expression = self._compiled(body)
        options = {
            "timeout": self._limits.seconds,
            "max_depth": self._limits.depth + _PREFIX_DEPTH + (_CHECK_DEPTH if has_checks else 0),
            "max_steps": self._limits.steps,
            "max_array_length": self._limits.items,
            "max_string_length": self._limits.characters,
            "max_result_size": self._limits.characters,
        }
        return expression, None if has_checks else prefix, options

    @functools.cached_property
    def _exact(self) -> Expression:
        return self._compiled(with_checks(self._text, self._root, exact=True))[1]

    def _compiled(self, body: str) -> tuple[int, Expression]:
        bindings = ""
        if "$__" in body:
            bindings = ALIASES
        if self._may_grow:
            bindings += CAREFUL_REPLACE
        if self._has_distinct:
            bindings += LINEAR_DISTINCT
        if not self._has_context:
            bindings += "$states:=$$.states;" if self._reads_states else ""
            bindings += "".join(f"${name}:=$$.variables.`{name}`;" for name in self._bound)
        prefix, suffix = f'({bindings}{{"v":', "})"
        if self._has_context:  # an object would go through an array of its context
            prefix, suffix = f"({bindings}$__v:=", ';{"v":$__v})'
        expression: Expression = engine_module().Expression(prefix + body + suffix)
        for name in self._functions:
            expression.register_function(name, FUNCTIONS[name].apply, FUNCTIONS[name].signature)
        for name, check in CHECKS.items():
            if name in prefix + body:
                expression.register_function(name, check)
        if self._has_surrogate:
            for name in ("encodeUrl", "encodeUrlComponent"):
                expression.register_function(name, functools.partial(_refuse_surrogate, name), "<s-:s>")
        return len(prefix), expression

    def run(self, states: Mapping[str, Any], variables: Mapping[str, Any], now: Callable[[], float]) -> Any:
        """Evaluate; UNDEFINED if the result is undefined. Raises Thrown, Unsupported or InternalError."""
        expression, start, options = self._plain
        if self._has_clock:
            options = {**options, "now": math.floor(now() * 1000)}
        try:
            result = self._evaluate(expression, states, variables, options)
        except ParsedNull:
            return self._evaluate_exactly(states, variables, options)
        except self._error as error:
            text = sentence(error, self._operator_around(error, start))
            if error.code != "D1001" or error.value is not None:
                raise Thrown(text) from None
            return self._evaluate_exactly(states, variables, options, text)
        if self._may_give_nan and _has_null(result):
            return self._evaluate_exactly(states, variables, options)
        return result

    def _evaluate_exactly(
        self,
        states: Mapping[str, Any],
        variables: Mapping[str, Any],
        options: dict[str, Any],
        failure: str | None = None,
    ) -> Any:
        """`failure` is what the ordinary evaluation threw, which stays if this one fails in the engine too."""
        try:
            result = self._evaluate(self._exact, states, variables, {**options, "max_depth": 4 * self._limits.depth})
        except self._error as error:
            raise Thrown(failure or sentence(error, None)) from None
        except ParsedNull:  # the expression has a $parse of its own beside the function
            raise InternalError from None
        return unmarked(result)

    def _evaluate(
        self,
        expression: Expression,
        states: Mapping[str, Any],
        variables: Mapping[str, Any],
        options: dict[str, Any],
    ) -> Any:
        bindings = {name: variables[name] for name in self._like_functions if name in variables}
        if self._has_eval:
            bindings["eval"] = None  # The service does not support $eval, so a call to it calls null.
        budget.numbers = self._limits.numbers
        try:
            if self._has_context:
                bindings["states"] = states
                bindings.update((name, variables[name]) for name in self._bound if name in variables)
                result = self.evaluate_on_own_input(expression, states, bindings, options)
            else:
                document = {"states": states, "variables": variables}
                result = expression.evaluate(document, bindings, **options)
        except FunctionError as error:
            raise Thrown(f". {error}") from None
        return with_exact_integers(result.get("v", UNDEFINED), states, variables)

    def evaluate_on_own_input(
        self,
        expression: Expression,
        states: Mapping[str, Any],  # noqa: ARG002 - for evaluators whose expressions have an input
        bindings: dict[str, Any],
        options: dict[str, Any],
    ) -> Any:
        """Evaluate an expression that reads its own input, `$$`, which is undefined in Step Functions."""
        return expression.evaluate(None, bindings, **options)

    def _operator_around(self, error: JlensError, start: int | None) -> str | None:
        """The outermost `and` or `or` in whose right side the error is."""
        if start is None or error.start is None:
            return None
        at = error.start - start
        return next((name for name, right in self._operators if right.start <= at < right.end), None)


def _refuse_surrogate(name: str, text: Any) -> Any:
    from urllib.parse import quote

    if text is not None and "\ufffd" in text:
        raise FunctionError(f'D3140: Malformed URL passed to ${name}(): "\ufffd"')
    return None if text is None else quote(text, safe="!~*'()" if name.endswith("Component") else "!~*'();/?:@&=+$,#")


def _has_null(value: Any) -> bool:
    if value is None:
        return True
    if isinstance(value, dict):
        return any(map(_has_null, value.values()))
    return isinstance(value, list) and any(map(_has_null, value))
