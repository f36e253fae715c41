"""A machine means the same under both query languages: run both, compare."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

import flowdsl as f
import payment_flow
from flowdsl.asl.placeholders import fill_placeholders
from flowdsl.author import intrinsic
from flowdsl.author.fields import Language
from flowdsl.calls.lambdas import LocalLambdas
from flowdsl.engine import Result, execute, prepare

DOUBLE = f.Function("double", "handlers/double")
CHECK = f.Function("check", "handlers/check")
X = f.state_input.x


def double(event: Any, context: Any) -> Any:
    return {"twice": event["x"] * 2}


def check(event: Any, context: Any) -> Any:
    raise ValueError("no good")


def run(step: Any, language: Language, input: Any) -> Result:
    machine = f.StateMachine("m", step, query_language=language)
    assert not machine.problems, f.FlowError(*machine.problems)
    definition = fill_placeholders(f.dump(machine), region="eu-west-1", account="111122223333")
    return execute(prepare(definition), input, invoke=LocalLambdas({"double": double, "check": check}))


def asked(condition: Any) -> Any:
    return f.Choice("C", f.when(condition, f.Pass("Yes", result="yes")), otherwise=f.Pass("No", result="no"))


def repeatable(result: Result) -> str:
    """The output without the ids that differ from run to run."""
    return re.sub(r"requestId[^,]*", "", json.dumps(result.output))


CASES: dict[str, tuple[Any, Any]] = {
    "a Lambda adds": (f.Task("T", DOUBLE, into="d"), {"x": 4}),
    "a Lambda replaces": (f.Task("T", DOUBLE), {"x": 4}),
    "a Lambda is discarded": (f.Task("T", DOUBLE, into=f.DISCARD), {"x": 4}),
    "a Lambda gets a payload": (f.Task("T", DOUBLE, payload={"x": f.state_input.y.z}, into="d"), {"y": {"z": 3}}),
    "a dynamic Lambda adds": (
        f.Task("T", f.dynamic(f.state_input.f, allowed=[DOUBLE]), into="d"),
        {"x": 1, "f": "double"},
    ),
    "a dynamic Lambda replaces": (f.Task("T", f.dynamic(f.state_input.f, allowed=[DOUBLE])), {"x": 1, "f": "double"}),
    "what was caught": (f.Task("T", CHECK, catch=[f.catch("ValueError", f.Pass("After"), into="error")]), {"x": 1}),
    "a constant": (f.Pass("P", result={"a": [1]}, into="b"), {"x": 1}),
    "a template": (f.Pass("P", parameters={"a": X, "b": {"c": [X, 2]}}, into="b"), {"x": 1}),
    "named branches": (f.Parallel("P", named={"l": f.Pass("L"), "r": f.Task("T", DOUBLE)}, into="both"), {"x": 2}),
    "branches": (f.Parallel("P", f.Pass("L"), f.Task("T", DOUBLE)), {"x": 2}),
    "a Map": (
        f.Map("M", items=X, processor=f.Pass("I", parameters={"v": f.state_input.y}), into="m"),
        {"x": [{"y": 1}]},
    ),
    "a variable": (
        f.chain(f.Pass("P", assign={"v": X}), f.Pass("Q", parameters={"is": f.var.v.y})),
        {"x": {"y": 7}},
    ),
    "a result in a variable": (
        f.chain(f.Task("T", DOUBLE, assign={"v": f.result.twice}), f.Pass("Q", parameters={"is": f.var.v})),
        {"x": 2},
    ),
    "a shaped result": (f.Task("T", DOUBLE, output={"t": f.result.twice}, into="d"), {"x": 4}),
    "a part of the result": (f.Task("T", DOUBLE, output=f.result.twice, into="d"), {"x": 4}),
    "a result in a variable alone": (
        f.chain(f.Task("T", DOUBLE, into=f.var.d), f.Pass("Q", output={"is": f.var.d.twice, "was": X})),
        {"x": 4},
    ),
    "a dynamic Lambda's answer in a variable": (
        f.chain(
            f.Task("T", f.dynamic(f.state_input.f, allowed=[DOUBLE]), into=f.var.d),
            f.Pass("Q", output={"is": f.var.d.twice}),
        ),
        {"x": 1, "f": "double"},
    ),
    "a dynamic Lambda's shaped answer": (
        f.Task("T", f.dynamic(f.state_input.f, allowed=[DOUBLE]), output={"t": f.result.twice}, into="d"),
        {"x": 1, "f": "double"},
    ),
    "a dynamic Lambda assigns": (
        f.chain(
            f.Task("T", f.dynamic(f.state_input.f, allowed=[DOUBLE]), assign={"v": f.result.twice}),
            f.Pass("Q", output={"is": f.var.v, "out": f.state_input.twice}),
        ),
        {"x": 1, "f": "double"},
    ),
    "what was caught in a variable": (
        f.chain(
            f.Task("T", CHECK, catch=f.catch("ValueError", into=f.var.error)),
            f.Pass("Q", output={"error": f.var.error.Error, "x": X}),
        ),
        {"x": 1},
    ),
    "shaped named branches": (
        f.Parallel(
            "P", named={"l": f.Pass("L"), "r": f.Task("T", DOUBLE)}, output={"t": f.result.r.twice}, into="both"
        ),
        {"x": 2},
    ),
    "named branches in a variable": (
        f.chain(
            f.Parallel("P", named={"l": f.Pass("L"), "r": f.Task("T", DOUBLE)}, into=f.var.both),
            f.Pass("Q", output={"t": f.var.both.r.twice}),
        ),
        {"x": 2},
    ),
    "arguments by path": (f.Task("T", DOUBLE, arguments=f.state_input.y), {"y": {"x": 3}}),
    "a path": (f.Pass("P", output=X, into="y"), {"x": [1]}),
    "an output": (f.Succeed("S", output=X), {"x": [1]}),
    "a saga": (
        f.chain(
            f.Task("Reserve", DOUBLE, into="stock"),
            f.guard(
                f.Task("Charge", CHECK, into="payment"),
                f.catch("States.ALL", f.Task("Release", DOUBLE, into="undone"), f.Pass("Tell"), into="error"),
            ),
            f.Pass("End", output={"undone": f.state_input.undone.twice}),
        ),
        {"x": 2},
    ),
    "a wait": (f.Wait("W", seconds=X), {"x": 9}),
    "a failure": (f.Fail("F", error=X, cause=intrinsic.format("it was {}", X)), {"x": "bad"}),
    "equals": (asked(X == "a"), {"x": "a"}),
    "less": (asked(X < 5), {"x": 4}),
    "not equal": (asked(X != "a"), {"x": "b"}),
    "null": (asked(X == None), {"x": None}),  # noqa: E711
    "present": (asked(f.is_present(X)), {}),
    "a pattern": (asked(f.matches(X, r"a*.\*")), {"x": "abc.*"}),
    "a timestamp": (asked(f.is_timestamp(X)), {"x": "2030-01-01T00:00:00Z"}),
    "no timestamp": (asked(f.is_timestamp(X)), {"x": "2030"}),
    "two paths": (asked(f.timestamp(X) < f.state_input.y), {"x": "2030-01-01T00:00:00Z", "y": "2030-01-01T00:00:01Z"}),
    "and, or": (asked((X == 1) & ((f.state_input.y == 1) | (f.state_input.y == 2))), {"x": 1, "y": 2}),
    **{
        f"States.{call.name}": (f.Pass("P", parameters={"v": call}), given)
        for call, given in [
            (intrinsic.format("a {} b {}", X, 1), {"x": "y"}),
            (intrinsic.string_to_json(X), {"x": '{"a": 1}'}),
            (intrinsic.json_to_string(X), {"x": {"a": 1}}),
            (intrinsic.array(1, "it's", None, True), {}),
            (intrinsic.array_partition(X, 2), {"x": [1, 2, 3]}),
            (intrinsic.array_contains(X, 1), {"x": [1, 2]}),
            (intrinsic.array_range(1, 9, 2), {}),
            (intrinsic.array_get_item(X, 1), {"x": [1, 2]}),
            (intrinsic.array_length(X), {"x": [1, 2]}),
            (intrinsic.array_unique(X), {"x": [1, 2, 1]}),
            (intrinsic.base64_encode(X), {"x": "a"}),
            (intrinsic.base64_decode(X), {"x": "YQ=="}),
            (intrinsic.hash(X, "SHA-256"), {"x": "a"}),
            (intrinsic.json_merge(X, f.state_input.y), {"x": {"a": 1, "b": 1}, "y": {"b": 2}}),
            (intrinsic.math_add(X, -1), {"x": 3}),
            (intrinsic.string_split(X, ","), {"x": "a,b"}),
        ]
    },
}


@pytest.mark.parametrize("case", CASES)
def test_both_languages_do_the_same(case: str) -> None:
    step, given = CASES[case]
    one, two = run(step, "JSONPath", given), run(step, "JSONata", given)
    assert (one.status, repeatable(one), one.error) == (two.status, repeatable(two), two.error), (one.cause, two.cause)
    assert one.error is None or case == "a failure", (one.error, one.cause)
    assert one.duration == two.duration


def test_the_payment_flow_can_be_said_in_jsonata() -> None:
    machine = f.StateMachine("payment", payment_flow.flow, query_language="JSONata")
    assert not machine.problems
    prepare(f.dump(machine))
