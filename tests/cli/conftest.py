"""A project in a folder of its own, and the command line in it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen
from click.testing import CliRunner, Result

from flowdsl.cli import app

ROOT = Path(__file__).parent.parent.parent

FLOW = """\
from flowdsl import Function, StateMachine, Task, Wait, chain

greet = Task("Greet", Function("greet", "handlers/greet"), into="greeting")
machine = StateMachine("hello", chain(greet, Wait("Rest", seconds=3600)))
"""
HANDLER = """\
def handler(event, context):
    return {"text": f"Hello {event['name']}", "function": context.function_name}
"""


@frozen
class Project:
    root: Path

    def write(self, name: str, content: str | bytes | dict[str, Any]) -> Path:
        file = self.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            file.write_bytes(content)
        else:
            file.write_text(content if isinstance(content, str) else json.dumps(content))
        return file

    def run(self, *arguments: str, input: str | None = None, env: dict[str, str] | None = None) -> Result:
        """In this process."""
        return CliRunner(env=env).invoke(app, arguments, input=input, prog_name="flowdsl")

    @property
    def environment(self) -> dict[str, str]:
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        return {**os.environ, "PYTHONPATH": str(ROOT), "PATH": path}

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        """In a process of its own, with environment variables."""
        return subprocess.Popen(
            [sys.executable, "-m", "flowdsl", *arguments],
            cwd=self.root,
            env={**self.environment, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # Tests that run in the background (`make test &`) have SIGINT ignored, and so would their children.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    before = set(sys.modules)
    made = Project(tmp_path)
    made.write("pyproject.toml", '[tool.flowdsl]\nflow = "hello.py"\n')
    made.write("hello.py", FLOW)
    made.write("handlers/__init__.py", "")
    made.write("handlers/greet/__init__.py", "")
    made.write("handlers/greet/handler.py", HANDLER)
    # Other tests in this process may have imported this repository's own handlers.
    for name in [name for name in sys.modules if name.split(".")[0] == "handlers"]:
        monkeypatch.delitem(sys.modules, name)
    yield made
    for name in set(sys.modules) - before:
        if name.split(".")[0] in ("handlers", "helpers"):
            del sys.modules[name]


@pytest.fixture
def definition() -> Callable[..., dict[str, Any]]:
    """A definition with one state, a Pass unless told otherwise."""

    def make(**state: Any) -> dict[str, Any]:
        return {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True, **state}}}

    return make
