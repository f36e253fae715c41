"""Batch, CodeBuild, ECS, EKS and Lambda."""

from __future__ import annotations

from ...base.json import parse_json
from ..integration_records import Action, Job, Result, Service, value_at
from ..integration_rights import Grant, Rights, allow, on
from ..resource import SYNC, TOKEN

_NODEGROUP = on("eks", "nodegroup/{ClusterName*}/{NodegroupName*}/*")
_FARGATE = on("eks", "fargateprofile/{ClusterName*}/{FargateProfileName*}/*")
_KUBERNETES = Rights(hidden="an access entry of the cluster for the role: Kubernetes decides, not IAM")


def _has_failed_container(task: Result) -> bool:
    """True if a container of an ECS task exited with another code than 0."""
    containers = task.get("Containers")
    return isinstance(containers, list) and any(container.get("ExitCode") for container in containers)


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


def _build(action: str, kind: str, project: str = "{ProjectName*}") -> Action:
    """An action of CodeBuild that starts a `Build` or a `BuildBatch`."""
    describe = f"BatchGet{kind}s" if kind == "Build" else "BatchGetBuildBatches"
    name = action[0].upper() + action[1:]
    place = on("codebuild", f"project/{project}")
    return Action(
        action,
        (SYNC,),
        Job(
            describe[0].lower() + describe[1:],
            {"Ids": f"{kind}.Id[]"},
            f"{kind}Status",
            ("SUCCEEDED",),
            ("FAILED", "FAULT", "TIMED_OUT", "STOPPED"),
            result="Builds.0" if kind == "Build" else "BuildBatches.0",
            wrapper=kind,
        ),
        rights=Rights(
            (
                Grant(f"codebuild:{name}", place),
                Grant(f"codebuild:Stop{kind} codebuild:{describe}", place, sync=True),
            ),
            f"StepFunctionsGetEventForCodeBuild{name}Rule",
        ),
    )


def _eks(verb: str, kind: str, names: tuple[str, ...], failed: tuple[str, ...], rights: Rights) -> Action:
    """An action of EKS that creates or deletes something, which arguments of these names identify."""
    deletes = verb == "delete"
    job = Job(
        f"describe{kind}",
        {name: f"$.{name}" for name in names},
        f"{kind}.Status",
        () if deletes else ("ACTIVE",),
        failed,
        succeeds_when_missing=deletes,
    )
    return Action(f"{verb}{kind}", (SYNC, TOKEN), job, rights=rights)


SERVICES = (
    Service(
        "batch",
        (
            Action(
                "submitJob",
                (SYNC,),
                Job("describeJobs", {"Jobs": "JobId[]"}, "Status", ("SUCCEEDED",), ("FAILED",), result="Jobs.0"),
                rights=Rights(
                    (Grant("batch:SubmitJob"), Grant("batch:DescribeJobs batch:TerminateJob", sync=True)),
                    "StepFunctionsGetEventsForBatchJobsRule",
                ),
            ),
        ),
        "Batch",
        "AWSBatch",
    ),
    Service(
        "codebuild",
        (
            _build("startBuild", "Build"),
            _build("startBuildBatch", "BuildBatch"),
            _build("retryBuildBatch", "BuildBatch", "*"),
            *(
                Action(name, rights=allow("codebuild", name, "project/*"))
                for name in ("stopBuild", "stopBuildBatch", "batchDeleteBuilds", "deleteBuildBatch")
            ),
            Action("batchGetReports", rights=allow("codebuild", "batchGetReports", "report-group/*")),
        ),
        "CodeBuild",
        "AWSCodeBuild",
    ),
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
                rights=Rights(
                    (
                        Grant("ecs:RunTask", on("ecs", "task-definition/{TaskDefinition:revision}")),
                        # A task's id is not known before it runs.
                        Grant("ecs:StopTask ecs:DescribeTasks", sync=True),
                        Grant("ecs:TagResource", on("ecs", "task/*"), only_with="Tags"),
                        Grant("ecs:TagResource", on("ecs", "task/*"), only_with="PropagateTags"),
                        Grant("ecs:TagResource", on("ecs", "task/*"), only_with="EnableECSManagedTags"),
                    ),
                    "StepFunctionsGetEventsForECSTaskRule",
                    {
                        "Overrides.TaskRoleArn": "ecs-tasks.amazonaws.com",
                        "Overrides.ExecutionRoleArn": "ecs-tasks.amazonaws.com",
                    },
                    hidden="iam:PassRole on the task role and the execution role of the task definition",
                ),
            ),
        ),
        "ECS",
        "AmazonECS",
    ),
    Service(
        "eks",
        (
            _eks(
                "create",
                "Cluster",
                ("Name",),
                ("FAILED",),
                Rights(
                    (
                        Grant("eks:CreateCluster"),
                        Grant("eks:DescribeCluster eks:DeleteCluster", on("eks", "cluster/{Name*}"), sync=True),
                    ),
                    roles={"RoleArn": "eks.amazonaws.com"},
                ),
            ),
            _eks(
                "delete",
                "Cluster",
                ("Name",),
                ("FAILED",),
                Rights(
                    (
                        Grant("eks:DeleteCluster", on("eks", "cluster/{Name*}")),
                        Grant("eks:DescribeCluster", on("eks", "cluster/{Name*}"), sync=True),
                    )
                ),
            ),
            _eks(
                "create",
                "Nodegroup",
                ("ClusterName", "NodegroupName"),
                ("CREATE_FAILED", "DEGRADED"),
                Rights(
                    (
                        Grant("eks:CreateNodegroup", on("eks", "cluster/{ClusterName*}")),
                        Grant("ec2:DescribeSubnets"),
                        Grant("eks:DescribeNodegroup eks:DeleteNodegroup", _NODEGROUP, sync=True),
                        Grant("iam:GetRole iam:ListAttachedRolePolicies", "arn:{partition}:iam::{account}:role/*"),
                    ),
                    roles={"NodeRole": "eks.amazonaws.com"},
                ),
            ),
            _eks(
                "delete",
                "Nodegroup",
                ("ClusterName", "NodegroupName"),
                ("DELETE_FAILED",),
                Rights(
                    (
                        Grant("eks:DeleteNodegroup", _NODEGROUP),
                        Grant("eks:DescribeNodegroup", _NODEGROUP, sync=True),
                    )
                ),
            ),
            _eks(
                "create",
                "FargateProfile",
                ("ClusterName", "FargateProfileName"),
                ("CREATE_FAILED",),
                Rights(
                    (
                        Grant("eks:CreateFargateProfile", on("eks", "cluster/{ClusterName*}")),
                        Grant("eks:DescribeFargateProfile eks:DeleteFargateProfile", _FARGATE, sync=True),
                    ),
                    roles={"PodExecutionRoleArn": "eks.amazonaws.com"},
                ),
            ),
            _eks(
                "delete",
                "FargateProfile",
                ("ClusterName", "FargateProfileName"),
                ("DELETE_FAILED",),
                Rights(
                    (
                        Grant("eks:DeleteFargateProfile", _FARGATE),
                        Grant("eks:DescribeFargateProfile", _FARGATE, sync=True),
                    )
                ),
            ),
            Action("runJob", (SYNC, TOKEN), calls_api=False, rights=_KUBERNETES),
            Action("call", (TOKEN,), calls_api=False, rights=_KUBERNETES),
        ),
        "EKS",
        "AmazonEKS",
    ),
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
)
