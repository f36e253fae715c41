"""The fragments in changes/: towncrier makes a section of CHANGELOG.md of them, as CONTRIBUTING.md says."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FRAGMENTS = sorted(each for each in (ROOT / "changes").iterdir() if each.name != "template.md")


@pytest.mark.parametrize("file", FRAGMENTS, ids=lambda file: file.name)
def test_each_fragment_is_one_that_towncrier_takes(file):
    assert re.fullmatch(r"\+[\w-]+\.change\.md", file.name), "name it changes/+WORDS.change.md"
    text = file.read_text()
    assert text.strip()
    assert not text.startswith(("-", "#")), "towncrier writes the bullet"


@pytest.mark.slow
def test_towncrier_adds_a_section_of_them_on_top(tmp_path):
    shutil.copytree(ROOT / "changes", tmp_path / "changes")
    for name in ("CHANGELOG.md", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    before = (tmp_path / "CHANGELOG.md").read_text()
    (tmp_path / "changes" / "+of-the-test.change.md").write_text("`flowdsl dance` dances\nin two lines.\n")
    [written] = re.findall(r"towncrier (build --version \S+ --yes)", (ROOT / "CONTRIBUTING.md").read_text())
    command = [sys.executable, "-m", "towncrier", *written.replace("0.1.0", "9.9.9").split()]
    subprocess.run(["git", "init", "-q", "."], cwd=tmp_path, check=True)
    subprocess.run(["git", "add", "."], cwd=tmp_path, check=True)
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    after = (tmp_path / "CHANGELOG.md").read_text()
    head, _, rest = before.partition("<!-- releases -->\n")
    assert after.startswith(f"{head}<!-- releases -->\n\n## 9.9.9\n\n- ")
    assert after.endswith(rest)
    section = after.removeprefix(head).removesuffix(rest)
    assert "- `flowdsl dance` dances\n  in two lines.\n" in section
    assert section.count("\n- ") == len(FRAGMENTS) + 1
    assert [each.name for each in (tmp_path / "changes").iterdir()] == ["template.md"]
