"""docs/migrating.md shows the files of examples/migrating, and what `flowdsl import` makes of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from flowdsl.cli import app

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "migrating.md").read_text()
IMPORTS = re.findall(r"```console\n\$ flowdsl import (\S+)\n```\n\n```python\n(.*?)```", GUIDE, re.DOTALL)


def test_the_guide_has_an_import_of_each_kind() -> None:
    assert [Path(source).suffix for source, _ in IMPORTS] == [".yaml", ".json", ".yml"]


@pytest.mark.parametrize(("source", "after"), IMPORTS, ids=[source for source, _ in IMPORTS])
def test_before_and_after(source: str, after: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert (ROOT / source).read_text() in GUIDE
    done = CliRunner().invoke(app, ["import", source])
    assert done.exit_code == 0, done.stderr
    assert done.stdout == after


def test_the_workflow_of_the_sdk() -> None:
    assert (ROOT / "examples/migrating/with_sdk.py").read_text() in GUIDE
