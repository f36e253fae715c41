"""The recorded executions, and the engine run on one of them; tests/conformance_data.py says where they are."""

from __future__ import annotations

import importlib.util
import json
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from attrs import frozen

from flowdsl.base.json import json_text
from flowdsl.engine import (
    Call,
    Event,
    Failed,
    Later,
    Reply,
    Result,
    Scheduler,
    Settings,
    Started,
    Succeeded,
    VirtualClock,
    prepare,
    replay,
)
from flowdsl.engine.execution import Execution
from tests.conformance_data import ROOT

from .service import as_of, updated

ACCOUNT = "111111111111"
PARTS = ("status", "output", "error", "cause", "events")


@cache
def compare() -> ModuleType:
    """The judge that comes with the recordings, else our own."""
    judge = ROOT / "compare.py"
    if not judge.is_file():
        judge = Path(__file__).parent / "compare.py"
    spec = importlib.util.spec_from_file_location("conformance_compare", judge)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def executions() -> Iterator[dict[str, Any]]:
    for file in sorted((ROOT / "executions").glob("*.json")):
        yield from json.loads(file.read_text())


@frozen
class Verdict:
    """What the judge said about one case: `differs` is None where all agrees."""

    case: str
    area: str
    part: str | None
    differs: str | None
    skipped: str | None = None


class Recorded:
    """The invoker that answers each state's calls with what was recorded, in order."""

    def __init__(self, case: dict[str, Any]) -> None:
        self._tasks: dict[str, deque[dict[str, Any]]] = defaultdict(deque)
        self._workers = _workers(case)
        for task in case["tasks"]:
            self._tasks[task["state"]].append(task)

    def __call__(self, call: Call) -> Reply:
        waiting = self._tasks[call.state_name]
        if not waiting and call.integration == "s3" and call.action == "putObject":
            return Reply.succeeded({})  # what a ResultWriter writes is no task, so no answer was recorded
        if not waiting:
            return Reply.failed("Conformance.NotRecorded", f"{call.state_name} was called more often than recorded")
        task = waiting.popleft()
        if call.waits:
            return _pending(call, task, self._workers.get(task["scheduledEventId"]))
        if task["kind"] == "succeeded":
            return Reply.succeeded(_value(task["output"]))
        if task["kind"] == "timedout":
            return Reply.timed_out()
        return Reply.failed(task.get("error"), _text(task.get("cause")))


def _workers(case: dict[str, Any]) -> dict[int, str | None]:
    """How the worker that took an activity's task called itself, by the id of ActivityScheduled."""
    events = case["expected"].get("events") or ()
    started = [event for event in events if event["type"] == "ActivityStarted"]
    return {event["previousEventId"]: event.get("details", {}).get("workerName") for event in started}


def _pending(call: Call, task: dict[str, Any], worker: str | None) -> Reply:
    """A job or a message: what was submitted, then, before any timeout, how it ended."""
    later = []
    if call.integration == "activity" and "ActivityStarted" in task["path"]:
        later.append(Later(0, Started(worker)))
    if task["kind"] == "succeeded":
        later.append(Later(1, Succeeded(_value(task["output"]))))
    elif task["kind"] == "failed":
        later.append(Later(1, Failed(task.get("error"), _text(task.get("cause")))))
    if call.integration != "activity" and "TaskSubmitted" not in task["path"]:
        if task["kind"] == "timedout":
            return Reply.timed_out()
        return Reply.failed(task.get("error"), _text(task.get("cause")))
    return Reply.pending(task.get("submitted"), *later)


def _value(output: Any) -> Any:
    """A recorded output; those that are no objects were kept as JSON text."""
    if isinstance(output, str):
        with suppress(ValueError):
            return json.loads(output)
    return output


def _text(cause: Any) -> str | None:
    return cause if cause is None or isinstance(cause, str) else json.dumps(cause)


def _when(case: dict[str, Any]) -> datetime:
    return datetime.strptime(case["recorded"], "%d-%m-%Y, %H:%M:%S").replace(tzinfo=UTC)


def _activities(case: dict[str, Any]) -> frozenset[str] | None:
    """All activities exist where a task of one was recorded; where none was scheduled, none existed."""
    return None if any(task["resourceType"] == "activity" for task in case["tasks"]) else frozenset()


def run(case: dict[str, Any]) -> Result:
    """Run the case's execution on the day it was recorded, with the recorded answers."""
    when = _when(case)
    program = prepare(case["definition"], name="machine", type=case["state_machine_type"])
    role = f"arn:aws:iam::{ACCOUNT}:role/role"
    settings = Settings(account=ACCOUNT, role_arn=role, activities=_activities(case))
    scheduler = Scheduler(Recorded(case), clock=VirtualClock(when), settings=settings)
    result = scheduler.start(program, case["input"])
    with as_of(when.date()):
        scheduler.run(until=result)
    return result


def replayed(case: dict[str, Any], result: Result) -> Execution:
    """The same execution again, from its journal."""
    program = prepare(case["definition"], name="machine", type=case["state_machine_type"])
    with as_of(_when(case).date()):
        return replay(program, case["input"], result.identity, result.settings, result.journal)


def event_of(event: Event) -> dict[str, Any]:
    """An event in the form of compare.py."""
    rendered = event.render()
    kept = {"type": rendered["type"], "id": rendered["id"], "previousEventId": rendered["previousEventId"]}
    for key, value in rendered.items():
        if key.endswith("EventDetails"):
            details = {name: part for name, part in value.items() if not _dropped(name, part)}
            if details:
                kept["details"] = details
    return kept


def _dropped(name: str, value: Any) -> bool:
    return name == "roleArn" or (name in ("inputDetails", "outputDetails") and value in ({}, {"truncated": False}))


def _output(result: Result) -> str | None:
    """The output as the API has it: JSON text."""
    return json_text(result.output) if result.status == "SUCCEEDED" else None


def _failure(result: Result, *, described: bool) -> tuple[str | None, str | None]:
    """The error and cause as DescribeExecution told them, or else as the last event does, which says of an execution
    that it timed out."""
    if described or not result.history:
        return result.error, result.cause
    details = result.history[-1].details or {}
    return details.get("error"), details.get("cause")


def judge(case: dict[str, Any]) -> Verdict:
    area = case["area"]
    if case.get("needs_s3"):
        return Verdict(case["id"], area, None, None, skipped="its S3 objects were not recorded")
    try:
        result = run(case)
    except Exception as error:  # noqa: BLE001 - a crash is a verdict too
        return Verdict(case["id"], area, "status", f"{type(error).__name__}: {error}")
    expected = case["expected"]
    error, cause = _failure(result, described="describe" in expected)
    differs = compare().outcome_differs(
        expected, status=result.status, output=_output(result), error=error, cause=cause
    )
    if differs is not None:
        return Verdict(case["id"], area, differs.partition(":")[0], differs)
    events = [event_of(event) for event in result.history]
    recorded = updated(expected.get("events"), _when(case).date())
    differs = compare().events_differ(recorded, events, unordered=case.get("unordered_events", False))
    return Verdict(case["id"], area, "events" if differs else None, differs)
