"""The IAM actions and resources of AWS SDK integrations: `logs:CreateLogStream` for `cloudwatchlogs:createLogStream`.

Source: Service Authorization Reference; botocore's models, whose signing name is the IAM prefix of most services.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from ..asl.integration_rights import on
from ..asl.resource import SDK
from ..calls.services.catalogue import find_operation

_PREFIXES: Final[Mapping[str, str]] = {
    "appconfigdata": "appconfig",
    "cloudwatch": "cloudwatch",
    "connectparticipant": "execute-api",
    "docdb": "rds",
    "iot-data": "iot",
    "iot-jobs-data": "iot",
    "kinesis-video-archived-media": "kinesisvideo",
    "kinesis-video-media": "kinesisvideo",
    "neptune": "rds",
    "personalize-events": "personalize",
    "personalize-runtime": "personalize",
    "resourcegroupstaggingapi": "tag",
    "sagemaker-a2i-runtime": "sagemaker",
    "sagemaker-runtime": "sagemaker",
}
"""IAM prefixes that are not the signing name, by botocore's name of the service."""
_UNKNOWN: Final = frozenset({"apigateway", "apigatewayv2"})
"""Services whose IAM actions are not those of their API (`apigateway:GET` on a path)."""

_ACTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "lambda:Invoke": ("lambda:InvokeFunction",),
    "lambda:InvokeAsync": ("lambda:InvokeFunction",),
    "lambda:InvokeWithResponseStream": ("lambda:InvokeFunction",),
    "s3:HeadObject": ("s3:GetObject",),
    "s3:GetObjectAttributes": ("s3:GetObject", "s3:GetObjectAttributes"),
    "s3:SelectObjectContent": ("s3:GetObject",),
    "s3:HeadBucket": ("s3:ListBucket",),
    "s3:ListObjects": ("s3:ListBucket",),
    "s3:ListObjectsV2": ("s3:ListBucket",),
    "s3:ListObjectVersions": ("s3:ListBucketVersions",),
    "s3:ListBuckets": ("s3:ListAllMyBuckets",),
    "s3:ListMultipartUploads": ("s3:ListBucketMultipartUploads",),
    "s3:ListParts": ("s3:ListMultipartUploadParts",),
    "s3:CopyObject": ("s3:GetObject", "s3:PutObject"),
    "s3:CreateMultipartUpload": ("s3:PutObject",),
    "s3:CompleteMultipartUpload": ("s3:PutObject",),
    "s3:UploadPart": ("s3:PutObject",),
    "s3:UploadPartCopy": ("s3:GetObject", "s3:PutObject"),
    "s3:DeleteObjects": ("s3:DeleteObject",),
    "s3:GetBucketEncryption": ("s3:GetEncryptionConfiguration",),
    "s3:PutBucketEncryption": ("s3:PutEncryptionConfiguration",),
    "s3:GetBucketLifecycleConfiguration": ("s3:GetLifecycleConfiguration",),
    "s3:PutBucketLifecycleConfiguration": ("s3:PutLifecycleConfiguration",),
    "dynamodb:TransactGetItems": ("dynamodb:GetItem",),
    "dynamodb:TransactWriteItems": (
        "dynamodb:ConditionCheckItem",
        "dynamodb:DeleteItem",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
    ),
    "dynamodb:ExecuteStatement": (
        "dynamodb:PartiQLDelete",
        "dynamodb:PartiQLInsert",
        "dynamodb:PartiQLSelect",
        "dynamodb:PartiQLUpdate",
    ),
    "bedrock:Converse": ("bedrock:InvokeModel",),
    "sagemaker:InvokeEndpoint": ("sagemaker:InvokeEndpoint",),
    "states:StartSyncExecution": ("states:StartSyncExecution",),
    "sqs:SendMessageBatch": ("sqs:SendMessage",),
    "sqs:DeleteMessageBatch": ("sqs:DeleteMessage",),
    "sqs:ChangeMessageVisibilityBatch": ("sqs:ChangeMessageVisibility",),
    "sns:PublishBatch": ("sns:Publish",),
}
"""API operations that IAM has no action of the same name for, with its prefix."""

_WITH: Final[Mapping[tuple[str, str], str]] = {
    ("s3:GetObject", "VersionId"): "s3:GetObjectVersion",
    ("s3:DeleteObject", "VersionId"): "s3:DeleteObjectVersion",
    ("s3:PutObject", "Tagging"): "s3:PutObjectTagging",
    ("s3:PutObject", "ACL"): "s3:PutObjectAcl",
}
"""Actions that are needed besides, by an action and an argument."""

