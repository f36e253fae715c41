"""The messages that are due later, ordered by time."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable

from ..base.named import NamedTuple
from .messages import Pending


class Timer(NamedTuple):
    """A message and when it is due (seconds since 1970), in the order of `when`, `is_timeout`, `order`."""

    when: float
    is_timeout: bool
    """True for the end of a task's time: an answer at the same moment comes first."""
    order: int
    message: Pending


class Timers:
    """The timers of a scheduler. `is_wanted` returns False for a message to something that has ended."""

    def __init__(self) -> None:
        self._heap: list[Timer] = []
        self._order = itertools.count()

    def at(self, when: float, message: Pending, *, is_timeout: bool = False) -> None:
        heapq.heappush(self._heap, Timer(when, is_timeout, next(self._order), message))

    def next(self, is_wanted: Callable[[Pending], bool]) -> Timer | None:
        """The next timer that is wanted; the others must not move the clock, and are dropped."""
        while self._heap:
            if is_wanted(self._heap[0].message):
                return self._heap[0]
            heapq.heappop(self._heap)
        return None

    def pop(self) -> Pending:
        """Remove the timer that `next` returned."""
        return heapq.heappop(self._heap).message

    def clear(self) -> None:
        """Drop all timers."""
        self._heap.clear()

    def wanted(self, is_wanted: Callable[[Pending], bool]) -> list[Timer]:
        """All timers that are wanted, in their order."""
        return [timer for timer in sorted(self._heap) if is_wanted(timer.message)]
