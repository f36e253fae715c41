"""A Task's call to the world and what is answered: the contract between the engine and whoever calls user code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from attrs import frozen

from .core import Call, Failed, Started, Succeeded, TimedOut
from .history import JSON


@frozen
class Heartbeat:
    """SendTaskHeartbeat."""


@frozen
class Later:
    """Something that happens to a pending task, `seconds` after the call."""

    seconds: float
    signal: Succeeded | Failed | TimedOut | Started | Heartbeat


@frozen
class Exchange:
    """What went over HTTP, as TestState's TRACE shows it: `revealed` is the request with what its connection added."""

    request: dict[str, str]
    revealed: dict[str, str]
    response: dict[str, str]


@frozen
class Reply:
    """The answer to a call. Use the constructors below.

    `seconds` is how long the call took, in virtual time. For a task that waits for a callback (`call.waits`),
    `succeeded` of a `waitForTaskToken` call answers the call only, and the task stays pending; for `sync` and
    activities it is the result of the job.
    """

    kind: Literal["succeeded", "failed", "timed_out", "pending"]
    output: JSON = None
    error: str | None = None
    cause: str | None = None
    seconds: float = 0.0
    later: tuple[Later, ...] = ()
    exchange: Exchange | None = None
    refused: bool = False

    @classmethod
    def succeeded(cls, output: JSON, *, seconds: float = 0.0) -> Reply:
        return cls("succeeded", output, seconds=seconds)

    @classmethod
    def failed(cls, error: str | None, cause: str | None = None, *, seconds: float = 0.0) -> Reply:
        return cls("failed", error=error, cause=cause, seconds=seconds)

    @classmethod
    def of(cls, failed: Failed) -> Reply:
        return cls("failed", error=failed.error, cause=failed.cause, refused=failed.refused)

    @classmethod
    def timed_out(cls) -> Reply:
        """Nothing comes back until TimeoutSeconds, or HeartbeatSeconds, has passed."""
        return cls("timed_out")

    @classmethod
    def pending(cls, submitted: JSON = None, *later: Later, seconds: float = 0.0) -> Reply:
        """The call was answered with `submitted`; the result comes later: from `later`, or through the task token."""
        return cls("pending", submitted, seconds=seconds, later=later)


Invoker = Callable[[Call], Reply]