_RESOURCES: Final[Mapping[str, tuple[str, ...]]] = {
    "dynamodb": (on("dynamodb", "table/{TableName}"),),
    "events": (on("events", "event-bus/{EventBusName}"),),
    "kinesis": (on("kinesis", "stream/{StreamName}"),),
    "kms": (on("kms", "key/{KeyId:key}"),),
    "lambda": (on("lambda", "function:{FunctionName}"), on("lambda", "function:{FunctionName}:*")),
    "logs": (on("logs", "log-group:{LogGroupName}"), on("logs", "log-group:{LogGroupName}:*")),
    "secretsmanager": (on("secretsmanager", "secret:{SecretId}-??????"),),
    "sns": (on("sns", "{TopicArn}"),),
    "sqs": (on("sqs", "{QueueUrl:queue}"),),
    "ssm": (on("ssm", "parameter/{Name:path}"),),
    "states": (on("states", "stateMachine:{StateMachineArn:machine}"),),
    **dict.fromkeys(("iam", "sts", "organizations", "account", "sso", "identitystore"), ()),
}
"""Resources by IAM prefix, with the placeholders of `Grant.on`. Services that hand out permissions are never allowed on
everything."""


def resources(action: str, has: Callable[[str], bool]) -> tuple[str, ...] | None:
    """The resources of an action, with the placeholders of `Grant.on`; `has` tells which arguments a call has.

    Empty if it is not known on what the action is used, None if nothing is known of the service's resources.
    """
    prefix, _, name = action.partition(":")
    if prefix == "s3":
        return ("arn:{partition}:s3:::{CopySource:source}",) if _reads_source(name, has) else _s3_resources(action)
    if prefix == "events" and (name in _TARGETS or "Rule" in name):
        rule = "{Rule}" if name in _TARGETS else "{Name}"
        return (on("events", f"rule/{{EventBusName}}/{rule}" if has("EventBusName") else f"rule/{rule}"),)
    if prefix == "dynamodb" and name in ("Query", "Scan") and has("IndexName"):
        return (on("dynamodb", "table/{TableName}/index/{IndexName*}"),)
    if prefix == "ssm" and "Parameter" not in name:
        return ()
    return _RESOURCES.get(prefix)


_TARGETS: Final = ("PutTargets", "RemoveTargets", "ListTargetsByRule")


def _reads_source(name: str, has: Callable[[str], bool]) -> bool:
    return name.startswith("GetObject") and has("CopySource")


def iam_actions(service: str, action: str) -> tuple[str, ...] | None:
    """The IAM actions of `aws-sdk:<service>:<action>`; None for a service or an action that is not known.

    >>> iam_actions("cloudwatchlogs", "createLogStream"), iam_actions("s3", "headObject")
    (('logs:CreateLogStream',), ('s3:GetObject',))
    """
    operation = find_operation(SDK + service, action)
    if operation is None or operation.service in _UNKNOWN:
        return None
    model = operation.service_model
    prefix = _PREFIXES.get(operation.service) or str(model.signing_name)
    name = f"{prefix}:{operation.name}"
    return _ACTIONS.get(name, (name,))


def with_arguments(actions: tuple[str, ...], has: Callable[[str], bool]) -> tuple[str, ...]:
    """The actions, and those that a call needs besides for arguments that it has."""
    return (*actions, *(more for (action, argument), more in _WITH.items() if action in actions and has(argument)))


def _s3_resources(action: str) -> tuple[str, ...]:
    """The resources of an operation of S3: its bucket, or the object in it."""
    if action == "s3:ListAllMyBuckets":
        return ("*",)
    if action.startswith(("s3:ListBucket", "s3:CreateBucket", "s3:DeleteBucket")) or "Bucket" in action:
        return ("arn:{partition}:s3:::{Bucket}",)
    if action.endswith("Configuration"):
        return ("arn:{partition}:s3:::{Bucket}",)
    return ("arn:{partition}:s3:::{Bucket}/{Key*}",)


_TRANSACTED: Final = {"GetItem": "Get", "PutItem": "Put", "UpdateItem": "Update", "DeleteItem": "Delete"}
"""The members of a TransactItem by the action that they need."""


def tables(arguments: Mapping[str, Any], action: str) -> list[str] | None:
    """The tables of a batch, or those of a transaction that it needs the action for; None if they are not known."""
    requests, items = arguments.get("RequestItems"), arguments.get("TransactItems")
    if isinstance(requests, dict):
        names = [*requests]
    elif isinstance(items, list) and all(isinstance(each, dict) for each in items):
        member = _TRANSACTED.get(action, "ConditionCheck")
        names = [each[member].get("TableName") for each in items if isinstance(each.get(member), dict)]
        if any(key.endswith(".$") for each in items for key in each):
            return None
    else:
        return None
    is_known = all(isinstance(name, str) and not name.endswith(".$") and "{%" not in name for name in names)
    return sorted({*names}) if is_known else None


def roles(value: Any) -> Iterator[str]:
    """The arguments that are the ARN of a role, chosen at run time."""
    if isinstance(value, dict):
        for key, each in value.items():
            if re.search(r"Role(Arn|ARN)(\.\$)?$", key) and isinstance(each, str) and not each.startswith("arn:"):
                yield key.removesuffix(".$")
            else:
                yield from roles(each)
    elif isinstance(value, list):
        for each in value:
            yield from roles(each)
