"""The history of an execution, from AWS or the embedded engine, with counters and times for tests."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import Enum
from functools import cached_property
from typing import Any, overload

from ..engine.history import MEMBERS, Event
from ..run.visits import Fault, Visit, ended_in, visits

_TEXT = ("input", "output", "parameters")


class StepType(Enum):
    """The type of a step. TASK is every Task state; LAMBDA, ACTIVITY and SERVICE are Tasks by what they call.

    LAMBDA is a Lambda function, whether the Resource is its ARN (events of type LambdaFunction…) or `lambda:invoke`
    (events of type Task… with resourceType lambda); SERVICE is every other service integration.
    """

    TASK = "Task"
    LAMBDA = "lambda"
    ACTIVITY = "activity"
    SERVICE = "service"
    PASS = "Pass"  # noqa: S105 - a state type
    CHOICE = "Choice"
    WAIT = "Wait"
    SUCCEED = "Succeed"
    FAIL = "Fail"
    PARALLEL = "Parallel"
    MAP = "Map"

    def takes(self, visit: Visit) -> bool:
        """True if the visited state is of this type."""
        if self is StepType.SERVICE:
            return visit.integration not in (None, "lambda", "activity")
        return self.value in (visit.type, visit.integration)


class History(Sequence[Event]):
    """The events of one execution, oldest first, with counters and times for tests.

    Counters are by state name and compare with dicts: `history.succeeded(StepType.LAMBDA) == {"Setup": 1}`; without a
    step type they count all states. Times are in seconds, from the clock that the execution ran on.
    """

    def __init__(self, events: Iterable[Event]) -> None:
        self.events = tuple(events)

    @classmethod
    def parse(cls, events: Iterable[Mapping[str, Any]]) -> History:
        """The `events` of GetExecutionHistory, as boto3 (dates) or the AWS CLI (text) gives them."""
        return cls(_parse(event) for event in events)

    def render(self) -> list[dict[str, Any]]:
        """The `events` of boto3's get_execution_history."""
        return [event.render() for event in self.events]

    @cached_property
    def visits(self) -> list[Visit]:
        """Every stay in a state, in the order in which they began."""
        return visits(self.events)

    @property
    def input(self) -> Any:
        """The execution's input."""
        return (self.events[0].details or {}).get("input") if self.events else None

    # -- counters

    def entered(self, *types: StepType) -> Counter[str]:
        """How often each state was entered."""
        return Counter(visit.name for visit in self._of(types))

    def exited(self, *types: StepType) -> Counter[str]:
        """How often each state was left for another one or for the end."""
        return Counter(visit.name for visit in self._of(types) if visit.stop is not None)

    def attempted(self, *types: StepType) -> Counter[str]:
        """How often each Task, Parallel or Map was tried, retries included."""
        return _sum((visit.name, visit.attempts) for visit in self._of(types))

    def succeeded(self, *types: StepType) -> Counter[str]:
        """How often each Task, Parallel or Map succeeded; for other types, how often the state was left."""
        return _sum((visit.name, _successes(visit)) for visit in self._of(types))

    def failed(self, *types: StepType) -> Counter[str]:
        """How often each state failed, retried attempts included; a Fail state fails whenever it is entered."""
        return _sum((visit.name, 1 if visit.type == "Fail" else len(visit.faults)) for visit in self._of(types))

    def retried(self, *types: StepType) -> Counter[str]:
        """How often each state was tried again after it had failed."""
        return _sum((visit.name, len(visit.retried)) for visit in self._of(types))

    def caught(self, *types: StepType) -> Counter[str]:
        """How often each state failed and a Catch took over."""
        return Counter(visit.name for visit in self._of(types) if visit.failed and visit.stop is not None)

    def faults(self, name: str | None = None) -> list[Fault]:
        """Every failed attempt of a state (of all states), oldest first. Raises LookupError like `spent`."""
        __tracebackhide__ = True
        return [fault for visit in self._named(name) for fault in visit.faults]

    def states(self) -> list[str]:
        """The names of the states in the order in which they were entered."""
        return [visit.name for visit in self.visits]

    def ended_in(self) -> list[str]:
        """States that were active when the execution failed, timed out or was aborted; empty if it succeeded."""
        return ended_in(self.events)

    # -- time

    @property
    def start(self) -> float:
        """When the execution started: seconds since 1970."""
        return self.events[0].timestamp

    @property
    def stop(self) -> float:
        """When the last event happened: seconds since 1970."""
        return self.events[-1].timestamp

    @property
    def duration(self) -> float:
        return self.stop - self.start

    def waits(self, name: str | None = None) -> list[float]:
        """The seconds of each visit of a Wait state (of this name), in order, including an interrupted one. Raises
        LookupError like `spent`."""
        __tracebackhide__ = True
        waits = [visit for visit in self._named(name) if StepType.WAIT.takes(visit)]
        if not waits and name is not None:
            raise LookupError(f"{name!r} is not a Wait state")
        return [visit.seconds for visit in waits]

    def waited(self, name: str | None = None) -> float:
        """The seconds in all Wait states, or in the one of this name. Raises LookupError like `spent`."""
        __tracebackhide__ = True
        return sum(self.waits(name))

    def spent(self, name: str) -> float:
        """The seconds of all visits of a state, including retries and inner states.

        Raises LookupError if the state was never entered, because its name may be misspelt.
        """
        __tracebackhide__ = True
        return sum(visit.seconds for visit in self._named(name))

    @property
    def _has_map_runs(self) -> bool:
        return any(event.type == "MapRunStarted" for event in self.events)

    def _named(self, name: str | None) -> list[Visit]:
        __tracebackhide__ = True
        matches = [visit for visit in self.visits if name in (None, visit.name)]
        if not matches and name is not None:
            where = (
                "; the states of a Distributed Map are in the histories of run.children" if self._has_map_runs else ""
            )
            raise LookupError(f"the execution never entered {name!r}; it entered {', '.join(self.entered())}{where}")
        return matches

    def _of(self, types: Sequence[StepType]) -> Iterable[Visit]:
        return [visit for visit in self.visits if not types or any(each.takes(visit) for each in types)]

    # -- a sequence

    @overload
    def __getitem__(self, index: int) -> Event: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Event, ...]: ...
    def __getitem__(self, index: int | slice) -> Event | tuple[Event, ...]:
        return self.events[index]

    def __len__(self) -> int:
        return len(self.events)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, History) and self.events == other.events

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"History({len(self)} events)"


