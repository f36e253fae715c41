"""A small project on disk, with commands that run against an AWS in memory."""

from pathlib import Path

from click.testing import CliRunner, Result

from flowdsl.cli import app
from tests.deploy.memory import Memory
from tests.deploy.memory_common import PLACE

SETTINGS = f"""
[project]
name = "greeting"

[tool.flowdsl]
flow = "hello.py"

[tool.flowdsl.environments.test]
region = "{PLACE.region}"
account = "{PLACE.account}"
tags = {{ team = "greeters" }}

[tool.flowdsl.environments.test.functions.greet]
memory = 512
environment = {{ KEY = {{ secret = "greet/key" }}, LANGUAGE = "en-secret-looking-value" }}
"""
FLOW = """
from flowdsl import Function, StateMachine, Task
machine = StateMachine("hello", Task("Greet", Function("greet", "greet")))
"""


class Project:
    def __init__(self, root: Path, aws: Memory | None) -> None:
        self.root, self.aws = root, aws
        (root / "pyproject.toml").write_text(SETTINGS)
        (root / "hello.py").write_text(FLOW)
        (root / "greet").mkdir()
        self.code("1")

    def code(self, text: str) -> None:
        (self.root / "greet" / "handler.py").write_text(f"def handler(event, context):\n    return {text!r}\n")
        assert self.run("build").exit_code == 0

    def run(self, *arguments: str, input: str | None = None, env: dict[str, str] | None = None) -> Result:
        return CliRunner(env=env).invoke(app, arguments, input=input, prog_name="flowdsl")
