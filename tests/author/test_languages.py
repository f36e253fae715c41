"""One flow, two query languages: what each says in ASL."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest

import flowdsl as f
from flowdsl.author import intrinsic
from flowdsl.author.expressions import node_of
from flowdsl.author.fields import Language
from flowdsl.author.jsonata import write_jsonata
from flowdsl.author.jsonpath import write_jsonpath

HELLO = f.Function("hello", "handlers/hello")
HELLO_ARN = "arn:aws:lambda:${AWS::Region}:${AWS::AccountId}:function:hello"


@pytest.mark.parametrize("keyword", ["parameters", "output"])
def test_a_key_that_has_its_suffix_gets_no_second_one(keyword: str) -> None:
    state = f.Pass("P", **{keyword: {"x.$": f.state_input.a, "in": {"y.$": [f.state_input.b]}}})
    machine = f.StateMachine("m", state)
    written = f.dump(machine)["States"]["P"]["Parameters"]
    assert (written, machine.problems) == ({"x.$": "$.a", "in": {"y.$": "States.Array($.b)"}}, [])


def state(step: Any, language: Language, name: str | None = None) -> dict[str, Any]:
    machine = f.StateMachine("m", step, query_language=language)
    assert not machine.problems, f.FlowError(*machine.problems)
    found = f.dump(machine)["States"][name or step.name]
    return {key: value for key, value in found.items() if key not in ("Type", "End", "Next")}


CASES: list[tuple[str, Any, dict[str, Any], dict[str, Any]]] = [
    (
        "a Lambda's answer is added to the input",
        f.Task("T", HELLO, into="psp"),
        {"Resource": HELLO_ARN, "ResultPath": "$.psp"},
        {"Resource": HELLO_ARN, "Output": "{% $merge([$states.input, {'psp': $states.result}]) %}"},
    ),
    (
        "a Lambda's answer replaces the input",
        f.Task("T", HELLO),
        {"Resource": HELLO_ARN},
        {"Resource": HELLO_ARN},
    ),
    (
        "a Lambda's answer is thrown away",
        f.Task("T", HELLO, into=f.DISCARD),
        {"Resource": HELLO_ARN, "ResultPath": None},
        {"Resource": HELLO_ARN, "Output": "{% $states.input %}"},
    ),
    (
        "a Lambda gets a payload",
        f.Task("T", HELLO, payload={"id": f.state_input.id, "fixed": 1}),
        {"Resource": HELLO_ARN, "Parameters": {"id.$": "$.id", "fixed": 1}},
        {"Resource": HELLO_ARN, "Arguments": {"id": "{% $states.input.id %}", "fixed": 1}},
    ),
    (
        "a Lambda that answers later gets a token",
        f.Task("T", HELLO, payload={"token": f.task_token}, wait_for_task_token=True, into="reply"),
        {
            "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
            "Parameters": {"FunctionName": HELLO_ARN, "Payload": {"token.$": "$$.Task.Token"}},
            "ResultPath": "$.reply",
        },
        {
            "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
            "Arguments": {"FunctionName": HELLO_ARN, "Payload": {"token": "{% $states.context.Task.Token %}"}},
            "Output": "{% $merge([$states.input, {'reply': $states.result}]) %}",
        },
    ),
    (
        "a Lambda is chosen at run time",
        f.Task("T", f.dynamic(f.state_input.arn, allowed=[HELLO])),
        {
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {"FunctionName.$": "$.arn", "Payload.$": "$"},
            "OutputPath": "$.Payload",
        },
        {
            "Resource": "arn:aws:states:::lambda:invoke",
            "Arguments": {"FunctionName": "{% $states.input.arn %}", "Payload": "{% $states.input %}"},
            "Output": "{% $states.result.Payload %}",
        },
    ),
    (
        "a wait by path",
        f.Wait("W", seconds=f.state_input.payment.delay_seconds),
        {"SecondsPath": "$.payment.delay_seconds"},
        {"Seconds": "{% $states.input.payment.delay_seconds %}"},
    ),
    (
        "a wait until a time",
        f.Wait("W", timestamp=datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)),
        {"Timestamp": "2030-01-02T03:04:05Z"},
        {"Timestamp": "2030-01-02T03:04:05Z"},
    ),
    (
        "timeouts by path",
        f.Task("T", HELLO, timeout=f.state_input.limit, heartbeat=5),
        {"Resource": HELLO_ARN, "TimeoutSecondsPath": "$.limit", "HeartbeatSeconds": 5},
        {"Resource": HELLO_ARN, "TimeoutSeconds": "{% $states.input.limit %}", "HeartbeatSeconds": 5},
    ),
    (
        "variables",
        f.Pass("P", assign={"total": f.state_input.amount, "list": [f.var.old.x, 1]}),
        {"Assign": {"total.$": "$.amount", "list.$": "States.Array($old.x, 1)"}},
        {"Assign": {"total": "{% $states.input.amount %}", "list": ["{% $old.x %}", 1]}},
    ),
    (
        "a constant is put into the input",
        f.Pass("P", result={"a": 1}, into="b"),
        {"Result": {"a": 1}, "ResultPath": "$.b"},
        {"Output": "{% $merge([$states.input, {'b': {'a': 1}}]) %}"},
    ),
    (
        "an odd key is quoted",
        f.Pass("P", parameters={"x": f.state_input["a b"][0].c}),
        {"Parameters": {"x.$": "$['a b'][0].c"}},
        {"Output": {"x": "{% $states.input.`a b`[0].c %}"}},
    ),
    (
        "named branches",
        f.Parallel("P", named={"left": f.Pass("L"), "right": f.Pass("R")}, into="both"),
        {"ResultSelector": {"left.$": "$[0]", "right.$": "$[1]"}, "ResultPath": "$.both"},
        {"Output": "{% $merge([$states.input, {'both': {'left': $states.result[0], 'right': $states.result[1]}}]) %}"},
    ),
    (
        "the items of a Map",
        f.Map("M", items=f.state_input.list, processor=f.Pass("I"), item_selector={"it": f.context.Map.Item.Value}),
        {"ItemsPath": "$.list", "ItemSelector": {"it.$": "$$.Map.Item.Value"}},
        {"Items": "{% $states.input.list %}", "ItemSelector": {"it": "{% $states.context.Map.Item.Value %}"}},
    ),
    (
        "what was caught is put into the input",
        f.Task("T", HELLO, catch=[f.catch("States.ALL", f.goto("T"), into="error")]),
        {"Resource": HELLO_ARN, "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "T"}]},
        {
            "Resource": HELLO_ARN,
            "Catch": [
                {
                    "ErrorEquals": ["States.ALL"],
                    "Output": "{% $merge([$states.input, {'error': $states.errorOutput}]) %}",
                    "Next": "T",
                }
            ],
        },
    ),
    (
        "the failure's words",
        f.Fail("F", error=f.state_input.error.Error, cause=intrinsic.format("it was {}", f.state_input.x)),
        {"ErrorPath": "$.error.Error", "CausePath": "States.Format('it was {}', $.x)"},
        {"Error": "{% $states.input.error.Error %}", "Cause": "{% 'it was ' & $states.input.x %}"},
    ),
]


@pytest.mark.parametrize(("step", "jsonpath", "jsonata"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_both_languages(step: Any, jsonpath: dict[str, Any], jsonata: dict[str, Any]) -> None:
    for language, expected in (("JSONPath", jsonpath), ("JSONata", jsonata)):
        found = state(step, language)  # type: ignore[arg-type]
        inner = {key: found.pop(key) for key in ("Branches", "ItemProcessor") if key in found}
        assert found == expected, language
        assert (step.type in ("Parallel", "Map")) == bool(inner)


X = f.state_input.x
RULES: list[tuple[Any, dict[str, Any], str]] = [
    (X == "a", {"Variable": "$.x", "StringEquals": "a"}, "$states.input.x = 'a'"),
    (X != "a", {"Not": {"Variable": "$.x", "StringEquals": "a"}}, "$states.input.x != 'a'"),
    (X < 5, {"Variable": "$.x", "NumericLessThan": 5}, "$states.input.x < 5"),
    (X >= 1.5, {"Variable": "$.x", "NumericGreaterThanEquals": 1.5}, "$states.input.x >= 1.5"),
    (X == True, {"Variable": "$.x", "BooleanEquals": True}, "$states.input.x = true"),  # noqa: E712
    (X == None, {"Variable": "$.x", "IsNull": True}, "$states.input.x = null"),  # noqa: E711
    (
        datetime(2030, 1, 1, tzinfo=UTC) > X,
        {"Variable": "$.x", "TimestampLessThan": "2030-01-01T00:00:00Z"},
        "$toMillis($states.input.x) < $toMillis('2030-01-01T00:00:00Z')",
    ),
    (
        f.number(X) <= f.state_input.y,
        {"Variable": "$.x", "NumericLessThanEqualsPath": "$.y"},
        "$states.input.x <= $states.input.y",
    ),
    (f.is_present(X), {"Variable": "$.x", "IsPresent": True}, "$exists($states.input.x)"),
    (~f.is_string(X), {"Not": {"Variable": "$.x", "IsString": True}}, "$not($type($states.input.x) = 'string')"),
    (
        f.matches(X, r"a*.\*/"),
        {"Variable": "$.x", "StringMatches": r"a*.\*/"},
        r"$contains($states.input.x, /^a[\s\S]*\.\*\/$/)",
    ),
    (
        (X == 1) & (X == 2) & ((X == 3) | (X == 4)),
        {
            "And": [
                {"Variable": "$.x", "NumericEquals": 1},
                {"Variable": "$.x", "NumericEquals": 2},
                {"Or": [{"Variable": "$.x", "NumericEquals": 3}, {"Variable": "$.x", "NumericEquals": 4}]},
            ]
        },
        "$states.input.x = 1 and $states.input.x = 2 and ($states.input.x = 3 or $states.input.x = 4)",
    ),
    (
        X & ~f.state_input.y,
        {"And": [{"Variable": "$.x", "BooleanEquals": True}, {"Not": {"Variable": "$.y", "BooleanEquals": True}}]},
        "$states.input.x and $not($states.input.y)",
    ),
    (~(X == 1), {"Not": {"Variable": "$.x", "NumericEquals": 1}}, "$not($states.input.x = 1)"),
    (
        f.one_of(X, "a", "b"),
        {"Or": [{"Variable": "$.x", "StringEquals": "a"}, {"Variable": "$.x", "StringEquals": "b"}]},
        "$states.input.x in ['a', 'b']",
    ),
    (f.fn.contains(X, "a*"), {"Variable": "$.x", "StringMatches": r"*a\**"}, "$contains($states.input.x, 'a*')"),
    (f.string(X) == f.var.y, {"Variable": "$.x", "StringEqualsPath": "$y"}, "$states.input.x = $y"),
]


@pytest.mark.parametrize(("condition", "rule", "jsonata"), RULES, ids=[case[2] for case in RULES])
def test_conditions(condition: Any, rule: dict[str, Any], jsonata: str) -> None:
    choice = f.Choice("C", f.when(condition, f.Succeed("S")))
    assert state(choice, "JSONPath")["Choices"] == [{**rule, "Next": "S"}]
    assert state(choice, "JSONata")["Choices"] == [{"Condition": f"{{% {jsonata} %}}", "Next": "S"}]


def test_a_dynamic_lambda_is_unwrapped_in_a_second_state_under_jsonpath() -> None:
    task = f.Task("T", f.dynamic(f.state_input.arn, allowed=[HELLO]), into="payment")
    assert state(task, "JSONPath")["ResultPath"] == "$.payment"
    assert state(task, "JSONPath", "T.Payload") == {"InputPath": "$.payment.Payload", "ResultPath": "$.payment"}
    output = "{% $merge([$states.input, {'payment': $states.result.Payload}]) %}"
    assert state(task, "JSONata")["Output"] == output
    machine = f.StateMachine("m", task)
    assert [*machine.functions] == ["hello"]


def test_a_state_may_say_jsonata_in_a_jsonpath_machine() -> None:
    machine = f.StateMachine(
        "m",
        f.chain(
            f.Pass("A", output={"x": f.jsonata("1 + 1")}, query_language="JSONata"),
            f.Pass("B", parameters={"x": f.state_input.x}),
        ),
    )
    states = f.dump(machine)["States"]
    assert states["A"]["Output"] == {"x": "{% 1 + 1 %}"}
    assert states["B"]["Parameters"] == {"x.$": "$.x"}


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (f.Pass("P", parameters={"x": f.jsonata("1")}), "jsonata(...) needs JSONata"),
        (f.Task("T", HELLO, assign={"x": f.state_input.a}), "reads the result"),
        (f.Task("T", HELLO, payload={"x": f.result.a}), "cannot read result.a"),
        (f.Pass("P", parameters={"x": f.error_output.Cause}), "known only in a catch"),
        (f.Pass("P", parameters=f.state_input), "parameters= is an object under JSONPath"),
        (f.Pass("P", parameters={"x": [{"a": 1}, f.state_input.a]}), "path inside a list"),
        (f.Pass("P", comment=f.state_input.x), "comment= must be constant"),  # type: ignore[arg-type]
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_jsonpath_cannot_say_is_a_problem_with_a_hint(step: Any, words: str) -> None:
    (problem,) = f.StateMachine("m", step).problems
    assert words in problem.message
    assert problem.hint
    assert problem.span is not None
    assert problem.span.file == __file__


INTRINSICS: list[tuple[Any, str, str]] = [
    (intrinsic.format("a {} b", X), "States.Format('a {} b', $.x)", "'a ' & $states.input.x & ' b'"),
    (intrinsic.string_to_json(X), "States.StringToJson($.x)", "$parse($states.input.x)"),
    (intrinsic.json_to_string(X), "States.JsonToString($.x)", "$string($states.input.x)"),
    (intrinsic.array(1, "it's", None, True), r"States.Array(1, 'it\'s', null, true)", '[1, "it\'s", null, true]'),
    (intrinsic.array_partition(X, 2), "States.ArrayPartition($.x, 2)", "[$partition($states.input.x, 2)[]]"),
    (intrinsic.array_contains(X, 1), "States.ArrayContains($.x, 1)", "1 in $states.input.x"),
    (intrinsic.array_range(1, 9, 2), "States.ArrayRange(1, 9, 2)", "$range(1, 9, 2)"),
    (intrinsic.array_get_item(X, 0), "States.ArrayGetItem($.x, 0)", "$states.input.x[0]"),
    (intrinsic.array_length(X), "States.ArrayLength($.x)", "$count($states.input.x)"),
    (intrinsic.array_unique(X), "States.ArrayUnique($.x)", "$distinct($states.input.x)"),
    (intrinsic.base64_encode("a"), "States.Base64Encode('a')", "$base64encode('a')"),
    (intrinsic.base64_decode("YQ=="), "States.Base64Decode('YQ==')", "$base64decode('YQ==')"),
    (intrinsic.hash(X, "SHA-256"), "States.Hash($.x, 'SHA-256')", "$hash($states.input.x, 'SHA-256')"),
    (intrinsic.json_merge(X, X), "States.JsonMerge($.x, $.x, false)", "$merge([$states.input.x, $states.input.x])"),
    (
        intrinsic.math_random(1, 9),
        "States.MathRandom(1, 9)",
        "$floor($random() * 8) + 1",
    ),
    (intrinsic.math_add(X, -1), "States.MathAdd($.x, -1)", "$states.input.x - 1"),
    (intrinsic.string_split(X, ","), "States.StringSplit($.x, ',')", "$split($states.input.x, ',')"),
    (intrinsic.uuid(), "States.UUID()", "$uuid()"),
    (
        intrinsic.array_length(intrinsic.array(X, "b")),
        "States.ArrayLength(States.Array($.x, 'b'))",
        "$count([$each({'0': $states.input.x, '1': 'b'}, function($v) {$v})[]])",
    ),
]


@pytest.mark.parametrize(("call", "jsonpath", "jsonata"), INTRINSICS, ids=[case[1] for case in INTRINSICS])
def test_intrinsic_functions(call: Any, jsonpath: str, jsonata: str) -> None:
    assert write_jsonpath(node_of(call)) == jsonpath
    assert write_jsonata(node_of(call)) == jsonata


def test_every_intrinsic_function_of_asl_is_there() -> None:
    from flowdsl.expr.intrinsics import FUNCTIONS

    assert {name.removeprefix("States.") for name in FUNCTIONS} == {
        re.findall(r"States\.(\w+)", jsonpath)[0] for _, jsonpath, _ in INTRINSICS
    }


def test_format_counts_its_places() -> None:
    with pytest.raises(TypeError, match=r"1 places {}, but fn.format gets 2 values"):
        intrinsic.format("{}", 1, 2)
