"""An execution as the subject of a picture: the route that it took, its waits and failures, and when all of it was."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from attrs import define, field

from ..asl.tree import Edge, Node, Tree
from ..base.diagnostics import AslPath
from ..graph.picture import Mark
from ..graph.subject import Subject
from ..graph.timeline import Bar, Fault, Timeline
from ..graph.wording import duration
from ..run.masking import mask_text
from ..run.visits import ATTEMPTS, PASSED_ON, Reading, Visit, ended_in, origin
from .coverage import find_node, followed, hits
from .history import History

_MOST_BARS = 2000
"""Stays in a state that the timeline shows; a picture of more could not be read."""


def picture_run(
    name: str,
    definition: Mapping[str, Any],
    history: History,
    children: Sequence[History] = (),
    *,
    details: Mapping[AslPath, Mapping[str, Any]] | None = None,
) -> Subject:
    """Describe an execution for a picture; `children` are the histories of its Distributed Maps' child executions.

    Card numbers and e-mail addresses in causes are masked; inputs and outputs are not in it.
    """
    reader = _Reader(Tree(definition), definition)
    for number, each in enumerate((history, *children)):
        reader.read(each, number)
    return Subject(
        name=name,
        definition=definition,
        comment=_outcome(history),
        marks=reader.marks(),
        timeline=reader.timeline(_outcome(history)),
        details=details or {},
    )


def _outcome(history: History) -> str:
    """How the execution ended, and after what time."""
    if not history.events:
        return "no events"
    last = history.events[-1]
    if not last.type.startswith("Execution") or last.type == "ExecutionStarted":
        return f"still running after {duration(history.duration)}"
    outcome = {"Succeeded": "succeeded", "Failed": "failed", "TimedOut": "timed out", "Aborted": "was aborted"}
    text = f"{outcome.get(last.type.removeprefix('Execution'), last.type)} after {duration(history.duration)}"
    details = last.details or {}
    if details.get("error") or details.get("cause"):
        text += f": {_reason(details.get('error'), details.get('cause'))}"
    return text


def _reason(error: Any, cause: Any) -> str:
    """The error and its cause; of Lambda's JSON only the message: its stack trace has paths of a computer."""
    with suppress(ValueError, KeyError, TypeError):
        cause = json.loads(cause)["errorMessage"]
    return ": ".join(mask_text(str(each)) for each in (error, cause) if each) or "an error without a name"


_Moment = tuple[float, int, int]
"""Of an event: when, of which execution, its id."""


@define
class _Failure:
    """An attempt that failed, and when the next one began."""

    moment: _Moment
    note: str
    until: _Moment | None = None


@define
class _Stay:
    """A visit of a state, with the places of its events among those of all executions."""

    visit: Visit
    node: Node
    first: _Moment
    last: _Moment
    faults: list[_Failure] = field(factory=list)


