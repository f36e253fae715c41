"""Bad flows: the line that has to change carries the code that the checker gives it, and no other line has one."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from flowdsl import project

CASES = Path(__file__).parent / "cases"
_CODES = re.compile(r"#((?: FD\d{3})+)$")


@pytest.mark.parametrize("name", sorted(file.name for file in CASES.glob("*.py")))
def test_case(name: str, tmp_path: Path) -> None:
    shutil.copytree(CASES, tmp_path, dirs_exist_ok=True)
    (tmp_path / "pyproject.toml").touch()
    file = tmp_path / name
    expected = {
        (number, code)
        for number, line in enumerate(file.read_text().splitlines(), 1)
        if (found := _CODES.search(line))
        for code in found[1].split()
    }
    given = {
        (each.span.line if each.span else 0, each.code)
        for loaded in project.load(file)
        for each in project.diagnose(loaded)
    }
    assert given == expected
