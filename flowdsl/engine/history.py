"""What happened in an execution, as GetExecutionHistory returns it.

Events keep references to the values that they speak of; text, and the events themselves, are made when somebody reads
them.
Source: Step Functions API reference, HistoryEvent.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, overload

from attrs import frozen

from ..base.json import json_text
from .errors import HistoryFull

JSON = Any
"""A JSON value: None, bool, int, float, str, list or dict. Never changed in place once an execution has it."""

text = json_text
"""A value as Step Functions writes it."""


# Every type of event has its details under one member; types that are not here have none.
_STATES_WITH_EXIT = ("Choice", "Map", "Parallel", "Pass", "Succeed", "Task", "Wait")
_OWN_MEMBER = (
    *("ActivityFailed", "ActivityScheduleFailed", "ActivityScheduled", "ActivityStarted", "ActivitySucceeded"),
    *("ActivityTimedOut", "EvaluationFailed", "ExecutionAborted", "ExecutionFailed", "ExecutionStarted"),
    *("ExecutionSucceeded", "ExecutionTimedOut", "LambdaFunctionFailed", "LambdaFunctionScheduleFailed"),
    *("LambdaFunctionScheduled", "LambdaFunctionStartFailed", "LambdaFunctionSucceeded", "LambdaFunctionTimedOut"),
    *("MapIterationAborted", "MapIterationFailed", "MapIterationStarted", "MapIterationSucceeded", "MapRunFailed"),
    *("MapRunStarted", "MapStateStarted", "TaskFailed", "TaskScheduled", "TaskStartFailed", "TaskStarted"),
    *("TaskSubmitFailed", "TaskSubmitted", "TaskSucceeded", "TaskTimedOut"),
)
MEMBERS: dict[str, str] = {
    **{name: name[0].lower() + name[1:] + "EventDetails" for name in _OWN_MEMBER},
    **{f"{state}StateEntered": "stateEnteredEventDetails" for state in (*_STATES_WITH_EXIT, "Fail")},
    **{f"{state}StateExited": "stateExitedEventDetails" for state in _STATES_WITH_EXIT},
}
"""The member of HistoryEvent that holds an event's details, by type of event."""

_DETAILS_OF_TEXT = {"input": "inputDetails", "output": "outputDetails"}
_NO_TRUNCATION = {"parameters"}


@frozen(unsafe_hash=False)
class Event:
    """One entry of a history.

    `id` counts from 1, `previous` is previousEventId, `timestamp` is in seconds since 1970 (UTC), `details` holds the
    members of the event's details with JSON values where the API has JSON text (`input`, `output`, `parameters`,
    and each of `assignedVariables`).
    """

    id: int
    previous: int
    timestamp: float
    type: str
    details: dict[str, JSON] | None

    @property
    def name(self) -> str | None:
        """The name of the state that the event belongs to, if any."""
        return self.details.get("name") if self.details else None

    def render(self) -> dict[str, JSON]:
        """The event exactly as boto3's get_execution_history gives it."""
        rendered: dict[str, JSON] = {
            "timestamp": datetime.fromtimestamp(self.timestamp, UTC),
            "type": self.type,
            "id": self.id,
            "previousEventId": self.previous,
        }
        member = MEMBERS.get(self.type)
        if member is not None:
            rendered[member] = _render_details(self.details or {})
        return rendered


def _render_details(details: dict[str, JSON]) -> dict[str, JSON]:
    rendered: dict[str, JSON] = {}
    for key, value in details.items():
        if key in _DETAILS_OF_TEXT:
            rendered[key] = text(value)
            rendered[_DETAILS_OF_TEXT[key]] = {"truncated": False}
        elif key in _NO_TRUNCATION:
            rendered[key] = text(value)
        elif key == "assignedVariables":
            rendered[key] = {name: text(assigned) for name, assigned in value.items()}
            rendered["assignedVariablesDetails"] = {"truncated": False}
        else:
            rendered[key] = value
    return rendered


_COLUMNS = 5
"""Of an event that is written: type, previous, timestamp, and either the name of a state and its input or output, or
None and the details."""


class ExecutionHistory(Sequence[Event]):
    """The events of one execution, oldest first.

    They are kept as columns in one flat list: an object or two for each event would be work for Python's garbage
    collector, and that work would grow with the history.
    """

    __slots__ = ("_columns", "_room")

    def __init__(self, most: int) -> None:
        self._columns: list[Any] = []
        self._room = (most - 1) * _COLUMNS

    def write(self, type: str, previous: int, timestamp: float, details: dict[str, JSON] | None) -> int:
        """Add an event and return its id. Raises HistoryFull if there is room for the last event only."""
        columns = self._columns
        if len(columns) >= self._room:
            raise HistoryFull
        columns += (type, previous, timestamp, None, details)
        return len(columns) // _COLUMNS

    def write_data(self, type: str, previous: int, timestamp: float, name: str, data: JSON) -> int:
        """The same for the StateEntered event of a state and its input, or its StateExited and its output."""
        columns = self._columns
        if len(columns) >= self._room:
            raise HistoryFull
        columns += (type, previous, timestamp, name, data)
        return len(columns) // _COLUMNS

    def close(self, type: str, previous: int, timestamp: float, details: dict[str, JSON]) -> None:
        """Add the event that ends the execution."""
        self._columns += (type, previous, timestamp, None, details)

    def previous(self, id: int) -> int:
        """The previousEventId of an event."""
        previous: int = self._columns[(id - 1) * _COLUMNS + 1]
        return previous

    def timestamp(self, id: int) -> float:
        """When an event was, in seconds since 1970."""
        timestamp: float = self._columns[(id - 1) * _COLUMNS + 2]
        return timestamp

    def render(self) -> list[dict[str, JSON]]:
        """The `events` of boto3's get_execution_history."""
        return [event.render() for event in self]

    def _event(self, index: int) -> Event:
        at = index * _COLUMNS
        kind, previous, timestamp, name, data = self._columns[at : at + _COLUMNS]
        if name is None:
            return Event(index + 1, previous, timestamp, kind, data)
        key = "input" if kind.endswith("StateEntered") else "output"
        return Event(index + 1, previous, timestamp, kind, {"name": name, key: data})

    @overload
    def __getitem__(self, index: int) -> Event: ...
    @overload
    def __getitem__(self, index: slice) -> list[Event]: ...
    def __getitem__(self, index: int | slice) -> Event | list[Event]:
        places = range(len(self))[index]
        return [self._event(place) for place in places] if isinstance(places, range) else self._event(places)

    def __len__(self) -> int:
        return len(self._columns) // _COLUMNS

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ExecutionHistory) and self._columns == other._columns

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"ExecutionHistory({len(self)} events)"
