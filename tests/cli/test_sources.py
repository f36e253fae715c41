"""A flow is compiled from its source, whatever byte code lies beside it."""

from __future__ import annotations

import os
import py_compile
from pathlib import Path

import pytest

GOOD = 'from flowdsl import Pass, StateMachine\nfrom steps import NAME\nmachine = StateMachine("m", Pass(NAME))\n'
HELPER = 'NAME = "Pass1"\n'


def replace_at_once(file: Path, text: str) -> None:
    """Write a text of the same size, with the time of the one before: Python takes its byte code for current."""
    before = file.stat()
    py_compile.compile(str(file))
    assert len(text) == before.st_size
    file.write_text(text)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize(
    ("name", "text"),
    [("stale.py", GOOD.replace("Pass(NAME)", "Puss(NAME)")), ("steps.py", 'NAMO = "Pass1"\n')],
)
def test_byte_code_is_never_stale(project, name, text):
    project.write("stale.py", GOOD)
    project.write("steps.py", HELPER)
    process = project.start("check", "stale.py")
    assert (process.communicate()[1], process.returncode) == ("m: no mistakes found\n", 0)
    replace_at_once(project.root / name, text)
    process = project.start("check", "stale.py")
    output, _ = process.communicate()
    assert process.returncode == 2
    assert "FD703" in output


def test_a_check_leaves_no_byte_code(project, monkeypatch):
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    project.write("flow.py", GOOD)
    project.write("steps.py", HELPER)
    process = project.start("check", "flow.py")
    process.communicate()
    assert process.returncode == 0
    assert not list(project.root.rglob("__pycache__"))


FORGOTTEN = """\
from flowdsl import Fail, Function, Pass, StateMachine, Task, catch, chain, fail, retry

broken = catch("States.ALL", Fail("Broken"))
again = retry("States.Timeout")
never = Pass("Never")
render = Pass("Render")


def send():
    return Task("Send", Function("send", "handlers/send"))


send()
flow = chain(render.as_("First"), Task("Pay", Function("pay", "handlers/pay")))
machine = StateMachine("m", flow)
"""


def test_what_no_machine_has_is_reported_at_its_line(project):
    project.write("forgotten.py", FORGOTTEN)
    done = project.run("check", "forgotten.py")
    lines = [line for line in done.stdout.splitlines() if "FD216" in line]
    assert [line.split(":")[1] for line in lines] == ["3", "4", "5", "10"]
    assert "state 'Broken'" not in done.stdout, "the catch that has it says so"
