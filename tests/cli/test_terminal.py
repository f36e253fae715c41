"""What a person at a terminal sees."""

import json
import os
import pty
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from flowdsl.cli.group import COMMANDS

pytestmark = pytest.mark.slow


def on_a_terminal(project, *arguments, **variables):
    """The output of a command whose stdout and stderr are a terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "flowdsl", *arguments],
        cwd=project.root,
        env={**project.environment, **variables},
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    said = b""
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:  # Linux: the other end is closed
            break
        if not piece:
            break
        said += piece
    os.close(ours)
    process.wait(timeout=120)
    return said.decode()


def test_colours(project):
    assert "\x1b[" in on_a_terminal(project, "run", "hello.py", "--input", '{"name": "Ada"}', TERM="xterm", NO_COLOR="")
    assert "\x1b[" in on_a_terminal(project, "run", "missing.py", TERM="xterm", NO_COLOR="")


def test_no_color(project):
    assert "\x1b[" not in on_a_terminal(project, "run", "hello.py", "--input", '{"name": "Ada"}', NO_COLOR="1")
    assert "\x1b[" not in on_a_terminal(project, "run", "missing.py", NO_COLOR="1")


def test_help_teaches(project):
    said = project.run("--help").stdout
    for text in (
        "from flowdsl import",
        "flowdsl check",
        "flowdsl run",
        "flowdsl build",
        "[tool.flowdsl]",
        "Exit codes",
    ):
        assert text in said
    for command in ("check", "build", "run", "completion"):
        done = project.run(command, "--help")
        assert done.exit_code == 0
        assert f"flowdsl {command}" in done.stdout


def test_force_color(project):
    done = project.run("run", "hello.py", "--input", '{"name": "Ada"}', env={"FORCE_COLOR": "1", "NO_COLOR": ""})
    assert "\x1b[" in done.stderr
    done = project.run("run", "hello.py", "--input", '{"name": "Ada"}', env={"FORCE_COLOR": "1", "NO_COLOR": "1"})
    assert "\x1b[" not in done.stderr


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("flowdsl test-state hello.py --state ", {"Greet", "Rest"}),
        ("flowdsl test-state hello.py --state R", {"Rest"}),
        ("flowdsl run hello.py --mock ", {"Greet="}),
        ("flowdsl run --fail G", {"Greet="}),  # the flow of pyproject.toml
        ("flowdsl run missing.py --callback ", set()),
        ("flowdsl explain hello.py --state R", {"Rest"}),
        ("flowdsl explain FD40", {"FD401", "FD402", "FD403"}),
        ("flowdsl explain hel", {"hel"}),  # the names of files are the shell's
        ("flowdsl lock gr", {"greet"}),
        ("flowdsl lock handlers/", {"handlers/"}),
    ],
)
def test_a_shell_completes_names(project, line, expected):
    words = line.split(" ")
    environment = {**project.environment, "_FLOWDSL_COMPLETE": "bash_complete", "COMP_WORDS": line}
    done = subprocess.run(
        [sys.executable, "-c", "from flowdsl.cli import app; app(prog_name='flowdsl')"],
        cwd=project.root,
        env={**environment, "COMP_CWORD": str(len(words) - 1)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert {each.partition(",")[2] for each in done.stdout.splitlines() if each} == expected
    assert done.stderr == ""


@pytest.mark.parametrize("command", [[], ["executions"]])
def test_help_is_not_cut_off(project, command):
    said = project.run(*command, "--help", env={"COLUMNS": "80"}).stdout
    assert not [line for line in said.splitlines() if line.endswith("...") and not line.startswith("Usage")]
    assert len(said.partition("Commands:")[2].splitlines()) > 5
    assert "\\u0008" not in said


WRITING = {
    "text": ["explain", "FD401"],
    "json": ["check", "hello.py", "--format", "json"],
    "bytes": ["graph", "hello.py", "-o", "-", "--format", "svg"],
    "help": ["--help"],
    "result": ["run", "hello.py", "--input", '{"name": "Ada"}'],
    "files": ["build", "hello.py", "--asl-only"],
    "state": ["test-state", "--state", "Rest"],
    "code": ["import", "order.asl.json"],
    "changes": ["diff", "order.asl.json", "hello.py"],
    "project": ["new", "orders"],
    "shell": ["completion", "bash"],
    **{name: [name, "--help"] for name in COMMANDS},
}


@pytest.mark.slow
@pytest.mark.parametrize("command", WRITING.values(), ids=WRITING)
@pytest.mark.parametrize(
    ("stdout", "reason"), [(">/dev/full", "No space left on device"), (">&-", "Bad file descriptor")]
)
def test_a_stdout_that_takes_nothing_is_one_line(project, definition, command, stdout, reason):
    project.write("order.asl.json", definition())
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    run = shlex.join([sys.executable, "-m", "flowdsl", *command])
    done = subprocess.run(
        ["bash", "-c", f"{run} {stdout}"],
        cwd=project.root,
        env=project.environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert done.stderr.splitlines()[-1] == f"Error: cannot write to stdout: {reason}"
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("closed", ["<&-", "2>&-", "<&- 2>&-"])
def test_other_streams_that_are_closed_change_nothing(project, closed):
    run = shlex.join([sys.executable, "-m", "flowdsl", "run", "hello.py", "--input", '{"name": "Ada"}'])
    done = subprocess.run(
        ["bash", "-c", f"{run} {closed}"],
        cwd=project.root,
        env=project.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["greeting"]["text"] == "Hello Ada"


@pytest.mark.slow
@pytest.mark.parametrize("command", ["lsp", "mcp"])
@pytest.mark.parametrize("streams", ["<&-", "<&- >&-", "</dev/null >/dev/full", "</dev/null 2>&-"])
def test_a_server_without_a_client_ends(project, command, streams):
    run = shlex.join([sys.executable, "-m", "flowdsl", command])
    script = ["bash", "-c", f"{run} {streams}"]
    done = subprocess.run(
        script, cwd=project.root, env=project.environment, capture_output=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
