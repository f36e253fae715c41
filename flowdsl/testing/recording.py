"""Recordings: the history of an execution, with the answers to its calls, and its replay on the embedded engine.

A recording is a JSON file: the execution's input, each call of a state with its answer and how long that took, and the
events. A replay gives the same answers after the same virtual time, and compares what the engine makes of them with
what was recorded, state by state. Not compared: ids, times, ARNs, task tokens and UUIDs.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import zip_longest
from pathlib import Path
from typing import Any

import attrs
from attrs import define, frozen

from ..asl.text import canonical_text
from ..base.diagnostics import FlowError
from ..base.source import display_path
from ..calls.replies import await_answer
from ..engine import Call, Failed, Later, Reply, Succeeded
from ..engine.history import Event
from ..run.masking import Masking
from ..run.visits import Reading, Visit
from .history import History
from .machines import Machine
from .runner import Runner

FORMAT = 1
"""Of recordings."""

_OUTCOME = re.compile(
    r"(LambdaFunction|Activity|Task)(Succeeded|Failed|TimedOut|ScheduleFailed|StartFailed|SubmitFailed)"
)
_SCHEDULED = ("LambdaFunctionScheduled", "ActivityScheduled", "TaskScheduled")
_REFUSED = {
    "MapRunStarted": "its child executions have histories of their own",
    "ExecutionRedriven": "it was redriven, which the embedded engine cannot do",
    "ExecutionAborted": "it was stopped from outside",
}
_COMPARED = ("input", "output", "parameters", "error", "cause", "assignedVariables", "index", "length", "state")


@define
class Answered:
    """A call of a state and its answer: "succeeded", "failed", "timed_out", or "pending" if there never was one.

    `seconds` is the time from the call to the answer, `submitted` the response to a call that waits for a callback.
    """

    state: str
    payload: Any
    kind: str = "pending"
    output: Any = None
    error: str | None = None
    cause: str | None = None
    seconds: float = 0.0
    submitted: Any = None

    def reply(self, call: Call) -> Reply:
        if self.kind == "timed_out":
            return Reply.pending(self.submitted) if call.waits else Reply.timed_out()
        if self.kind == "pending":
            return Reply.pending(self.submitted)
        if not call.waits:
            if self.kind == "succeeded":
                return Reply.succeeded(self.output, seconds=self.seconds)
            return Reply.failed(self.error, self.cause, seconds=self.seconds)
        outcome = Succeeded(self.output) if self.kind == "succeeded" else Failed(self.error, self.cause)
        return await_answer(call, Reply.succeeded(self.submitted or {}), Later(self.seconds, outcome))


@frozen
class Recording:
    """An execution: `name` and `machine` are those of its ARN, `calls` in the order in which they were made."""

    machine: str
    name: str
    masked: bool
    input: Any
    calls: list[Answered]
    events: list[Event]

    def text(self) -> str:
        """The recording as JSON, one call and one event a line."""
        head = {"format": FORMAT, "machine": self.machine, "name": self.name, "masked": self.masked}
        parts = [f'  "{key}": {json.dumps(value, ensure_ascii=False)}' for key, value in head.items()]
        parts.append(f'  "input": {json.dumps(self.input, ensure_ascii=False)}')
        for key, items in (("calls", map(_as_json, self.calls)), ("events", map(_rendered, self.events))):
            lines = ",\n".join(f"    {json.dumps(each, ensure_ascii=False)}" for each in items)
            parts.append(f'  "{key}": [\n{lines}\n  ]' if lines else f'  "{key}": []')
        return "{\n" + ",\n".join(parts) + "\n}\n"


def record(events: Iterable[Mapping[str, Any]], *, machine: str, name: str, masked: bool = True) -> Recording:
    """Make a recording of the `events` of GetExecutionHistory.

    Raises FlowError for an execution that has not ended, or that cannot be replayed.
    """
    parsed = list(History.parse(events))
    if not parsed or parsed[-1].type not in ("ExecutionSucceeded", "ExecutionFailed", "ExecutionTimedOut"):
        reason = _REFUSED.get(parsed[-1].type if parsed else "", "it has not ended")
        raise FlowError.of(f"execution {name!r} cannot be recorded: {reason}", code="FD991")
    for event in parsed:
        if event.type in _REFUSED:
            raise FlowError.of(f"execution {name!r} cannot be recorded: {_REFUSED[event.type]}", code="FD991")
    if not any(event.previous for event in parsed):
        reason = "its events do not say which one led to which (previousEventId), as those of an emulator may not"
        raise FlowError.of(f"execution {name!r} cannot be recorded: {reason}", code="FD991")
    if masked:
        masking = Masking()
        masking.learn(event.details for event in parsed)
        parsed = [attrs.evolve(event, details=_masked(masking, event)) for event in parsed]
    recorded_input = (parsed[0].details or {}).get("input")
    return Recording(machine, name, masked, recorded_input, list(_calls(parsed)), parsed)


def _masked(masking: Masking, event: Event) -> dict[str, Any] | None:
    if event.details is None:
        return None
    kept = ("name", "error", "resource", "resourceType", "state", "region")  # of the definition, not of the data
    return {key: value if key in kept else masking.mask(value) for key, value in event.details.items()}


def _calls(events: Sequence[Event]) -> Iterator[Answered]:
    owners = Reading.of(events).owners
    latest: dict[int, tuple[Answered, Event]] = {}
    calls: list[Answered] = []
    for event in events:
        visit, details = owners.get(event.id), event.details or {}
        if visit is None:
            continue
        if event.type in _SCHEDULED:
            payload = details.get("parameters") if event.type == "TaskScheduled" else details.get("input")
            latest[visit.id] = (Answered(visit.name, payload), event)
            calls.append(latest[visit.id][0])
        elif event.type == "TaskSubmitted" and visit.id in latest:
            latest[visit.id][0].submitted = details.get("output")
        elif (match := _OUTCOME.fullmatch(event.type)) and visit.id in latest:
            call, scheduled = latest[visit.id]
            call.seconds = round(event.timestamp - scheduled.timestamp, 3)
            call.kind = {"Succeeded": "succeeded", "TimedOut": "timed_out"}.get(match[2], "failed")
            call.output, call.error, call.cause = (details.get(key) for key in ("output", "error", "cause"))
    return iter(calls)


def read(file: Path) -> Recording:
    """Read a recording. Raises FlowError if the file is not one."""
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
        if value["format"] != FORMAT:
            raise ValueError(f"format {value['format']}")
        calls = [Answered(**each) for each in value["calls"]]
        events = list(History.parse(value["events"]))
        return Recording(value["machine"], value["name"], value["masked"], value["input"], calls, events)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        what = error.strerror if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
        raise FlowError.of(
            f"{display_path(file)} is not a recording: {what}",
            code="FD991",
            hint="record it again with flowdsl executions pull",
        ) from None


def replay(file: Path | str, machine: Machine | None = None, *, root: Path | None = None) -> list[str]:
    """Run a recorded execution again on the embedded engine; return the differences, which are none if it is the same.

    The state machine is the project's, or the one that is passed. Nothing is called: all answers are the recorded ones.
    Raises FlowError if the file is not a recording.
    """
    recording = read(Path(file))
    start = datetime.fromtimestamp(recording.events[0].timestamp, UTC)
    runner = Runner.of(machine, root=root or Path(file).resolve().parent, start=start)
    answers = _Answers(list(recording.calls))
    runner.mocks.chain.find_mock = lambda _: answers
    started = runner.start(recording.input, name=recording.name)
    runner.scheduler.finish(started)
    return [*answers.unexpected, *differences(recording.events, list(started.history))]


@define
class _Answers:
    """Answers each call with the recorded one of the same state and payload, else with the state's next one."""

    left: list[Answered]
    unexpected: list[str] = attrs.field(factory=list)

    def __call__(self, call: Call) -> Reply:
        of_state = [each for each in self.left if each.state == call.state_name]
        if not of_state:
            self.unexpected.append(f"{call.state_name}: called once more than recorded")
            return Reply.failed("Replay.NotRecorded", "the recording has no further call of this state")
        wanted = _comparable(call.arguments)
        chosen = next((each for each in of_state if _comparable(each.payload) == wanted), of_state[0])
        self.left = [each for each in self.left if each is not chosen]
        return chosen.reply(call)


