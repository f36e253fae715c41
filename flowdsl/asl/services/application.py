"""What applications are made of: API Gateway, HTTP, DynamoDB, EventBridge, MediaConvert, SNS, SQS, Step Functions."""

from __future__ import annotations

from ...base.json import json_text
from ..integration_records import Action, Job, Result, Service
from ..integration_rights import Grant, Rights, allow, on
from ..resource import SYNC, TOKEN


def _identify_events(arguments: Result, execution: str, machine: str) -> Result:
    """The entries of PutEvents with execution and state machine among the resources of each."""
    entries = arguments.get("Entries")
    if not isinstance(entries, list):
        return arguments
    named = [
        {**entry, "Resources": [*(entry.get("Resources") or ()), execution, machine]}
        for entry in entries
        if isinstance(entry, dict)
    ]
    return {**arguments, "Entries": named}


def _failed_entry(result: Result) -> tuple[str, str] | None:
    return ("EventBridge.FailedEntry", json_text(result)) if result.get("FailedEntryCount") else None


SERVICES = (
    Service(
        "apigateway",
        (
            Action(
                "invoke",
                (TOKEN,),
                calls_api=False,
                rights=Rights(
                    (
                        Grant(
                            "execute-api:Invoke",
                            on("execute-api", "{ApiEndpoint:api}/{Stage*}/{Method*}/{Path:path*}"),
                        ),
                    )
                ),
            ),
        ),
        host="ApiEndpoint",
    ),
    Service(
        "dynamodb",
        tuple(
            Action(name, rights=allow("dynamodb", name, "table/{TableName}"))
            for name in ("getItem", "putItem", "updateItem", "deleteItem")
        ),
        "DynamoDB",
        "AmazonDynamoDBv2",
    ),
    Service(
        "events",
        (Action("putEvents", (TOKEN,), has_metadata=False, identify=_identify_events, failure=_failed_entry),),
        "EventBridge",
        "AmazonEventBridge",
    ),
    Service("http", (Action("invoke", calls_api=False),), host="ApiEndpoint"),
    Service(
        "mediaconvert",
        (
            Action(
                "createJob",
                (SYNC,),
                Job("getJob", {"Id": "Job.Id"}, "Job.Status", ("COMPLETE",), ("ERROR", "CANCELED")),
                rights=Rights(
                    (
                        Grant("mediaconvert:CreateJob", on("mediaconvert", "queues/*")),
                        Grant("mediaconvert:CreateJob", on("mediaconvert", "jobTemplates/*")),
                        Grant("mediaconvert:CreateJob", on("mediaconvert", "presets/*")),
                        Grant("mediaconvert:GetJob mediaconvert:CancelJob", on("mediaconvert", "jobs/*"), sync=True),
                    ),
                    "StepFunctionsGetEventsForMediaConvertJobRule",
                    {"Role": "mediaconvert.amazonaws.com"},
                ),
            ),
        ),
        "MediaConvert",
        "AWSMediaConvert",
    ),
    Service(
        "sns",
        (
            Action(
                "publish",
                (TOKEN,),
                required=("Message",),
                optional=("TopicArn", "Subject", "TargetArn", "PhoneNumber"),
                one_of=("TopicArn", "TargetArn", "PhoneNumber"),
                rights=allow("sns", "publish", "{TopicArn}"),
            ),
        ),
        "SNS",
        "AmazonSNS",
    ),
    Service(
        "sqs",
        (
            Action(
                "sendMessage",
                (TOKEN,),
                required=("QueueUrl", "MessageBody"),
                optional=("MessageGroupId", "MessageDeduplicationId", "DelaySeconds"),
                rights=allow("sqs", "sendMessage", "{QueueUrl:queue}"),
            ),
        ),
        "SQS",
        "AmazonSQS",
    ),
    Service(
        "states",
        (
            Action(
                "startExecution",
                (SYNC, "sync:2", TOKEN),
                Job(
                    "describeExecution",
                    {"ExecutionArn": "ExecutionArn"},
                    "Status",
                    ("SUCCEEDED",),
                    ("FAILED", "TIMED_OUT", "ABORTED"),
                ),
                required=("StateMachineArn",),
                optional=("Input", "Name"),
                unique="Name",
            ),
        ),
        "StepFunctions",
        "AWSStepFunctions",
        api="stepfunctions",
    ),
)
