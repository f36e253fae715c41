"""Mocked results held to the shapes of the APIs."""

from typing import Any

import pytest

from flowdsl import teststate

ITEM_READ = {"Attributes": {"a": {"S": "x"}}, "ConsumedCapacity": {"CapacityUnits": 0.5}}


def answer(resource: str, result: Any, mode: str | None = None) -> str:
    """`SUCCEEDED`, or what is wrong with the mock."""
    state = {"Type": "Task", "Resource": resource, "End": True}
    mock = {"result": result, **({"fieldValidationMode": mode} if mode else {})}
    try:
        status: str = teststate.test_state(state, mock=mock)["status"]
    except teststate.TestStateError as error:
        return error.message.removeprefix("Mock result schema validation error: ")
    return status


@pytest.mark.parametrize(
    ("integration", "result", "said"),
    [
        ("dynamodb:putItem", ITEM_READ, "SUCCEEDED"),
        ("dynamodb:putItem", {"Attributes": []}, "Field 'Attributes' must be an object"),
        ("dynamodb:putItem", {"Attributes": {"a": "x"}}, "Field 'Attributes' must be an object"),
        ("dynamodb:putItem", {"Attributes": {"a": {"BOOL": "true"}}}, "Field 'BOOL' must be a boolean"),
        ("aws-sdk:dynamodb:putItem", {"Attributes": {"a": {"Bool": "true"}}}, "Field 'Bool' must be a boolean"),
        ("aws-sdk:dynamodb:putItem", {"Attributes": {"a": {"Nul": "true"}}}, "Field 'Nul' must be a boolean"),
        ("dynamodb:putItem", {"Attributes": {"a": {"NULL": "true"}}}, "Field 'NULL' must be a boolean"),
        ("dynamodb:putItem", {"Attributes": {"a": {"L": [{"N": 1}]}}}, "Field 'N' must be a string"),
        ("dynamodb:putItem", {"ConsumedCapacity": {"CapacityUnits": True}}, "Field 'CapacityUnits' must be a number"),
        ("dynamodb:putItem", "text", "Mocked result must be a JSON object."),
        ("sqs:sendMessage", {"MessageId": 1}, "Field 'MessageId' must be a string"),
        ("sqs:sendMessage", {"SdkHttpMetadata": {"HttpStatusCode": 200}}, "SUCCEEDED"),
        ("lambda:invoke", {"Payload": '{"any": "value"}', "StatusCode": 200}, "SUCCEEDED"),
        ("lambda:invoke", {"Payload": {"any": "value"}}, "Field 'Payload' must be a string"),
        ("aws-sdk:lambda:invoke", {"Payload": {}}, "Field 'Payload' must be a string"),
        ("states:startExecution", {"ExecutionArn": "a"}, "Required field 'StartDate' is missing"),
        ("states:startExecution.sync:2", {"ExecutionArn": "a"}, "Required field 'StateMachineArn' is missing"),
        ("sqs:sendMessage.waitForTaskToken", {"MessageId": 1}, "SUCCEEDED"),
        ("elasticmapreduce:addStep", {"StepId": "s"}, "SUCCEEDED"),
        ("bedrock:invokeModel", {"Body": "{}", "ContentType": 5}, "Field 'ContentType' must be a string"),
        (
            "states:startExecution",
            {"ExecutionArn": "", "StartDate": "d"},
            "Field 'ExecutionArn' is less than the minimum length",
        ),
        (
            "states:startExecution",
            {"ExecutionArn": "a" * 257, "StartDate": "d"},
            "Field 'ExecutionArn' exceeds the maximum length",
        ),
        ("aws-sdk:kms:encrypt", {"CiphertextBlob": ""}, "Field 'CiphertextBlob' is less than the minimum length"),
        ("aws-sdk:kms:encrypt", {"CiphertextBlob": "a" * 6145}, "Field 'CiphertextBlob' exceeds the maximum length"),
        ("aws-sdk:kms:encrypt", {"CiphertextBlob": "a"}, "SUCCEEDED"),
        ("http:invoke", ["anything"], "SUCCEEDED"),
        ("eks:call", ["anything"], "SUCCEEDED"),
        ("eks:createCluster", {"Cluster": 5}, "Field 'Cluster' must be an object"),
        ("apigateway:invoke", {"approved": True}, "SUCCEEDED"),
    ],
)
def test_a_mock_must_look_like_the_answer(integration: str, result: Any, said: str) -> None:
    given = f'"{result}"' if isinstance(result, str) else result
    assert answer(f"arn:aws:states:::{integration}", given) == said


@pytest.mark.parametrize(
    ("mode", "said"),
    [("STRICT", "Required field 'StartDate' is missing"), ("PRESENT", "SUCCEEDED"), ("NONE", "SUCCEEDED")],
)
def test_only_strict_wants_every_required_field(mode: str, said: str) -> None:
    assert answer("arn:aws:states:::states:startExecution", {"ExecutionArn": "a"}, mode) == said


@pytest.mark.parametrize(
    "resource", ["arn:aws:lambda:us-east-1:123456789012:function:f", "arn:aws:states:us-east-1:123456789012:activity:a"]
)
def test_functions_and_activities_answer_anything(resource: str) -> None:
    assert answer(resource, [1, None]) == "SUCCEEDED"
