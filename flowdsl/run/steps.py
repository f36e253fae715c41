"""Print a run: its steps or events to stderr as they happen, and its result."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

import click
from attrs import evolve, frozen

from ..asl.tree import Tree
from ..base.source import display_path
from ..project.mistakes import is_authors
from .visits import PASSED_ON, Reading, ended_in, origin

if TYPE_CHECKING:
    from ..engine import Call, Event, Reply, Result

_COLOURS = {"SUCCEEDED": "green", "RUNNING": "yellow"}
_SCHEDULED = ("TaskScheduled", "LambdaFunctionScheduled", "ActivityScheduled")
_COLUMN = 12
"""The width of the time since the start: days, or fractions of a second."""
_FAILED = ("TimedOut", "Failed")
_FRAME = re.compile(r'\s*File "(.+)", line (\d+), in ')
_TELLING = 1000
"""The characters of a cause that identify a failed call."""
_SHOWN = 4
"""The attempts of a state that are printed; later ones that fail in the same way are counted."""
_LONG = 120
"""The characters of an error with its cause that are printed each time. Longer ones are printed in whole once."""


@frozen
class _Place:
    """The place of an event: a state of an execution, and the items of the Maps around it, outermost first.

    `child` identifies the child execution.
    """

    arn: str
    child: str = ""
    state: str = ""
    items: tuple[int, ...] = ()

    def __str__(self) -> str:
        return self.state + self.child + "".join(f" (item {index})" for index in self.items)


class Steps:
    """Prints the steps of the executions of one definition.

    `root` is the folder of the handlers; `mocked` are the states with a --mock.
    """

    def __init__(
        self, definition: Mapping[str, Any], *, root: Path, real_time: bool, mocked: Collection[str] = ()
    ) -> None:
        self._root = root
        self._real_time = real_time
        self._mocked = mocked
        self._started = time.monotonic()
        self._around = {node.name: [each.type for each in node.ancestors] for node in Tree(definition)}
        self._places: dict[tuple[str, int], _Place] = {}
        """By execution and event."""
        self._readings: dict[str, Reading] = {}
        """By execution."""
        self._attempts: dict[_Place, int] = {}
        self._entered: dict[_Place, float] = {}
        self._waiting: dict[_Place, str] = {}
        """The states that are waiting, and for what."""
        self._children: dict[str, str] = {}
        """The labels of child executions by ARN; the label of the execution itself is empty."""
        self._start = 0.0
        self._written: dict[tuple[str, str], list[str]] = {}
        """What failed calls wrote, by state and cause, until their events come."""
        self._last: dict[_Place, str] = {}
        """The last failure of each state."""
        self._retry: tuple[Event, str] | None = None
        """A retry that is not printed yet: it may fail as those before."""
        self._folded: tuple[Event, str, int] | None = None
        """The last of the failures that are not printed, its state, and their number."""
        self._printed: set[str] = set()
        """Long errors with their causes."""

    def keep_output(self, call: Call, reply: Reply, text: str) -> None:
        """Keep what a failed call wrote, to print it with the failure."""
        if reply.kind == "failed" and text:
            self._written.setdefault((call.state_name, (reply.cause or "")[:_TELLING]), []).append(text)

    def nothing(self, result: Result, event: Event) -> None:
        """Print nothing, but remember what `show_end` prints."""
        self._follow(result, event)

    def event(self, result: Result, event: Event) -> None:
        self._show_output(self._follow(result, event), event)
        details = json.dumps(self._without_repetition(event.details), ensure_ascii=False) if event.details else ""
        child = self._children[result.arn]
        self._say(event, f"{event.id:>4} <- {event.previous:<4} {event.type}{child}  {details}".rstrip())

    def step(self, result: Result, event: Event) -> None:
        at = self._follow(result, event)
        indent = self._indent(at)
        if event.type.endswith("StateEntered"):
            self._entered[at], self._attempts[at] = event.timestamp, 0
            items = str(at).removeprefix(at.state)
            self._say(event, indent + click.style(at.state, bold=True) + click.style(items, dim=True) * bool(items))
        elif event.type == "WaitStateExited":
            waited = duration(event.timestamp - self._entered[at])
            self._say(event, indent + click.style(f"{at} waited {waited}", dim=True))
        elif event.type in _SCHEDULED:
            self._attempts[at] = self._attempts.get(at, 0) + 1
            if self._attempts[at] > _SHOWN:
                self._retry = event, indent + f"{at} retries (attempt {self._attempts[at]})"
            elif self._attempts[at] > 1:
                self._say(event, indent + f"{at} retries (attempt {self._attempts[at]})")
        elif waited_for := _find_wait(event):
            self._say(event, indent + click.style(f"{at} waits for {waited_for}", dim=True))
        elif event.type.endswith(_FAILED) and event.type != "ExecutionTimedOut":
            if event.type == "ExecutionFailed":
                source = origin(result.history, event)
                if source.type not in PASSED_ON and source.type.endswith((*_FAILED, "FailStateEntered")):
                    return  # already printed
                at = self._places[result.arn, source.id]
            failure = self._failure(event)
            if self._retry and failure and failure == self._last.get(at):
                number = self._folded[2] + 1 if self._folded else 1
                self._folded, self._retry = (event, indent + str(at), number), None
                self._written.pop((at.state, _cause(event)), None)
                return
            self._last[at] = failure
            self._unfold()
            self._show_output(at, event)
            if failure:
                self._say(event, indent + click.style(f"{at} {failure}", fg="red"))

    def _follow(self, result: Result, event: Event) -> _Place:
        """Record the event and return its place."""
        reading = self._readings.setdefault(result.arn, Reading())
        reading.take(event)
        visit = reading.owners.get(event.id)
        if result.arn not in self._children:
            self._children[result.arn] = self._label(result)
        at = self._places.get((result.arn, event.previous), _Place(result.arn, self._children[result.arn]))
        if visit and visit.id == event.id:
            # Keep only the items of enclosing Maps; the previous event may be in an inner one.
            at = evolve(at, state=visit.name, items=at.items[: self._around.get(visit.name, ()).count("Map")])
        elif visit:
            at = self._places[result.arn, visit.id]
        if event.type == "MapIterationStarted":
            at = evolve(at, items=(*at.items, (event.details or {})["index"]))
        self._places[result.arn, event.id] = at
        waited_for = _find_wait(event)
        if waited_for:
            self._waiting[at] = waited_for
        elif event.type in ("TaskSucceeded", "TaskFailed", "ActivitySucceeded", "ActivityFailed"):
            self._waiting.pop(at, None)
        return at

    def _label(self, result: Result) -> str:
        if not self._children:
            self._start = result.start_date
            return ""
        machine = result.identity.state_machine_name.rpartition("/")[2]
        number = sum(called.startswith(f" ({machine} ") for called in self._children.values()) + 1
        return f" ({machine} {number})"

    def _indent(self, at: _Place) -> str:
        return "  " * len(self._around.get(at.state, ()))

    def _failure(self, event: Event) -> str:
        """Describe the failure; empty if the event only passes on a failure from inside."""
        details = event.details or {}
        reason = self._reason(details.get("error"), details.get("cause"))
        if event.type.endswith("TimedOut"):
            return f"timed out: {reason}" if reason else "timed out"
        return f"failed: {reason}" if reason else ""

    def _reason(self, error: str | None, cause: str | None) -> str:
        """The error and its cause, or their beginning if they were printed before; and where it was raised."""
        text, place = self._read_cause(error, cause)
        return (_beginning(text) if self._is_repeated(text) else text) + place

    def _without_repetition(self, details: Mapping[str, Any]) -> Mapping[str, Any]:
        """An event's details; only the beginning of a cause that was printed before."""
        cause = details.get("cause")
        if not cause or not self._is_repeated(self._read_cause(details.get("error"), cause)[0]):
            return details
        return {**details, "cause": _beginning(cause)}

    def _is_repeated(self, text: str) -> bool:
        """True if the text is long and was printed before."""
        if text in self._printed:
            return True
        if len(text) > _LONG:
            self._printed.add(text)
        return False

    def _read_cause(self, error: str | None, cause: str | None) -> tuple[str, str]:
        """The error and its cause, and the place. If the cause is Lambda's JSON: its message, where it was raised."""
        place = ""
        with suppress(ValueError, KeyError, TypeError):
            response = json.loads(cause or "")
            cause = response["errorMessage"]
            place = self._innermost_place(response["stackTrace"])
        return ": ".join(part for part in (error, cause) if part), place

    def _innermost_place(self, trace: list[str]) -> str:
        """The innermost place in the project."""
        frames = [_FRAME.match(frame) for frame in reversed(trace)]
        places = [(Path(frame[1]), frame[2]) for frame in frames if frame]
        return next((f" (at {display_path(file)}:{line})" for file, line in places if is_authors(file, self._root)), "")

    def _show_output(self, at: _Place, event: Event) -> None:
        texts = self._written.get((at.state, _cause(event)))
        if texts and event.type.endswith("Failed"):
            for line in texts.pop(0).splitlines():
                click.echo(f"{'':>{_COLUMN}}  {self._indent(at)}| {line}", err=True)

    def _unfold(self) -> None:
        """Print the number of failures that were not printed, and the retry after them."""
        folded, retry = self._folded, self._retry
        self._folded = self._retry = None
        if folded:
            event, at, number = folded
            self._say(event, click.style(f"{at} failed {number} more times in the same way", fg="red"))
        if retry:
            self._say(*retry)

    def _say(self, event: Event, what: str) -> None:
        self._unfold()
        since = "+" + duration(event.timestamp - self._start)
        click.echo(f"{click.style(f'{since:>{_COLUMN}}', fg='cyan')}  {_continued(what)}", err=True)

    def show_end(self, result: Result) -> None:
        """Print how the execution ended."""
        self._unfold()
        status = click.style(result.status, fg=_COLOURS.get(result.status, "red"), bold=True)
        text = f"{status} after {duration(result.duration)}"
        if not self._real_time:
            text += f" of virtual time ({time.monotonic() - self._started:.1f} s in reality)"
        if result.status == "RUNNING":
            text = f"{status}: the execution waits for something that nothing will send"
        elif result.status == "TIMED_OUT":
            states = ended_in(result.history)
            text += f": timeout reached in {', '.join(states)}" if states else ": timeout reached"
        elif result.error is not None or result.cause is not None:
            text += f": {_continued(self._reason(result.error, result.cause))}"
        click.echo(text, err=True)
        for state, waited_for in {at.state: waited_for for at, waited_for in self._waiting.items()}.items():
            alone = f"; --mock {quote(state)}=… only answers its call" if state in self._mocked else ""
            hint = f"answer it with --callback {quote(state)}='{{…}}'{alone}"
            click.echo(f"{_continued(state)} waits for {waited_for} that never comes\n      = {hint}", err=True)


