"""What reaches the scheduler: from its timers, from other threads and from calls that return. All of it is data."""

from __future__ import annotations

from typing import NamedTuple

from attrs import frozen

from .calls import Heartbeat, Reply
from .core import Signal, Stop


class Address(NamedTuple):
    """What waits: a fiber of an execution (an ARN), for the answer to the effect with this ticket."""

    execution: str
    fiber: int
    ticket: int


@frozen
class Begin:
    """Start an execution that is registered."""

    execution: str


@frozen
class Launch:
    """The execution's first moment has come."""

    execution: str


@frozen
class Expire:
    """The execution has run for as long as it may; `is_limit` marks the year after which the service ends it."""

    execution: str
    is_limit: bool = False


@frozen
class Halt:
    """StopExecution."""

    execution: str
    stop: Stop


@frozen
class Resume:
    """Give a fiber the answer to its effect."""

    to: Address
    signal: Signal

    @property
    def execution(self) -> str:
        return self.to.execution


@frozen
class Answer:
    """Something happened to a task: its call was answered, its job ended, its time is up."""

    to: Address
    signal: Signal | Heartbeat

    @property
    def execution(self) -> str:
        return self.to.execution


@frozen
class Sent:
    """SendTaskSuccess, SendTaskFailure, SendTaskHeartbeat or GetActivityTask. It takes effect when the task's call has
    returned."""

    to: Address
    signal: Signal | Heartbeat

    @property
    def execution(self) -> str:
        return self.to.execution


@frozen
class CheckHeartbeat:
    """Time the task out if no heartbeat has come."""

    to: Address

    @property
    def execution(self) -> str:
        return self.to.execution


@frozen
class Repeat:
    """Carry out an effect again that was interrupted when the process ended."""

    to: Address

    @property
    def execution(self) -> str:
        return self.to.execution


@frozen
class Returned:
    """The call of a task returned in a worker thread."""

    to: Address
    reply: Reply

    @property
    def execution(self) -> str:
        return self.to.execution


@frozen
class Broken:
    """The invoker raised in a worker thread."""

    to: Address
    error: BaseException

    @property
    def execution(self) -> str:
        return self.to.execution


Pending = Begin | Launch | Expire | Halt | Resume | Answer | Sent | CheckHeartbeat | Repeat
"""The messages of timers, which can be stored."""
Message = Pending | Returned | Broken
