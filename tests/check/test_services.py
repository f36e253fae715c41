"""Calls of services: the task token, the spelling of parameters, what surely fails and what may be right."""

from __future__ import annotations

from typing import Any

import pytest

from flowdsl.check import check

INVOKE = "arn:aws:states:::lambda:invoke.waitForTaskToken"
FUNCTION = "arn:aws:lambda:${AWS::Region}:${AWS::AccountId}:function:ask"


def reports(resource: str, arguments: dict[str, Any], language: str = "JSONPath") -> list[tuple[str, str]]:
    key = "Arguments" if language == "JSONata" else "Parameters"
    state = {"Type": "Task", "Resource": resource, key: arguments, "TimeoutSeconds": 60, "End": True}
    problems = check({"QueryLanguage": language, "StartAt": "A", "States": {"A": state}})
    return [(each.code, each.severity) for each in problems]


TOKENS = [
    "$$.Task.Token",
    "$$['Task'].Token",
    "$$.Task",
    "$$",
    "States.Format('{}', $$.Task.Token)",
    "$$.Task.Token ",
]
NO_TOKENS = ["$", "$.token", "$$.Execution.Id", "$$.Tasks.Token", "$$.Task.Name", "$token"]


@pytest.mark.parametrize("text", TOKENS + NO_TOKENS)
def test_a_callback_needs_its_token(text: str) -> None:
    codes = [code for code, _ in reports(INVOKE, {"FunctionName": FUNCTION, "Payload": {"a": [{"b.$": text}]}})]
    assert ("FD659" in codes) == (text in NO_TOKENS)


@pytest.mark.parametrize(
    ("text", "is_sent"),
    [
        ("{% $states.context.Task.Token %}", True),
        ("{% {'t': $states.context.Task} %}", True),
        ("{% $states.context %}", True),
        ("{% $string($states) %}", True),
        ("{% $states.input.token %}", False),
        ("{% $states.context.Execution.Id %}", False),
        ("$states.context.Task.Token", False),
    ],
)
def test_a_callback_needs_its_token_in_jsonata(text: str, is_sent: bool) -> None:
    pytest.importorskip("jlens")
    codes = [code for code, _ in reports(INVOKE, {"FunctionName": FUNCTION, "Payload": {"token": text}}, "JSONata")]
    assert ("FD659" in codes) != is_sent


def test_a_substitution_may_be_the_token_except_where_it_says_whom_to_call() -> None:
    queue = "arn:aws:states:::sqs:sendMessage.waitForTaskToken"
    assert reports(queue, {"QueueUrl": "${Queue}", "MessageBody": "${Body}"}) == []
    assert reports(queue, {"QueueUrl": "${Queue}", "MessageBody": "call ${Name}"}) == [("FD659", "warning")]


@pytest.mark.parametrize(
    ("action", "right", "wrong"),
    [
        ("rds:deleteDBInstance", {"DbInstanceIdentifier": "a"}, {"DBInstanceIdentifier": "a"}),
        ("sns:subscribe", {"TopicArn": "${T}", "Protocol": "sqs"}, {"TopicARN": "${T}", "Protocol": "sqs"}),
        ("s3:putObject", {"Bucket": "b", "Key": "k", "Acl": "private"}, {"Bucket": "b", "Key": "k", "ACL": "private"}),
        (
            "dynamodb:putItem",
            {"TableName": "t", "Item": {"a": {"Bool": True}, "b": {"Nul": True}, "c": {"Ss": ["x"]}}},
            {"TableName": "t", "Item": {"a": {"BOOL": True}}},
        ),
    ],
)
def test_sdk_integrations_have_the_names_of_the_sdk_for_java(
    action: str, right: dict[str, Any], wrong: dict[str, Any]
) -> None:
    pytest.importorskip("botocore")
    assert reports(f"arn:aws:states:::aws-sdk:{action}", right) == []
    assert ("FD661", "error") in reports(f"arn:aws:states:::aws-sdk:{action}", wrong)


def test_optimized_integrations_have_the_names_of_the_api() -> None:
    pytest.importorskip("botocore")
    put = "arn:aws:states:::dynamodb:putItem"
    assert (
        reports(put, {"TableName": "t", "Item": {"a": {"BOOL": True}, "b": {"NULL": True}, "c": {"SS": ["x"]}}}) == []
    )


