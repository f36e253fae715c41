"""Local functions in place of Lambda's, and mocks."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from flowdsl.diagnostics import FlowError
from flowdsl.engine import Result, execute, prepare
from flowdsl.invoke import LocalLambdas, MockConfig, function_name

ARN = "arn:aws:lambda:us-east-1:123456789012:function:f"


def call(handler: Any, event: Any = None, *, name: str = ARN, **options: Any) -> Result:
    """Run a machine of one Task, a plain function ARN."""
    task = {"Type": "Task", "Resource": name, "End": True}
    return execute(
        prepare({"StartAt": "S", "States": {"S": task}}, name="machine"),
        event,
        invoke=LocalLambdas({"f": handler}, **options),
    )


def invoke(handler: Any, event: Any = None, *, function: str = "f", **parameters: Any) -> Result:
    """The same through lambda:invoke."""
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": function, "Payload.$": "$", **parameters},
        "End": True,
    }
    return execute(
        prepare({"StartAt": "S", "States": {"S": task}}, name="machine"),
        event,
        invoke=LocalLambdas({"f": handler}),
    )


@pytest.mark.parametrize(
    "text",
    ["f", "f:live", "f:$LATEST", ARN, f"{ARN}:3", "123456789012:function:f", "function:f"],
)
def test_a_function_by_any_of_its_names(text: str) -> None:
    assert function_name(text) == "f"
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


def test_what_the_runtime_of_lambda_can_write() -> None:
    assert call(lambda event, context: [Decimal("1.5"), Decimal(2), b"text"]).output == [1.5, 2, "text"]


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
    result = invoke(lambda event, context: None, function="other")
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
    assert context.memory_limit_in_mb == 128
    assert context.log_group_name == "/aws/lambda/f"
    assert 0 < context.get_remaining_time_in_millis() <= 30_000


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


CONFIG = {
    "StateMachines": {"machine": {"TestCases": {"second": {"S": "Flaky"}}}},
    "MockedResponses": {
        "Flaky": {
            "0-1": {"Throw": {"Error": "Lambda.ServiceException", "Cause": "c"}},
            "2": {"Return": {"Payload": "at last"}},
        }
    },
}


def mocked(case: str, resource: str = "arn:aws:states:::lambda:invoke") -> Result:
    task = {"Type": "Task", "Resource": resource, "Parameters": {}, "Retry": [{"ErrorEquals": ["States.ALL"]}]}
    machine = prepare({"StartAt": "S", "States": {"S": {**task, "End": True}}}, name="machine")
    return execute(machine, {}, invoke=MockConfig(CONFIG, "machine", case))


def test_mocks_of_step_functions_local() -> None:
    result = mocked("second")
    assert (result.output, result.duration) == ({"Payload": "at last"}, 3)


def test_mocks_of_tasks_that_wait() -> None:
    result = mocked("second", "arn:aws:states:::sqs:sendMessage.waitForTaskToken")
    assert result.output == {"Payload": "at last"}
    assert [event.type for event in result.history].count("TaskSubmitted") == 3


def test_a_mock_configuration_without_the_case() -> None:
    with pytest.raises(FlowError, match="the mock configuration has no 'third'"):
        mocked("third")
