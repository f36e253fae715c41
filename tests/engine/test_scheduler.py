"""Many executions, callbacks from outside, nested executions, activities, stopping, and real time."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import pytest

from flowdsl.base.diagnostics import FlowError
from flowdsl.engine import (
    Call,
    ExecutionAlreadyExistsError,
    InputTooLargeError,
    Program,
    Reply,
    Result,
    Scheduler,
    UnknownTaskError,
    VirtualClock,
    WallClock,
    execute,
    prepare,
)

from .script import Script

LEAF = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
SEND = "arn:aws:states:::sqs:sendMessage.waitForTaskToken"
ACTIVITY = "arn:aws:states:us-east-1:123456789012:activity:check"


def one(state: dict[str, Any], **top: Any) -> Program:
    return prepare({"StartAt": "S", "States": {"S": {**state, "End": True}}, **top}, name="machine")


def waiting(**fields: Any) -> Program:
    parameters = {"QueueUrl": "q", "MessageBody": {"token.$": "$$.Task.Token"}}
    return one({"Type": "Task", "Resource": SEND, "Parameters": parameters, **fields})


def test_an_output_beyond_the_limit_is_refused_and_the_task_waits_on() -> None:
    task = {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken", "End": True}
    scheduler = Scheduler(lambda call: Reply.succeeded({}))
    result = scheduler.start(prepare({"StartAt": "S", "States": {"S": task}}), {})
    scheduler.run()
    (token,) = scheduler.tokens
    with pytest.raises(FlowError, match="at most 262144 bytes"):
        scheduler.send_task_success(token, "x" * 262_144)
    scheduler.send_task_success(token, "short")
    scheduler.run()
    assert result.output == "short"


def test_a_callback_succeeds() -> None:
    scheduler = Scheduler(Script({"S": [{"pending": {}}]}))
    result = scheduler.start(waiting(), {})
    scheduler.run()
    assert result.status == "RUNNING"
    (token,) = scheduler.tokens
    scheduler.send_task_success(token, {"paid": True})
    scheduler.run()
    assert (result.status, result.output) == ("SUCCEEDED", {"paid": True})
    assert scheduler.tokens == []
    with pytest.raises(UnknownTaskError):
        scheduler.send_task_success(token, {})


def test_the_token_is_in_the_message() -> None:
    script = Script({"S": [{"pending": {}}]})
    scheduler = Scheduler(script)
    scheduler.start(waiting(), {})
    scheduler.run()
    (call,) = script.calls
    assert call.arguments["MessageBody"]["token"] == call.task_token == scheduler.tokens[0]


def test_a_callback_fails() -> None:
    scheduler = Scheduler(Script({"S": [{"pending": {}}]}))
    result = scheduler.start(waiting(), {})
    scheduler.run()
    scheduler.send_task_failure(scheduler.tokens[0], "Abandoned", "the donor left")
    scheduler.run()
    assert (result.status, result.error, result.cause) == ("FAILED", "Abandoned", "the donor left")


def test_a_callback_after_the_timeout_is_refused() -> None:
    scheduler = Scheduler(Script({"S": [{"pending": {}}]}))
    result = scheduler.start(waiting(TimeoutSeconds=30), {})
    tokens: list[str] = []
    scheduler.run(until=None)
    tokens += scheduler.tokens
    assert (result.status, result.error, result.duration) == ("FAILED", "States.Timeout", 30)
    assert tokens == []


def test_every_retry_has_a_token_of_its_own() -> None:
    script = Script({"S": [{"pending": {}}, {"pending": {}}]})
    scheduler = Scheduler(script)
    scheduler.start(waiting(HeartbeatSeconds=10, Retry=[{"ErrorEquals": ["States.Timeout"], "MaxAttempts": 1}]), {})
    scheduler.run()
    first, second = (call.task_token for call in script.calls)
    assert first != second


def test_a_task_is_answered_once() -> None:
    """A duplicate delivery of the same callback does not run what follows a second time."""
    scheduler = Scheduler(Script({"S": [{"pending": {}}]}))
    result = scheduler.start(waiting(), {})
    scheduler.run()
    (token,) = scheduler.tokens
    scheduler.send_task_success(token, 1)
    with pytest.raises(UnknownTaskError):
        scheduler.send_task_failure(token, "Late")
    scheduler.run()
    assert result.output == 1


def test_heartbeats_from_outside() -> None:
    scheduler = Scheduler(Script({"S": [{"pending": {}}]}), clock=VirtualClock(0.0))
    result = scheduler.start(waiting(HeartbeatSeconds=10), {})
    pause = one({"Type": "Wait", "Seconds": 8})
    for _ in range(3):
        scheduler.run(until=scheduler.start(pause, {}))
        scheduler.send_task_heartbeat(scheduler.tokens[0])
    assert scheduler.clock.now() == 24
    assert result.status == "RUNNING"
    scheduler.run()
    assert (result.status, result.duration) == ("FAILED", 34)


def test_an_activity() -> None:
    scheduler = Scheduler(Script({"S": [{"pending": None}]}))
    result = scheduler.start(one({"Type": "Task", "Resource": ACTIVITY}), {"n": 1})
    scheduler.run()
    assert scheduler.get_activity_task("other") is None
    task = scheduler.get_activity_task(ACTIVITY, "worker-1")
    assert task is not None
    token, given = task
    assert given == '{"n": 1}'
    assert scheduler.get_activity_task(ACTIVITY) is None
    scheduler.send_task_success(token, "done")
    scheduler.run()
    assert result.output == "done"
    assert [event.type for event in result.history][2:5] == [
        "ActivityScheduled",
        "ActivityStarted",
        "ActivitySucceeded",
    ]
    assert result.history[3].details == {"workerName": "worker-1"}


def test_stopping() -> None:
    scheduler = Scheduler(Script())
    result = scheduler.start(one({"Type": "Wait", "Seconds": 100}), {})
    other = scheduler.start(one({"Type": "Wait", "Seconds": 5}), {})
    scheduler.run(until=other)
    scheduler.stop_execution(result, "Operator", "no longer needed")
    assert (result.status, result.error, result.cause, result.duration) == (
        "ABORTED",
        "Operator",
        "no longer needed",
        5,
    )
    last = result.history[-1]
    assert (last.type, last.details) == ("ExecutionAborted", {"error": "Operator", "cause": "no longer needed"})
    scheduler.run()
    assert scheduler.clock.now() - other.start_date == 5, "nothing is left to wait for"


def test_fifty_executions_share_the_time() -> None:
    scheduler = Scheduler(Script())
    program = one({"Type": "Wait", "SecondsPath": "$"})
    results = [scheduler.start(program, seconds) for seconds in range(50)]
    scheduler.run()
    assert [result.duration for result in results] == list(range(50))


@pytest.mark.parametrize(
    ("pattern", "output"),
    [(".sync", '{"got":{"x":1}}'), (".sync:2", {"got": {"x": 1}})],
)
def test_a_nested_execution(pattern: str, output: Any) -> None:
    child = one({"Type": "Pass", "Parameters": {"got.$": "$"}})
    state = {
        "Type": "Task",
        "Resource": f"arn:aws:states:::states:startExecution{pattern}",
        "Parameters": {"StateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:child", "Input.$": "$"},
    }
    scheduler = Scheduler(Script(), machines={"child": child})
    result = scheduler.start(one(state), {"x": 1})
    scheduler.run()
    assert result.output["Status"] == "SUCCEEDED"
    assert result.output["Output"] == output


@pytest.mark.parametrize("pattern", ["sync", "sync:2"])
def test_a_token_ends_the_wait_for_a_job(pattern: str) -> None:
    arguments = {"JobName": "j", "Arguments": {"--token.$": "$$.Task.Token"}}
    task = {"Type": "Task", "Resource": f"arn:aws:states:::glue:startJobRun.{pattern}", "Parameters": arguments}
    scheduler = Scheduler(lambda call: Reply.pending({"JobRunId": "1"}))
    results = [scheduler.start(one(task), {}) for _ in range(2)]
    scheduler.run()
    first, second = scheduler.tokens
    sent = results[0].history.render()[2]["taskScheduledEventDetails"]
    assert json.loads(sent["parameters"])["Arguments"]["--token"] == first
    scheduler.send_task_success(first, "enough")
    scheduler.send_task_failure(second, "Enough", "of it")
    scheduler.run()
    assert [(each.output, each.error) for each in results] == [("enough", None), (None, "Enough")]
    assert [event["type"] for event in results[0].history.render()][3:6] == [
        "TaskStarted",
        "TaskSubmitted",
        "TaskSucceeded",
    ]


def test_a_nested_execution_runs_on_after_its_parents_task_was_answered() -> None:
    def answer(call: Call) -> Reply:
        scheduler.send_task_success(call.arguments["token"], "early")
        return Reply.succeeded({})

    states = {
        "T": {"Type": "Task", "Resource": ACTIVITY, "Parameters": {"token.$": "$.token"}, "Next": "W"},
        "W": {"Type": "Wait", "Seconds": 100, "End": True},
    }
    arguments = {"StateMachineArn": "leaf", "Input": {"token.$": "$$.Task.Token"}}
    start = {"Type": "Task", "Resource": "arn:aws:states:::states:startExecution.sync:2", "Parameters": arguments}
    scheduler = Scheduler(answer, machines={"leaf": prepare({"StartAt": "T", "States": states}, name="leaf")})
    result = scheduler.start(one(start), {})
    scheduler.run()
    [child] = result.children
    assert (result.status, result.output, result.duration) == ("SUCCEEDED", "early", 0)
    assert (child.status, child.duration) == ("SUCCEEDED", 100)


def test_a_nested_execution_that_fails() -> None:
    failing = {"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "E", "Cause": "c"}}}
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution.sync",
        "Parameters": {"StateMachineArn": "child"},
    }
    scheduler = Scheduler(Script(), machines={"child": prepare(failing, name="child")})
    result = scheduler.start(one(state), {})
    scheduler.run()
    assert (result.status, result.error) == ("FAILED", "States.TaskFailed")
    assert '"Error":"E"' in (result.cause or "")


def test_a_nested_execution_that_times_out_has_no_error() -> None:
    slow = {"StartAt": "W", "TimeoutSeconds": 5, "States": {"W": {"Type": "Wait", "Seconds": 9, "End": True}}}
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution.sync:2",
        "Parameters": {"StateMachineArn": "child"},
    }
    scheduler = Scheduler(Script(), machines={"child": prepare(slow, name="child")})
    result = scheduler.start(one(state), {})
    scheduler.run()
    assert (result.status, result.error, result.duration) == ("FAILED", "States.TaskFailed", 5)
    told = json.loads(result.cause or "")
    assert (told["Status"], told.keys() & {"Error", "Cause", "Output"}) == ("TIMED_OUT", set())


@pytest.mark.parametrize(
    ("integration", "error", "service"),
    [
        ("states", "StepFunctions.ExecutionAlreadyExistsException", "(Service: AWSStepFunctions; Status Code: 400;"),
        ("aws-sdk:sfn", "Sfn.ExecutionAlreadyExistsException", "(Service: Sfn, Status Code: 400, Request ID: "),
    ],
)
def test_a_name_is_taken_once(integration: str, error: str, service: str) -> None:
    state = {
        "Type": "Task",
        "Resource": f"arn:aws:states:::{integration}:startExecution",
        "Parameters": {"StateMachineArn": "child", "Name": "n", "Input": {"a": 1}},
    }
    scheduler = Scheduler(Script(), machines={"child": one({"Type": "Pass"})})
    first = scheduler.start(one(state), {})
    scheduler.run()
    assert first.output.keys() - {"ExecutionArn", "StartDate"} == (
        {"SdkHttpMetadata", "SdkResponseMetadata"} if integration == "states" else set()
    )
    second = scheduler.start(one(state), {})
    scheduler.run()
    arn = "arn:aws:states:us-east-1:123456789012:execution:machine:n"
    assert second.error == error
    assert (second.cause or "").startswith(f"Execution Already Exists: '{arn}' {service}")


def test_a_nested_execution_ends_with_the_task_that_waits_for_it() -> None:
    child = one({"Type": "Wait", "Seconds": 100})
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution.sync",
        "Parameters": {"StateMachineArn": "child"},
        "TimeoutSeconds": 5,
    }
    scheduler = Scheduler(Script(), machines={"child": child})
    parent = scheduler.start(one(state), {})
    scheduler.run()
    assert (parent.status, parent.duration) == ("FAILED", 5)
    nested = next(result for result in scheduler.executions.values() if result is not parent)
    assert (nested.status, nested.duration) == ("ABORTED", 5)


def test_a_handler_that_answers_its_own_task() -> None:
    """The callback takes effect after the call that sends it is answered, as with a quick consumer on AWS."""

    def answer_at_once(call: Call) -> Reply:
        assert call.task_token is not None
        scheduler.send_task_success(call.task_token, "at once")
        return Reply.succeeded({"MessageId": "m"}, seconds=2)

    scheduler = Scheduler(answer_at_once)
    result = scheduler.start(waiting(), {})
    scheduler.run()
    assert (result.output, result.duration) == ("at once", 2)
    assert [event.type for event in result.history][3:6] == ["TaskStarted", "TaskSubmitted", "TaskSucceeded"]


def test_starting_again_under_the_same_name() -> None:
    scheduler = Scheduler(Script())
    program = one({"Type": "Wait", "Seconds": 5})
    first = scheduler.start(program, {"donation": 1}, name="donation-1")
    assert scheduler.start(program, {"donation": 1}, name="donation-1") is first
    with pytest.raises(ExecutionAlreadyExistsError):
        scheduler.start(program, {"donation": 2}, name="donation-1")
    scheduler.run()
    with pytest.raises(ExecutionAlreadyExistsError):
        scheduler.start(program, {"donation": 1}, name="donation-1")
    assert len(scheduler.executions) == 1


def test_an_input_beyond_256_kib() -> None:
    scheduler = Scheduler(Script())
    with pytest.raises(InputTooLargeError, match="262144"):
        scheduler.start(prepare(LEAF), "x" * 262_143)
    assert scheduler.start(prepare(LEAF), "x" * 262_142).status == "RUNNING"


def test_a_thread_starts_an_execution_in_real_time() -> None:
    scheduler = Scheduler(Script(), clock=WallClock())
    long = scheduler.start(one({"Type": "Wait", "Seconds": 2}), {})
    started: list[Result] = []
    thread = threading.Timer(0.1, lambda: started.append(scheduler.start(prepare(LEAF), {})))
    thread.start()
    scheduler.run(until=long)
    (other,) = started
    assert other.status == "SUCCEEDED"
    assert other.duration < 1


def test_a_nested_execution_under_a_name_that_is_taken() -> None:
    start = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution",
        "Parameters": {"StateMachineArn": "child", "Name": "same", "Input.$": "$"},
    }
    scheduler = Scheduler(Script(), machines={"child": prepare(LEAF, name="child")})
    scheduler.start(one(start), {"n": 1})
    second = scheduler.start(one(start), {"n": 2})
    scheduler.run()
    assert second.error == "StepFunctions.ExecutionAlreadyExistsException"


def test_events_are_told_as_they_happen() -> None:
    told: list[tuple[str, float]] = []
    scheduler = Scheduler(Script(), on_event=lambda result, event: told.append((event.type, event.timestamp)))
    result = scheduler.start(one({"Type": "Wait", "Seconds": 60}), {})
    scheduler.run()
    assert told == [(event.type, event.timestamp) for event in result.history]
    assert len(told) == 4


def test_a_task_is_told_before_its_handler_runs() -> None:
    told: list[str] = []

    def handler(call: Call) -> Reply:
        assert told[-1] == "TaskStarted"
        return Reply.succeeded("done")

    scheduler = Scheduler(handler, on_event=lambda result, event: told.append(event.type))
    scheduler.start(one({"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": {}}), {})
    scheduler.run()
    assert told[-1] == "ExecutionSucceeded"


def test_seeds_make_runs_repeatable() -> None:
    program = one({"Type": "Pass", "Parameters": {"id.$": "States.UUID()"}})

    def run(seed: int | None) -> Any:
        scheduler = Scheduler(Script(), seed=seed)
        result = scheduler.start(program, {}, name="same")
        scheduler.run()
        return result.output

    assert run(1) == run(1)
    assert run(1) != run(2)
    assert run(None) != run(None)


def test_real_time() -> None:
    waits: list[float] = []

    class Noting(WallClock):
        def wait(self, until: float | None, changed: threading.Condition) -> None:
            assert until is not None
            waits.append(until)
            super().wait(until, changed)

    scheduler = Scheduler(Script(), clock=Noting())
    began = time.monotonic()
    result = scheduler.start(one({"Type": "Wait", "Seconds": 1}), {})
    scheduler.run()
    assert result.status == "SUCCEEDED"
    assert time.monotonic() - began >= 1
    assert {until - result.history[0].timestamp for until in waits} == {1}


def test_another_thread_answers_in_real_time() -> None:
    scheduler = Scheduler(Script({"S": [{"pending": {}}]}), clock=WallClock())
    result = scheduler.start(waiting(TimeoutSeconds=20), {})

    def answer() -> None:
        while not scheduler.tokens:
            time.sleep(0.01)
        scheduler.send_task_success(scheduler.tokens[0], "from outside")

    thread = threading.Thread(target=answer)
    thread.start()
    scheduler.run()
    thread.join()
    assert result.output == "from outside"
    assert result.duration < 10


def test_an_invoker_that_breaks_is_a_bug_and_propagates() -> None:
    def broken(call: Call) -> Reply:
        raise ZeroDivisionError(call.state_name)

    scheduler = Scheduler(broken)
    scheduler.start(one({"Type": "Task", "Resource": ACTIVITY}), {})
    with pytest.raises(ZeroDivisionError):
        scheduler.run()


@pytest.mark.parametrize("pattern", [".sync", ".sync:2"])
def test_a_child_is_submitted_before_it_ends_however_soon(pattern: str) -> None:
    start = {
        "Type": "Task",
        "Resource": f"arn:aws:states:::states:startExecution{pattern}",
        "Parameters": {"StateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:leaf"},
        "End": True,
    }
    scheduler = Scheduler(Script(), machines={"leaf": prepare(LEAF, name="leaf")})
    result = scheduler.start(prepare({"StartAt": "S", "States": {"S": start}}), {})
    scheduler.run()
    types = [event.type for event in result.history]
    assert types[3:6] == ["TaskStarted", "TaskSubmitted", "TaskSucceeded"]


def test_two_parents_may_wait_for_one_child() -> None:
    start = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution.sync:2",
        "Parameters": {"StateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:slow", "Name": "one"},
        "End": True,
    }
    slow = prepare({"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 9, "End": True}}}, name="slow")
    scheduler = Scheduler(Script(), machines={"slow": slow})
    parent = prepare({"StartAt": "S", "States": {"S": start}})
    results = [scheduler.start(parent, {}), scheduler.start(parent, {})]
    scheduler.run()
    assert [result.status for result in results] == ["SUCCEEDED", "SUCCEEDED"]
    assert results[0].output["ExecutionArn"] == results[1].output["ExecutionArn"]


def test_a_result_writer_says_when_each_child_began_and_ended() -> None:
    written: dict[str, Any] = {}

    def invoke(call: Call) -> Reply:
        written[call.arguments["Key"].rpartition("/")[2]] = json.loads(call.arguments["Body"])
        return Reply.succeeded({})

    machine = {
        "Type": "Map",
        "MaxConcurrency": 1,
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "StartAt": "W",
            "States": {"W": {"Type": "Wait", "Seconds": 60, "End": True}},
        },
        "ResultWriter": {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "b"}},
        "End": True,
    }
    scheduler = Scheduler(invoke)
    scheduler.start(prepare({"StartAt": "M", "States": {"M": machine}}), [1, 2])
    scheduler.run()
    assert [(entry["StartDate"], entry["StopDate"]) for entry in written["SUCCEEDED_0.json"]] == [
        ("2025-01-01T00:00:00Z", "2025-01-01T00:01:00Z"),
        ("2025-01-01T00:01:00Z", "2025-01-01T00:02:00Z"),
    ]


@pytest.mark.parametrize("type_", ["Parallel", "Map"])
def test_task_failed_is_a_wildcard_for_what_fails_inside(type_: str) -> None:
    inside = {"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "Custom"}}}
    body = {"Branches": [inside]} if type_ == "Parallel" else {"ItemProcessor": inside}
    outer = {"Type": type_, **body, "Catch": [{"ErrorEquals": ["States.TaskFailed"], "Next": "P"}], "End": True}
    scheduler = Scheduler(Script())
    result = scheduler.start(prepare({"StartAt": "S", "States": {"S": outer, **LEAF["States"]}}), [1])
    scheduler.run()
    assert result.output == {"Error": "Custom", "Cause": None}


def test_a_call_of_a_branch_that_is_cut_off_at_once_changes_nothing() -> None:
    """The branches begin together: the call is made, and its answer has no task to go to."""
    branches = [
        {"StartAt": "No", "States": {"No": {"Type": "Fail", "Error": "E"}}},
        {"StartAt": "Call", "States": {"Call": {"Type": "Task", "Resource": "f", "TimeoutSeconds": 2, "End": True}}},
    ]
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "After"}]
    states = {
        "Both": {"Type": "Parallel", "Branches": branches, "Catch": catch, "End": True},
        "After": {"Type": "Task", "Resource": "f", "End": True},
    }
    calls: list[str] = []

    def invoke(call: Call) -> Reply:
        calls.append(call.state_name)
        return Reply.succeeded(call.state_name)

    result = execute(prepare({"StartAt": "Both", "States": states}), {}, invoke=invoke)
    assert (result.status, result.output, calls) == ("SUCCEEDED", "After", ["Call", "After"])
