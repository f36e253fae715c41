"""`states:startExecution` and `aws-sdk:sfn:startExecution` of a machine that runs here too.

Source: Step Functions Developer Guide, "Start a workflow execution from a Task"; API reference, DescribeExecution.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from email.utils import formatdate

from ..asl.integrations import SERVICES
from ..base.diagnostics import FlowError
from ..base.json import parse_json
from .core import Call, Failed, Program, Signal, Submitted, Succeeded, TimedOut
from .errors import ExecutionAlreadyExistsError, InvalidNameError
from .history import JSON, text
from .result import Result
from .times import iso

_SDK = "aws-sdk:sfn"
_SERVICES = ("states", _SDK)


def target(call: Call, machines: Mapping[str, Program]) -> Program | None:
    """Return the machine that the call starts, if it is one of these (by ARN or by name)."""
    if call.integration not in _SERVICES or call.action != "startExecution":
        return None
    if not isinstance(call.arguments, dict):
        return None
    arn = str(call.arguments.get("StateMachineArn", ""))
    return machines.get(arn) or machines.get(arn.rpartition(":stateMachine:")[2].partition(":")[0])


def key(call: Call) -> str:
    """A UUID that no other call has, and that this one has again after a crash: the name of an execution without one,
    and the end of the ARN of an Express execution."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{call.execution_arn}/{call.event_id}"))


def waits_for_child(call: Call) -> bool:
    """True if the result of the call is how the execution ends that it starts."""
    return call.pattern in ("sync", "sync:2")


def child_input(arguments: dict[str, JSON]) -> JSON:
    """Input may be JSON text or a JSON value; none at all is an empty object. Raises ValueError."""
    value = arguments.get("Input")
    if isinstance(value, str):
        return parse_json(value)
    return {} if value is None else value


def refused(call: Call, error: Exception) -> Failed:
    """StartExecution refused it: the input is not JSON, or the name is taken or invalid."""
    code, message = "InvalidExecutionInput", f"Invalid State Machine Execution Input: '{error}'"
    if isinstance(error, ExecutionAlreadyExistsError):
        code, message = "ExecutionAlreadyExists", error.diagnostics[0].message
    elif isinstance(error, InvalidNameError):
        code, message = "InvalidName", f"Invalid Name: '{call.arguments.get('Name')}'"
    elif isinstance(error, FlowError):
        message = f"Invalid State Machine Execution Input: '{error.diagnostics[0].message}'"
    if call.integration == _SDK:
        cause = f"{message} (Service: Sfn, Status Code: 400, Request ID: {call.request_id})"
        return Failed(f"Sfn.{code}Exception", cause)
    service = SERVICES[call.integration]
    details = f"Service: {service.cause_name}; Status Code: 400; Error Code: {code}; Request ID: {call.request_id}"
    return Failed(f"{service.error_prefix}.{code}Exception", f"{message} ({details}; Proxy: null)")


def submitted(call: Call, child: Result) -> Signal:
    """The answer of StartExecution, as each kind of integration shows it."""
    answer: dict[str, JSON]
    if call.integration == _SDK:
        answer = {"ExecutionArn": child.arn, "StartDate": iso(child.start_date)}
    else:
        body = {"executionArn": child.arn, "startDate": child.start_date}
        answer = {"ExecutionArn": child.arn, **_metadata(call, len(text(body))), "StartDate": _millis(child.start_date)}
    return Submitted(answer) if call.pattern else Succeeded(answer)


def outcome(call: Call, child: Result) -> Signal:
    """The result of DescribeExecution at the end; `sync:2` gives input and output as JSON, `sync` as text."""
    parsed = call.pattern == "sync:2"
    described: dict[str, JSON] = {
        "ExecutionArn": child.arn,
        "Input": child.input if parsed else text(child.input),
        "InputDetails": {"Included": True},
        "Name": child.name,
        "RedriveCount": 0,
        "RedriveStatus": "REDRIVABLE",
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
        return Succeeded(dict(sorted(described.items())))
    if child.error is not None:
        described["Error"] = child.error
    if child.cause is not None:
        described["Cause"] = child.cause
    return Failed("States.TaskFailed", text(dict(sorted(described.items()))))


def signal_of(child: Result) -> Signal:
    """How a child execution of a Map Run ended."""
    if child.status == "SUCCEEDED":
        return Succeeded(child.output)
    return TimedOut() if child.status == "TIMED_OUT" else Failed(child.error, child.cause)


def _metadata(call: Call, length: int) -> dict[str, JSON]:
    """The metadata that the optimised integration adds to an answer. Source: recorded executions."""
    headers = {
        "connection": "keep-alive",
        "Content-Length": str(length),
        "Content-Type": "application/x-amz-json-1.0",
        "Date": formatdate(call.now, usegmt=True),
        "x-amzn-RequestId": call.request_id,
    }
    http = {
        "AllHttpHeaders": {name: [value] for name, value in headers.items()},
        "HttpHeaders": headers,
        "HttpStatusCode": 200,
    }
    return {"SdkHttpMetadata": http, "SdkResponseMetadata": {"RequestId": call.request_id}}


def _millis(seconds: float) -> int:
    """Dates in API answers inside an execution are in milliseconds since 1970."""
    return round(seconds * 1000)
