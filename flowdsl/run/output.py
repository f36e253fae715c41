"""What handlers write during their calls, apart from what the run itself prints."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from contextvars import ContextVar
from io import RawIOBase, TextIOWrapper
from typing import Any, TextIO

from ..engine import Call, Invoker, Reply

Output = Callable[[Call, Reply, str], None]
"""Called after each call with what was written during it; in real time in the thread of the call."""

_MOST_BYTES = 2**20
"""What is kept of one call's output."""


class _Written:
    """What a call has written, at most `_MOST_BYTES` of it: a handler may write without end."""

    def __init__(self) -> None:
        self._kept = bytearray()
        self._dropped = 0

    def add(self, data: Any) -> int:
        size = len(data)
        fits = min(size, _MOST_BYTES - len(self._kept))
        self._kept += data[:fits]
        self._dropped += size - fits
        return size

    def text(self) -> str:
        more = f"\n… and {self._dropped:,} bytes more\n" if self._dropped else ""
        return self._kept.decode(errors="replace") + more


_written: ContextVar[_Written | None] = ContextVar("_written", default=None)
"""What the call of this thread has written; None outside of calls."""


class _PerCall(RawIOBase):
    """A binary stream that keeps what is written in a call, and passes on everything else."""

    def __init__(self, outside: TextIO) -> None:
        self._outside = outside
        self.name = getattr(outside, "name", "")

    def writable(self) -> bool:
        return True

    def close(self) -> None:
        """A handler may close what it writes to; the run goes on with it."""

    def isatty(self) -> bool:
        return _written.get() is None and self._outside.isatty()

    def write(self, data: Any) -> int:
        written = _written.get()
        if written is not None:
            return written.add(data)
        self._outside.write(bytes(data).decode(errors="replace"))
        self._outside.flush()
        return len(data)


def _stream(outside: TextIO) -> TextIOWrapper:
    return TextIOWrapper(_PerCall(outside), "utf-8", "backslashreplace", newline="", write_through=True)


@contextmanager
def capture_output(invoke: Invoker, on_output: Output) -> Iterator[Invoker]:
    """Replace stdout and stderr for a whole run: a handler's logging may keep the stream that it got at its import."""
    outside = sys.stderr

    def captured(call: Call) -> Reply:
        written = _Written()
        token = _written.set(written)
        try:
            reply = invoke(call)
        except BaseException:  # if a run that hangs is interrupted, this says where it was
            outside.write(written.text())
            raise
        finally:
            _written.reset(token)
        on_output(call, reply, written.text())
        return reply

    with redirect_stdout(_stream(sys.stdout)), redirect_stderr(_stream(sys.stderr)):
        yield captured
