"""What each integration needs of the state machine's role: one record each.

Source: Step Functions Developer Guide, "IAM policies for integrated services" and the pages of each service; public
reports of what those pages leave out (`sagemaker:AddTags`, `ecs:TagResource`, `iam:PassRole`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from attrs import field, frozen

EVENTS: Final = "events:PutTargets events:PutRule events:DescribeRule"
"""What `.sync` needs on the EventBridge rule that Step Functions manages for it."""


@frozen
class Grant:
    """Actions on a resource.

    `on` is an ARN in which `{partition}`, `{region}` and `{account}` stand for the place, `{Name}` for the argument of
    that name, which has to be known, and `{Name*}` for one that may be chosen at run time (then `*`). An argument that
    is an ARN itself replaces the whole. Inner arguments are written with dots: `{Source.Bucket}`. What follows a colon,
    as in `{TaskDefinition:revision}`, is how the argument is rewritten: see `REWRITES`.
    """

    actions: str
    on: str = "*"
    sync: bool = False
    """Whether only `.sync` needs it."""
    only_with: str = ""
    """An argument without which it is not needed."""


REWRITES: Final[Mapping[str, Callable[[str], str]]] = {
    # An ARN without a revision is refused since October 2024.
    "revision": lambda name: name if re.search(r":\d+$", name) else f"{name}:*",
    "s3": lambda uri: uri.removeprefix("s3://"),
    "api": lambda endpoint: endpoint.partition(".")[0],
    "path": lambda path: path.lstrip("/"),
    "queue": lambda url: url.rstrip("/").rpartition("/")[2],
}


@frozen
class Rights:
    """What a task's role needs."""

    grants: tuple[Grant, ...] = ()
    rule: str = ""
    """The EventBridge rule that Step Functions manages for `.sync`."""
    roles: tuple[str, ...] = ()
    """Arguments that are roles which the task hands on."""
    passed_to: str = ""
    """The service that takes those roles."""
    hidden: str = ""
    """What the role may need besides, which the definition does not tell."""
    service_roles: Mapping[str, str] = field(factory=dict)
    """Arguments that are roles which different services take, with the service of each."""


def _on(service: str, resource: str) -> str:
    return f"arn:{{partition}}:{service}:{{region}}:{{account}}:{resource}"


def _sagemaker(what: str, resource: str, stop: str, rule: str, roles: tuple[str, ...] = ("RoleArn",)) -> Rights:
    name = f"{what}Name"
    place = _on("sagemaker", f"{resource}/{{{name}*}}")
    return Rights(
        (
            Grant(f"sagemaker:Create{what} sagemaker:AddTags", place),
            Grant(f"sagemaker:Describe{what} sagemaker:{stop}", place, sync=True),
            Grant("sagemaker:ListTags"),
        ),
        rule,
        roles,
        "sagemaker.amazonaws.com",
    )


_S3_RESULTS = "the buckets of the query's data and results, and its Glue tables"
_CLUSTER = _on("elasticmapreduce", "cluster/{ClusterId*}")
_VIRTUAL = _on("emr-containers", "/virtualclusters/{VirtualClusterId*}")
_APPLICATION = _on("emr-serverless", "/applications/{ApplicationId*}")
_APPLICATION_RULE = "StepFunctionsGetEventsForEMRServerlessApplicationRule"
_PROJECT = _on("codebuild", "project/{ProjectName*}")
_ATHENA = _on("athena", "workgroup/{WorkGroup*}")
_EKS_CLUSTER = _on("eks", "cluster/{Name*}")