def differences(recorded: Sequence[Event], replayed: Sequence[Event]) -> list[str]:
    """What differs between two histories, as text: first the route, then event by event of each state."""
    before, after = Reading.of(recorded), Reading.of(replayed)
    routes = [[visit.name for visit in each.visits if visit.parent is None] for each in (before, after)]
    lines = []
    if routes[0] != routes[1]:
        lines.append(f"route: recorded {' → '.join(routes[0])}; replayed {' → '.join(routes[1])}")
    first, second = _by_state(recorded, before), _by_state(replayed, after)
    for state in {**first, **second}:
        for number, (one, other) in enumerate(zip_longest(first.get(state, ()), second.get(state, ())), 1):
            visit = f" (visit {number})" if number > 1 else ""
            lines += _compare_visits(f"{state}{visit}", one or [], other or [])
    return lines


def _by_state(events: Sequence[Event], reading: Reading) -> dict[str, list[list[Event]]]:
    """The events of each visit by the state's name; those of the execution itself under "the execution"."""
    visits: dict[str, dict[int, list[Event]]] = defaultdict(dict)
    inside_maps: set[str] = set()
    for event in events:
        visit = None if event.type.startswith("Execution") else reading.owners.get(event.id)
        name, key = (visit.name, visit.id) if visit else ("the execution", 0)
        visits[name].setdefault(key, []).append(event)
        if visit and _is_in_map(visit):
            inside_maps.add(name)
    # The iterations of a Map run at the same time: their order means nothing.
    return {
        name: sorted(each.values(), key=lambda group: canonical_text([_facts(event)[1] for event in group]))
        if name in inside_maps
        else list(each.values())
        for name, each in visits.items()
    }


