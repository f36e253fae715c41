"""The service integrations that Step Functions has itself: one record for each action.

To add an action, add an `Action` to its service (to add a service, a `Service`). The checker, calls to an endpoint,
mocks and TestState read the record; an action of the AWS SDK (`aws-sdk:…`) needs none, for botocore describes it.

Source: Step Functions Developer Guide, "Integrating optimized services", "Run a job (.sync)" and the pages of each
service; recorded executions.
"""

from __future__ import annotations

from ..base.json import json_text, parse_json
from .apis import api_name
from .integration_records import Action, Job, Result, Service, value_at
from .resource import SDK, SYNC, TOKEN


def find_action(integration: str, action: str) -> Action | None:
    """The record of an action, by the names in `Call`; None for SDK integrations and unknown actions."""
    service = SERVICES.get(integration)
    return None if service is None else service.actions.get(action)


def api_of(integration: str, action: str) -> str | None:
    """The API behind an integration, by botocore's name; None if there is none.

    >>> api_of("states", "startExecution"), api_of("aws-sdk:sfn", "startExecution")
    ('stepfunctions', 'stepfunctions')
    """
    service, record = SERVICES.get(integration), find_action(integration, action)
    if service is None:
        return api_name(integration.removeprefix(SDK))
    return record.api if record is not None and record.api else service.api


def _actions(*names: str) -> tuple[Action, ...]:
    """Actions that need no more than a name."""
    return tuple(map(Action, names))


def _has_failed_container(task: Result) -> bool:
    """True if a container of an ECS task exited with another code than 0."""
    containers = task.get("Containers")
    return isinstance(containers, list) and any(container.get("ExitCode") for container in containers)


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


def _function_error(result: Result) -> tuple[str, str] | None:
    """The error of a Lambda function is the task's. The text for one without a type is quoted in public issues."""
    if not result.get("FunctionError"):
        return None
    text = str(result.get("Payload", ""))
    try:
        kind = value_at(parse_json(text), "errorType")
    except ValueError:
        kind = None
    unknown = "The cause could not be determined because Lambda did not return an error type. Returned payload: "
    return (str(kind), text) if kind else ("Lambda.Unknown", unknown + text)


def _codebuild(action: str, kind: str) -> Action:
    return Action(
        action,
        (SYNC,),
        Job(
            f"batchGet{kind}s" if kind == "Build" else "batchGetBuildBatches",
            {"Ids": f"{kind}.Id[]"},
            f"{kind}Status",
            ("SUCCEEDED",),
            ("FAILED", "FAULT", "TIMED_OUT", "STOPPED"),
            result="Builds.0" if kind == "Build" else "BuildBatches.0",
            wrapper=kind,
        ),
    )


def _eks(action: str, names: tuple[str, ...], kind: str, failed: tuple[str, ...], *, deletes: bool = False) -> Action:
    job = Job(
        f"describe{kind}",
        {name: f"$.{name}" for name in names},
        f"{kind}.Status",
        () if deletes else ("ACTIVE",),
        failed,
        succeeds_when_missing=deletes,
    )
    return Action(f"{action}{kind}", (SYNC, TOKEN), job)


def _emr_serverless(action: str, path: str, state: str, failed: tuple[str, ...] = ()) -> Action:
    job = Job("getApplication", {"ApplicationId": path}, "State", (state,), failed, result="Application")
    return Action(action, (SYNC,), job)


def _sagemaker(kind: str) -> Action:
    job = Job(
        f"describe{kind}Job", {f"{kind}JobName": f"$.{kind}JobName"}, f"{kind}JobStatus", ("Completed",), _SAGEMAKER
    )
    return Action(f"create{kind}Job", (SYNC,), job)


_SAGEMAKER = ("Failed", "Stopped")
_NODEGROUP = ("ClusterName", "NodegroupName")
_FARGATE = ("ClusterName", "FargateProfileName")


