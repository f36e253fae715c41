"""The executions of a deployed state machine: list, describe, read, start, stop and redrive them.

Source: Step Functions API reference.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final

from attrs import define, frozen

from ..base.diagnostics import FlowError
from .aws import Aws, AwsError, items
from .statements import Place

_ARN = re.compile(
    r"arn:(?P<partition>aws[\w-]*):states:(?P<region>[\w-]+):(?P<account>\d{12}):"
    r"(?P<kind>stateMachine|execution|express):(?P<machine>[^:/]+)(?::(?P<rest>.+))?"
)
_HINTS: Final[Mapping[str, str]] = {
    "StateMachineDoesNotExist": "deploy it first, or correct its name and --env",
    "ExecutionDoesNotExist": "list the executions with flowdsl executions list",
    "ExecutionAlreadyExists": "choose another --name: names of executions are taken for 90 days",
    "ExecutionNotRedrivable": "start a new execution: only failed ones can be redriven, for 14 days",
    "InvalidExecutionInput": "pass JSON with --input",
    "AccessDeniedException": "ask for the permission that the message names",
}


@frozen
class Target:
    """An ARN of a state machine (perhaps with a version or an alias), or of an execution."""

    arn: str
    kind: str
    place: Place
    machine: str
    rest: str = ""

    @property
    def machine_arn(self) -> str:
        return self.place.arn("states", f"stateMachine:{self.machine}")


def parse_arn(text: str) -> Target:
    """Read an ARN. Raises FlowError if it is not one of Step Functions."""
    match = _ARN.fullmatch(text)
    if match is None:
        raise FlowError.of(
            f"not the ARN of an execution or a state machine: {text!r}",
            code="FD990",
            hint="write it like arn:aws:states:eu-west-1:123456789012:execution:payment:NAME, or a name with --env",
        )
    place = Place(match["region"], match["account"])
    return Target(text, match["kind"], place, match["machine"], match["rest"] or "")


@define
class Executions:
    """What can be asked of and done to executions. Every method raises FlowError if AWS refuses the call."""

    aws: Aws

    def latest(self, machine: str, *, status: str | None = None, most: int = 20) -> list[dict[str, Any]]:
        """The latest executions first."""
        self.refuse_express(machine)
        arguments: dict[str, Any] = {"stateMachineArn": machine, "maxResults": min(most, 1000)}
        if status:
            arguments["statusFilter"] = status
        return [*islice(self._items("ListExecutions", arguments), most)]

    def describe(self, execution: str) -> dict[str, Any]:
        return self._call("DescribeExecution", {"executionArn": execution})

    def definition(self, execution: str) -> str:
        """The definition that an execution runs, as JSON; it may be older than the state machine's."""
        described = self._call("DescribeStateMachineForExecution", {"executionArn": execution})
        return str(described["definition"])

    def history(self, execution: str, *, after: int = 0) -> list[dict[str, Any]]:
        """The events with ids above `after`, oldest first."""
        arguments = {"executionArn": execution, "includeExecutionData": True, "reverseOrder": after > 0}
        events = []
        for event in self._items("GetExecutionHistory", arguments):
            if event["id"] <= after:
                break
            events.append(event)
        return events[::-1] if after else events

    def start(self, machine: str, text: str, name: str | None) -> str:
        """Start an execution and return its ARN; `text` is its input as JSON."""
        arguments = {"stateMachineArn": machine, "input": text, **({"name": name} if name else {})}
        return str(self._call("StartExecution", arguments)["executionArn"])

    def stop(self, execution: str, error: str | None, cause: str | None) -> None:
        optional = {key: value for key, value in (("error", error), ("cause", cause)) if value}
        self._call("StopExecution", {"executionArn": execution, **optional})

    def redrive(self, execution: str) -> None:
        """Continue a failed execution from the state in which it failed."""
        self._call("RedriveExecution", {"executionArn": execution})

    def refuse_express(self, machine: str) -> None:
        """Raise FlowError for an Express state machine, which says where its executions are instead."""
        described = self._call("DescribeStateMachine", {"stateMachineArn": machine})
        if described.get("type") != "EXPRESS":
            return
        groups = [
            each["cloudWatchLogsLogGroup"]["logGroupArn"].removesuffix(":*").rpartition("log-group:")[2]
            for each in described.get("loggingConfiguration", {}).get("destinations", ())
            if "cloudWatchLogsLogGroup" in each
        ]
        hint = f"read them in CloudWatch Logs: aws logs tail {groups[0]}" if groups else _LOGGING
        raise no_express(described.get("name", machine), hint)

    def _call(self, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return self.aws.call("states", operation, arguments)
        except AwsError as error:
            raise _refused(error, arguments) from None

    def _items(self, operation: str, arguments: Mapping[str, Any]) -> Iterator[Any]:
        try:
            yield from items(self.aws, "states", operation, **arguments)
        except AwsError as error:
            raise _refused(error, arguments) from None


_LOGGING: Final = 'set logging = "ALL" in the environment, deploy, and read the state machine\'s log group'


def no_express(name: str, hint: str = _LOGGING) -> FlowError:
    """The error for executions of Express state machines."""
    return FlowError.of(
        f"{name!r} is an Express state machine: the API has no list, description or history of its executions",
        code="FD990",
        hint=hint,
    )


def _refused(error: AwsError, arguments: Mapping[str, Any]) -> FlowError:
    subject = next((str(arguments[key]) for key in ("executionArn", "stateMachineArn") if key in arguments), "")
    if error.code == "StateMachineTypeNotSupported":
        return no_express(subject)
    message = f"{error.operation} of {subject}: {error.code}: {error.message}"
    return FlowError.of(message, code="FD990", hint=_HINTS.get(error.code))