@pytest.mark.parametrize(
    ("action", "arguments", "wrong"),
    [
        ("lambda:invoke", {"FunctionName": "f", "Payload": 1}, True),
        ("lambda:invoke", {"FunctionName": "f", "Payload": True}, True),
        ("lambda:invoke", {"FunctionName": "f", "Payload": {"n": 1}}, False),
        ("lambda:invoke", {"FunctionName": "f", "Payload": [1]}, False),
        ("lambda:invoke", {"FunctionName": "f", "Payload": "1"}, False),
        ("sqs:sendMessage", {"QueueUrl": "q", "MessageBody": "m", "DelaySeconds": 5}, False),
        ("batch:submitJob", {"JobName": "j", "JobQueue": "q", "JobDefinition": "d", "Parameters": {"n": 1}}, True),
        ("aws-sdk:s3:putObject", {"Bucket": "b", "Key": "k", "Body": 1}, False),
    ],
)
def test_text_of_an_optimized_integration_is_no_number(action: str, arguments: dict[str, Any], wrong: bool) -> None:
    pytest.importorskip("botocore")
    assert reports(f"arn:aws:states:::{action}", arguments) == [("FD663", "error")] * wrong


def test_the_optimized_integration_of_dynamodb_takes_text_as_an_attribute() -> None:
    """Five of AWS's samples do; the AWS SDK integration does not take it."""
    pytest.importorskip("botocore")
    arguments = {"TableName": "t", "Item": {"id": "x", "is_new": {"BOOL": "false"}}}
    assert reports("arn:aws:states:::dynamodb:putItem", arguments) == []
    assert reports("arn:aws:states:::aws-sdk:dynamodb:putItem", {"TableName": "t", "Item": {"id": "x"}}) == [
        ("FD663", "error")
    ]
    assert reports("arn:aws:states:::dynamodb:putItem", {"TableName": "t", "Item": {"n": 5}}) == [("FD663", "error")]


def test_members_that_the_sdk_fills_in_may_be_missing() -> None:
    pytest.importorskip("botocore")
    assert reports("arn:aws:states:::aws-sdk:athena:deleteNamedQuery", {}) == []  # NamedQueryId is an idempotency token
    assert reports("arn:aws:states:::aws-sdk:athena:getNamedQuery", {}) == [("FD662", "error")]


@pytest.mark.parametrize(
    ("value", "severity"), [("AlertTopic", "warning"), ("arn:aws:sqs:eu-west-1:123456789012:q", "error")]
)
def test_an_arn_may_come_from_a_template(value: str, severity: str) -> None:
    assert reports("arn:aws:states:::sns:publish", {"TopicArn": value, "Message": "m"}) == [("FD663", severity)]


def test_a_token_where_nothing_waits_is_saved() -> None:
    """A published definition sends the token with a function that does not wait."""
    pass_state = {"Type": "Pass", "Parameters": {"token.$": "$$.Task.Token"}, "End": True}
    assert reports("arn:aws:states:::events:putEvents", {"Entries": [{"Detail": {"t.$": "$$.Task.Token"}}]}) == [
        ("FD311", "warning")
    ]
    assert [each.severity for each in check({"StartAt": "A", "States": {"A": pass_state}})] == ["error"]


def test_the_name_of_a_model_may_stand_for_its_arn() -> None:
    pytest.importorskip("botocore")
    arguments = {"Input": {"Text": "?"}, "RetrieveAndGenerateConfiguration": {"Type": "KNOWLEDGE_BASE"}}
    arguments["RetrieveAndGenerateConfiguration"]["KnowledgeBaseConfiguration"] = {
        "KnowledgeBaseId": "ABCDEFGHIJ",
        "ModelArn": "anthropic.claude-3-5-sonnet-20240620-v1:0",
    }
    assert reports("arn:aws:states:::aws-sdk:bedrockagentruntime:retrieveAndGenerate", arguments) == []


def test_services_that_botocore_does_not_have() -> None:
    pytest.importorskip("botocore")
    assert reports("arn:aws:states:::aws-sdk:dynamodbb:putItem", {}) == [("FD660", "error")]
    assert reports("arn:aws:states:::aws-sdk:qwertzuiop:putItem", {}) == [("FD660", "warning")]
    assert reports("arn:aws:states:::aws-sdk:dynamodb:putItems", {}) == [("FD660", "error")]