_ALL = (
    Service("apigateway", (Action("invoke", (TOKEN,), calls_api=False),), host="ApiEndpoint"),
    Service(
        "athena",
        (
            Action(
                "startQueryExecution",
                (SYNC,),
                Job(
                    "getQueryExecution",
                    {"QueryExecutionId": "QueryExecutionId"},
                    "QueryExecution.Status.State",
                    ("SUCCEEDED",),
                    ("FAILED", "CANCELLED"),
                ),
            ),
            *_actions("stopQueryExecution", "getQueryExecution", "getQueryResults"),
        ),
        "Athena",
        "AmazonAthena",
    ),
    Service(
        "batch",
        (
            Action(
                "submitJob",
                (SYNC,),
                Job("describeJobs", {"Jobs": "JobId[]"}, "Status", ("SUCCEEDED",), ("FAILED",), result="Jobs.0"),
            ),
        ),
        "Batch",
        "AWSBatch",
    ),
    Service(
        "bedrock",
        (
            Action("invokeModel", (TOKEN,), api="bedrock-runtime", added=("Input", "Output"), parsed=("Body",)),
            Action(
                "createModelCustomizationJob",
                (SYNC,),
                Job(
                    "getModelCustomizationJob",
                    {"JobIdentifier": "JobArn"},
                    "Status",
                    ("Completed",),
                    ("Failed", "Stopped"),
                ),
            ),
        ),
        "Bedrock",
        "AmazonBedrock",
    ),
    Service(
        "codebuild",
        (
            _codebuild("startBuild", "Build"),
            _codebuild("startBuildBatch", "BuildBatch"),
            _codebuild("retryBuildBatch", "BuildBatch"),
            *_actions("stopBuild", "stopBuildBatch", "batchDeleteBuilds", "deleteBuildBatch", "batchGetReports"),
        ),
        "CodeBuild",
        "AWSCodeBuild",
    ),
    Service(
        "databrew",
        (
            Action(
                "startJobRun",
                (SYNC,),
                Job(
                    "describeJobRun",
                    {"Name": "$.Name", "RunId": "RunId"},
                    "State",
                    ("SUCCEEDED",),
                    ("FAILED", "STOPPED", "TIMEOUT"),
                ),
            ),
        ),
        "DataBrew",
        "AWSGlueDataBrew",
    ),
    Service("dynamodb", _actions("getItem", "putItem", "updateItem", "deleteItem"), "DynamoDB", "AmazonDynamoDBv2"),
    Service(
        "ecs",
        (
            Action(
                "runTask",
                (SYNC, TOKEN),
                Job(
                    "describeTasks",
                    {"Cluster": "$.Cluster", "Tasks": "Tasks.0.TaskArn[]"},
                    "LastStatus",
                    ("STOPPED",),
                    result="Tasks.0",
                    has_failed=_has_failed_container,
                ),
            ),
        ),
        "ECS",
        "AmazonECS",
    ),
    Service(
        "eks",
        (
            _eks("create", ("Name",), "Cluster", ("FAILED",)),
            _eks("delete", ("Name",), "Cluster", ("FAILED",), deletes=True),
            _eks("create", _NODEGROUP, "Nodegroup", ("CREATE_FAILED", "DEGRADED")),
            _eks("delete", _NODEGROUP, "Nodegroup", ("DELETE_FAILED",), deletes=True),
            _eks("create", _FARGATE, "FargateProfile", ("CREATE_FAILED",)),
            _eks("delete", _FARGATE, "FargateProfile", ("DELETE_FAILED",), deletes=True),
            Action("runJob", (SYNC, TOKEN), calls_api=False),
            Action("call", (TOKEN,), calls_api=False),
        ),
        "EKS",
        "AmazonEKS",
    ),
    Service(
        "elasticmapreduce",
        (
            Action("createCluster", (SYNC,), calls_api=False),
            Action("terminateCluster", (SYNC,), calls_api=False),
            Action("addStep", (SYNC,), calls_api=False),
            Action("setClusterTerminationProtection", calls_api=False),
            Action("cancelStep", calls_api=False),
            Action("modifyInstanceFleetByName", calls_api=False),
            Action("modifyInstanceGroupByName", calls_api=False),
        ),
        "ElasticMapReduce",
        "AmazonElasticMapReduce",
        api="emr",
    ),
    Service(
        "emr-containers",
        (
            Action(
                "deleteVirtualCluster",
                (SYNC,),
                Job(
                    "describeVirtualCluster",
                    {"Id": "Id"},
                    "State",
                    ("TERMINATED",),
                    ("ARRESTED",),
                    result="VirtualCluster",
                ),
            ),
            Action(
                "startJobRun",
                (SYNC,),
                Job(
                    "describeJobRun",
                    {"VirtualClusterId": "$.VirtualClusterId", "Id": "Id"},
                    "State",
                    ("COMPLETED",),
                    ("FAILED", "CANCELLED"),
                    result="JobRun",
                ),
            ),
            *_actions("createVirtualCluster"),
        ),
    ),
    Service(
        "emr-serverless",
        (
            _emr_serverless("createApplication", "ApplicationId", "CREATED", ("TERMINATED",)),
            _emr_serverless("startApplication", "$.ApplicationId", "STARTED"),
            _emr_serverless("stopApplication", "$.ApplicationId", "STOPPED"),
            _emr_serverless("deleteApplication", "$.ApplicationId", "TERMINATED"),
            Action(
                "startJobRun",
                (SYNC,),
                Job(
                    "getJobRun",
                    {"ApplicationId": "$.ApplicationId", "JobRunId": "JobRunId"},
                    "State",
                    ("SUCCESS",),
                    ("FAILED", "CANCELLED"),
                    result="JobRun",
                ),
            ),
            Action(
                "cancelJobRun",
                (SYNC,),
                Job(
                    "getJobRun",
                    {"ApplicationId": "$.ApplicationId", "JobRunId": "$.JobRunId"},
                    "State",
                    ("CANCELLED",),
                    ("SUCCESS", "FAILED"),
                    result="JobRun",
                ),
            ),
        ),
    ),
    Service(
        "events",
        (Action("putEvents", (TOKEN,), has_metadata=False, identify=_identify_events, failure=_failed_entry),),
        "EventBridge",
        "AmazonEventBridge",
    ),
    Service(
        "glue",
        (
            Action(
                "startJobRun",
                (SYNC,),
                Job(
                    "getJobRun",
                    {"JobName": "$.JobName", "RunId": "JobRunId"},
                    "JobRunState",
                    ("SUCCEEDED",),
                    ("FAILED", "STOPPED", "TIMEOUT", "ERROR"),
                    result="JobRun",
                ),
            ),
        ),
        "Glue",
        "AWSGlue",
    ),
    Service("http", (Action("invoke", calls_api=False),), host="ApiEndpoint"),
    Service(
        "lambda",
        (
            Action(
                "invoke",
                (TOKEN,),
                required=("FunctionName",),
                optional=("Payload", "Qualifier", "InvocationType", "LogType", "ClientContext"),
                defaults={"Payload": {}},
                parsed=("Payload",),
                failure=_function_error,
            ),
        ),
        "Lambda",
        "AWSLambda",
    ),
    Service(
        "mediaconvert",
        (
            Action(
                "createJob",
                (SYNC,),
                Job("getJob", {"Id": "Job.Id"}, "Job.Status", ("COMPLETE",), ("ERROR", "CANCELED")),
            ),
        ),
        "MediaConvert",
        "AWSMediaConvert",
    ),
    Service(
        "sagemaker",
        (
            *map(_sagemaker, ("HyperParameterTuning", "Labeling", "Processing", "Training", "Transform")),
            *_actions("createEndpoint", "createEndpointConfig", "createModel", "updateEndpoint"),
        ),
        "SageMaker",
        "AmazonSageMaker",
    ),
    Service(
        "sns",
        (
            Action(
                "publish",
                (TOKEN,),
                required=("Message",),
                optional=("TopicArn", "Subject", "TargetArn", "PhoneNumber"),
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
            ),
        ),
        "StepFunctions",
        "AWSStepFunctions",
        api="stepfunctions",
    ),
)

SERVICES: dict[str, Service] = {service.name: service for service in _ALL}
"""By the name in a Resource."""
