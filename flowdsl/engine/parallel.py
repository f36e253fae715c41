"""Parallel: every branch with the same input, the results as a list in the order of the branches.

Source: ASL specification, "Parallel state".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from .dataflow import Flow
from .execution import JOIN, Fiber, Steps
from .history import JSON
from .interpreter import run_block, within_limit
from .retry import Catcher, Retrier, guarded

if TYPE_CHECKING:
    from .program import Block, State


def parallel_run(
    state: State,
    branches: Sequence[Block],
    flow: Flow,
    retriers: Sequence[Retrier],
    catchers: Sequence[Catcher],
    following: str | None,
) -> Callable[[Fiber, JSON], Steps]:
    def attempt(fiber: Fiber, value: JSON) -> Steps:
        effective = within_limit(state.name, flow.effective(value, fiber.scope), value)
        fiber.record("ParallelStateStarted")
        children = [
            fiber.spawn(partial(run_block, block=branch, value=effective), index)
            for index, branch in enumerate(branches)
        ]
        for _ in children:
            ended: Fiber = yield JOIN
            if ended.failure is not None:
                cut_off(fiber, ended)
                fiber.source = ended.source
                raise ended.failure
            last = ended
        fiber.children = {}
        fiber.source = last.source
        fiber.note("ParallelStateSucceeded")
        result = [child.output for child in children]
        output, assigned = flow.finish(value, result, fiber.scope)
        return following, output, assigned

    def run(fiber: Fiber, value: JSON) -> Steps:
        return (yield from guarded(fiber, state, value, attempt, retriers, catchers, "ParallelStateFailed"))

    return run


def cut_off(parent: Fiber, failed: Fiber) -> None:
    """End all branches because one failed; the state in which it failed never exited either."""
    if failed.state is not None and failed.state.type != "Fail":
        failed.note(f"{failed.state.type}StateAborted")
    for child in parent.children.values():
        parent.execution.abort(child)
    parent.children = {}
    parent.ended.clear()
