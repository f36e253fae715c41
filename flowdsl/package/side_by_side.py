"""Commands that run side by side, in process groups of their own; none of them outlives this process's block.

Ctrl-C at a terminal reaches every process of the foreground's group. uv, in a session of its own, does not get it, so
that it cannot write on while its folder is removed: the block kills the whole group and waits for it.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from ..base.interrupts import allowing_interrupts, holding_interrupts
from ..base.record import Record


class Job(Record):
    """A command, what it reads from stdin, and where and with which environment it runs."""

    command: tuple[str, ...]
    text: str
    folder: Path
    environment: Mapping[str, str]


class Ended(Record):
    """How a job ended: its exit code, and what it wrote to stderr."""

    code: int
    stderr: str


class Jobs:
    """Jobs by name, started in their order, at most `limit` at a time; they inherit the descriptor `lock`."""

    def __init__(self, jobs: Mapping[str, Job], limit: int, lock: int) -> None:
        self._jobs = jobs
        self._lock = lock
        self._waiting = deque(jobs)
        self._limit = max(limit, 1)
        self._selector = selectors.DefaultSelector()
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._written: dict[str, bytearray] = {}
        self._ended: dict[str, Ended] = {}

    def wait(self, name: str) -> Ended:
        """Wait for the job; the others go on meanwhile."""
        while name not in self._ended:
            self.go_on(None)
        return self._ended[name]

    def go_on(self, seconds: float | None = 0) -> None:
        """Start what can be started, and take note of what has ended; wait at most so long for that (None: ever)."""
        while self._waiting and len(self._running) < self._limit:
            self._start(self._waiting.popleft())
        with allowing_interrupts():
            ready = self._selector.select(seconds) if self._running else []
        for key, _ in ready:
            self._read(key.data, key.fd)

    def stop(self) -> None:
        """Kill what still runs, with all processes that it started, and wait for it."""
        for process in self._running.values():
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        for process in self._running.values():
            process.wait()
            _close(process.stdin, process.stderr)
        self._running.clear()
        self._selector.close()

    def _start(self, name: str) -> None:
        job = self._jobs[name]
        with _text_file(job.text) as stdin:
            process = subprocess.Popen(  # noqa: S603 - the jobs are flowdsl's own
                job.command,
                stdin=stdin,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                cwd=job.folder,
                env=job.environment,
                start_new_session=True,
                pass_fds=(self._lock,),
            )
        self._running[name] = process
        self._written[name] = bytearray()
        if process.stderr is not None:
            self._selector.register(process.stderr, selectors.EVENT_READ, name)

    def _read(self, name: str, descriptor: int) -> None:
        data = os.read(descriptor, 65536)
        self._written[name] += data
        if not data:  # all that had stderr are gone
            process = self._running[name]
            self._selector.unregister(descriptor)
            code = process.wait()
            del self._running[name]
            _close(process.stderr)
            self._ended[name] = Ended(code, self._written.pop(name).decode(errors="replace"))


@contextmanager
def side_by_side(jobs: Mapping[str, Job], limit: int, lock: int) -> Iterator[Jobs]:
    """Run jobs during the block; whatever still runs at its end, or when it raises, is killed.

    `lock` is a descriptor that they inherit: a lock on it lasts until all have ended, also if only this process is
    killed.
    """
    with holding_interrupts():
        running = Jobs(jobs, limit, lock)
        try:
            yield running
        finally:
            running.stop()


@contextmanager
def _text_file(text: str) -> Iterator[IO[bytes]]:
    from tempfile import TemporaryFile

    with TemporaryFile() as file:
        file.write(text.encode())
        file.seek(0)
        yield file


def _close(*streams: IO[bytes] | None) -> None:
    for stream in streams:
        if stream is not None:
            stream.close()
