"""What paths and expressions give to the arguments of services: values of another kind than the API takes."""

from __future__ import annotations

from typing import Any

import pytest

from flowdsl.check import check
from flowdsl.check.dataflow.annotations import Data
from flowdsl.check.dataflow.shapes import (
    NUMBER,
    STRING,
    ArrayShape,
    Member,
    ObjectShape,
    ScalarShape,
    Source,
    UnionShape,
)
from flowdsl.check.rules.values import arn_problem

WORD = ScalarShape("string", frozenset({"ALL"}))
PART = ScalarShape("string", frozenset({"0.25"}))
INPUT = ObjectShape(
    {
        "n": Member(NUMBER),
        "text": Member(STRING),
        "word": Member(WORD),
        "part": Member(PART),
        "flag": Member(ScalarShape("boolean")),
        "list": Member(ArrayShape(STRING)),
        "numbers": Member(ArrayShape(NUMBER)),
        "objects": Member(ArrayShape(ObjectShape({}, False))),
        "any": Member(ArrayShape(UnionShape((STRING, ObjectShape({}, False))))),
        "object": Member(ObjectShape({"a": Member(NUMBER)}, True, Source("it"))),
    },
    True,
    Source("the input"),
)
PUT, SDK_PUT = "arn:aws:states:::dynamodb:putItem", "arn:aws:states:::aws-sdk:dynamodb:putItem"
SUBMIT = "arn:aws:states:::aws-sdk:batch:submitJob"
JOB = {"JobName": "j", "JobQueue": "q", "JobDefinition": "d"}


def reports(resource: str, arguments: dict[str, Any], data: Data | None = None) -> list[tuple[str, str]]:
    state = {"Type": "Task", "Resource": resource, "Parameters": arguments, "End": True}
    found = check({"StartAt": "T", "States": {"T": state}}, data=data or Data(INPUT))
    return [(each.code, each.severity) for each in found]


def item(attribute: dict[str, Any]) -> dict[str, Any]:
    return {"TableName": "t", "Item": {"id": {"S": "x"}, "v": attribute}}


WRONG = [("FD805", "error")]
GROUP = {"TargetGroupArn": "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/g/1"}
SEND = {"QueueUrl": "https://sqs.eu-west-1.amazonaws.com/123456789012/q", "MessageBody": "b"}


