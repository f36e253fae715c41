"""Local functions in place of Lambda's, and mocks."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from flowdsl import mockconfig
from flowdsl.buckets import LocalFiles
from flowdsl.diagnostics import FlowError
from flowdsl.engine import Result, VirtualClock, execute, prepare
from flowdsl.invoke import Hosted, LocalLambdas, first_of, function_name

ARN = "arn:aws:lambda:us-east-1:123456789012:function:f"
LEAVE = os._exit


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


@pytest.mark.parametrize("value", [Decimal("Infinity"), Decimal("sNaN"), Decimal("NaN"), b"\xff", {"a": {1, 2}}])
def test_an_answer_that_json_has_not(value: Any) -> None:
    assert call(lambda event, context: value).error == "Runtime.MarshalError"


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
    return execute(machine, {}, invoke=first_of(mockconfig.parse(CONFIG, "machine", case)))


def test_mocks_of_step_functions_local() -> None:
    result = mocked("second")
    assert (result.output, result.duration) == ({"Payload": "at last"}, 3)


def test_mocks_of_tasks_that_wait() -> None:
    result = mocked("second", "arn:aws:states:::sqs:sendMessage.waitForTaskToken")
    assert result.output == {"Payload": "at last"}
    assert [event.type for event in result.history].count("TaskSubmitted") == 3


def test_a_mock_configuration_without_the_case() -> None:
    with pytest.raises(FlowError, match="the mock configuration has no test case 'third'"):
        mocked("third")


def distributed(tmp_path: Path, **fields: Any) -> Result:
    """A Distributed Map over the lines of a file, which fails where a line says so."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "lines.jsonl").write_text('{"n": 1}\n{"n": 2}\n{"n": 3}\n')
    rule = {"Variable": "$.n", "NumericEquals": 2, "Next": "Fail"}
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"},
        "StartAt": "Check",
        "States": {
            "Check": {"Type": "Choice", "Choices": [rule], "Default": "Done"},
            "Done": {"Type": "Succeed", "OutputPath": "$.n"},
            "Fail": {"Type": "Fail", "Error": "Two", "Cause": "it is two"},
        },
    }
    state = {
        "Type": "Map",
        "ItemReader": {
            "Resource": "arn:aws:states:::s3:getObject",
            "ReaderConfig": {"InputType": "JSONL"},
            "Parameters": {"Bucket": "donations", "Key.$": "$.key"},
        },
        "ItemProcessor": processor,
        "ToleratedFailureCount": 1,
        "End": True,
        **fields,
    }
    invoker = first_of(LocalFiles({"donations": tmp_path / "in", "results": tmp_path / "out"}))
    machine = prepare({"StartAt": "S", "States": {"S": state}}, name="machine")
    return execute(machine, {"key": "lines.jsonl"}, invoke=invoker)


def test_items_from_a_local_file(tmp_path: Path) -> None:
    assert distributed(tmp_path).output == [1, 3]


def test_results_to_local_files(tmp_path: Path) -> None:
    writer = {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "results", "Prefix": "run"}}
    output = distributed(tmp_path, ResultWriter=writer).output
    manifest = json.loads((tmp_path / "out" / output["ResultWriterDetails"]["Key"]).read_text())
    assert manifest["MapRunArn"] == output["MapRunArn"]
    files = manifest["ResultFiles"]
    (succeeded,), (failed,) = files["SUCCEEDED"], files["FAILED"]
    written = json.loads((tmp_path / "out" / succeeded["Key"]).read_text())
    assert [(entry["Status"], entry["Input"], entry["Output"]) for entry in written] == [
        ("SUCCEEDED", '{"n":1}', "1"),
        ("SUCCEEDED", '{"n":3}', "3"),
    ]
    (entry,) = json.loads((tmp_path / "out" / failed["Key"]).read_text())
    assert (entry["Error"], entry["Cause"]) == ("Two", "it is two")


def test_items_of_a_local_folder(tmp_path: Path) -> None:
    reader = {"Resource": "arn:aws:states:::s3:listObjectsV2", "Parameters": {"Bucket": "donations", "Prefix": "li"}}
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": "P",
        "States": {"P": {"Type": "Pass", "OutputPath": "$.Key", "End": True}},
    }
    assert distributed(tmp_path, ItemReader=reader, ItemProcessor=processor).output == ["lines.jsonl"]