def _successes(visit: Visit) -> int:
    if visit.type in ("Task", "Parallel", "Map"):
        return visit.successes
    return int(visit.stop is not None)


def _sum(counts: Iterable[tuple[str, int]]) -> Counter[str]:
    totals: Counter[str] = Counter()
    for name, count in counts:
        if count:
            totals[name] += count
    return totals


def _parse(event: Mapping[str, Any]) -> Event:
    type_ = event["type"]
    details = event.get(MEMBERS.get(type_, ""))
    read = None if details is None else {key: _value(key, value) for key, value in details.items() if not _about(key)}
    return Event(event["id"], event.get("previousEventId", 0), _seconds(event["timestamp"]), type_, read)


def _about(key: str) -> bool:
    """True if the member only tells whether another one was truncated."""
    return key in ("inputDetails", "outputDetails", "assignedVariablesDetails")


def _value(key: str, value: Any) -> Any:
    if key == "assignedVariables":
        return {name: _json(text) for name, text in value.items()}
    return _json(value) if key in _TEXT else value


def _json(text: Any) -> Any:
    """The value of a JSON text; a text that AWS truncated is returned unchanged."""
    try:
        return json.loads(text)
    except (ValueError, TypeError):
        return text


def _seconds(timestamp: Any) -> float:
    if isinstance(timestamp, str):
        timestamp = datetime.fromisoformat(timestamp)
    return timestamp.timestamp() if isinstance(timestamp, datetime) else float(timestamp)