def _is_in_map(visit: Visit) -> bool:
    return visit.parent is not None and (visit.parent.type == "Map" or _is_in_map(visit.parent))


def _compare_visits(where: str, recorded: Sequence[Event], replayed: Sequence[Event]) -> Iterator[str]:
    for one, other in zip_longest(recorded, replayed):
        if one is None:
            yield f"{where}: {other.type} was not recorded"
        elif other is None:
            yield f"{where}: event {one.id}, {one.type}, is missing"
        else:
            (kind, facts), (other_kind, other_facts) = _facts(one), _facts(other)
            if kind != other_kind:
                yield f"{where}: event {one.id}: recorded {one.type}, replayed {other.type}"
            elif (place := _first_difference(facts, other_facts)) is not None:
                yield f"{where}: event {one.id}, {one.type}: {place}"
                continue
            else:
                continue
        return  # what follows differs as well


def _facts(event: Event) -> tuple[str, dict[str, Any]]:
    """What is compared of an event. Which step of a call failed is not: the engine does not tell them apart."""
    match = _OUTCOME.fullmatch(event.type)
    kind = event.type
    if match and match[2] not in ("Succeeded", "TimedOut"):
        kind = f"{match[1]}Failed"
    details = event.details or {}
    return kind, {key: _comparable(details[key]) for key in _COMPARED if details.get(key) is not None}


_VARIABLE = (
    (re.compile(r"arn:aws[\w-]*:(\w+):[\w-]*:\d*:"), r"arn:\1:"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "(time)"),
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "(uuid)"),
    (re.compile(r"event id #\d+"), "event id"),
)


def _comparable(value: Any) -> Any:
    """The value without what differs from one run to the next."""
    if isinstance(value, dict):
        return {key: "(token)" if "token" in key.lower() else _comparable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_comparable(item) for item in value]
    if isinstance(value, str):
        for pattern, instead in _VARIABLE:
            value = pattern.sub(instead, value)
    return value


def _first_difference(one: Any, other: Any, path: str = "") -> str | None:
    """The first place at which two values differ, with both values."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in {**one, **other}:
            inside = f"{path}.{key}" if path else key
            if key not in one:
                return f"{inside} was not recorded"
            if key not in other:
                return f"{inside} is missing"
            if (deeper := _first_difference(one[key], other[key], inside)) is not None:
                return deeper
        return None
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = ((_first_difference(a, b, f"{path}[{n}]")) for n, (a, b) in enumerate(zip(one, other, strict=True)))
        return next((each for each in pairs if each is not None), None)
    if one == other and isinstance(one, bool) == isinstance(other, bool):
        return None
    if isinstance(one, str) and isinstance(other, str) and _is_masked_form(one, other):
        return None
    return f"{path}: recorded {_short(one)}, replayed {_short(other)}"


_MASKED = re.compile(r"masked-\d+(?:@example\.org)?")


def _is_masked_form(recorded: str, replayed: str) -> bool:
    """True for a text of the definition itself, such as a sender's address, of which the recording has the masked form.

    A replay starts from masked values, so what comes from these is masked in it too.
    """
    if "masked-" in replayed or not _MASKED.search(recorded):
        return False
    pattern = ".+?".join(re.escape(part) for part in _MASKED.split(recorded))
    return re.fullmatch(pattern, replayed, re.DOTALL) is not None


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:79]}…"


def _as_json(call: Answered) -> dict[str, Any]:
    fields = {each.name: (getattr(call, each.name), each.default) for each in attrs.fields(Answered)}
    always = ("state", "payload", "kind", "output") if call.kind == "succeeded" else ("state", "payload", "kind")
    return {key: value for key, (value, default) in fields.items() if key in always or value != default}


def _rendered(event: Event) -> dict[str, Any]:
    rendered = event.render()
    return {**rendered, "timestamp": rendered["timestamp"].isoformat()}