def test_what_a_listing_says_and_files_that_are_no_text(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "data.csv.gz").write_bytes(gzip.compress(b"a\n1\n"))
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": "P",
        "States": {"P": {"Type": "Pass", "End": True}},
    }

    def listed(**config: str) -> Any:
        reader = {
            "Resource": "arn:aws:states:::s3:listObjectsV2",
            "Parameters": {"Bucket": "b"},
            "ReaderConfig": config,
        }
        state = {"Type": "Map", "ItemReader": reader, "ItemProcessor": processor, "End": True}
        program = prepare({"StartAt": "S", "States": {"S": state}})
        return execute(program, {}, invoke=first_of(LocalFiles({"b": folder}))).output

    (entry,) = listed()
    assert (entry["Key"], entry["StorageClass"], len(entry["Etag"])) == ("data.csv.gz", "STANDARD", 34)
    assert abs(entry["LastModified"] - time.time()) < 3600
    flattened = listed(InputType="CSV", CSVHeaderLocation="FIRST_ROW", Transformation="LOAD_AND_FLATTEN")
    assert flattened == [{"a": "1"}]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    reader = {"Resource": "arn:aws:states:::s3:getObject", "Parameters": {"Bucket": "donations", "Key": "other"}}
    result = distributed(tmp_path, ItemReader=reader)
    assert (result.error, result.cause) == ("States.ItemReaderFailed", "The specified key does not exist.")


def test_a_key_stays_in_its_folder(tmp_path: Path) -> None:
    reader = {"Resource": "arn:aws:states:::s3:getObject", "Parameters": {"Bucket": "donations", "Key": "../secret"}}
    (tmp_path / "secret").write_text("[]")
    assert distributed(tmp_path, ItemReader=reader).error == "States.ItemReaderFailed"