def _cause(event: Event) -> str:
    return str((event.details or {}).get("cause") or "")[:_TELLING]


def _beginning(text: str) -> str:
    return text if len(text) <= _LONG else f"{text[:_LONG].rstrip()} …"


def _continued(text: str) -> str:
    """The text with its further lines indented, so that no name or cause looks like a line of ours."""
    return text.replace("\n", f"\n{'':>{_COLUMN}}  | ")


def _find_wait(event: Event) -> str:
    """What the task waits for from outside; empty if it does not wait."""
    if event.type == "ActivityScheduled":
        return "a worker"
    waits = event.type == "TaskSubmitted" and (event.details or {}).get("resource", "").endswith("waitForTaskToken")
    return "a callback" if waits else ""


def duration(seconds: float) -> str:
    """`0:05:00`, `1d 0:00:00`; fractions of a second only where there are any.

    >>> duration(300), duration(300.25), duration(90061)
    ('0:05:00', '0:05:00.250', '1d 1:01:01')
    """
    whole = timedelta(milliseconds=round(seconds * 1000))
    text = str(timedelta(seconds=whole.seconds, microseconds=whole.microseconds))
    return (f"{whole.days}d " if whole.days else "") + (text[:-3] if "." in text else text)


def render(result: Result, *, events: bool) -> dict[str, Any]:
    """The execution as DescribeExecution returns it, with JSON values instead of texts; times are in UTC."""
    execution: dict[str, Any] = {
        "name": result.name,
        "executionArn": result.arn,
        "stateMachineArn": result.identity.state_machine_arn,
        "status": result.status,
        "startDate": _date(result.start_date),
    }
    if result.stop_date is not None:
        execution["stopDate"] = _date(result.stop_date)
    execution["input"] = result.input
    if result.status == "SUCCEEDED":
        execution["output"] = result.output
    execution |= {key: value for key, value in (("error", result.error), ("cause", result.cause)) if value is not None}
    if events:
        execution["events"] = [
            {**event, "timestamp": event["timestamp"].isoformat()} for event in result.history.render()
        ]
        if result.children:
            execution["children"] = [render(child, events=True) for child in result.children]
    return execution


def _date(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()
