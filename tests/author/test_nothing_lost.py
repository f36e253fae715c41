"""What an author writes beside something else: it adds up, or one message says what to write instead."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import flowdsl as f
from flowdsl import project
from flowdsl.author.fields import Language

HELLO = f.Function("hello", "handlers/hello")
HELLO_ARN = HELLO.arn
CHOSEN = f.dynamic(f.state_input.arn, allowed=[HELLO])
SQS = "arn:aws:states:::sqs:sendMessage"
ACTIVITY = "arn:aws:states:eu-west-1:123456789012:activity:approve"
ALL: tuple[Language, ...] = ("JSONPath", "JSONata")


def fields(step: Any, language: Language) -> dict[str, Any]:
    """The state's fields that shape data."""
    machine = f.StateMachine("m", step, query_language=language)
    assert not machine.problems, f.FlowError(*machine.problems)
    state = f.dump(machine)["States"][step.name]
    return {key: value for key, value in state.items() if key not in ("Type", "End", "Next", "Resource", "Branches")}


ADDS_UP: list[tuple[str, Any, dict[str, Any], dict[str, Any]]] = [
    (
        "a shaped result goes into a field",
        f.Task("T", HELLO, output={"id": f.result.id}, into="sent"),
        {"ResultSelector": {"id.$": "$.id"}, "ResultPath": "$.sent"},
        {"Output": "{% $merge([$states.input, {'sent': {'id': $states.result.id}}]) %}"},
    ),
    (
        "a shaped result is the output",
        f.Task("T", HELLO, output={"id": f.result.id}),
        {"ResultSelector": {"id.$": "$.id"}},
        {"Output": {"id": "{% $states.result.id %}"}},
    ),
    (
        "a part of the result is the output",
        f.Task("T", HELLO, output=f.result.id),
        {"OutputPath": "$.id"},
        {"Output": "{% $states.result.id %}"},
    ),
    (
        "a result goes into a variable",
        f.Task("T", HELLO, into=f.var.counts),
        {"Assign": {"counts.$": "$"}, "ResultPath": None},
        {"Assign": {"counts": "{% $states.result %}"}, "Output": "{% $states.input %}"},
    ),
    (
        "a part of the result goes into a variable, beside others",
        f.Task("T", HELLO, output=f.result.id, into=f.var.id, assign={"name": f.result.name}),
        {"Assign": {"name.$": "$.name", "id.$": "$.id"}, "ResultPath": None},
        {
            "Assign": {"name": "{% $states.result.name %}", "id": "{% $states.result.id %}"},
            "Output": "{% $states.input %}",
        },
    ),
    (
        "the answer of a chosen Lambda goes into a variable without a second state",
        f.Task("T", CHOSEN, into=f.var.payment),
        {
            "Parameters": {"FunctionName.$": "$.arn", "Payload.$": "$"},
            "Assign": {"payment.$": "$.Payload"},
            "ResultPath": None,
        },
        {
            "Arguments": {"FunctionName": "{% $states.input.arn %}", "Payload": "{% $states.input %}"},
            "Assign": {"payment": "{% $states.result.Payload %}"},
            "Output": "{% $states.input %}",
        },
    ),
    (
        "result is the answer of a chosen Lambda",
        f.Task("T", CHOSEN, output={"id": f.result.id}, into="sent"),
        {
            "Parameters": {"FunctionName.$": "$.arn", "Payload.$": "$"},
            "ResultSelector": {"id.$": "$.Payload.id"},
            "ResultPath": "$.sent",
        },
        {
            "Arguments": {"FunctionName": "{% $states.input.arn %}", "Payload": "{% $states.input %}"},
            "Output": "{% $merge([$states.input, {'sent': {'id': $states.result.Payload.id}}]) %}",
        },
    ),
    (
        "result in assign is the answer of a chosen Lambda",
        f.Task("T", CHOSEN, assign={"status": f.result.status, "text": f.intrinsic.format("{}", f.result.x)}),
        {
            "Parameters": {"FunctionName.$": "$.arn", "Payload.$": "$"},
            "Assign": {"status.$": "$.Payload.status", "text.$": "States.Format('{}', $.Payload.x)"},
            "OutputPath": "$.Payload",
        },
        {
            "Arguments": {"FunctionName": "{% $states.input.arn %}", "Payload": "{% $states.input %}"},
            "Assign": {
                "status": "{% $states.result.Payload.status %}",
                "text": "{% $string($states.result.Payload.x) %}",
            },
            "Output": "{% $states.result.Payload %}",
        },
    ),
    (
        "result has the names of the branches",
        f.Parallel("T", named={"a": f.Pass("A"), "b": f.Pass("B")}, output={"id": f.result.b.id}, into="both"),
        {"ResultSelector": {"id.$": "$[1].id"}, "ResultPath": "$.both"},
        {"Output": "{% $merge([$states.input, {'both': {'id': $states.result[1].id}}]) %}"},
    ),
    (
        "the value of a Pass goes into a field",
        f.Pass("T", output={"at": f.state_input.when}, into="x"),
        {"Parameters": {"at.$": "$.when"}, "ResultPath": "$.x"},
        {"Output": "{% $merge([$states.input, {'x': {'at': $states.input.when}}]) %}"},
    ),
    (
        "a constant value of a Pass",
        f.Pass("T", output={"at": 1}),
        {"Result": {"at": 1}},
        {"Output": {"at": 1}},
    ),
    (
        "a path is the value of a Pass",
        f.Pass("T", output=f.state_input.a, into="x"),
        {"InputPath": "$.a", "ResultPath": "$.x"},
        {"Output": "{% $merge([$states.input, {'x': $states.input.a}]) %}"},
    ),
    (
        "the value of a Pass goes into a variable",
        f.Pass("T", output={"at": f.state_input.when}, into=f.var.x),
        {"Assign": {"x": {"at.$": "$.when"}}},
        {"Assign": {"x": {"at": "{% $states.input.when %}"}}},
    ),
    (
        "an error goes into a variable",
        f.Task("T", HELLO, catch=f.catch("E", f.goto("T"), into=f.var.error)),
        {"Catch": [{"ErrorEquals": ["E"], "ResultPath": None, "Assign": {"error.$": "$"}, "Next": "T"}]},
        {
            "Catch": [
                {
                    "ErrorEquals": ["E"],
                    "Output": "{% $states.input %}",
                    "Assign": {"error": "{% $states.errorOutput %}"},
                    "Next": "T",
                }
            ]
        },
    ),
    (
        "arguments",
        f.Task("T", SQS, arguments={"QueueUrl": f.state_input.queue, "MessageBody": "x"}),
        {"Parameters": {"QueueUrl.$": "$.queue", "MessageBody": "x"}},
        {"Arguments": {"QueueUrl": "{% $states.input.queue %}", "MessageBody": "x"}},
    ),
    (
        "arguments of a Parallel",
        f.Parallel("T", f.Pass("A"), arguments={"x": f.state_input.a}),
        {"Parameters": {"x.$": "$.a"}},
        {"Arguments": {"x": "{% $states.input.a %}"}},
    ),
    (
        "arguments by path",
        f.Task("T", HELLO, arguments=f.state_input.a),
        {"InputPath": "$.a"},
        {"Arguments": "{% $states.input.a %}"},
    ),
    (
        "durations",
        f.Task(
            "T",
            HELLO,
            timeout=timedelta(minutes=5),
            heartbeat=timedelta(seconds=30),
            retry=f.retry("E", interval=timedelta(seconds=2), max_delay=timedelta(hours=1)),
        ),
        {
            "TimeoutSeconds": 300,
            "HeartbeatSeconds": 30,
            "Retry": [{"ErrorEquals": ["E"], "IntervalSeconds": 2, "MaxDelaySeconds": 3600}],
        },
        {
            "TimeoutSeconds": 300,
            "HeartbeatSeconds": 30,
            "Retry": [{"ErrorEquals": ["E"], "IntervalSeconds": 2, "MaxDelaySeconds": 3600}],
        },
    ),
    (
        "one of two succeeded",
        f.Succeed("T", output=f.state_input.a),
        {"OutputPath": "$.a"},
        {"Output": "{% $states.input.a %}"},
    ),
]


