"""What goes over the wire and what is made of the answer, against a stub."""

import json
from typing import Any

import pytest

from flowdsl.base.diagnostics import FlowError
from flowdsl.calls.services import Endpoints, Services
from flowdsl.calls.services.catalogue import operation
from flowdsl.calls.services.data import ArgumentError, to_request
from flowdsl.engine import Call

from .conftest import HANG_UP, Stub, run

TABLE = {"TableName": "t", "Item": {"id": {"S": "1"}}}


def services(stub: Stub) -> Services:
    return Services(Endpoints(stub.url), sleep=lambda seconds: None)


def test_nothing_is_called_where_no_endpoint_is_configured() -> None:
    unconfigured = Services(Endpoints(environment={}))
    with pytest.raises(FlowError, match="no endpoint is configured for dynamodb:putItem") as refused:
        run(unconfigured, "dynamodb:putItem", TABLE)
    assert "AWS_ENDPOINT_URL_DYNAMODB" in str(refused.value)


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB"])
def test_the_environment_names_the_endpoint(stub: Stub, variable: str) -> None:
    stub.will_answer({})
    environment = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", variable: stub.url}
    assert run(Services(Endpoints(environment=environment)), "dynamodb:putItem", TABLE).status == "SUCCEEDED"


def test_a_service_may_have_an_endpoint_of_its_own(stub: Stub) -> None:
    stub.will_answer({})
    own = Services.at("http://127.0.0.1:9", {"dynamodb": stub.url})
    assert run(own, "aws-sdk:dynamodb:putItem", TABLE).status == "SUCCEEDED"


def test_an_emulator_gets_a_signature_without_any_credentials(stub: Stub) -> None:
    stub.will_answer({})
    for environment, key in (({}, "local"), ({"AWS_ACCESS_KEY_ID": "000000000001"}, "000000000001")):
        run(Services(Endpoints(stub.url, environment=environment)), "dynamodb:putItem", TABLE)
        assert f"Credential={key}/" in stub.requests[-1][1]["Authorization"]


def test_an_endpoint_where_nobody_answers_is_the_users_mistake() -> None:
    with pytest.raises(FlowError, match="Could not connect to the endpoint URL"):
        run(Services.at("http://127.0.0.1:9"), "dynamodb:putItem", TABLE)


def test_an_attempt_of_a_task_is_one_call(stub: Stub) -> None:
    stub.will_answer({"__type": "InternalServerError", "message": "broken"}, status=500)
    assert run(services(stub), "dynamodb:putItem", TABLE).error == "DynamoDB.InternalServerErrorException"
    assert len(stub.requests) == 1


def test_retry_makes_the_next_call(stub: Stub) -> None:
    stub.will_answer({"__type": "ThrottlingException", "message": "slow down"}, status=400)
    stub.will_answer({})
    retry = [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 1}]
    assert run(services(stub), "dynamodb:putItem", TABLE, Retry=retry).status == "SUCCEEDED"
    assert len(stub.requests) == 2


