"""The guides keep what they say: examples run and check without an error, commands succeed, links lead somewhere."""

from __future__ import annotations

import inspect
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import flowdsl as f
from flowdsl.author.jsonpath import INTRINSICS
from flowdsl.check import check

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
# The examples of docs/checks.md, which are wrong on purpose, have tests of their own in tests/check; the steps of the
# tutorial follow each other in tests/test_tutorial.py.
GUIDES = [
    *(ROOT / "README.md", ROOT / "examples" / "README.md"),
    *sorted(set((ROOT / "docs").glob("*.md")) - {ROOT / "docs" / "checks.md", ROOT / "docs" / "tutorial.md"}),
]

ELSEWHERE = ("AWS_", "PAYMENTS_", "PSPS", "PYTEST_", "STATE_", "STEPFUNCTIONS_", "STRIPE_", "TOTALS_", "TRANSACTIONS_")
"""How environment variables begin that lead to other stores and services, or belong to this run of pytest."""


def blocks(guide: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", guide.read_text(), re.DOTALL)


def test_the_list_of_functions_is_complete() -> None:
    own = {
        name for name, value in vars(f.fn).items() if inspect.isfunction(value) and value.__module__ == f.fn.__name__
    }
    section = re.search(r"### Functions\n(.*?)\n#", (ROOT / "docs" / "writing-flows.md").read_text(), re.DOTALL)
    assert section
    rows = [line for line in section[1].splitlines() if line.startswith("|")][2:]
    listed = [name for row in rows for name in re.findall(r"`([a-z_0-9]+)`", row)]
    assert sorted(listed) == sorted(name for name in own if not name.startswith("_"))
    bold = {name for row in rows for name in re.findall(r"\*\*`(\w+)`\*\*", row)}
    assert bold == (INTRINSICS.keys() & own) | {"format"}


@pytest.mark.parametrize("file", [ROOT / "CHANGELOG.md", *GUIDES], ids=lambda file: file.name)
def test_no_guide_has_the_marks_of_a_conflict(file: Path) -> None:
    assert not re.search(r"^(<{7}|>{7}) ", file.read_text(), re.MULTILINE)


def examples() -> list[Any]:
    return [
        pytest.param(code, id=f"{guide.name}-{number}")
        for guide in GUIDES
        for number, code in enumerate(blocks(guide, "python"), 1)
    ]


@pytest.mark.parametrize("code", examples())
def test_example(code: str) -> None:
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile(code, "example.py", "exec"), names)
    for machine in [value for value in names.values() if isinstance(value, f.StateMachine)]:
        assert not machine.problems
        # An example may read a variable that a step above it assigns.
        found = check(f.dump(machine))
        errors = [each for each in found if each.severity == "error" and each.code != "FD757"]
        assert not errors, errors


def test_the_first_flow_compiles_to_the_definition_below_it() -> None:
    names: dict[str, Any] = {}
    exec(compile(blocks(ROOT / "README.md", "python")[0], "flow.py", "exec"), names)
    assert f.dump(names["machine"]) == json.loads(blocks(ROOT / "README.md", "json")[0])


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project without what its tools have made, and README's first example as flow.py."""
    made = [line.rstrip("/") for line in (ROOT / ".gitignore").read_text().splitlines()]
    copy = shutil.copytree(ROOT, tmp_path / "project", ignore=shutil.ignore_patterns(".git", *made))
    (copy / "flow.py").write_text(blocks(ROOT / "README.md", "python")[0])
    return copy


def run(command: str | list[str], project: Path) -> subprocess.CompletedProcess[str]:
    """Run a command as a user with the project's environment would, who has no AWS account."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(ELSEWHERE)}
    environment |= {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PAYMENTS_DATA": str(project.parent / "payments"),
    }
    return subprocess.run(
        command,
        shell=isinstance(command, str),
        cwd=project,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_examples_of_tests_pass(project: Path) -> None:
    """A block that defines tests is a test module; one that begins with `# conftest.py` is that file."""
    folder = project / "guides"
    folder.mkdir()
    tests = 0
    for guide in GUIDES:
        for number, code in enumerate(blocks(guide, "python"), 1):
            defined = len(re.findall(r"^def test_", code, re.MULTILINE))
            if code.startswith("# conftest.py\n"):
                (folder / "conftest.py").write_text(code)
            elif defined:
                (folder / f"test_{guide.stem.replace('-', '_')}_{number}.py").write_text(code)
            tests += defined
    assert (folder / "conftest.py").exists()
    assert list(folder.glob("test_README_*.py"))

    done = run([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--snapshot-update", "guides"], project)

    assert done.returncode == 0, done.stdout + done.stderr
    [passed] = re.findall(r"(\d+) passed", done.stdout)
    assert int(passed) >= tests


def commands() -> list[str]:
    """What the guides say after `$ `, each command once. Setting up an environment is not tried here."""
    found = [line for guide in GUIDES for code in blocks(guide, "console") for line in code.splitlines()]
    typed = [line.removeprefix("$ ") for line in found if line.startswith("$ ")]
    return [line for line in dict.fromkeys(typed) if line.split()[0] not in ("make", "pip", "git")]


def test_commands_succeed(project: Path) -> None:
    """In the guides' order, for some show what those before them stored; `flowdsl build` needs the package index."""
    assert "flowdsl build" in commands()
    for command in commands():
        done = run(command, project)
        assert done.returncode == 0, f"$ {command}\n{done.stdout}{done.stderr}"
        assert done.stdout or done.stderr, f"$ {command} says nothing"


def test_the_commands_that_the_demo_prints_work_when_they_are_copied(project: Path) -> None:
    (project / ".venv").symlink_to(sys.prefix)
    recipe = run(["make", "--dry-run", "demo"], project).stdout
    printed = re.findall(r"else printf '[^']*' '[^']*' '([^']*)'; fi", recipe)
    assert len(printed) == 3
    for command in printed:
        done = run(command, project)
        assert done.returncode == 0, f"$ {command}\n{done.stderr}"
    assert done.stdout.startswith("don-0001: paid\n")
    assert (project / ".flowdsl" / "demo").is_dir(), "where the demo itself has its data"


def test_links_lead_somewhere() -> None:
    for guide in [*GUIDES, ROOT / "CHANGELOG.md", ROOT / "handlers" / "README.md", ROOT / "benchmarks" / "README.md"]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", guide.read_text()):
            assert (guide.parent / target).exists(), f"{guide.name}: {target}"
