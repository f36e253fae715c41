"""The conditions of a Choice as formulas: which can never hold, which always do, which an earlier rule takes away.

A formula is made of tests of one value each, joined by and, or and not. What a test means beyond comparing with a
constant is not known here: it is the same test only where it is written the same.
Source: ASL specification, "Choice State"; docs.jsonata.org, "Boolean Operators", "Comparison Operators".
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from ..base.diagnostics import AslPath
from ..base.named import NamedTuple

if TYPE_CHECKING:
    from ..expr.jsonata.tree import Node

MOST_TERMS: Final = 64
"""Formulas that need more alternatives than that count as possible."""
MAX_DEPTH: Final = 30


class Atom(NamedTuple):
    """A test of one value: `=`, `<`, `<=`, `>`, `>=` with a constant, `exists`, or something else, by its text."""

    subject: str
    operator: str
    constant: Any = None


class Not(NamedTuple):
    part: Formula


class And(NamedTuple):
    parts: tuple[Formula, ...]


class Or(NamedTuple):
    parts: tuple[Formula, ...]


Formula: TypeAlias = Atom | Not | And | Or
Literal: TypeAlias = tuple[Atom, bool]
"""A test that holds, or does not."""

_OPERATORS: Final = {
    "Equals": "=",
    "LessThan": "<",
    "LessThanEquals": "<=",
    "GreaterThan": ">",
    "GreaterThanEquals": ">=",
}
_KINDS: Final = ("String", "Numeric", "Boolean")
_SWAPPED: Final = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "="}
COMPARISONS: Final = frozenset(_SWAPPED)
"""The operators that compare a value with a constant."""
_AROUND: Final = frozenset({"Next", "Comment", "Assign", "Output"})


def formula_of_rule(rule: Any, depth: int = 0) -> Formula | None:
    """Return a JSONPath choice rule as a formula; None if it is not a valid rule."""
    if not isinstance(rule, dict) or depth > MAX_DEPTH:
        return None
    if "Not" in rule:
        inner = formula_of_rule(rule["Not"], depth + 1)
        return Not(inner) if inner is not None else None
    for word, join in (("And", And), ("Or", Or)):
        if word in rule:
            parts = [formula_of_rule(each, depth + 1) for each in rule[word]] if isinstance(rule[word], list) else []
            known = tuple(each for each in parts if each is not None)
            return join(known) if parts and len(known) == len(parts) else None
    variable = rule.get("Variable")
    words = [(name, value) for name, value in rule.items() if name not in _AROUND and name != "Variable"]
    if not isinstance(variable, str) or len(words) != 1:
        return None
    ((name, constant),) = words
    if name == "IsPresent" and isinstance(constant, bool):
        test = Atom(variable, "exists")
        return test if constant else Not(test)
    if name.startswith("Is") and isinstance(constant, bool):
        return Atom(variable, name) if constant else Not(Atom(variable, name))
    for kind in _KINDS:
        operator = _OPERATORS.get(name.removeprefix(kind)) if name.startswith(kind) else None
        if operator and isinstance(constant, str | int | float):
            return Atom(variable, operator, constant)
    return Atom(variable, name, json.dumps(constant, sort_keys=True, default=str))


def formula_of_condition(node: Node, text: str, depth: int = 0) -> Formula:
    """Return a JSONata condition as a formula."""
    source = _source(node, text)
    if depth > MAX_DEPTH:
        return Atom(source, "is")
    if node.kind == "block" and len(node.parts) == 1:
        return formula_of_condition(node.parts[0], text, depth + 1)
    if node.kind == "binary" and node.value in ("and", "or"):
        join = And if node.value == "and" else Or
        parts: list[Formula] = []
        for each in node.parts:
            part = formula_of_condition(each, text, depth + 1)
            parts.extend(part.parts if isinstance(part, join) else (part,))
        return join(tuple(parts))
    if _is_call(node, "not"):
        return Not(formula_of_condition(node.parts[1], text, depth + 1))
    if _is_call(node, "exists"):
        return Atom(_source(node.parts[1], text), "exists")
    if node.kind == "binary" and node.value in ("=", "!=", *_SWAPPED):
        test = _comparison(node, text)
        if test is not None:
            return Not(test) if node.value == "!=" else test
    return Atom(source, "is")


def _comparison(node: Node, text: str) -> Atom | None:
    operator = "=" if node.value == "!=" else node.value
    left, right = node.parts
    for value, constant, sign in ((left, right, operator), (right, left, _SWAPPED[operator])):
        known, content = _constant(constant, text)
        if not known or _constant(value, text)[0]:
            continue
        if sign == "=" and _is_call(value, "type") and isinstance(content, str) and content in _TYPES:
            return Atom(_source(value.parts[1], text), _TYPES[content])
        if content is not None:
            return Atom(_source(value, text), sign, content)
        if sign == "=":
            return Atom(_source(value, text), "IsNull")
    return None


_TYPES: Final = {"null": "IsNull", "string": "IsString", "number": "IsNumeric", "boolean": "IsBoolean"}
"""What JSONata's $type returns → the test of JSONPath that means the same."""


