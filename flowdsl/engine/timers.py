"""What is to happen when: a heap of actions by time."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from typing import NamedTuple


class Timer(NamedTuple):
    """Something to do at a time, in the order of `when`, then `order`; nothing any more where it isn't `wanted`."""

    when: float
    order: int
    action: Callable[[], None]
    wanted: Callable[[], bool]
    is_limit: bool
    """The year after which the service ends an execution."""


class Timers:
    """The timers of a scheduler."""

    def __init__(self) -> None:
        self._heap: list[Timer] = []
        self._order = itertools.count()

    def at(
        self, when: float, action: Callable[[], None], wanted: Callable[[], bool], *, is_limit: bool = False
    ) -> None:
        heapq.heappush(self._heap, Timer(when, next(self._order), action, wanted, is_limit))

    def next(self) -> Timer | None:
        """The next timer that somebody still wants; the others must not move the clock."""
        while self._heap:
            if self._heap[0].wanted():
                return self._heap[0]
            heapq.heappop(self._heap)
        return None

    def clear(self) -> None:
        """Forget all timers, when nothing runs that they could matter to."""
        self._heap.clear()

    def pop_due(self, now: float) -> Timer | None:
        """Take the next timer off where its time has come."""
        timer = self.next()
        return heapq.heappop(self._heap) if timer is not None and timer.when <= now else None
