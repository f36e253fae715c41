"""Athena, DataBrew, EMR in its three kinds, and Glue."""

from __future__ import annotations

from ..integration_records import Action, Job, Service
from ..integration_rights import Grant, Rights, allow, on, service_role
from ..resource import SYNC

_WORKGROUP = on("athena", "workgroup/{WorkGroup*}")
_JOB = on("databrew", "job/{Name*}")
_CLUSTER = on("elasticmapreduce", "cluster/{ClusterId*}")
_VIRTUAL = on("emr-containers", "/virtualclusters/{VirtualClusterId*}")
_CONTAINERS_ROLE = service_role("emr-containers.amazonaws.com", "AWSServiceRoleForAmazonEMRContainers")
_APPLICATION = on("emr-serverless", "/applications/{ApplicationId*}")
_SERVERLESS_JOB = "StepFunctionsGetEventsForEMRServerlessJobRule"
_GLUE_JOB = on("glue", "job/{JobName*}")


def _emr(action: str, actions: str, sync: str = "", rule: str = "") -> Action:
    """An action on a cluster."""
    grants = (Grant(actions, _CLUSTER), *([Grant(sync, _CLUSTER, sync=True)] if sync else ()))
    return Action(action, (SYNC,) if sync else (), calls_api=False, rights=Rights(grants, rule))


def _application(action: str, path: str, state: str, *grants: Grant, failed: tuple[str, ...] = ()) -> Action:
    """An action on an application of EMR Serverless."""
    job = Job("getApplication", {"ApplicationId": path}, "State", (state,), failed, result="Application")
    return Action(action, (SYNC,), job, rights=Rights(grants, "StepFunctionsGetEventsForEMRServerlessApplicationRule"))


