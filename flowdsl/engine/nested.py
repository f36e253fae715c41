"""`states:startExecution` of a machine that runs here too.

Source: Step Functions Developer Guide, "Start a workflow execution from a Task"; API reference, DescribeExecution.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..diagnostics import FlowError
from .calls import Call
from .effects import Failed, Signal, Submitted, Succeeded
from .errors import ExecutionAlreadyExistsError, InvalidNameError
from .history import JSON, text
from .program import Program

if TYPE_CHECKING:
    from .result import Result


def target(call: Call, machines: Mapping[str, Program]) -> Program | None:
    """The machine that the call starts, where it is one of these (by ARN or by name)."""
    if call.integration != "states" or call.action != "startExecution" or not isinstance(call.arguments, dict):
        return None
    arn = str(call.arguments.get("StateMachineArn", ""))
    return machines.get(arn) or machines.get(arn.rpartition(":stateMachine:")[2].partition(":")[0])


def child_input(arguments: dict[str, JSON]) -> JSON:
    """Input may be JSON text or a JSON value; none at all is an empty object."""
    given = arguments.get("Input")
    if isinstance(given, str):
        return json.loads(given)
    return {} if given is None else given


def refused(error: Exception) -> Failed:
    """StartExecution did not take it: the input is no JSON, or the name is taken or no name."""
    code = "InvalidExecutionInput"
    if isinstance(error, ExecutionAlreadyExistsError):
        code = "ExecutionAlreadyExists"
    elif isinstance(error, InvalidNameError):
        code = "InvalidName"
    message = error.diagnostics[0].message if isinstance(error, FlowError) else str(error)
    cause = f"{message} (Service: AWSStepFunctions; Status Code: 400; Error Code: {code})"
    return Failed(f"StepFunctions.{code}Exception", cause)


def submitted(call: Call, child: Result) -> Signal:
    answer = {"ExecutionArn": child.arn, "StartDate": _millis(child.start_date), **_METADATA}
    return Submitted(answer) if call.pattern else Succeeded(answer)


def outcome(call: Call, child: Result) -> Signal:
    """What DescribeExecution says at the end; `sync:2` gives input and output as JSON, `sync` as text."""
    parsed = call.pattern == "sync:2"
    described: dict[str, JSON] = {
        "ExecutionArn": child.arn,
        "Input": child.input if parsed else text(child.input),
        "InputDetails": {"Included": True},
        "Name": child.name,
        "RedriveCount": 0,
        "StartDate": _millis(child.start_date),
        "StateMachineArn": child.identity.state_machine_arn,
        "Status": child.status,
        "StopDate": _millis(child.stop_date or child.start_date),
    }
    if child.status == "SUCCEEDED":
        described["Output"] = child.output if parsed else text(child.output)
        described["OutputDetails"] = {"Included": True}
        described["RedriveStatus"] = "NOT_REDRIVABLE"
        described["RedriveStatusReason"] = "Execution is SUCCEEDED and cannot be redriven"
        return Succeeded(described)
    described["RedriveStatus"] = "REDRIVABLE"
    if child.error is not None:
        described["Error"] = child.error
    if child.cause is not None:
        described["Cause"] = child.cause
    return Failed("States.TaskFailed", text(described))


_METADATA: dict[str, JSON] = {"SdkHttpMetadata": {"HttpStatusCode": 200}}


def _millis(seconds: float) -> int:
    """Dates in API answers inside an execution are in milliseconds since 1970."""
    return round(seconds * 1000)
