"""The checker answers whatever it is given."""

from __future__ import annotations

import copy
import json
import random
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowdsl.author.fields import by_asl_name
from flowdsl.author.graphs import Processor
from flowdsl.author.machine import StateMachine
from flowdsl.author.states import STATES, Catcher, ItemBatcher, ItemReader, ReaderConfig, ResultWriter, Retrier, Rule
from flowdsl.base.diagnostics import Diagnostic
from flowdsl.check import check, check_text
from flowdsl.check.dataflow.annotations import Data
from flowdsl.check.dataflow.shapes import Member, ObjectShape, ScalarShape
from flowdsl.check.rules.choices import WORDS
from tests.conformance_data import definitions

pytestmark = pytest.mark.slow

PARTS = (*STATES.values(), StateMachine, Processor, Catcher, Retrier, Rule)
PARTS += (ItemReader, ReaderConfig, ItemBatcher, ResultWriter)
KEYS = sorted({key for part in PARTS for key in by_asl_name(part)} | {"Type", "x.$", "a", *WORDS})
TEXTS = [
    *("$", "$.a", "$$.Execution.Id", "$v", "$.a[*]", "$..a", "$.a[", "A", "B", "", "${X}", "{% $states.input.a %}"),
    *("{% $v %}", "{% 1 + %}", "{%", "%}", "States.Format('{}', $.a)", "States.MathAdd(1)", "JSONata", "JSONPath"),
    *("States.ALL", "arn:aws:states:::sqs:sendMessage", "arn:aws:states:::aws-sdk:s3:getObject.sync", "DISTRIBUTED"),
    *("arn:aws:lambda:us-east-1:1:function:f", "2024-01-01T00:00:00Z", *STATES),
]
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(TEXTS) | st.text(max_size=5)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=3), inner, max_size=6)
    ),
    max_leaves=25,
)
states = st.dictionaries(st.sampled_from(KEYS), values, max_size=8).flatmap(
    lambda fields: st.sampled_from(sorted(STATES)).map(lambda name: {**fields, "Type": name})
)
machines = st.dictionaries(st.sampled_from("ABCD"), states, max_size=4).map(lambda s: {"StartAt": "A", "States": s})

quick = settings(max_examples=200, deadline=None, suppress_health_check=[*HealthCheck])


def is_answer(found: list[Diagnostic]) -> bool:
    for each in found:
        assert each.code.startswith("FD")
        assert each.text()
        assert each.json()
        assert each.answer()
    return True


@quick
@given(values, st.sampled_from(["STANDARD", "EXPRESS"]))
def test_any_json(value: Any, type: str) -> None:
    assert is_answer(check(value, type=type))


@quick
@given(machines, st.booleans())
def test_any_machine(definition: Any, is_jsonata: bool) -> None:
    if is_jsonata:
        definition["QueryLanguage"] = "JSONata"
    data = Data(ObjectShape({"a": Member(ScalarShape("string", frozenset("xy")))}), {})
    assert is_answer(check(definition, data=data))


@quick
@given(st.text(max_size=200) | values.map(lambda value: json.dumps(value)[:60]))
def test_any_text(text: str) -> None:
    assert is_answer(check_text(text))


