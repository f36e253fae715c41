"""What is started for a test ends with it, also if it is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

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


SERVING = """
import sys, time
from starter import serving
with serving([sys.executable, "-c", "print('up', flush=True); import time; time.sleep(60)"]):
    time.sleep(float(sys.argv[2]))
"""


@pytest.mark.parametrize(("code", "seconds"), [(STARTER, "60"), (SERVING, "60"), (SERVING, "3")])
def test_all_processes_end_with_a_starter_that_is_killed(code: str, seconds: str) -> None:
    starter = subprocess.Popen(
        [sys.executable, "-c", code, CHILD, seconds],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parent)},
    )
    assert starter.stdout
    with starter.stdout as said:
        assert said.readline() == b"up\n"
        started = time.monotonic()
        if seconds == "60":
            starter.send_signal(signal.SIGKILL)
        starter.wait()
        assert said.read() == b""  # the end: nobody has it open any more
        assert time.monotonic() - started < 30