@pytest.mark.parametrize("key", ["", "a/", "a", "all.csv/b", "a\0b", "x" * 300])
def test_a_key_that_cannot_be_a_file_is_a_mistake(tmp_path: Path, key: str) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "all.csv").write_text("id\n")
    put = {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:s3:putObject", "End": True}
    program = prepare({"StartAt": "Put", "States": {"Put": put}})
    with pytest.raises(FlowError, match="cannot be a file in"):
        execute(program, {"Bucket": "b", "Key": key, "Body": "x"}, invoke=first_of(LocalFiles({"b": tmp_path})))


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
        assert context.memory_limit_in_mb == 512
        time.sleep(0.02)

    states = {"S": {"Type": "Task", "Resource": ARN, "End": True}}
    hosted = Hosted(slow, timeout_seconds=0.01, memory_limit_in_mb=512)
    result = execute(prepare({"StartAt": "S", "States": states}), {}, invoke=LocalLambdas({"f": hosted}))
    assert result.error == "Sandbox.Timedout"


@pytest.mark.parametrize("leave", [sys.exit, LEAVE])
def test_a_function_that_ends_its_process(leave: Any) -> None:
    result = call(lambda event, context: os._exit(3) if leave is LEAVE else leave(3))
    assert result.error == "Runtime.ExitError"
    told = json.loads(result.cause or "")
    assert list(told) == ["errorType", "errorMessage"]
    assert told["errorMessage"].endswith(" Error: Runtime exited with error: exit status 3")
    assert os._exit is LEAVE


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
def test_a_process_that_a_function_forks_may_end() -> None:
    def forks(event: Any, context: Any) -> Any:
        child = os.fork()
        if child == 0:
            os._exit(7)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    assert call(forks).output == 7


alarms = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there is no SIGALRM on this system")


@alarms
def test_a_function_that_hangs_is_stopped() -> None:
    def hangs(event: Any, context: Any) -> Any:
        try:
            time.sleep(60)
        except Exception:  # noqa: BLE001 - what a function may catch
            return "went on"

    started = time.monotonic()
    result = call(hangs, timeout_seconds=0.02)
    assert time.monotonic() - started < 30
    assert result.error == "Sandbox.Timedout"


@alarms
def test_a_function_that_catches_everything_is_stopped() -> None:
    def tries_for_ever(event: Any, context: Any) -> Any:
        try:
            time.sleep(30)
        except BaseException:  # noqa: BLE001 - what a function may catch
            time.sleep(30)

    started = time.monotonic()
    assert call(tries_for_ever, timeout_seconds=0.02).error == "Sandbox.Timedout"
    assert time.monotonic() - started < 20


class _TestIsOver(BaseException):
    """What a test's timeout raises."""


@contextmanager
def somebodys_alarm(seconds: float) -> Iterator[None]:
    def ring(number: int, frame: Any) -> None:
        raise _TestIsOver

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@alarms
def test_an_alarm_that_is_due_before_that_of_the_function_goes_off() -> None:
    started = time.monotonic()
    with pytest.raises(_TestIsOver), somebodys_alarm(0.05):
        call(lambda event, context: time.sleep(30), timeout_seconds=60)
    assert time.monotonic() - started < 20
    assert os._exit is LEAVE


@alarms
def test_an_alarm_that_is_due_after_that_of_the_function_goes_on() -> None:
    with somebodys_alarm(0.2):
        assert call(lambda event, context: time.sleep(30), timeout_seconds=0.02).error == "Sandbox.Timedout"
        assert 0 < signal.getitimer(signal.ITIMER_REAL)[0] < 0.2
        with pytest.raises(_TestIsOver):
            time.sleep(30)


@alarms
def test_a_function_is_stopped_inside_one_that_it_calls() -> None:
    inner: list[Any] = []

    def outer(event: Any, context: Any) -> Any:
        inner.append(call(lambda event, context: time.sleep(30), timeout_seconds=60))

    started = time.monotonic()
    assert call(outer, timeout_seconds=0.05).error == "Sandbox.Timedout"
    assert time.monotonic() - started < 20
    assert inner == []


@alarms
def test_coverage_is_no_debugger(monkeypatch: pytest.MonkeyPatch) -> None:
    tracer = type("CTracer", (), {"__module__": "coverage"})()
    monkeypatch.setattr(sys, "gettrace", lambda: tracer)
    started = time.monotonic()
    assert call(lambda event, context: time.sleep(30), timeout_seconds=0.02).error == "Sandbox.Timedout"
    assert time.monotonic() - started < 20


@alarms
def test_a_debugger_may_take_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    stepped: list[str] = []

    def breaks(event: Any, context: Any) -> None:
        monkeypatch.setattr(sys, "gettrace", lambda: test_a_debugger_may_take_its_time)  # as breakpoint() does
        time.sleep(0.05)
        stepped.append("on")

    call(breaks, timeout_seconds=0.02)
    assert stepped == ["on"]


HUNG = """
import os, threading, time
from flowdsl.engine import execute, prepare
from flowdsl.invoke import LocalLambdas

def hangs(event, context):
    threading.Timer(0.2, lambda: os._exit(7)).start()
    time.sleep(60)

task = {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:f", "End": True}
execute(prepare({"StartAt": "S", "States": {"S": task}}), {}, invoke=LocalLambdas({"f": hangs}))
"""


def test_a_tests_timeout_in_another_thread_ends_the_process() -> None:
    done = subprocess.run([sys.executable, "-c", HUNG], timeout=30, check=False)
    assert done.returncode == 7


def test_functions_in_threads_end_alone() -> None:
    both = threading.Barrier(2)

    def ends(seconds: float) -> Result:
        def work(event: Any, context: Any) -> None:
            both.wait(10)
            time.sleep(seconds)
            os._exit(3)

        return call(work)

    with ThreadPoolExecutor() as threads:
        assert [result.error for result in threads.map(ends, (0.01, 0.05))] == ["Runtime.ExitError"] * 2
    assert os._exit is LEAVE


def test_a_string_payload_is_the_text_of_the_request() -> None:
    assert invoke(lambda event, context: event, "0.5").output["Payload"] == 0.5
    assert invoke(lambda event, context: event, "not JSON").error == "Lambda.InvalidRequestContentException"


def test_a_handler_that_raises_after_its_time_has_timed_out() -> None:
    def late(event: Any, context: Any) -> Any:
        time.sleep(0.02)
        raise ValueError("too late")

    assert call(late, timeout_seconds=0.01).error == "Sandbox.Timedout"


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (5, "no object at StateMachines"),
        ({"StateMachines": 5}, "no object at StateMachines"),
        ({"StateMachines": {"machine": {"TestCases": {"case": 5}}}}, "no object at .*TestCases/case"),
        ({"StateMachines": {"machine": {"TestCases": {"other": {}}}}}, "no test case 'case'"),
        ({"StateMachines": {"one": {}, "two": {}}}, "no state machine 'machine'"),
        ({"0": 5}, "either Return or Throw"),
        ({"0": {}}, "either Return or Throw"),
        ({"0": {"Return": 1, "Throw": {"Error": "E"}}}, "either Return or Throw"),
        ({"first": {"Return": 1}}, "'first' is no number"),
        ({"0": {"Throw": {"error": "E"}}}, "Throw has an Error"),
        ({"0": {"Throw": {"Error": 5}}}, "Throw has an Error"),
        ({"0": {"Throw": {"Error": "E", "Cause": [1]}}}, "Throw has an Error"),
        ({0: {"Return": 1}}, 'write "0"'),
        ({"3-1": {"Return": 1}}, "'3-1' is no number"),
        ({"0-2": {"Return": 1}, "2-3": {"Return": 1}}, "'2-3' is a call that has a response already"),
        ({"1": {"Return": 1}}, "call number 0 .* of the state 'S'.* nothing for it"),
    ],
)
def test_a_broken_mock_configuration_says_where(config: Any, said: str) -> None:
    if isinstance(config, dict) and "StateMachines" not in config:
        cases = {"machine": {"TestCases": {"case": {"S": "answer"}}}}
        config = {"StateMachines": cases, "MockedResponses": {"answer": config}}
    elif isinstance(config, dict):
        config = {**config, "MockedResponses": {}}
    definition = {"StartAt": "S", "States": {"S": {"Type": "Task", "Resource": ARN, "End": True}}}
    with pytest.raises(FlowError, match=said):
        execute(prepare(definition), {}, invoke=first_of(mockconfig.parse(config, "machine", "case")))


