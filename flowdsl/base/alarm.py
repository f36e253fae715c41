"""A time limit for what runs in the main thread, and cannot look at the clock itself."""

from __future__ import annotations

import faulthandler
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_STUCK_SECONDS = 10.0
_ends_when_stuck = False


def end_when_stuck() -> None:
    """From now on end this process, with a traceback on stderr, when what has a time limit does not end although the
    limit has passed: inside of C code Python raises nothing, and signals may be ignored. For a process of a command."""
    global _ends_when_stuck
    _ends_when_stuck = True


class OverdueError(BaseException):
    """The time is up. Not an Exception, so that an `except Exception` of a handler does not catch it."""


@contextmanager
def raise_after(seconds: float, overdue: OverdueError) -> Iterator[Any]:
    """Raise `overdue` in the main thread after so many seconds, then every second, because what runs may catch it.
    The value of the `with` is the handler of SIGALRM before (None without SIGALRM).

    Under a debugger there is no limit, nor once the time is up and one is attached.
    An alarm that is already set, such as a test's timeout, goes off instead if it is due earlier, and is set again
    afterwards if it is due later.
    """
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer") or is_debugged():
        yield signal.getsignal(signal.SIGALRM) if hasattr(signal, "SIGALRM") else None
        return
    started = time.monotonic()
    remaining, interval = signal.getitimer(signal.ITIMER_REAL)
    if 0 < remaining <= seconds:
        yield signal.getsignal(signal.SIGALRM)
        return

    def ring(_signal: int, _frame: FrameType | None) -> None:
        if not is_debugged():
            raise overdue
        signal.setitimer(signal.ITIMER_REAL, 0)  # someone looks into it, such as after breakpoint()
        if _ends_when_stuck:
            faulthandler.cancel_dump_traceback_later()

    before = signal.signal(signal.SIGALRM, ring)
    if _ends_when_stuck:
        faulthandler.dump_traceback_later(seconds + _STUCK_SECONDS, exit=True, file=2)
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
        yield before
    finally:
        try:
            signal.setitimer(signal.ITIMER_REAL, 0)
        finally:  # the alarm may go off on the line above
            signal.signal(signal.SIGALRM, before)
            if _ends_when_stuck:
                faulthandler.cancel_dump_traceback_later()
            if remaining:
                signal.setitimer(signal.ITIMER_REAL, max(remaining - (time.monotonic() - started), 0.001), interval)


def is_debugged() -> bool:
    """True if a debugger is attached: time limits would interrupt its user. Coverage's tracer is not a debugger."""
    trace = sys.gettrace()
    if trace is not None:
        return not (getattr(trace, "__module__", None) or type(trace).__module__).startswith("coverage")
    monitoring = getattr(sys, "monitoring", None)  # since Python 3.12
    return monitoring is not None and monitoring.get_tool(monitoring.DEBUGGER_ID) is not None
