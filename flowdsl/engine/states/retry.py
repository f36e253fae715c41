"""Retry and Catch, for every state that may have them.

Source: ASL specification, "Errors"; Step Functions Developer Guide, "Handling errors".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from attrs import field, frozen

from ...expr.errors import StatesError
from ..core import Fiber, PreparedState, Sleep, Steps
from ..data.flow import CatchFlow
from ..errors import Failure
from ..history import JSON
from ..interpreter import located

Outcome = tuple[str | None, JSON, dict[str, JSON] | None]
"""Where a state goes on (None: the block ends), its output, and what it assigns."""
Attempt = Callable[[Fiber, JSON], Steps]
"""The work of a state on its raw input, once; the steps return an Outcome."""


@frozen
class Retrier:
    error_equals: tuple[str, ...]
    interval_seconds: float = 1
    max_attempts: int = 3
    backoff_rate: float = 2.0
    max_delay_seconds: float | None = None
    full_jitter: bool = False

    @classmethod
    def of(cls, definition: dict[str, Any]) -> Retrier:
        return cls(
            tuple(definition["ErrorEquals"]),
            definition.get("IntervalSeconds", 1),
            definition.get("MaxAttempts", 3),
            definition.get("BackoffRate", 2.0),
            definition.get("MaxDelaySeconds"),
            definition.get("JitterStrategy", "NONE") == "FULL",
        )

    def delay(self, attempt: int, fiber: Fiber) -> float:
        """Seconds to wait before the attempt of this number (counted from 0); full jitter draws from 0 to that."""
        try:
            seconds = float(self.interval_seconds * self.backoff_rate**attempt)
        except OverflowError:
            seconds = float("inf")
        if self.max_delay_seconds is not None:
            seconds = min(seconds, self.max_delay_seconds)
        seconds = min(seconds, 31_622_400.0)
        return fiber.execution.dice.numbers.uniform(0, seconds) if self.full_jitter else seconds


@frozen
class Catcher:
    error_equals: tuple[str, ...]
    next: str
    flow: CatchFlow = field(repr=False)


def guarded(
    state: PreparedState,
    attempt: Attempt,
    retriers: Sequence[Retrier],
    catchers: Sequence[Catcher],
    given_up: str | None = None,
) -> Attempt:
    """The state's work, attempted until it succeeds, is caught or fails.

    `given_up` is the event that says that no attempt is left (MapStateFailed, ParallelStateFailed).
    """

    def run(fiber: Fiber, value: JSON) -> Steps:
        used = [0] * len(retriers)
        fiber.retry_count = 0
        before = fiber.history.previous(fiber.entered)
        while True:
            try:
                return (yield from attempt(fiber, value))
            except StatesError as error:
                failure = located(fiber, state, error, before)
            except Failure as failed:
                failure = failed.without_trace()
            if failure.terminal:
                raise failure
            delay = _next_delay(fiber, failure, retriers, used)
            if delay is not None:
                yield Sleep(fiber.now + delay)
                fiber.retry_count += 1
                if state.reads_context:
                    fiber.see(state)
                continue
            if given_up is not None:
                fiber.record(given_up)
            for catcher in catchers:
                if failure.matches(catcher.error_equals):
                    output, assigned = catcher.flow(value, error_output(failure), fiber.scope)
                    return catcher.next, output, assigned
            raise failure

    return run


def error_output(failure: Failure) -> dict[str, JSON]:
    """The error output for a catcher. Recorded: a timeout has an empty Cause, a failure without one has null."""
    cause = "" if failure.cause is None and failure.error == "States.Timeout" else failure.cause
    return {"Error": failure.error, "Cause": cause}


def _next_delay(fiber: Fiber, failure: Failure, retriers: Sequence[Retrier], used: list[int]) -> float | None:
    """Return the seconds until the next attempt, or None if the first matching retrier has no attempts left."""
    for index, retrier in enumerate(retriers):
        if failure.matches(retrier.error_equals):
            if used[index] >= retrier.max_attempts:
                return None
            used[index] += 1
            return retrier.delay(used[index] - 1, fiber)
    return None
