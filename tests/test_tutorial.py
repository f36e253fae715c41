"""docs/tutorial.md: each step is done as written, one after the other, in one shell."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from flowdsl.cli import app

ROOT = Path(__file__).parents[1]
TUTORIAL = (ROOT / "docs" / "tutorial.md").read_text()
BLOCKS = re.findall(r"```(console|diff)\n(.*?)```", TUTORIAL, re.DOTALL)
DEPLOYING = [line for block in re.findall(r"```sh\n(.*?)```", TUTORIAL, re.DOTALL) for line in block.splitlines()]


@pytest.mark.slow
def test_every_step_works(tmp_path):
    script = ["set -e"]
    for kind, text in BLOCKS:
        if kind == "diff":
            (tmp_path / "change.diff").write_text(text)
            script += [f"git apply {tmp_path}/change.diff", "if python -m pytest; then exit 9; fi"]
        else:
            script += [line.removeprefix("$ ") for line in text.splitlines() if line.startswith("$ ")]
    assert len(script) > 12
    done = subprocess.run(
        ["bash", "-c", "\n".join(script)],
        cwd=tmp_path,
        env={
            **{key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "AWS_"))},
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    definition = (tmp_path / "order-flow" / "build" / "order-flow.asl.json").read_text()
    assert '"TimeoutSeconds": 30' in definition


@pytest.mark.parametrize("line", DEPLOYING)
def test_what_needs_an_account_has_the_options_that_it_is_given(line):
    words = shlex.split(line)[1:]
    context, command = click.Context(app), app
    while isinstance(command, click.Group):
        inner = command.get_command(context, words[0])
        assert inner is not None, words[0]
        command, words = inner, words[1:]
    assert command.make_context(command.name, words).command.callback is not None