RIGHTS: Final[Mapping[str, Rights]] = {
    "apigateway:invoke": Rights(
        (Grant("execute-api:Invoke", _on("execute-api", "{ApiEndpoint:api}/{Stage*}/{Method*}/{Path:path*}")),)
    ),
    "athena:startQueryExecution": Rights(
        (
            Grant("athena:StartQueryExecution", _ATHENA),
            Grant("athena:GetDataCatalog", _on("athena", "datacatalog/{QueryExecutionContext.Catalog*}")),
            Grant("athena:GetQueryExecution athena:StopQueryExecution", _ATHENA, sync=True),
        ),
        hidden=_S3_RESULTS,
    ),
    "athena:stopQueryExecution": Rights((Grant("athena:StopQueryExecution", _on("athena", "workgroup/*")),)),
    "athena:getQueryExecution": Rights((Grant("athena:GetQueryExecution", _on("athena", "workgroup/*")),)),
    "athena:getQueryResults": Rights(
        (Grant("athena:GetQueryResults", _on("athena", "workgroup/*")),), hidden="the bucket of the query's results"
    ),
    "batch:submitJob": Rights(
        (Grant("batch:SubmitJob"), Grant("batch:DescribeJobs batch:TerminateJob", sync=True)),
        "StepFunctionsGetEventsForBatchJobsRule",
    ),
    "bedrock:invokeModel": Rights(
        (
            Grant("bedrock:InvokeModel", "arn:{partition}:bedrock:{region}::foundation-model/{ModelId}"),
            Grant("s3:GetObject", "arn:{partition}:s3:::{Input.S3Uri:s3}", only_with="Input.S3Uri"),
            Grant("s3:PutObject", "arn:{partition}:s3:::{Output.S3Uri:s3}", only_with="Output.S3Uri"),
        ),
    ),
    "bedrock:createModelCustomizationJob": Rights(
        (
            Grant(
                "bedrock:CreateModelCustomizationJob",
                "arn:{partition}:bedrock:{region}::foundation-model/{BaseModelIdentifier*}",
            ),
            Grant("bedrock:CreateModelCustomizationJob", _on("bedrock", "custom-model/*")),
            Grant("bedrock:CreateModelCustomizationJob", _on("bedrock", "model-customization-job/*")),
            Grant(
                "bedrock:GetModelCustomizationJob bedrock:StopModelCustomizationJob",
                _on("bedrock", "model-customization-job/*"),
                sync=True,
            ),
        ),
        roles=("RoleArn",),
        passed_to="bedrock.amazonaws.com",
    ),
    "codebuild:startBuild": Rights(
        (
            Grant("codebuild:StartBuild", _PROJECT),
            Grant("codebuild:StopBuild codebuild:BatchGetBuilds", _PROJECT, sync=True),
        ),
        "StepFunctionsGetEventForCodeBuildStartBuildRule",
    ),
    "codebuild:startBuildBatch": Rights(
        (
            Grant("codebuild:StartBuildBatch", _PROJECT),
            Grant("codebuild:StopBuildBatch codebuild:BatchGetBuildBatches", _PROJECT, sync=True),
        ),
        "StepFunctionsGetEventForCodeBuildStartBuildBatchRule",
    ),
    "codebuild:retryBuildBatch": Rights(
        (
            Grant("codebuild:RetryBuildBatch", _on("codebuild", "project/*")),
            Grant("codebuild:StopBuildBatch codebuild:BatchGetBuildBatches", _on("codebuild", "project/*"), sync=True),
        ),
        "StepFunctionsGetEventForCodeBuildRetryBuildBatchRule",
    ),
    "codebuild:stopBuild": Rights((Grant("codebuild:StopBuild", _on("codebuild", "project/*")),)),
    "codebuild:stopBuildBatch": Rights((Grant("codebuild:StopBuildBatch", _on("codebuild", "project/*")),)),
    "codebuild:batchDeleteBuilds": Rights((Grant("codebuild:BatchDeleteBuilds", _on("codebuild", "project/*")),)),
    "codebuild:deleteBuildBatch": Rights((Grant("codebuild:DeleteBuildBatch", _on("codebuild", "project/*")),)),
    "codebuild:batchGetReports": Rights((Grant("codebuild:BatchGetReports", _on("codebuild", "report-group/*")),)),
    "databrew:startJobRun": Rights(
        (
            Grant("databrew:StartJobRun", _on("databrew", "job/{Name*}")),
            Grant(
                "databrew:ListJobRuns databrew:StopJobRun",
                _on("databrew", "job/{Name*}"),
                sync=True,
            ),
        ),
    ),
    "dynamodb:getItem": Rights((Grant("dynamodb:GetItem", _on("dynamodb", "table/{TableName}")),)),
    "dynamodb:putItem": Rights((Grant("dynamodb:PutItem", _on("dynamodb", "table/{TableName}")),)),
    "dynamodb:updateItem": Rights((Grant("dynamodb:UpdateItem", _on("dynamodb", "table/{TableName}")),)),
    "dynamodb:deleteItem": Rights((Grant("dynamodb:DeleteItem", _on("dynamodb", "table/{TableName}")),)),
    "ecs:runTask": Rights(
        (
            Grant("ecs:RunTask", _on("ecs", "task-definition/{TaskDefinition:revision}")),
            # A task's id is not known before it runs.
            Grant("ecs:StopTask ecs:DescribeTasks", sync=True),
            Grant("ecs:TagResource", _on("ecs", "task/*"), only_with="Tags"),
            Grant("ecs:TagResource", _on("ecs", "task/*"), only_with="PropagateTags"),
            Grant("ecs:TagResource", _on("ecs", "task/*"), only_with="EnableECSManagedTags"),
        ),
        "StepFunctionsGetEventsForECSTaskRule",
        ("Overrides.TaskRoleArn", "Overrides.ExecutionRoleArn"),
        "ecs-tasks.amazonaws.com",
        hidden="iam:PassRole on the task role and the execution role of the task definition",
    ),
    "eks:createCluster": Rights(
        (
            Grant("eks:CreateCluster"),
            Grant("eks:DescribeCluster eks:DeleteCluster", _EKS_CLUSTER, sync=True),
        ),
        roles=("RoleArn",),
        passed_to="eks.amazonaws.com",
    ),
    "eks:deleteCluster": Rights(
        (Grant("eks:DeleteCluster", _EKS_CLUSTER), Grant("eks:DescribeCluster", _EKS_CLUSTER, sync=True))
    ),
    "eks:createNodegroup": Rights(
        (
            Grant("eks:CreateNodegroup", _on("eks", "cluster/{ClusterName*}")),
            Grant("ec2:DescribeSubnets"),
            Grant(
                "eks:DescribeNodegroup eks:DeleteNodegroup",
                _on("eks", "nodegroup/{ClusterName*}/{NodegroupName*}/*"),
                sync=True,
            ),
            Grant("iam:GetRole iam:ListAttachedRolePolicies", "arn:{partition}:iam::{account}:role/*"),
        ),
        roles=("NodeRole",),
        passed_to="eks.amazonaws.com",
    ),
    "eks:deleteNodegroup": Rights(
        (
            Grant("eks:DeleteNodegroup", _on("eks", "nodegroup/{ClusterName*}/{NodegroupName*}/*")),
            Grant("eks:DescribeNodegroup", _on("eks", "nodegroup/{ClusterName*}/{NodegroupName*}/*"), sync=True),
        )
    ),
    "eks:createFargateProfile": Rights(
        (
            Grant("eks:CreateFargateProfile", _on("eks", "cluster/{ClusterName*}")),
            Grant(
                "eks:DescribeFargateProfile eks:DeleteFargateProfile",
                _on("eks", "fargateprofile/{ClusterName*}/{FargateProfileName*}/*"),
                sync=True,
            ),
        ),
        roles=("PodExecutionRoleArn",),
        passed_to="eks.amazonaws.com",
    ),
    "eks:deleteFargateProfile": Rights(
        (
            Grant("eks:DeleteFargateProfile", _on("eks", "fargateprofile/{ClusterName*}/{FargateProfileName*}/*")),
            Grant(
                "eks:DescribeFargateProfile",
                _on("eks", "fargateprofile/{ClusterName*}/{FargateProfileName*}/*"),
                sync=True,
            ),
        )
    ),
    "eks:runJob": Rights(hidden="an access entry of the cluster for the role: Kubernetes decides, not IAM"),
    "eks:call": Rights(hidden="an access entry of the cluster for the role: Kubernetes decides, not IAM"),
    "elasticmapreduce:createCluster": Rights(
        (
            Grant("elasticmapreduce:RunJobFlow"),
            Grant("elasticmapreduce:AddTags", _on("elasticmapreduce", "cluster/*"), only_with="Tags"),
            Grant(
                "elasticmapreduce:DescribeCluster elasticmapreduce:TerminateJobFlows",
                _on("elasticmapreduce", "cluster/*"),
                sync=True,
            ),
        ),
        "StepFunctionsGetEventForEMRRunJobFlowRule",
        service_roles={
            "ServiceRole": "elasticmapreduce.amazonaws.com",
            "AutoScalingRole": "elasticmapreduce.amazonaws.com",
            "JobFlowRole": "ec2.amazonaws.com",
        },
    ),
    "elasticmapreduce:terminateCluster": Rights(
        (
            Grant("elasticmapreduce:TerminateJobFlows", _CLUSTER),
            Grant("elasticmapreduce:DescribeCluster", _CLUSTER, sync=True),
        ),
        "StepFunctionsGetEventForEMRTerminateJobFlowsRule",
    ),
    "elasticmapreduce:addStep": Rights(
        (
            Grant("elasticmapreduce:AddJobFlowSteps", _CLUSTER),
            Grant("elasticmapreduce:DescribeStep elasticmapreduce:CancelSteps", _CLUSTER, sync=True),
        ),
        "StepFunctionsGetEventForEMRAddJobFlowStepsRule",
    ),
    "elasticmapreduce:cancelStep": Rights((Grant("elasticmapreduce:CancelSteps", _CLUSTER),)),
    "elasticmapreduce:setClusterTerminationProtection": Rights(
        (Grant("elasticmapreduce:SetTerminationProtection", _CLUSTER),)
    ),
    "elasticmapreduce:modifyInstanceFleetByName": Rights(
        (Grant("elasticmapreduce:ModifyInstanceFleet elasticmapreduce:ListInstanceFleets", _CLUSTER),)
    ),
    "elasticmapreduce:modifyInstanceGroupByName": Rights(
        (Grant("elasticmapreduce:ModifyInstanceGroups elasticmapreduce:ListInstanceGroups", _CLUSTER),)
    ),
    "emr-containers:createVirtualCluster": Rights((Grant("emr-containers:CreateVirtualCluster"),)),
    "emr-containers:deleteVirtualCluster": Rights(
        (
            Grant("emr-containers:DeleteVirtualCluster", _on("emr-containers", "/virtualclusters/{Id*}")),
            Grant("emr-containers:DescribeVirtualCluster", _on("emr-containers", "/virtualclusters/{Id*}"), sync=True),
        )
    ),
    "emr-containers:startJobRun": Rights(
        (
            Grant("emr-containers:StartJobRun", _VIRTUAL),
            Grant(
                "emr-containers:DescribeJobRun emr-containers:CancelJobRun",
                f"{_VIRTUAL}/jobruns/*",
                sync=True,
            ),
        )
    ),
    "emr-serverless:createApplication": Rights(
        (
            Grant("emr-serverless:CreateApplication", _on("emr-serverless", "/*")),
            Grant(
                "emr-serverless:GetApplication emr-serverless:DeleteApplication",
                _on("emr-serverless", "/applications/*"),
                sync=True,
            ),
        ),
        _APPLICATION_RULE,
    ),
    **{
        f"emr-serverless:{verb}Application": Rights(
            (
                Grant(f"emr-serverless:{verb.capitalize()}Application", _APPLICATION),
                Grant(f"emr-serverless:GetApplication{more}", _APPLICATION, sync=True),
            ),
            _APPLICATION_RULE,
        )
        for verb, more in (("start", " emr-serverless:StopApplication"), ("stop", ""), ("delete", ""))
    },
    "emr-serverless:startJobRun": Rights(
        (
            Grant("emr-serverless:StartJobRun", _APPLICATION),
            Grant("emr-serverless:GetJobRun emr-serverless:CancelJobRun", f"{_APPLICATION}/jobruns/*", sync=True),
        ),
        "StepFunctionsGetEventsForEMRServerlessJobRule",
        ("ExecutionRoleArn",),
        "emr-serverless.amazonaws.com",
    ),
    "emr-serverless:cancelJobRun": Rights(
        (
            Grant("emr-serverless:CancelJobRun", f"{_APPLICATION}/jobruns/{{JobRunId*}}"),
            Grant("emr-serverless:GetJobRun", f"{_APPLICATION}/jobruns/{{JobRunId*}}", sync=True),
        ),
        "StepFunctionsGetEventsForEMRServerlessJobRule",
    ),
    "glue:startJobRun": Rights(
        (
            Grant("glue:StartJobRun", _on("glue", "job/{JobName*}")),
            Grant("glue:GetJobRun glue:GetJobRuns glue:BatchStopJobRun", _on("glue", "job/{JobName*}"), sync=True),
        )
    ),
    "mediaconvert:createJob": Rights(
        (
            Grant("mediaconvert:CreateJob", _on("mediaconvert", "queues/*")),
            Grant("mediaconvert:CreateJob", _on("mediaconvert", "jobTemplates/*")),
            Grant("mediaconvert:CreateJob", _on("mediaconvert", "presets/*")),
            Grant("mediaconvert:GetJob mediaconvert:CancelJob", _on("mediaconvert", "jobs/*"), sync=True),
        ),
        "StepFunctionsGetEventsForMediaConvertJobRule",
        ("Role",),
        "mediaconvert.amazonaws.com",
    ),
    "sagemaker:createTrainingJob": _sagemaker(
        "TrainingJob", "training-job", "StopTrainingJob", "StepFunctionsGetEventsForSageMakerTrainingJobsRule"
    ),
    "sagemaker:createTransformJob": _sagemaker(
        "TransformJob",
        "transform-job",
        "StopTransformJob",
        "StepFunctionsGetEventsForSageMakerTransformJobsRule",
        (),
    ),
    "sagemaker:createProcessingJob": _sagemaker(
        "ProcessingJob",
        "processing-job",
        "StopProcessingJob",
        "StepFunctionsGetEventsForSageMakerProcessingJobsRule",
    ),
    "sagemaker:createHyperParameterTuningJob": _sagemaker(
        "HyperParameterTuningJob",
        "hyper-parameter-tuning-job",
        "StopHyperParameterTuningJob",
        "StepFunctionsGetEventsForSageMakerTuningJobsRule",
        ("TrainingJobDefinition.RoleArn",),
    ),
    "sagemaker:createLabelingJob": _sagemaker(
        "LabelingJob", "labeling-job", "StopLabelingJob", "StepFunctionsGetEventsForSageMakerLabelingJobsRule"
    ),
    "sagemaker:createEndpoint": Rights(
        (
            Grant("sagemaker:CreateEndpoint sagemaker:AddTags", _on("sagemaker", "endpoint/{EndpointName*}")),
            Grant("sagemaker:CreateEndpoint", _on("sagemaker", "endpoint-config/{EndpointConfigName*}")),
        )
    ),
    "sagemaker:createEndpointConfig": Rights(
        (
            Grant(
                "sagemaker:CreateEndpointConfig sagemaker:AddTags",
                _on("sagemaker", "endpoint-config/{EndpointConfigName*}"),
            ),
        )
    ),
    "sagemaker:createModel": Rights(
        (Grant("sagemaker:CreateModel sagemaker:AddTags", _on("sagemaker", "model/{ModelName*}")),),
        roles=("ExecutionRoleArn",),
        passed_to="sagemaker.amazonaws.com",
    ),
    "sagemaker:updateEndpoint": Rights(
        (
            Grant("sagemaker:UpdateEndpoint", _on("sagemaker", "endpoint/{EndpointName*}")),
            Grant("sagemaker:UpdateEndpoint", _on("sagemaker", "endpoint-config/{EndpointConfigName*}")),
        )
    ),
    "sns:publish": Rights((Grant("sns:Publish", _on("sns", "{TopicArn}")),)),
    "sqs:sendMessage": Rights((Grant("sqs:SendMessage", _on("sqs", "{QueueUrl:queue}")),)),
}
"""Service and action to the rights; those that take more than a record are in permissions.py."""
