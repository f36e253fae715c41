"""run_to_completion on a deployed machine: on moto's Step Functions, which runs definitions, and on stubbed answers."""

from __future__ import annotations

import json
import socket
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from flowdsl.base.diagnostics import FlowError
from flowdsl.testing import (
    Coverage,
    ExecutionAlreadyExists,
    ExecutionFailed,
    History,
    Runner,
    StepType,
    completion,
    run_to_completion,
)
from flowdsl.testing.deployed import FIRST_PAUSE, LONGEST_PAUSE, run_deployed

pytestmark = pytest.mark.slow

REGION = "eu-west-1"
GET_ITEM: dict[str, Any] = {
    "Type": "Task",
    "Resource": "arn:aws:states:::dynamodb:getItem",
    "Parameters": {"TableName": "none", "Key": {"id": {"S": "1"}}},
}
MACHINE = {
    "StartAt": "Start",
    "States": {
        "Start": {"Type": "Pass", "Result": {"n": 1}, "ResultPath": "$.start", "Next": "Which"},
        "Which": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.way", "StringEquals": "long", "Next": "Both"}],
            "Default": "Bad",
        },
        "Both": {
            "Type": "Parallel",
            "Branches": [
                {"StartAt": "Pause", "States": {"Pause": {"Type": "Wait", "Seconds": 1, "End": True}}},
                {"StartAt": "Side", "States": {"Side": {"Type": "Pass", "End": True}}},
            ],
            "ResultPath": "$.both",
            "Next": "Each",
        },
        "Each": {
            "Type": "Map",
            "ItemsPath": "$.items",
            "ItemProcessor": {"StartAt": "Item", "States": {"Item": {"Type": "Pass", "End": True}}},
            "Next": "Done",
        },
        "Done": {"Type": "Succeed"},
        "Bad": {"Type": "Fail", "Error": "Bad", "Cause": "no way"},
    },
}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The endpoint of a moto server that runs state machines."""
    from moto.server import ThreadedMotoServer

    running = ThreadedMotoServer("127.0.0.1", port=0)
    running.start()
    host, port = running.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    body = json.dumps({"stepfunctions": {"execute_state_machine": True}}).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{endpoint}/moto-api/config", body, headers, method="POST")
    with urllib.request.urlopen(request):
        pass
    yield endpoint
    running.stop()


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")


@pytest.fixture
def arn(server: str, credentials: None, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """A machine of the test's own, where run_to_completion finds it."""
    client = boto3.client("stepfunctions", region_name=REGION, endpoint_url=server)
    created = client.create_state_machine(
        name=f"m-{abs(hash(request.node.nodeid))}",
        definition=json.dumps(MACHINE),
        roleArn="arn:aws:iam::123456789012:role/any",
    )
    monkeypatch.setenv("STATE_MACHINE_ARN", created["stateMachineArn"])
    monkeypatch.setenv("STEPFUNCTIONS_ENDPOINT", server)
    return str(created["stateMachineArn"])


def long_way() -> tuple[Any, History]:
    output, history = run_to_completion("long", {"way": "long", "items": [7, 8]}, machine=MACHINE)
    assert output == [7, 8]
    assert history.succeeded(StepType.PARALLEL) == {"Both": 1}
    assert history.succeeded(StepType.MAP) == {"Each": 1}
    assert history.succeeded(StepType.PASS) == {"Start": 1, "Side": 1, "Item": 2}
    assert history.waited("Pause") == pytest.approx(1, abs=0.5)
    assert not history.failed()
    return output, history


