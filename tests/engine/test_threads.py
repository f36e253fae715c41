"""Several threads: those that call a scheduler from outside, and those in which calls run in real time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from flowdsl.engine import Call, Clock, Program, Reply, Result, Scheduler, VirtualClock, WallClock, prepare

LAMBDA = "arn:aws:states:::lambda:invoke"
SEND = "arn:aws:states:::sqs:sendMessage.waitForTaskToken"
SOON = 30.0
"""Seconds after which a test that hangs gives up."""


def one(state: dict[str, Any]) -> Program:
    return prepare({"StartAt": "S", "States": {"S": {**state, "End": True}}}, name="machine")


def task(**fields: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": LAMBDA, "Parameters": {}, **fields}


class ByHand(WallClock):
    """Moves when a test sets its `time`, as the seconds of a busy machine do not."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    def wait(self, until: float | None, changed: threading.Condition) -> None:
        changed.wait(0.01)


def within(seconds: float, action: Callable[[], Any]) -> None:
    """Run the action in a thread; fail if it does not end in time."""
    thread = threading.Thread(target=action, daemon=True)
    thread.start()
    thread.join(seconds)
    assert not thread.is_alive(), "it never ends"


class Blocking:
    """An invoker whose first call waits until it is released; further calls return at once."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.released = threading.Event()
        self.returned = threading.Event()
        self.calls = 0

    def __call__(self, call: Call) -> Reply:
        self.calls += 1
        if self.calls > 1:
            return Reply.succeeded("second")
        self.entered.set()
        assert self.released.wait(SOON)
        self.returned.set()
        return Reply.succeeded("first")


@pytest.mark.parametrize("clock", [VirtualClock(), WallClock()], ids=["virtual", "real"])
def test_stopping_while_a_handler_runs(clock: Clock) -> None:
    invoke = Blocking()
    scheduler = Scheduler(invoke, clock=clock)
    result = scheduler.start(one(task()), {})

    def stop() -> None:
        assert invoke.entered.wait(SOON)
        scheduler.stop_execution(result, "Operator")
        invoke.released.set()

    other = threading.Thread(target=stop)
    other.start()
    within(SOON, scheduler.run)
    other.join()
    assert (result.status, result.error) == ("ABORTED", "Operator")


@pytest.mark.parametrize("clock", [VirtualClock(), WallClock()], ids=["virtual", "real"])
def test_many_threads_run_executions(clock: Clock) -> None:
    seconds = 60 if clock.is_virtual else 0
    states = {
        "C": {**task(Parameters={"FunctionName": "f", "Payload.$": "$"}), "OutputPath": "$", "Next": "W"},
        "W": {"Type": "Wait", "Seconds": seconds, "End": True},
    }
    program = prepare({"StartAt": "C", "States": states}, name="machine")
    scheduler = Scheduler(lambda call: Reply.succeeded(call.arguments["Payload"]), clock=clock)
    together = threading.Barrier(6)

    def work(thread: int) -> list[Result]:
        together.wait(SOON)
        results = []
        for number in range(50 if clock.is_virtual else 10):
            result = scheduler.start(program, [thread, number])
            scheduler.run(until=result)
            results.append(result)
            assert (result.status, result.output) == ("SUCCEEDED", [thread, number])
        return results

    with ThreadPoolExecutor(6) as pool:
        results = [result for each in pool.map(work, range(6)) for result in each]
    if clock.is_virtual:
        assert {result.duration for result in results} == {seconds}


def test_an_error_reaches_the_thread_that_runs_the_execution() -> None:
    """The thread that drives goes on with its own execution."""
    both = threading.Barrier(2)
    waiting = threading.Event()

    def invoke(call: Call) -> Reply:
        if call.state_name == "Fine":
            both.wait(SOON)  # the other thread starts its execution now
            assert waiting.wait(SOON)
            return Reply.succeeded("fine")
        raise ZeroDivisionError(call.state_name)

    scheduler = Scheduler(invoke)
    fine = scheduler.start(prepare({"StartAt": "Fine", "States": {"Fine": {**task(), "Next": "W"}, "W": {
        "Type": "Wait", "Seconds": 5, "End": True}}}), {})  # fmt: skip

    def broken() -> None:
        both.wait(SOON)
        result = scheduler.start(one(task()), {})
        threading.Timer(0.05, waiting.set).start()
        scheduler.run(until=result)

    with ThreadPoolExecutor(2) as pool:
        driving, other = pool.submit(scheduler.run, fine), pool.submit(broken)
        with pytest.raises(ZeroDivisionError):
            other.result(SOON)
        driving.result(SOON)
    assert fine.output == "fine"


def test_workers_of_an_activity_take_each_task_once() -> None:
    activity = "arn:aws:states:us-east-1:123456789012:activity:check"
    scheduler = Scheduler(lambda call: Reply.pending())
    program = one({"Type": "Task", "Resource": activity})
    results = [scheduler.start(program, number) for number in range(60)]
    scheduler.run()

    def work(worker: int) -> None:
        while (given := scheduler.get_activity_task(activity, f"worker-{worker}")) is not None:
            scheduler.send_task_success(given[0], given[1])

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    scheduler.run()
    assert [result.output for result in results] == [str(number) for number in range(60)]


def test_parallel_calls_run_at_the_same_time() -> None:
    both = threading.Barrier(2)

    def invoke(call: Call) -> Reply:
        both.wait(SOON)
        return Reply.succeeded(call.state_name)

    branches = [{"StartAt": name, "States": {name: {**task(), "End": True}}} for name in "AB"]
    scheduler = Scheduler(invoke, clock=WallClock())
    result = scheduler.start(one({"Type": "Parallel", "Branches": branches}), {})
    scheduler.run()
    assert result.output == ["A", "B"]


CAUGHT = {
    "C": {"Type": "Pass", "Result": "caught", "End": True},
}


@pytest.mark.parametrize(
    ("fields", "alias"),
    [
        ({"TimeoutSeconds": 1}, "States.Timeout"),
        ({"TimeoutSeconds": 60, "HeartbeatSeconds": 1}, "States.HeartbeatTimeout"),
    ],
    ids=["timeout", "heartbeat"],
)
def test_a_call_that_does_not_return_times_out(fields: dict[str, int], alias: str) -> None:
    invoke = Blocking()
    state = task(**fields, Catch=[{"ErrorEquals": [alias], "Next": "C"}], Next="C")
    scheduler = Scheduler(invoke, clock=WallClock())
    result = scheduler.start(prepare({"StartAt": "S", "States": {"S": state, **CAUGHT}}), {})
    within(SOON, scheduler.run)
    assert (result.output, invoke.returned.is_set()) == ("caught", False)
    assert "TaskTimedOut" in [event.type for event in result.history]
    invoke.released.set()


def test_a_reply_that_comes_too_late_changes_nothing() -> None:
    invoke = Blocking()
    retry = {"ErrorEquals": ["States.Timeout"], "IntervalSeconds": 1, "MaxAttempts": 9}  # a busy machine may need some
    scheduler = Scheduler(invoke, clock=WallClock())
    result = scheduler.start(one(task(TimeoutSeconds=1, Retry=[retry])), {})
    waiting = scheduler.start(one({"Type": "Task", "Resource": SEND, "Parameters": {}}), {})
    within(SOON, lambda: scheduler.run(until=result))
    assert result.output == "second"
    before = len(result.history)
    invoke.released.set()
    assert invoke.returned.wait(SOON)
    scheduler.stop_execution(waiting)
    scheduler.run()
    assert len(result.history) == before


def test_heartbeats_keep_a_task_alive_in_real_time() -> None:
    """The task's call has returned; heartbeats and the result come from another thread, which also moves the clock."""
    clock = ByHand()
    scheduler = Scheduler(lambda call: Reply.succeeded({}), clock=clock)
    submitted = threading.Event()
    beats = 4

    def work() -> None:
        assert submitted.wait(SOON)
        for _ in range(beats):
            scheduler.send_task_heartbeat(scheduler.tokens[0])
            clock.time += 0.4
        scheduler.send_task_success(scheduler.tokens[0], "alive")

    scheduler._on_event = lambda result, event: submitted.set() if event.type == "TaskSubmitted" else None
    result = scheduler.start(one({"Type": "Task", "Resource": SEND, "Parameters": {}, "HeartbeatSeconds": 1}), {})
    with ThreadPoolExecutor(1) as pool:
        worker = pool.submit(work)
        within(SOON, scheduler.run)
        worker.result(SOON)
    assert result.output == "alive"
    assert result.duration > 1


