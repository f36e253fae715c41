"""Run a handler in this process as if it had a process of its own.

It reads the execution's time from FLOWDSL_NOW, stops at its time limit, and when it exits only its call ends.
Afterwards environment variable, working directory, alarm and builtins are as before.
"""

from __future__ import annotations

import builtins
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from contextvars import copy_context
from datetime import UTC, datetime
from types import FrameType
from typing import Any, NoReturn

from attrs import define

from .sharing import give_up, mark_call


class OverdueError(BaseException):
    """The handler's time is up. Not an Exception, so that the handler's own `except Exception` does not catch it."""


@contextmanager
def handler_process(now: float, seconds: float, overdue: OverdueError) -> Iterator[None]:
    """Surround the call of a handler: `now` is the execution's time, in seconds since 1970.

    Raises `overdue` after so many seconds (in the main thread, if the system has SIGALRM and no debugger watches), and
    SystemExit if the handler calls os._exit, or raises what would end Lambda's runtime (whose client handles Exception
    only; source: awslambdaric.bootstrap). A process that the handler forks and that returns from it ends there.
    """
    process, names = os.getpid(), _BUILTINS.copy()
    alarm = signal.getsignal(signal.SIGALRM) if hasattr(signal, "SIGALRM") else None
    folder = os.getcwd()  # noqa: PTH109 - Path.cwd() takes six times as long
    time_text = datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    try:
        with _contain(time_text), raise_after(seconds, overdue):
            try:
                yield
            except _HANDLED:
                raise
            except BaseException as error:
                _BUILTINS.update(names)
                if _is_of_a_test(error, alarm):
                    raise
                traceback.print_exception(error)
                raise SystemExit(1) from error
            finally:
                _BUILTINS.update(names)
                if os.getpid() != process:
                    _leave(0)
    finally:
        os.chdir(folder)


def _is_of_a_test(error: BaseException, alarm: Any) -> bool:
    """True for what a test raises through a handler: pytest.fail() and the like, or its timeout by an alarm."""
    is_outcome = any(cls.__module__.partition(".")[0] == "_pytest" for cls in type(error).__mro__)
    return is_outcome or alarm not in (None, signal.SIG_DFL, signal.SIG_IGN)


@define(eq=False)
class _Underway:
    """A handler's call in progress: its process and thread, its FLOWDSL_NOW, and the one before it."""

    process: int
    thread: int
    now: str
    before: str | None = None


_BUILTINS = builtins.__dict__
_HANDLED = (Exception, SystemExit, KeyboardInterrupt, OverdueError)
"""What callers of a handler tell apart. A handler may have replaced the name Exception."""
_leave = os._exit
_underway: list[_Underway] = []
_underway_lock = threading.Lock()


def _exit(status: int) -> NoReturn:
    here = (os.getpid(), threading.get_ident())
    if any((call.process, call.thread) == here for call in _underway):
        raise SystemExit(status)
    _leave(status)  # a forked process, or a thread that is not a handler's, such as that of a test's timeout


@contextmanager
def _contain(now: str) -> Iterator[None]:
    """Set FLOWDSL_NOW, and keep the handler from ending this process with os._exit.

    Both belong to the whole process: calls in several threads read the time of the call that began last, and the end of
    the last call restores both.
    """
    call = _Underway(os.getpid(), threading.get_ident(), now)
    with _underway_lock:
        call.before = _underway[0].before if _underway else os.environ.get("FLOWDSL_NOW")
        _underway.append(call)
        os.environ["FLOWDSL_NOW"] = now
        os._exit = _exit
    try:
        yield
    finally:
        with _underway_lock:
            _underway.remove(call)
            if _underway:
                os.environ["FLOWDSL_NOW"] = _underway[-1].now
            else:
                os._exit = _leave
                if call.before is None:
                    os.environ.pop("FLOWDSL_NOW", None)
                else:
                    os.environ["FLOWDSL_NOW"] = call.before


@contextmanager
def raise_after(seconds: float, overdue: OverdueError) -> Iterator[None]:
    """Raise `overdue` in the main thread after so many seconds, then every second, because the handler may catch it.

    An alarm that is already set, such as a test's timeout, goes off instead if it is due earlier, and is set again
    afterwards if it is due later.
    """
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer") or _is_debugged():
        yield
        return
    started = time.monotonic()
    remaining, interval = signal.getitimer(signal.ITIMER_REAL)
    if 0 < remaining <= seconds:
        yield
        return

    def ring(_signal: int, _frame: FrameType | None) -> None:
        if not _is_debugged():
            raise overdue

    before = signal.signal(signal.SIGALRM, ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
        yield
    finally:
        try:
            signal.setitimer(signal.ITIMER_REAL, 0)
        finally:  # the alarm may go off on the line above
            signal.signal(signal.SIGALRM, before)
            if remaining:
                signal.setitimer(signal.ITIMER_REAL, max(remaining - (time.monotonic() - started), 0.001), interval)


def call_in_time(function: Callable[[], Any], seconds: float, overdue: OverdueError) -> Any:
    """Call a function within so many seconds, in a thread other than the main one, in which nothing can interrupt it.

    It gets a thread of its own. Raises `overdue` if it has not returned in time; it runs on then, and what it returns
    is lost.
    """
    if threading.current_thread() is threading.main_thread() or _is_debugged():
        return function()
    outcome: Future[Any] = Future()

    def work() -> None:
        try:
            outcome.set_result(function())
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits
            outcome.set_exception(error)

    context = copy_context()
    event = mark_call(context)
    threading.Thread(target=context.run, args=(work,), name="flowdsl-handler", daemon=True).start()
    if not wait([outcome], timeout=seconds).done:
        give_up(event)
        raise overdue
    return outcome.result()


def _is_debugged() -> bool:
    """True if a debugger is attached: time limits would interrupt its user. Coverage's tracer is not a debugger."""
    trace = sys.gettrace()
    if trace is not None:
        return not (getattr(trace, "__module__", None) or type(trace).__module__).startswith("coverage")
    monitoring = getattr(sys, "monitoring", None)  # since Python 3.12
    return monitoring is not None and monitoring.get_tool(monitoring.DEBUGGER_ID) is not None
