"""What a function does to the process that it shares with its callers: its end, forks, builtins, alarms, threads."""

from __future__ import annotations

import builtins
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
from typing import Any

import pytest

from flowdsl.engine import Result
from tests.calls.calling import call

LEAVE = os._exit

alarms = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there is no SIGALRM on this system")


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
def test_the_answer_is_written_within_the_functions_time() -> None:
    class Slow(dict[str, Any]):
        def items(self) -> Any:
            time.sleep(30)

    started = time.monotonic()
    assert call(lambda event, context: Slow(a=1), timeout_seconds=0.02).error == "Sandbox.Timedout"
    assert time.monotonic() - started < 20


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


def test_calls_in_several_threads_leave_no_broken_builtins_behind() -> None:
    broken, began, go_on = threading.Event(), threading.Event(), threading.Event()
    before = builtins.hex

    def breaks(event: Any, context: Any) -> None:
        builtins.hex = None  # type: ignore[assignment]
        broken.set()
        began.wait(10)

    def waits(event: Any, context: Any) -> None:
        began.set()
        go_on.wait(10)

    first, second = (threading.Thread(target=call, args=(handler,)) for handler in (breaks, waits))
    first.start()
    broken.wait(10)
    second.start()  # begins while the builtins are broken, and ends last
    first.join(10)
    go_on.set()
    second.join(10)
    is_whole, builtins.hex = builtins.hex is before, before
    assert is_whole
