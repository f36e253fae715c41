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

_WAIT_SECONDS = 2.0


def end_in_time(code: int) -> None:
    """End the process with this exit code soon after the command, although threads of handlers still run."""
    if any(not each.daemon and each is not threading.main_thread() for each in threading.enumerate()):
        threading.Thread(target=_end, args=(code,), daemon=True).start()


def _end(code: int) -> None:
    time.sleep(_WAIT_SECONDS)  # threads that wait for work end with the process
    with suppress(OSError, ValueError):
        sys.stderr.write("a handler has left a thread running, which Lambda would freeze: it ends with this command\n")
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    atexit._run_exitfuncs()
    os._exit(code)
