"""Map over the items of an array, inside the execution.

Source: ASL specification, "Map state"; the order and ancestry of events from recorded executions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from .dataflow import Flow, Items
from .execution import JOIN, Fiber, Steps
from .history import JSON
from .interpreter import run_block, within_limit
from .retry import Catcher, Retrier, guarded

if TYPE_CHECKING:
    from .program import Block, State


def map_run(
    state: State,
    processor: Block,
    flow: Flow,
    items: Items,
    retriers: Sequence[Retrier],
    catchers: Sequence[Catcher],
    following: str | None,
) -> Callable[[Fiber, JSON], Steps]:
    def attempt(fiber: Fiber, value: JSON) -> Steps:
        effective = flow.effective(value, fiber.scope)
        limit = items.max_concurrency(value, fiber)
        found = items.find(value, effective, fiber)
        select = None if items.select is None else partial(items.select, value, effective)
        fiber.record("MapStateStarted", {"length": len(found)})
        result = yield from _iterate(fiber, state, processor, found, select, limit)
        output, assigned = flow.finish(value, result, fiber.scope)
        return following, output, assigned

    def run(fiber: Fiber, value: JSON) -> Steps:
        return (yield from guarded(fiber, state, value, attempt, retriers, catchers, "MapStateFailed"))

    return run


def _iterate(
    fiber: Fiber,
    state: State,
    processor: Block,
    found: list[JSON],
    select: Callable[[Fiber], JSON] | None,
    limit: int,
) -> Steps:
    """Run an iteration for each item, at most `limit` at a time; returns their outputs in the order of the items."""
    outputs: list[JSON] = [None] * len(found)
    running: dict[int, Fiber] = {}
    following = 0
    last = fiber.source
    while following < len(found) or running:
        while following < len(found) and (limit == 0 or len(running) < limit):
            running[following] = _start(fiber, state, processor, found[following], following, select)
            following += 1
        ended: Fiber = yield JOIN
        del running[ended.index]
        del fiber.children[ended.id]
        details = {"name": state.name, "index": ended.index}
        fiber.source = ended.source
        if ended.failure is not None:
            fiber.note("MapIterationFailed", details)
            _abort(fiber, state, running)
            raise ended.failure
        last = fiber.note("MapIterationSucceeded", details)
        outputs[ended.index] = ended.output
    fiber.source = last
    fiber.note("MapStateSucceeded")
    return outputs


def _start(
    fiber: Fiber,
    state: State,
    processor: Block,
    item: JSON,
    index: int,
    select: Callable[[Fiber], JSON] | None,
) -> Fiber:
    map_item = {"Index": index, "Value": item}
    value = within_limit(state.name, selected(fiber, state, map_item, select), item)
    child = fiber.spawn(partial(run_block, block=processor, value=value), index, map_item)
    child.record("MapIterationStarted", {"name": state.name, "index": index})
    return child


def selected(
    fiber: Fiber,
    state: State,
    map_item: dict[str, JSON],
    select: Callable[[Fiber], JSON] | None,
) -> JSON:
    """The input of one iteration: what ItemSelector makes of the item."""
    if select is None:
        return map_item["Value"]
    outer, fiber.map_item = fiber.map_item, map_item
    fiber.see(state)
    try:
        return select(fiber)
    finally:
        fiber.map_item = outer
        fiber.see(state)


def _abort(fiber: Fiber, state: State, running: dict[int, Fiber]) -> None:
    for index, child in running.items():
        fiber.execution.abort(child)
        child.note("MapIterationAborted", {"name": state.name, "index": index})
    fiber.children = {}
    fiber.ended.clear()
