"""Random machines always end, fail only with errors of the language, and replay to the same history."""

from __future__ import annotations

import contextlib
import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowdsl.diagnostics import FlowError
from flowdsl.engine import Call, Reply, Result, execute, prepare, replay

names = st.sampled_from(["a", "b", "c"])
scalars = st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["", "x", "2025-01-01T00:00:00Z"])
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3), max_leaves=6
)
paths = st.builds(
    lambda steps: "$" + "".join(steps), st.lists(st.sampled_from([".a", ".b", "[0]", "['c']"]), max_size=2)
)
reference_paths = st.sampled_from(["$", "$.a", "$.b.c", None])
templates = st.fixed_dictionaries(
    {}, optional={"k": values, "a.$": paths, "b.$": st.sampled_from(["$$.State.Name", "States.UUID()"])}
)
errors = st.sampled_from(["E", "Declined", "States.Timeout"])
matching = st.lists(errors, min_size=1, max_size=2, unique=True) | st.just(["States.ALL"])
io = {"InputPath": paths | st.none(), "OutputPath": paths | st.none()}
retry = st.lists(
    st.fixed_dictionaries(
        {"ErrorEquals": matching},
        optional={
            "IntervalSeconds": st.integers(1, 100),
            "MaxAttempts": st.integers(0, 3),
            "BackoffRate": st.floats(1, 3),
            "JitterStrategy": st.sampled_from(["FULL", "NONE"]),
        },
    ),
    max_size=2,
)


@st.composite
def machines(draw: st.DrawFn, depth: int = 2) -> dict[str, Any]:
    """A block of up to four states; transitions go forward only, so that every machine ends."""
    count = draw(st.integers(1, 4))
    states = {}
    for number in range(count):
        later = [f"S{other}" for other in range(number + 1, count)]
        states[f"S{number}"] = draw(a_state(later, depth))
    return {"StartAt": "S0", "States": states}


@st.composite
def a_state(draw: st.DrawFn, later: list[str], depth: int) -> dict[str, Any]:
    kinds = (
        ["Pass", "Task", "Wait", "Succeed", "Fail"] + (["Choice"] if later else []) + ["Parallel", "Map"] * (depth > 0)
    )
    kind = draw(st.sampled_from(kinds))
    fields: dict[str, Any] = {"Type": kind}
    if kind not in ("Succeed", "Fail", "Choice"):
        fields |= {"Next": draw(st.sampled_from(later))} if later and draw(st.booleans()) else {"End": True}
    if kind != "Fail":
        fields |= draw(st.fixed_dictionaries({}, optional=io))
    if kind in ("Pass", "Task", "Parallel", "Map"):
        fields |= draw(st.fixed_dictionaries({}, optional={"ResultPath": reference_paths}))
    if kind in ("Pass", "Task", "Parallel"):
        fields |= draw(st.fixed_dictionaries({}, optional={"Parameters": templates}))
    if kind in ("Pass", "Task", "Wait"):
        fields |= draw(
            st.fixed_dictionaries({}, optional={"Assign": st.fixed_dictionaries({"v": values, "w.$": paths})})
        )
    if kind in ("Task", "Parallel", "Map"):
        fields |= draw(st.fixed_dictionaries({}, optional={"Retry": retry}))
        if later and draw(st.booleans()):
            catcher = {"ErrorEquals": draw(matching), "Next": draw(st.sampled_from(later))}
            fields["Catch"] = [{**catcher, "ResultPath": draw(reference_paths)}]
    if kind == "Task":
        fields["Resource"] = draw(
            st.sampled_from(
                ["arn:aws:lambda:us-east-1:1:function:f", "arn:aws:states:::sqs:sendMessage.waitForTaskToken"]
            )
        )
        fields |= draw(
            st.fixed_dictionaries({"TimeoutSeconds": st.integers(1, 50)}, optional={"HeartbeatSeconds": st.just(1)})
        )
    elif kind == "Wait":
        fields |= draw(st.sampled_from([{"Seconds": 5}, {"SecondsPath": "$.a"}, {"Timestamp": "2025-02-01T00:00:00Z"}]))
    elif kind == "Fail":
        fields |= draw(st.fixed_dictionaries({}, optional={"Error": errors, "Cause": st.just("because")}))
    elif kind == "Choice":
        rule = {
            "Variable": draw(paths),
            draw(st.sampled_from(["IsPresent", "IsNull", "BooleanEquals"])): draw(st.booleans()),
        }
        fields["Choices"] = [{**rule, "Next": draw(st.sampled_from(later))}]
        if draw(st.booleans()):
            fields["Default"] = draw(st.sampled_from(later))
    elif kind == "Parallel":
        fields["Branches"] = draw(st.lists(machines(depth=depth - 1), min_size=1, max_size=3))
    elif kind == "Map":
        fields["ItemProcessor"] = draw(machines(depth=depth - 1))
        fields |= draw(
            st.fixed_dictionaries(
                {}, optional={"ItemsPath": paths, "MaxConcurrency": st.integers(0, 2), "ItemSelector": templates}
            )
        )
    return fields


class Answers:
    """Answers drawn from a list, over and over."""

    def __init__(self, replies: list[Reply]) -> None:
        self._replies = replies
        self._used = 0

    def __call__(self, call: Call) -> Reply:
        self._used += 1
        return self._replies[self._used % len(self._replies)]


replies = st.lists(
    st.builds(lambda output, seconds: Reply.succeeded(output, seconds=seconds), values, st.integers(0, 60))
    | st.builds(lambda error, seconds: Reply.failed(error, "c", seconds=seconds), errors, st.integers(0, 60))
    | st.just(Reply.timed_out()),
    min_size=1,
    max_size=4,
)
LANGUAGE = {"E", "Declined", None}


def check(result: Result) -> None:
    assert result.status in ("SUCCEEDED", "FAILED")
    assert result.error in LANGUAGE or str(result.error).startswith("States.")
    times = [event.timestamp for event in result.history]
    assert times == sorted(times)
    assert [event.id for event in result.history] == list(range(1, len(times) + 1))
    assert all(event.previous < event.id for event in result.history)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(machines(), values, replies, st.integers(0, 3))
def test_a_random_machine(definition: dict[str, Any], document: Any, answers: list[Reply], seed: int) -> None:
    program = prepare(definition)
    before = json.dumps(document)
    result = execute(program, document, invoke=Answers(answers), seed=seed)
    assert json.dumps(document) == before, "a value that entered an execution is never changed in place"
    check(result)
    result.history.render()
    again = replay(program, document, result.identity, result.settings, result.journal)
    assert again.history == result.history
    assert (again.status, again.output) == (result.status, result.output)


FIELDS = "StartAt States Type Next End Choices Resource Branches ItemProcessor Retry Catch Seconds"
names_of_fields = st.sampled_from(FIELDS.split())
states_of_types = st.sampled_from(
    ["Pass", "Task", "Choice", "Wait", "Succeed", "Fail", "Parallel", "Map", "Other", "S"]
)
anything = st.recursive(
    scalars | states_of_types,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(names_of_fields | st.just("S"), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(names_of_fields, anything), st.dictionaries(names_of_fields, anything), states_of_types)
def test_what_is_no_definition_is_refused_in_one_way(top: Any, state: Any, kind: str) -> None:
    definition = {"StartAt": "S", "States": {"S": {"Type": kind, **state}}, **top}
    with contextlib.suppress(FlowError):
        prepare(definition)
