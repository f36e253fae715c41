"""Parallel: every branch with the same input, the results as a list in the order of the branches.

Source: ASL specification, "Parallel state".
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from ..core import Block, Fiber, PreparedState, Steps
from ..data.flow import DataFlow
from ..history import JSON
from ..interpreter import run_block, within_limit
from .children import gather
from .retry import Attempt


def parallel_attempt(state: PreparedState, branches: Sequence[Block], flow: DataFlow, following: str | None) -> Attempt:
    def attempt(fiber: Fiber, value: JSON) -> Steps:
        effective = within_limit(state.name, flow.effective(value, fiber.scope), value)
        result: list[JSON] = [None] * len(branches)
        fiber.record("ParallelStateStarted")

        def start(index: int) -> None:
            fiber.spawn(partial(run_block, block=branches[index], value=effective), index)

        def ended(branch: Fiber) -> None:
            if branch.failure is not None:
                _note_aborted(branch)
            fiber.source = branch.source
            if branch.failure is not None:
                raise branch.failure
            result[branch.index] = branch.output

        yield from gather(fiber, len(branches), 0, start, ended)
        fiber.note("ParallelStateSucceeded")
        output, assigned = flow.finish(value, result, fiber.scope)
        return following, output, assigned

    return attempt


_ABORTED = ("Map", "Parallel", "Task", "Wait")
"""The types of states whose HistoryEventType has a …StateAborted; the others end in the step that enters them."""


def _note_aborted(failed: Fiber) -> None:
    """The state in which a branch failed never exited."""
    if failed.state is not None and failed.state.type in _ABORTED:
        failed.note(f"{failed.state.type}StateAborted")
