"""Choice rules of JSONPath states: `OPERATORS` says what there is, `compile_rule` makes a rule a predicate.

Source: ASL specification, "Choice State"; a value of another kind than the operator's compares as false.
"""

from __future__ import annotations

import functools
import operator
import re
from collections.abc import Callable
from typing import Any, Final

from ..base.record import Record
from .errors import StatesError
from .path.jsonpath import ABSENT, NotApplicable, NotFound, Path, compile_lookup, parse_path
from .scope import Evaluate, Scope
from .timestamps import parse_instant

Rule = Callable[[Any, Scope], bool]


class RuleError(ValueError):
    """A choice rule that CreateStateMachine refuses."""


class Operator(Record):
    """A data-test operator: the kind of its operand, whether the operand is a path to it, and the test."""

    kind: str
    """`string`, `number`, `boolean`, `timestamp`, or `test` for IsNull and its like, whose operand is a boolean."""
    is_path: bool
    test: Callable[[Any, Any], bool]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_timestamp(value: Any) -> bool:
    return isinstance(value, str) and _instant(value) is not None


_instant = functools.lru_cache(maxsize=1024)(parse_instant)


def _strings(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """Compare by UTF-16 code units, as Java does."""

    def test(value: Any, operand: Any) -> bool:
        if not (isinstance(value, str) and isinstance(operand, str)):
            return False
        return compare(value.encode("utf-16-be", "surrogatepass"), operand.encode("utf-16-be", "surrogatepass"))

    return test


def _equal_strings(value: Any, operand: Any) -> bool:
    return isinstance(value, str) and bool(value == operand)


def _numbers(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def test(value: Any, operand: Any) -> bool:
        return _is_number(value) and _is_number(operand) and compare(value, operand)

    return test


def _booleans(value: Any, operand: Any) -> bool:
    return isinstance(value, bool) and value is operand


def _timestamps(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def test(value: Any, operand: Any) -> bool:
        if not (isinstance(value, str) and isinstance(operand, str)):
            return False
        left, right = _instant(value), _instant(operand)
        return left is not None and right is not None and compare(left, right)

    return test


def _matches(value: Any, operand: Any) -> bool:
    """The parts between the wildcards stand in the value in their order, the first and the last at its ends."""
    if not (isinstance(value, str) and isinstance(operand, str)):
        return False
    first, *others = _literals(operand)
    if not others:
        return value == first
    *between, last = others
    at, end = len(first), len(value) - len(last)
    if at > end or not (value.startswith(first) and value.endswith(last)):
        return False
    for part in between:
        position = value.find(part, at, end)
        if position < 0:
            return False
        at = position + len(part)
    return True


@functools.lru_cache(maxsize=1024)
def _literals(wildcards: str) -> tuple[str, ...]:
    """What stands between the wildcards `*`; `\\*` is an asterisk and `\\\\` a backslash."""
    parts = [""]
    for piece in re.findall(r"\\.|.", wildcards, re.DOTALL):
        if piece == "*":
            parts.append("")
        else:
            parts[-1] += piece[-1]
    return tuple(parts)


def _type_test(check: Callable[[Any], bool]) -> Operator:
    return Operator("test", False, lambda value, operand: check(value) is operand)


_ORDERS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "Equals": operator.eq,
    "LessThan": operator.lt,
    "GreaterThan": operator.gt,
    "LessThanEquals": operator.le,
    "GreaterThanEquals": operator.ge,
}
_COMPARISONS: Final[dict[str, tuple[str, Callable[[Any, Any], bool]]]] = {
    **{f"String{name}": ("string", _strings(order)) for name, order in _ORDERS.items()},
    **{f"Numeric{name}": ("number", _numbers(order)) for name, order in _ORDERS.items()},
    **{f"Timestamp{name}": ("timestamp", _timestamps(order)) for name, order in _ORDERS.items()},
    "StringEquals": ("string", _equal_strings),
    "BooleanEquals": ("boolean", _booleans),
}
OPERATORS: Final[dict[str, Operator]] = {
    **{name: Operator(kind, False, test) for name, (kind, test) in _COMPARISONS.items()},
    **{f"{name}Path": Operator(kind, True, test) for name, (kind, test) in _COMPARISONS.items()},
    "StringMatches": Operator("string", False, _matches),
    "IsNull": _type_test(lambda value: value is None),
    "IsPresent": _type_test(lambda value: value is not ABSENT),
    "IsNumeric": _type_test(_is_number),
    "IsString": _type_test(lambda value: isinstance(value, str)),
    "IsBoolean": _type_test(lambda value: isinstance(value, bool)),
    "IsTimestamp": _type_test(_is_timestamp),
}


def compile_rule(rule: dict[str, Any]) -> Rule:
    """Compile a rule; what belongs to the state around it (Next, Assign, Output, Comment) is not looked at.

    Raises RuleError or PathSyntaxError. A path that finds nothing is States.Runtime at run time, save for IsPresent.
    And, Or and Not look only at as many rules as they need.
    """
    if "And" in rule:
        rules = _rules(rule, "And")
        return lambda document, scope: all(each(document, scope) for each in rules)
    if "Or" in rule:
        rules = _rules(rule, "Or")
        return lambda document, scope: any(each(document, scope) for each in rules)
    if "Not" in rule:
        negated = compile_rule(_rule(rule["Not"], "Not"))
        return lambda document, scope: not negated(document, scope)
    named = [name for name in rule if name in OPERATORS]
    if len(named) != 1 or "Variable" not in rule:
        raise RuleError("a choice rule needs Variable and one comparison, or one of And, Or and Not")
    (name,) = named
    operand = rule[name]
    compared = OPERATORS[name]
    test = compared.test
    _refuse_another_kind("Variable", rule["Variable"], "path")
    _refuse_another_kind(name, operand, "path" if compared.is_path else compared.kind)
    if name == "IsPresent":
        present = _lookup(parse_path(rule["Variable"]))
        return lambda document, scope: test(present(document, scope), operand)
    variable = _required(rule["Variable"])
    if compared.is_path:
        other = _required(operand)
        return lambda document, scope: test(variable(document, scope), other(document, scope))
    return lambda document, scope: test(variable(document, scope), operand)


def _rules(rule: dict[str, Any], name: str) -> tuple[Rule, ...]:
    rules = rule[name]
    if not isinstance(rules, list) or not rules:
        raise RuleError(f"{name} must be a list of rules with at least one, not {rules!r}")
    return tuple(compile_rule(_rule(each, name)) for each in rules)


def _rule(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise RuleError(f"a rule of {name} must be an object, not {value!r}")
    return value


_KINDS: Final[dict[str, tuple[str, Callable[[Any], bool]]]] = {
    "path": ("a path", lambda value: isinstance(value, str)),
    "string": ("a string", lambda value: isinstance(value, str)),
    "number": ("a number", _is_number),
    "boolean": ("true or false", lambda value: isinstance(value, bool)),
    "timestamp": ("a timestamp such as 2024-01-31T12:00:00Z", _is_timestamp),
    "test": ("true or false", lambda value: isinstance(value, bool)),
}


def _refuse_another_kind(name: str, value: Any, kind: str) -> None:
    what, fits = _KINDS[kind]
    if not fits(value):
        raise RuleError(f"{name} must be {what}, not {value!r}")


def _lookup(path: Path) -> Evaluate:
    """The value or ABSENT."""
    lookup = compile_lookup(path)

    def evaluate(document: Any, scope: Scope) -> Any:
        try:
            return lookup(document, scope)
        except (NotFound, NotApplicable):
            return ABSENT

    return evaluate


def _required(text: str) -> Evaluate:
    lookup = compile_lookup(parse_path(text))

    def evaluate(document: Any, scope: Scope) -> Any:
        try:
            value = lookup(document, scope)
        except (NotFound, NotApplicable):
            value = ABSENT
        if value is ABSENT:
            raise StatesError(
                "States.Runtime",
                f"Invalid path '{text}': The choice state's condition path references an invalid value.",
            )
        return value

    return evaluate