def test_the_same_test_runs_on_both(arn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _, deployed = long_way()
    monkeypatch.delenv("STATE_MACHINE_ARN")
    _, embedded = long_way()
    for question in (History.entered, History.exited, History.attempted, History.succeeded, History.failed):
        assert question(deployed) == question(embedded)
    assert deployed.input == embedded.input


def test_a_failure_carries_error_cause_and_history(arn: str) -> None:
    with pytest.raises(ExecutionFailed, match="ended FAILED in state 'Bad': Bad: no way") as failed:
        run_to_completion("short", {"way": "short"})
    assert (failed.value.error, failed.value.cause, failed.value.status) == ("Bad", "no way", "FAILED")
    assert failed.value.history.failed(StepType.FAIL) == {"Bad": 1}
    assert failed.value.run.output is None


def test_retry_and_catch_are_read_off_a_deployed_run(server: str, credentials: None) -> None:
    """No such table here: the integration fails, is retried and caught."""
    task = {
        **GET_ITEM,
        "Retry": [{"ErrorEquals": ["States.TaskFailed"], "IntervalSeconds": 1, "MaxAttempts": 1}],
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}],
        "End": True,
    }
    definition = {"StartAt": "Get", "States": {"Get": task, "Caught": {"Type": "Succeed"}}}
    client = boto3.client("stepfunctions", region_name=REGION, endpoint_url=server)
    role = "arn:aws:iam::123456789012:role/any"
    created = client.create_state_machine(name="catching", definition=json.dumps(definition), roleArn=role)
    run, loaded = run_deployed(created["stateMachineArn"], "one", {}, endpoint=server)

    from flowdsl.testing.coverage import hits

    assert loaded.definition == definition
    assert run.history.failed(StepType.SERVICE) == {"Get": 2}
    assert run.history.caught() == {"Get": 1}
    assert set(hits(loaded.definition, run.history)) == {
        ("States", "Get"),
        ("States", "Get", "Retry", 0),
        ("States", "Get", "Catch", 0),
        ("States", "Caught"),
    }


