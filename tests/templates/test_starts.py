"""FD729: what in a template may start a state machine with more than an execution takes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from flowdsl.base.diagnostics import FlowError
from flowdsl.templates import read_template

SAM = """\
Transform: AWS::Serverless-2016-10-31
Resources:
  Pay:
    Type: AWS::Serverless::StateMachine
    Properties:
      Definition: {StartAt: A, States: {A: {Type: Succeed}}}
      Events:
        Event:
          Type: EventBridgeRule
          Properties:
            Pattern: {source: [com.shop]}
"""
CLOUDFORMATION = """\
Resources:
  Pay:
    Type: AWS::StepFunctions::StateMachine
    Properties:
      StateMachineName: payments
      RoleArn: arn:aws:iam::123456789012:role/pay
      Definition: {StartAt: A, States: {A: {Type: Succeed}}}
  Live:
    Type: AWS::StepFunctions::StateMachineAlias
    Properties: {Name: live, RoutingConfiguration: [{StateMachineVersionArn: !Ref One, Weight: 100}]}
  One:
    Type: AWS::StepFunctions::StateMachineVersion
    Properties: {StateMachineArn: !GetAtt Pay.Arn}
  Queue:
    Type: AWS::SQS::Queue
    Properties: {}
"""
RULE = """\
  Rule:
    Type: AWS::Events::Rule
    Properties:
      EventPattern: {source: [com.shop]}
      Targets:
        - {Id: other, Arn: !GetAtt Queue.Arn}
        - Id: pay
          Arn: !GetAtt Pay.Arn
          RoleArn: x
"""
PIPE = """\
  Pipe:
    Type: AWS::Pipes::Pipe
    Properties:
      RoleArn: x
      Source: !GetAtt Queue.Arn
      Target: !Ref Pay
"""
SERVERLESS = """\
service: shop
provider: {name: aws}
stepFunctions:
  stateMachines:
    pay-card:
      definition: {StartAt: A, States: {A: {Type: Succeed}}}
      events:
        - schedule: rate(1 hour)
        - http: {path: pay, method: POST}
        - eventBridge:
            event: {source: [com.shop]}