@pytest.mark.parametrize(
    ("step", "field"),
    [
        (lambda: f.Wait("A", seconds=f.state_input.a, seconds_path="$.b"), "SecondsPath"),
        (lambda: f.Fail("A", error=f.state_input.a, error_path="$.b"), "ErrorPath"),
        (lambda: f.Map("A", processor=f.Pass("P"), items=f.state_input.a, items_path="$.b"), "ItemsPath"),
        (lambda: f.Task("A", "arn", timeout=f.state_input.a, timeout_seconds_path="$.b"), "TimeoutSecondsPath"),
        (lambda: f.Pass("A", result={"a": 1}, Result={"b": 1}), "Result"),
    ],
)
def test_the_asl_name_of_a_field_beside_its_keyword_is_refused(step: Any, field: str) -> None:
    (problem,) = [each for each in f.StateMachine("m", step()).problems if each.path[-1] == field]
    assert f"both set {field}" in problem.message


@pytest.mark.parametrize(("step", "jsonpath", "jsonata"), [case[1:] for case in ADDS_UP], ids=[c[0] for c in ADDS_UP])
def test_what_adds_up(step: Any, jsonpath: dict[str, Any], jsonata: dict[str, Any]) -> None:
    assert fields(step, "JSONPath") == jsonpath
    assert fields(step, "JSONata") == jsonata


