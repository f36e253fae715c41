"""Random machines always end, fail only with errors of the language, and replay to the same history."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowdsl.base.diagnostics import FlowError
from flowdsl.engine import Call, Reply, Result, execute, prepare, replay

pytestmark = pytest.mark.slow

names = st.sampled_from(["a", "b", "c"])
scalars = st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["", "x", "2025-01-01T00:00:00Z"])
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3), max_leaves=6
)
paths = st.builds(
    lambda steps: "$" + "".join(steps), st.lists(st.sampled_from([".a", ".b", "[0]", "['c']"]), max_size=2)
)
reference_paths = st.sampled_from(["$", "$.a", "$.b.c", None])
intrinsics = st.sampled_from(
    [
        "$$.State.Name",
        "States.UUID()",
        "States.Array($.a, $.b, 1)",
        "States.Format('{} {}', $.a, $$.Execution.Name)",
        "States.MathAdd($.a, 1)",
        "States.StringToJson($.b)",
        "States.ArrayPartition($.a, 2)",
        "States.JsonMerge($.a, $.b, false)",
        "$v",
        "$w[0]",
    ]
)
templates = st.fixed_dictionaries({}, optional={"k": values, "a.$": paths, "b.$": intrinsics})
expressions = st.sampled_from(
    [
        "{% $states.input %}",
        "{% $states.input.a %}",
        "{% $states.result %}",
        "{% $states.errorOutput %}",
        "{% $states.context.State %}",
        "{% $v %}",
        "{% [1..3] %}",
        "{% $states.input.a + 1 %}",
        "{% $states.input.b > 0 %}",
        "{% $error('x') %}",
        "{% 1/0 %}",
        "{% $unknown() %}",
        "{% $partition([1, 2, 3], 2) %}",
        "{% $parse('{') %}",
        "{% $range(1, 3, 0) %}",
        "{% function($x) { $x } %}",
        "{% $map($states.input, function($x) { $x.a }) %}",
        "{% $shuffle([1..9]) %}",
        "{% {'id': $uuid(), 'at': $millis(), 'n': $random()} %}",
    ]
)
queries = expressions | st.fixed_dictionaries({}, optional={"k": values, "a": expressions, "b": expressions})
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


LAMBDA = "arn:aws:lambda:us-east-1:1:function:f"
TASKS = [
    LAMBDA,
    "arn:aws:states:::lambda:invoke",
    "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
    "arn:aws:states:::batch:submitJob.sync",
    "arn:aws:states:us-east-1:1:activity:worker",
]
WITH_RESULT = ("Pass", "Task", "Parallel", "Map")
GUARDED = ("Task", "Parallel", "Map")


@st.composite
def machines(draw: st.DrawFn, depth: int = 2, *, loops: bool = False) -> dict[str, Any]:
    """A block of up to four states; transitions go forward only, unless it may have loops."""
    count = draw(st.integers(1, 4))
    names = [f"S{number}" for number in range(count)]
    states = {name: draw(a_state(names if loops else names[number + 1 :], depth)) for number, name in enumerate(names)}
    return {"StartAt": "S0", "States": states}


@st.composite
def a_state(draw: st.DrawFn, targets: list[str], depth: int) -> dict[str, Any]:
    kinds = ["Pass", "Task", "Wait", "Succeed", "Fail"] + ["Choice"] * bool(targets) + ["Parallel", "Map"] * (depth > 0)
    kind = draw(st.sampled_from(kinds))
    language = draw(st.sampled_from(["JSONPath", "JSONPath", "JSONata"]))
    fields: dict[str, Any] = {"Type": kind, "QueryLanguage": language}
    if kind not in ("Succeed", "Fail", "Choice"):
        fields |= {"Next": draw(st.sampled_from(targets))} if targets and draw(st.booleans()) else {"End": True}
    fields |= draw((in_jsonata if language == "JSONata" else in_jsonpath)(kind, targets))
    if kind in GUARDED:
        fields |= draw(st.fixed_dictionaries({}, optional={"Retry": retry}))
    if kind == "Task":
        fields["Resource"] = draw(st.sampled_from(TASKS))
    elif kind == "Parallel":
        fields["Branches"] = draw(st.lists(machines(depth=depth - 1), min_size=1, max_size=3))
    elif kind == "Map":
        fields["ItemProcessor"] = draw(machines(depth=depth - 1))
        fields |= draw(st.fixed_dictionaries({}, optional={"MaxConcurrency": st.integers(0, 2)}))
        if draw(st.booleans()):
            config = {"Mode": "DISTRIBUTED", "ExecutionType": draw(st.sampled_from(["STANDARD", "EXPRESS"]))}
            fields["ItemProcessor"]["ProcessorConfig"] = config
            fields |= draw(distributed)
    return fields


distributed = st.fixed_dictionaries(
    {},
    optional={
        "Label": st.just("label"),
        "ToleratedFailureCount": st.integers(0, 2),
        "ToleratedFailurePercentage": st.integers(0, 100),
        "ItemBatcher": st.just({"MaxItemsPerBatch": 2}),
    },
)


@st.composite
def in_jsonpath(draw: st.DrawFn, kind: str, targets: list[str]) -> dict[str, Any]:
    """The fields of a state that depend on the query language."""
    fields: dict[str, Any] = {}
    if kind != "Fail":
        fields |= draw(st.fixed_dictionaries({}, optional=io))
    if kind in WITH_RESULT:
        fields |= draw(st.fixed_dictionaries({}, optional={"ResultPath": reference_paths}))
    if kind in ("Pass", "Task", "Parallel"):
        fields |= draw(st.fixed_dictionaries({}, optional={"Parameters": templates}))
    if kind in GUARDED:
        fields |= draw(st.fixed_dictionaries({}, optional={"ResultSelector": templates}))
    if kind in ("Pass", "Wait", *GUARDED):
        fields |= draw(
            st.fixed_dictionaries({}, optional={"Assign": st.fixed_dictionaries({"v": values, "w.$": paths})})
        )
    if kind in GUARDED and targets and draw(st.booleans()):
        catcher = {"ErrorEquals": draw(matching), "Next": draw(st.sampled_from(targets))}
        fields["Catch"] = [{**catcher, "ResultPath": draw(reference_paths)}]
    if kind == "Task":
        fields |= draw(
            st.fixed_dictionaries({"TimeoutSeconds": st.integers(2, 50)}, optional={"HeartbeatSeconds": st.just(1)})
        )
    elif kind == "Wait":
        fields |= draw(st.sampled_from([{"Seconds": 5}, {"SecondsPath": "$.a"}, {"Timestamp": "2025-02-01T00:00:00Z"}]))
    elif kind == "Fail":
        fields |= draw(st.fixed_dictionaries({}, optional={"Error": errors, "CausePath": st.just("$.a")}))
    elif kind == "Choice":
        test = draw(st.sampled_from(["IsPresent", "IsNull", "BooleanEquals"]))
        fields["Choices"] = [
            {"Variable": draw(paths), test: draw(st.booleans()), "Next": draw(st.sampled_from(targets))}
        ]
        if draw(st.booleans()):
            fields["Default"] = draw(st.sampled_from(targets))
    elif kind == "Map":
        fields |= draw(st.fixed_dictionaries({}, optional={"ItemsPath": paths, "ItemSelector": templates}))
    return fields


@st.composite
def in_jsonata(draw: st.DrawFn, kind: str, targets: list[str]) -> dict[str, Any]:
    """The fields of a state that depend on the query language."""
    fields: dict[str, Any] = {}
    if kind != "Fail":
        fields |= draw(
            st.fixed_dictionaries(
                {}, optional={"Output": queries, "Assign": st.fixed_dictionaries({"v": queries, "w": values})}
            )
        )
    if kind in ("Task", "Parallel"):
        fields |= draw(st.fixed_dictionaries({}, optional={"Arguments": queries}))
    if kind in GUARDED and targets and draw(st.booleans()):
        catcher = {"ErrorEquals": draw(matching), "Next": draw(st.sampled_from(targets))}
        fields["Catch"] = [{**catcher, **draw(st.fixed_dictionaries({}, optional={"Output": queries}))}]
    if kind == "Task":
        fields |= draw(st.sampled_from([{"TimeoutSeconds": 9}, {"TimeoutSeconds": "{% $states.input.a %}"}]))
    elif kind == "Wait":
        fields |= draw(
            st.sampled_from([{"Seconds": 5}, {"Seconds": "{% $states.input.a %}"}, {"Timestamp": "{% $v %}"}])
        )
    elif kind == "Fail":
        fields |= draw(st.fixed_dictionaries({}, optional={"Error": errors, "Cause": expressions}))
    elif kind == "Choice":
        rule = {"Condition": draw(expressions), "Next": draw(st.sampled_from(targets))}
        fields["Choices"] = [rule | draw(st.fixed_dictionaries({}, optional={"Output": queries}))]
        if draw(st.booleans()):
            fields["Default"] = draw(st.sampled_from(targets))
    elif kind == "Map":
        fields |= draw(
            st.fixed_dictionaries({}, optional={"Items": expressions | st.just([1, 2]), "ItemSelector": queries})
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
    assert 0 < len(result.history) <= 25_000
    times = [event.timestamp for event in result.history]
    assert times == sorted(times)
    assert [event.id for event in result.history] == list(range(1, len(times) + 1))
    assert all(event.previous < event.id for event in result.history)
    result.history.render()


def run(definition: dict[str, Any], document: Any, answers: list[Reply], seed: int) -> None:
    """Run it, and again from its journal."""
    program = prepare(definition)
    before = json.dumps(document)
    result = execute(program, document, invoke=Answers(answers), seed=seed)
    assert json.dumps(document) == before, "a value that entered an execution is never changed in place"
    check(result)
    again = replay(program, document, result.identity, result.settings, result.journal)
    assert again.history == result.history
    assert (again.status, again.output) == (result.status, result.output)


random = settings(
    deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
)


@settings(random, max_examples=150)
@given(machines(), values, replies, st.integers(0, 3))
def test_a_random_machine(definition: dict[str, Any], document: Any, answers: list[Reply], seed: int) -> None:
    run(definition, document, answers, seed)


@settings(random, max_examples=30)
@given(machines(depth=1, loops=True), values, replies)
def test_a_random_machine_with_loops(definition: dict[str, Any], document: Any, answers: list[Reply]) -> None:
    run(definition, document, answers, 0)


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
