"""An execution as its users see it."""

from __future__ import annotations

from collections.abc import Callable

from .core import Entry, Identity, Settings, Status
from .execution import Execution
from .history import JSON, Event, ExecutionHistory


class Result:
    """An execution as DescribeExecution and GetExecutionHistory show it; it fills while the execution runs."""

    def __init__(self, execution: Execution) -> None:
        self._execution = execution
        self.reported = 0
        """How many events the listener has heard of."""
        self.depth = 0
        """How many executions are above it, each of which started the next."""
        self.children: list[Result] = []
        """The executions that it started here, nested ones and those of Distributed Maps, oldest first."""

    @property
    def status(self) -> Status:
        return self._execution.status

    @property
    def output(self) -> JSON:
        """The output as a JSON value; None unless SUCCEEDED."""
        return self._execution.output

    @property
    def error(self) -> str | None:
        """None of one that is TIMED_OUT too, as DescribeExecution has it: `States.Timeout` is in its last event."""
        return self._execution.error

    @property
    def cause(self) -> str | None:
        return self._execution.cause

    @property
    def input(self) -> JSON:
        return self._execution.input

    @property
    def history(self) -> ExecutionHistory:
        return self._execution.history

    @property
    def journal(self) -> list[Entry]:
        """The signals that drove it; `replay` makes the same history of them."""
        return self._execution.journal

    @property
    def identity(self) -> Identity:
        return self._execution.identity

    @property
    def settings(self) -> Settings:
        return self._execution.settings

    @property
    def name(self) -> str:
        return self._execution.identity.name

    @property
    def arn(self) -> str:
        return self._execution.identity.arn

    @property
    def start_date(self) -> float:
        """Seconds since 1970, in the time of the scheduler's clock."""
        return self._execution.start

    @property
    def stop_date(self) -> float | None:
        return self._execution.stop

    @property
    def duration(self) -> float:
        """Seconds from start to stop (or to now), in the time of the scheduler's clock."""
        stop = self._execution.stop
        return (self._execution.now if stop is None else stop) - self._execution.start

    def __repr__(self) -> str:
        return f"Result({self.name}: {self.status}, {len(self.history)} events)"


Listener = Callable[[Result, Event], None]
"""Told each event of each execution as it happens."""
