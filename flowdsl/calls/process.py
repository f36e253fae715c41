"""Run a handler in this process as if it had a process of its own.

It reads the execution's time from FLOWDSL_NOW and the variables that Lambda sets, stops at its time limit, and when it
exits only its call ends. Afterwards environment variables, working directory, alarm and builtins are as before.
"""

from __future__ import annotations

import builtins
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, wait
from contextlib import contextmanager
from contextvars import copy_context
from datetime import UTC, datetime
from functools import partial
from typing import Any, NoReturn

from attrs import define

from ..base.alarm import OverdueError, is_debugged, raise_after
from .sharing import give_up, mark_call

ContainedCall = Callable[..., Any]
"""Calls a function of the handler's, with these arguments, where what it may do ends with the call."""


@contextmanager
def handler_process(
    now: float, variables: Mapping[str, str], seconds: float, overdue: OverdueError
) -> Iterator[ContainedCall]:
    """Surround the call of a handler: `now` is the execution's time, in seconds since 1970; `variables` are in its
    environment. All code of the handler's is called through the value of the `with`, for it may replace builtins.

    Raises `overdue` after so many seconds (in the main thread, if the system has SIGALRM and no debugger watches), and
    SystemExit if the handler calls os._exit, or raises what would end Lambda's runtime (whose client handles Exception
    only; source: awslambdaric.bootstrap). A process that the handler forks and that returns from it ends there.
    """
    folder = os.getcwd()  # noqa: PTH109 - Path.cwd() takes six times as long
    time_text = datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    try:
        with _contain({**variables, "FLOWDSL_NOW": time_text}) as call, raise_after(seconds, overdue) as alarm:
            yield partial(_call, call.process, call.builtins, alarm)
    finally:
        if not _is_in(folder):
            os.chdir(folder)


def _call(process: int, names: dict[str, Any], alarm: Any, function: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return function(*arguments)
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


def _is_in(folder: str) -> bool:
    try:
        return os.getcwd() == folder  # noqa: PTH109 - as above
    except OSError:  # the handler removed the folder that it was in
        return False


def _is_of_a_test(error: BaseException, alarm: Any) -> bool:
    """True for what a test raises through a handler: pytest.fail() and the like, or its timeout by an alarm."""
    is_outcome = any(cls.__module__.partition(".")[0] == "_pytest" for cls in type(error).__mro__)
    return is_outcome or alarm not in (None, signal.SIG_DFL, signal.SIG_IGN)


@define(eq=False)
class _Underway:
    """A handler's call in progress: its process and thread, its environment variables, and those and the builtins
    before it."""

    process: int
    thread: int
    variables: Mapping[str, str]
    before: Mapping[str, str | None]
    builtins: dict[str, Any]


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
def _contain(variables: Mapping[str, str]) -> Iterator[_Underway]:
    """Set environment variables, and keep the handler from ending this process with os._exit.

    Both belong to the whole process, as do builtins: calls in several threads read the variables of the call that began
    last, and the end of the last call restores what was there before the first.
    """
    thread = threading.get_ident()
    with _underway_lock:
        before = _underway[0].before if _underway else _read_variables(variables)
        other = next((each for each in _underway if each.thread != thread), None)
        names = other.builtins if other else _BUILTINS.copy()  # a handler elsewhere may have replaced some
        call = _Underway(os.getpid(), thread, variables, before, names)
        _underway.append(call)
        _set_variables(variables)
        os._exit = _exit
    try:
        yield call
    finally:
        with _underway_lock:
            _underway.remove(call)
            if not _underway:
                os._exit = _leave
            _set_variables(_underway[-1].variables if _underway else call.before)


def _read_variables(names: Iterable[str]) -> dict[str, str | None]:
    return {name: os.environ[name] if _is_set(name) else None for name in names}


def _set_variables(values: Mapping[str, str | None]) -> None:
    for name, value in values.items():
        if value is not None:
            os.environ[name] = value
        elif _is_set(name):
            del os.environ[name]


def _is_set(name: str) -> bool:
    """`name in os.environ`, which raises and catches two exceptions when it is not: most of the time here."""
    environment: Any = os.environ
    values = getattr(environment, "_data", None)
    return name in environment if values is None else environment.encodekey(name) in values


def call_in_time(function: Callable[[], Any], seconds: float, overdue: OverdueError) -> Any:
    """Call a function within so many seconds, in a thread other than the main one, in which nothing can interrupt it,
    or inside a running event loop, in which it could not call asyncio.run.

    It gets a thread of its own. Raises `overdue` if it has not returned in time; it runs on then, and what it returns
    is lost.
    """
    if (threading.current_thread() is threading.main_thread() or is_debugged()) and not _is_in_event_loop():
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
    if not wait([outcome], timeout=None if is_debugged() else seconds).done:
        give_up(event)
        raise overdue
    return outcome.result()


def _is_in_event_loop() -> bool:
    """True inside an async function that runs. Imports nothing: without asyncio no loop runs."""
    asyncio = sys.modules.get("asyncio")
    return asyncio is not None and asyncio.events._get_running_loop() is not None