@pytest.mark.parametrize(
    ("resource", "written"),
    [(SQS, SQS + ".waitForTaskToken"), (SQS + ".waitForTaskToken", SQS + ".waitForTaskToken")],
)
@pytest.mark.parametrize("language", ALL)
def test_a_service_can_wait_for_a_token(resource: str, written: str, language: Language) -> None:
    task = f.Task("T", resource, arguments={"MessageBody": {"token": f.task_token}}, wait_for_task_token=True)
    machine = f.StateMachine("m", task, query_language=language)
    assert not machine.problems
    assert f.dump(machine)["States"]["T"]["Resource"] == written


@pytest.mark.parametrize("language", ALL)
def test_a_lambda_by_its_arn_gets_a_payload_and_a_token(language: Language) -> None:
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:hello"
    task = f.Task("T", arn, payload={"token": f.task_token}, wait_for_task_token=True)
    state = f.dump(f.StateMachine("m", task, query_language=language))["States"]["T"]
    assert state["Resource"].endswith("lambda:invoke.waitForTaskToken")
    assert state["Arguments" if language == "JSONata" else "Parameters"]["FunctionName"] == arn


def test_the_second_state_of_a_chosen_lambda_keeps_what_was_written() -> None:
    task = f.Task("T", CHOSEN, into="payment", next="Later", output_path="$.payment")
    machine = f.StateMachine("m", f.chain(task, f.Pass("Later")))
    states = f.dump(machine)["States"]
    assert states["T"]["Next"] == "T.Payload"
    assert "OutputPath" not in states["T"]
    tail = {"InputPath": "$.payment.Payload", "ResultPath": "$.payment", "OutputPath": "$.payment", "Next": "Later"}
    assert states["T.Payload"] == {"Type": "Pass", **tail}
    deep = f.StateMachine("m", f.Task("T", CHOSEN, result_path="$.a.b"))
    assert f.dump(deep)["States"]["T.Payload"]["InputPath"] == "$.a.b.Payload"


