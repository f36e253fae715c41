"""What reaches the scheduler: from its timers, from other threads and from calls that return. All of it is data."""

from __future__ import annotations

from attrs import frozen

from ..base.named import NamedTuple
from .calls import Heartbeat, Reply
from .core import Signal, Stop


class Address(NamedTuple):
    """What waits: a fiber of an execution (an ARN), for the answer to the effect with this ticket."""

    execution: str
    fiber: int
    ticket: int


@frozen
class ToExecution:
    """A message to an execution, by its ARN."""

    execution: str


@frozen
class ToFiber:
    """A message to what a fiber waits for; it means nothing once the fiber waits for something else."""

    to: Address

    @property
    def execution(self) -> str:
        return self.to.execution


@frozen
class ToTask:
    """A message to a task: a call of a fiber that has not ended."""

    to: Address

    @property
    def execution(self) -> str:
        return self.to.execution


class Begin(ToExecution):
    """Start an execution that is registered."""


class Launch(ToExecution):
    """The execution's first moment has come."""


@frozen
class Expire(ToExecution):
    """The execution has run for as long as it may; `is_limit` marks the year after which the service ends it."""

    is_limit: bool = False


@frozen
class Halt(ToExecution):
    """StopExecution."""

    stop: Stop


@frozen
class Resume(ToFiber):
    """Give a fiber the answer to its effect."""

    signal: Signal


class Repeat(ToFiber):
    """Carry out an effect again that was interrupted when the process ended."""


@frozen
class Inform(ToTask):
    """Something happened to a task: its call was answered, its job ended, its time is up."""

    signal: Signal | Heartbeat


@frozen
class Sent(ToTask):
    """SendTaskSuccess, SendTaskFailure, SendTaskHeartbeat or GetActivityTask. It takes effect when the task's call has
    returned."""

    signal: Signal | Heartbeat


class CheckHeartbeat(ToTask):
    """Time the task out if no heartbeat has come."""


@frozen
class Returned(ToTask):
    """The call of a task returned in a worker thread."""

    reply: Reply


@frozen
class Broken(ToTask):
    """The invoker raised in a worker thread."""

    error: BaseException


Pending = Begin | Launch | Expire | Halt | Resume | Inform | Sent | CheckHeartbeat | Repeat
"""The messages of timers, which can be stored."""
Message = Pending | Returned | Broken
