"""A Retry that starts a job under a name that AWS takes once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flowdsl.check import check_text

ALL = [{"ErrorEquals": ["States.ALL"]}]


def reports(resource: str, arguments: dict[str, Any], retry: list[dict[str, Any]], language: str) -> list[str]:
    key = "Parameters" if language == "JSONPath" else "Arguments"
    task = {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", key: arguments, "Retry": retry, "End": True}
    definition = {"StartAt": "T", "QueryLanguage": language, "States": {"T": task}}
    return ["/".join(map(str, each.path)) for each in check_text(json.dumps(definition)) if each.code == "FD670"]


@pytest.mark.parametrize(
    ("resource", "name"),
    [
        ("sagemaker:createTrainingJob.sync", "TrainingJobName"),
        ("sagemaker:createTransformJob.sync", "TransformJobName"),
        ("sagemaker:createProcessingJob.sync", "ProcessingJobName"),
        ("bedrock:createModelCustomizationJob.sync", "JobName"),
        ("states:startExecution.sync:2", "Name"),
    ],
)
def test_a_name_that_stays_the_same(resource: str, name: str) -> None:
    for arguments, language in (
        ({f"{name}.$": "$$.Execution.Input.job"}, "JSONPath"),
        ({name: "nightly"}, "JSONPath"),
        ({name: "{% $states.input.job %}"}, "JSONata"),
    ):
        key = "Parameters" if language == "JSONPath" else "Arguments"
        assert reports(resource, arguments, ALL, language) == [f"States/T/{key}/{next(iter(arguments))}"]


@pytest.mark.parametrize(
    ("arguments", "retry", "language"),
    [
        ({"Name.$": "States.Format('{}-{}', $.job, $$.State.RetryCount)"}, ALL, "JSONPath"),
        ({"Name.$": "States.UUID()"}, ALL, "JSONPath"),
        ({"Name": "{% $states.input.job & '-' & $uuid() %}"}, ALL, "JSONata"),
        ({"Input": {"name": "nightly"}}, ALL, "JSONPath"),
        ({"Name": "nightly"}, [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 0}], "JSONPath"),
        ({"Name": "nightly"}, [{"ErrorEquals": ["StepFunctions.ExecutionLimitExceeded"]}], "JSONPath"),
    ],
)
def test_what_is_right(arguments: dict[str, Any], retry: list[dict[str, Any]], language: str) -> None:
    arguments = {"StateMachineArn": "arn:aws:states:eu-west-1:123456789012:stateMachine:m", **arguments}
    assert reports("states:startExecution.sync:2", arguments, retry, language) == []


def test_a_call_that_waits_for_nothing_leaves_no_job_behind_when_it_fails() -> None:
    assert reports("sagemaker:createTrainingJob", {"TrainingJobName": "nightly"}, ALL, "JSONPath") == []
