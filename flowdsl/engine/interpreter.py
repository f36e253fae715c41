"""The loop: enter a state, do its work, leave it for the next.

Source: ASL specification, "Transitions" and "Errors".
"""

from __future__ import annotations

from ..expr.errors import StatesError
from .core import Block, Fiber, PreparedState, Steps
from .errors import Failure, WaitError
from .history import JSON
from .limits import too_large, variables_too_large


def run_block(fiber: Fiber, block: Block, value: JSON) -> Steps:
    """Run the states of a block (a state machine, a branch, an item processor) to its end; returns its output.

    States that need nothing from outside (`step`) run without a generator of their own; that is what makes Pass and
    Choice cheap.
    """
    states = block.states
    execution, write = fiber.execution, fiber.history.write_data
    name: str | None = block.start_at
    while name is not None:
        state = states[name]
        fiber.state = state
        before = fiber.source
        fiber.source = fiber.entered = write(state.entered, before, execution.now, name, value)
        if state.reads_context:
            fiber.retry_count = 0
            fiber.task_token = None
            fiber.see(state)
        step = state.step
        try:
            if step is not None:
                name, output, assigned = step(fiber, value)
            else:
                name, output, assigned = yield from state.run(fiber, value)
        except StatesError as error:
            raise located(fiber, state, error, before) from error
        except RecursionError:
            raise oversized(state.name) from None  # a value was made that is nested too deep to be looked at
        value = within_limit(state.name, output, value)
        if not assigned:
            fiber.source = write(state.exited, fiber.source, execution.now, state.name, value)
        else:
            fiber.assign(assigned)
            if variables_too_large(assigned, fiber.variables):
                raise oversized(state.name)
            fiber.record(state.exited, {"name": state.name, "output": value, "assignedVariables": assigned})
    return value


def located(fiber: Fiber, state: PreparedState, error: StatesError, before: int) -> Failure:
    """Turn an error in evaluating a field into a failure, with the place where it happened.

    A failed query is written down as an event, which follows from what the step began with (`before`).
    """
    where = f"An error occurred while executing the state '{state.name}' (entered at the event id #{fiber.entered}). "
    cause = (where if fiber.execution.tells_place else "") + (error.cause or "")
    if error.error == "States.QueryEvaluationError":
        details: dict[str, JSON] = {"error": error.error, "cause": cause, "state": state.name}
        location = getattr(error, "location", None)
        if location is not None:
            details["location"] = location
        if fiber.source == fiber.entered and not isinstance(error, WaitError):
            fiber.source = before
        fiber.record("EvaluationFailed", details)
    return Failure(error.error, cause, terminal=error.error == "States.Runtime")


def within_limit(name: str, value: JSON, known: JSON) -> JSON:
    """Return the value, or raise if it is larger than the service allows between states; `known` was checked before."""
    if value is not known and too_large(value):
        raise oversized(name)
    return value


def oversized(name: str, *, terminal: bool = True) -> Failure:
    """States.DataLimitExceeded in the words of the service."""
    cause = (
        f"The state/task '{name}' returned a result with a size exceeding the maximum number of bytes service limit."
    )
    return Failure("States.DataLimitExceeded", cause, terminal=terminal)
