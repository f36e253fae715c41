"""How a command that has called handlers ends, in a process of its own, whatever they have left there.

Lambda freezes what a handler leaves behind; here it would keep the process alive.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
import time
from contextlib import suppress
from typing import Any

_WAIT_SECONDS = 2.0


def end_in_time(code: int) -> None:
    """End the process with this exit code soon after the command, although threads and processes of handlers still
    run."""
    threads = [each for each in threading.enumerate() if not each.daemon and each is not threading.main_thread()]
    if threads or _processes():
        threading.Thread(target=_end, args=(code,), daemon=True).start()


def _end(code: int) -> None:
    time.sleep(_WAIT_SECONDS)  # threads that wait for work end with the process
    processes = _processes()
    what = "process" if processes else "thread"
    with suppress(OSError, ValueError):
        sys.stderr.write(f"a handler has left a {what} running, which Lambda would freeze: it ends with this command\n")
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    for process in processes:  # Python waits for them at its exit
        process.kill()
    atexit._run_exitfuncs()
    os._exit(code)


def _processes() -> list[Any]:
    multiprocessing = sys.modules.get("multiprocessing")
    return multiprocessing.active_children() if multiprocessing else []
