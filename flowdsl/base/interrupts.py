"""Ctrl-C, held back where it would leave files or processes behind, and let through where all is told who cleans up.

SIGINT is blocked in the calling thread, as pthread_sigmask(3) does it: the kernel keeps the signal until it is allowed
again, so no moment is too early or too late for it. Processes that are started meanwhile have it blocked, too.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

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
