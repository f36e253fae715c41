"""Run the children of a state: branches of a Parallel, iterations of a Map, child executions of a Map Run.

Source: ASL specification, "Parallel state" and "Map state": when one fails, the others are ended.
"""

from __future__ import annotations

from collections.abc import Callable

from ...expr.errors import StatesError
from ..core import JOIN, Fiber, Steps
from ..errors import Failure


def gather(
    fiber: Fiber,
    count: int,
    limit: int,
    start: Callable[[int], object],
    ended: Callable[[Fiber], None],
) -> Steps:
    """Run `count` children of a fiber, at most `limit` at a time (0: all at once), until all have ended.

    `start` spawns the one of an index, `ended` looks at each that has ended. Where either raises, the children that are
    left are cut off.
    """
    following = 0
    try:
        while following < count or fiber.children:
            while following < count and (limit == 0 or len(fiber.children) < limit):
                start(following)
                following += 1
            child: Fiber = yield JOIN
            del fiber.children[child.id]
            ended(child)
    except (Failure, StatesError):
        for child in fiber.children.values():
            fiber.execution.abort(child)
        fiber.children = {}
        fiber.ended.clear()
        raise
