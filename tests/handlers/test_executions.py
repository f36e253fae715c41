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
from handlers.transactions.record import from_document
from handlers.transactions.store import store
from tests.handlers.conftest import document, invoke

MACHINES = "arn:aws:states:eu-west-1:123456789012:stateMachine:"
REFUND = '{"donation": "don-1", "number": 1, "amount": null, "reason": ""}'
TO_CAPTURE = f"{MACHINES}payment-capture"
TO_REFUND = f"{MACHINES}payment-refund:live"
COMMANDS: list[tuple[Any, str, str, list[str]]] = [
    (refunds, "don-1-refund-1", REFUND, []),
    (captures, "don-1-capture", '{"donation": "don-1", "amount": 0}', ["--release"]),
]


@pytest.fixture
def step_functions(monkeypatch: pytest.MonkeyPatch) -> Stubber:
    keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
    client = boto3.client("stepfunctions", region_name="eu-west-1", **keys)  # type: ignore[call-overload]

    def open_client(_: str, region_name: str) -> Any:
        """The ARN has the region: nobody has to set it."""
        assert region_name == "eu-west-1"
        return client

    monkeypatch.setattr(boto3, "client", open_client)
    monkeypatch.setattr("handlers.executions.check_deployed", lambda: None)
    stubber = Stubber(client)
    stubber.activate()
    return stubber


@pytest.fixture(autouse=True)
def _donation(request: pytest.FixtureRequest) -> None:
    """One that can be refunded, or captured."""
    event = document(id="don-1")
    payment = invoke("psp_sandbox", event)
    if "capture" in request.node.name:
        payment |= {"status": "authorised"}
    store().put(from_document({**event, "payment": payment}))


def machine(name: str) -> str:
    return TO_CAPTURE if "capture" in name else TO_REFUND


def started(stubber: Stubber, name: str, text: str) -> None:
    answer = {"executionArn": f"arn:{name}", "startDate": "2026-01-01T00:00:00Z"}
    stubber.add_response("start_execution", answer, {"stateMachineArn": machine(name), "name": name, "input": text})


def refused(stubber: Stubber, name: str, text: str, code: str) -> None:
    expected = {"stateMachineArn": machine(name), "name": name, "input": text}
    stubber.add_client_error("start_execution", code, expected_params=expected)


def run(command: Any, arguments: list[str]) -> Result:
    arn = TO_CAPTURE if command is captures else TO_REFUND
    return CliRunner().invoke(command, ["request", "don-1", "--state-machine", arn, *arguments])


@pytest.mark.parametrize(("command", "name", "text", "arguments"), COMMANDS, ids=["refund", "capture"])
def test_what_has_failed_is_run_again(
    step_functions: Stubber, command: Any, name: str, text: str, arguments: list[str]
) -> None:
    """Step Functions keeps names for 90 days, and the sweep's list says that running it again is safe."""
    started(step_functions, name, text)
    first = run(command, arguments)
    assert first.stdout == f"arn:{name}\n"
    assert f"flowdsl executions show arn:{name}\n" in first.stderr
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


@pytest.mark.parametrize(
    ("arn", "problem"),
    [
        (f"{MACHINES}payment", "payment is another state machine; expected the ARN of payment-refund"),
        (f"{MACHINES}payment-capture", "payment-capture is another state machine; expected the ARN of payment-refund"),
        (f"{MACHINES.replace(':stateMachine:', ':execution:')}payment-refund:x", "is not the ARN of a state machine"),
        ("payment-refund", "'payment-refund' is not the ARN of a state machine"),
    ],
)
def test_another_machine_is_refused(arn: str, problem: str) -> None:
    """The payment flow would be started, and fail."""
    result = CliRunner().invoke(refunds, ["request", "don-1", "--state-machine", arn])
    assert (result.exit_code, result.stdout) == (2, "")
    assert problem in result.stderr