REFUSED: list[tuple[Any, tuple[Language, ...], str, str]] = [
    (lambda: f.Task("T", SQS, payload={}), ALL, "payload= is the event of a Lambda function", "arguments="),
    (lambda: f.Task("T", ACTIVITY, wait_for_task_token=True), ALL, "an activity always waits", "remove it"),
    (lambda: f.Task("T", SQS + ".sync", wait_for_task_token=True), ALL, "takes no task token", "remove it"),
    (lambda: f.Task("T", HELLO, payload={}, parameters={}), ALL, "payload= and parameters= both set", "remove"),
    (lambda: f.Task("T", HELLO, payload={}, arguments={}), ALL, "payload= and arguments= both set", "remove"),
    (lambda: f.Task("T", HELLO, payload={}, input_path="$.a"), ALL, "payload= and input_path= both set", "remove"),
    (lambda: f.Task("T", CHOSEN, arguments={}), ALL, "would replace the arguments", "payload="),
    (lambda: f.Task("T", SQS, arguments={}, parameters={}), ALL, "arguments= and parameters= both", "remove"),
    (lambda: f.Task("T", HELLO, output={}, result_selector={}), ALL, "both shape the result", "remove"),
    (lambda: f.Task("T", HELLO, output={}, into=f.DISCARD), ALL, "into=DISCARD drops", "remove output="),
    (lambda: f.Parallel("T", named={}, result_selector={}), ALL, "both give the result its fields", "remove"),
    (lambda: f.Pass("T", result=1, parameters={}), ALL, "both give the Pass its result", "remove"),
    (lambda: f.Pass("T", output=1, result=2), ALL, "both give the Pass its result", "remove"),
    (lambda: f.Task("T", HELLO, into=f.var.x, assign={"x": 1}), ALL, "both set the variable x", "another name"),
    (lambda: f.Task("T", HELLO, into=f.state_input.x.y), ALL, "one field or one variable", "into=var.x"),
    (lambda: f.Task("T", HELLO, into=None), ALL, "one field or one variable, not None", "write into=DISCARD"),  # type: ignore[arg-type]
    (lambda: f.Task("T", HELLO, output=f.state_input.x), ("JSONPath",), "cannot be state_input.x", "query_language"),
    (
        lambda: f.Task("T", HELLO, output={"a": f.result.a}, assign={"b": f.result.b}),
        ("JSONPath",),
        "cannot read the result beside output=",
        "into=var.name",
    ),
    (
        lambda: f.Choice("T", f.when(f.state_input.x == 1), otherwise=f.Pass("A"), default="B"),
        ALL,
        "both set where the Choice leads",
        "remove",
    ),
    (
        lambda: f.Choice("T", f.when(f.state_input.x == 1), default=f.goto("B")),  # type: ignore[arg-type]
        ALL,
        "default= is the name of a state",
        "otherwise=",
    ),
    (
        lambda: f.Task("T", HELLO, retry=[f.catch("E", f.end())]),
        ALL,
        "retry takes retry(...), not catch(...)",
        "retry(",
    ),  # type: ignore[list-item]
    (lambda: f.Task("T", HELLO, catch=[f.goto("B")]), ALL, 'catch takes catch(...), not goto("B")', "catch("),  # type: ignore[list-item]
    (lambda: f.Task("T", HELLO, catch=f.retry("E")), ALL, "catch takes catch(...), not retry(...)", "catch("),  # type: ignore[arg-type]
    (lambda: f.Task("T", HELLO, retry=f.retry(["A"])), ALL, "an error is a name or an exception class", 'retry("A")'),  # type: ignore[arg-type]
    (lambda: f.Task("T", HELLO, credentials=f.Pass("P")), ALL, "credentials takes Credentials(...)", "Credentials("),  # type: ignore[arg-type]
    (lambda: f.Choice("T"), ALL, "the Choice has no rules", "when("),
]


@pytest.mark.parametrize(("step", "languages", "words", "instead"), REFUSED, ids=[case[2] for case in REFUSED])
def test_what_excludes_each_other_is_one_problem(
    step: Any, languages: tuple[Language, ...], words: str, instead: str
) -> None:
    for language in languages:
        (problem,) = f.StateMachine("m", step(), query_language=language).problems
        assert words in problem.message
        assert instead in (problem.hint or "")
        assert problem.span is not None
        assert problem.span.file == __file__


