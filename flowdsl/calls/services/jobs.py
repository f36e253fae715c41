"""`.sync`: the jobs that Step Functions waits for, and how it looks after them.

Source: Step Functions Developer Guide, "Run a job (.sync)" and the pages of each service.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from .catalogue import Operation, operation

JSON = Any


@frozen
class Job:
    """How one kind of job is looked after; all names are those of Step Functions."""

    action: str
    """The action that describes it."""
    arguments: Mapping[str, str]
    """The arguments of that, each with its path in the answer to the call that started the job; `$.` begins a path in
    that call's own arguments, a trailing `[]` makes a list of it."""
    result: str
    """The path of the job in the description."""
    status: str
    """The path of the status in the job."""
    succeeded: tuple[str, ...]
    failed: tuple[str, ...] = ()
    gone: bool = False
    """Whether it has succeeded when what is described is not there any more."""
    within: str = ""
    """The name that the result has the job under, where it is not the result itself."""
    keeps: tuple[str, ...] = ()
    """What the result has besides, of the answer to the call that started the job."""

    def wanted(self, arguments: JSON, started: JSON) -> dict[str, JSON]:
        """The arguments of the call that describes the job."""
        made = {}
        for name, path in self.arguments.items():
            where = path.removesuffix("[]")
            value = at(arguments, where[2:]) if where.startswith("$.") else at(started, where)
            if value is not None:
                made[name] = [value] if path.endswith("[]") else value
        return made


_CODEBUILD = ("FAILED", "FAULT", "TIMED_OUT", "STOPPED")
_FARGATE = {"ClusterName": "$.ClusterName", "FargateProfileName": "$.FargateProfileName"}
_SAGEMAKER = ("Failed", "Stopped")