@pytest.mark.parametrize(
    ("error", "is_known"),
    [
        ("DynamoDB.ConditionalCheckFailedException", True),
        ("DynamoDB.ThrottlingException", True),
        ("DynamoDB.ValidationException", True),
        ("DynamoDB.SomethingNewException", True),
        ("DynamoDB.ConditionalCheckFailed", False),
        ("DynamoDB.ConditionalCheckFailedError", False),
        ("DynamoDB.ProvisionedThroughputExceeded", False),
        ("DynamoDB.ThrotlingException", False),
        ("DynamoDB.ThroughputExceededException", False),
    ],
)
def test_errors_of_a_service(error: str, is_known: bool) -> None:
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::dynamodb:getItem",
        "Parameters": {"TableName": "t", "Key": {"id": {"S": "1"}}},
        "Retry": [{"ErrorEquals": [error]}],
        "End": True,
    }
    assert ([each.code for each in check({"StartAt": "A", "States": {"A": state}})] == []) is is_known


@pytest.mark.parametrize(
    ("resource", "error", "right"),
    [
        ("dynamodb:getItem", "DynamoDb.ConditionalCheckFailedException", "DynamoDB.ConditionalCheckFailedException"),
        ("dynamodb:getItem", "dynamodb.ThrottlingException", "DynamoDB.ThrottlingException"),
        ("aws-sdk:dynamodb:getItem", "DynamoDB.ThrottlingException", "DynamoDb.ThrottlingException"),
        ("aws-sdk:dynamodb:getItem", "DynamoDb.ThrottlingException", None),
        ("aws-sdk:sqs:sendMessage", "SQS.SqsException", "Sqs.SqsException"),
        (
            "aws-sdk:secretsmanager:getSecretValue",
            "Secretsmanager.InternalServiceException",
            None,
        ),  # not known for sure
    ],
)
def test_the_case_of_errors(resource: str, error: str, right: str | None) -> None:
    """Both are recorded: DynamoDB.ResourceNotFoundException, and DynamoDb.… of the AWS SDK. Names match by case."""
    pytest.importorskip("botocore")
    state = {
        "Type": "Task",
        "Resource": f"arn:aws:states:::{resource}",
        "Retry": [{"ErrorEquals": [error]}],
        "End": True,
    }
    found = check({"StartAt": "A", "States": {"A": state}})
    hints = [each.hint for each in found if each.code == "FD506"]
    assert hints == ([f"did you mean {right!r}?"] if right else [])


def test_errors_of_two_kinds_of_integration_in_one_state() -> None:
    calls = [f"arn:aws:states:::{name}:getItem" for name in ("dynamodb", "aws-sdk:dynamodb")]
    branches = [{"StartAt": "G", "States": {"G": {"Type": "Task", "Resource": each, "End": True}}} for each in calls]
    for index, branch in enumerate(branches):
        branch["States"] = {f"G{index}": branch["States"]["G"]}  # type: ignore[index]
        branch["StartAt"] = f"G{index}"
    retry = [{"ErrorEquals": ["DynamoDB.ThrottlingException", "DynamoDb.ThrottlingException"]}]
    state = {"Type": "Parallel", "Branches": branches, "Retry": retry, "End": True}
    assert [each.code for each in check({"StartAt": "P", "States": {"P": state}}) if each.code == "FD506"] == []


