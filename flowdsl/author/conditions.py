"""Tests of values, which a `when` asks, and what depends on them: `cond` and `where`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..base.arguments import WrongArgument
from ..base.source import caller
from . import nodes
from .expressions import INDEXED, Condition, Expression, Path, Value, node_of, traced
from .nodes import Mark
from .tokens import has_tokens, split


def marked(path: Expression, mark: Mark) -> Path:
    node = path._node if isinstance(path, Expression) else None
    if not isinstance(node, nodes.Path):
        raise TypeError(f"only a path can be marked as a {mark.lower()}, not {path!r}; use the functions of fn")
    return Path(node.root, node.steps, mark)


def number(path: Path) -> Path:
    """The path as a number, for a comparison with another path under JSONPath. (`fn.number` converts a text.)"""
    return marked(path, "Numeric")


def string(path: Path) -> Path:
    """The path as a string, for a comparison with another path under JSONPath. (`fn.string` converts a value.)"""
    return marked(path, "String")


def boolean(path: Path) -> Path:
    """The path as a boolean, for a comparison with another path under JSONPath."""
    return marked(path, "Boolean")


def timestamp(path: Path) -> Path:
    """The path as a timestamp, for a comparison with another path or with RFC 3339 text."""
    return marked(path, "Timestamp")


def _test(value: Expression, operator: str, pattern: bool | str = True) -> Condition:
    _needs_expression(value, "path", "a value of the flow")
    if isinstance(pattern, Expression) or not isinstance(pattern, str | bool) or has_tokens(str(pattern)):
        if isinstance(pattern, str):
            split(pattern)
        hint = "write the pattern as constant text, or use fn.contains"
        raise WrongArgument("the pattern of matches is known only when the flow runs", hint, "#1", "pattern")
    return Condition(nodes.Test(node_of(value), operator, pattern, origin=caller()))


def is_present(path: Expression) -> Condition:
    """True if the path leads to a value, which may be null."""
    return _test(path, "IsPresent")


def is_null(path: Expression) -> Condition:
    """True if the value is null."""
    return _test(path, "IsNull")


def is_string(path: Expression) -> Condition:
    """True if the value is a string."""
    return _test(path, "IsString")


def is_numeric(path: Expression) -> Condition:
    """True if the value is a number."""
    return _test(path, "IsNumeric")


def is_boolean(path: Expression) -> Condition:
    """True if the value is a boolean."""
    return _test(path, "IsBoolean")


def is_timestamp(path: Expression) -> Condition:
    """True if the value is a string that holds an RFC 3339 timestamp."""
    return _test(path, "IsTimestamp")


def matches(path: Expression, pattern: str) -> Condition:
    r"""True if the string matches a pattern in which `*` stands for any characters (`\*` for itself)."""
    return _test(path, "StringMatches", pattern)


def _needs_expression(value: object, name: str, what: str) -> None:
    if not isinstance(value, Expression):
        hint = "write a path, such as state_input.status"
        raise WrongArgument(f"the first argument is {what}, not {value!r}", hint, "#0", name)


def one_of(value: Expression, *values: Value) -> Condition:
    """True if the value equals one of these.

    >>> one_of(state_input.status, "paid", "refunded")
    one_of(state_input.status, 'paid', 'refunded')
    """
    _needs_expression(value, "value", "the value of the flow that is looked for")
    if not values:
        raise WrongArgument("one_of has nothing to compare with", "write one_of(path, 'a', 'b')")
    if isinstance(values[0], list | tuple | set | frozenset):
        hint = "write one_of(path, 'a', 'b'), or one_of(path, *values)"
        raise WrongArgument("one_of takes the values one after the other, not a list", hint, "#1")
    return Condition(nodes.Comparison("in", node_of(value), node_of(list(values)), origin=caller()))


def cond(test: Expression, then: Value, otherwise: Value) -> Expression:
    """`then` if the test holds, or else `otherwise`.

    >>> cond(var.failed > 0, "PARTIAL", "COMPLETE")
    cond(var.failed > 0, 'PARTIAL', 'COMPLETE')
    """
    if not isinstance(test, Expression):
        what = f"the first argument of cond is a condition, not {test!r}, which is known while Python runs"
        raise WrongArgument(what, "compare a value of the flow, or use Python's a if test else b", "#0", "test")
    return Expression(nodes.Conditional(test._node, node_of(then), node_of(otherwise), origin=caller()))


def where(items: Value, condition: Callable[..., Any]) -> Expression:
    """The items for which the condition holds, as a list.

    >>> where(state_input.orders, lambda order: order.total > 100)
    fn.filter(state_input.orders, lambda order: order.total > 100)
    """
    return Expression(
        nodes.FunctionCall("filter", (node_of(items), traced(condition, 3, INDEXED)), "list", origin=caller())
    )
