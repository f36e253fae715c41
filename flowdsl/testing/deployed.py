"""Run an execution of a deployed state machine, through boto3.

Source: Step Functions API reference, StartExecution, DescribeExecution and GetExecutionHistory.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..base.diagnostics import FlowError
from ..project import Loaded
from .history import History
from .run import ExecutionAlreadyExists, Run

FIRST_PAUSE, LONGEST_PAUSE, GROWTH = 0.2, 10.0, 1.5
"""Seconds between two looks at an execution: each pause is longer than the one before."""


def run_deployed(
    arn: str,
    name: str,
    input: Any,
    *,
    endpoint: str | None = None,
    timeout: float = 900.0,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[Run, Loaded]:
    """Start an execution, wait for its end, and return it with its history and the definition that it ran.

    Raises TimeoutError after `timeout` seconds (the execution continues), FlowError for an invalid ARN, region or
    credentials, and ExecutionAlreadyExists.
    """
    parts = arn.split(":")
    if len(parts) < 7 or parts[2] != "states" or parts[5] != "stateMachine":
        hint = "arn:aws:states:eu-west-1:123456789012:stateMachine:payment"
        raise FlowError.of(f"STATE_MACHINE_ARN is not a state machine's ARN: {arn!r}", hint=f"write it like {hint}")
    with _clear_errors(arn, name):
        import boto3

        # Not boto3's default session, which keeps the first credentials that it reads.
        client = boto3.Session(region_name=parts[3]).client("stepfunctions", endpoint_url=endpoint)
        execution = client.start_execution(stateMachineArn=arn, name=name, input=json.dumps(input))["executionArn"]
        described = _wait(client, execution, timeout, sleep)
        events = _history(client, execution)
        machine = client.describe_state_machine_for_execution(executionArn=execution)
    definition = json.loads(machine["definition"])
    output = described.get("output")
    run = Run(
        name=described["name"],
        arn=execution,
        status=described["status"],
        input=input,
        output=None if output is None else json.loads(output),
        error=described.get("error"),
        cause=described.get("cause"),
        start=described["startDate"].astimezone(UTC),
        stop=described.get("stopDate", datetime.now(UTC)).astimezone(UTC),
        history=History.parse(events),
    )
    return run, Loaded(Path(), machine["name"], definition, machine["definition"])


def _wait(client: Any, execution: str, timeout: float, sleep: Callable[[float], None]) -> dict[str, Any]:
    pause, waited = FIRST_PAUSE, 0.0
    while True:
        described: dict[str, Any] = client.describe_execution(executionArn=execution)
        if described["status"] not in ("RUNNING", "PENDING_REDRIVE"):
            return described
        if waited >= timeout:
            raise TimeoutError(f"{execution} is still {described['status']} after {waited:.0f} seconds")
        sleep(pause)
        waited += pause
        pause = min(pause * GROWTH, LONGEST_PAUSE)


def _history(client: Any, execution: str) -> list[dict[str, Any]]:
    pages = client.get_paginator("get_execution_history").paginate(executionArn=execution, includeExecutionData=True)
    return [event for page in pages for event in page["events"]]


@contextmanager
def _clear_errors(arn: str, name: str) -> Iterator[None]:
    """Convert boto3's errors to messages for the user who set STATE_MACHINE_ARN."""
    try:
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError:
        hint = 'install it with: pip install "flowdsl[aws]"'
        raise FlowError.of("boto3 is needed to run a deployed machine (STATE_MACHINE_ARN is set)", hint=hint) from None
    try:
        yield
    except ClientError as error:
        code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
        if code == "ExecutionAlreadyExists":
            raise ExecutionAlreadyExists(f"{name!r} of {arn}: {message}") from error
        hints = {
            "StateMachineDoesNotExist": "set STATE_MACHINE_ARN to a machine that is deployed there",
            "InvalidArn": "set STATE_MACHINE_ARN to the machine's ARN",
            "StateMachineTypeNotSupported": "Express machines keep no history: test them on the embedded engine",
        }
        raise FlowError.of(f"{arn}: {code}: {message}", hint=hints.get(code)) from error
    except (BotoCoreError, ValueError) as error:  # botocore raises ValueError for an endpoint that is not a URL
        hint = "set STATE_MACHINE_ARN, AWS credentials and, for an endpoint of your own, STEPFUNCTIONS_ENDPOINT"
        raise FlowError.of(f"{arn}: {error}", hint=hint) from error
