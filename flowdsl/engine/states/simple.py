"""The states that wait for nobody: Pass, Choice, Succeed, Fail; and Wait, which waits for the clock.

Source: ASL specification, "State types".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ...expr.errors import StatesError
from ...expr.scope import Evaluate
from ..core import Fiber, Outcome, Sleep, Steps
from ..data.flow import DataFlow, Transform
from ..errors import Failure
from ..history import JSON

Step = Callable[[Fiber, JSON], Outcome]


def pass_step(flow: DataFlow, result: JSON, has_result: bool, following: str | None) -> Step:
    """Pass: the effective input, or Result, becomes the result.

    Where there is Result, InputPath and Parameters are not looked at (recorded: TestState has no afterInputPath and no
    afterParameters for such a state).
    """
    if flow.is_identity and not has_result:
        outcome_of_identity = following

        def unchanged(fiber: Fiber, value: JSON) -> Outcome:  # noqa: ARG001 - a Step
            return outcome_of_identity, value, None

        return unchanged
    effective, finish = flow.effective, flow.finish
    if has_result:

        def fixed(fiber: Fiber, value: JSON) -> Outcome:
            output, assigned = finish(value, result, fiber.scope)
            return following, output, assigned

        return fixed

    def step(fiber: Fiber, value: JSON) -> Outcome:
        scope = fiber.scope
        output, assigned = finish(value, effective(value, scope), scope)
        return following, output, assigned

    return step


def succeed_step(flow: DataFlow) -> Step:
    def step(fiber: Fiber, value: JSON) -> Outcome:
        output, assigned = flow.finish(value, flow.effective(value, fiber.scope), fiber.scope)
        return None, output, assigned

    return step


def fail_step(error: Evaluate, cause: Evaluate) -> Step:
    def step(fiber: Fiber, value: JSON) -> Outcome:
        raise Failure(error(value, fiber.scope), cause(value, fiber.scope))

    return step


def choice_step(
    effective: Transform,
    rules: Sequence[tuple[Callable[[JSON, Any], bool], str, DataFlow]],
    default: tuple[str, DataFlow] | None,
) -> Step:
    """Choice: the first rule that is true decides the next state; a rule may have its own Output and Assign."""

    def step(fiber: Fiber, value: JSON) -> Outcome:
        scope = fiber.scope
        seen = effective(value, scope)
        for holds, following, flow in rules:
            if holds(seen, scope):
                output, assigned = flow.finish(value, seen, scope)
                return following, output, assigned
        if default is None:
            # The specification calls it States.NoChoiceMatched; the service does not.
            cause = "Failed to transition out of the state. The state does not point to a next state."
            raise StatesError("States.Runtime", cause)
        following, flow = default
        output, assigned = flow.finish(value, seen, scope)
        return following, output, assigned

    return step


def wait_run(
    flow: DataFlow, until: Callable[[JSON, Fiber], float], following: str | None
) -> Callable[[Fiber, JSON], Steps]:
    """Wait: `until` gives the time (seconds since 1970) from the effective input."""

    def run(fiber: Fiber, value: JSON) -> Steps:
        seen = flow.effective(value, fiber.scope)
        yield Sleep(until(seen, fiber))
        output, assigned = flow.finish(value, seen, fiber.scope)
        return following, output, assigned

    return run
