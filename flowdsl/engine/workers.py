"""Threads that carry out calls beside the scheduler in real time."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from contextvars import copy_context
from functools import partial

MAX_CALLS = 1_000
"""Calls at once. Source: Lambda Developer Guide, "Lambda quotas", concurrent executions."""


class Workers:
    """Runs functions in daemon threads: a handler that never returns does not keep the process from ending.

    Each runs in a copy of the context in which it was submitted.
    """

    def __init__(self, most: int = MAX_CALLS) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._backlog: deque[Callable[[], None]] = deque()
        self._threads = 0

    def submit(self, work: Callable[[], None]) -> None:
        """Run this as soon as a thread is free. It must not raise."""
        with self._lock:
            self._backlog.append(partial(copy_context().run, work))
            if self._threads >= self._most:
                return
            self._threads += 1
        threading.Thread(target=self._run, name="flowdsl-call", daemon=True).start()

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._backlog:
                    self._threads -= 1
                    return
                work = self._backlog.popleft()
            work()
