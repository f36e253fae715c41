"""How a run is shown: the steps and events on stderr as they happen, and the result."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from ..engine import Event, Result

_COLOURS = {"SUCCEEDED": "green", "RUNNING": "yellow"}
_SCHEDULED = ("TaskScheduled", "LambdaFunctionScheduled", "ActivityScheduled")


class Steps:
    """Shows the steps of the executions of one definition."""

    def __init__(self, definition: Mapping[str, Any], *, real_time: bool) -> None:
        self._real_time = real_time
        self._started = time.monotonic()
        self._depths = {name: depth for name, _, depth in nested(definition)}
        self._states: dict[int, str] = {}
        """The state that each event belongs to."""
        self._attempts: dict[str, int] = {}
        self._entered: dict[str, float] = {}
        self._waiting: dict[str, None] = {}

    def event(self, result: Result, event: Event) -> None:
        details = json.dumps(event.details, ensure_ascii=False) if event.details else ""
        _say(result, event, f"{event.id:>4} <- {event.previous:<4} {event.type}  {details}".rstrip())

    def step(self, result: Result, event: Event) -> None:
        name = event.name if event.type.endswith(("StateEntered", "StateExited")) else None
        name = self._states[event.id] = name or self._states.get(event.previous, "")
        indent = "  " * self._depths.get(name, 0)
        if event.type.endswith("StateEntered"):
            self._entered[name], self._attempts[name] = event.timestamp, 0
            _say(result, event, indent + click.style(name, bold=True))
        elif event.type == "WaitStateExited":
            waited = duration(event.timestamp - self._entered[name])
            _say(result, event, indent + click.style(f"{name} waited {waited}", dim=True))
        elif event.type in _SCHEDULED:
            self._attempts[name] += 1
            if self._attempts[name] > 1:
                _say(result, event, indent + f"{name} is tried again (attempt {self._attempts[name]})")
        elif event.type == "TaskSubmitted" and (event.details or {}).get("resource", "").endswith("waitForTaskToken"):
            self._waiting[name] = None
            _say(result, event, indent + click.style(f"{name} waits for a callback", dim=True))
        elif event.type.endswith(("TimedOut", "Failed")) and not event.type.startswith("Execution"):
            self._waiting.pop(name, None)
            _say(result, event, indent + click.style(f"{name} {_failure(event)}", fg="red"))
        elif event.type.endswith("Succeeded"):
            self._waiting.pop(name, None)

    def ended(self, result: Result) -> None:
        """Say how the execution ended."""
        status = click.style(result.status, fg=_COLOURS.get(result.status, "red"), bold=True)
        said = f"{status} after {duration(result.duration)}"
        if not self._real_time:
            said += f" of virtual time ({time.monotonic() - self._started:.1f} s in reality)"
        if result.status == "RUNNING":
            waiting = ", ".join(self._waiting) or "something"
            said = (
                f"{status}: waits for a callback of {waiting} that nothing sends; answer it with --callback STATE=JSON"
            )
        elif result.error is not None or result.cause is not None:
            said += f": {_reason(result.error, result.cause)}"
        click.echo(said, err=True)


def _failure(event: Event) -> str:
    details = event.details or {}
    what = "timed out" if event.type.endswith("TimedOut") else "failed"
    reason = _reason(details.get("error"), details.get("cause"))
    return f"{what}: {reason}" if reason else what


def _reason(error: str | None, cause: str | None) -> str:
    """The error and its cause; of a cause that is Lambda's JSON only the message."""
    with suppress(ValueError, KeyError, TypeError):
        cause = json.loads(cause or "")["errorMessage"]
    return ": ".join(part for part in (error, cause) if part)


def _say(result: Result, event: Event, what: str) -> None:
    since = "+" + duration(event.timestamp - result.start_date)
    click.echo(f"{click.style(f'{since:>9}', fg='cyan')}  {what}", err=True)


def duration(seconds: float) -> str:
    """`0:05:00`, `1 day, 0:00:00`; fractions of a second only where there are any.

    >>> duration(300), duration(90061.25)
    ('0:05:00', '1 day, 1:01:01.250')
    """
    text = str(timedelta(milliseconds=round(seconds * 1000)))
    return text[:-3] if "." in text else text


def nested(definition: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any], int]]:
    """Every state: its name, the state, and how deep in Parallel and Map it is."""
    todo: list[tuple[Mapping[str, Any], int]] = [(definition, 0)]
    while todo:
        graph, depth = todo.pop()
        for name, state in graph.get("States", {}).items():
            yield name, state, depth
            inner = [*state.get("Branches", ()), state.get("ItemProcessor"), state.get("Iterator")]
            todo.extend((each, depth + 1) for each in inner if each)


def render(result: Result, *, events: bool) -> dict[str, Any]:
    """The execution as DescribeExecution shows it, with JSON values for the texts; times in UTC."""
    shown: dict[str, Any] = {
        "name": result.name,
        "executionArn": result.arn,
        "stateMachineArn": result.identity.state_machine_arn,
        "status": result.status,
        "startDate": _date(result.start_date),
    }
    if result.stop_date is not None:
        shown["stopDate"] = _date(result.stop_date)
    shown["input"] = result.input
    if result.status == "SUCCEEDED":
        shown["output"] = result.output
    shown |= {key: value for key, value in (("error", result.error), ("cause", result.cause)) if value is not None}
    if events:
        shown["events"] = [{**event, "timestamp": event["timestamp"].isoformat()} for event in result.history.render()]
    return shown


def _date(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()
