"""Mocks, fault scripts, and the calls that they answer."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from flowdsl.testing import (
    Runner,
    UnmockedCall,
    crash,
    fail,
    function_timeout,
    give,
    oversize,
    real,
    slow,
    throttle,
    timeout,
)
from tests.testing.machines import INVOKE, TOKEN, error, machine


def test_returns_is_what_the_function_returns() -> None:
    for definition in (machine(), INVOKE):
        flow = Runner.of(definition)
        mock = flow.mock("Charge", returns={"status": "paid"})
        output = flow.run({"amount": 5}).output
        assert (output if definition is not INVOKE else output["Payload"]) == {"status": "paid"}
        assert mock.calls == [{"amount": 5}]


@pytest.mark.parametrize("target", ["Charge", "charge", "arn:aws:lambda:us-east-1:123456789012:function:charge"])
def test_a_mock_is_for_a_state_or_a_function(target: str) -> None:
    flow = Runner.of(machine())
    flow.mock(target, returns=None)
    assert flow.run({}).output is None


def test_the_state_goes_before_the_function() -> None:
    flow = Runner.of(machine())
    flow.mock("charge", returns="function")
    flow.mock("Charge", returns="state")
    assert flow.run({}).output == "state"


@pytest.mark.parametrize("target", ["Charge", "dynamodb:putItem", "arn:aws:states:::dynamodb:putItem"])
def test_a_service_is_mocked(target: str) -> None:
    flow = Runner.of(machine("arn:aws:states:::dynamodb:putItem", Parameters={"TableName": "payments"}))
    mock = flow.mock(target, returns={"SdkHttpMetadata": {"HttpStatusCode": 200}})
    assert flow.run({}).output["SdkHttpMetadata"]["HttpStatusCode"] == 200
    assert mock.calls == [{"TableName": "payments"}]


@pytest.mark.parametrize("target", ["Each", "s3:getObject", "arn:aws:states:::s3:getObject"])
def test_what_a_map_reads_is_mocked(target: str) -> None:
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": "One",
        "States": {"One": {"Type": "Pass", "End": True}},
    }
    reader = {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": {"InputType": "JSON"},
        "Parameters": {"Bucket": "donations", "Key": "today.json"},
    }
    each = {"Type": "Map", "ItemReader": reader, "ItemProcessor": processor, "End": True}
    flow = Runner.of({"StartAt": "Each", "States": {"Each": each}})
    mock = flow.mock(target, returns={"Body": '[{"id": 1}, {"id": 2}]'})
    assert flow.run({}).output == [{"id": 1}, {"id": 2}]
    assert mock.calls == [{"Bucket": "donations", "Key": "today.json"}]


def test_the_listing_and_the_objects_that_a_map_loads_are_mocked() -> None:
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": "One",
        "States": {"One": {"Type": "Pass", "End": True}},
    }
    reader = {
        "Resource": "arn:aws:states:::s3:listObjectsV2",
        "ReaderConfig": {"InputType": "JSON", "Transformation": "LOAD_AND_FLATTEN"},
        "Parameters": {"Bucket": "donations"},
    }
    each = {"Type": "Map", "ItemReader": reader, "ItemProcessor": processor, "End": True}
    flow = Runner.of({"StartAt": "Each", "States": {"Each": each}})
    flow.mock("s3:listObjectsV2", returns={"Contents": [{"Key": "one.json"}, {"Key": "two.json"}]})
    flow.mock("s3:getObject", effect=lambda arguments: {"Body": json.dumps([arguments["Key"]])})
    assert flow.run({}).output == ["one.json", "two.json"]


def test_effect_gets_the_payload() -> None:
    flow = Runner.of(machine())
    flow.mock("Charge", effect=lambda event: event["amount"] * 2)
    assert flow.run({"amount": 5}).output == 10


def test_raises_has_lambdas_error_shape() -> None:
    flow = Runner.of(machine())
    flow.mock("Charge", raises=ValueError("amount: too much"))
    failed = error(flow)
    assert failed.error == "ValueError"
    cause = json.loads(failed.cause or "")
    assert (cause["errorType"], cause["errorMessage"]) == ("ValueError", "amount: too much")
    assert str(failed).startswith("execution ")


def test_raises_for_a_service() -> None:
    flow = Runner.of(machine("arn:aws:states:::dynamodb:putItem", Parameters={}))
    flow.mock("Charge", raises=RuntimeError("no"))
    assert (error(flow).error, error(flow).cause) == ("RuntimeError", "no")


def test_a_script_then_the_rest() -> None:
    retry = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "BackoffRate": 1, "MaxAttempts": 9}]
    flow = Runner.of(machine(Retry=retry))
    flow.mock("Charge", fail("PspDown", times=2), crash(), returns="paid")
    run = flow.run({})
    assert [fault.error for fault in run.history.faults()] == ["PspDown", "PspDown", "Runtime.ExitError"]
    assert run.output == "paid"
    assert run.duration == 3


def test_values_in_a_script_are_one_call_each() -> None:
    flow = Runner.of(machine())
    flow.mock("Charge", "first", give("second", times=2), returns="rest")
    assert [flow.run({}).output for _ in range(5)] == ["first", "second", "second", "rest", "rest"]


def test_after_the_script_the_real_handler_is_called() -> None:
    flow = Runner.of(machine(), handlers={"charge": lambda event, context: "real"})
    flow.mock("Charge", "mocked", real(), "again")
    assert [flow.run({}).output for _ in range(4)] == ["mocked", "real", "again", "real"]


FAULTS = {
    "fail": (fail("PspDown", "no line"), "PspDown", "no line"),
    "throttle": (throttle(), "Lambda.TooManyRequestsException", "Rate Exceeded"),
    "crash": (crash(), "Runtime.ExitError", "Runtime exited with error: signal: killed"),
    "function_timeout": (function_timeout(3), "Sandbox.Timedout", "Task timed out after 3.00 seconds"),
    "oversize": (oversize(), "States.DataLimitExceeded", "exceeding the maximum number of bytes"),
    "oversize of Lambda": (
        oversize(6_291_557),
        "Function.ResponseSizeTooLarge",
        "exceeded maximum allowed payload size",
    ),
}


@pytest.mark.parametrize(("fault", "name", "cause"), FAULTS.values(), ids=FAULTS.keys())
@pytest.mark.parametrize("definition", [machine(), INVOKE], ids=["direct", "invoke"])
def test_faults_look_like_those_of_aws(definition: dict[str, Any], fault: Any, name: str, cause: str) -> None:
    flow = Runner.of(definition)
    flow.mock("Charge", fault)
    failed = error(flow)
    assert failed.error == name
    assert cause in (failed.cause or "")


def test_the_largest_answer_passes() -> None:
    flow = Runner.of(machine())
    flow.mock("Charge", oversize(262_144))
    assert len(flow.run({}).output) == 262_142


def test_timeout_takes_as_long_as_the_task_allows() -> None:
    flow = Runner.of(machine(TimeoutSeconds=60))
    flow.mock("Charge", timeout())
    failed = error(flow)
    assert (failed.error, failed.run.duration) == ("States.Timeout", 60)


def test_timeout_needs_a_limit() -> None:
    flow = Runner.of(machine())
    flow.mock("Charge", timeout())
    with pytest.raises(
        ValueError, match=r"'Charge' has neither TimeoutSeconds nor HeartbeatSeconds; use function_timeout"
    ):
        flow.run({})


def test_slow_is_virtual() -> None:
    flow = Runner.of(machine(TimeoutSeconds=60))
    flow.mock("Charge", slow(59), slow(61), returns="paid")
    run = flow.run({})
    assert (run.output, run.duration) == ("paid", 59)
    assert error(flow).error == "States.Timeout"


@pytest.mark.parametrize("fault", [crash(after_work=True), timeout(after_work=True), function_timeout(after_work=True)])
def test_after_work_the_handler_has_run(fault: Any) -> None:
    done: list[Any] = []
    flow = Runner.of(machine(TimeoutSeconds=60), handlers={"charge": lambda event, context: done.append(event)})
    flow.mock("Charge", fault)
    error(flow)
    assert done == [{"amount": 5}]


@pytest.mark.parametrize(
    ("definition", "named"),
    [
        (machine(), "function:charge"),
        (INVOKE, "'charge'"),
        (machine("arn:aws:states:::sqs:sendMessage"), "arn:aws:states:::sqs:sendMessage"),
        (machine("arn:aws:states:us-east-1:123456789012:activity:hands"), "activity:hands"),
        (TOKEN, "sqs:sendMessage.waitForTaskToken"),
    ],
)
def test_an_unmocked_call_fails_at_once_whatever_is_caught(definition: dict[str, Any], named: str) -> None:
    charge = {**definition["States"]["Charge"], "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Done"}]}
    flow = Runner.of({**definition, "States": {"Charge": charge, "Done": {"Type": "Succeed"}}})
    with pytest.raises(UnmockedCall) as failed:
        flow.run({})
    message = str(failed.value)
    assert "state 'Charge' calls" in message
    assert named in message
    assert "flow.mock('Charge', returns={...})" in message


def test_a_script_at_its_end_says_so() -> None:
    flow = Runner.of(machine())
    flow.mock("Charge", "once")
    flow.run({})
    with pytest.raises(UnmockedCall, match="the script of its mock is used up"):
        flow.run({})


def test_a_mock_of_nothing_is_found() -> None:
    flow = Runner.of(machine())
    flow.mock("Chrage", returns=1)
    with pytest.raises(LookupError, match=r"no Task or function 'Chrage'; did you mean 'Charge'\?"):
        flow.run({})
    flow = Runner.of(TOKEN)
    flow.answer("Carge", 1)
    with pytest.raises(LookupError, match=r"did you mean 'Charge'\?"):
        flow.run({})


def test_wrong_use_is_said() -> None:
    flow = Runner.of(machine())
    with pytest.raises(TypeError, match="one of returns="):
        flow.mock("Charge", returns=1, raises=ValueError())
    with pytest.raises(TypeError, match="use raises="):
        flow.mock("Charge", ValueError("x"))
    with pytest.raises(ValueError, match="times=-1: expected the number of calls"):
        fail("X", times=-1)
    with pytest.raises(TypeError, match="a callback is a value or fail"):
        flow.answer("Charge", crash())
    with pytest.raises(ValueError, match="seconds from the call, 0 or more"):
        flow.answer("Charge", 1, after=-1)


def test_only_json_goes_in() -> None:
    flow = Runner.of(machine())
    with pytest.raises(TypeError, match="returns= is not a JSON value: Object of type set"):
        flow.mock("Charge", returns={1, 2})
    with pytest.raises(TypeError, match="an entry of the script is not a JSON value"):
        flow.mock("Charge", float("nan"))
    with pytest.raises(TypeError, match="the answer to 'Charge' is not a JSON value"):
        flow.answer("Charge", object())
    flow.mock("Charge", returns=1)
    with pytest.raises(TypeError, match="the execution's input is not a JSON value"):
        flow.run({"amount": object()})


def test_what_is_changed_later_does_not_reach_the_execution() -> None:
    flow = Runner.of(machine("arn:aws:states:::sqs:sendMessage", Parameters={"Body.$": "$"}))
    answer: dict[str, Any] = {"ids": []}
    mock = flow.mock("Charge", effect=lambda arguments: (arguments["Body"].update(changed=True), answer)[1])
    run = flow.run({"amount": 5})
    answer["ids"].append("later")
    assert mock.calls == [{"Body": {"amount": 5}}]
    assert run.output == {"ids": []}
    assert run.history.input == {"amount": 5}


@pytest.mark.parametrize("definition", [machine(), INVOKE, machine("arn:aws:states:::sqs:sendMessage")])
def test_an_assertion_in_an_effect_is_the_tests_whatever_the_flow_catches(definition: dict[str, Any]) -> None:
    definition = copy.deepcopy(definition)
    definition["States"]["Charge"] |= {"Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Done"}]}
    definition["States"]["Done"] = {"Type": "Succeed"}
    flow = Runner.of(definition)

    def effect(event: Any) -> None:
        raise AssertionError("the amount is wrong")

    flow.mock("Charge", effect=effect)
    with pytest.raises(AssertionError, match="the amount is wrong"):
        flow.run({"amount": 5})
    flow.mock("Charge", raises=AssertionError("the function's own"))
    assert flow.run({"amount": 5}).history.caught() == {"Charge": 1}


def test_a_mock_that_comes_after_the_start_is_looked_at_too() -> None:
    flow = Runner.of(machine())
    started = flow.start({})
    flow.mock("Chrage", returns=1)
    with pytest.raises(LookupError, match="did you mean 'Charge'"):
        flow.finish(started)


@pytest.mark.parametrize(
    ("resource", "arguments", "field"),
    [
        ("lambda:invoke", {"FunctionName": "f", "Payload.$": "$.n"}, "Payload"),
        ("sns:publish", {"TopicArn": "t", "Message.$": "$.n"}, "Message"),
        ("sqs:sendMessage.waitForTaskToken", {"QueueUrl": "q", "MessageBody.$": "$.n"}, "MessageBody"),
        ("batch:submitJob.sync", {"Parameters": {"n.$": "$.n"}}, "n"),
        ("ecs:runTask", {"Overrides": {"ContainerOverrides": [{"Environment": [{"Value.$": "$.n"}]}]}}, "Value"),
        ("states:startExecution", {"StateMachineArn": "child", "Input.$": "$.n"}, "Input"),
    ],
)
@pytest.mark.parametrize("value", [1, 1.5, True])
def test_text_of_an_optimised_integration_takes_no_number(
    resource: str, arguments: dict[str, Any], field: str, value: Any
) -> None:
    state = {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", "Parameters": arguments, "End": True}
    runner = Runner.of({"StartAt": "S", "States": {"S": state}}, handlers={"f": lambda event, context: event})
    if not resource.startswith("lambda"):
        runner.mock("S", returns={})
    run = runner.run({"n": value}, check=False)
    assert (run.status, run.error) == ("FAILED", "States.Runtime")
    assert run.cause is not None
    assert run.cause.startswith(
        "An error occurred while executing the state 'S' (entered at the event id #2). The Param"
    )
    assert run.cause.endswith(
        f"could not be used to start the Task: [The value for the field '{field}' must be a STRING]"
    )


@pytest.mark.parametrize("payload", [{"n": 1}, [1], "1", None])
def test_objects_arrays_and_text_make_a_payload(payload: Any) -> None:
    parameters = {"FunctionName": "f", "Payload.$": "$.payload"}
    state = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": parameters, "End": True}
    runner = Runner.of({"StartAt": "S", "States": {"S": state}}, handlers={"f": lambda event, context: "called"})
    assert runner.run({"payload": payload}).output["Payload"] == "called"


@pytest.mark.parametrize("times", [0, 1, 2])
def test_a_fault_for_no_call_is_no_fault(times: int) -> None:
    flow = Runner.of(machine(), handlers={"charge": lambda event, context: "paid"})
    mock = flow.mock("Charge", fail("Busy", times=0), fail("Busy", times=times), give("late", times=0))
    run = flow.run({}, check=False)
    assert (run.output, run.error) == ("paid", None) if times == 0 else (None, "Busy")
    assert len(mock.calls) == 1


FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:f"


@pytest.mark.parametrize(
    ("target", "called", "answers"),
    [
        ("f", FUNCTION, True),
        ("f", f"{FUNCTION}:live", True),
        ("f:live", f"{FUNCTION}:live", True),
        ("f:live", f"{FUNCTION}:other", False),
        ("f:live", FUNCTION, False),
        (FUNCTION, f"{FUNCTION}:live", True),
        (f"{FUNCTION}:live", FUNCTION, False),
        ("123456789012:function:f", FUNCTION, True),
        ("function:f", FUNCTION, True),
        (FUNCTION.replace("1234", "9999"), FUNCTION, False),
        (FUNCTION.replace("us-east", "eu-west"), FUNCTION, False),
        (FUNCTION, FUNCTION.replace("us-east-1", "${AWS::Region}").replace("123456789012", "${AWS::AccountId}"), True),
        ("f", "arn:aws:lambda:us-east-1:123456789012:function:${f}", True),
        ("g", FUNCTION, False),
    ],
)
@pytest.mark.parametrize("through", ["arn", "invoke"])
def test_a_mock_answers_or_is_refused(target: str, called: str, answers: bool, through: str) -> None:
    state: dict[str, Any] = {"Type": "Task", "Resource": called, "End": True}
    if through == "invoke":
        parameters = {"FunctionName": called, "Payload": {}}
        state |= {"Resource": "arn:aws:states:::lambda:invoke", "Parameters": parameters, "OutputPath": "$.Payload"}
    runner = Runner.of({"StartAt": "S", "States": {"S": state}})
    runner.mock(target, returns="mocked")
    if answers:
        assert runner.run({}).output == "mocked"
    else:
        with pytest.raises(LookupError, match="has no Task or function"):
            runner.run({})


def test_a_handler_by_its_arn_answers_its_name() -> None:
    parameters = {"FunctionName": "f", "Payload": {}}
    state = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": parameters, "End": True}
    runner = Runner.of({"StartAt": "S", "States": {"S": state}}, handlers={FUNCTION: lambda event, context: "called"})
    assert runner.run({}).output["Payload"] == "called"


def test_a_function_that_is_chosen_when_it_runs_may_be_any_of_the_project() -> None:
    parameters = {"FunctionName.$": "$.name", "Payload": {}}
    state = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": parameters, "End": True}
    runner = Runner.of({"StartAt": "S", "States": {"S": state}}, handlers={"f": lambda event, context: "called"})
    runner.mock("f", returns="mocked")
    assert runner.run({"name": "f"}).output["Payload"] == "mocked"
    runner.mock("g", returns="mocked")
    with pytest.raises(LookupError, match="no Task or function 'g'"):
        runner.run({"name": "f"})


def test_all_unanswered_calls_are_listed_at_once() -> None:
    def task(resource: str, **fields: Any) -> dict[str, Any]:
        return {"Type": "Task", "Resource": resource, **fields}

    states = {
        "Charge": task("arn:aws:states:::sns:publish", Next="Wait"),
        "Wait": task("arn:aws:states:::sqs:sendMessage.waitForTaskToken", Next="Own"),
        "Own": task(FUNCTION, Next="Mocked"),
        "Mocked": task("arn:aws:states:::dynamodb:putItem", Next="Dynamic"),
        "Dynamic": task("arn:aws:states:::lambda:invoke", Parameters={"FunctionName.$": "$.f"}, Next="Other"),
        "Other": task("arn:aws:states:::lambda:invoke", Parameters={"FunctionName": "other"}, Next="Map"),
        "Map": {
            "Type": "Map",
            "ItemProcessor": {
                "StartAt": "Inner",
                "States": {"Inner": task("arn:aws:states:::s3:getObject", Parameters={"Bucket": "b"}, End=True)},
            },
            "End": True,
        },
    }
    runner = Runner.of({"StartAt": "Charge", "States": states}, handlers={"f": lambda event, context: None})
    runner.mock("dynamodb:putItem", returns={})
    with pytest.raises(UnmockedCall) as failed:
        runner.run({})
    first, suggestion, heading, *others = str(failed.value).splitlines()
    assert first == (
        "state 'Charge' calls arn:aws:states:::sns:publish, which is neither mocked nor a function of this project"
    )
    assert suggestion == "  mock it: flow.mock('Charge', returns={...})"
    assert heading == "  calls of other states that have no answer either:"
    assert others == [
        "    Wait: answer its task token: flow.answer('Wait', {...}, after=30); for the call alone, "
        "mock it: flow.mock('Wait', returns={...})",
        "    Other: mock it: flow.mock('Other', returns={...})",
        '    Inner: mock it: flow.mock(\'s3:getObject\', returns={"Body": "..."}), or pass a folder for its bucket: '
        "Runner.of(buckets={'b': folder})",
    ]