def test_a_callback_before_the_call_returns_takes_effect_afterwards() -> None:
    def invoke(call: Call) -> Reply:
        assert call.task_token is not None
        scheduler.send_task_success(call.task_token, "early")
        return Reply.succeeded({"MessageId": "m"})

    scheduler = Scheduler(invoke, clock=WallClock())
    result = scheduler.start(one({"Type": "Task", "Resource": SEND, "Parameters": {}}), {})
    within(SOON, scheduler.run)
    assert result.output == "early"
    assert [event.type for event in result.history][3:6] == ["TaskStarted", "TaskSubmitted", "TaskSucceeded"]


def test_an_invoker_that_breaks_in_real_time_propagates() -> None:
    def broken(call: Call) -> Reply:
        raise ZeroDivisionError(call.state_name)

    scheduler = Scheduler(broken, clock=WallClock())
    scheduler.start(one(task()), {})
    with pytest.raises(ZeroDivisionError):
        scheduler.run()


def test_a_handler_may_run_an_execution_itself() -> None:
    def invoke(call: Call) -> Reply:
        if call.arguments.get("outer"):
            inner = scheduler.start(one(task()), {})
            return Reply.succeeded(inner.status)
        return Reply.succeeded("inner")

    scheduler = Scheduler(invoke)
    result = scheduler.start(one(task(Parameters={"outer": True})), {})
    scheduler.run()
    assert result.output == "RUNNING"
    assert [each.status for each in scheduler.executions.values()] == ["SUCCEEDED", "SUCCEEDED"]


