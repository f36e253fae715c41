"""ResultWriter: what the child executions of a Map Run gave, in files.

Source: Step Functions Developer Guide, "ResultWriter (Map)".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from .dataflow import Evaluated
from .effects import Failed, Succeeded
from .execution import Fiber, Steps, iso
from .history import JSON, text
from .task import Resource

if TYPE_CHECKING:
    from .distributed import Child, MapRun
    from .program import State


@frozen
class ResultWriter:
    resource: Resource | None
    """None where the results are only formatted, not exported."""
    arguments: Evaluated
    config: Evaluated


def write_results(
    fiber: Fiber, state: State, value: JSON, writer: ResultWriter, run: MapRun, children: list[Child]
) -> Steps:
    """Write SUCCEEDED_0.json, FAILED_0.json and manifest.json; returns the Map state's result."""
    from .distributed import served

    config = writer.config(value, fiber) or {}
    done = [_entry(fiber, run, child) for child in children if isinstance(child.signal, Succeeded)]
    failed = [_entry(fiber, run, child) for child in children if isinstance(child.signal, Failed)]
    resource = writer.resource
    if resource is None:
        return _transformed(done, children, config.get("Transformation", "NONE"))
    arguments = writer.arguments(value, fiber)
    bucket, prefix = arguments.get("Bucket"), str(arguments.get("Prefix", "")).rstrip("/")
    place = f"{prefix}/{run.key}" if prefix else run.key
    files: dict[str, list[dict[str, JSON]]] = {"FAILED": [], "PENDING": [], "SUCCEEDED": []}
    lines = config.get("OutputType", "JSON") == "JSONL"

    def put(name: str, body: str) -> Steps:
        wanted = {"Bucket": bucket, "Key": f"{place}/{name}", "Body": body}
        yield from served(fiber, state, resource, resource.action, wanted, "States.ResultWriterFailed")

    for status, entries in (("SUCCEEDED", done), ("FAILED", failed)):
        if entries:
            name = f"{status}_0.{'jsonl' if lines else 'json'}"
            shown = _transformed(entries, children, config.get("Transformation", "NONE"))
            body = "\n".join(map(text, shown)) if lines else text(shown)
            yield from put(name, body)
            files[status].append({"Key": f"{place}/{name}", "Size": len(body.encode())})
    yield from put("manifest.json", text({"DestinationBucket": bucket, "MapRunArn": run.arn, "ResultFiles": files}))
    return {"MapRunArn": run.arn, "ResultWriterDetails": {"Bucket": bucket, "Key": f"{place}/manifest.json"}}


def _entry(fiber: Fiber, run: MapRun, child: Child) -> dict[str, JSON]:
    settings = fiber.execution.settings
    place = f"{settings.region}:{settings.account}"
    entry: dict[str, JSON] = {
        "ExecutionArn": f"arn:aws:states:{place}:execution:{run.program.name}:{child.name}",
        "Input": text(child.input),
        "InputDetails": {"Included": True},
        "Name": child.name,
        "StartDate": iso(child.start),
        "StateMachineArn": f"arn:aws:states:{place}:stateMachine:{run.program.name}",
        "Status": "SUCCEEDED" if isinstance(child.signal, Succeeded) else "FAILED",
        "StopDate": iso(child.stop),
    }
    if isinstance(child.signal, Succeeded):
        entry |= {"Output": text(child.signal.output), "OutputDetails": {"Included": True}}
    else:
        entry |= {"Error": child.signal.error, "Cause": child.signal.cause}
    return entry


def _transformed(entries: list[dict[str, JSON]], children: list[Child], transformation: str) -> list[JSON]:
    """NONE keeps what is known of each execution, COMPACT the outputs alone, FLATTEN joins outputs that are lists."""
    if transformation == "NONE":
        return list(entries)
    wanted = {entry["Name"] for entry in entries}
    outputs: list[JSON] = []
    for child in children:
        if child.name in wanted:
            output = child.signal.output if isinstance(child.signal, Succeeded) else {"Error": child.signal.error}
            outputs += output if transformation == "FLATTEN" and isinstance(output, list) else [output]
    return outputs