def test_put_events_names_the_execution_and_fails_with_its_entries(stub: Stub) -> None:
    answer = {
        "FailedEntryCount": 1,
        "Entries": [{"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}],
    }
    stub.will_answer(answer)
    entry = {"Detail": {"order": 5}, "DetailType": "paid", "Source": "payments", "Resources": ["own"]}
    result = run(services(stub), "events:putEvents", {"Entries": [entry]})
    assert result.error == "EventBridge.FailedEntry"
    assert json.loads(result.cause or "") == answer
    (sent,) = stub.bodies[0]["Entries"]
    assert sent["Detail"] == '{"order":5}'
    assert sent["Resources"] == ["own", result.arn, result.identity.state_machine_arn]


def test_a_function_gets_its_payload_and_gives_a_value(stub: Stub) -> None:
    stub.will_answer({"paid": True}, X_Amz_Executed_Version="$LATEST")
    result = run(services(stub), "lambda:invoke", {"FunctionName": "charge", "Payload": {"amount": 5}})
    assert (result.output["Payload"], result.output["StatusCode"]) == ({"paid": True}, 200)
    assert result.output["ExecutedVersion"] == "$LATEST"
    assert stub.requests[0][0].endswith("/functions/charge/invocations")
    assert stub.bodies == [{"amount": 5}]


def test_a_payload_that_is_text_is_the_json_that_the_function_gets(stub: Stub) -> None:
    stub.will_answer(0.0)
    assert run(services(stub), "lambda:invoke", {"FunctionName": "f", "Payload": "0.0"}).output["Payload"] == 0.0
    assert stub.requests[0][2] == b"0.0"


def test_a_functions_error_is_the_tasks(stub: Stub) -> None:
    said = {"errorType": "CardDeclined", "errorMessage": "no funds"}
    stub.will_answer(said, X_Amz_Function_Error="Unhandled")
    result = run(services(stub), "lambda:invoke", {"FunctionName": "charge"})
    assert (result.error, json.loads(result.cause or "")) == ("CardDeclined", said)


def test_a_functions_error_without_a_type_is_unknown(stub: Stub) -> None:
    stub.will_answer({"errorMessage": "exited"}, X_Amz_Function_Error="Unhandled")
    result = run(services(stub), "lambda:invoke", {"FunctionName": "charge"})
    assert (result.error, result.cause) == (
        "Lambda.Unknown",
        "The cause could not be determined because Lambda did not return an error type. Returned payload: "
        '{"errorMessage": "exited"}',
    )


def test_the_arn_of_a_function_gives_what_it_returns(stub: Stub) -> None:
    stub.will_answer({"paid": True})
    call = Call(
        resource="arn:aws:lambda:us-east-1:123456789012:function:charge",
        integration="lambda",
        action="function",
        arguments={"amount": 5},
        state_name="Charge",
        execution_arn="execution",
        state_machine_arn="machine",
        now=0,
    )
    assert services(stub)(call).output == {"paid": True}


def test_a_functions_input_that_is_text_stays_text(stub: Stub) -> None:
    stub.will_answer("hello")
    call = Call("arn:aws:lambda:us-east-1:123456789012:function:f", "lambda", "function", "hi", "S", "e", "m", 0)
    assert services(stub)(call).output == "hello"
    assert stub.requests[0][2] == b'"hi"'


def test_an_answer_that_cannot_be_read_is_no_aws(stub: Stub) -> None:
    stub.will_answer(b"<html>welcome</html>")
    with pytest.raises(FlowError, match="calls arn:aws:states:::sns:publish"):
        run(services(stub), "sns:publish", {"TopicArn": "t", "Message": "m"})


def test_a_connection_that_breaks_after_the_call_fails_the_task(stub: Stub) -> None:
    """Whether the call was carried out is not known; Retry and Catch decide."""
    stub.will_answer({}, status=HANG_UP)
    result = run(services(stub), "dynamodb:putItem", TABLE)
    assert (result.status, result.error) == ("FAILED", "DynamoDB.SdkClientException")
    assert len(stub.requests) == 1


EXECUTION = {"executionArn": "arn:x", "startDate": 1.0}


def described(status: str, **more: Any) -> dict[str, Any]:
    return {**EXECUTION, "stateMachineArn": "arn:m", "name": "n", "input": '{"a":1}', "status": status, **more}


@pytest.mark.parametrize(("pattern", "output"), [("sync", '{"b":2}'), ("sync:2", {"b": 2})])
def test_a_job_is_looked_after_until_it_ends(stub: Stub, pattern: str, output: Any) -> None:
    stub.will_answer(EXECUTION)
    stub.will_answer(described("RUNNING"))
    stub.will_answer(described("SUCCEEDED", output='{"b":2}'))
    arguments = {"StateMachineArn": "arn:m", "Input": {"a": 1}}
    result = run(services(stub), f"states:startExecution.{pattern}", arguments)
    assert result.output["Output"] == output
    assert (result.output["Status"], result.output["StartDate"]) == ("SUCCEEDED", 1000)
    assert [event.type for event in result.history if event.type.startswith("Task")] == [
        *("TaskStateEntered", "TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskSucceeded", "TaskStateExited")
    ]
    assert stub.bodies[0] == {"stateMachineArn": "arn:m", "input": '{"a":1}'}
    assert stub.bodies[1:] == [{"executionArn": "arn:x"}] * 2


def test_a_job_that_fails_fails_the_task_with_its_description(stub: Stub) -> None:
    stub.will_answer(EXECUTION)
    stub.will_answer(described("FAILED", error="Broken"))
    result = run(services(stub), "states:startExecution.sync:2", {"StateMachineArn": "arn:m"})
    assert result.error == "States.TaskFailed"
    assert json.loads(result.cause or "")["Error"] == "Broken"


def test_a_job_that_does_not_end_times_out(stub: Stub) -> None:
    stub.will_answer(EXECUTION)
    stub.will_answer(described("RUNNING"))
    impatient = Services(Endpoints(stub.url), patience_seconds=0)
    result = run(impatient, "states:startExecution.sync", {"StateMachineArn": "arn:m"}, TimeoutSeconds=10)
    assert (result.status, result.error) == ("FAILED", "States.Timeout")


@pytest.mark.parametrize(("code", "status"), [(0, "SUCCEEDED"), (1, "FAILED")])
def test_a_container_that_exits_badly_fails_its_task(stub: Stub, code: int, status: str) -> None:
    stub.will_answer({"tasks": [{"taskArn": "arn:t"}]})
    stub.will_answer({"tasks": [{"taskArn": "arn:t", "lastStatus": "STOPPED", "containers": [{"exitCode": code}]}]})
    result = run(services(stub), "ecs:runTask.sync", {"Cluster": "c", "TaskDefinition": "d"})
    assert result.status == status
    assert stub.bodies[1] == {"cluster": "c", "tasks": ["arn:t"]}


def test_a_build_is_the_result_under_its_name(stub: Stub) -> None:
    build = {"id": "b:1", "buildStatus": "SUCCEEDED", "reportArns": ["r"]}
    stub.will_answer({"build": build})
    stub.will_answer({"builds": [build]})
    result = run(services(stub), "codebuild:startBuild.sync", {"ProjectName": "p"})
    assert result.output["Build"]["ReportArns"] == ["r"]


def test_a_cluster_that_is_gone_is_deleted(stub: Stub) -> None:
    stub.will_answer({"cluster": {"name": "c", "status": "DELETING"}})
    stub.will_answer({"cluster": {"name": "c", "status": "DELETING"}})
    stub.will_answer({"message": "no"}, status=404, X_Amzn_ErrorType="ResourceNotFoundException")
    result = run(services(stub), "eks:deleteCluster.sync", {"Name": "c"})
    assert result.output == {"Cluster": {"Name": "c", "Status": "DELETING"}}
    failed = run(services(stub), "eks:createCluster.sync", {"Name": "c"})
    assert failed.error == "EKS.ResourceNotFoundException"


def test_a_job_that_nobody_knows_to_look_after_is_refused(stub: Stub) -> None:
    with pytest.raises(FlowError, match="does not know how to poll this job"):
        run(services(stub), "mediaconvert:createQueue.sync", {})


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"TableName": "t", "Item": []}, "The value for the field 'Item' must be an object"),
        ({"TableName": "t", "AttributesToGet": {}, "Key": {}}, 'The field "AttributesToGet" is not supported'),
        ({"TableName": "t", "AttributesToGet": [None]}, "AttributesToGet"),
        ({"tableName": "t"}, 'The field "tableName" is not supported by Step Functions'),
        ([1], "The value must be a valid JSON object"),
    ],
)
def test_arguments_of_the_wrong_type_are_not_sent(stub: Stub, arguments: Any, problem: str) -> None:
    result = run(services(stub), "dynamodb:putItem", arguments)
    assert result.error == "States.Runtime"
    assert problem in (result.cause or "")
    assert stub.requests == []