def test_the_same_seed_gives_the_same_history_on_a_virtual_clock() -> None:
    retry = {"ErrorEquals": ["States.ALL"], "MaxAttempts": 3, "JitterStrategy": "FULL"}
    branches = [{"StartAt": name, "States": {name: {**task(Retry=[retry]), "End": True}}} for name in "ABC"]

    def run() -> list[dict[str, Any]]:
        scheduler = Scheduler(
            lambda call: Reply.failed("E", seconds=0.5) if call.retry_count < 2 else Reply.succeeded(call.now), seed=3
        )
        result = scheduler.start(one({"Type": "Parallel", "Branches": branches}), {}, name="same")
        scheduler.run()
        return result.history.render()

    assert run() == run()


@pytest.mark.parametrize("clock", [VirtualClock(), WallClock()], ids=["virtual", "real"])
def test_an_answer_sent_during_a_call_that_times_out_counts(clock: Clock) -> None:
    def send(call: Call) -> Reply:
        scheduler.send_task_success(str(call.task_token), "sent")
        return Reply.timed_out()

    scheduler = Scheduler(send, clock=clock)
    waiting = one({"Type": "Task", "Resource": SEND, "Parameters": {}, "TimeoutSeconds": 20})
    result = scheduler.start(waiting, {})
    within(SOON, lambda: scheduler.run(until=result))
    assert (result.status, result.output) == ("SUCCEEDED", "sent")


@pytest.mark.parametrize("clock", [VirtualClock(), WallClock()], ids=["virtual", "real"])
def test_a_handler_may_run_an_execution_of_its_own_scheduler(clock: Clock) -> None:
    inner, outer = one({"Type": "Wait", "Seconds": 1}), one(task())

    def run_inner(call: Call) -> Reply:
        started = scheduler.start(inner, {}, name="inner")
        scheduler.run(until=started)
        return Reply.succeeded(started.status)

    scheduler = Scheduler(run_inner, clock=clock)
    result = scheduler.start(outer, {}, name="outer")
    within(SOON, lambda: scheduler.run(until=result))
    assert (result.status, result.output) == ("SUCCEEDED", "SUCCEEDED")


@pytest.mark.parametrize("clock", [VirtualClock(), WallClock()], ids=["virtual", "real"])
def test_what_a_call_was_answered_comes_before_what_is_sent(clock: Clock) -> None:
    """Also if it is sent between the call's return and the answer that this leads to."""
    tokens: list[str] = []

    def send_later() -> None:
        if any(not task.is_calling for task in scheduler._tasks.values()) and tokens:
            scheduler.send_task_success(tokens.pop(), "sent")

    def send(call: Call) -> Reply:
        tokens.append(str(call.task_token))
        return Reply.succeeded({})

    scheduler = Scheduler(send, clock=clock, on_step=send_later)
    result = scheduler.start(one({"Type": "Task", "Resource": SEND, "Parameters": {}}), {})
    within(SOON, lambda: scheduler.run(until=result))
    types = [event.type for event in result.history if event.type.startswith("Task")]
    assert types == [
        "TaskStateEntered",
        "TaskScheduled",
        "TaskStarted",
        "TaskSubmitted",
        "TaskSucceeded",
        "TaskStateExited",
    ]
