"""Executions of Express state machines: the API lists and describes none, but the state machine's log group has them.

With the log level ERROR or FATAL it only has what failed. Inputs and outputs are never logged (`wanted`).
Source: Step Functions Developer Guide, "Using CloudWatch Logs to log execution history"; CloudWatch Logs API Reference,
FilterLogEvents. A record has id, type, details, previous_event_id, event_timestamp (milliseconds) and execution_arn,
numbers as text: so the logs in the tests of DataDog/datadog-serverless-functions, aws/logs_monitoring.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from ..engine.history import MEMBERS
from .aws import Aws, items

LISTED: Final = timedelta(days=1)
"""How far back executions are listed."""
SHOWN: Final = timedelta(days=14)
"""How far back the events of one execution are looked for."""
_ENDS: Final = {"ExecutionSucceeded": "SUCCEEDED", "ExecutionFailed": "FAILED", "ExecutionTimedOut": "TIMED_OUT"}


def log_group(described: Mapping[str, Any]) -> str | None:
    """The name of a described state machine's log group."""
    for each in described.get("loggingConfiguration", {}).get("destinations", ()):
        if "cloudWatchLogsLogGroup" in each:
            arn = str(each["cloudWatchLogsLogGroup"]["logGroupArn"])
            return arn.removesuffix(":*").rpartition("log-group:")[2]
    return None


def list_logged(aws: Aws, group: str, now: datetime, *, status: str | None, most: int) -> list[dict[str, Any]]:
    """The executions of the last day, as ListExecutions would tell of them: the latest first. Raises CallError."""
    rows: dict[str, dict[str, Any]] = {}
    for record in _records(aws, group, '{ $.type = "Execution*" }', now - LISTED):
        arn = str(record["execution_arn"])
        row = rows.setdefault(arn, {"executionArn": arn, "name": arn.split(":")[7], "status": "RUNNING"})
        if record["type"] in _ENDS:
            row |= {"status": _ENDS[record["type"]], "stopDate": _date(record)}
        row["startDate"] = min(_date(record), row.get("startDate", _date(record)))
    chosen = [each for each in rows.values() if status in (None, each["status"])]
    return sorted(chosen, key=lambda each: each["startDate"], reverse=True)[:most]


def read_logged(aws: Aws, group: str, execution: str, now: datetime) -> list[dict[str, Any]]:
    """The events of one execution as GetExecutionHistory would return them, oldest first. Raises CallError."""
    records = _records(aws, group, f'{{ $.execution_arn = "{execution}" }}', now - SHOWN)
    events = {int(record["id"]): _event(record) for record in records}
    return [events[number] for number in sorted(events)]


def describe_logged(execution: str, events: list[dict[str, Any]]) -> dict[str, Any]:
    """What DescribeExecution would say of an execution with these events; empty without events."""
    if not events:
        return {}
    status = _ENDS.get(events[-1]["type"], "RUNNING")
    return {"name": execution.split(":")[7], "status": status, "startDate": events[0]["timestamp"]}


def _records(aws: Aws, group: str, pattern: str, since: datetime) -> Iterator[dict[str, Any]]:
    start = int(since.timestamp() * 1000)
    listed = items(aws, "logs", "FilterLogEvents", logGroupName=group, filterPattern=pattern, startTime=start)
    for each in listed:
        try:
            record = json.loads(each["message"])
        except ValueError:
            continue  # what is not of Step Functions
        if isinstance(record, dict) and re.fullmatch(r"\d+", str(record.get("id"))) and "execution_arn" in record:
            yield record


def _date(record: Mapping[str, Any]) -> datetime:
    return datetime.fromtimestamp(int(record["event_timestamp"]) / 1000, UTC)


def _event(record: Mapping[str, Any]) -> dict[str, Any]:
    event = {
        "id": int(record["id"]),
        "previousEventId": int(record.get("previous_event_id", 0)),
        "timestamp": _date(record),
        "type": record["type"],
    }
    member = MEMBERS.get(record["type"])
    return {**event, member: record["details"]} if member and record.get("details") else event