@pytest.mark.parametrize(
    ("resource", "error", "hint"),
    [
        ("kms:describeKey", "Kms.KmsInvalidStateException", None),
        ("kms:describeKey", "Kms.KMSInvalidStateException", None),
        ("kms:describeKey", "Kms.KmsInvalidState", "did you mean 'Kms.KmsInvalidStateException'?"),
        ("lambda:invoke", "Lambda.Ec2ThrottledException", None),
        ("lambda:invoke", "Lambda.EC2ThrottledException", None),
        ("rds:describeDBInstances", "Rds.DbInstanceNotFoundException", None),
        ("rds:describeDBInstances", "Rds.DBInstanceNotFoundException", None),
        ("rds:describeDBInstances", "Rds.DbInstanceNotFound", "did you mean 'Rds.DbInstanceNotFoundException'?"),
        (
            "rds:describeDBInstances",
            "Rds.DbInstanceNotFundException",
            "did you mean 'Rds.DbInstanceNotFoundException'?",
        ),
    ],
)
def test_errors_are_spelled_as_in_the_sdk_for_java(resource: str, error: str, hint: str | None) -> None:
    arguments = {"KeyId": "k"} if resource.startswith("kms") else {}
    arguments = {"FunctionName": "f"} if resource.startswith("lambda") else arguments
    state = {
        "Type": "Task",
        "Resource": f"arn:aws:states:::aws-sdk:{resource}",
        "Parameters": arguments,
        "Retry": [{"ErrorEquals": [error]}],
        "End": True,
    }
    found = check({"StartAt": "A", "States": {"A": state}})
    assert [(each.code, each.hint) for each in found] == ([("FD664", hint)] if hint else [])


def test_a_required_argument_is_not_empty() -> None:
    send, queue = "arn:aws:states:::sqs:sendMessage", "https://sqs.eu-west-1.amazonaws.com/1/q"
    assert reports(send, {"QueueUrl": queue, "MessageBody": "b"}) == []
    assert reports(send, {"QueueUrl": "", "MessageBody": "b"}) == [("FD663", "warning")]
    assert reports("arn:aws:states:::batch:submitJob", {"JobName": "", "JobQueue": "q", "JobDefinition": "d"}) == [
        ("FD663", "warning")
    ]


def test_a_required_value_may_be_empty() -> None:
    tag = {"Bucket": "b", "Key": "k", "Tagging": {"TagSet": [{"Key": "paid", "Value": ""}]}}
    assert reports("arn:aws:states:::aws-sdk:s3:putObjectTagging", tag) == []
    assert reports("arn:aws:states:::aws-sdk:s3:putObjectTagging", {**tag, "Key": ""}) == [("FD663", "warning")]
    simple = {"Subject": {"Data": ""}, "Body": {"Text": {"Data": "b"}}}
    mail = {"FromEmailAddress": "a@b.c", "Destination": {"ToAddresses": ["d@e.f"]}, "Content": {"Simple": simple}}
    assert reports("arn:aws:states:::aws-sdk:sesv2:sendEmail", mail) == []


def test_text_is_no_list_and_no_object() -> None:
    mail = {"FromEmailAddress": "a@b.c", "Destination": {"ToAddresses": "d@e.f"}, "Content": {}}
    assert reports("arn:aws:states:::aws-sdk:sesv2:sendEmail", mail) == [("FD663", "error")]
    assert reports("arn:aws:states:::aws-sdk:sesv2:sendEmail", {**mail, "Destination": {"ToAddresses": "${To}"}}) == []


@pytest.mark.parametrize(("name", "is_right"), [("Lambda.ServiceException", True), ("Lamda.ServiceException", False)])
def test_errors_of_a_function_that_a_template_names(name: str, is_right: bool) -> None:
    state = {"Type": "Task", "Resource": "${Reserve.Arn}", "Retry": [{"ErrorEquals": [name]}], "End": True}
    found = [each.code for each in check({"StartAt": "A", "States": {"A": state}})]
    assert (found == []) is is_right


@pytest.mark.parametrize(("name", "is_right"), [("NotSummed", True), ("NotSumed", False), ("Other", True)])
def test_an_error_of_a_fail_state_inside(name: str, is_right: bool) -> None:
    job = {
        "Type": "Task",
        "Resource": "arn:aws:states:::ecs:runTask.sync",
        "Parameters": {"TaskDefinition": "sum:4"},
        "Catch": [{"ErrorEquals": ["States.TaskFailed"], "Next": "Fail"}],
        "End": True,
    }
    inner = {"StartAt": "Job", "States": {"Job": job, "Fail": {"Type": "Fail", "Error": "NotSummed"}}}
    state = {
        "Type": "Map",
        "ItemProcessor": inner,
        "Catch": [{"ErrorEquals": [name], "Next": "Done"}],
        "Next": "Done",
    }
    found = check({"StartAt": "A", "States": {"A": state, "Done": {"Type": "Succeed"}}})
    assert ([each.code for each in found] == []) is is_right
