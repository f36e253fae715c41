"""Handlers that do not let go of the process in which `flowdsl run` calls them."""

import json
import subprocess
import sys

import pytest

from flowdsl.run import output

pytestmark = pytest.mark.slow

SOON = """\
import sys
from flowdsl.base import alarm
alarm._STUCK_SECONDS = 0.5
from flowdsl.__main__ import main
sys.argv = ["flowdsl", "run"]
main()
"""


def run(project, body, flow=""):
    project.write("handlers/greet/handler.py", f"def handler(event, context):\n    {body}\n")
    if flow:
        project.write("hello.py", flow)
    return subprocess.run(
        [sys.executable, "-c", SOON],
        cwd=project.root,
        env=project.environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize(
    "body",
    [
        "import threading, time; threading.Thread(target=time.sleep, args=(600,)).start(); return 1",
        "import multiprocessing as m, time; m.Process(target=time.sleep, args=(600,)).start(); return 1",
        "import sys; sys.stdout.close(); sys.stderr.close(); return 1",
        "import sys; sys.stdout = sys.stderr = None; return 1",
        "from concurrent.futures import ThreadPoolExecutor as Pool; Pool().submit(print).result(); return 1",
    ],
)
def test_what_a_handler_leaves_behind_keeps_nothing_from_ending(project, body):
    done = run(project, body)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"greeting": 1}
    left = "process" if "Process(" in body else "thread"
    assert (f"left a {left} running" in done.stderr) == ("sleep" in body)


@pytest.mark.parametrize(
    "body",
    [
        "return sum(range(10**13))",
        "import signal; signal.signal(signal.SIGALRM, signal.SIG_IGN)\n    while True: pass",
    ],
)
def test_what_python_cannot_interrupt_ends_the_process(project, body):
    flow = """\
        from flowdsl import Function, StateMachine, Task
        machine = StateMachine("hello", Task("Greet", Function("greet", "handlers/greet", timeout=1)))
        """
    done = run(project, body, "\n".join(line.strip() for line in flow.splitlines()))
    assert done.returncode == 1
    assert "handlers/greet/handler.py" in done.stderr
    assert done.stdout == ""


def test_a_debugger_may_take_its_time(project):
    body = """import sys, time
    sys.settrace(lambda *event: None)  # as breakpoint() does
    time.sleep(3)
    sys.settrace(None)
    time.sleep(1.5)
    print("looked at")"""
    flow = """\
from flowdsl import Function, StateMachine, Task
machine = StateMachine("hello", Task("Greet", Function("greet", "handlers/greet", timeout=1)))
"""
    done = run(project, body, flow)
    assert "looked at" in done.stderr
    assert "after 0:00:00 of virtual time" in done.stderr  # the command ends as others do


def test_output_without_end_is_kept_in_part(project, monkeypatch):
    monkeypatch.setattr(output, "_MOST_BYTES", 1000)
    project.write("handlers/greet/handler.py", "def handler(event, context):\n    print('é' * 100_000)\n    1 / 0\n")
    done = project.run("run")
    assert done.exit_code == 1
    assert "… and 199,001 bytes more" in done.stderr
    assert len(done.stderr) < 3000
