"""For a process in a session of its own: end with the process that started it, however that ends."""

from __future__ import annotations

import os
import signal
import stat
import threading


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
