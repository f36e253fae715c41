"""A history as visits: each time a state was entered, its attempts and how it was left.

An event belongs to the state that the event before it (`previousEventId`) belongs to; the events of Parallel and Map,
which follow from those of their branches, are found by climbing from there. So this reads histories of the service and
of the embedded engine alike. Source: Step Functions API reference, HistoryEvent.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from attrs import define, field, frozen

from ..engine.history import Event

_TASKS = ("LambdaFunction", "Activity", "Task")
ATTEMPTS = {f"{task}Scheduled" for task in _TASKS} | {"ParallelStateStarted", "MapStateStarted"}
"""The events with which an attempt of a state begins."""
_SUCCESSES = {f"{task}Succeeded" for task in _TASKS} | {"ParallelStateSucceeded", "MapStateSucceeded"}
_FAILURES = {
    f"{task}{how}" for task in _TASKS for how in ("Failed", "TimedOut", "ScheduleFailed", "StartFailed", "SubmitFailed")
} | {"EvaluationFailed", "MapRunFailed"}
_GIVEN_UP = {"ParallelStateFailed", "MapStateFailed"}
PASSED_ON = {"ExecutionFailed", "ParallelStateFailed", "MapStateFailed", "MapIterationFailed"}
"""The events that pass on a failure from inside, which is the previous event."""
_ENDED_BADLY = {"ExecutionFailed", "ExecutionTimedOut", "ExecutionAborted"}
_BRANCHING = {"ParallelStateStarted": "Parallel", "MapStateStarted": "Map", "MapIterationStarted": "Map"}
_CLIMBING = {
    "ParallelStateStarted": "Parallel",
    "ParallelStateSucceeded": "Parallel",
    "ParallelStateFailed": "Parallel",
    "MapStateStarted": "Map",
    "MapStateSucceeded": "Map",
    "MapStateFailed": "Map",
    "MapRunStarted": "Map",
    "MapRunSucceeded": "Map",
    "MapRunFailed": "Map",
}


@frozen
class Fault:
    """An attempt that failed. `error` and `cause` are None if neither history nor definition contains them."""

    error: str | None
    cause: str | None = None
    heartbeat: bool = False
    """True if HeartbeatSeconds had passed, which States.HeartbeatTimeout matches too."""
    fail_state: str | None = None
    """The Fail state from which the error came; its Error is in the definition."""


@define(eq=False)
class Visit:
    """One stay in a state; times are in seconds since 1970."""

    id: int
    """The id of the event with which it began."""
    name: str
    type: str
    """The state's Type in ASL."""
    start: float
    input: Any = field(repr=False)
    parent: Visit | None = field(repr=False)
    """The visit of the Parallel or Map around it."""
    last: float
    """When the last thing happened in it."""
    attempt: int = 0
    """In which attempt of the Parallel or Map around it, from 1."""
    stop: float | None = None
    """When the state was left; None if it was not."""
    attempts: int = 0
    """How often its task was scheduled, or its branches or iterations were started."""
    successes: int = 0
    faults: list[Fault] = field(factory=list)
    retried: list[Fault] = field(factory=list)
    """Those of the faults after which there was another attempt."""
    failed: bool = False
    """True if its last attempt failed: caught, if it was left nevertheless."""
    following: str | None = None
    """The state that was entered next."""
    integration: str | None = None
    """`lambda`, `activity`, or the service that a Task called; None before anything was called."""
    given_up: bool = False
    scheduled: Event | None = field(default=None, repr=False)

    @property
    def seconds(self) -> float:
        """From start to stop; to the last event in it if it was never left."""
        return (self.last if self.stop is None else self.stop) - self.start

    @property
    def goes_on(self) -> bool:
        """True if neither the visit nor an enclosing one has ended."""
        if self.stop is not None or self.given_up:
            return False
        return self.parent is None or (self.parent.goes_on and self.parent.attempts == self.attempt)


def visits(events: Iterable[Event]) -> list[Visit]:
    """The visits of one execution, in the order in which they began."""
    return Reading.of(events).visits


def ended_in(events: Sequence[Event]) -> list[str]:
    """States that were active when the execution failed or was stopped; empty if it succeeded."""
    if not events or events[-1].type not in _ENDED_BADLY:
        return []
    reading = Reading.of(events)
    if events[-1].type == "ExecutionFailed":
        visit = reading.owners.get(origin(events, events[-1]).id)
        return [visit.name] if visit else []
    inside = [visit for visit in reading.visits if visit.stop is None]
    around = [visit.parent for visit in inside]
    return list(dict.fromkeys(visit.name for visit in inside if visit not in around))


def origin(events: Sequence[Event], event: Event) -> Event:
    """The original failure that `event` passes on; `event` itself if it does not pass on a failure.

    If the failure has no event of its own, it is the last event before it, which belongs to the failed state.
    """
    known = {each.id: each for each in events}
    error = (event.details or {}).get("error")
    while event.type in PASSED_ON and event.previous in known:
        before = known[event.previous]
        if error and (before.details or {}).get("error", error) != error:
            break  # another failure, such as that of a catcher
        if before.type.endswith("StateExited"):
            break  # a failure of the enclosing state itself
        event = before
    return event