"""


JUNK = (None, True, -1, "²", "9" * 5000, [], [[]], {}, {"a": 1}, {"Ref": ["a"]}, {"Fn::GetAtt": []}, {"Fn::Sub": []})


def starts(tmp_path: Path, text: str, name: str = "template.yaml") -> list[tuple[int, str, str]]:
    """The line, the message and the hint of each finding."""
    file = tmp_path / name
    file.write_text(text)
    problems = [each for machine in read_template(file).machines for each in machine.problems]
    assert {(each.code, each.severity) for each in problems} <= {("FD729", "warning")}
    return [(each.span.line if each.span else 0, each.message, each.hint or "") for each in problems]


LIMIT = ", and an execution's input has at most 262,144 bytes: for more, no execution starts"


def test_a_rule_of_sam(tmp_path):
    [(line, message, hint)] = starts(tmp_path, SAM)
    assert line == SAM.splitlines().index("        Event:") + 1
    assert message == "event 'Event' may send events of up to 1 MB" + LIMIT
    assert "InputTransformer" in hint


@pytest.mark.parametrize(
    "more",
    [
        'Input: \'{"kind": "nightly"}\'',
        "InputPath: $.detail.key",
        "InputTransformer: {InputPathsMap: {id: $.detail.id}, InputTemplate: '{\"id\": <id>}'}",
        "InputTransformer: {InputPathsMap: {all: $.detail, id: $.detail.id}, InputTemplate: '{\"id\": <id>}'}",
        'InputTransformer: {InputTemplate: \'{"rule": <aws.events.rule-name>, "event": <aws.events.event>}\'}',
    ],
)
def test_what_is_passed_on_in_part_is_fine(more, tmp_path):
    assert starts(tmp_path, SAM + f"            {more}\n") == []
    assert starts(tmp_path, CLOUDFORMATION + RULE.replace("RoleArn: x", more)) == []


@pytest.mark.parametrize(
    "more",
    [
        "InputPath: $.detail",
        "InputPath: $",
        "InputTransformer: {InputPathsMap: {all: $.detail}, InputTemplate: '{\"order\": <all>}'}",
        'InputTransformer: {InputTemplate: !Sub \'{"in": "${AWS::Region}", "event": <aws.events.event.json>}\'}',
    ],
)
def test_what_is_passed_on_as_a_whole(more, tmp_path):
    assert len(starts(tmp_path, SAM + f"            {more}\n")) == 1
    assert len(starts(tmp_path, CLOUDFORMATION + RULE.replace("RoleArn: x", more))) == 1


@pytest.mark.parametrize(
    ("pattern", "bus", "is_custom"),
    [
        ("{source: [aws.s3], detail-type: [Object Created]}", "default", False),
        ("{source: [{prefix: aws.}]}", "default", False),
        ("{source: [aws.s3, com.shop]}", "default", True),
        ("{source: [{prefix: com.}]}", "default", True),
        ("{source: [{anything-but: [aws.s3]}]}", "default", True),
        ("{source: [{prefix: aws.partner/shopify.com}]}", "!Ref Bus", True),
        ("{source: [!Sub 'com.${AWS::Region}.shop']}", "default", True),
        ("{source: [!Ref Source]}", "default", False),
        ("{detail-type: [Order Placed]}", "default", False),
        ("{detail-type: [Order Placed]}", "orders", True),
        ("!Ref Pattern", "orders", False),
    ],
)
def test_the_sources_of_a_pattern(pattern, bus, is_custom, tmp_path):
    text = SAM.replace("{source: [com.shop]}", pattern) + f"            EventBusName: {bus}\n"
    text += "Parameters: {Bus: {Type: String}, Source: {Type: String}, Pattern: {Type: String}}\n"
    assert len(starts(tmp_path, text)) == is_custom


@pytest.mark.parametrize(
    "event",
    [
        "Schedule\n          Properties: {Schedule: rate(1 hour), Input: '{}'}\n",
        "ScheduleV2\n          Properties: {ScheduleExpression: rate(1 hour)}\n",
        "Api\n          Properties: {Path: /pay, Method: post}\n",
    ],
)
def test_other_events_of_sam_are_fine(event, tmp_path):
    text = SAM.partition("EventBridgeRule\n")[0] + event
    assert starts(tmp_path, text) == []


@pytest.mark.parametrize(
    "arn",
    [
        "!Ref Pay",
        "!Sub ${Pay.Arn}",
        "!Ref Live",
        "!Ref One",
        "!Sub arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:stateMachine:payments",
        "!Sub arn:aws:states:eu-west-1:${AWS::AccountId}:stateMachine:payments:live",
    ],
)
def test_a_rule_of_cloudformation(arn, tmp_path):
    text = CLOUDFORMATION + RULE.replace("!GetAtt Pay.Arn", arn)
    [(line, message, _)] = starts(tmp_path, text)
    assert (line, message) == (len(text.splitlines()) - 2, "rule 'Rule' may send events of up to 1 MB" + LIMIT)


@pytest.mark.parametrize("arn", ["!Ref Other", "!GetAtt Queue.Arn", "!ImportValue pay", "!Sub ${Queue.Arn}", "[]"])
def test_targets_that_are_no_state_machine(arn, tmp_path):
    text = CLOUDFORMATION + RULE.replace("!GetAtt Pay.Arn", arn) + "Parameters: {Other: {Type: String}}\n"
    assert starts(tmp_path, text) == []


def test_a_rule_on_a_schedule_is_fine(tmp_path):
    text = CLOUDFORMATION + RULE.replace("EventPattern: {source: [com.shop]}", "ScheduleExpression: rate(1 hour)")
    assert starts(tmp_path, text) == []


@pytest.mark.parametrize(
    ("queue", "pipe", "message", "hint"),
    [
        ("{}", "", "batches of 10 messages of up to 1 MiB", "MaximumMessageSize of at most 25190"),
        ("{}", "{BatchSize: 1}", "messages of up to 1 MiB", "MaximumMessageSize of at most 261120"),
        ("{MaximumMessageSize: 65536}", "", "batches of 10 messages of up to 65,536 bytes", "BatchSize to at most 3"),
        ("{MaximumMessageSize: '262144'}", "{BatchSize: 1}", "messages of up to 262,144 bytes", "at most 261120"),
    ],
)
def test_a_pipe_from_a_queue(queue, pipe, message, hint, tmp_path):
    text = CLOUDFORMATION.replace("Properties: {}", f"Properties: {queue}") + PIPE
    text += f"      SourceParameters: {{SqsQueueParameters: {pipe}}}\n" if pipe else ""
    [(line, said, advice)] = starts(tmp_path, text)
    assert line == text.splitlines().index("      Source: !GetAtt Queue.Arn") + 1
    assert said == f"pipe 'Pipe' may send {message}{LIMIT}"
    assert "InputTemplate" in advice
    assert hint in advice


@pytest.mark.parametrize(
    "more",
    [
        "SourceParameters: {SqsQueueParameters: {BatchSize: 3}}",
        "TargetParameters: {InputTemplate: '{\"key\": <$.body.key>}'}",
        "TargetParameters: {InputTemplate: nightly}",
        "Enrichment: arn:aws:lambda:eu-west-1:123456789012:function:fetch",
    ],
)
def test_a_pipe_that_sends_little_is_fine(more, tmp_path):
    text = CLOUDFORMATION.replace("Properties: {}", "Properties: {MaximumMessageSize: 65536}")
    assert starts(tmp_path, text + PIPE + f"      {more}\n") == []


@pytest.mark.parametrize(
    ("parameters", "target", "message"),
    [
        (
            "KinesisStreamParameters: {StartingPosition: LATEST, BatchSize: 5}",
            "",
            "batches of 5 records of up to 1 MiB",
        ),
        ("KinesisStreamParameters: {StartingPosition: LATEST}", "<$.data>", "batches of records of up to 1 MiB"),
        ("DynamoDBStreamParameters: {StartingPosition: LATEST, BatchSize: 1}", "", "records of up to 400 KB an item"),
        (
            "DynamoDBStreamParameters: {StartingPosition: LATEST}",
            '{"new": <$.dynamodb.NewImage>}',
            "batches of records",
        ),
        ("RabbitMQBrokerParameters: {QueueName: q}", "", "batches of messages of any size"),
    ],
)
def test_pipes_from_other_sources(parameters, target, message, tmp_path):
    text = CLOUDFORMATION + PIPE.replace("!GetAtt Queue.Arn", "!Ref Stream")
    text += f"      SourceParameters: {{{parameters}}}\n"
    text += f"      TargetParameters: {{InputTemplate: '{target}'}}\n" if target else ""
    [(_, said, hint)] = starts(tmp_path, text + "Parameters: {Stream: {Type: String}}\n")
    assert "MaximumMessageSize" not in hint  # which only queues have
    assert said.startswith(f"pipe 'Pipe' may send {message}")


def test_a_stream_of_keys_is_fine(tmp_path):
    table = (
        "  Table:\n    Type: AWS::DynamoDB::Table\n    Properties: {StreamSpecification: {StreamViewType: KEYS_ONLY}}\n"
    )
    pipe = PIPE.replace("Queue.Arn", "Table.StreamArn")
    pipe += "      SourceParameters: {DynamoDBStreamParameters: {StartingPosition: LATEST}}\n"
    assert starts(tmp_path, CLOUDFORMATION + table + pipe) == []
    assert len(starts(tmp_path, CLOUDFORMATION + table.replace("KEYS_ONLY", "NEW_IMAGE") + pipe)) == 1


def test_events_of_serverless(tmp_path):
    [(line, message, _)] = starts(tmp_path, SERVERLESS, "serverless.yml")
    assert (line, message) == (10, "the event eventBridge may send events of up to 1 MB" + LIMIT)
    transformer = "inputTransformer: {inputPathsMap: {id: $.detail.id}, inputTemplate: '{\"id\": <id>}'}"
    assert starts(tmp_path, SERVERLESS + f"            {transformer}\n", "serverless.yml") == []
    assert starts(tmp_path, SERVERLESS.replace("com.shop", "aws.s3"), "serverless.yml") == []
    custom = SERVERLESS.replace("eventBridge", "cloudwatchEvent") + "            inputPath: $.detail\n"
    assert len(starts(tmp_path, custom, "serverless.yml")) == 1


def test_resources_of_serverless(tmp_path):
    rule = "".join(
        f"  {line}\n" for line in RULE.replace("Pay.Arn", "PayDashcardStepFunctionsStateMachine.Arn").splitlines()
    )
    text = SERVERLESS.partition("      events:")[0] + "resources:\n  Resources:\n" + rule
    [(line, message, _)] = starts(tmp_path, text, "serverless.yml")
    assert (line, message[:11]) == (len(text.splitlines()) - 2, "rule 'Rule'")
    assert starts(tmp_path, text.replace("PayDash", "Other"), "serverless.yml") == []


WHOLE = {
    "Resources": {
        "Pay": {
            "Type": "AWS::StepFunctions::StateMachine",
            "Properties": {"Definition": {"StartAt": "A", "States": {}}},
        },
        "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"MaximumMessageSize": 1024}},
        "Rule": {
            "Type": "AWS::Events::Rule",
            "Properties": {
                "EventPattern": {"source": ["com.shop"]},
                "Targets": [
                    {
                        "Arn": {"Fn::GetAtt": ["Pay", "Arn"]},
                        "InputTransformer": {"InputPathsMap": {"a": "$.detail"}, "InputTemplate": "<a>"},
                    }
                ],
            },
        },
        "Pipe": {
            "Type": "AWS::Pipes::Pipe",
            "Properties": {
                "Source": {"Fn::GetAtt": ["Queue", "Arn"]},
                "SourceParameters": {"SqsQueueParameters": {"BatchSize": 10}},
                "Target": {"Ref": "Pay"},
                "TargetParameters": {"InputTemplate": "<$.body>"},
            },
        },
    }
}


def replaced(value: Any, junk: Any) -> Iterator[Any]:
    """The value with junk in place of each of its parts."""
    yield junk
    if isinstance(value, dict):
        yield from (value | {key: new} for key in value for new in replaced(value[key], junk))
    elif isinstance(value, list):
        yield from (
            [*value[:at], new, *value[at + 1 :]] for at in range(len(value)) for new in replaced(value[at], junk)
        )


@pytest.mark.parametrize("junk", JUNK, ids=lambda junk: repr(junk)[:20])
def test_what_cannot_be_in_a_template_is_no_internal_error(junk, tmp_path):
    """Whatever stands there is ignored, or refused in a FlowError."""
    file = tmp_path / "template.json"
    for template in replaced(WHOLE, junk):
        file.write_text(json.dumps({"Transform": "x", **template} if isinstance(template, dict) else template))
        with suppress(FlowError):
            read_template(file)