SERVICES = (
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
                rights=Rights(
                    (
                        Grant("athena:StartQueryExecution", _WORKGROUP),
                        Grant("athena:GetDataCatalog", on("athena", "datacatalog/{QueryExecutionContext.Catalog*}")),
                        Grant("athena:GetQueryExecution athena:StopQueryExecution", _WORKGROUP, sync=True),
                    ),
                    hidden="the buckets of the query's data and results, and its Glue tables",
                ),
            ),
            Action("stopQueryExecution", rights=allow("athena", "stopQueryExecution", "workgroup/*")),
            Action("getQueryExecution", rights=allow("athena", "getQueryExecution", "workgroup/*")),
            Action(
                "getQueryResults",
                rights=allow("athena", "getQueryResults", "workgroup/*")._replace(
                    hidden="the bucket of the query's results"
                ),
            ),
        ),
        "Athena",
        "AmazonAthena",
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
                rights=Rights(
                    (
                        Grant("databrew:StartJobRun", _JOB),
                        Grant("databrew:ListJobRuns databrew:StopJobRun", _JOB, sync=True),
                    )
                ),
            ),
        ),
        "DataBrew",
        "AWSGlueDataBrew",
    ),
    Service(
        "elasticmapreduce",
        (
            Action(
                "createCluster",
                (SYNC,),
                calls_api=False,
                rights=Rights(
                    (
                        Grant("elasticmapreduce:RunJobFlow"),
                        Grant("elasticmapreduce:AddTags", on("elasticmapreduce", "cluster/*"), only_with="Tags"),
                        Grant(
                            "elasticmapreduce:DescribeCluster elasticmapreduce:TerminateJobFlows",
                            on("elasticmapreduce", "cluster/*"),
                            sync=True,
                        ),
                    ),
                    "StepFunctionsGetEventForEMRRunJobFlowRule",
                    {
                        "ServiceRole": "elasticmapreduce.amazonaws.com",
                        "AutoScalingRole": "elasticmapreduce.amazonaws.com",
                        "JobFlowRole": "ec2.amazonaws.com",
                    },
                ),
            ),
            _emr(
                "terminateCluster",
                "elasticmapreduce:TerminateJobFlows",
                "elasticmapreduce:DescribeCluster",
                "StepFunctionsGetEventForEMRTerminateJobFlowsRule",
            ),
            _emr(
                "addStep",
                "elasticmapreduce:AddJobFlowSteps",
                "elasticmapreduce:DescribeStep elasticmapreduce:CancelSteps",
                "StepFunctionsGetEventForEMRAddJobFlowStepsRule",
            ),
            _emr("setClusterTerminationProtection", "elasticmapreduce:SetTerminationProtection"),
            _emr("cancelStep", "elasticmapreduce:CancelSteps"),
            _emr(
                "modifyInstanceFleetByName", "elasticmapreduce:ModifyInstanceFleet elasticmapreduce:ListInstanceFleets"
            ),
            _emr(
                "modifyInstanceGroupByName",
                "elasticmapreduce:ModifyInstanceGroups elasticmapreduce:ListInstanceGroups",
            ),
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
                rights=Rights(
                    (
                        Grant("emr-containers:DeleteVirtualCluster", on("emr-containers", "/virtualclusters/{Id*}")),
                        Grant(
                            "emr-containers:DescribeVirtualCluster",
                            on("emr-containers", "/virtualclusters/{Id*}"),
                            sync=True,
                        ),
                    )
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
                rights=Rights(
                    (
                        Grant(
                            "emr-containers:StartJobRun",
                            _VIRTUAL,
                            condition=("StringEquals", "emr-containers:ExecutionRoleArn", "{ExecutionRoleArn}"),
                        ),
                        Grant(
                            "emr-containers:DescribeJobRun emr-containers:CancelJobRun",
                            f"{_VIRTUAL}/jobruns/*",
                            sync=True,
                        ),
                    )
                ),
            ),
            Action(
                "createVirtualCluster", rights=Rights((Grant("emr-containers:CreateVirtualCluster"), _CONTAINERS_ROLE))
            ),
        ),
    ),
    Service(
        "emr-serverless",
        (
            _application(
                "createApplication",
                "ApplicationId",
                "CREATED",
                Grant("emr-serverless:CreateApplication", on("emr-serverless", "/*")),
                service_role("ops.emr-serverless.amazonaws.com", "AWSServiceRoleForAmazonEMRServerless"),
                Grant(
                    "emr-serverless:GetApplication emr-serverless:DeleteApplication",
                    on("emr-serverless", "/applications/*"),
                    sync=True,
                ),
                failed=("TERMINATED",),
            ),
            _application(
                "startApplication",
                "$.ApplicationId",
                "STARTED",
                Grant("emr-serverless:StartApplication", _APPLICATION),
                Grant("emr-serverless:GetApplication emr-serverless:StopApplication", _APPLICATION, sync=True),
            ),
            _application(
                "stopApplication",
                "$.ApplicationId",
                "STOPPED",
                Grant("emr-serverless:StopApplication", _APPLICATION),
                Grant("emr-serverless:GetApplication", _APPLICATION, sync=True),
            ),
            _application(
                "deleteApplication",
                "$.ApplicationId",
                "TERMINATED",
                Grant("emr-serverless:DeleteApplication", _APPLICATION),
                Grant("emr-serverless:GetApplication", _APPLICATION, sync=True),
            ),
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
                rights=Rights(
                    (
                        Grant("emr-serverless:StartJobRun", _APPLICATION),
                        Grant(
                            "emr-serverless:GetJobRun emr-serverless:CancelJobRun",
                            f"{_APPLICATION}/jobruns/*",
                            sync=True,
                        ),
                    ),
                    _SERVERLESS_JOB,
                    {"ExecutionRoleArn": "emr-serverless.amazonaws.com"},
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
                rights=Rights(
                    (
                        Grant("emr-serverless:CancelJobRun", f"{_APPLICATION}/jobruns/{{JobRunId*}}"),
                        Grant("emr-serverless:GetJobRun", f"{_APPLICATION}/jobruns/{{JobRunId*}}", sync=True),
                    ),
                    _SERVERLESS_JOB,
                ),
            ),
        ),
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
                rights=Rights(
                    (
                        Grant("glue:StartJobRun", _GLUE_JOB),
                        Grant("glue:GetJobRun glue:GetJobRuns glue:BatchStopJobRun", _GLUE_JOB, sync=True),
                    )
                ),
            ),
        ),
        "Glue",
        "AWSGlue",
    ),
)
