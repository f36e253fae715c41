"""A finished execution, and the errors of running one."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from attrs import field, frozen

from .history import History

Status = Literal["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]


@frozen
class Run:
    """An execution that has ended, on the embedded engine or on a deployed machine.

    `output` is a JSON value, None unless SUCCEEDED. `error` and `cause` are those of DescribeExecution: None unless
    FAILED. `start` and `stop` are in UTC, from the clock that the execution ran on.
    """

    name: str
    arn: str
    status: Status
    input: Any = field(repr=False)
    output: Any
    error: str | None
    cause: str | None
    start: datetime
    stop: datetime
    history: History = field(repr=False)
    children: tuple[Run, ...] = field(default=(), repr=False)
    """Its child executions on the embedded engine (nested ones, and those of Distributed Maps) that ended before it, in
    the order of their start."""

    @property
    def duration(self) -> float:
        """Seconds from start to stop."""
        return (self.stop - self.start).total_seconds()

    def waited(self, state: str | None = None) -> float:
        """Seconds in all Wait states, or in the one of this name; see History.waited."""
        __tracebackhide__ = True
        return self.history.waited(state)


class ExecutionFailed(Exception):  # noqa: N818 - the API's name
    """The execution ended FAILED, TIMED_OUT or ABORTED; `run` is the execution."""

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        self.run = run

    @property
    def error(self) -> str | None:
        return self.run.error

    @property
    def cause(self) -> str | None:
        return self.run.cause

    @property
    def status(self) -> Status:
        return self.run.status

    @property
    def history(self) -> History:
        return self.run.history

    def __str__(self) -> str:
        run = self.run
        states = run.history.ended_in()
        where = f" in state{'s' * (len(states) > 1)} {', '.join(map(repr, states))}" if states else ""
        reason = f"{run.error or 'no error name'}: {run.cause or 'no cause'}"
        if run.status == "TIMED_OUT":
            reason = f"timeout reached after {run.duration:g} s"
        return f"execution {run.name!r} ended {run.status}{where}: {reason}{self._of_children()}"

    def _of_children(self) -> str:
        """Describe the failure of the first failed child execution; empty if none failed."""
        failed = [child for child in self.run.children if child.status != "SUCCEEDED"]
        if not failed:
            return ""
        first = str(ExecutionFailed(failed[0]))
        return f"\n{len(failed)} of {len(self.run.children)} child executions did not succeed; the first: {first}"


class ExecutionAlreadyExists(Exception):  # noqa: N818 - the API's name
    """An execution of this name exists, and has another input or has ended.

    Source: Step Functions API reference, StartExecution.
    """


class UnmockedCall(Exception):  # noqa: N818 - says what is wrong, as ExecutionFailed does
    """A Task calls something that is neither a function of this project nor mocked."""


class StillRunning(Exception):  # noqa: N818 - says what is wrong, as ExecutionFailed does
    """The execution waits for a callback that never comes."""