@pytest.mark.parametrize(
    ("machine", "words"),
    [
        (lambda: f.StateMachine("m", f.Pass("A"), type="EXPRES"), "no type 'EXPRES'"),  # type: ignore[arg-type]
        (lambda: f.StateMachine("m", f.Pass("A"), start_at="B"), "start_at= and the flow"),
        (lambda: f.StateMachine("m", f.Pass("A"), states={"B": f.Pass("B")}), "states= and the flow"),
        (lambda: f.StateMachine("m", f.Pass("A"), defaults=f.Defaults(retry=f.catch("E"))), "retry= of Defaults"),  # type: ignore[arg-type]
    ],
)
def test_what_a_machine_refuses(machine: Any, words: str) -> None:
    (problem,) = machine().problems
    assert words in problem.message
    assert problem.span is not None
    assert problem.span.file == __file__


def test_a_result_in_a_variable_is_read_by_its_name() -> None:
    assert repr(f.Task("T", HELLO, into=f.var.counts).out.done) == "var.counts.done"


def test_an_explicit_next_of_a_catch_excludes_steps() -> None:
    catcher = f.catch("E", f.Pass("A"), next="B")  # type: ignore[call-arg]
    machine = f.StateMachine("m", f.chain(f.Task("T", HELLO, catch=catcher), f.Pass("B")))
    (problem,) = machine.problems
    assert "next= and steps" in problem.message


def test_a_function_and_a_machine_take_durations() -> None:
    assert f.Function("work", "handlers/work", timeout=timedelta(minutes=1)).timeout_seconds == 60
    machine = f.StateMachine("m", f.Pass("A"), timeout=timedelta(hours=1))
    assert f.dump(machine)["TimeoutSeconds"] == 3600


def test_an_object_cannot_be_changed_and_knows_its_keywords() -> None:
    import inspect

    task = f.Task("T", HELLO)
    with pytest.raises(AttributeError, match="cannot be changed"):
        task.timeout = 5  # type: ignore[misc]
    assert {"name", "resource", "into", "timeout"} <= {*inspect.signature(f.Task).parameters}
    with pytest.raises(TypeError, match=r"Task\(\.\.\.\) takes at most 2 positional arguments"):
        f.Task("T", HELLO, 5)  # type: ignore[call-arg,misc]
    with pytest.raises(TypeError, match=r"Task\(\.\.\.\) needs name"):
        f.Task()  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("flow", "is_lost"),
    [
        ('f.Pass("A")', True),
        ('f.Task("A", f.Function("a"), timeout=9)', True),
        ('f.Task("A", f.Function("a"))', False),
        ('f.Parallel("P", f.Task("A", f.Function("a")), f.Task("B", f.Function("b"), timeout=9))', False),
    ],
)
def test_a_default_timeout_that_reaches_no_task(flow: str, is_lost: bool, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()
    file = tmp_path / "flow.py"
    file.write_text(
        f'import flowdsl as f\n\nmachine = f.StateMachine("m", {flow},\n    defaults=f.Defaults(timeout=5))\n'
    )
    found = [
        (each.span.line, each.message) for each in project.review(project.load(file), packaging=False) if each.span
    ]
    assert found == ([(4, "timeout= of Defaults is that of no Task")] if is_lost else [])


@pytest.mark.parametrize("language", ALL)
@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("error.Cause", 'keep the document: catch(..., into="error")'),
        ("id", 'keep the document: catch(..., into="error")'),
        ("Couse", "did you mean 'Cause'?"),
    ],
)
def test_what_a_catch_has_replaced_is_kept_with_into(path: str, hint: str, language: Language, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()
    file = tmp_path / "flow.py"
    file.write_text(
        "import flowdsl as f\nfrom typing import TypedDict\nclass Input(TypedDict):\n    id: str\n"
        'pay = f.Task("Pay", f.Function("pay"), into="paid", catch=f.catch("States.ALL",\n'
        f'    f.Pass("Note", output={{"why": f.state_input.{path}}}), f.end()))\n'
        f'machine = f.StateMachine("m", pay, input=Input, query_language="{language}")\n'
    )
    (problem,) = project.review(project.load(file), packaging=False)
    assert (problem.code, problem.severity, problem.hint) == ("FD801", "error", hint)
    assert problem.span
    assert problem.span.line == 6