@define
class _Reader:
    tree: Tree
    definition: Mapping[str, Any]
    stays: list[_Stay] = field(factory=list)
    moments: list[_Moment] = field(factory=list)
    """Of all events."""
    counts: Counter[AslPath] = field(factory=Counter)
    """How often states and edges were taken, by the path of the edge."""
    failed: dict[Node, str] = field(factory=dict)
    """The states in which an execution ended badly, and why."""

    def read(self, history: History, number: int) -> None:
        reading = Reading.of(history.events)
        moments = {event.id: (event.timestamp, number, event.id) for event in history.events}
        self.moments += moments.values()
        stays: dict[int, _Stay] = {}
        for visit in reading.visits:
            node = find_node(self.tree, visit)
            if node is not None:
                first = moments[visit.id]
                stays[visit.id] = _Stay(visit, node, first, first)
        for event in history.events:
            owner = reading.owners.get(event.id)
            stay = stays.get(owner.id) if owner is not None else None
            if stay is None:
                continue
            stay.last = max(stay.last, moments[event.id])
            if event.type.endswith(("Failed", "TimedOut")) and event.type not in PASSED_ON:
                details = event.details or {}
                error = details.get("error") or ("States.Timeout" if event.type.endswith("TimedOut") else None)
                stay.faults.append(_Failure(moments[event.id], _reason(error, details.get("cause"))))
            elif event.type in ATTEMPTS and stay.faults and stay.faults[-1].until is None:
                stay.faults[-1].until = moments[event.id]
        if history.events:
            for stay in stays.values():
                if stay.visit.goes_on:
                    stay.last = max(stay.last, moments[history.events[-1].id])
        self.stays += stays.values()
        self._count(history)
        self._fail(history, reading)

    def _count(self, history: History) -> None:
        reached = hits(self.definition, history)
        for node in self.tree:
            self.counts[node.path] += reached[node.path]
            for edge in node.edges:
                if edge.kind in ("choice", "catch"):
                    self.counts[edge.path] += reached[edge.path[:-1]]
                elif edge.kind in ("default", "retry"):
                    self.counts[edge.path] += reached[edge.path]
        self.counts.update(followed(self.definition, history))

    def _fail(self, history: History, reading: Reading) -> None:
        states = ended_in(history.events)
        if not states:
            return
        last = history.events[-1]
        source = origin(history.events, last) if last.type in PASSED_ON else last
        details = {**(last.details or {}), **(source.details or {})}
        reason = _reason(details.get("error"), details.get("cause"))
        if last.type == "ExecutionTimedOut":
            reason = "the execution's time was over"
        for visit in reading.visits:
            node = find_node(self.tree, visit)
            if node is not None and visit.name in states and visit.stop is None:
                self.failed[node] = reason

    # -- what it was

    def marks(self) -> dict[AslPath, Mark]:
        marks: dict[AslPath, Mark] = {}
        stays: dict[Node, list[_Stay]] = {}
        for stay in self.stays:
            stays.setdefault(stay.node, []).append(stay)
        for node in self.tree:
            marks[node.path] = self._mark(node, stays.get(node, []))
        for machine in self.tree.machines:
            for edge in machine.edges:
                count = self._times(edge)
                badge = f"{count}×" if count > 1 else ""
                marks[edge.path] = Mark("reached", badge, f"taken {_often(count)}") if count else Mark("quiet")
        return {path: mark for path, mark in marks.items() if not self._is_lane(path)}

    def _is_lane(self, path: AslPath) -> bool:
        return any(machine.path == path for machine in self.tree.machines)

    def _times(self, edge: Edge) -> int:
        if edge.kind == "start":
            return self.counts[edge.target.path] if edge.target is not None else 0
        return self.counts[edge.path]

    def _mark(self, node: Node, stays: list[_Stay]) -> Mark:
        if not stays:
            return Mark("quiet")
        visits = [stay.visit for stay in stays]
        lines = [f"entered {_often(len(visits))}"]
        badges = [f"{len(visits)}×"] if len(visits) > 1 else []
        spent = sum(visit.seconds for visit in visits)
        if spent >= 0.01:
            lines.append(f"{'waited' if node.type == 'Wait' else 'took'} {duration(spent)}")
        if node.type == "Wait" and spent:
            badges.append(duration(spent))
        retried = sum(len(visit.retried) for visit in visits)
        if retried:
            lines.append(f"retried {_often(retried)}")
            badges.append(f"{retried} retr{'y' if retried == 1 else 'ies'}")
        faults = Counter(fault.note for stay in stays for fault in stay.faults)
        lines += [f"{count}× {note}" if count > 1 else note for note, count in faults.items()]
        if node in self.failed:
            lines.append(f"the execution ended here: {self.failed[node]}")
            return Mark("failed", " · ".join([*badges, self.failed[node].partition(":")[0]]), "\n".join(lines))
        if any(visit.goes_on for visit in visits):
            return Mark("waiting", " · ".join([*badges, "waiting"]), "\n".join([*lines, "still in it at the end"]))
        if any(visit.failed for visit in visits):
            badges.append("caught" if all(visit.stop is not None for visit in visits) else "failed")
        return Mark("reached", " · ".join(badges), "\n".join(lines))

    def timeline(self, outcome: str) -> Timeline | None:
        moments = sorted(self.moments)
        if not moments:
            return None
        order = {moment: place for place, moment in enumerate(moments)}
        start = moments[0][0]
        stays = sorted(self.stays, key=lambda each: each.first)
        bars = [self._bar(stay, order, start) for stay in stays[:_MOST_BARS]]
        more = len(stays) - len(bars)
        heading = f"Timeline: {outcome}" + (f"; {more} later stays are not shown" if more else "")
        return Timeline(bars=bars, times=[_since(start, time) for time, _, _ in moments], heading=heading)

    def _bar(self, stay: _Stay, order: Mapping[_Moment, int], start: float) -> Bar:
        visit = stay.visit
        tone = "failed" if visit.stop is None and stay.node in self.failed else None
        if tone is None and visit.goes_on:
            tone = "waiting"
        notes = [f"retried {_often(len(visit.retried))}"] if visit.retried else []
        notes += [self.failed[stay.node]] if tone == "failed" else []
        return Bar(
            path=stay.node.path,
            name=stay.node.name,
            type=stay.node.type,
            depth=len(stay.node.ancestors),
            first=order[stay.first],
            last=order[stay.last],
            start=_since(start, stay.first[0]),
            stop=_since(start, stay.last[0]),
            tone=tone,  # type: ignore[arg-type]
            note="\n".join(notes),
            faults=tuple(
                Fault(order=order[each.moment], note=each.note, until=None if each.until is None else order[each.until])
                for each in stay.faults
            ),
        )


def _since(start: float, time: float) -> float:
    """Seconds between two times, in milliseconds as histories have them: the rest is that of floating point, which
    differs with the date."""
    return round(time - start, 3)


def _often(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")
