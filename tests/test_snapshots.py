"""The definitions that are deployed, and their pictures, as files: a pull request shows what changes in them."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from flowdsl.cli.group import CommandGroup
from flowdsl.project import load

ROOT = Path(__file__).parent.parent
FLOWS = [
    ROOT / "payment_flow.py",
    ROOT / "refund_flow.py",
    ROOT / "capture_flow.py",
    *sorted(ROOT.glob("examples/*/flow.py")),
]
MACHINES = [machine for flow in FLOWS for machine in load(flow)]


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
def test_definition_is_the_one_reviewed(machine: Any, asl_snapshot: Any) -> None:
    assert machine.definition == asl_snapshot(name=machine.name)


def drawings() -> dict[str, str]:
    """The commands of the guide that draw the pictures in docs/pictures, by file."""
    commands = re.findall(
        r"^\$ flowdsl (.*docs/pictures/(\S+\.svg).*)$", (ROOT / "docs" / "pictures.md").read_text(), re.M
    )
    return {name: command for command, name in commands}


@pytest.mark.parametrize("name", drawings())
def test_the_picture_is_that_of_its_flow(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    command = drawings()[name]
    arguments = [part.replace("docs/pictures", str(tmp_path)) for part in shlex.split(command)]
    done = CliRunner().invoke(CommandGroup(), arguments)
    assert done.exit_code == 0, done.output
    same = (tmp_path / name).read_bytes() == (ROOT / "docs" / "pictures" / name).read_bytes()
    assert same, f"docs/pictures/{name} is out of date; run: flowdsl {command}"


def test_every_picture_has_its_command() -> None:
    assert {file.name for file in (ROOT / "docs" / "pictures").iterdir()} == drawings().keys()
