"""Resources and function names in every form that a definition may use."""

import pytest

from flowdsl.asl.resource import called_function, parse_function, parse_resource

LAMBDA = "arn:aws:lambda:eu-west-1:123456789012:function:charge"
PARTITION = "arn:${AWS::Partition}:"

RESOURCES = {
    LAMBDA: ("function", "lambda", "function", ""),
    f"{PARTITION}lambda:${{AWS::Region}}:${{AWS::AccountId}}:function:charge": ("function", "lambda", "function", ""),
    "arn:aws:states:eu-west-1:123456789012:activity:pack": ("activity", "activity", "activity", ""),
    f"{PARTITION}states:${{AWS::Region}}:1:activity:pack": ("activity", "activity", "activity", ""),
    "arn:aws:states:::sqs:sendMessage": ("integration", "sqs", "sendMessage", ""),
    "arn:aws:states:::sqs:sendMessage.waitForTaskToken": ("integration", "sqs", "sendMessage", "waitForTaskToken"),
    "arn:aws:states:::states:startExecution.sync:2": ("integration", "states", "startExecution", "sync:2"),
    f"{PARTITION}states:::batch:submitJob.sync": ("integration", "batch", "submitJob", "sync"),
    "arn:aws:states:::sqs:${Action.Name}.sync": ("integration", "sqs", "${Action.Name}", "sync"),
    "arn:aws:states:::sqs": ("integration", "sqs", "", ""),
    "arn:aws:states:::sqs:sendMessage.soon": ("integration", "sqs", "sendMessage", "soon"),
    "arn:aws:states:::aws-sdk:s3:getObject": ("sdk", "aws-sdk:s3", "getObject", ""),
    "arn:aws:states:eu-west-1:123456789012:aws-sdk:s3:getObject": ("sdk", "aws-sdk:s3", "getObject", ""),
    "arn:aws:states:eu-west-1:123456789012:stateMachine:pay": ("other", "lambda", "function", ""),
    "arn:aws:sqs:eu-west-1:123456789012:queue": ("other", "lambda", "function", ""),
    "${ChargeFunction.Arn}": ("substituted", "lambda", "function", ""),
    "arn:aws:${Service}:::x": ("substituted", "lambda", "function", ""),
    "arn:aws:states": ("incomplete", "lambda", "function", ""),
    "charge": ("invalid", "lambda", "function", ""),
    "": ("invalid", "lambda", "function", ""),
}


@pytest.mark.parametrize(("text", "parts"), RESOURCES.items())
def test_a_resource_has_these_parts(text: str, parts: tuple[str, ...]) -> None:
    resource = parse_resource(text)
    assert (resource.text, resource.kind, resource.integration, resource.action, resource.pattern) == (text, *parts)


def test_what_a_resource_says_about_itself() -> None:
    resource = parse_resource("arn:aws:states:::aws-sdk:s3:getObject.waitForTaskToken")
    assert (resource.service, resource.operation) == ("s3", "aws-sdk:s3:getObject")
    assert (resource.full_action, resource.waits) == ("getObject.waitForTaskToken", True)
    assert parse_resource(LAMBDA).operation == ""
    assert not parse_resource(LAMBDA).waits
    assert parse_resource("arn:aws:states:eu-west-1:123456789012:activity:pack").waits


FUNCTIONS = {
    "charge": ("charge", ""),
    "charge:live": ("charge", "live"),
    "my-function:3": ("my-function", "3"),
    "function:charge": ("charge", ""),
    "123456789012:function:charge": ("charge", ""),
    "123456789012:function:charge:$LATEST": ("charge", "$LATEST"),
    LAMBDA: ("charge", ""),
    f"{LAMBDA}:live": ("charge", "live"),
    "arn:aws:lambda:${AWS::Region}:${AWS::AccountId}:function:${AWS::StackName}-charge": (
        "${AWS::StackName}-charge",
        "",
    ),
    "${Charge.Arn}": ("${Charge.Arn}", ""),
    "a:b:c:d": ("a:b:c:d", ""),
    "": ("", ""),
}


@pytest.mark.parametrize(("text", "parts"), FUNCTIONS.items())
def test_a_function_has_a_name_and_a_qualifier(text: str, parts: tuple[str, str]) -> None:
    function = parse_function(text)
    assert (function.name, function.qualifier) == parts


def test_a_function_has_an_arn() -> None:
    here = ("eu-west-1", "123456789012")
    assert [parse_function(text).arn(*here) for text in ("charge", "function:charge", LAMBDA)] == [LAMBDA] * 3
    assert parse_function("999999999999:function:charge").arn(*here) == LAMBDA.replace("123456789012", "9" * 12)
    assert parse_function("charge:live").arn(*here) == f"{LAMBDA}:live"


@pytest.mark.parametrize(
    ("resource", "arguments", "name"),
    [
        (f"{LAMBDA}:live", None, "charge"),
        ("arn:aws:states:::lambda:invoke", {"FunctionName": "charge:live"}, "charge"),
        ("arn:aws:states:::lambda:invoke", {"FunctionName.$": "$.name"}, None),
        ("arn:aws:states:::lambda:invoke", None, None),
        ("arn:aws:states:::sqs:sendMessage", {"FunctionName": "charge"}, None),
    ],
)
def test_the_function_that_a_task_calls(resource: str, arguments: object, name: str | None) -> None:
    function = called_function(parse_resource(resource), arguments)
    assert (function.name if function else None) == name
