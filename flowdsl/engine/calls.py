"""A Task's call to the world and what is answered: the contract between the engine and whoever calls user code."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, Literal

from attrs import frozen

from .effects import Failed, Started, Succeeded, TimedOut

JSON = Any


@frozen
class Call:
    """One attempt of a Task state, as the one who carries it out sees it.

    `resource` is the state's Resource as written. `integration` is `lambda` and `action` is `invoke` for
    `arn:aws:states:::lambda:invoke`; `aws-sdk:dynamodb` and `putItem` for an SDK integration; `lambda` and `function`
    for the ARN of a function; `activity` and `activity` for the ARN of an activity. `pattern` is what follows the
    action: empty, `sync`, `sync:2` or `waitForTaskToken`. `arguments` is the payload (Parameters or Arguments,
    evaluated).
    """

    resource: str
    integration: str
    action: str
    arguments: JSON
    state_name: str
    execution_arn: str
    state_machine_arn: str
    now: float
    """The virtual time of the call, in seconds since 1970."""
    pattern: Literal["", "sync", "sync:2", "waitForTaskToken"] = ""
    task_token: str | None = None
    retry_count: int = 0
    event_id: int = 0
    """The id of the event that tells of a Task's call; 0 where the service itself calls, to read the items of a Map or
    write its results."""
    timeout_seconds: float | None = None
    heartbeat_seconds: float | None = None
    credentials: JSON = None
    region: str = "us-east-1"
    account: str = "123456789012"

    @property
    def waits(self) -> bool:
        """Whether the answer to the call is not yet the task's result."""
        return self.pattern != "" or self.integration == "activity"

    @property
    def request_id(self) -> str:
        """The id of the request that the call is, in the form of a UUID; the same in every run that is seeded alike."""
        told = f"{self.execution_arn}/{self.event_id}"
        digits = hashlib.sha1(told.encode(errors="replace"), usedforsecurity=False).hexdigest()
        return f"{digits[:8]}-{digits[8:12]}-5{digits[13:16]}-8{digits[17:20]}-{digits[20:32]}"


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
