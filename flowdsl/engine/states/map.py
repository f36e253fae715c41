"""Map over the items of an array, inside the execution.

Source: ASL specification, "Map state"; the order and ancestry of events from recorded executions.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ..core import Block, Fiber, PreparedState, Steps
from ..data.flow import DataFlow, Items
from ..data.items import Item, items_of
from ..history import JSON
from ..interpreter import run_block, within_limit
from .children import gather
from .retry import Attempt

MAX_CONCURRENCY = 40
"""The maximum number of concurrent iterations, unless MaxConcurrency is lower. Source: Step Functions Developer Guide,
"Map state processing modes"."""


def map_attempt(state: PreparedState, processor: Block, flow: DataFlow, items: Items, following: str | None) -> Attempt:
    def attempt(fiber: Fiber, value: JSON) -> Steps:
        effective = flow.effective(value, fiber.scope)
        limit = min(items.max_concurrency(effective, fiber) or MAX_CONCURRENCY, MAX_CONCURRENCY)
        elements = items_of(items.find(value, effective, fiber))
        select = None if items.select is None else partial(items.select, value, effective)
        fiber.record("MapStateStarted", {"length": len(elements)})
        result = yield from _iterate(fiber, state, processor, elements, select, limit)
        output, assigned = flow.finish(value, result, fiber.scope)
        return following, output, assigned

    return attempt


def _iterate(
    fiber: Fiber,
    state: PreparedState,
    processor: Block,
    elements: list[Item],
    select: Callable[[Fiber], JSON] | None,
    limit: int,
) -> Steps:
    """Run an iteration for each item, at most `limit` at a time; returns their outputs in the order of the items."""
    outputs: list[JSON] = [None] * len(elements)
    last = fiber.source

    def details(index: int) -> dict[str, JSON]:
        return {"name": state.name, "index": index}

    def start(index: int) -> None:
        item = elements[index]
        map_item = item.context(index)
        value = within_limit(state.name, selected(fiber, state, item, map_item, select), item.value)
        child = fiber.spawn(partial(run_block, block=processor, value=value), index, map_item)
        child.record("MapIterationStarted", details(index))

    def ended(iteration: Fiber) -> None:
        nonlocal last
        fiber.source = iteration.source
        if iteration.failure is not None:
            fiber.note("MapIterationFailed", details(iteration.index))
            raise iteration.failure
        last = fiber.note("MapIterationSucceeded", details(iteration.index))
        outputs[iteration.index] = iteration.output

    yield from gather(fiber, len(elements), limit, start, ended)
    fiber.source = last
    fiber.note("MapStateSucceeded")
    return outputs


def selected(
    fiber: Fiber,
    state: PreparedState,
    item: Item,
    map_item: dict[str, JSON],
    select: Callable[[Fiber], JSON] | None,
) -> JSON:
    """The input of one iteration: what ItemSelector makes of the item."""
    if select is None:
        return item.input
    outer, fiber.map_item = fiber.map_item, map_item
    fiber.see(state)
    try:
        return select(fiber)
    finally:
        fiber.map_item = outer
        fiber.see(state)
