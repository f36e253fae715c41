"""Expressions mean the same in Python and as the JSONPath that is written for them, whatever is inside what."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

import flowdsl as f
from flowdsl.calls.lambdas import LocalLambdas
from flowdsl.engine import execute, prepare

DOCUMENT: dict[str, Any] = {"n": 7, "m": -2, "text": "it's {odd} \\", "yes": True, "no": False, "list": [3, 1, 2]}
INPUT = f.state_input
Pair = tuple[Any, Any]

numbers: st.SearchStrategy[Pair] = st.recursive(
    st.sampled_from([(INPUT.n, 7), (INPUT.m, -2), (INPUT["list"][0], 3)]),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda two: (two[0][0] + two[1][0], two[0][1] + two[1][1])),
        st.tuples(inner, st.integers(-9, 9)).map(lambda two: (two[0][0] + two[1], two[0][1] + two[1])),
        st.tuples(st.integers(-9, 9), inner).map(lambda two: (two[0] + two[1][0], two[0] + two[1][1])),
        st.tuples(inner, st.integers(-9, 9)).map(lambda two: (two[0][0] - two[1], two[0][1] - two[1])),
    ),
    max_leaves=5,
)
texts: st.SearchStrategy[Pair] = st.tuples(st.sampled_from(["", "a{", "'}", "\\"]), numbers).map(
    lambda two: (f"{two[0]}{INPUT.text}{two[1][0]}", f"{two[0]}{DOCUMENT['text']}{two[1][1]}")
)
compared: st.SearchStrategy[Pair] = st.one_of(
    st.sampled_from([(INPUT.yes, True), (INPUT.no, False), (~INPUT.yes, False)]),
    st.tuples(st.sampled_from([("n", 7), ("m", -2)]), st.integers(-3, 8)).flatmap(
        lambda two: st.sampled_from(
            [
                (INPUT[two[0][0]] == two[1], two[0][1] == two[1]),
                (INPUT[two[0][0]] != two[1], two[0][1] != two[1]),
                (INPUT[two[0][0]] < two[1], two[0][1] < two[1]),
                (INPUT[two[0][0]] >= two[1], two[0][1] >= two[1]),
                (f.one_of(INPUT[two[0][0]], two[1], "x"), two[0][1] == two[1]),
            ]
        )
    ),
)
conditions: st.SearchStrategy[Pair] = st.recursive(
    compared,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda two: (two[0][0] & two[1][0], two[0][1] and two[1][1])),
        st.tuples(inner, inner).map(lambda two: (two[0][0] | two[1][0], two[0][1] or two[1][1])),
        inner.map(lambda one: (~one[0], not one[1])),
    ),
    max_leaves=8,
)


def output(step: Any) -> Any:
    machine = f.StateMachine("m", step)
    assert not machine.problems, f.FlowError(*machine.problems)
    return execute(prepare(f.dump(machine)), DOCUMENT, invoke=LocalLambdas({})).output


@settings(deadline=None)
@given(st.one_of(numbers, texts))
def test_a_value_is_what_python_calculates(pair: Pair) -> None:
    written, expected = pair
    assert output(f.Pass("P", output={"v": written})) == {"v": expected}


@settings(deadline=None)
@given(conditions)
def test_a_condition_holds_where_it_holds_in_python(pair: Pair) -> None:
    written, expected = pair
    rule = f.when(written, f.Pass("Yes", result=True))
    assert output(f.Choice("C", rule, otherwise=f.Pass("No", result=False))) is expected