@pytest.mark.parametrize("known", [True, False], ids=["the author's", "only deployed"])
@pytest.mark.parametrize("through", ["machine", "runner"])
def test_deployed_runs_count_as_covered(
    arn: str, known: bool, through: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With the author's lines, where the machine that is deployed is the author's."""
    coverage = Coverage()
    monkeypatch.setattr(completion, "observers", [coverage.observe])
    file = tmp_path / "ways.asl.json"
    other = {"StartAt": "Other", "States": {"Other": {"Type": "Succeed"}}}
    file.write_text(json.dumps(MACHINE if known else other, indent=1))
    given = {"runner": Runner.of(file)} if through == "runner" else {"machine": file}
    run_to_completion(f"covering-{through}-{known}", {"way": "long", "items": [1]}, **given)
    [(name, measured)] = coverage.machines.items()
    assert measured.count("state") == (8, 9)
    assert measured.count("branch") == (1, 2)
    assert (name == "ways") is known
    assert bool(measured.places) is known


def test_a_name_is_used_once(arn: str) -> None:
    run_to_completion("once", {"way": "long", "items": []})
    with pytest.raises(ExecutionAlreadyExists, match="'once' of arn:aws:states"):
        run_to_completion("once", {"way": "long", "items": [1]})


def test_a_machine_that_is_not_there(arn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATE_MACHINE_ARN", arn + "x")
    with pytest.raises(FlowError, match=r"StateMachineDoesNotExist(.|\n)*set STATE_MACHINE_ARN to a machine that"):
        run_to_completion("one", {})


@pytest.mark.parametrize("wrong", ["payment", "arn:aws:lambda:eu-west-1:123456789012:function:payment"])
def test_what_is_no_arn(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATE_MACHINE_ARN", wrong)
    with pytest.raises(FlowError, match=r"is not a state machine's ARN: '.*'(.|\n)*write it like arn:aws:states"):
        run_to_completion("one", {})


ARN = f"arn:aws:states:{REGION}:123456789012:stateMachine:payment"


def test_no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("STATE_MACHINE_ARN", ARN)
    monkeypatch.setenv("STEPFUNCTIONS_ENDPOINT", "http://127.0.0.1:1")
    with pytest.raises(FlowError, match=r"Unable to locate credentials(.|\n)*set STATE_MACHINE_ARN, AWS credentials"):
        run_to_completion("one", {})


def test_an_endpoint_that_is_no_url(credentials: None) -> None:
    arn = "arn:aws:states:us-east-1:123456789012:stateMachine:payment"
    with pytest.raises(FlowError, match=r"Invalid endpoint(.|\n)*STEPFUNCTIONS_ENDPOINT"):
        run_deployed(arn, "a", {}, endpoint="localhost:5937")


def test_an_endpoint_that_does_not_answer(credentials: None) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{unused.getsockname()[1]}"
    with pytest.raises(FlowError, match="Could not connect to the endpoint URL"):
        run_deployed(ARN, "one", {}, endpoint=endpoint)


# -- stubbed answers, for what takes long or many events


@pytest.fixture
def stubbed(credentials: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    client = boto3.client("stepfunctions", region_name=REGION)
    monkeypatch.setattr(boto3.Session, "client", lambda *args, **options: client)
    with Stubber(client) as stubber:
        yield stubber


EXECUTION = f"arn:aws:states:{REGION}:123456789012:execution:payment:one"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def described(status: str, **more: Any) -> dict[str, Any]:
    names = {"executionArn": EXECUTION, "stateMachineArn": ARN, "name": "one"}
    return {**names, "status": status, "startDate": NOW, **more}


def test_it_waits_with_longer_and_longer_pauses_and_reads_every_page(stubbed: Stubber) -> None:
    pauses: list[float] = []
    states = {"A": {"Type": "Pass", "End": True}}
    events = [
        {"id": 1, "type": "ExecutionStarted", "timestamp": NOW, "executionStartedEventDetails": {"input": "{}"}},
        {"id": 2, "type": "PassStateEntered", "timestamp": NOW, "stateEnteredEventDetails": {"name": "A"}},
    ]
    stubbed.add_response("start_execution", {"executionArn": EXECUTION, "startDate": NOW}, None)
    for _ in range(12):
        stubbed.add_response("describe_execution", described("RUNNING"))
    stubbed.add_response("describe_execution", described("SUCCEEDED", output='{"n": 1}', stopDate=NOW))
    first = {"executionArn": EXECUTION, "includeExecutionData": True}
    stubbed.add_response("get_execution_history", {"events": events[:1], "nextToken": "more"}, first)
    stubbed.add_response("get_execution_history", {"events": events[1:]}, {**first, "nextToken": "more"})
    machine = {"stateMachineArn": ARN, "name": "payment", "roleArn": "arn:aws:iam::123456789012:role/any"}
    definition = json.dumps({"StartAt": "A", "States": states})
    stubbed.add_response(
        "describe_state_machine_for_execution", {**machine, "definition": definition, "updateDate": NOW}
    )

    run, _ = run_deployed(ARN, "one", {}, sleep=pauses.append)

    assert run.output == {"n": 1}
    assert len(run.history) == 2
    assert len(pauses) == 12
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (FIRST_PAUSE, LONGEST_PAUSE)
    stubbed.assert_no_pending_responses()


def test_it_does_not_wait_for_ever(stubbed: Stubber) -> None:
    stubbed.add_response("start_execution", {"executionArn": EXECUTION, "startDate": NOW}, None)
    for _ in range(20):
        stubbed.add_response("describe_execution", described("RUNNING"))
    with pytest.raises(TimeoutError, match="payment:one is still RUNNING after"):
        run_deployed(ARN, "one", {}, timeout=5, sleep=lambda seconds: None)


def test_express_machines_have_no_history(stubbed: Stubber) -> None:
    stubbed.add_response(
        "start_execution",
        {"executionArn": EXECUTION, "startDate": NOW},
        {
            "stateMachineArn": ARN,
            "name": "one",
            "input": ANY,
        },
    )
    stubbed.add_client_error("describe_execution", "StateMachineTypeNotSupported", "not for EXPRESS")
    with pytest.raises(FlowError, match="Express machines keep no history: test them on the embedded engine"):
        run_deployed(ARN, "one", {})