def test_sdk_fields_have_the_names_of_step_functions() -> None:
    describe = operation("aws-sdk:rds", "describeDBInstances")
    assert to_request(describe, {"DbInstanceIdentifier": "d"}) == {"DBInstanceIdentifier": "d"}
    with pytest.raises(ArgumentError, match="DBInstanceIdentifier"):
        to_request(describe, {"DBInstanceIdentifier": "d"})


def test_a_body_that_is_no_text_is_base64(stub: Stub) -> None:
    stub.will_answer(b"\x1f\x8b\x08\x00\xff")
    result = run(services(stub), "aws-sdk:s3:getObject", {"Bucket": "b", "Key": "k"})
    assert result.output["Body"] == "H4sIAP8="


def test_arguments_that_are_no_call_are_not_caught(stub: Stub) -> None:
    """A States.Runtime of the state, as Step Functions says it: no failure of the task."""
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "Call"}]
    result = run(services(stub), "sqs:sendMessage", {"QueueUrl": "q", "Body": "x"}, Catch=catch)
    assert (result.status, result.error) == ("FAILED", "States.Runtime")
    assert result.cause == (
        "An error occurred while executing the state 'Call' (entered at the event id #2). The Parameters "
        """'{"QueueUrl":"q","Body":"x"}' could not be used to start the Task: """
        '[The field "Body" is not supported by Step Functions]'
    )
    assert "TaskFailed" not in [event.type for event in result.history]
    assert not stub.requests
