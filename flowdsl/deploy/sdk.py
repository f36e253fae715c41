"""The IAM actions and resources of AWS SDK integrations: `logs:CreateLogStream` for `cloudwatchlogs:createLogStream`.

Source: Service Authorization Reference; botocore's models, whose signing name is the IAM prefix of most services.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

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

RESOURCES: Final[Mapping[str, tuple[str, ...]]] = {
    "dynamodb": ("arn:{partition}:dynamodb:{region}:{account}:table/{TableName}",),
    "events": ("arn:{partition}:events:{region}:{account}:event-bus/{EventBusName}",),
    "kinesis": ("arn:{partition}:kinesis:{region}:{account}:stream/{StreamName}",),
    "kms": ("arn:{partition}:kms:{region}:{account}:key/{KeyId}",),
    "lambda": (
        "arn:{partition}:lambda:{region}:{account}:function:{FunctionName}",
        "arn:{partition}:lambda:{region}:{account}:function:{FunctionName}:*",
    ),
    "logs": (
        "arn:{partition}:logs:{region}:{account}:log-group:{LogGroupName}",
        "arn:{partition}:logs:{region}:{account}:log-group:{LogGroupName}:*",
    ),
    "secretsmanager": ("arn:{partition}:secretsmanager:{region}:{account}:secret:{SecretId}-??????",),
    "sns": ("arn:{partition}:sns:{region}:{account}:{TopicArn}",),
    "sqs": ("arn:{partition}:sqs:{region}:{account}:{QueueUrl:queue}",),
    "ssm": ("arn:{partition}:ssm:{region}:{account}:parameter/{Name:path}",),
    "states": ("arn:{partition}:states:{region}:{account}:stateMachine:{StateMachineArn:machine}",),
}
"""Resources by IAM prefix, with the placeholders of `Grant.on`."""


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


def s3_resources(action: str) -> tuple[str, ...]:
    """The resources of an operation of S3: its bucket, or the object in it."""
    if action == "s3:ListAllMyBuckets":
        return ("*",)
    if action.startswith(("s3:ListBucket", "s3:CreateBucket", "s3:DeleteBucket")) or "Bucket" in action:
        return ("arn:{partition}:s3:::{Bucket}",)
    if action.endswith("Configuration"):
        return ("arn:{partition}:s3:::{Bucket}",)
    return ("arn:{partition}:s3:::{Bucket}/{Key*}",)
