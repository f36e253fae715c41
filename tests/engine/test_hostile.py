"""Definitions, values and answers that are wrong or extreme: a FlowError or a failed execution, never anything else."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from flowdsl.base.diagnostics import FlowError
from flowdsl.base.json import MAX_NESTING
from flowdsl.calls.lambdas import LocalLambdas
from flowdsl.engine import (
    Call,
    ExecutionAlreadyExistsError,
    InputTooLargeError,
    InvalidNameError,
    Reply,
    Result,
    Scheduler,
    VirtualClock,
    execute,
    prepare,
)

INVOKE = "arn:aws:states:::lambda:invoke"
DISTRIBUTED = {
    "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
    "StartAt": "Item",
    "States": {"Item": {"Type": "Pass", "End": True}},
}


def run(state: dict[str, Any], input: Any = None, reply: Reply | None = None, language: str = "JSONPath") -> Result:
    def invoke(_: Call) -> Reply:
        return reply or Reply.succeeded({})

    end = {} if state["Type"] in ("Choice", "Fail") else {"End": True}
    definition = {"StartAt": "A", "QueryLanguage": language, "States": {"A": {**state, **end}}}
    return execute(prepare(definition), {} if input is None else input, invoke=invoke, seed=1)


def nested(depth: int, inner: Any = None) -> Any:
    for _ in range(depth):
        inner = [inner]
    return inner


@pytest.mark.parametrize(
    "state",
    [
        {"Type": "Wait", "Seconds": "5"},
        {"Type": "Wait", "Seconds": None},
        {"Type": "Wait", "Timestamp": "tomorrow"},
        {"Type": "Fail", "Error": 5},
        {"Type": "Pass", "Assign": [1]},
        {"Type": "Task", "Resource": INVOKE, "TimeoutSeconds": []},
        {"Type": "Task", "Resource": INVOKE, "TimeoutSeconds": "{% 1 %}"},
        {"Type": "Task", "Resource": INVOKE, "Retry": [{"ErrorEquals": ["X"], "MaxAttempts": "3"}]},
        {"Type": "Task", "Resource": INVOKE, "Retry": [{"ErrorEquals": ["X"], "BackoffRate": float("nan")}]},
        {"Type": "Task", "Resource": INVOKE, "Retry": ["X"]},
        {"Type": "Map", "ItemProcessor": DISTRIBUTED, "ItemReader": {"Resource": INVOKE, "ReaderConfig": 5}},
        {"Type": "Choice", "Choices": [5]},
        {"Type": ["Pass"]},
    ],
)
def test_a_field_of_another_kind_is_refused_at_its_place(state: dict[str, Any]) -> None:
    with pytest.raises(FlowError, match=r"/States/A"):
        run(state)


def test_a_machine_ends_after_a_number_of_seconds() -> None:
    with pytest.raises(FlowError, match="TimeoutSeconds must be"):
        prepare({"StartAt": "A", "TimeoutSeconds": "5", "States": {"A": {"Type": "Succeed"}}})


def test_a_template_may_be_too_deep_to_be_prepared() -> None:
    template: Any = {"x.$": "$"}
    for _ in range(5000):
        template = {"a": template}
    with pytest.raises(FlowError):
        run({"Type": "Pass", "Parameters": template})


@pytest.mark.parametrize(
    "input", [{1, 2}, float("nan"), 10**5000, nested(5000), object()], ids=["set", "nan", "long", "deep", "object"]
)
def test_an_input_that_is_no_json_is_refused(input: Any) -> None:
    with pytest.raises(FlowError, match=r"must be a JSON value|nested at most"):
        run({"Type": "Pass"}, input)


def test_nesting_has_a_limit() -> None:
    assert run({"Type": "Pass"}, nested(MAX_NESTING - 1)).status == "SUCCEEDED"
    with pytest.raises(InputTooLargeError):
        run({"Type": "Pass"}, nested(MAX_NESTING + 1))
    result = run({"Type": "Task", "Resource": INVOKE}, reply=Reply.succeeded(nested(5000)))
    assert result.error == "States.DataLimitExceeded"


def test_a_loop_may_nest_its_data_until_the_limit() -> None:
    definition = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Parameters": {"a.$": "$"}, "Next": "A"}}}
    result = execute(prepare(definition), {}, invoke=LocalLambdas({}))
    assert result.error == "States.DataLimitExceeded"
    assert result.history.render()


def test_the_input_is_the_executions_own() -> None:
    given = {"items": [1]}
    scheduler = Scheduler(LocalLambdas({}))
    program = prepare({"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 1, "End": True}}})
    result = scheduler.start(program, given)
    given["items"].append(2)
    scheduler.run()
    assert result.output == {"items": [1]}


@pytest.mark.parametrize("text", ["\ud800", "\udfff" * 50_000])
@pytest.mark.parametrize(
    "state",
    [
        {"Type": "Pass", "Parameters": {"x.$": "States.Hash($.s, 'MD5')"}},
        {"Type": "Pass", "Parameters": {"x.$": "States.ArrayUnique(States.Array($.s))"}},
        {"Type": "Choice", "Choices": [{"Variable": "$.s", "StringLessThan": "x", "Next": "A"}]},
    ],
)
def test_half_a_surrogate_pair_is_a_character(state: dict[str, Any], text: str) -> None:
    assert run(state, {"s": text}).error in (None, "States.Runtime")


def test_half_a_surrogate_pair_is_encoded_as_java_does() -> None:
    result = run({"Type": "Pass", "Parameters": {"x.$": "States.Base64Encode($.s)"}}, {"s": "\ud800"})
    assert result.output == {"x": "Pw=="}


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ({"Type": "Wait", "SecondsPath": "$.n"}, "FAILED"),
        ({"Type": "Task", "Resource": INVOKE, "TimeoutSecondsPath": "$.n"}, "FAILED"),
        ({"Type": "Pass", "Parameters": {"x.$": "$.a.avg()", "y.$": "$.a.stddev()", "z.$": "$.a.sum()"}}, "SUCCEEDED"),
        ({"Type": "Pass", "InputPath": "$.a[?(@ > 1.5)]"}, "SUCCEEDED"),
        ({"Type": "Pass", "Parameters": {"x.$": "States.MathAdd($.n, 1)"}}, "FAILED"),
        ({"Type": "Map", "ItemsPath": "$.a", "MaxConcurrencyPath": "$.n", "ItemProcessor": DISTRIBUTED}, "FAILED"),
        (
            {
                "Type": "Map",
                "ItemsPath": "$.a",
                "ToleratedFailurePercentagePath": "$.n",
                "ItemProcessor": DISTRIBUTED,
            },
            "FAILED",
        ),
    ],
)
def test_numbers_beyond_a_double(state: dict[str, Any], status: str) -> None:
    assert run(state, {"n": 10**400, "a": [10**400, 1]}).status == status


@pytest.mark.parametrize(
    "state",
    [
        {"Type": "Pass", "InputPath": "$.t[?(@ =~ /(a|a)*b/)]"},
        {"Type": "Pass", "Parameters": {"x.$": "States.Array($.t[?(@ =~ /(a|a)*b/)])"}},
        {"Type": "Choice", "Choices": [{"Variable": "$.t[?(@ =~ /(a|a)*b/)]", "IsPresent": True, "Next": "A"}]},
    ],
)
def test_a_regular_expression_that_never_ends_fails_the_state(state: dict[str, Any], monkeypatch) -> None:
    monkeypatch.setattr("flowdsl.expr.path.filters._REGEX_SECONDS", 0.05)
    result = run(state, {"t": ["a" * 60]})
    assert (result.status, result.error) == ("FAILED", "States.Runtime")
    assert "The regular expression '(a|a)*b' takes too long" in result.cause


def test_a_wait_may_be_longer_than_an_execution() -> None:
    assert run({"Type": "Wait", "SecondsPath": "$.n"}, {"n": 10**15}).status == "TIMED_OUT"


NO_JSON = ["[" * 100_000, "[" * 252 + "]" * 252, "[NaN]", "[1e999]", "[" + "9" * 5000 + "]", ""]


def test_the_virtual_clock_ends_with_the_year_9999() -> None:
    program = prepare({"StartAt": "W", "States": {"W": {"Type": "Wait", "SecondsPath": "$", "End": True}}})

    def stop(seconds: int) -> str:
        clock = VirtualClock(datetime(9999, 12, 31, 23, 59, tzinfo=UTC))
        return str(execute(program, seconds, invoke=LocalLambdas({}), clock=clock).history.render()[-1]["timestamp"])

    assert stop(59) == "9999-12-31 23:59:59+00:00"
    for action in (lambda: stop(60), lambda: VirtualClock(253_402_300_800)):
        with pytest.raises(FlowError, match="beyond the year 9999"):
            action()


@pytest.mark.parametrize("body", ["H4sIxx", "H4sI", '"a"', *NO_JSON])
def test_a_file_that_cannot_be_read_fails_the_state(body: str) -> None:
    reader = {"Resource": "arn:aws:states:::s3:getObject", "Parameters": {"Bucket": "b", "Key": "k"}}
    answer = Reply.succeeded({"Body": body})
    result = run({"Type": "Map", "ItemReader": reader, "ItemProcessor": DISTRIBUTED}, reply=answer)
    assert result.error == "States.ItemReaderFailed"
    assert (result.cause or "").startswith("Attempting to ")


@pytest.mark.parametrize("text", NO_JSON)
def test_a_nested_execution_takes_no_input_that_is_no_json(text: str) -> None:
    start = {"Type": "Task", "Resource": "arn:aws:states:::states:startExecution.sync:2"}
    arguments = {"StateMachineArn": "child", "Input.$": "$"}
    program = prepare({"StartAt": "A", "States": {"A": {**start, "Parameters": arguments, "End": True}}})
    child = prepare({"StartAt": "A", "States": {"A": {"Type": "Succeed"}}})
    result = execute(program, text, invoke=lambda call: Reply.succeeded({}), machines={"child": child})
    assert result.error == "StepFunctions.InvalidExecutionInputException"


@pytest.mark.parametrize("reply", [Reply.timed_out(), Reply.pending(), Reply.failed("S3.S3Exception", "no")])
def test_a_service_that_does_not_answer_fails_the_map_run(reply: Reply) -> None:
    reader = {"Resource": "arn:aws:states:::s3:listObjectsV2", "Parameters": {"Bucket": "b"}}
    writer = {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "b"}}
    read = run({"Type": "Map", "ItemReader": reader, "ItemProcessor": DISTRIBUTED}, reply=reply)
    assert read.error == "States.ItemReaderFailed"
    written = run({"Type": "Map", "ResultWriter": writer, "ItemProcessor": DISTRIBUTED}, [1], reply=reply)
    assert written.error == "States.ResultWriterFailed"


def test_a_listing_that_is_none_fails_the_map_run() -> None:
    reader = {"Resource": "arn:aws:states:::s3:listObjectsV2", "Parameters": {"Bucket": "b"}}
    result = run({"Type": "Map", "ItemReader": reader, "ItemProcessor": DISTRIBUTED}, reply=Reply.succeeded("x"))
    assert (result.error, result.cause) == ("States.ItemReaderFailed", "The answer is not the listing of a bucket.")


def test_nulls_inside_many_lists_take_no_time_in_jsonata() -> None:
    started = time.process_time()
    result = run({"Type": "Pass", "Output": "{% $string($states.input) %}"}, nested(100), language="JSONata")
    assert time.process_time() - started < 5
    assert result.status in ("SUCCEEDED", "FAILED")


@pytest.mark.parametrize("answer", [float("nan"), float("inf"), {1}, nested(5000)], ids=["nan", "inf", "set", "deep"])
def test_a_function_that_answers_no_json_has_failed(answer: Any) -> None:
    definition = {"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "function:f", "End": True}}}
    result = execute(prepare(definition), {}, invoke=LocalLambdas({"f": lambda event, context: answer}))
    assert result.error in ("Runtime.MarshalError", "States.DataLimitExceeded")


def called(handler: Any, event: Any = None) -> Result:
    definition = {"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "function:f", "End": True}}}
    return execute(prepare(definition), event, invoke=LocalLambdas({"f": handler}))


def test_a_handler_may_change_its_event_the_folder_and_the_environment() -> None:
    before = Path.cwd()

    def restless(event: Any, context: Any) -> Any:
        event["items"].clear()
        os.chdir("/")
        del os.environ["FLOWDSL_NOW"]
        return "done"

    result = called(restless, {"items": [1]})
    assert (result.output, result.input) == ("done", {"items": [1]})
    assert (Path.cwd(), os.environ.get("FLOWDSL_NOW")) == (before, None)


class BrokenError(Exception):
    def __str__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    ("raised", "error", "cause"),
    [
        (SystemExit(), "Runtime.ExitError", "exit status 0"),
        (SystemExit("no"), "Runtime.ExitError", "exit status 1"),
        (SystemExit(3), "Runtime.ExitError", "exit status 3"),
        (BrokenError(), "BrokenError", "<no message: RuntimeError>"),
        (RecursionError("deep"), "RecursionError", "deep"),
        (MemoryError(), "MemoryError", "MemoryError"),
    ],
)
def test_whatever_a_handler_raises_is_the_functions_error(raised: BaseException, error: str, cause: str) -> None:
    def handler(event: Any, context: Any) -> Any:
        raise raised

    result = called(handler)
    assert result.error == error
    assert cause in (result.cause or "")


def test_the_users_interrupt_goes_through() -> None:
    def handler(event: Any, context: Any) -> Any:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        called(handler)


@pytest.mark.parametrize("name", ["a b", "x" * 81, "a/b", "<a>", "tab\t", "\x80", 5])
def test_a_name_that_start_execution_does_not_take(name: Any) -> None:
    program = prepare({"StartAt": "A", "States": {"A": {"Type": "Succeed"}}})
    with pytest.raises(InvalidNameError):
        execute(program, {}, invoke=LocalLambdas({}), name=name)


def test_a_running_execution_is_given_back_for_the_same_input_only() -> None:
    scheduler = Scheduler(LocalLambdas({}))
    program = prepare({"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 1, "End": True}}})
    first = scheduler.start(program, {"a": 1}, name="n")
    assert scheduler.start(program, {"a": 1}, name="n") is first
    with pytest.raises(ExecutionAlreadyExistsError):
        scheduler.start(program, {"a": True}, name="n")


def test_an_iteration_that_cannot_begin_ends_those_that_run() -> None:
    definition = {
        "StartAt": "M",
        "QueryLanguage": "JSONata",
        "States": {
            "M": {
                "Type": "Map",
                "ItemSelector": {"x": "{% $states.context.Map.Item.Value.x %}"},
                "ItemProcessor": {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 5, "End": True}}},
                "Catch": [{"ErrorEquals": ["States.QueryEvaluationError"], "Next": "Later"}],
                "End": True,
            },
            "Later": {"Type": "Wait", "Seconds": 60, "End": True},
        },
    }
    result = execute(prepare(definition), [{"x": 1}, {}], invoke=LocalLambdas({}))
    types = [event.type for event in result.history]
    assert result.status == "SUCCEEDED"
    assert types.count("WaitStateExited") == 1
    assert "MapIterationAborted" in types


@pytest.mark.parametrize("text", ["1", "+1", 1])
def test_a_number_of_a_map_may_be_digits_in_a_string(text: Any) -> None:
    fields = {"ToleratedFailureCountPath": "$.n", "ToleratedFailurePercentagePath": "$.n", "MaxConcurrencyPath": "$.n"}
    result = run({"Type": "Map", "ItemsPath": "$.a", "ItemProcessor": DISTRIBUTED, **fields}, {"n": text, "a": [1]})
    assert result.output == [1]


@pytest.mark.parametrize("text", ["1_000", " 1", "\u0663", "", "1.0", 1.0, True, None, [1]])
def test_what_is_no_whole_number_for_a_map(text: Any) -> None:
    state = {"Type": "Map", "ItemsPath": "$.a", "ItemProcessor": DISTRIBUTED, "MaxConcurrencyPath": "$.n"}
    assert "which is not a valid integer: $.n" in (run(state, {"n": text, "a": [1]}).cause or "")


@pytest.mark.parametrize("seconds", ["-1", "0", "1.5", "100000000", "'5'"])
def test_a_timeout_in_jsonata_is_a_whole_number_of_seconds(seconds: str) -> None:
    state = {"Type": "Task", "Resource": INVOKE, "TimeoutSeconds": f"{{% {seconds} %}}"}
    assert run(state, language="JSONata").error == "States.QueryEvaluationError"


def test_a_function_may_be_called_activity() -> None:
    function = "arn:aws:lambda:us-east-1:123456789012:function:activity:live"
    definition = {"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": function, "End": True}}}
    result = execute(prepare(definition), {}, invoke=LocalLambdas({"activity": lambda event, context: "done"}))
    assert result.output == "done"
