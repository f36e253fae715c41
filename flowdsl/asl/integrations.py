"""The service integrations that Step Functions has itself.

Source: Step Functions Developer Guide, "Integrating services" and the pages of each service.
"""

from __future__ import annotations

from .resource import SYNC, TOKEN


def _actions(*names: str, patterns: tuple[str, ...] = ()) -> dict[str, tuple[str, ...]]:
    return dict.fromkeys(names, patterns)


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
