"""`flowdsl diff`: files, builds, git revisions, exit codes."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from flowdsl.cli.group import CommandGroup
from tests.diff.test_meaning import TASK, chain

FLOW = """\
from flowdsl import Function, StateMachine, Task, chain
from lib.names import STEP

machine = StateMachine("order", chain(Task(STEP, Function("charge", "handlers/charge", timeout={timeout}))))
"""


def diff(*arguments: str) -> Result:
    return CliRunner().invoke(CommandGroup(), ["diff", *arguments])


def write(file: Path, value: Any) -> str:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return str(file)


def git(folder: Path, *arguments: str) -> str:
    who = {f"GIT_{role}_{what}": "a@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments],
        env={**os.environ, **who, "GIT_CONFIG_GLOBAL": os.devnull},
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project in a git repository, with its first version at the tag `first`; the second one in the work tree."""
    root = tmp_path / "repository" / "orders"
    write(root / "pyproject.toml", '[tool.flowdsl]\nflow = "flow.py"\n')
    write(root / "lib" / "names.py", 'STEP = "Charge"\n')
    write(root / "flow.py", FLOW.format(timeout=20))
    write(root / "handlers" / "charge" / "handler.py", "def handler(event, context):\n    return 1\n")
    git(root.parent.parent, "init", "-q", "repository")
    write(root.parent / ".gitattributes", "lib export-ignore\n")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "first")
    git(root, "tag", "first")
    write(root / "lib" / "names.py", 'STEP = "Take"\n')
    write(root / "flow.py", FLOW.format(timeout=30))
    write(root / "handlers" / "charge" / "handler.py", "def handler(event, context):\n    return 2\n")
    monkeypatch.chdir(root)
    return root


# Files


def test_exit_codes_are_those_of_diff(tmp_path):
    one = write(tmp_path / "one.json", chain(A=TASK))
    commented = write(tmp_path / "two.json", chain(A={**TASK, "Comment": "x"}))
    other = write(tmp_path / "three.yaml", json.dumps(chain(A={**TASK, "TimeoutSeconds": 5})))
    broken = write(tmp_path / "broken.json", "{")
    assert [diff(one, file).exit_code for file in (one, commented, other, broken)] == [0, 0, 1, 2]
    assert "same in meaning" in diff(one, commented).stdout
    done = diff(one, other)
    assert "~ A: timeout: TimeoutSeconds: none → 5 s" in done.stdout
    assert done.stderr == ""
    assert diff(one, broken).stdout == ""


def test_json_has_all_that_text_has(tmp_path):
    one = write(tmp_path / "one.json", chain(A=TASK))
    other = write(tmp_path / "two.json", chain(A={**TASK, "Retry": [{"ErrorEquals": ["E"]}], "Comment": "x"}))
    value = json.loads(diff(one, other, "--format", "json").stdout)
    (machine,) = value["machines"]
    (change,) = machine["changes"]
    assert (machine["same"], change["kind"], change["state"]) == (False, "retry", "A")
    assert (change["new_path"], change["before"]) == ("/States/A/Retry[0]", None)
    assert change["touches"][0]["risk"] == "at most once"
    assert machine["neutral"] == [{"text": "comments", "states": ["A"]}]


def test_templates_are_read_as_other_commands_read_them(tmp_path):
    def template(definition: Any) -> dict[str, Any]:
        properties = {"Definition": definition, "RoleArn": "arn:aws:iam::123456789012:role/r"}
        return {"Resources": {"Order": {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}}}

    one = write(tmp_path / "one.json", template(chain(A=TASK)))
    other = write(tmp_path / "two.json", template(chain(A=TASK, B={"Type": "Pass"})))
    assert "+ B: added: Pass, after A" in diff(one, other).stdout


def test_substitutions_are_filled_in_on_both_sides(tmp_path):
    one = write(tmp_path / "one.json", chain(A={**TASK, "TimeoutSeconds": 5}))
    other = write(tmp_path / "two.json", json.dumps(chain(A={**TASK, "TimeoutSeconds": 0})).replace(": 0", ": ${N}"))
    assert diff(other, other, "--substitution", "N=5").exit_code == 0
    assert diff(one, other).exit_code == 1


def test_several_machines_and_one_of_them(tmp_path):
    text = (
        "from flowdsl import Pass, StateMachine\na = StateMachine('a', Pass('A'))\nb = StateMachine('b', Pass('{}'))\n"
    )
    one, other = (write(tmp_path / f"{name}.py", text.format(name)) for name in ("B", "C"))
    assert diff(one, other, "--machine", "a").exit_code == 0
    assert diff(one, other, "--machine", "b").exit_code == 1
    done = diff(one, other, "--machine", "z")
    assert (done.exit_code, "there are: a, b" in done.stderr) == (2, True)
    assert diff(one, other, "--picture", str(tmp_path / "x.svg")).exit_code == 2


