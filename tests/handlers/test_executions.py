"""`--state-machine` of the commands for refunds and captures: what failed can be run again under another name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from click.testing import CliRunner, Result

from handlers.captures.__main__ import main as captures
from handlers.commands import STORES
from handlers.refunds.__main__ import main as refunds

MACHINE = "arn:aws:states:eu-west-1:123456789012:stateMachine:payment-refund"
REFUND = '{"donation": "don-1", "number": 1, "amount": null, "reason": ""}'
COMMANDS: list[tuple[Any, str, str, list[str]]] = [
    (refunds, "don-1-refund-1", REFUND, []),
    (captures, "don-1-capture", '{"donation": "don-1", "amount": 0}', ["--release"]),
]


@pytest.fixture
def step_functions(monkeypatch: pytest.MonkeyPatch) -> Stubber:
    keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
    client = boto3.client("stepfunctions", region_name="eu-west-1", **keys)  # type: ignore[call-overload]
    monkeypatch.setattr(boto3, "client", lambda _: client)
    monkeypatch.setattr("handlers.executions.check_deployed", lambda: None)
    stubber = Stubber(client)
    stubber.activate()
    return stubber


def started(stubber: Stubber, name: str, text: str) -> None:
    answer = {"executionArn": f"arn:{name}", "startDate": "2026-01-01T00:00:00Z"}
    stubber.add_response("start_execution", answer, {"stateMachineArn": MACHINE, "name": name, "input": text})


def refused(stubber: Stubber, name: str, text: str, code: str) -> None:
    expected = {"stateMachineArn": MACHINE, "name": name, "input": text}
    stubber.add_client_error("start_execution", code, expected_params=expected)


def run(command: Any, arguments: list[str]) -> Result:
    return CliRunner().invoke(command, ["request", "don-1", "--state-machine", MACHINE, *arguments])


@pytest.mark.parametrize(("command", "name", "text", "arguments"), COMMANDS, ids=["refund", "capture"])
def test_what_has_failed_is_run_again(
    step_functions: Stubber, command: Any, name: str, text: str, arguments: list[str]
) -> None:
    """Step Functions keeps names for 90 days, and the sweep's list says that running it again is safe."""
    started(step_functions, name, text)
    assert run(command, arguments).stdout == f"arn:{name}\n"
    refused(step_functions, name, text, "ExecutionAlreadyExists")
    refused(step_functions, f"{name}-2", text, "ExecutionAlreadyExists")
    started(step_functions, f"{name}-3", text)
    assert run(command, arguments).stdout == f"arn:{name}-3\n"
    step_functions.assert_no_pending_responses()


@pytest.mark.parametrize(("command", "name", "text", "arguments"), COMMANDS, ids=["refund", "capture"])
def test_another_error_is_one_line(
    step_functions: Stubber, command: Any, name: str, text: str, arguments: list[str]
) -> None:
    refused(step_functions, name, text, "StateMachineDoesNotExist")
    result = run(command, arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"Error: cannot start {name}: ")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(("command", "name", "text", "arguments"), COMMANDS, ids=["refund", "capture"])
def test_nothing_is_started_that_would_be_numbered_by_other_stores(
    data: Path, command: Any, name: str, text: str, arguments: list[str]
) -> None:
    result = run(command, arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"Error: nothing was started: {', '.join(STORES)} are not set; " + (
        "set them to the names in the environment\n"
    )