def real_definitions() -> list[Any]:
    return [case["definition"] for case in definitions() if isinstance(case["definition"], dict)]


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every container with each of its keys."""
    found: list[tuple[Any, Any]] = []
    todo = [value]
    while todo:
        each = todo.pop()
        keys = list(each) if isinstance(each, dict) else range(len(each)) if isinstance(each, list) else ()
        for key in keys:
            found.append((each, key))
            todo.append(each[key])
    return found


JUNK: tuple[Any, ...] = (
    None,
    True,
    -1,
    0.5,
    "",
    "$.x",
    "{% $x %}",
    [],
    {},
    [{}],
    {"a": 1},
    {"a.$": 1},
    "A" * 90,
    10**30,
)


def test_mutated_real_definitions() -> None:
    source = random.Random(7)
    for definition in real_definitions():
        if len(json.dumps(definition)) > 50_000:
            continue
        for _ in range(4):
            mutant = copy.deepcopy(definition)
            for _ in range(source.randint(1, 3)):
                container, key = source.choice(places(mutant) or [({"": 0}, "")])
                action = source.randrange(3)
                if action == 0:
                    container[key] = source.choice(JUNK)
                elif action == 1:
                    del container[key]
                elif isinstance(container, dict):
                    container[source.choice(KEYS)] = container.pop(key)
            assert is_answer(check(mutant))


def nested(depth: int, inner: Any, wrap: Any) -> Any:
    for level in range(depth):
        inner = wrap(inner, level)
    return inner


def processor(inner: Any, level: int) -> Any:
    state = {"Type": "Map", "ItemProcessor": inner, "End": True}
    return {"StartAt": f"M{level}", "States": {f"M{level}": state}}


def one(state: dict[str, Any], language: str = "JSONPath") -> dict[str, Any]:
    return {"QueryLanguage": language, "StartAt": "A", "States": {"A": {**state, "End": True}}}


def passing(**fields: Any) -> dict[str, Any]:
    return one({"Type": "Pass", **fields})


DEEP = 20_000
NOTS = nested(DEEP, {}, lambda inner, _: {"Not": inner})
DEEP_DEFINITIONS = {
    "maps": nested(2_000, passing(), processor),
    "template": passing(Parameters=nested(DEEP, 1, lambda inner, _: {"a": inner})),
    "result": passing(Result=nested(DEEP, 1, lambda inner, _: [inner])),
    "not": one({"Type": "Choice", "Choices": [NOTS], "Default": "A"}),
    "output": one({"Type": "Pass", "Output": nested(DEEP, "{% 1 %}", lambda inner, _: [inner])}, "JSONata"),
    "jsonata": one({"Type": "Pass", "Output": "{% " + "(" * 9_000 + "1" + ")" * 9_000 + " %}"}, "JSONata"),
    "filters": passing(InputPath="$" + "[?(" * 5_000),
    "steps": passing(InputPath="$" + ".a" * 50_000),
    "intrinsics": passing(Parameters={"a.$": "States.ArrayShape(" * 5_000}),
}


@pytest.mark.parametrize("definition", DEEP_DEFINITIONS.values(), ids=DEEP_DEFINITIONS)
def test_deep_nesting(definition: Any) -> None:
    assert is_answer(check(definition))


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "{" * 100_000, '"' + "x" * 1_000_000])
def test_deep_text(text: str) -> None:
    assert check_text(text)


def test_ten_megabytes() -> None:
    """Ten megabytes are refused, for AWS takes one, and within seconds."""
    state = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"a.$": "$.b"}, "Next": "S0"}
    states = {f"S{number}": {**state, "Comment": "x" * 500} for number in range(16_000)}
    text = json.dumps({"StartAt": "S0", "States": states})
    assert len(text) > 10_000_000
    before = time.process_time()
    found = check_text(text)
    assert "FD108" in {each.code for each in found}
    assert time.process_time() - before < 30


def test_a_thousand_states() -> None:
    """It takes some 0.2 s of CPU time; a rule that takes the square of the states' number would be seen."""
    retry = [{"ErrorEquals": ["Lambda.ServiceException"], "IntervalSeconds": 1}]
    states: dict[str, Any] = {
        f"S{number}": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {
                "FunctionName": "f",
                "Payload": {"a.$": f"$.x.y[{number}]", "b.$": "States.Format('{}', $.z)"},
            },
            "ResultPath": f"$.r{number}",
            "Retry": retry,
            "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "S1000"}],
            "Next": f"S{number + 1}",
        }
        for number in range(1_000)
    }
    before = time.process_time()
    assert check({"StartAt": "S0", "States": {**states, "S1000": {"Type": "Succeed"}}}) == []
    assert time.process_time() - before < 1.5


def test_loops_that_put_results_into_each_other() -> None:
    """It takes 2 s of CPU time; each round would add a level to all results, and 200 states took 12 s."""
    fields: list[dict[str, Any]] = [
        {"Type": "Pass", "Result": {"a": 0}},
        {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName": "f"}},
        {"Type": "Choice"},
        {"Type": "Wait", "Seconds": 1},
        {"Type": "Parallel"},
    ]
    states: dict[str, Any] = {}
    for number in range(400):
        kind, following = fields[number % 5], f"S{number + 1}"
        state = {**kind, "ResultPath": f"$.r{number % 7}", "Next": following}
        if kind["Type"] == "Parallel":
            inner = f"In{number}"
            state["Branches"] = [{"StartAt": inner, "States": {inner: {"Type": "Pass", "End": True}}}]
        if kind["Type"] == "Wait":
            del state["ResultPath"]
        if kind["Type"] == "Choice":
            rule = {"Variable": "$.r1.a", "NumericEquals": number, "Next": following}
            state = {**kind, "Choices": [rule], "Default": f"S{max(0, number - 7)}"}
        states[f"S{number}"] = state
    before = time.process_time()
    found = check({"StartAt": "S0", "States": {**states, "S400": {"Type": "Succeed"}}})
    assert "FD953" in {each.code for each in found}
    assert time.process_time() - before < 8


def test_data_in_a_wrong_place() -> None:
    """The first unknown fields are reported each, the others together: all of them took minutes."""
    state = {"Type": "Succeed", **{f"k{number}": 1 for number in range(80_000)}}
    before = time.process_time()
    found = check_text(json.dumps({"StartAt": "A", "States": {"A": state}}))
    assert {each.code for each in found} == {"FD102"}
    assert len(found) == 101
    assert found[-1].message == "a Succeed state has 79,900 more unknown fields"
    assert time.process_time() - before < 8


def test_a_definition_that_is_too_long_is_refused_at_once() -> None:
    states = {f"S{number}": {"Type": "Nonsense", "Nxt": 1} for number in range(50_000)}
    assert [each.code for each in check({"StartAt": "A", "States": states})] == ["FD108"]


def test_a_key_that_is_there_twice_hides_those_inside_it() -> None:
    text = '{"StartAt": "A", "States": {"A": {"Type": "Succeed"}, "A": {"Type": "Succeed"}}}'
    (found,) = check_text(text)
    assert (found.code, found.aws) == ("FD201", "DUPLICATE_STATE_NAME")
    assert found.span
    assert found.span.column == text.rindex('"A"') + 1
