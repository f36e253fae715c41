"""What TestState answers for one state."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowdsl import teststate
from flowdsl.base.diagnostics import FlowError
from flowdsl.engine import Call, Reply

LAMBDA = "arn:aws:states:::lambda:invoke"
TASK = {"Type": "Task", "Resource": LAMBDA, "Parameters": {"FunctionName": "f", "Payload.$": "$"}, "Next": "After"}
PARALLEL = {
    "Type": "Parallel",
    "Branches": [{"StartAt": "One", "States": {"One": {"Type": "Pass", "End": True}}}],
    "End": True,
}
MAP = {
    "Type": "Map",
    "ItemsPath": "$.items",
    "ItemProcessor": {"StartAt": "One", "States": {"One": {"Type": "Pass", "End": True}}},
    "End": True,
}
DISTRIBUTED = {
    **MAP,
    "ItemProcessor": {**MAP["ItemProcessor"], "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}},
}
ITEMS = {"items": [1, 2, 3]}


def tried(definition: Any, **request: Any) -> dict[str, Any]:
    return teststate.test_state(definition, **request)


def seen(definition: Any, **request: Any) -> dict[str, Any]:
    """The inspection data as JSON values."""
    data = tried(definition, inspection_level="DEBUG", **request)["inspectionData"]
    return {key: json.loads(value) if isinstance(value, str) else value for key, value in data.items()}


def refused(definition: Any, **request: Any) -> tuple[str, str]:
    with pytest.raises(teststate.TestStateError) as refusal:
        tried(definition, **request)
    return refusal.value.code, refusal.value.message


def test_a_state_goes_where_it_says() -> None:
    choice = {"Type": "Choice", "Choices": [{"Variable": "$.paid", "BooleanEquals": True, "Next": "Thank"}]}
    assert tried({**choice, "Default": "Ask"}, input={"paid": True}) == {
        "status": "SUCCEEDED",
        "output": '{"paid":true}',
        "nextState": "Thank",
    }
    assert tried({**choice, "Default": "Ask"}, input={"paid": False})["nextState"] == "Ask"


def test_text_is_json_and_other_values_are_themselves() -> None:
    state = {"Type": "Pass", "End": True}
    assert tried(json.dumps(state), input='{"a": 1.0}') == tried(state, input={"a": 1.0})


def test_each_step_of_the_data_flow_is_shown() -> None:
    state = {
        **TASK,
        "InputPath": "$.order",
        "ResultSelector": {"paid.$": "$.Payload.paid"},
        "ResultPath": "$.payment",
        "OutputPath": "$.payment",
    }
    given = {"order": {"amount": 5}}
    assert seen(state, input=given, mock={"result": {"Payload": {"paid": True}}, "fieldValidationMode": "NONE"}) == {
        "input": given,
        "afterInputPath": {"amount": 5},
        "afterParameters": {"FunctionName": "f", "Payload": {"amount": 5}},
        "result": {"Payload": {"paid": True}},
        "afterResultSelector": {"paid": True},
        "afterResultPath": {"order": {"amount": 5}, "payment": {"paid": True}},
    }


def test_steps_are_evaluated_once() -> None:
    """Else a random value would be another in each step."""
    state = {**TASK, "Parameters": {"FunctionName": "f", "Payload": {"id.$": "States.UUID()"}}}
    calls: list[Call] = []

    def invoke(call: Call) -> Reply:
        calls.append(call)
        return Reply.succeeded({})

    assert seen(state, invoke=invoke)["afterParameters"] == calls[0].arguments


def test_variables_come_in_and_are_shown_with_those_assigned() -> None:
    state = {"Type": "Pass", "Parameters": {"total.$": "$sum"}, "Assign": {"last.$": "$.total"}, "End": True}
    data = seen(state, variables={"sum": 7})
    assert (data["afterParameters"], data["variables"]) == ({"total": 7}, {"sum": 7, "last": 7})


def test_a_task_calls_what_it_is_given_to_call() -> None:
    answer = tried(TASK, input={"amount": 5}, invoke=lambda call: Reply.succeeded(call.arguments["Payload"]))
    assert answer == {"status": "SUCCEEDED", "output": '{"amount":5}', "nextState": "After"}
    failed = tried(TASK, invoke=lambda call: Reply.failed("CardDeclined", "no funds"))
    assert failed == {"status": "FAILED", "error": "CardDeclined", "cause": "no funds"}


def test_a_task_that_has_nobody_to_call_calls_nobody() -> None:
    assert refused(TASK) == ("ValidationException", "RoleArn must be specified when testing a Task state")
    with pytest.raises(FlowError, match="which has no answer here"):
        tried(TASK, role_arn="arn:aws:iam::123456789012:role/r")


@pytest.mark.parametrize(("timeout", "seconds"), [(10, 11), (None, 301)])
def test_a_task_that_takes_too_long_times_out(timeout: int | None, seconds: int) -> None:
    state = {**TASK, **({"TimeoutSeconds": timeout} if timeout else {})}
    answer = tried(state, invoke=lambda call: Reply.succeeded({}, seconds=seconds))
    assert (answer["status"], answer["error"]) == ("FAILED", "States.Timeout")


def test_a_wait_takes_no_time_and_five_minutes_at_most() -> None:
    assert tried({"Type": "Wait", "Seconds": 300, "Next": "After"})["nextState"] == "After"
    answer = tried({"Type": "Wait", "Seconds": 301, "Next": "After"})
    assert (answer["status"], answer["error"]) == ("FAILED", "States.Timeout")


RETRY = [
    {"ErrorEquals": ["Busy"], "IntervalSeconds": 2, "BackoffRate": 3, "MaxAttempts": 2, "MaxDelaySeconds": 5},
    {"ErrorEquals": ["States.ALL"], "MaxAttempts": 0},
]
CATCH = [{"ErrorEquals": ["Other"], "Next": "Elsewhere"}, {"ErrorEquals": ["States.ALL"], "Next": "Mend"}]
BUSY = {"errorOutput": {"error": "Busy", "cause": "try later"}}


@pytest.mark.parametrize(("retries", "seconds"), [(0, 2), (1, 5)])
def test_retry_says_how_long_it_would_wait(retries: int, seconds: int) -> None:
    configuration = {"retrierRetryCount": retries}
    answer = tried(
        {**TASK, "Retry": RETRY, "Catch": CATCH},
        mock=BUSY,
        state_configuration=configuration,
        inspection_level="DEBUG",
    )
    assert (answer["status"], answer["error"], answer["cause"]) == ("RETRIABLE", "Busy", "try later")
    assert "output" not in answer
    assert answer["inspectionData"]["errorDetails"] == {"retryIndex": 0, "retryBackoffIntervalSeconds": seconds}


def test_catch_has_what_retry_gives_up() -> None:
    answer = tried(
        {**TASK, "Retry": RETRY, "Catch": CATCH},
        mock=BUSY,
        state_configuration={"retrierRetryCount": 2},
        inspection_level="DEBUG",
    )
    assert (answer["status"], answer["nextState"]) == ("CAUGHT_ERROR", "Mend")
    assert json.loads(answer["output"]) == {"Error": "Busy", "Cause": "try later"}
    assert answer["inspectionData"]["errorDetails"] == {"retryIndex": 0, "catchIndex": 1}


def test_a_catcher_may_assign() -> None:
    catch = [{"ErrorEquals": ["States.ALL"], "Assign": {"why.$": "$.Cause"}, "Next": "Mend"}]
    assert seen({**TASK, "Catch": catch}, mock=BUSY)["variables"] == {"why": "try later"}


def test_a_cause_tells_no_place() -> None:
    state = {"Type": "Pass", "QueryLanguage": "JSONata", "Output": {"r": "{% $nope %}"}, "End": True}
    cause = "The JSONata expression '$nope' specified for the field 'Output/r' returned nothing (undefined)."
    assert tried(state)["cause"] == cause
    task = {**state, "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Arguments": {}}
    caught = {**task, "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Next"}]}
    assert json.loads(tried(caught, mock={"result": {}})["output"])["Cause"] == cause


def test_a_runtime_error_is_not_caught() -> None:
    state = {**TASK, "InputPath": "$.none", "Catch": CATCH}
    answer = tried(state, mock={"result": {}})
    assert (answer["status"], answer["error"]) == ("FAILED", "States.Runtime")


def test_a_mocked_parallel_has_the_mock_as_its_result() -> None:
    answer = tried({**PARALLEL, "ResultPath": "$.all"}, input={"a": 1}, mock={"result": [5]})
    assert json.loads(answer["output"]) == {"a": 1, "all": [5]}


def test_a_map_over_its_input_shows_no_items() -> None:
    state = {key: value for key, value in DISTRIBUTED.items() if key != "ItemsPath"}
    data = seen(state, input=[1, 2], mock={"result": [3, 4]})
    assert data == {
        "input": [1, 2],
        "afterInputPath": [1, 2],
        "maxConcurrency": 0,
        "afterResultSelector": [3, 4],
        "afterResultPath": [3, 4],
    }


def test_a_map_over_an_object_has_no_items() -> None:
    answer = tried(MAP, input={"items": {"a": 1}}, mock={"result": [1]})
    assert (answer["status"], answer["error"]) == ("FAILED", "States.Runtime")
    assert answer["cause"] == 'Reference path "$.items" must point to array.'


def test_text_of_an_optimised_integration_is_text_beside_a_mock_too() -> None:
    answer = tried(TASK, input=1, mock={"result": {"StatusCode": 200, "Payload": "1"}})
    assert (answer["status"], answer["error"]) == ("FAILED", "States.Runtime")
    assert answer["cause"].endswith("[The value for the field 'Payload' must be a STRING]")


def test_a_mocked_map_shows_its_items() -> None:
    state = {
        **DISTRIBUTED,
        "ItemSelector": {"number.$": "$$.Map.Item.Value"},
        "ItemBatcher": {"MaxItemsPerBatch": 2},
        "MaxConcurrency": 4,
        "ToleratedFailurePercentage": 50,
    }
    data = seen(state, input=ITEMS, mock={"result": ["first", "second"]})
    selected = [{"number": number} for number in (1, 2, 3)]
    assert data["afterItemsPath"] == [1, 2, 3]
    assert data["afterItemSelector"] == selected
    assert data["afterItemBatcher"] == [{"Items": selected[:2]}, {"Items": selected[2:]}]
    assert (data["maxConcurrency"], data["toleratedFailurePercentage"]) == (4, 50.0)
    # Whether AWS counts items or batches is not known.
    assert tried(state, input=ITEMS, mock={"result": [1, 2, 3]})["status"] == "SUCCEEDED"
    assert refused(state, input=ITEMS, mock={"result": [1, 2, 3, 4]})[0] == "ValidationException"


@pytest.mark.parametrize(
    ("field", "number", "cause"),
    [
        ("ToleratedFailureCountPath", -1, "ToleratedFailureCount cannot be negative."),
        ("ToleratedFailurePercentagePath", 101, "ToleratedFailurePercentage must be between 0 and 100."),
    ],
)
def test_a_threshold_is_held_to_its_bounds_as_in_an_execution(field: str, number: int, cause: str) -> None:
    answer = tried({**DISTRIBUTED, field: "$.number"}, input={**ITEMS, "number": number}, mock={"result": [1, 2, 3]})
    assert (answer["status"], answer["error"], answer["cause"]) == ("FAILED", "States.Runtime", cause)


@pytest.mark.parametrize(("failures", "status"), [(1, "SUCCEEDED"), (2, "FAILED")])
@pytest.mark.parametrize("threshold", [{"ToleratedFailureCount": 1}, {"ToleratedFailurePercentage": 34}])
def test_a_map_tolerates_failures(threshold: dict[str, int], failures: int, status: str) -> None:
    configuration = {"mapIterationFailureCount": failures}
    answer = tried(
        {**DISTRIBUTED, **threshold}, input=ITEMS, mock={"result": [1, 2, 3]}, state_configuration=configuration
    )
    assert answer["status"] == status
    if status == "FAILED":
        assert answer["error"] == "States.ExceedToleratedFailureThreshold"


def test_an_item_reader_reads_the_data_that_is_given() -> None:
    reader = {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"},
        "Parameters": {"Bucket": "b", "Key": "k"},
    }
    state = {key: value for key, value in DISTRIBUTED.items() if key != "ItemsPath"} | {"ItemReader": reader}
    state["ItemSelector"] = {"id.$": "$$.Map.Item.Value.id"}
    configuration = {"mapItemReaderData": "id\n7\n8\n"}
    data = seen(state, mock={"result": [1, 2]}, state_configuration=configuration)
    assert data["afterItemSelector"] == [{"id": "7"}, {"id": "8"}]
    assert refused(state, mock={"result": [1, 2]})[0] == "ValidationException"


DOUBLE = {"Type": "Pass", "Output": "{% $states.input * 2 %}", "End": True}
MACHINE = {
    "StartAt": "All",
    "QueryLanguage": "JSONata",
    "States": {
        "All": {
            "Type": "Parallel",
            "Branches": [
                {
                    "StartAt": "Double",
                    "States": {"Double": DOUBLE},
                }
            ],
            "End": True,
        }
    },
}


def test_a_state_inside_another_is_found_and_speaks_the_machines_language() -> None:
    assert tried(MACHINE, state_name="Double", input="21") == {"status": "SUCCEEDED", "output": "42"}


def test_a_state_inside_a_map_has_its_input_as_the_first_item() -> None:
    item = {"Type": "Pass", "Parameters": {"item.$": "$$.Map.Item"}, "End": True}
    machine = {
        "StartAt": "All",
        "States": {"All": {**MAP, "ItemProcessor": {"StartAt": "One", "States": {"One": item}}}},
    }
    assert json.loads(tried(machine, state_name="One", input="7")["output"]) == {
        "item": {"Index": 0, "Value": 7, "Source": "STATE_DATA"}
    }
    call = {**TASK, "End": True, "ResultSelector": {"item.$": "$$.Map.Item"}}
    del call["Next"]
    machine["States"]["All"]["ItemProcessor"]["States"]["One"] = call
    answer = tried(machine, state_name="One", mock={"result": {}}, context={"State": {"Name": "One"}})
    assert answer["error"] == "States.Runtime"  # a context object that is given is all there is


def test_a_result_is_an_object_where_it_is_written_elsewhere() -> None:
    details = {"Bucket": "b", "Key": "k"}
    writer = {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "b", "Prefix": "p"}}
    written = {"MapRunArn": "a", "ResultWriterDetails": details}
    assert (
        tried({**DISTRIBUTED, "ResultWriter": writer}, input=ITEMS, mock={"result": written})["status"] == "SUCCEEDED"
    )
    formatted = {**DISTRIBUTED, "ResultWriter": {"WriterConfig": {"OutputType": "JSON", "Transformation": "NONE"}}}
    assert tried(formatted, input=ITEMS, mock={"result": [1, 2, 3]})["status"] == "SUCCEEDED"


def test_a_context_object_may_be_given_with_a_mock() -> None:
    state = {**TASK, "ResultSelector": {"who.$": "$$.Execution.Name"}}
    context = {"Execution": {"Name": "mine"}}
    assert json.loads(tried(state, context=context, mock={"result": {}})["output"]) == {"who": "mine"}
    assert refused({"Type": "Pass", "End": True}, context=context)[0] == "ValidationException"


@pytest.mark.parametrize(
    ("state", "request_", "code", "message"),
    [
        ({"Type": "Wait", "Seconds": 1, "End": True}, {"mock": {"result": "{}"}}, "ValidationException",
         "State type 'Wait' is not supported when a mock is specified"),
        (TASK, {"mock": {"result": "{"}}, "ValidationException", "Mocked result must be valid JSON"),
        (TASK, {"mock": {"result": "NaN"}}, "ValidationException", "Mocked result must be valid JSON"),
        (TASK, {"mock": {"result": "{}"}, "reveal_secrets": True}, "ValidationException",
         "TestState does not support RevealSecrets when a mock is specified."),
        (MAP, {"mock": {"result": "{}"}}, "ValidationException", "Mocked result must be an array."),
        (MAP, {}, "InvalidDefinition", "TestState API does not support Map or Parallel states. Supported state types "
         "include: [Task, Wait, Pass, Succeed, Fail, Choice]"),
        (PARALLEL, {"mock": {"result": [1, 2]}}, "ValidationException",
         "Mocked result must contain the same number of items as number of Parallel branches."),
        ({**TASK, "Resource": f"{LAMBDA}.waitForTaskToken"}, {}, "InvalidDefinition",
         "TestState API does not support '.sync' or '.waitForTaskToken' integration patterns."),
        (TASK, {"inspection_level": "ALL"}, "ValidationException",
         "1 validation error detected: Value 'ALL' at 'inspectionLevel' failed to satisfy constraint: Member must "
         "satisfy enum value set: [INFO, DEBUG, TRACE]"),
        (TASK, {"input": "{", "mock": {"result": {}}}, "InvalidExecutionInput",
         "Invalid State Machine Execution Input: 'Input is not valid JSON'"),
        (TASK, {"input": "[" * 100_000, "mock": {"result": {}}}, "InvalidExecutionInput", None),
        (TASK, {"input": "[1e999]", "mock": {"result": {}}}, "InvalidExecutionInput", None),
        (TASK, {"input": '"\ud800', "mock": {"result": {}}}, "InvalidExecutionInput", None),
        (TASK, {"input": '"' + "x" * 262_144, "mock": {"result": {}}}, "InvalidExecutionInput",
         "Input size exceeds the maximum of 262144 bytes"),
        (TASK, {"input": ["x" * 262_144], "mock": {"result": {}}}, "InvalidExecutionInput",
         "Input size exceeds the maximum of 262144 bytes"),
        (TASK, {"input": {1, 2}, "mock": {"result": {}}}, "InvalidExecutionInput", None),
        (TASK, {"input": float("nan"), "mock": {"result": {}}}, "InvalidExecutionInput", None),
        (TASK, {"mock": {"result": "[" * 100_000}}, "ValidationException", "Mocked result must be valid JSON"),
        (TASK, {"variables": "[]", "mock": {"result": {}}}, "ValidationException",
         "Variables must be a valid JSON object"),
        ("", {}, "ParamValidationError",
         "Parameter validation failed:\nInvalid length for parameter definition, value: 0, valid min length: 1"),
        (TASK, {"mock": {"results": 5}}, "ParamValidationError", None),
        (TASK, {"state_configuration": {"retrierRetryCount": -1, "mapIterationFailureCount": "2"}},
         "ParamValidationError", "Parameter validation failed:\nInvalid value for parameter "
         "stateConfiguration.retrierRetryCount, value: -1, valid min value: 0\nInvalid type for parameter "
         "stateConfiguration.mapIterationFailureCount, value: 2, type: <class 'str'>, valid types: <class 'int'>"),
        (TASK, {"state_configuration": {"retrierRetryCount": "1"}}, "ParamValidationError", None),
        (TASK, {"mock": {"errorOutput": 5}}, "ParamValidationError", None),
        ({"Type": "Pass"}, {}, "InvalidDefinition", None),
        ('{"StartAt": "A", "States": {"A": {"Type": "Succeed"}, "A": {"Type": "Succeed"}}}', {"state_name": "A"},
         "InvalidDefinition", None),
        ("not JSON", {}, "InvalidDefinition", None),
        ([], {}, "InvalidDefinition", None),
    ],
)  # fmt: skip
def test_refusals(state: Any, request_: dict[str, Any], code: str, message: str | None) -> None:
    said = refused(state, **request_)
    assert said[0] == code
    assert message is None or said[1] == message


def test_an_item_selector_sees_its_item_beside_a_given_context() -> None:
    state = {**DISTRIBUTED, "ItemSelector": {"item.$": "$$.Map.Item.Value", "by.$": "$$.Execution.Name"}}
    data = seen(state, input={"items": [1]}, context={"Execution": {"Name": "me"}}, mock={"result": [1]})
    assert data["afterItemSelector"] == [{"item": 1, "by": "me"}]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.sampled_from(["{% $states.input %}", "$.a"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from(
    [
        *("Type", "Next", "End", "InputPath", "Parameters", "Arguments", "ResultPath", "Output", "Assign", "Items"),
        *("ItemProcessor", "Branches", "Retry", "Catch", "Resource", "QueryLanguage", "Choices", "Default", "Seconds"),
    ]
)


@settings(max_examples=150, deadline=None)
@given(
    state=st.sampled_from([TASK, MAP, DISTRIBUTED, PARALLEL, {"Type": "Pass", "End": True}]),
    changed=st.dictionaries(FIELDS, VALUES, max_size=2),
    input=VALUES,
    mock=st.none() | st.fixed_dictionaries({}, optional={"result": VALUES, "errorOutput": VALUES}),
    context=st.none() | VALUES,
    configuration=st.none() | st.dictionaries(st.sampled_from(["retrierRetryCount", "mapItemReaderData"]), VALUES),
)
def test_whatever_is_asked_there_is_an_answer_or_a_refusal(
    state: Any, changed: Any, input: Any, mock: Any, context: Any, configuration: Any
) -> None:
    try:
        answer = tried(
            {**state, **changed},
            input=json.dumps(input),
            mock=mock,
            context=context,
            state_configuration=configuration,
            inspection_level="TRACE",
            invoke=lambda call: Reply.succeeded(call.arguments),
        )
    except teststate.TestStateError:
        return
    assert answer["status"] in ("SUCCEEDED", "FAILED", "RETRIABLE", "CAUGHT_ERROR")


def test_what_pytest_sees_is_no_test() -> None:
    assert not teststate.test_state.__test__
    assert not teststate.TestStateError.__test__


def test_an_input_may_change_between_two_calls() -> None:
    state = {"Type": "Pass", "QueryLanguage": "JSONata", "Output": "{% $states.input %}", "End": True}
    changing = {"a": 1.0}
    assert tried(state, input=changing)["output"] == '{"a":1}'
    changing["a"] = 2.0
    assert tried(state, input=changing)["output"] == '{"a":2}'
