"""Expressions that would take all memory or never end fail with the service's errors."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest

from flowdsl.expr.jsonata import QueryEvaluationError, compile_jsonata
from flowdsl.expr.jsonata.engine import Limits

MEMORY = "Expression evaluation memory limit exceeded: Check for excessive memory usage"
TIMEOUT = "Expression evaluation timeout: Check for infinite loop"


def evaluate(expression: str) -> Any:
    return compile_jsonata("{% " + expression + " %}", "Output")({"input": {"secret": 1}}, {"b": "secret"})


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
        f"[{','.join(['[1..800000]'] * 20)}]",
        f"({';'.join(f'$v{number} := [1..800000]' for number in range(20))})",
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


def test_a_long_array_has_its_distinct_items_soon() -> None:
    assert evaluate("$count($distinct([1..100000]))") == 100_000
    assert evaluate("$distinct($append([3, 1, 3, true, {'a': [1]}], [1..1000]))[[0..4]]") == [3, 1, True, {"a": [1]}, 2]
    assert evaluate("$distinct($map([1..2000], function($n){ {'b': $n % 3, 'a': [$n % 2]} })).b") == [1, 2, 0, 1, 2, 0]
    assert evaluate("$distinct($map([1..2000], function($n){ 'EUR' }))") == "EUR"
    assert evaluate("[1..2000] ~> $distinct ~> $count") == 2_000
    assert evaluate("($distinct := 5; $distinct)") == 5


@pytest.mark.parametrize(
    "expression",
    [
        "states",
        "$uppercase()",
        "$sum($states.input.a) + states",
        "$",
        "'states'.input",
        "{'k': variables}",
        "$string()",
        "*",
        "(function(){ states })()",
        "$states.input.(function(){ $$.states })()",
        "$count(**)",
        "[states]",
    ],
)
def test_no_expression_reads_how_its_values_are_passed(expression: str) -> None:
    """The engine gets `$states` and variables as its input, which in Step Functions no expression has."""
    with contextlib.suppress(QueryEvaluationError):
        assert "secret" not in json.dumps(evaluate(expression))
