"""What is started for a test ends with it, also if it is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

CHILD = """
import subprocess, sys, time
from starter import end_with_starter
end_with_starter()
grandchild = subprocess.Popen([sys.executable, "-c", "print('up', flush=True); import time; time.sleep(60)"])
time.sleep(60)
"""
STARTER = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdin=subprocess.PIPE, start_new_session=True)
child.wait()
"""


def test_all_processes_end_with_a_starter_that_is_killed() -> None:
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER, CHILD],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parent)},
    )
    assert starter.stdout
    with starter.stdout as said:
        assert said.readline() == b"up\n"
        started = time.monotonic()
        starter.send_signal(signal.SIGKILL)
        starter.wait()
        assert said.read() == b""  # the end: nobody has it open any more
        assert time.monotonic() - started < 30