JOBS: dict[tuple[str, str], Job] = {
    ("athena", "startQueryExecution"): Job(
        "getQueryExecution",
        {"QueryExecutionId": "QueryExecutionId"},
        "",
        "QueryExecution.Status.State",
        ("SUCCEEDED",),
        ("FAILED", "CANCELLED"),
    ),
    ("batch", "submitJob"): Job("describeJobs", {"Jobs": "JobId[]"}, "Jobs.0", "Status", ("SUCCEEDED",), ("FAILED",)),
    ("bedrock", "createModelCustomizationJob"): Job(
        "getModelCustomizationJob",
        {"JobIdentifier": "JobArn"},
        "",
        "Status",
        ("Completed",),
        ("Failed", "Stopped"),
    ),
    ("codebuild", "startBuild"): Job(
        "batchGetBuilds",
        {"Ids": "Build.Id[]"},
        "Builds.0",
        "BuildStatus",
        ("SUCCEEDED",),
        _CODEBUILD,
        within="Build",
    ),
    ("codebuild", "startBuildBatch"): Job(
        "batchGetBuildBatches",
        {"Ids": "BuildBatch.Id[]"},
        "BuildBatches.0",
        "BuildBatchStatus",
        ("SUCCEEDED",),
        _CODEBUILD,
        within="BuildBatch",
    ),
    ("codebuild", "retryBuildBatch"): Job(
        "batchGetBuildBatches",
        {"Ids": "BuildBatch.Id[]"},
        "BuildBatches.0",
        "BuildBatchStatus",
        ("SUCCEEDED",),
        _CODEBUILD,
        within="BuildBatch",
    ),
    ("databrew", "startJobRun"): Job(
        "describeJobRun",
        {"Name": "$.Name", "RunId": "RunId"},
        "",
        "State",
        ("SUCCEEDED",),
        ("FAILED", "STOPPED", "TIMEOUT"),
    ),
    ("ecs", "runTask"): Job(
        "describeTasks",
        {"Cluster": "$.Cluster", "Tasks": "Tasks.0.TaskArn[]"},
        "Tasks.0",
        "LastStatus",
        ("STOPPED",),
        (),
    ),
    ("eks", "createCluster"): Job(
        "describeCluster", {"Name": "$.Name"}, "", "Cluster.Status", ("ACTIVE",), ("FAILED",)
    ),
    ("eks", "createNodegroup"): Job(
        "describeNodegroup",
        {"ClusterName": "$.ClusterName", "NodegroupName": "$.NodegroupName"},
        "",
        "Nodegroup.Status",
        ("ACTIVE",),
        ("CREATE_FAILED", "DEGRADED"),
    ),
    ("eks", "deleteCluster"): Job(
        "describeCluster", {"Name": "$.Name"}, "", "Cluster.Status", (), ("FAILED",), gone=True
    ),
    ("eks", "deleteNodegroup"): Job(
        "describeNodegroup",
        {"ClusterName": "$.ClusterName", "NodegroupName": "$.NodegroupName"},
        "",
        "Nodegroup.Status",
        (),
        ("DELETE_FAILED",),
        gone=True,
    ),
    ("eks", "createFargateProfile"): Job(
        "describeFargateProfile", _FARGATE, "", "FargateProfile.Status", ("ACTIVE",), ("CREATE_FAILED",)
    ),
    ("eks", "deleteFargateProfile"): Job(
        "describeFargateProfile", _FARGATE, "", "FargateProfile.Status", (), ("DELETE_FAILED",), gone=True
    ),
    ("elasticmapreduce", "addStep"): Job(
        "describeStep",
        {"ClusterId": "$.ClusterId", "StepId": "StepId"},
        "",
        "Step.Status.State",
        ("COMPLETED",),
        ("CANCELLED", "FAILED", "INTERRUPTED"),
        keeps=("StepId",),
    ),
    ("elasticmapreduce", "createCluster"): Job(
        "describeCluster",
        {"ClusterId": "ClusterId"},
        "",
        "Cluster.Status.State",
        ("WAITING",),
        ("TERMINATED", "TERMINATED_WITH_ERRORS"),
        keeps=("ClusterId",),
    ),
    ("elasticmapreduce", "terminateCluster"): Job(
        "describeCluster",
        {"ClusterId": "$.ClusterId"},
        "",
        "Cluster.Status.State",
        ("TERMINATED",),
        ("TERMINATED_WITH_ERRORS",),
    ),
    ("emr-containers", "deleteVirtualCluster"): Job(
        "describeVirtualCluster", {"Id": "Id"}, "VirtualCluster", "State", ("TERMINATED",), ("ARRESTED",)
    ),
    ("emr-containers", "startJobRun"): Job(
        "describeJobRun",
        {"VirtualClusterId": "$.VirtualClusterId", "Id": "Id"},
        "JobRun",
        "State",
        ("COMPLETED",),
        ("FAILED", "CANCELLED"),
    ),
    ("emr-serverless", "startJobRun"): Job(
        "getJobRun",
        {"ApplicationId": "$.ApplicationId", "JobRunId": "JobRunId"},
        "JobRun",
        "State",
        ("SUCCESS",),
        ("FAILED", "CANCELLED"),
    ),
    **{
        ("emr-serverless", action): Job(
            "getApplication", {"ApplicationId": "$.ApplicationId"}, "Application", "State", (state,)
        )
        for action, state in (
            ("startApplication", "STARTED"),
            ("stopApplication", "STOPPED"),
            ("deleteApplication", "TERMINATED"),
        )
    },
    ("emr-serverless", "createApplication"): Job(
        "getApplication", {"ApplicationId": "ApplicationId"}, "Application", "State", ("CREATED",), ("TERMINATED",)
    ),
    ("emr-serverless", "cancelJobRun"): Job(
        "getJobRun",
        {"ApplicationId": "$.ApplicationId", "JobRunId": "$.JobRunId"},
        "JobRun",
        "State",
        ("CANCELLED",),
        ("SUCCESS", "FAILED"),
    ),
    ("glue", "startJobRun"): Job(
        "getJobRun",
        {"JobName": "$.JobName", "RunId": "JobRunId"},
        "JobRun",
        "JobRunState",
        ("SUCCEEDED",),
        ("FAILED", "STOPPED", "TIMEOUT", "ERROR"),
    ),
    ("mediaconvert", "createJob"): Job(
        "getJob", {"Id": "Job.Id"}, "", "Job.Status", ("COMPLETE",), ("ERROR", "CANCELED")
    ),
    ("sagemaker", "createTrainingJob"): Job(
        "describeTrainingJob",
        {"TrainingJobName": "$.TrainingJobName"},
        "",
        "TrainingJobStatus",
        ("Completed",),
        _SAGEMAKER,
    ),
    ("sagemaker", "createHyperParameterTuningJob"): Job(
        "describeHyperParameterTuningJob",
        {"HyperParameterTuningJobName": "$.HyperParameterTuningJobName"},
        "",
        "HyperParameterTuningJobStatus",
        ("Completed",),
        _SAGEMAKER,
    ),
    ("sagemaker", "createLabelingJob"): Job(
        "describeLabelingJob",
        {"LabelingJobName": "$.LabelingJobName"},
        "",
        "LabelingJobStatus",
        ("Completed",),
        _SAGEMAKER,
    ),
    ("sagemaker", "createProcessingJob"): Job(
        "describeProcessingJob",
        {"ProcessingJobName": "$.ProcessingJobName"},
        "",
        "ProcessingJobStatus",
        ("Completed",),
        _SAGEMAKER,
    ),
    ("sagemaker", "createTransformJob"): Job(
        "describeTransformJob",
        {"TransformJobName": "$.TransformJobName"},
        "",
        "TransformJobStatus",
        ("Completed",),
        _SAGEMAKER,
    ),
    ("states", "startExecution"): Job(
        "describeExecution",
        {"ExecutionArn": "ExecutionArn"},
        "",
        "Status",
        ("SUCCEEDED",),
        ("FAILED", "TIMED_OUT", "ABORTED"),
    ),
}


def job_of(integration: str, action: str) -> Job | None:
    """How a job is looked after, or None where that is not known here."""
    return JOBS.get((integration, action))


def polled(integration: str, action: str) -> Operation | None:
    """The API whose answer becomes the result of a `.sync` task."""
    job = job_of(integration, action)
    return None if job is None else operation(integration, job.action)


def at(value: JSON, path: str) -> JSON:
    """The part of a value at a dotted path, None where there is none; the empty path is the whole."""
    for step in filter(None, path.split(".")):
        if isinstance(value, list):
            value = value[int(step)] if int(step) < len(value) else None
        elif isinstance(value, dict):
            value = value.get(step)
        else:
            return None
    return value
