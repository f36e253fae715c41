"""Ctrl-C, held back where it would leave files or processes behind, and let through where all is told who cleans up;
and Ctrl-C that Python renames or loses.

To hold it back, SIGINT is blocked in the calling thread, as pthread_sigmask(3) does it: the kernel keeps the signal
until it is allowed again, so no moment is too early or too late for it. Processes that are started meanwhile have it
blocked, too.
"""

from __future__ import annotations

import _thread
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

TYPE_CHECKING = False

if TYPE_CHECKING:
    from types import FrameType, TracebackType

_SIGINT = frozenset({signal.SIGINT})


@contextmanager
def holding_interrupts() -> Iterator[None]:
    """Hold back Ctrl-C until the end of the block; what came meanwhile is raised there, as KeyboardInterrupt."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGINT)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def allowing_interrupts() -> Iterator[None]:
    """Let Ctrl-C through during the block. Raises KeyboardInterrupt for one that was held back."""
    before = signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGINT)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def check_interrupts() -> None:
    """Raise KeyboardInterrupt if Ctrl-C was held back."""
    with allowing_interrupts():
        pass


def is_interrupt(error: BaseException) -> bool:
    """True for KeyboardInterrupt, and for an error that was raised because of one or while one was handled.

    Before Python 3.12 an exception in `__set_name__`, which runs when a class is made, becomes a RuntimeError. Source:
    What's New In Python 3.12, "Other Language Changes".
    """
    todo: list[BaseException | None] = [error]
    known = set()
    while todo:
        each = todo.pop()
        if isinstance(each, KeyboardInterrupt):
            return True
        if each is not None and id(each) not in known:
            known.add(id(each))
            todo += each.__cause__, each.__context__
    return False


def pass_on_interrupt(error: BaseException) -> None:
    """Raise KeyboardInterrupt if the error comes from one, for an `except` that does not raise the error again."""
    if is_interrupt(error) and not isinstance(error, KeyboardInterrupt):
        raise KeyboardInterrupt from error


def install_hooks() -> None:
    """Have Ctrl-C take effect where Python would lose it, and have no traceback of it printed; for a command line.

    In a weakref's callback (importing a module runs several), in `__del__` and in callbacks of the garbage collector
    Python prints an exception and goes on. Ctrl-C is repeated then, as soon as Python can raise it. Call it in the main
    thread. Source: the Python Library Reference, sys.unraisablehook.
    """
    main = _thread.get_ident()
    show, show_lost = sys.excepthook, sys.unraisablehook

    def on_error(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        if not is_interrupt(error):
            show(kind, error, traceback)

    def on_lost(lost: sys.UnraisableHookArgs) -> None:
        if lost.exc_value is None or not is_interrupt(lost.exc_value):
            show_lost(lost)
            return
        _thread.start_new_thread(repeat, ())

    def repeat() -> None:
        while sys._current_frames()[main].f_code is on_lost.__code__:  # where it would be lost, too
            time.sleep(0.001)
        before = None
        while before in (None, place()):  # again if it came just before the thread began to wait: then that goes on
            before = place()
            signal.pthread_kill(main, signal.SIGINT)  # unlike interrupt_main, it is held back and ends waiting
            time.sleep(0.1)

    def place() -> tuple[FrameType, int]:
        frame = sys._current_frames()[main]
        return frame, frame.f_lasti

    sys.excepthook, sys.unraisablehook = on_error, on_lost
