"""Ctrl-C at any time: no traceback, no half-written file, and the exit code of a command that was interrupted."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest

from flowdsl.base.diagnostics import FlowError
from flowdsl.base.interrupts import is_interrupt
from flowdsl.cli import deploying

from .conftest import FLOW
from .interrupting import contents

pytestmark = pytest.mark.slow

START = "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
"""Tests that run in the background have SIGINT ignored, and so would their children."""
MAIN = "from flowdsl.__main__ import main\nmain()\n"
INTERRUPT = "import signal\ndef interrupt(*_):\n    signal.raise_signal(signal.SIGINT)\n"
HANG = "import time\ntime.sleep(600)\n"
"""As long as Ctrl-C has no effect."""


def run(project, code, *words):
    """The exit code of the command, and what it wrote to stderr."""
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        cwd=project.root,
        env=project.environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stderr.strip()


COMMANDS = {
    "check": ["check"],
    "run": ["run", "--input", '{"name": "Ada"}'],
    "build": ["build"],
    "new": ["new", "orders"],
    "import": ["import", "order.asl.json", "-o", "order.py"],
    "graph": ["graph", "-o", "hello.svg"],
    "diff": ["diff", "order.asl.json", "order.asl.json"],
    "help": ["--help"],
}
MOMENTS = 25
"""Of each command: so many runs take about three seconds. A higher number is for finding what is wrong."""


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_ctrl_c_at_any_moment_is_no_traceback(project, definition, command):
    project.write("order.asl.json", definition())
    moments = os.environ.get("FLOWDSL_MOMENTS", str(MOMENTS))
    sweep = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("interrupting.py")), moments, *command],
        cwd=project.root,
        env={**project.environment, "PYTHONHASHSEED": "0"},
        stdout=subprocess.PIPE,
        check=True,
    )
    whole, *interrupted = json.loads(sweep.stdout)
    assert (whole["code"], len(interrupted)) == (0, int(moments))
    before = contents(project.root)
    problems = [each for each in interrupted if not is_quiet(each, before, whole)]
    assert not [(each["place"], each["code"], each["stderr"], each["left"]) for each in problems]
    done = [each for each in interrupted if each["code"] == 0]  # the last moments may come after the end
    assert len(done) < len(interrupted) / 10


def is_quiet(outcome, before, whole):
    """True if nothing of the interrupt was printed, no file is gone, and all are as the whole command leaves them."""
    is_whole = before.items() <= outcome["files"].items() <= whole["files"].items() and not outcome["left"]
    is_silent = not any(each in outcome["stderr"] for each in ("Traceback", "ignored", "Interrupt"))
    return outcome["code"] in (0, 130, -signal.SIGINT) and is_whole and is_silent


def test_ctrl_c_while_it_starts_is_no_traceback(project):
    """The signal comes while flowdsl.cli is imported, which is most of the start."""
    code = f"{START}import sys\nfrom importlib.abc import MetaPathFinder\n"
    code += "class Interrupt(MetaPathFinder):\n    def find_spec(self, name, *_):\n"
    code += "        if name == 'click': signal.raise_signal(signal.SIGINT)\n"
    code += f"sys.meta_path.insert(0, Interrupt())\n{MAIN}"
    assert run(project, code) == (-signal.SIGINT, "")


def test_ctrl_c_while_a_class_of_ours_is_made(project):
    code = f"{START}{INTERRUPT}from functools import cached_property\nset_name = cached_property.__set_name__\n"
    code += "def interrupted(self, owner, name):\n    set_name(self, owner, name)\n"
    code += "    if owner.__name__ == 'Subject': interrupt()\n"
    code += f"cached_property.__set_name__ = interrupted\n{MAIN}"
    assert run(project, code, "check") == (130, "")


RENAMED = {
    "while a class is made": "class It:\n    def __set_name__(self, *_): interrupt()\nclass Owner:\n    it = It()\n",
    "in an import": "try:\n    interrupt()\nexcept BaseException as error:\n    raise ImportError('no') from error\n",
    "without a cause": "try:\n    interrupt()\nexcept BaseException:\n    raise SystemExit('no') from None\n",
}
PLACES = ("hello.py", "handlers/greet/handler.py", "handler", "check")


@pytest.mark.parametrize("code", RENAMED.values(), ids=RENAMED)
@pytest.mark.parametrize("place", PLACES)
def test_ctrl_c_under_another_name_in_the_authors_code(project, place, code):
    if place == "check":
        environment = '[tool.flowdsl.environments.test]\nregion = "eu-west-1"\naccount = "123456789012"\n'
        project.write("pyproject.toml", f'[tool.flowdsl]\nflow = "hello.py"\n{environment}')
        code = f"def check(environment, variables):\n{indented(code)}    yield 'no'\n"
        project.write("hello.py", f"{INTERRUPT}{code}{FLOW.replace(')))', ')), checks=[check])')}")
    elif place == "handler":
        project.write("handlers/greet/handler.py", f"{INTERRUPT}def handler(event, context):\n{indented(code)}")
    else:
        before = project.root / place
        project.write(place, f"{INTERRUPT}{code}{before.read_text()}")
    words = ["check"] if place == "check" else ["run", "--input", '{"name": "Ada"}', "--quiet"]
    assert run(project, START + MAIN, *words) == (130, "")


def indented(code):
    return "".join(f"    {line}\n" for line in code.splitlines())


LOST = {
    "weakref": "import weakref\nclass It: ...\nit = It()\nref = weakref.ref(it, interrupt)\ndel it\n",
    "del": "class It:\n    __del__ = interrupt\nit = It()\ndel it\n",
    "generator": "def it():\n    try: yield\n    finally: interrupt()\nnext(it())\n",
    "gc": "import gc\ngc.callbacks.append(interrupt)\ngc.collect()\ngc.callbacks.clear()\n",
    "twice": "class It:\n    __del__ = interrupt\n"
    "class Outer:\n    def __del__(self):\n        it = It()\n        del it\n        interrupt()\n"
    "it = Outer()\ndel it\n",
}


@pytest.mark.parametrize("code", LOST.values(), ids=LOST)
def test_ctrl_c_that_python_cannot_raise_has_its_effect_a_moment_later(project, code):
    project.write("hello.py", f"{INTERRUPT}{code}{HANG}")
    assert run(project, START + MAIN, "check") == (130, "")


def test_other_errors_that_python_cannot_raise_are_shown(project):
    project.write("hello.py", f"class It:\n    def __del__(self): 1 / 0\nit = It()\ndel it\n{FLOW}")
    code, stderr = run(project, START + MAIN, "check", "--format", "json")
    assert (code, "ZeroDivisionError" in stderr) == (0, True)


ENDING = {
    "atexit": "import atexit\natexit.register(interrupt)\n",
    "thread": "import threading\nmain = threading.main_thread()\n"
    "threading.Thread(target=lambda: (main.join(), interrupt(), threading.Event().wait())).start()\n",
}


@pytest.mark.parametrize("code", ENDING.values(), ids=ENDING)
def test_ctrl_c_after_the_commands_end(project, code):
    project.write("hello.py", f"{INTERRUPT}{code}{FLOW}")
    assert run(project, START + MAIN, "check", "--format", "json") == (-signal.SIGINT, "")


def test_ctrl_c_at_a_question(monkeypatch):
    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(click.termui, "visible_prompt_func", interrupt)
    with pytest.raises(FlowError) as failed:
        deploying.confirm("Go on?", yes=False)
    assert is_interrupt(failed.value)


def test_what_ignores_ctrl_c_goes_on_ignoring_it(project):
    project.write("hello.py", f"{INTERRUPT}interrupt()\n{FLOW}")
    assert run(project, f"import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n{MAIN}", "check")[0] == 0
