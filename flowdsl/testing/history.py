"""The history of an execution, from the service or from the embedded engine, and what tests ask about it."""

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
    """What a step is. TASK is every Task state; LAMBDA, ACTIVITY and SERVICE tell what the Task calls.

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
        """Whether the visited state is of this type."""
        if self is StepType.SERVICE:
            return visit.integration not in (None, "lambda", "activity")
        return self.value in (visit.type, visit.integration)


class History(Sequence[Event]):
    """The events of one execution, oldest first, with questions that tests ask.

    The counters are by state name and compare with dicts: `history.succeeded(StepType.LAMBDA) == {"Setup": 1}`; where
    no step type is given they count every state. Times are in seconds, of the clock that the execution ran on.
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
        """How often each Task, Parallel or Map succeeded; a state of another type did so where it was left."""
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
        """Every failed attempt of a state (of all states), oldest first. Raises LookupError as `spent`."""
        return [fault for visit in self._named(name) for fault in visit.faults]

    def states(self) -> list[str]:
        """The names of the states in the order in which they were entered."""
        return [visit.name for visit in self.visits]

    def ended_in(self) -> list[str]:
        """The state in which the execution failed, or those that it was in when it timed out or was aborted."""
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
        """How long each stay in a Wait state (of this name) took, in order, one that was cut off included. Raises
        LookupError as `spent`."""
        waits = [visit for visit in self._named(name) if StepType.WAIT.takes(visit)]
        if not waits and name is not None:
            raise LookupError(f"{name!r} is no Wait state")
        return [visit.seconds for visit in waits]

    def waited(self, name: str | None = None) -> float:
        """Seconds in Wait states (of this name) together. Raises LookupError as `spent`."""
        return sum(self.waits(name))

    def spent(self, name: str) -> float:
        """Seconds in all stays in a state, its retries and what is inside it included.

        Raises LookupError where it was never entered: a name that is misspelt is not a state that took no time.
        """
        return sum(visit.seconds for visit in self._named(name))

    @property
    def _has_map_runs(self) -> bool:
        return any(event.type == "MapRunStarted" for event in self.events)

    def _named(self, name: str | None) -> list[Visit]:
        found = [visit for visit in self.visits if name in (None, visit.name)]
        if not found and name is not None:
            where = (
                "; the states of a Distributed Map are in the histories of run.children" if self._has_map_runs else ""
            )
            raise LookupError(f"the execution never entered {name!r}; it entered {', '.join(self.entered())}{where}")
        return found

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
    found: Counter[str] = Counter()
    for name, count in counts:
        if count:
            found[name] += count
    return found


def _parse(event: Mapping[str, Any]) -> Event:
    type_ = event["type"]
    details = event.get(MEMBERS.get(type_, ""))
    read = None if details is None else {key: _value(key, value) for key, value in details.items() if not _about(key)}
    return Event(event["id"], event.get("previousEventId", 0), _seconds(event["timestamp"]), type_, read)


def _about(key: str) -> bool:
    """Whether the member only says that another one was truncated."""
    return key in ("inputDetails", "outputDetails", "assignedVariablesDetails")


def _value(key: str, value: Any) -> Any:
    if key == "assignedVariables":
        return {name: _json(text) for name, text in value.items()}
    return _json(value) if key in _TEXT else value


def _json(text: Any) -> Any:
    """The value of a JSON text; a text that the service has truncated stays one."""
    try:
        return json.loads(text)
    except (ValueError, TypeError):
        return text


def _seconds(timestamp: Any) -> float:
    if isinstance(timestamp, str):
        timestamp = datetime.fromisoformat(timestamp)
    return timestamp.timestamp() if isinstance(timestamp, datetime) else float(timestamp)