def test_the_picture_is_written(tmp_path):
    one, other = write(tmp_path / "one.json", chain(A=TASK)), write(tmp_path / "two.json", chain(B=TASK))
    target = tmp_path / "x.html"
    assert diff(one, other, "--picture", str(target)).exit_code == 1
    assert target.read_text().startswith("<!doctype html>")
    done = diff(one, other, "--picture", str(tmp_path / "x.jpeg"))
    assert (done.exit_code, done.stdout) == (2, "")


def test_names_cannot_move_the_cursor(tmp_path):
    one = write(tmp_path / "one.json", chain(A=TASK))
    other = write(tmp_path / "two.json", chain(A=TASK, **{"B\x1b[2J\u202e": {"Type": "Pass"}}))
    for form in ("text", "markdown", "json"):
        stdout = diff(one, other, "--format", form).stdout
        assert "\x1b" not in stdout
        assert "\u202e" not in stdout


@pytest.mark.parametrize("arguments", [["nothing"], ["nothing:flow.py"], ["."], ["--", "-x"]])
def test_an_argument_that_names_nothing_is_one_error(arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = diff(*arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("error FD972 ")
    assert done.stderr.count("\n") == 2


# Revisions


@pytest.mark.slow
def test_a_revision_is_compiled_with_all_its_files(project):
    before = git(project, "status", "--porcelain")
    done = diff("first")
    assert done.exit_code == 1, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("orders/flow.py at first (")
    assert lines[0].endswith(") → flow.py")
    assert "~ Take: renamed: was Charge" in lines
    assert "~ function: charge: timeout: 20 → 30" in lines
    assert any(line.startswith("~ function: the code of charge: ") for line in lines)
    assert any(line.startswith("    ! in flight: executions in flight get to the new code") for line in lines)
    assert git(project, "status", "--porcelain") == before
    assert git(project, "worktree", "list").count("\n") == 1


@pytest.mark.slow
def test_revisions_on_both_sides_and_with_paths(project):
    git(project, "commit", "-q", "-a", "-m", "second")
    git(project, "mv", "flow.py", "order.py")
    git(project, "commit", "-q", "-m", "third")
    assert diff("first", "HEAD~1").exit_code == 1
    assert diff("HEAD~1:orders/flow.py", "HEAD:orders/order.py").exit_code == 0
    assert diff("HEAD~1:./flow.py", "order.py").exit_code == 0
    done = diff("HEAD~1", "order.py")
    assert done.exit_code == 2
    assert "orders/order.py does not exist at HEAD~1" in done.stderr


@pytest.mark.slow
def test_all_flows_of_a_project_are_compared(project):
    write(project / "pyproject.toml", '[tool.flowdsl]\nflows = ["flow.py", "refund.py"]\n')
    write(project / "refund.py", "from flowdsl import Pass, StateMachine\nm = StateMachine('refund', Pass('A'))\n")
    lines = diff("first").stdout.splitlines()
    assert "~ Take: renamed: was Charge" in lines
    assert "+ added: the state machine refund was added" in lines


@pytest.mark.slow
def test_a_flow_that_cannot_be_compiled_at_a_revision(project):
    write(project / "flow.py", "raise ValueError('no')\n")
    git(project, "commit", "-q", "-a", "-m", "broken")
    git(project, "checkout", "-q", "first", "--", "flow.py")
    done = diff("HEAD")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "orders/flow.py at HEAD (" in done.stderr
    assert "cannot be compiled" in done.stderr
    assert "/tmp" not in done.stderr


def test_a_revision_outside_of_a_repository(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert "no git revision here" in diff("main").stderr


# Builds


@pytest.mark.slow
def test_builds_are_compared_with_the_code_of_their_functions(project):
    def build(folder: str) -> None:
        done = CliRunner().invoke(CommandGroup(), ["build", "--output", folder])
        assert done.exit_code == 0, done.stderr

    build("one")
    assert diff("one", "flow.py").stdout.splitlines()[1:] == ["order", "no difference"]
    write(project / "handlers" / "charge" / "handler.py", "def handler(event, context):\n    return 3\n")
    build("two")
    done = diff("one", "two")
    assert done.exit_code == 1
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("~")]
    assert line.startswith("~ function: the code of charge: ")
    (project / "two" / "order.asl.json").unlink()
    assert diff("one", "two").exit_code == 2
