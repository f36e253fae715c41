"""What an execution asks of the world, and what the world tells it.

The interpreter yields effects and is resumed with signals; nothing else goes in or out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from attrs import frozen

if TYPE_CHECKING:
    from .calls import Call
    from .prepare import Program

JSON = Any


@frozen
class Sleep:
    """Resume me at this time (seconds since 1970)."""

    until: float


@frozen
class Invoke:
    """Carry out this call; one Succeeded, Failed or TimedOut ends it, a Submitted or Started may come before."""

    call: Call


@frozen
class Await:
    """Resume me with the next signal about the call that I made before."""


@frozen
class Run:
    """Run a child execution of this program; Succeeded or Failed tells how it ended."""

    program: Program
    input: JSON
    name: str


Effect = Sleep | Invoke | Await | Run


@frozen
class Start:
    """Begin."""


@frozen
class Wake:
    """The time that a Sleep named has come."""


@frozen
class Submitted:
    """A job was started or a message sent (`output` is the service's answer); its result comes later."""

    output: JSON = None


@frozen
class Started:
    """A worker has taken the activity task."""

    worker: str | None = None


@frozen
class Succeeded:
    """The task's result."""

    output: JSON


@frozen
class Failed:
    """`refused` tells that the call could not be made of its arguments: a States.Runtime of the state, not a failure of
    the task."""

    error: str | None = None
    cause: str | None = None
    refused: bool = False


@frozen
class TimedOut:
    """TimeoutSeconds or HeartbeatSeconds has passed."""

    error: str = "States.Timeout"
    cause: str | None = None
    heartbeat: bool = False


@frozen
class Stop:
    """End the execution from outside: StopExecution (ABORTED), or its TimeoutSeconds (TIMED_OUT)."""

    status: Literal["ABORTED", "TIMED_OUT"]
    error: str | None = None
    cause: str | None = None


Signal = Start | Wake | Submitted | Started | Succeeded | Failed | TimedOut | Stop


@frozen
class Entry:
    """One line of the journal: at `now`, this signal reached this fiber."""

    now: float
    fiber: int
    signal: Signal
