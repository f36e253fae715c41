"""Time: virtual, which jumps to the next deadline when nothing else is left to do, and real."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import Protocol

from ..base.diagnostics import FlowError

_YEAR_10000 = datetime(9999, 12, 31, tzinfo=UTC).timestamp() + 24 * 60 * 60


class Clock(Protocol):
    """`now` is in seconds since 1970; `wait` passes time until then, or until `changed` is notified.

    The caller of `wait` holds the lock of `changed`. Virtual time passes only in `wait`, which returns at once.
    """

    @property
    def is_virtual(self) -> bool: ...

    def now(self) -> float: ...

    def wait(self, until: float | None, changed: threading.Condition) -> None: ...


class VirtualClock:
    """Starts at a given time and moves only by waiting, which takes no real time.

    Raises FlowError when its time is beyond the year 9999, which timestamps cannot have.
    """

    is_virtual = True

    def __init__(self, start: float | datetime = datetime(2025, 1, 1, tzinfo=UTC)) -> None:
        self._now = _before_10000(start.timestamp() if isinstance(start, datetime) else start)

    def now(self) -> float:
        return self._now

    def wait(self, until: float | None, changed: threading.Condition) -> None:  # noqa: ARG002 - a Clock
        if until is not None:
            self._now = max(self._now, _before_10000(until))


def _before_10000(seconds: float) -> float:
    if seconds >= _YEAR_10000:
        raise FlowError.of(
            "the virtual clock cannot go beyond the year 9999", hint="let the clock start at an earlier time"
        )
    return seconds


class WallClock:
    """Real time; waiting ends early when another thread notifies."""

    is_virtual = False

    def now(self) -> float:
        return time.time()

    def wait(self, until: float | None, changed: threading.Condition) -> None:
        changed.wait(None if until is None else max(0.0, until - time.time()))
