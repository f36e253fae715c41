"""Expressions that nest more levels than Step Functions evaluates: the checker says so, and the engine fails."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from flowdsl import Pass, StateMachine, dump, state_input
from flowdsl.check import check
from flowdsl.engine import execute, prepare

LEVELS: dict[str, tuple[Callable[[int], str], int]] = {
    "sum": (lambda n: " + ".join(["1"] * n), 100),
    "text": (lambda n: " & ".join(["'a'"] * n), 100),
    "and": (lambda n: " and ".join(["true"] * n), 100),
    "parentheses": (lambda n: "(" * n + "1" + ")" * n, 99),
    "lists": (lambda n: "[" * n + "1" + "]" * n, 99),
    "objects": (lambda n: '{"a": ' * n + "1" + "}" * n, 99),
    "calls": (lambda n: "$not(" * n + "true" + ")" * n, 99),
    "steps": (lambda n: "([" * n + "1" + "])[0]" * n, 49),
}
"""An expression that repeats something so many times, and how often that may be."""
NOT_EVALUATED = {
    "after a condition": "true ? 1 : " + " + ".join(["1"] * 101),
    "in a function": "$map([], function($v) { " + " + ".join(["1"] * 101) + " })",
    "behind an operator": "false and (" + " + ".join(["1"] * 101) + ") = 1",
    "a path": "$states.input" + ".a" * 200,
}


def machine(expression: str) -> dict[str, object]:
    state = {"Type": "Pass", "Output": f"{{% {expression} %}}", "End": True}
    return {"QueryLanguage": "JSONata", "StartAt": "A", "States": {"A": state}}


def outcome(expression: str) -> tuple[list[str], bool]:
    """The codes of the findings, and whether the expression fails for its depth."""
    result = execute(prepare(machine(expression)), {"a": 1}, invoke=None)
    return [each.code for each in check(machine(expression))], "Depth=101" in (result.cause or "")


@pytest.mark.parametrize("name", LEVELS)
def test_the_checker_reports_what_the_engine_refuses(name: str) -> None:
    make, most = LEVELS[name]
    assert outcome(make(most)) == ([], False)
    assert outcome(make(most + 1)) == (["FD751"], True)


@pytest.mark.parametrize("expression", NOT_EVALUATED.values(), ids=NOT_EVALUATED)
def test_what_is_not_evaluated_may_be_deeper(expression: str) -> None:
    assert outcome(expression) == ([], False)


def test_a_sum_in_python() -> None:
    total = sum((state_input.amounts[index] for index in range(101)), start=state_input.fee)
    flow = StateMachine("m", Pass("A", output={"total": total}), query_language="JSONata")
    [found] = check(dump(flow), python=True)
    assert found.code == "FD751"
    assert "fn.sum" in (found.hint or "")
