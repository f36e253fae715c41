"""The executions of a deployed state machine: list, describe, read, start, stop and redrive them.

Source: Step Functions API reference.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any, Final

from attrs import define, field, frozen

from ..base.diagnostics import FlowError
from .aws import Aws, CallError, Clock, WallClock, credentials_error, items
from .express import describe_logged, list_logged, log_group, read_logged
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
class StatesArn:
    """An ARN of a state machine (perhaps with a version or an alias), or of an execution."""

    arn: str
    kind: str
    place: Place
    machine: str
    rest: str = ""

    @property
    def machine_arn(self) -> str:
        return self.place.arn("states", f"stateMachine:{self.machine}")


def parse_arn(text: str) -> StatesArn:
    """Read an ARN. Raises FlowError if it is not one of Step Functions."""
    match = _ARN.fullmatch(text)
    if match is None:
        raise FlowError.of(
            f"not the ARN of an execution or a state machine: {text!r}",
            code="FD990",
            hint="write it like arn:aws:states:eu-west-1:123456789012:execution:payment:NAME, or a name with --env",
        )
    place = Place(match["region"], match["account"])
    return StatesArn(text, match["kind"], place, match["machine"], match["rest"] or "")


@define
class ExecutionCalls:
    """What can be asked of and done to executions. Every method raises FlowError if AWS refuses the call."""

    aws: Aws
    clock: Clock = field(factory=WallClock)

    def latest(self, machine: str, *, status: str | None = None, most: int = 20) -> list[dict[str, Any]]:
        """The latest executions first; those of an Express state machine are from the logs of the last day."""
        described = self._call("DescribeStateMachine", {"stateMachineArn": machine})
        if described.get("type") == "EXPRESS":
            group = self._log_group(described)
            return self._logged(
                lambda: list_logged(self.aws, group, self.clock.now(), status=status, most=most), machine
            )
        arguments: dict[str, Any] = {"stateMachineArn": machine, "maxResults": min(most, 1000)}
        if status:
            arguments["statusFilter"] = status
        return [*islice(self._items("ListExecutions", arguments), most)]

    def describe(self, execution: str) -> dict[str, Any]:
        if is_express(execution):
            described = describe_logged(execution, self.history(execution))
            if not described:
                hint = "only the last 14 days are read, and with the log level ERROR only what failed is logged"
                raise FlowError.of(f"no events of {execution} in the log group", code="FD990", hint=hint)
            return described
        return self._call("DescribeExecution", {"executionArn": execution})

    def definition(self, execution: str) -> str:
        """The definition that an execution runs, as JSON; it may be older than the state machine's."""
        described = self._call("DescribeStateMachineForExecution", {"executionArn": execution})
        return str(described["definition"])

    def history(self, execution: str, *, after: int = 0) -> list[dict[str, Any]]:
        """The events with ids above `after`, oldest first; those of an Express execution are from the logs."""
        if is_express(execution):
            machine = parse_arn(execution).machine_arn
            group = self._log_group(self._call("DescribeStateMachine", {"stateMachineArn": machine}))
            logged = self._logged(lambda: read_logged(self.aws, group, execution, self.clock.now()), execution)
            return [each for each in logged if each["id"] > after]
        arguments = {"executionArn": execution, "includeExecutionData": True, "reverseOrder": after > 0}
        events: list[dict[str, Any]] = []
        is_oldest_first = False
        for event in self._items("GetExecutionHistory", arguments):
            if after and event["id"] == after and not is_oldest_first:
                break
            events.append(event)
            # Emulators, such as moto 5.2, may not know reverseOrder.
            is_oldest_first = events[0]["id"] == 1
        return sorted((each for each in events if each["id"] > after), key=lambda each: each["id"])

    def children(self, events: list[dict[str, Any]], most: int) -> tuple[list[list[dict[str, Any]]], int]:
        """The histories of the executions that the Distributed Maps of an execution started, and those inside them, at
        most so many; and how many more there are. Express executions have no history, so they are among those."""
        histories: list[list[dict[str, Any]]] = []
        without = 0
        todo = _map_runs(events)
        while todo:
            for child in self._items("ListExecutions", {"mapRunArn": todo.pop(0)}):
                arn = str(child["executionArn"])
                if len(histories) >= most or is_express(arn):
                    without += 1
                    continue
                histories.append(self.history(arn))
                todo += _map_runs(histories[-1])
        return histories, without

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

    def _log_group(self, described: Mapping[str, Any]) -> str:
        group = log_group(described)
        if group is None:
            raise no_express(str(described.get("name")))
        return group

    def _logged(self, read: Callable[[], list[dict[str, Any]]], subject: str) -> list[dict[str, Any]]:
        try:
            return read()
        except CallError as error:
            raise _refused(error, {"executionArn": subject}) from None

    def _call(self, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return self.aws.call("states", operation, arguments)
        except CallError as error:
            raise _refused(error, arguments) from None

    def _items(self, operation: str, arguments: Mapping[str, Any]) -> Iterator[Any]:
        try:
            yield from items(self.aws, "states", operation, **arguments)
        except CallError as error:
            raise _refused(error, arguments) from None


def _map_runs(events: list[dict[str, Any]]) -> list[str]:
    """The ARNs of the Map Runs that an execution started. Source: API reference, MapRunStartedEventDetails."""
    details = (event.get("mapRunStartedEventDetails") for event in events)
    return [str(each["mapRunArn"]) for each in details if each]


def is_express(execution: str) -> bool:
    return execution.split(":")[5:6] == ["express"]


def no_express(name: str) -> FlowError:
    """The error for executions of an Express state machine that are nowhere, or with which nothing can be done."""
    return FlowError.of(
        f"{name!r} is an Express state machine: the API knows none of its executions",
        code="FD990",
        hint='set logging = "ALL" in the environment and deploy: then list, show and tail read its log group',
    )


def _refused(error: CallError, arguments: Mapping[str, Any]) -> FlowError:
    subject = next((str(arguments[key]) for key in ("executionArn", "stateMachineArn") if key in arguments), "")
    if error.code == "StateMachineTypeNotSupported":
        return no_express(subject)
    if credentials := credentials_error(error, f"{error.operation} of {subject}"):
        return credentials
    message = f"{error.operation} of {subject}: {error.code}: {error.message}"
    return FlowError.of(message, code="FD990", hint=_HINTS.get(error.code))
