"""Local functions in place of Lambda's."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections import namedtuple
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from flowdsl.base.diagnostics import FlowError
from flowdsl.calls.lambdas import Hosted, LocalLambdas
from flowdsl.engine import VirtualClock, execute, prepare
from tests.calls.calling import ARN, call, invoke


@pytest.mark.parametrize(
    "text",
    ["f", "f:live", "f:$LATEST", ARN, f"{ARN}:3", "123456789012:function:f", "function:f"],
)
def test_a_function_by_any_of_its_names(text: str) -> None:
    assert invoke(lambda event, context: event, {"n": 1}, function=text).output["Payload"] == {"n": 1}


def test_a_qualified_name_may_have_a_handler_of_its_own() -> None:
    lambdas = LocalLambdas({"f": lambda event, context: "latest", "f:live": lambda event, context: "live"})
    task = {"Type": "Task", "Resource": f"{ARN}:live", "End": True}
    assert execute(prepare({"StartAt": "S", "States": {"S": task}}), {}, invoke=lambdas).output == "live"


def test_event_and_answer_go_through_json() -> None:
    given = {"list": [1, 2]}

    def handler(event: Any, context: Any) -> Any:
        event["list"].append(3)
        return {"tuple": (1, 2), 5: "key", "event": event}

    result = call(handler, given)
    assert result.output == {"tuple": [1, 2], "5": "key", "event": {"list": [1, 2, 3]}}
    assert given == {"list": [1, 2]}, "what the execution holds is never changed"


Point = namedtuple("Point", ["x", "y"])


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        ([Decimal("1.5"), Decimal(2), b"text"], [1.5, 2, "text"]),
        (Decimal("1.0"), 1.0),
        (Decimal("1E+3"), 1000.0),
        (Decimal("0.10"), 0.1),
        (Point(1, Point(2, None)), {"x": 1, "y": {"x": 2, "y": None}}),
        ([Point(1, 2)], [{"x": 1, "y": 2}]),
        ((1, (2,)), [1, [2]]),
        ({b"key": 1, 2: 3, None: 4, True: 5, 1.5: 6}, {"key": 1, "2": 3, "null": 4, "true": 5, "1.5": 6}),
        (b'{"a": [1]}', {"a": [1]}),
        (b"5", 5),
        ({"a": b'{"b": 1}'}, {"a": '{"b": 1}'}),
        (b"not JSON", "not JSON"),
        (b"", ""),
        (b"NaN", "NaN"),
        ("é \u2028", "é \u2028"),
    ],
)
def test_what_the_runtime_of_lambda_can_write(answer: Any, result: Any) -> None:
    outputs = (call(lambda event, context: answer).output, invoke(lambda event, context: answer, {}).output["Payload"])
    for output in outputs:
        assert output == result
        assert [type(output)] == [type(result)], "1.0 is a fraction in JSON too"


@pytest.mark.parametrize(
    "value",
    [
        *(Decimal("Infinity"), Decimal("sNaN"), Decimal("NaN"), Decimal("1E400"), float("inf"), float("nan")),
        *(b"\xff", {"a": {1, 2}}, {(1, 2): 3}, {Decimal(1): 2}),
    ],
)
def test_an_answer_that_json_has_not(value: Any) -> None:
    assert call(lambda event, context: value).error == "Runtime.MarshalError"


class Leaving(dict[str, int]):
    def items(self) -> Any:
        sys.exit(3)


class Unwritable:
    def __getattr__(self, name: str) -> Any:
        raise Wordless


def raise_(error: Exception) -> None:
    raise error


class Fatal(Exception):  # noqa: N818
    def __str__(self) -> str:
        os._exit(4)


class Wordless(Exception):  # noqa: N818
    def __str__(self) -> str:
        raise ValueError("no words")


@pytest.mark.parametrize(
    ("answer", "error", "message"),
    [
        (lambda: Leaving(a=1), "Runtime.ExitError", "exit status 3"),
        (Unwritable, "Runtime.MarshalError", "<no message: ValueError>"),
        (lambda: raise_(Wordless()), "Wordless", "<no message: ValueError>"),
        (lambda: raise_(Fatal()), "Runtime.ExitError", "exit status 4"),
    ],
)
def test_answers_and_errors_may_do_what_a_handler_may(answer: Any, error: str, message: str) -> None:
    result = call(lambda event, context: answer())
    assert (result.error, message in (result.cause or "")) == (error, True)


def test_an_answer_that_is_no_json() -> None:
    result = call(lambda event, context: datetime(2025, 1, 1, tzinfo=UTC))
    assert (result.status, result.error) == ("FAILED", "Runtime.MarshalError")
    assert "datetime is not JSON serializable" in json.loads(result.cause or "")["errorMessage"]


class CardDeclined(Exception):  # noqa: N818 - its name is the error's name in the flow
    pass


def test_an_exception_is_lambdas_error() -> None:
    def handler(event: Any, context: Any) -> Any:
        raise CardDeclined("no funds")

    result = call(handler)
    assert (result.status, result.error) == ("FAILED", "CardDeclined")
    cause = json.loads(result.cause or "")
    assert cause["errorType"] == "CardDeclined"
    assert cause["errorMessage"] == "no funds"
    assert len(cause["requestId"]) == 36
    (line,) = cause["stackTrace"]
    assert line.startswith('  File "')
    assert line.endswith('in handler\n    raise CardDeclined("no funds")\n')


def test_an_answer_beyond_six_megabytes() -> None:
    result = call(lambda event, context: "x" * 6_291_556)
    assert result.error == "Function.ResponseSizeTooLarge"
    assert "6291556 bytes" in (result.cause or "")


def test_an_answer_that_lambda_allows_and_step_functions_does_not() -> None:
    assert call(lambda event, context: "x" * 300_000).error == "States.DataLimitExceeded"


def test_a_function_that_takes_too_long() -> None:
    result = call(lambda event, context: time.sleep(0.05), timeout_seconds=0.01)
    assert result.error == "Sandbox.Timedout"
    assert "Task timed out after 0.01 seconds" in (result.cause or "")


def test_no_such_function() -> None:
    result = invoke(lambda event, context: None, {}, function="other")
    assert result.error == "Lambda.ResourceNotFoundException"
    assert (result.cause or "").startswith(
        "Function not found: arn:aws:lambda:us-east-1:123456789012:function:other:$LATEST (Service: AWSLambda;"
    )


def test_the_answer_of_lambda_invoke() -> None:
    output = invoke(lambda event, context: {"paid": event["amount"]}, {"amount": 5}).output
    assert output["Payload"] == {"paid": 5}
    assert (output["StatusCode"], output["ExecutedVersion"]) == (200, "$LATEST")
    assert output["SdkHttpMetadata"]["HttpStatusCode"] == 200


def test_an_asynchronous_invocation() -> None:
    output = invoke(lambda event, context: "ignored", {}, InvocationType="Event").output
    assert (output["StatusCode"], output["Payload"]) == (202, "")


def test_the_context() -> None:
    seen: list[Any] = []
    call(lambda event, context: seen.append(context), timeout_seconds=30)
    (context,) = seen
    assert context.function_name == "f"
    assert context.invoked_function_arn == ARN
    assert context.memory_limit_in_mb == "128"
    assert (context.identity.cognito_identity_id, context.identity.cognito_identity_pool_id) == (None, None)
    assert (context.client_context, context.tenant_id, context.w3c()) == (None, None, {})
    assert context.log_group_name == "/aws/lambda/f"
    assert 0 < context.get_remaining_time_in_millis() <= 30_000


def test_the_context_writes_to_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    call(lambda event, context: context.log({"a": 1}))
    assert capsys.readouterr().out == "{'a': 1}"


def test_a_function_reads_its_name_and_region_in_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_NAME", raising=False)
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.setenv("AWS_REGION", "ap-south-1")
    before = dict(os.environ)
    seen = call(lambda event, context: dict(os.environ)).output
    assert {key: seen[key] for key in seen.keys() - before.keys() | {"AWS_REGION"}} == {
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_LAMBDA_FUNCTION_NAME": "f",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/f",
        "AWS_LAMBDA_LOG_STREAM_NAME": "local",
        "FLOWDSL_NOW": seen["FLOWDSL_NOW"],
    }
    assert dict(os.environ) == before


def test_a_function_may_change_and_remove_its_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "ap-south-1")
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    before = dict(os.environ)

    def changes(event: Any, context: Any) -> None:
        del os.environ["AWS_REGION"], os.environ["FLOWDSL_NOW"]
        os.environ["AWS_DEFAULT_REGION"] = "eu-west-1"

    assert call(changes).error is None
    assert dict(os.environ) == before


@pytest.mark.parametrize("fails", [False, True])
def test_the_working_folder_is_as_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, fails: bool) -> None:
    monkeypatch.chdir(tmp_path)
    other = tmp_path / "other"

    def leaves(event: Any, context: Any) -> None:
        other.mkdir()
        os.chdir(other)
        if fails:
            other.rmdir()  # where it is now, so os.getcwd raises
            raise ValueError

    assert call(leaves).error == ("ValueError" if fails else None)
    assert Path.cwd() == tmp_path


def test_a_handler_may_call_asyncio_run_inside_an_async_function() -> None:
    async def work() -> str:
        await asyncio.sleep(0)
        return "done"

    async def test() -> list[Any]:
        results = [call(lambda event, context: asyncio.run(work())).output for _ in range(2)]
        late = call(lambda event, context: time.sleep(0.1), timeout_seconds=0.01).error
        await asyncio.sleep(0.2)  # it runs on, as in other threads
        return [*results, late]

    assert asyncio.run(test()) == ["done", "done", "Sandbox.Timedout"]


def test_powertools_takes_the_context() -> None:
    from aws_lambda_powertools import Logger

    logger = Logger(service="test")

    @logger.inject_lambda_context
    def handler(event: Any, context: Any) -> Any:
        return logger.get_current_keys()["function_request_id"]

    assert len(call(handler).output) == 36


def test_a_call_that_nothing_answers() -> None:
    task = {"Type": "Task", "Resource": "arn:aws:states:::sns:publish", "Parameters": {}, "End": True}
    with pytest.raises(FlowError, match="'S' calls arn:aws:states:::sns:publish"):
        execute(prepare({"StartAt": "S", "States": {"S": task}}), {}, invoke=LocalLambdas({}))


def test_a_function_sees_the_time_of_its_execution() -> None:
    states = {
        "Pause": {"Type": "Wait", "Seconds": 90, "Next": "S"},
        "S": {"Type": "Task", "Resource": ARN, "End": True},
    }
    clock = VirtualClock(datetime(2030, 1, 1, tzinfo=UTC))
    work = LocalLambdas({"f": lambda event, context: os.environ["FLOWDSL_NOW"]})
    result = execute(prepare({"StartAt": "Pause", "States": states}), {}, invoke=work, clock=clock)
    assert result.output == "2030-01-01T00:01:30.000Z"
    assert "FLOWDSL_NOW" not in os.environ


def test_a_function_may_have_a_timeout_of_its_own() -> None:
    def slow(event: Any, context: Any) -> Any:
        assert context.get_remaining_time_in_millis() <= 10
        assert context.memory_limit_in_mb == "512"
        time.sleep(0.02)

    states = {"S": {"Type": "Task", "Resource": ARN, "End": True}}
    hosted = Hosted(slow, timeout_seconds=0.01, memory_limit_in_mb=512)
    result = execute(prepare({"StartAt": "S", "States": states}), {}, invoke=LocalLambdas({"f": hosted}))
    assert result.error == "Sandbox.Timedout"


def test_a_string_payload_is_the_text_of_the_request() -> None:
    assert invoke(lambda event, context: event, "0.5").output["Payload"] == 0.5
    assert invoke(lambda event, context: event, "not JSON").error == "Lambda.InvalidRequestContentException"


def test_a_handler_that_raises_after_its_time_has_timed_out() -> None:
    def late(event: Any, context: Any) -> Any:
        time.sleep(0.02)
        raise ValueError("too late")

    assert call(late, timeout_seconds=0.01).error == "Sandbox.Timedout"


def test_a_dry_run_calls_nobody_and_an_event_hears_of_no_error() -> None:
    calls = []

    def broken(event: Any, context: Any) -> Any:
        calls.append(event)
        raise ValueError("no")

    assert invoke(broken, {}, InvocationType="DryRun").output["StatusCode"] == 204
    assert calls == []
    assert invoke(broken, {}, InvocationType="Event").output["StatusCode"] == 202
    assert calls == [{}]
    assert invoke(broken, {}, InvocationType="RequestResponse").error == "ValueError"
    assert invoke(broken, {}, function="unknown", InvocationType="Event").error == "Lambda.ResourceNotFoundException"


def test_every_call_has_a_request_id_of_its_own() -> None:
    task = {"Type": "Task", "Resource": ARN, "End": True}
    each = {"Type": "Map", "ItemProcessor": {"StartAt": "S", "States": {"S": task}}, "End": True}
    work = LocalLambdas({"f": lambda event, context: context.aws_request_id})
    result = execute(prepare({"StartAt": "M", "States": {"M": each}}), [1, 2, 3], invoke=work)
    assert len(set(result.output)) == 3