def _is_call(node: Node, name: str) -> bool:
    return node.kind == "call" and len(node.parts) == 2 and node.parts[0].value == name


def _source(node: Node, text: str) -> str:
    return "".join(text[node.start : node.end].split())


def _constant(node: Node, text: str) -> tuple[bool, Any]:
    if node.kind == "string":
        return True, node.value
    if node.kind in ("number", "unary", "value"):
        try:
            content = json.loads(text[node.start : node.end])
        except ValueError:
            return False, None
        return content is None or isinstance(content, str | int | float), content
    return False, None


def values_of(test: Atom) -> tuple[str, ...]:
    """The texts of the values that a test reads: its subject, and the one at a path that it compares with."""
    is_path = test.operator.endswith("Path") and isinstance(test.constant, str)
    operand = json.loads(test.constant) if is_path else None
    return (test.subject, operand) if isinstance(operand, str) else (test.subject,)


def is_possible(*formulas: Formula) -> bool:
    """Return False if the formulas cannot hold together; True if they may."""
    terms = _terms(And(formulas), True)
    return terms is None or any(map(_is_consistent, terms))


def _terms(formula: Formula, holds: bool) -> list[tuple[Literal, ...]] | None:
    """Return the alternatives of tests that make the formula hold, or not; None if there are too many."""
    if isinstance(formula, Atom):
        return [((formula, holds),)]
    if isinstance(formula, Not):
        return _terms(formula.part, not holds)
    if isinstance(formula, Or) is holds:
        alternatives: list[tuple[Literal, ...]] = []
        for part in formula.parts:
            terms = _terms(part, holds)
            if terms is None:
                return None
            alternatives.extend(terms)
        return alternatives if len(alternatives) <= MOST_TERMS else None
    product: list[tuple[Literal, ...]] = [()]
    for part in formula.parts:
        terms = _terms(part, holds)
        if terms is None or len(product) * len(terms) > MOST_TERMS * 4:
            return None
        product = [(*one, *other) for one in product for other in terms]
        product = [each for each in product if _is_consistent(each)]
    return product if len(product) <= MOST_TERMS else None


def _is_consistent(term: Iterable[Literal]) -> bool:
    """Return False if tests of one value contradict each other."""
    by_subject: dict[str, list[Literal]] = {}
    for test, holds in term:
        by_subject.setdefault(test.subject, []).append((test, holds))
    return all(_may_hold(literals) for literals in by_subject.values())


def _may_hold(literals: list[Literal]) -> bool:
    """Return False if these tests of one value contradict each other."""
    positive = {test for test, holds in literals if holds}
    if any(not holds and test in positive for test, holds in literals):
        return False
    compared = [test for test in positive if test.operator in _SWAPPED]
    if not compared:
        return True
    if any(not holds and test.operator == "exists" for test, holds in literals):
        return False
    kinds = {_kind(test.constant) for test in compared}
    if len(kinds) > 1 or not _may_match(literals, compared):
        return False
    (kind,) = kinds
    bounds = [(test.operator, test.constant) for test in compared]
    bounds += [
        (_OPPOSITE[test.operator], test.constant)
        for test, holds in literals
        if not holds and test.operator in _OPPOSITE and _kind(test.constant) == kind
    ]
    without = {test.constant for test, holds in literals if not holds and test.operator == "="}
    equal = {constant for operator, constant in bounds if operator == "="}
    if len(equal) > 1 or equal & without:
        return False
    return _in_order(bounds, equal)


