"""The whole Data Science SDK: its Workflow, service steps and SageMaker. `make test-sdk` has an environment for it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any
from unittest.mock import MagicMock

import pytest
from stepfunctions import steps
from stepfunctions.steps.states import Graph, State

import flowdsl as f
from flowdsl.asl.text import canonical_text
from flowdsl.base.diagnostics import FlowError
from flowdsl.project.loading import load
from flowdsl.sdk import from_sdk, read_sdk, to_sdk
from flowdsl.sdk.objects import DISTRIBUTIONS
from flowdsl.testing import Runner

workflow = pytest.importorskip(
    "stepfunctions.workflow", reason="needs the whole Data Science SDK: make test-sdk", exc_type=ImportError
)
pytestmark = pytest.mark.slow

ROLE = "arn:aws:iam::123456789012:role/flows"


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Step Functions at moto's server."""
    import boto3
    from moto.server import ThreadedMotoServer

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    server = ThreadedMotoServer(port=0)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield boto3.client("stepfunctions", region_name="eu-west-1", endpoint_url=f"http://{host}:{port}")
    finally:
        server.stop()


def machine(comment: str = "Says hello") -> f.StateMachine:
    greet = f.Task("Greet", f.Function("greet", "handlers/greet"), into="greeting", retry=f.retry("Busy", max_delay=60))
    return f.StateMachine("hello", f.chain(greet, f.Wait("Rest", seconds=5)), comment=comment, timeout=90)


def test_a_workflow_of_a_flow_is_created_updated_and_executed(client: Any) -> None:
    made = to_sdk(machine(), role=ROLE, client=client)
    arn = made.create()
    assert arn == "arn:aws:states:eu-west-1:123456789012:stateMachine:hello"
    stored = client.describe_state_machine(stateMachineArn=arn)
    assert stored["roleArn"] == ROLE
    expected = json.loads(
        canonical_text(f.dump(machine()))
        .replace("${AWS::Region}", "eu-west-1")
        .replace("${AWS::AccountId}", "123456789012")
    )
    assert json.loads(stored["definition"]) == expected
    assert expected["States"]["Greet"]["Retry"][0]["MaxDelaySeconds"] == 60  # a field that the SDK does not know
    assert (made.comment, made.timeout_seconds) == ("Says hello", 90)
    assert repr(made.definition) == "FrozenGraph()"  # the SDK's own has an endless repr

    made.update(definition=to_sdk(machine("Says bye"), role=ROLE, client=client).definition)
    assert json.loads(client.describe_state_machine(stateMachineArn=arn)["definition"])["Comment"] == "Says bye"

    execution = made.execute(name="one", inputs={"name": "Ada"})
    assert execution.describe()["status"] in ("RUNNING", "SUCCEEDED")
    assert json.loads(execution.describe()["input"]) == {"name": "Ada"}

    attached = workflow.Workflow.attach(arn, client=client)
    back = f.StateMachine("hello", from_sdk(attached))
    assert f.dump(back)["Comment"] == "Says bye"
    assert f.dump(back) == json.loads(attached.definition.to_json())


def test_a_workflow_becomes_a_machine(client: Any) -> None:
    chain = steps.Chain([steps.Pass("A"), steps.Wait("B", seconds=1)])
    sdk = workflow.Workflow("sdk", chain, ROLE, client=client, comment="C", timeout_seconds=60)
    read = read_sdk(sdk)
    assert read.name == "sdk"
    assert read.sdk.rpartition(" ")[0] in DISTRIBUTIONS
    assert f.dump(f.StateMachine("sdk", from_sdk(sdk))) == json.loads(sdk.definition.to_json())


def test_a_picture_of_a_workflow(client: Any) -> None:
    assert "Greet" in to_sdk(machine(), role=ROLE, client=client).render_graph().data


def test_what_to_sdk_refuses(client: Any) -> None:
    express = f.StateMachine("m", f.Pass("A"), type="EXPRESS")
    with pytest.raises(FlowError, match="STANDARD state machines only"):
        to_sdk(express, role=ROLE, client=client)
    with pytest.raises(FlowError, match=r"the placeholder \$\{Table\} has no value"):
        to_sdk(
            {"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": "${Table}", "End": True}}},
            name="m",
            role=ROLE,
            client=client,
        )
    definition = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": "${Table}", "End": True}}}
    made = to_sdk(definition, name="m", role=ROLE, client=client, substitutions={"Table": "t"})
    assert made.definition.to_dict()["States"]["A"]["Result"] == "t"
    with pytest.raises(FlowError, match="a definition has no name"):
        to_sdk(definition, role=ROLE, client=client)
    with pytest.raises(FlowError, match="give region= and account="):
        to_sdk(machine(), role="flows", client=client)


