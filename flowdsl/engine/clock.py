"""Time: virtual, which jumps to the next deadline when nothing else is left to do, and real."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

Post = Callable[[], None]


class Clock(Protocol):
    """`now` is in seconds since 1970; `wait` passes time until then, or until something is posted from outside.

    Time that is virtual passes by waiting alone, so nothing can be posted meanwhile.
    """

    @property
    def is_virtual(self) -> bool: ...

    def now(self) -> float: ...

    def wait(self, until: float | None, inbox: queue.SimpleQueue[Post]) -> Post | None: ...


class VirtualClock:
    """Starts where it is told to and moves only by waiting, which takes no time."""

    is_virtual = True

    def __init__(self, start: float | datetime = datetime(2025, 1, 1, tzinfo=UTC)) -> None:
        self._now = start.timestamp() if isinstance(start, datetime) else start

    def now(self) -> float:
        return self._now

    def wait(self, until: float | None, inbox: queue.SimpleQueue[Post]) -> Post | None:  # noqa: ARG002 - nobody posts meanwhile
        if until is not None:
            self._now = max(self._now, until)
        return None


class WallClock:
    """Real time; waiting ends early where another thread posts a signal."""

    is_virtual = False

    def now(self) -> float:
        return time.time()

    def wait(self, until: float | None, inbox: queue.SimpleQueue[Post]) -> Post | None:
        try:
            return inbox.get(timeout=None if until is None else max(0.0, until - time.time()))
        except queue.Empty:
            return None
