"""The route of an execution as text: states, attempts, waits, where the time went, and where it failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from ..base.source import Span
from ..engine.history import Event
from .masking import mask_text
from .steps import duration
from .visits import PASSED_ON, Visit, ended_in, origin, visits

Locate = Callable[[str], Span | None]
"""Returns where a state is in the author's file."""

_BRANCHING = ("Parallel", "Map")
_MOST = 5


def describe_route(events: Sequence[Event], locate: Locate = lambda _: None) -> Iterator[str]:
    """Yield the lines: each visit of a state, the failure, and the states that took most of the time."""
    yield from (line.replace("\n", "\\n") for line in _lines(events, locate))


def describe_failed_run(events: Sequence[Event], locate: Locate = lambda _: None) -> Iterator[str]:
    """Yield the lines for a test that failed: the failing states first, if the execution failed, then all visits."""
    lines = (*_failure(events, locate), *_visits(events, visits(events)))
    yield from ("".join(each if each.isprintable() else repr(each)[1:-1] for each in line) for line in lines)


def _lines(events: Sequence[Event], locate: Locate) -> Iterator[str]:
    every = visits(events)
    yield from _visits(events, every)
    yield from _failure(events, locate)
    yield from _time(every)


def _visits(events: Sequence[Event], every: Sequence[Visit]) -> Iterator[str]:
    width = max((len(each.name) + 2 * _depth(each) for each in every), default=0)
    for visit in every:
        label = "  " * _depth(visit) + visit.name
        line = f"{duration(visit.start - events[0].timestamp):>12}  {label:<{width}}  {visit.type:<8}"
        yield f"{line}  {duration(visit.seconds)}{_attempts(visit)}".rstrip()


def describe_event(event: Event, start: float) -> str:
    """One event as a line."""
    details = event.details or {}
    line = f"{duration(event.timestamp - start):>12}  {event.type}"
    what = [str(details[key]) for key in ("name", "error") if details.get(key)]
    cause = [mask_text(str(details["cause"]))] if details.get("cause") else []
    return "  ".join([line, *what, *cause]).replace("\n", "\\n")


def event_as_json(event: Event) -> dict[str, Any]:
    """One event without its payloads, its cause masked."""
    details = event.details or {}
    facts = {key: details[key] for key in ("name", "error") if details.get(key)}
    cause = {"cause": mask_text(str(details["cause"]))} if details.get("cause") else {}
    when = datetime.fromtimestamp(event.timestamp, UTC).isoformat(timespec="milliseconds")
    return {"id": event.id, "timestamp": when, "type": event.type, **facts, **cause}


def route_as_json(events: Sequence[Event], locate: Locate = lambda _: None) -> dict[str, Any]:
    """What `describe_route` tells, as JSON values: times in seconds from the start of the execution."""
    every = visits(events)
    route = [
        {
            "state": visit.name,
            "type": visit.type,
            "depth": _depth(visit),
            "start": round(visit.start - events[0].timestamp, 3),
            "seconds": round(visit.seconds, 3),
            "attempts": visit.attempts,
            "errors": [fault.error for fault in visit.faults],
            "left": visit.stop is not None,
        }
        for visit in every
    ]
    failed = []
    for state in ended_in(events):
        span = locate(state)
        failed.append({"state": state, "line": str(span) if span else None})
    error, cause = _error(events) if failed else (None, None)
    return {"route": route, "failed": failed, "error": error, "cause": cause}


def _attempts(visit: Visit) -> str:
    notes = []
    if visit.attempts > 1:
        notes.append(f"{visit.attempts} attempts")
    if visit.faults:
        errors = Counter(fault.error or "an error inside" for fault in visit.faults)
        notes.append(", ".join(f"{error} ×{count}" if count > 1 else error for error, count in errors.items()))
    if visit.failed and visit.stop is not None:
        notes.append("caught")
    elif visit.goes_on and not visit.failed:
        notes.append("not left")
    return f"  ({'; '.join(notes)})" if notes else ""


def _failure(events: Sequence[Event], locate: Locate) -> Iterator[str]:
    if not events:
        return
    failed = ended_in(events)
    if not failed:
        return
    for state in failed:
        span = locate(state)
        yield f"ended in {state}" + (f", {span}" if span else "")
    error, cause = _error(events)
    if error:
        yield f"  {error}: {cause or ''}".removesuffix(": ")


def _error(events: Sequence[Event]) -> tuple[str | None, str | None]:
    """The error with which an execution ended, and its cause, masked."""
    last = events[-1].details or {}
    source = origin(events, events[-1]) if events[-1].type in PASSED_ON else events[-1]
    details = {**last, **{key: value for key, value in (source.details or {}).items() if key in ("error", "cause")}}
    cause = details.get("cause")
    return details.get("error"), mask_text(str(cause)) if cause else None


def _time(every: Sequence[Visit]) -> Iterator[str]:
    spent: Counter[str] = Counter()
    for visit in every:
        if visit.type not in _BRANCHING:
            spent[visit.name] += visit.seconds  # type: ignore[assignment]  # Counter adds floats as well
    total = sum(spent.values())
    if total:
        yield "time, by state:"
        for name, seconds in spent.most_common(_MOST):
            if seconds:
                yield f"  {duration(seconds):>12}  {seconds / total:4.0%}  {name}"


def _depth(visit: Visit) -> int:
    return 0 if visit.parent is None else 1 + _depth(visit.parent)
