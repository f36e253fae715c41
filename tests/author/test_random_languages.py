"""Random flows mean the same in both query languages: same states at the same times, same output, same error.

Left out is where AWS's languages differ: States.MathAdd takes 32 bits, States.Format writes objects as Java does.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import flowdsl as f
from flowdsl.asl.placeholders import fill_placeholders
from flowdsl.author import intrinsic
from flowdsl.author.fields import Language
from flowdsl.engine import Call, Reply, Result, execute, prepare

pytestmark = pytest.mark.slow

WORK = f.Function("work", "handlers/work")
NUMBERS = ("a", "b")
"""The fields that every document here has: two numbers, a text, a list of objects like it, and null."""
leaves = st.fixed_dictionaries(
    {
        "a": st.integers(-3, 9),
        "b": st.sampled_from([0, 1, 7, 2**40]),
        "text": st.sampled_from(["", "x", "it's", "a,b", "é€😀", "2025-01-01T00:00:00Z"]),
        "list": st.just([]),
        "none": st.none(),
    }
)
documents = st.builds(lambda document, items: {**document, "list": items}, leaves, st.lists(leaves, max_size=3))
answers = st.lists(
    st.builds(lambda output, seconds: Reply.succeeded(output, seconds=seconds), documents, st.integers(0, 60))
    | st.builds(
        lambda error, seconds: Reply.failed(error, "c", seconds=seconds), st.sampled_from(["E", "D"]), st.integers(0, 9)
    )
    | st.just(Reply.timed_out()),
    min_size=1,
    max_size=4,
)
fields = st.sampled_from(["a", "b", "text", "list", "none"]).map(lambda name: f.state_input[name])
numbers = st.sampled_from(NUMBERS).map(lambda name: f.state_input[name])
values = (
    fields
    | st.sampled_from([f.state_input, f.context.State.Name, f.context.Execution.Input.a, f.var.v])
    | st.builds(
        intrinsic.format, st.sampled_from(["{}!", "its {}"]), st.sampled_from([f.state_input.a, f.state_input.text])
    )
    | st.builds(intrinsic.array, fields, numbers)
    | st.builds(intrinsic.math_add, st.just(f.state_input.a), st.integers(-2, 2))
    | st.builds(intrinsic.array_length, st.just(f.state_input.list))
    | st.builds(intrinsic.json_to_string, st.just(f.state_input.list))
    | st.builds(intrinsic.hash, st.just(f.state_input.text), st.just("SHA-256"))
    | st.sampled_from([1, "it's", None, True, [], {}, {"k": [1, "$.a"]}])
)
templates = st.dictionaries(st.sampled_from(["k", "l", "m"]), values | st.lists(fields, max_size=2), max_size=3)
tests = st.recursive(
    st.builds(lambda number, limit: number < limit, numbers, st.integers(-1, 8))
    | st.builds(lambda number: f.number(number) == f.state_input.b, numbers)
    | st.builds(lambda text: f.state_input.text == text, st.sampled_from(["", "x", "it's", "é€😀"]))
    | st.sampled_from(
        [
            *(f.is_present(f.state_input.a), f.is_present(f.state_input.missing), f.is_null(f.state_input.none)),
            *(f.is_string(f.state_input.text), f.is_numeric(f.state_input.text), f.is_timestamp(f.state_input.text)),
            f.matches(f.state_input.text, "*,*"),
        ]
    ),
    lambda inner: (
        st.builds(lambda one, two: one & two, inner, inner)
        | st.builds(lambda one, two: one | two, inner, inner)
        | st.builds(lambda one: ~one, inner)
    ),
    max_leaves=3,
)
places = st.sampled_from([f.DISCARD, "r", "s"])


@st.composite
def steps(draw: st.DrawFn, names: Iterator[int], depth: int = 2) -> Any:
    """One to four steps, after which the document still has its fields."""
    return f.chain(*(draw(a_step(names, depth)) for _ in range(draw(st.integers(1, 4)))))


@st.composite
def a_step(draw: st.DrawFn, names: Iterator[int], depth: int) -> Any:
    kinds = ["Pass", "Pass", "Task", "Task", "Wait", "Assign", *(("Choice", "Parallel", "Map") if depth else ())]
    kind, name = draw(st.sampled_from(kinds)), f"S{next(names)}"
    if kind == "Pass":
        return f.Pass(name, output=draw(fields | templates), into=draw(st.sampled_from(["r", "s"])))
    if kind == "Assign":
        return f.Pass(name, assign={"v": draw(fields)})
    if kind == "Wait":
        return f.Wait(name, seconds=draw(st.integers(0, 99)))
    if kind == "Choice":
        return f.Choice(
            name, f.when(draw(tests), draw(steps(names, depth - 1))), otherwise=draw(steps(names, depth - 1))
        )
    catch = [f.catch(draw(st.sampled_from(["E", "States.ALL"])), into="error")] if draw(st.booleans()) else []
    retry = [f.retry(draw(st.sampled_from(["D", "States.ALL"])), max_attempts=draw(st.integers(0, 2)))]
    common = {"into": draw(places), "catch": catch, "retry": retry if draw(st.booleans()) else []}
    if kind == "Task":
        return f.Task(name, WORK, payload=draw(templates), timeout=draw(st.integers(10, 50)), **common)
    inside = steps(names, depth - 1)
    if kind == "Parallel":
        return f.Parallel(name, *draw(st.lists(inside, min_size=1, max_size=3)), **common)
    return f.Map(
        name, items=f.state_input.list, processor=draw(inside), max_concurrency=draw(st.integers(0, 2)), **common
    )


flows = st.builds(itertools.count).flatmap(steps)


def run(step: Any, language: Language, document: Any, replies: list[Reply]) -> Result:
    machine = f.StateMachine("m", f.chain(f.Pass("Begin", assign={"v": 0}), step), query_language=language)
    assert not machine.problems, f.FlowError(*machine.problems)
    definition = fill_placeholders(f.dump(machine), region="eu-west-1", account="111122223333")
    calls = itertools.count()

    def answer(call: Call) -> Reply:
        return replies[next(calls) % len(replies)]

    return execute(prepare(definition), document, invoke=answer, name="x", seed=1)


@settings(
    deadline=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
@given(flows, documents, answers)
def test_a_random_flow_does_the_same_in_both_languages(step: Any, document: Any, replies: list[Reply]) -> None:
    one, two = run(step, "JSONPath", document, replies), run(step, "JSONata", document, replies)
    assert (one.status, one.error, one.output) == (two.status, two.error, two.output), (one.cause, two.cause)
    assert [_happened(event) for event in one.history] == [_happened(event) for event in two.history]


def _happened(event: Any) -> tuple[Any, ...]:
    details = event.details or {}
    return event.type, event.timestamp, event.name, details.get("input"), details.get("output")
