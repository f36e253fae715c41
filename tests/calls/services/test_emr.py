"""The actions of elasticmapreduce, at moto's server."""

from collections.abc import Callable
from typing import Any

import pytest

from flowdsl.calls.services import Services
from flowdsl.engine import Result

pytestmark = pytest.mark.slow

Call = Callable[..., Result]

STEP = {"Name": "s", "ActionOnFailure": "CONTINUE", "HadoopJarStep": {"Jar": "command-runner.jar", "Args": ["x"]}}


@pytest.fixture
def cluster(call: Call) -> str:
    groups = [
        {"InstanceRole": role, "InstanceCount": 1, "InstanceType": "m4.large", "Name": role}
        for role in ("MASTER", "CORE")
    ]
    instances = {"KeepJobFlowAliveWhenNoSteps": True, "InstanceGroups": groups}
    made = call("elasticmapreduce:createCluster", {"Name": "c", "ReleaseLabel": "emr-5.28.0", "Instances": instances})
    assert made.output.keys() >= {"ClusterId", "SdkHttpMetadata"}
    assert "JobFlowId" not in made.output
    found: str = made.output["ClusterId"]
    return found


def test_a_step_is_added_and_cancelled(call: Call, cluster: str) -> None:
    added = call("elasticmapreduce:addStep", {"ClusterId": cluster, "Step": STEP})
    step = added.output["StepId"]
    assert "StepIds" not in added.output
    described = call("aws-sdk:emr:describeStep", {"ClusterId": cluster, "StepId": step})
    assert described.output["Step"]["Name"] == "s"


def test_a_step_is_waited_for(call: Call, cluster: str, services: Services) -> None:
    done = call("elasticmapreduce:addStep.sync", {"ClusterId": cluster, "Step": STEP}, TimeoutSeconds=1)
    submitted = next(event for event in done.history if event.type == "TaskSubmitted")
    assert "StepId" in (submitted.details or {})["output"]


def test_a_cluster_is_protected_resized_and_terminated(call: Call, cluster: str) -> None:
    protect = {"ClusterId": cluster, "TerminationProtected": True}
    assert call("elasticmapreduce:setClusterTerminationProtection", protect).status == "SUCCEEDED"
    assert call("aws-sdk:emr:describeCluster", {"ClusterId": cluster}).output["Cluster"]["TerminationProtected"]
    resize = {"ClusterId": cluster, "InstanceGroupName": "CORE", "InstanceGroup": {"InstanceCount": 3}}
    assert call("elasticmapreduce:modifyInstanceGroupByName", resize).status == "SUCCEEDED"
    groups = call("aws-sdk:emr:listInstanceGroups", {"ClusterId": cluster}).output["InstanceGroups"]
    assert {group["Name"]: group["RequestedInstanceCount"] for group in groups}["CORE"] == 3
    unknown = call("elasticmapreduce:modifyInstanceGroupByName", {**resize, "InstanceGroupName": "none"})
    assert (unknown.status, "no InstanceGroup of the name none" in str(unknown.cause)) == ("FAILED", True)
    call("elasticmapreduce:setClusterTerminationProtection", {**protect, "TerminationProtected": False})
    ended = call("elasticmapreduce:terminateCluster.sync", {"ClusterId": cluster})
    assert ended.output["Cluster"]["Status"]["State"] == "TERMINATED"


def test_a_created_cluster_has_its_id_beside_its_description(call: Call) -> None:
    arguments: Any = {"Name": "c", "Instances": {"KeepJobFlowAliveWhenNoSteps": True, "InstanceCount": 1}}
    made = call("elasticmapreduce:createCluster.sync", arguments)
    assert made.output["ClusterId"] == made.output["Cluster"]["Id"]


def test_an_unknown_field_is_no_call(call: Call) -> None:
    failed = call("elasticmapreduce:cancelStep", {"ClusterId": "j-1", "StepId": "s-1", "Nonsense": 1})
    assert failed.error == "States.Runtime"
