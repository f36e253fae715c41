"""ResultWriter: the results of a Map Run's child executions, in files or as the Map's result.

Source: Step Functions Developer Guide, "ResultWriter (Map)".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from attrs import define, frozen

from ...asl.resource import Resource
from ..core import Failed, Fiber, PreparedState, Program, Steps, Succeeded, TimedOut
from ..data.flow import Evaluated
from ..errors import Failure
from ..history import JSON, text
from ..times import iso
from .task import served

Status = Literal["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", "PENDING"]


@frozen
class MapRun:
    """One run: `arn` is its name in events, `key` its own part of it."""

    arn: str
    key: str
    program: Program


@define
class Child:
    """A child execution: one that will be started, runs, or has ended."""

    run: MapRun
    input: JSON
    items: int
    """How many items it is about: more than one in a batch."""
    name: str = ""
    start: float | None = None
    """Seconds since 1970; None while it was not started."""
    stop: float | None = None
    signal: Succeeded | Failed | TimedOut | None = None

    @property
    def status(self) -> Status:
        if self.start is None:
            return "PENDING"
        if self.signal is None:
            return "ABORTED"
        if isinstance(self.signal, TimedOut):
            return "TIMED_OUT"
        return "SUCCEEDED" if isinstance(self.signal, Succeeded) else "FAILED"


@frozen
class Writing:
    """ResultWriter with its fields evaluated; no `resource` if the results are only formatted, not exported."""

    resource: Resource | None
    arguments: JSON
    config: Mapping[str, Any]


@frozen
class PreparedWriter:
    resource: Resource | None
    arguments: Evaluated
    config: Mapping[str, Any]

    def prepared(self, value: JSON, fiber: Fiber) -> Writing:
        return Writing(self.resource, self.arguments(value, fiber), self.config)


_FILES: dict[str, tuple[Status, ...]] = {
    "SUCCEEDED": ("SUCCEEDED",),
    "FAILED": ("FAILED", "ABORTED", "TIMED_OUT"),
    "PENDING": ("PENDING",),
}
"""The files, and of which executions they tell."""


def write_results(fiber: Fiber, state: PreparedState, writing: Writing, run: MapRun, children: list[Child]) -> Steps:
    """Write SUCCEEDED_0.json, FAILED_0.json, PENDING_0.json and manifest.json; returns the Map state's result."""
    resource = writing.resource
    if resource is None:
        done = [child for child in children if child.status == "SUCCEEDED"]
        return _format_results(fiber, done, writing.config.get("Transformation", "COMPACT"))
    if not isinstance(writing.arguments, dict):
        raise Failure("States.ResultWriterFailed", "The arguments of a ResultWriter must be an object.")
    bucket, prefix = writing.arguments.get("Bucket"), str(writing.arguments.get("Prefix", "")).rstrip("/")
    place = f"{prefix}/{run.key}" if prefix else run.key
    files: dict[str, list[dict[str, JSON]]] = {name: [] for name in sorted(_FILES)}
    lines = writing.config.get("OutputType", "JSON") == "JSONL"

    def put(name: str, body: str) -> Steps:
        wanted = {"Bucket": bucket, "Key": f"{place}/{name}", "Body": body}
        yield from served(fiber, state, resource, resource.action, wanted, "States.ResultWriterFailed")

    for kind, statuses in _FILES.items():
        reported = [child for child in children if child.status in statuses]
        if reported:
            name = f"{kind}_0.json"
            entries = _format_results(fiber, reported, writing.config.get("Transformation", "NONE"))
            body = "\n".join(map(text, entries)) if lines else text(entries)
            yield from put(name, body)
            files[kind].append({"Key": f"{place}/{name}", "Size": len(body.encode())})
    yield from put("manifest.json", text({"DestinationBucket": bucket, "MapRunArn": run.arn, "ResultFiles": files}))
    return {"MapRunArn": run.arn, "ResultWriterDetails": {"Bucket": bucket, "Key": f"{place}/manifest.json"}}


def _format_results(fiber: Fiber, children: list[Child], transformation: str) -> list[JSON]:
    """NONE describes each execution, COMPACT has only its output, FLATTEN joins outputs that are lists.

    What is no success is reported as with NONE.
    """
    entries: list[JSON] = []
    for child in children:
        if transformation == "NONE" or not isinstance(child.signal, Succeeded):
            entries.append(_entry(fiber, child))
        elif transformation == "FLATTEN" and isinstance(child.signal.output, list):
            entries += child.signal.output
        else:
            entries.append(child.signal.output)
    return entries


_KINDS = {"STANDARD": "execution", "EXPRESS": "express"}


def _entry(fiber: Fiber, child: Child) -> dict[str, JSON]:
    settings, machine = fiber.execution.settings, child.run.program.name
    place = f"{settings.region}:{settings.account}"
    entry: dict[str, JSON] = {
        "Input": text(child.input),
        "InputDetails": {"Included": True},
        "StateMachineArn": f"arn:aws:states:{place}:stateMachine:{machine}",
        "Status": child.status,
    }
    if child.start is None:
        return entry
    entry |= {
        "ExecutionArn": f"arn:aws:states:{place}:{_KINDS[child.run.program.type]}:{machine}:{child.name}",
        "Name": child.name,
        "RedriveCount": 0,
        "StartDate": iso(child.start),
        "StopDate": iso(child.stop if child.stop is not None else fiber.now),
    }
    if isinstance(child.signal, Succeeded):
        entry |= {
            "Output": text(child.signal.output),
            "OutputDetails": {"Included": True},
            "RedriveStatus": "NOT_REDRIVABLE",
            "RedriveStatusReason": "Execution is SUCCEEDED and cannot be redriven",
        }
    else:
        entry["RedriveStatus"] = "REDRIVABLE_BY_MAP_RUN"
    if isinstance(child.signal, Failed):
        reported = (("Error", child.signal.error), ("Cause", child.signal.cause))
        entry |= {field: value for field, value in reported if value is not None}
    return dict(sorted(entry.items()))
