"""Rules of a Choice that are never used, conditions that always hold, and rules that make no difference.

Source: ASL specification, "Choice State": the rules are tried in their order, and the first that holds is used.
"""

from __future__ import annotations

from typing import Any

from ...asl.tree import Node
from ...base.diagnostics import AslPath
from ...base.words import shorten
from ..conditions import (
    COMPARISONS,
    And,
    Atom,
    Formula,
    Not,
    Or,
    describe,
    formulas_of,
    is_possible,
    parts_of,
    path_of_part,
)
from ..findings import Findings
from ..registry import Code, Rule
from ..subject import Subject


def check_conditions(subject: Subject, findings: Findings) -> None:
    for state in subject.tree:
        choices = state.fields.get("Choices")
        if state.type == "Choice" and isinstance(choices, list):
            _check_state(state, choices, findings)


def _check_state(state: Node, choices: list[Any], findings: Findings) -> None:
    formulas = formulas_of(state.fields, state.language)
    atoms = [part for each in formulas if each is not None for part in parts_of(each) if isinstance(part, Atom)]
    compared = {each.subject for each in atoms if each.operator in COMPARISONS}
    # In JSONata != is false of what does not exist, so that a rule after it may be for that.
    asked = {each.subject for each in atoms if each.operator not in COMPARISONS and each.subject in compared}
    asked = asked if state.language == "JSONata" else set()
    for index, formula in enumerate(formulas):
        if formula is None:
            continue
        rule = choices[index]
        path = (*state.path, "Choices", index, *(("Condition",) if "Condition" in rule else ()))
        if findings.is_wrong(path, state.path):
            continue
        earlier = [(at, each) for at, each in enumerate(formulas[:index]) if each is not None]
        if not _check_parts(formula, rule, path, findings) and not _check_earlier(
            formula, earlier, asked, path, findings
        ):
            _check_alternatives(formula, earlier, asked, rule, path, findings)
    _check_default(state, choices, findings)


def _check_parts(formula: Formula, rule: Any, path: AslPath, findings: Findings) -> bool:
    """Report the first part of a condition that never or always holds; return True if there is one."""
    for part in parts_of(formula):
        if not isinstance(part, And | Or):
            continue
        text = shorten(describe(part))
        at, needle = path_of_part(_contradicting(part), rule, path), _needle(_contradicting(part))
        if not is_possible(part):
            message = f"the condition is never true: {text}"
            findings.warning("FD514", message, at, hint=_hint_never(part), needle=needle)
            return True
        if not is_possible(Not(part)):
            message = f"the condition is always true: {text}"
            findings.warning("FD515", message, at, hint="join the comparisons with & instead of |", needle=needle)
            return True
        twice = next((each for index, each in enumerate(part.parts) if each in part.parts[:index]), None)
        if twice is not None:
            message = f"the condition tests {describe(twice)} twice"
            at, needle = path_of_part(twice, rule, path), _needle(twice)
            findings.warning("FD515", message, at, hint="remove one of them, or correct it", needle=needle)
            return True
    return False


def _contradicting(whole: And | Or) -> Formula:
    """Return the first part with which those before it can no longer hold, or fail to hold, together; else the last."""
    for index in range(1, len(whole.parts)):
        first = whole.parts[: index + 1]
        if not is_possible(And(first) if isinstance(whole, And) else Not(Or(first))):
            return first[-1]
    return whole.parts[-1]


def _needle(formula: Formula) -> str | float | None:
    """The last constant that a formula compares with: it leads to the line of a long condition."""
    atoms = [each for each in parts_of(formula) if isinstance(each, Atom)]
    constants = [
        each.constant
        for each in atoms
        if isinstance(each.constant, str | int | float) and not isinstance(each.constant, bool)
    ]
    return constants[-1] if constants else None


def _hint_never(part: And | Or) -> str | None:
    subjects = [each.subject for each in part.parts if isinstance(each, Atom) and each.operator == "="]
    return "join the comparisons with | instead of &" if len({*subjects}) < len(subjects) else None


def _check_earlier(
    formula: Formula, earlier: list[tuple[int, Formula]], asked: set[str], path: AslPath, findings: Findings
) -> bool:
    """Report a rule that is never used, because earlier ones hold wherever it does; return True if it is one."""
    tested = {part.subject for part in parts_of(formula) if isinstance(part, Atom)}
    related = [
        (at, each)
        for at, each in earlier
        if any(isinstance(part, Atom) and part.subject in tested for part in parts_of(each))
    ]
    is_unsure = bool(asked & tested)
    one = next(
        (
            (at, each)
            for at, each in related
            if each == formula or (not is_unsure and not is_possible(formula, Not(each)))
        ),
        None,
    )
    if one is not None:
        at, each = one
        same = "has the same condition" if each == formula else f"already holds: {describe(each)}"
        message = f"this rule is never used: Choices[{at}] {same}"
    elif len(related) > 1 and not is_unsure and not is_possible(formula, *(Not(each) for _, each in related)):
        message = "this rule is never used: the rules before it hold wherever it does"
    else:
        return False
    findings.warning("FD514", message, path, hint="correct its condition, put it before the other rule, or remove it")
    return True


def _check_alternatives(
    formula: Formula,
    earlier: list[tuple[int, Formula]],
    asked: set[str],
    rule: Any,
    path: AslPath,
    findings: Findings,
) -> None:
    """Report an alternative of a rule that an earlier rule takes away, if another alternative is left."""
    for part in formula.parts if isinstance(formula, Or) else ():
        subjects = {each.subject for each in parts_of(part) if isinstance(each, Atom)}
        for at, each in earlier:
            is_covered = each == part or (not subjects & asked and not is_possible(part, Not(each)))
            if is_covered and any(isinstance(one, Atom) and one.subject in subjects for one in parts_of(each)):
                message = f"this alternative is never used, for Choices[{at}] already holds: {describe(part)}"
                where = path_of_part(part, rule, path)
                findings.warning("FD514", message, where, hint="correct it, or remove it", needle=_needle(part))
                return


def _check_default(state: Node, choices: list[Any], findings: Findings) -> None:
    """Report the last rule if it makes no difference: without it, the default leads to the same state."""
    default = state.fields.get("Default")
    last = choices[-1] if choices else None
    if not isinstance(default, str) or not isinstance(last, dict) or last.get("Next") != default:
        return
    if any(key in each for each in (last, state.fields) for key in ("Assign", "Output")):
        return
    path = (*state.path, "Choices", len(choices) - 1)
    paths = [each.path for each in findings.diagnostics if each.path[: len(state.path)] == state.path]
    if not any(each[: len(path)] == path or each == (*state.path, "Default") for each in paths):
        message = f"this rule makes no difference: the default leads to {default!r}, too"
        findings.warning("FD516", message, path, hint="remove the rule, or correct where it leads")


RULES = (
    Rule(
        check_conditions,
        (
            Code("FD514", "warning", "A rule that is never used"),
            Code("FD515", "warning", "A condition that always holds, or tests one thing twice"),
            Code("FD516", "warning", "A rule that leads where the default leads"),
        ),
    ),
)
