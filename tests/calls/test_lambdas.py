"""Local functions in place of Lambda's."""

from __future__ import annotations

import asyncio
import builtins
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import namedtuple
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from flowdsl.base.diagnostics import FlowError
from flowdsl.calls.lambdas import Hosted, LocalLambdas
from flowdsl.engine import Result, VirtualClock, execute, prepare

ARN = "arn:aws:lambda:us-east-1:123456789012:function:f"
LEAVE = os._exit

alarms = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there is no SIGALRM on this system")


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


@alarms
def test_the_answer_is_written_within_the_functions_time() -> None:
    class Slow(dict[str, Any]):
        def items(self) -> Any:
            time.sleep(30)

    started = time.monotonic()
    assert call(lambda event, context: Slow(a=1), timeout_seconds=0.02).error == "Sandbox.Timedout"
    assert time.monotonic() - started < 20


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


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
def test_a_forked_process_that_returns_from_the_function_ends_there(capfd: pytest.CaptureFixture[str]) -> None:
    children: list[int] = []

    def forks(event: Any, context: Any) -> Any:
        child = os.fork()
        children.append(child)
        return "child" if child == 0 else "parent"

    assert call(forks).output == "parent"
    assert os.waitstatus_to_exitcode(os.waitpid(children[0], 0)[1]) == 0


class OddError(BaseException):
    """Not an Exception."""


@pytest.mark.parametrize("error", [OddError, GeneratorExit])
def test_what_is_no_exception_ends_the_runtime(error: type[BaseException], capsys: pytest.CaptureFixture[str]) -> None:
    def fails(event: Any, context: Any) -> Any:
        raise error("why")

    result = call(fails)
    assert result.error == "Runtime.ExitError"
    assert "exit status 1" in (result.cause or "")
    assert f"{error.__name__}: why" in capsys.readouterr().err


@pytest.mark.parametrize(
    "name", ["len", "isinstance", "any", "max", "getattr", "print", "open", "__import__", "Exception"]
)
@pytest.mark.parametrize("fails", [False, True])
def test_a_function_cannot_break_pythons_builtins(name: str, fails: bool) -> None:
    before = getattr(builtins, name)

    def breaks(event: Any, context: Any) -> Any:
        setattr(builtins, name, None)
        if fails:
            raise ValueError
        return "done"

    result = call(breaks)
    assert getattr(builtins, name) is before
    assert (result.output, result.error) == ((None, "ValueError") if fails else ("done", None))


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
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds)
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
    with somebodys_alarm(60):
        assert call(lambda event, context: time.sleep(30), timeout_seconds=0.02).error == "Sandbox.Timedout"
        assert 0 < signal.getitimer(signal.ITIMER_REAL)[0] < 60
        signal.setitimer(signal.ITIMER_REAL, 0.02)
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
from flowdsl.calls.lambdas import LocalLambdas

def hangs(event, context):
    threading.Timer(0.2, lambda: os._exit(7)).start()
    time.sleep(60)

task = {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:f", "End": True}
execute(prepare({"StartAt": "S", "States": {"S": task}}), {}, invoke=LocalLambdas({"f": hangs}))
"""


def test_a_tests_timeout_in_another_thread_ends_the_process() -> None:
    done = subprocess.run([sys.executable, "-c", HUNG], timeout=120, check=False)
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