def test_a_mock_configuration_that_says_something_twice(tmp_path: Path) -> None:
    file = tmp_path / "mocks.json"
    file.write_text(
        '{"StateMachines": {"m": {"TestCases": {"c": {"S": "R"}}}},\n"MockedResponses": {"R": {"0": 1, "0": 2}}}'
    )
    with pytest.raises(FlowError, match=r"mocks.json:2:.*FD712 the key '0' is there twice"):
        mockconfig.load(file, "m", None)
    cases = {"m": {"TestCases": {"c": {"S": ["R"]}}}}
    with pytest.raises(FlowError, match="a state has the name of one mocked response"):
        mockconfig.parse({"StateMachines": cases, "MockedResponses": {"R": {}}}, "m")


def test_what_is_misspelt_in_a_mock_configuration_is_found_before_anything_runs() -> None:
    cases = {"some name": {"TestCases": {"good": {"Charge": "paid"}, "bad": {"Chargee": "paid", "Notify": "payd"}}}}
    config = {"StateMachines": cases, "MockedResponses": {"paid": {"0": {"Return": {}}}}}
    with pytest.raises(FlowError) as refused:
        mockconfig.parse(config, "machine", "good", states={"Charge", "Notify"})
    said = [(each.message, each.hint) for each in refused.value.diagnostics]
    assert said == [
        ("the machine has no state 'Chargee'", "did you mean 'Charge'?"),
        ("there is no mocked response 'payd'", "did you mean 'paid'?"),
    ]


def test_the_calls_of_child_executions_are_counted_together() -> None:
    price = {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage", "End": True}
    processor = {"StartAt": "Price", "States": {"Price": price}}
    each = {"Type": "Map", "MaxConcurrency": 1, "End": True, "ItemProcessor": processor}
    config = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    distributed = {**each, "ItemProcessor": {**processor, "ProcessorConfig": config}}
    responses = {"0": {"Return": "zero"}, "1-2": {"Return": "more"}}
    mocks = {
        "StateMachines": {"machine": {"TestCases": {"case": {"Price": "prices"}}}},
        "MockedResponses": {"prices": responses},
    }
    for state in (each, distributed):
        machine = prepare({"StartAt": "Each", "States": {"Each": state}}, name="machine")
        result = execute(machine, [1, 2, 3], invoke=first_of(mockconfig.parse(mocks, "machine")))
        assert result.output == ["zero", "more", "more"]


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


def test_calls_in_several_threads_leave_no_time_behind() -> None:
    inside, go_on = threading.Event(), threading.Event()

    def waits(event: Any, context: Any) -> None:
        inside.set()
        go_on.wait(10)

    def overlaps(event: Any, context: Any) -> None:
        go_on.set()
        thread.join(10)

    thread = threading.Thread(target=lambda: call(waits))
    thread.start()
    inside.wait(10)
    call(overlaps)  # begins within the other call, and ends after it
    assert "FLOWDSL_NOW" not in os.environ
    assert os._exit is LEAVE