def _may_match(literals: list[Literal], compared: list[Atom]) -> bool:
    """Return False if a pattern contradicts the text that the value is equal to."""
    texts = [test.constant for test in compared if test.operator == "=" and isinstance(test.constant, str)]
    patterns = [(json.loads(test.constant), holds) for test, holds in literals if test.operator == "StringMatches"]
    if not texts or not patterns:
        return True
    from ..expr.operators import OPERATORS

    matches = OPERATORS["StringMatches"].test
    return all(matches(text, pattern) is holds for text in texts for pattern, holds in patterns)


_OPPOSITE: Final = {"<": ">=", ">": "<=", "<=": ">", ">=": "<"}


def _in_order(bounds: list[tuple[str, Any]], equal: set[Any]) -> bool:
    tests = {
        "=": lambda a, b: a == b,
        "<": lambda a, b: a < b,
        "<=": lambda a, b: a <= b,
        ">": lambda a, b: a > b,
        ">=": lambda a, b: a >= b,
    }
    if equal:
        (value,) = equal
        return all(tests[operator](value, constant) for operator, constant in bounds)
    low = max((constant for operator, constant in bounds if operator in (">", ">=")), default=None)
    high = min((constant for operator, constant in bounds if operator in ("<", "<=")), default=None)
    if low is None or high is None or low < high:
        return True
    return bool(low == high and not any(o in ("<", ">") and c == low for o, c in bounds))


def _kind(constant: Any) -> str:
    return "boolean" if isinstance(constant, bool) else "string" if isinstance(constant, str) else "number"


def parts_of(formula: Formula) -> Iterator[Formula]:
    """Yield a formula and all formulas in it, each before its parts."""
    yield formula
    if isinstance(formula, Not):
        yield from parts_of(formula.part)
    elif isinstance(formula, And | Or):
        for each in formula.parts:
            yield from parts_of(each)


def describe(formula: Formula) -> str:
    """Return a formula as authors read it."""
    if isinstance(formula, Atom):
        if formula.operator in _SWAPPED:
            sign = "==" if formula.operator == "=" else formula.operator
            return f"{formula.subject} {sign} {json.dumps(formula.constant, ensure_ascii=False)}"
        return formula.subject if formula.operator == "is" else f"{formula.operator}({formula.subject})"
    if isinstance(formula, Not):
        part = formula.part
        if isinstance(part, Atom) and part.operator == "=":
            return f"{part.subject} != {json.dumps(part.constant, ensure_ascii=False)}"
        return f"not ({describe(part)})"
    word = " and " if isinstance(formula, And) else " or "
    return word.join(f"({describe(each)})" if isinstance(each, And | Or) else describe(each) for each in formula.parts)


def path_of_part(part: Formula, rule: Any, path: AslPath) -> AslPath:
    """Return the path of the last test inside a rule of JSONPath that says this; `path`, the rule's, if none does."""
    last, todo = path, deque([(rule, path)])
    while todo:
        inner, at = todo.popleft()
        if not isinstance(inner, dict):
            continue
        if formula_of_rule(inner) == part:
            tests = [name for name in inner if name not in _AROUND and name != "Variable"]
            last = (*at, tests[0]) if "Variable" in inner and tests else at
        for word in ("And", "Or"):
            each = inner.get(word)
            todo.extend((one, (*at, word, index)) for index, one in enumerate(each if isinstance(each, list) else []))
        if "Not" in inner:
            todo.append((inner["Not"], (*at, "Not")))
    return last


def formulas_of(state_fields: Mapping[str, Any], language: str) -> list[Formula | None]:
    """Return the formulas of a Choice's rules; None for a rule that is not understood."""
    choices = state_fields.get("Choices")
    rules = [each if isinstance(each, dict) else {} for each in choices] if isinstance(choices, list) else []
    if language != "JSONata":
        return [formula_of_rule(each) for each in rules]
    return [_of_expression(each.get("Condition")) for each in rules]


def _of_expression(condition: Any) -> Formula | None:
    if not isinstance(condition, str) or not (condition.startswith("{%") and condition.endswith("%}")):
        return None
    from .rules.jsonata import read_text

    text = condition[2:-2].strip()
    tree = getattr(read_text(text), "tree", None)
    return formula_of_condition(tree, text) if tree is not None else None
