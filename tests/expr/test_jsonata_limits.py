"""Expressions that would take all memory or never end fail with the service's errors."""

from __future__ import annotations

from typing import Any

import pytest

from flowdsl.expr.jsonata import QueryEvaluationError, compile_jsonata
from flowdsl.expr.jsonata.engine import Limits

MEMORY = "Expression evaluation memory limit exceeded: Check for excessive memory usage"
TIMEOUT = "Expression evaluation timeout: Check for infinite loop"


def evaluate(expression: str) -> Any:
    return compile_jsonata("{% " + expression + " %}", "Output")({"input": {}}, {})


def cause(expression: str) -> str:
    with pytest.raises(QueryEvaluationError) as caught:
        evaluate(expression)
    return caught.value.cause or ""


@pytest.mark.parametrize(
    "expression",
    [
        "$pad('x', 1e9)",
        "$pad('x', 9000000)",
        "$map([1..1000], function($x){ [1..873782] })",
        "$map([1..1000], function($x){ $range(1, 100000, 1) })",
        "[1..1000].[1..873782]",
        "($f := function($n){ [$n..$n + 873781] }; $map([1..99], $f))",
        "$reduce([1..60], function($all, $n){ $append($all, $all) }, [1])",
        "$split($pad('x', 6000000), '')",
        "[1..70000].{'number': $, 'text': 'a text of some length', 'inner': {'a longer name': $, 'another name': $}}",
    ],
)
def test_memory_is_limited(expression: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flowdsl.expr.jsonata.engine.LIMITS", Limits(numbers=2_000_000))
    assert cause(expression).endswith(f"threw an error during evaluation: {MEMORY}")


def test_ranges_within_the_limit_may_be_repeated() -> None:
    assert evaluate("$sum([1..100].$sum([1..1000]))") == 50_050_000
    assert evaluate("$count($map([1..9], function($n){ $count([1..$n * 10000]) }))") == 9


@pytest.mark.parametrize(
    "expression",
    [
        "$match($pad('', 40, 'a') & '!', /^(a+)+$/)",
        "$replace($pad('', 40, 'a'), /(a*)*b/, 'x')",
        "($even := function($n){ $odd($n + 1) }; $odd := function($n){ $even($n + 1) }; $even(0))",
    ],
)
def test_time_is_limited(expression: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flowdsl.expr.jsonata.engine.LIMITS", Limits(seconds=0.05))
    assert cause(expression).endswith(f"threw an error during evaluation: {TIMEOUT}")


def test_steps_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flowdsl.expr.jsonata.engine.LIMITS", Limits(steps=1_000))
    assert cause("$sum([1..2000].($ * 2))").endswith(TIMEOUT)