@define
class Reading:
    """The visits of one execution, computed event by event."""

    visits: list[Visit] = field(factory=list)
    owners: dict[int, Visit] = field(factory=dict)
    """The visit that an event belongs to, by the event's id."""
    left: dict[int, Visit] = field(factory=dict)
    """The visit that an event of type …StateExited ended."""
    branching: set[int] = field(factory=set)
    """The events after which states inside a Parallel or Map begin."""
    entered: dict[tuple[int, str], Visit] = field(factory=dict)
    """The latest visit by the event before it and the state's name."""

    @classmethod
    def of(cls, events: Iterable[Event]) -> Reading:
        reading = cls()
        for event in events:
            reading.take(event)
        return reading

    def take(self, event: Event) -> None:
        details = event.details or {}
        if event.type.endswith("StateEntered"):
            self._enter(event, details)
            return
        if event.type in _ENDED_BADLY:
            for each in self.visits:
                if each.goes_on:
                    each.last = event.timestamp
        visit = self._owner(event, details)
        if visit is None:
            return
        self.owners[event.id] = visit
        visit.last = event.timestamp
        if event.type.endswith("StateExited"):
            visit.stop = event.timestamp
            self.left[event.id] = visit
        elif event.type in ATTEMPTS:
            self._attempt(visit, event, details)
        elif event.type in _SUCCESSES:
            visit.successes += 1
            visit.failed = False
        elif event.type in _FAILURES:
            visit.faults.append(_fault(visit, event, details))
            visit.failed = True
        elif event.type in _GIVEN_UP:
            self._fail_from_inside(visit, event)
            visit.given_up = True
        elif event.type in _ENDED_BADLY and visit.stop is None and not visit.failed:
            visit.faults.append(Fault(details.get("error"), details.get("cause")))
            visit.failed = True
        if event.type in _BRANCHING:
            self.branching.add(event.id)

    def _enter(self, event: Event, details: dict[str, Any]) -> None:
        before = self.owners.get(event.previous)
        parent = before if event.previous in self.branching or before is None else before.parent
        type_ = event.type.removesuffix("StateEntered")
        now, attempt = event.timestamp, parent.attempts if parent else 0
        visit = Visit(event.id, details["name"], type_, now, details.get("input"), parent, now, attempt)
        if event.previous in self.left:
            self.left[event.previous].following = visit.name
        self.visits.append(visit)
        self.owners[event.id] = visit
        self.entered[event.previous, visit.name] = visit

    def _owner(self, event: Event, details: dict[str, Any]) -> Visit | None:
        visit = self.owners.get(event.previous)
        if event.type in _CLIMBING:
            wanted = _CLIMBING[event.type]
            while visit is not None and not (visit.type == wanted and visit.stop is None and not visit.given_up):
                visit = visit.parent
        elif event.type.endswith("StateExited") or event.type.startswith("MapIteration"):
            while visit is not None and not (visit.name == details.get("name") and visit.stop is None):
                visit = visit.parent
            visit = visit or self._latest(details.get("name"))
        elif event.type == "EvaluationFailed":
            visit = self._find_evaluated(event, str(details.get("state")), visit)
        elif event.type == "ExecutionFailed" and event.previous in self.left:
            visit = self.left[event.previous].parent or visit  # its own evaluation of the branches' results
        return visit

    def _find_evaluated(self, event: Event, state: str, before: Visit | None) -> Visit | None:
        """Find the visit of an expression that failed when its state was entered, before the event of entering it."""
        if before is not None and before.name == state and before.stop is None:
            return before
        return self.entered.get((event.previous, state)) or self._latest(state) or before

    def _latest(self, name: str | None) -> Visit | None:
        return next((visit for visit in reversed(self.visits) if visit.name == name and visit.stop is None), None)

    def _attempt(self, visit: Visit, event: Event, details: dict[str, Any]) -> None:
        if event.type in _BRANCHING and visit.attempts:
            self._fail_from_inside(visit, event)
        if visit.failed:
            visit.retried.append(visit.faults[-1])
        visit.attempts += 1
        visit.failed = False
        visit.scheduled = event
        if event.type.startswith("LambdaFunction"):
            visit.integration = "lambda"
        elif event.type.startswith("Activity"):
            visit.integration = "activity"
        elif event.type.startswith("Task"):
            visit.integration = details.get("resourceType")

    def _fail_from_inside(self, visit: Visit, event: Event) -> None:
        """Record that a Parallel or Map failed because of a state in it, to which the previous event belongs."""
        inner = self.owners.get(event.previous)
        if inner is visit and visit.failed:
            return
        fault = Fault(None)
        if inner is not None and inner is not visit and inner.type == "Fail":
            fault = Fault(None, fail_state=inner.name)
        elif inner is not None and inner.faults:
            fault = inner.faults[-1]
        visit.faults.append(fault)
        visit.failed = True


def _fault(visit: Visit, event: Event, details: dict[str, Any]) -> Fault:
    timed_out = event.type.endswith("TimedOut")
    heartbeat = False
    if timed_out and visit.scheduled is not None:
        limits = visit.scheduled.details or {}
        limit = limits.get("timeoutInSeconds")
        in_time = limit is None or event.timestamp - visit.scheduled.timestamp < limit
        heartbeat = "heartbeatInSeconds" in limits and in_time
    error = details.get("error") or ("States.Timeout" if timed_out else None)
    return Fault(error, details.get("cause"), heartbeat)
