"""For a process in a session of its own: end with the process that started it, however that ends.

    python starter.py COMMAND [ARGUMENT]...

runs a command so; its stdin has to be a pipe that the starter keeps open.
"""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any


def end_with_starter() -> None:
    """End this process and all of its group when its stdin ends, which is a pipe that the starter keeps open.

    Whatever else stdin is, such as a terminal, is left alone.
    """
    if stat.S_ISFIFO(os.fstat(0).st_mode):
        threading.Thread(target=_wait_and_end, daemon=True).start()


def _wait_and_end() -> None:
    while os.read(0, 1024):
        pass
    os.killpg(0, signal.SIGKILL)


@contextmanager
def serving(command: Sequence[str], **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server until the block, or this process, ends; `options` are those of Popen."""
    words = [sys.executable, __file__, *command]
    server = subprocess.Popen(words, stdin=subprocess.PIPE, start_new_session=True, **options)
    try:
        yield server
    finally:
        for ending in (signal.SIGTERM, signal.SIGKILL):
            with suppress(OSError):
                os.killpg(server.pid, ending)
            with suppress(subprocess.TimeoutExpired):
                server.wait(10)
        server.stdin.close()  # type: ignore[union-attr] # it is a pipe


if __name__ == "__main__":
    end_with_starter()
    sys.exit(subprocess.call(sys.argv[1:], stdin=subprocess.DEVNULL))