def sagemaker_steps() -> list[State]:
    """A step of each class of steps/sagemaker.py."""
    pytest.importorskip("sagemaker", reason="a fork of the Data Science SDK without SageMaker")
    from sagemaker import Model
    from sagemaker.estimator import Estimator
    from sagemaker.inputs import TrainingInput
    from sagemaker.processing import Processor
    from sagemaker.transformer import Transformer
    from sagemaker.tuner import ContinuousParameter, HyperparameterTuner

    session = MagicMock(boto_region_name="eu-west-1", local_mode=False, config=None, default_bucket_prefix=None)
    session.default_bucket.return_value = "bucket"
    session.sagemaker_config = {}
    image = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/train:1"
    estimator = Estimator(
        image,
        ROLE,
        instance_count=1,
        instance_type="ml.m5.large",
        output_path="s3://bucket/out",
        sagemaker_session=session,
        hyperparameters={"rate": "0.1"},
    )
    data = {"train": TrainingInput("s3://bucket/train")}
    tuner = HyperparameterTuner(
        estimator, "loss", {"rate": ContinuousParameter(0.1, 0.2)}, metric_definitions=[{"Name": "loss", "Regex": "x"}]
    )
    model = Model(image, "s3://bucket/model.tar.gz", ROLE, sagemaker_session=session, name="model")
    transformer = Transformer("model", 1, "ml.m5.large", output_path="s3://bucket/t", sagemaker_session=session)
    processor = Processor(
        role=ROLE, image_uri=image, instance_count=1, instance_type="ml.m5.large", sagemaker_session=session
    )
    return [
        steps.TrainingStep("Train", estimator, job_name="train", data=data),
        steps.TransformStep("Transform", transformer, job_name="t", model_name="model", data="s3://bucket/in"),
        steps.ModelStep("Model", model, model_name="model", instance_type="ml.m5.large"),
        steps.EndpointConfigStep("Config", "config", "model", initial_instance_count=1, instance_type="ml.m5.large"),
        steps.EndpointStep("Endpoint", "endpoint", "config"),
        steps.TuningStep("Tune", tuner, job_name="tune", data=data),
        steps.ProcessingStep("Process", processor, job_name="process"),
    ]


def plain_steps() -> list[State]:
    """A step of each other class that calls something, and of each state type."""
    given: dict[type[Any], dict[str, Any]] = {
        steps.EventBridgePutEventsStep: {"parameters": {"Entries": [{"Detail": {"a": 1}}]}},
        steps.SnsPublishStep: {"parameters": {"TopicArn": "arn:aws:sns:eu-west-1:123456789012:t", "Message": "m"}},
    }
    from stepfunctions.steps import compute, service

    made: list[State] = []
    for module in (compute, service):
        for name, cls in vars(module).items():
            if isinstance(cls, type) and issubclass(cls, State) and cls.__module__ == module.__name__:
                made.append(cls(name, **given.get(cls, {"parameters": {"Name": "x"}})))
    task = steps.Task("Task", resource="arn:aws:states:::sqs:sendMessage", parameters={"QueueUrl": "u"})
    parallel = steps.Parallel("Parallel")
    parallel.add_branch(steps.Pass("Inner"))
    choice = steps.Choice("Choice")
    choice.add_choice(steps.ChoiceRule.IsPresent("$.a", True), steps.Succeed("Yes"))
    made += [task, parallel, choice, steps.Map("Map", iterator=steps.Pass("Item")), steps.Pass("Pass")]
    made += [steps.Wait("Wait", timestamp="2026-01-01T00:00:00Z"), steps.Succeed("Succeed"), steps.Fail("Fail")]
    return made


def test_every_step_class_of_the_sdk_has_its_own_output() -> None:
    made = [*plain_steps(), *sagemaker_steps()]
    todo, classes = [State], set()
    while todo:
        cls = todo.pop()
        todo.extend(cls.__subclasses__())
        classes.add(cls)
    untested = {cls.__name__ for cls in classes if cls.__module__.startswith("stepfunctions.")} - {
        type(each).__name__ for each in made
    }
    assert untested <= {"State"}, untested
    for step in made:
        definition = json.loads(Graph(step).to_json())
        assert f.dump(f.StateMachine("m", from_sdk(step))) == definition, step
        among = f.dump(f.StateMachine("m", f.chain(from_sdk(step), f.Pass("After"))))
        expected = definition["States"][step.state_id]
        if expected.pop("End", None):
            expected["Next"] = "After"
        assert among["States"][step.state_id] == expected, step


def test_a_training_runs_with_a_mock() -> None:
    train, *_ = sagemaker_steps()
    bridged = f.StateMachine("m", f.chain(from_sdk(train), f.Pass("After")))
    runner = Runner.of(bridged)
    mock = runner.mock("Train", returns={"TrainingJobStatus": "Completed"})
    result = runner.run({})
    assert result.output == {"TrainingJobStatus": "Completed"}
    assert mock.calls[0]["TrainingJobName"] == "train"


WORKFLOW = """\
from unittest.mock import MagicMock
from stepfunctions.steps import Chain, Pass
from stepfunctions.workflow import Workflow
steps = Chain([Pass("A"), Pass("B")])
sdk = Workflow("payments", steps, "arn:aws:iam::123456789012:role/flows", client=MagicMock(), comment="Pays")
"""


def test_a_file_with_a_workflow(tmp_path: Any) -> None:
    (tmp_path / "sdk.py").write_text(WORKFLOW)
    [loaded] = load(tmp_path / "sdk.py")
    assert (loaded.name, loaded.definition["Comment"]) == ("payments", "Pays")


def test_nothing_is_skipped_in_the_environment_for_it() -> None:
    assert os.environ.get("FLOWDSL_SDK"), "set by make test-sdk"
