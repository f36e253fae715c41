"""The service as it was on the day of a recording: flowdsl itself knows only today's.

Step Functions changed over the years (docs/conformance.md lists what recordings show). What a day changes is taken out
of the engine here, for the time of a run, or brought up to date in the recording.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from typing import Any
from unittest.mock import patch

from flowdsl.engine.core import Fiber, PreparedState
from flowdsl.engine.data import items
from flowdsl.engine.data.items import Item
from flowdsl.engine.execution import Execution

REDRIVE = date(2023, 11, 15)
"""Redrive was announced on this day; recordings from before have no RedriveCount in the context object."""
NEW_ANCESTRY = date(2024, 11, 1)
"""Recordings to June 2024 have MapStateExited follow from MapRunSucceeded; those since November from MapRunStarted."""
DATA_SOURCES = date(2025, 9, 11)
"""On this day Map learned to go over the pairs of an object, and its context object got `Source`; recordings from
before refuse objects."""


@contextmanager
def as_of(day: date) -> Iterator[None]:
    """Run executions as the service did on this day."""
    with ExitStack() as stack:
        if day < REDRIVE:
            stack.enter_context(patch.object(Execution, "context", _context_before_redrive(Execution.context)))
        if day < DATA_SOURCES:
            stack.enter_context(patch.object(items, "ITERABLE", list))
            stack.enter_context(patch.object(Item, "context", _item_before_data_sources(Item.context)))
        yield


def _context_before_redrive(today: Any) -> Any:
    def context(self: Execution, fiber: Fiber, state: PreparedState) -> dict[str, Any]:
        current = today(self, fiber, state)
        execution = {key: value for key, value in current["Execution"].items() if key != "RedriveCount"}
        return {**current, "Execution": execution}

    return context


def _item_before_data_sources(today: Any) -> Any:
    def context(self: Item, index: int) -> dict[str, Any]:
        return {key: value for key, value in today(self, index).items() if key != "Source"}

    return context


def updated(events: list[dict[str, Any]] | None, day: date) -> list[dict[str, Any]] | None:
    """The events recorded on this day, each following from the event that it would follow from today."""
    if not events or day >= NEW_ANCESTRY:
        return events
    runs = {event["id"]: event["previousEventId"] for event in events if event["type"] == "MapRunSucceeded"}
    return [
        {**event, "previousEventId": runs[event["previousEventId"]]}
        if event["type"] == "MapStateExited" and event["previousEventId"] in runs
        else event
        for event in events
    ]
