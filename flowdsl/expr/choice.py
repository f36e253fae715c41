"""Choice rules of JSONPath states as predicates; operators.py has the comparisons.

Source: ASL specification, "Choice State"; a value of another kind than the operator's compares as false.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from .errors import StatesError
from .operators import OPERATORS, is_number, is_timestamp
from .path.jsonpath import ABSENT, NotApplicable, NotFound, Path, compile_lookup, parse_path
from .scope import Evaluate, Scope

Rule = Callable[[Any, Scope], bool]


class RuleError(ValueError):
    """A choice rule that CreateStateMachine refuses."""


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
    "number": ("a number", is_number),
    "boolean": ("true or false", lambda value: isinstance(value, bool)),
    "timestamp": ("a timestamp such as 2024-01-31T12:00:00Z", is_timestamp),
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
