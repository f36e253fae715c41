"""The examples of the guides run and check without an error."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import flowdsl as f
from flowdsl.check import check

ROOT = Path(__file__).parents[1]


def examples() -> list[Any]:
    found = []
    for guide in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for number, match in enumerate(re.finditer(r"```python\n(.*?)```", guide.read_text(), re.DOTALL), 1):
            found.append(pytest.param(match[1], id=f"{guide.name}-{number}"))
    return found


@pytest.mark.parametrize("code", examples())
def test_example(code: str) -> None:
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile(code, "example.py", "exec"), names)
    for machine in [value for value in names.values() if isinstance(value, f.StateMachine)]:
        assert not machine.problems
        errors = [each for each in check(f.dump(machine)) if each.severity == "error"]
        assert not errors, errors


def test_links_lead_somewhere() -> None:
    for guide in [*ROOT.glob("*.md"), *ROOT.glob("*/*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", guide.read_text()):
            assert (guide.parent / target).exists(), f"{guide.name}: {target}"