@pytest.mark.parametrize(
    ("resource", "arguments", "expected"),
    [
        (PUT, item({"N.$": "$.text"}), []),
        (PUT, item({"N.$": "$.n"}), WRONG),
        (SDK_PUT, item({"N.$": "$.n"}), WRONG),
        (PUT, item({"S.$": "$.list"}), WRONG),
        (PUT, item({"S.$": "$.object"}), WRONG),
        (PUT, item({"BOOL.$": "$.flag"}), []),
        (PUT, item({"BOOL.$": "$.text"}), WRONG),
        (PUT, item({"L": [{"N.$": "$.n"}]}), WRONG),
        (PUT, item({"M": {"a": {"N.$": "States.Format('{}', $.n)"}}}), []),
        (SDK_PUT, item({"L.$": "$.list"}), WRONG),
        (PUT, item({"L.$": "$.list"}), []),  # it takes text as an attribute
        (PUT, item({"L.$": "$.numbers"}), WRONG),
        (SDK_PUT, item({"L.$": "$.objects"}), []),
        (SDK_PUT, item({"L.$": "$.any"}), []),
        (PUT, item({"SS.$": "$.list"}), []),
        (PUT, item({"SS.$": "$.numbers"}), WRONG),
        (SDK_PUT, item({"Ns.$": "$.numbers"}), WRONG),
        (PUT, item({"SS.$": "$.objects"}), WRONG),
        (PUT, {"TableName": "t", "Item": {"id.$": "$.text"}}, []),
        (SDK_PUT, {"TableName": "t", "Item": {"id.$": "$.text"}}, WRONG),
        (PUT, {"TableName": "t", "Item": {"id.$": "$.object"}}, []),
        (PUT, {"TableName": "t", "Item": {"id.$": "$.list"}}, WRONG),
        (PUT, {**item({"S": "x"}), "ReturnValues.$": "$.word"}, WRONG),
        (SUBMIT, {**JOB, "Timeout": {"AttemptDurationSeconds.$": "$.n"}}, []),
        (SUBMIT, {**JOB, "Timeout": {"AttemptDurationSeconds.$": "$.text"}}, []),
        (SUBMIT, {**JOB, "Timeout": {"AttemptDurationSeconds.$": "$.list"}}, WRONG),
        (SUBMIT, {**JOB, "DependsOn.$": "$.text"}, WRONG),
        (SUBMIT, {**JOB, "DependsOn.$": "$.list"}, WRONG),
        (SUBMIT, {**JOB, "DependsOn.$": "$.objects"}, []),
        (SUBMIT, {**JOB, "JobName.$": "$.n"}, []),
        ("arn:aws:states:::batch:submitJob", {**JOB, "JobName.$": "$.n"}, WRONG),
        ("arn:aws:states:::sns:publish", {"TopicArn.$": "$.text", "Message.$": "$.object"}, []),
        ("arn:aws:states:::sns:publish", {"TopicArn.$": "$.text", "Message.$": "$.n"}, WRONG),
        ("arn:aws:states:::sns:publish", {"TopicArn.$": "$.list", "Message.$": "$.text"}, WRONG),
        ("arn:aws:states:::lambda:invoke", {"FunctionName": "f", "Payload": {"n.$": "$.n"}}, []),
        ("arn:aws:states:::sqs:sendMessage", {**SEND, "DelaySeconds.$": "$.n"}, []),
        ("arn:aws:states:::sqs:sendMessage", {**SEND, "DelaySeconds.$": "$.flag"}, WRONG),
        ("arn:aws:states:::sqs:sendMessage", {**SEND, "MessageGroupId.$": "$.n"}, WRONG),
        (
            "arn:aws:states:::aws-sdk:elasticloadbalancingv2:modifyTargetGroupAttributes",
            {**GROUP, "Attributes": [{"Key": "deregistration_delay.timeout_seconds", "Value.$": "$.n"}]},
            [],
        ),
        (
            "arn:aws:states:::aws-sdk:xray:createSamplingRule",
            {
                "SamplingRule": {
                    **dict.fromkeys(
                        ("ResourceARN", "ServiceName", "ServiceType", "Host", "HttpMethod", "UrlPath"), "*"
                    ),
                    "FixedRate.$": "$.part",
                    "Priority": 1,
                    "ReservoirSize": 1,
                    "Version": 1,
                }
            },
            [],
        ),
        (
            "arn:aws:states:::aws-sdk:sfn:updateStateMachine",
            {
                "StateMachineArn": "arn:aws:states:eu-west-1:123456789012:stateMachine:m",
                "Definition.$": "$.object",
            },
            [],
        ),
    ],
)
def test_values_that_an_api_does_not_take(
    resource: str, arguments: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    assert reports(resource, {k: v for k, v in arguments.items() if f"{k}.$" not in arguments}) == expected


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({**JOB, "JobName": ["j"]}, [("FD663", "error")]),
        ({**JOB, "JobQueue": {"Ref": "Queue"}}, []),
        ({**JOB, "JobQueue": {"name": "q"}}, [("FD663", "error")]),
    ],
)
def test_a_constant_that_names_one_thing_is_text(arguments: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert reports(SUBMIT, arguments) == expected


def test_a_definition_may_be_an_object() -> None:
    machine = "arn:aws:states:eu-west-1:123456789012:stateMachine:m"
    arguments = {"StateMachineArn": machine, "Definition": {"StartAt": "A"}}
    assert reports("arn:aws:states:::aws-sdk:sfn:updateStateMachine", arguments) == []


@pytest.mark.parametrize(
    ("name", "arn", "is_right"),
    [
        ("TopicArn", "arn:aws:sqs:eu-west-1:123456789012:q", False),
        ("TopicArn", "arn:aws:sns:eu-west-1:123456789012:t", True),
        ("TopicArn", "arn:aws:kafka:eu-west-1:123456789012:topic/c/1/t", True),
        ("MqttTopicArn", "arn:aws:iot:eu-west-1:123456789012:topic/t", True),
        ("RoleArn", "arn:aws:lambda:eu-west-1:123456789012:function:f", False),
        ("Role", "arn:aws:lambda:eu-west-1:123456789012:function:f", False),
        ("ParticipantRole", "arn:aws:connect:eu-west-1:123456789012:instance/i", True),
        ("TableName", "arn:aws:sns:eu-west-1:123456789012:t", False),
        ("SourceTableName", "arn:aws:cassandra:eu-west-1:123456789012:/keyspace/k/table/t", True),
    ],
)
def test_only_whole_names_say_which_service_has_an_arn(name: str, arn: str, is_right: bool) -> None:
    assert (arn_problem(name, arn) is None) is is_right


def test_what_is_read_in_s3_has_a_name() -> None:
    def reading(key: str) -> list[tuple[str, str]]:
        reader = {
            "Resource": "arn:aws:states:::s3:getObject",
            "ReaderConfig": {"InputType": "JSON"},
            "Parameters": {"Bucket": "b", "Key.$": key},
        }
        config = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
        inner = {"ProcessorConfig": config, "StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
        state = {"Type": "Map", "ItemReader": reader, "ItemProcessor": inner, "End": True}
        found = check({"StartAt": "M", "States": {"M": state}}, data=Data(INPUT))
        return [(each.code, each.severity) for each in found]

    assert reading("$.text") == []
    assert reading("$.n") == WRONG
