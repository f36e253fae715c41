"""What a Task's Resource can be: its ARN taken apart, and the integrations that Step Functions has itself.

Source: Step Functions Developer Guide, "Integrating services" and the pages of each service.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from .placeholders import PLACEHOLDER

_ARN = re.compile(
    r"arn:(?P<partition>[^:]+):(?P<service>[^:]+):(?P<region>[^:]*):(?P<account>[^:]*):(?P<rest>.+)", re.DOTALL
)
_FUNCTION = re.compile(r"function:[^:\s]+(:[^:\s]+)?")
ACCOUNT_DIGITS = 12
_UNKNOWN = "\0"  # stands for a ${Substitution}


def _actions(*names: str, patterns: tuple[str, ...] = ()) -> dict[str, tuple[str, ...]]:
    return dict.fromkeys(names, patterns)


SYNC, TOKEN = "sync", "waitForTaskToken"
INTEGRATIONS: dict[str, dict[str, tuple[str, ...]]] = {
    "apigateway": _actions("invoke", patterns=(TOKEN,)),
    "athena": _actions("startQueryExecution", patterns=(SYNC,))
    | _actions("stopQueryExecution", "getQueryExecution", "getQueryResults"),
    "batch": _actions("submitJob", patterns=(SYNC,)),
    "bedrock": _actions("invokeModel", patterns=(TOKEN,)) | _actions("createModelCustomizationJob", patterns=(SYNC,)),
    "codebuild": _actions("startBuild", "startBuildBatch", "retryBuildBatch", patterns=(SYNC,))
    | _actions("stopBuild", "stopBuildBatch", "batchDeleteBuilds", "deleteBuildBatch", "batchGetReports"),
    "databrew": _actions("startJobRun", patterns=(SYNC,)),
    "dynamodb": _actions("getItem", "putItem", "updateItem", "deleteItem"),
    "ecs": _actions("runTask", patterns=(SYNC, TOKEN)),
    "eks": _actions(
        "createCluster",
        "deleteCluster",
        "createNodegroup",
        "deleteNodegroup",
        "createFargateProfile",
        "deleteFargateProfile",
        "runJob",
        patterns=(SYNC, TOKEN),
    )
    | _actions("call", patterns=(TOKEN,)),
    "elasticmapreduce": _actions("createCluster", "terminateCluster", "addStep", patterns=(SYNC,))
    | _actions(
        "setClusterTerminationProtection", "cancelStep", "modifyInstanceFleetByName", "modifyInstanceGroupByName"
    ),
    "emr-containers": _actions("deleteVirtualCluster", "startJobRun", patterns=(SYNC,))
    | _actions("createVirtualCluster"),
    "emr-serverless": _actions(
        "createApplication",
        "startApplication",
        "stopApplication",
        "deleteApplication",
        "startJobRun",
        "cancelJobRun",
        patterns=(SYNC,),
    ),
    "events": _actions("putEvents", patterns=(TOKEN,)),
    "glue": _actions("startJobRun", patterns=(SYNC,)),
    "http": _actions("invoke"),
    "lambda": _actions("invoke", patterns=(TOKEN,)),
    "mediaconvert": _actions("createJob", patterns=(SYNC,)),
    "sagemaker": _actions(
        "createHyperParameterTuningJob",
        "createLabelingJob",
        "createProcessingJob",
        "createTrainingJob",
        "createTransformJob",
        patterns=(SYNC,),
    )
    | _actions("createEndpoint", "createEndpointConfig", "createModel", "updateEndpoint"),
    "sns": _actions("publish", patterns=(TOKEN,)),
    "sqs": _actions("sendMessage", patterns=(TOKEN,)),
    "states": _actions("startExecution", patterns=(SYNC, "sync:2", TOKEN)),
}
"""Service → action → the patterns it supports besides request-response."""


class Resource(NamedTuple):
    """A Resource taken apart. What a `${Substitution}` hides is None."""

    text: str
    kind: str
    """`integration`, `sdk`, `lambda`, `activity`, `other`, `unknown` (a substitution hides it) or `none` (no ARN)."""
    service: str | None = None
    action: str | None = None
    pattern: str | None = None
    """`sync`, `sync:2` or `waitForTaskToken`."""
    fault: str | None = None
    """What makes an ARN doubtful, such as an account number of four digits."""


def resource_of(text: str) -> Resource:
    """Take a Resource apart; never raises."""
    hidden = PLACEHOLDER.sub(_UNKNOWN, text)
    found = _ARN.fullmatch(hidden)
    if found is None:
        if _UNKNOWN in hidden:
            return Resource(text, "unknown")
        return Resource(text, "partial" if text.startswith("arn:") else "none")
    service, rest = found["service"], found["rest"]
    if service == _UNKNOWN:
        return Resource(text, "unknown")
    if service == "lambda":
        return Resource(text, "lambda", pattern=None, fault=_fault(found))
    if service != "states":
        return Resource(text, "other", service)
    if rest.startswith("activity:"):
        return Resource(text, "activity")
    if (found["region"] or found["account"]) and not rest.startswith("aws-sdk:"):
        return Resource(text, "unknown" if _UNKNOWN in rest else "other", service)
    return _integration(text, rest)


def _fault(arn: re.Match[str]) -> str | None:
    """What is doubtful in a function's ARN. Names in capitals stand for what a reader is to fill in."""
    rest, account = arn["rest"], arn["account"]
    if _UNKNOWN not in rest and _FUNCTION.fullmatch(rest) is None:
        return "it ends with function:NAME, perhaps with :VERSION after it"
    if account.isdigit() and len(account) != ACCOUNT_DIGITS:
        return f"an account number has {ACCOUNT_DIGITS} digits"
    return None


def _integration(text: str, rest: str) -> Resource:
    kind = "integration"
    if rest.startswith("aws-sdk:"):
        kind, rest = "sdk", rest.removeprefix("aws-sdk:")
    service, _, action = rest.partition(":")
    action, _, pattern = action.partition(".")
    return Resource(text, kind, _known(service), _known(action), _known(pattern) or None)


def _known(text: str) -> str | None:
    return None if _UNKNOWN in text else text
