"""Names, errors and inputs from elsewhere cannot control the terminal or look like lines of flowdsl."""

import json
import re
from typing import Any

import pytest

from flowdsl.cli.deploying import show_plan
from flowdsl.cli.terminal import escape
from flowdsl.deploy.aws import CallError
from flowdsl.deploy.errors import refused
from flowdsl.deploy.model import AwsCall, Execution, Plan, Stack
from flowdsl.deploy.statements import Place

PLACE = Place("eu-west-1", "123456789012")

HOSTILE = "\x1b[2J\x9b31m\x08\x7f\u202e\u2066\u200f\r"
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def failing(name: str, cause: str) -> dict[str, Any]:
    return {
        "StartAt": name,
        "States": {
            name: {"Type": "Pass", "Next": "End"},
            "End": {"Type": "Fail", "Error": "E" + HOSTILE, "Cause": cause},
        },
    }


@pytest.mark.parametrize(
    "arguments",
    [
        ("run",),
        ("run", "--events"),
        ("check",),
        ("check", "--format", "json"),
        ("check", "--format", "github"),
        ("build", "--asl-only"),
        ("test-state", "--state", "End"),
    ],
)
def test_no_command_writes_control_characters(project, arguments):
    command, *options = arguments
    definition = failing("A" + HOSTILE, "why" + HOSTILE)
    if command == "check":
        definition["States"]["B" + HOSTILE] = {"Type": "Pass" + HOSTILE, HOSTILE: 1}
    project.write("evil.asl.json", definition)
    more = ["--input", json.dumps({"a": HOSTILE})] if command in ("run", "test-state") else []
    done = project.run(command, "evil.asl.json", *options, *more)
    assert done.stdout + done.stderr
    assert not CONTROL.search(done.stdout + done.stderr)


def test_a_cause_cannot_look_like_the_end_of_the_run(project):
    project.write("evil.asl.json", failing("A\nSUCCEEDED after 0:00:00", "why\nSUCCEEDED after 0:00:00"))
    said = project.run("run", "evil.asl.json", "--input", "{}").stderr
    assert "SUCCEEDED" in said
    assert not re.search(r"^SUCCEEDED", said, re.MULTILINE)


def test_json_on_stdout_stays_json(project):
    project.write("echo.asl.json", {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
    value = {"text": HOSTILE + "\u2028é😀"}
    done = project.run("run", "echo.asl.json", "--input", json.dumps(value))
    assert json.loads(done.stdout) == value


def test_what_stays():
    for text in ("a\tb\nc", "é 😀 日本 שלום", "\x1b[31m\x1b[1mred\x1b[0m", ""):
        assert escape(text) == text
    assert escape("\x1b[8mhidden") == "\\u001b[8mhidden"


def test_what_is_written_at_the_end_of_the_process_is_escaped(project):
    project.write("evil.py", f"import atexit\nfrom hello import machine\natexit.register(lambda: print({HOSTILE!r}))\n")
    out, err = project.start("check", "evil.py").communicate(timeout=60)
    assert "\\u001b[2J" in out
    assert not CONTROL.search(out + err)


def test_whatever_a_flow_raises_is_its_authors_mistake(project):
    project.write("evil.py", f"class Evil(BaseException): ...\nraise Evil({HOSTILE[4:]!r})\n")
    done = project.run("check", "evil.py")
    assert done.exit_code == 2
    assert "evil.py:2:1: error FD703 flow:evil.Evil: \\u009b31m" in done.stdout
    assert not CONTROL.search(done.stdout + done.stderr)


FORGED = "forged.py:1:1: error FD999\n::error::forged"
"""Text after a line break, as a finding of flowdsl or a command in GitHub's logs."""


def lines_of(done: Any) -> list[str]:
    return (done.stdout + done.stderr).splitlines()


@pytest.mark.parametrize(
    "arguments",
    [
        ("check",),
        ("check", "--format", "github"),
        ("run",),
        ("run", "--events"),
        ("build", "--asl-only"),
        ("diff", "order.asl.json"),
        ("graph", "-o", "x.svg"),
        ("import",),
        ("import", "-o", "x.py"),
        ("test-state", "--state", "B"),
        ("test-state", "--state", "C"),
        ("test-state",),
        ("explain", "--state", "C"),
    ],
)
def test_no_name_of_a_file_or_state_looks_like_a_line_of_flowdsl(project, arguments):
    command, *options = arguments
    name = f"a\n{FORGED}.asl.json"
    states = {f"A\n{FORGED}": {"Type": "Pass", "Nxt": f"B\n{FORGED}"}, "B": {"Type": f"X\n{FORGED}"}}
    project.write(name, {"Comment": FORGED, "StartAt": f"A\n{FORGED}", "States": states})
    for file in (name, f"none\n{FORGED}.py"):
        done = project.run(command, file, *options)
        if command == "diff":
            done = project.run(command, *options, file)
        assert done.stdout + done.stderr
        assert not [line for line in lines_of(done) if line.startswith(("forged", "::error::"))]


def test_no_text_from_aws_looks_like_a_line_of_flowdsl(capsys):
    call = AwsCall("lambda", "CreateFunction", {}, f"function f\n{FORGED}", f"because\n{FORGED}")
    execution = Execution("arn", "e", "RUNNING", None, "role/r", {}, (f"A\n{FORGED}",))
    stack = Stack("p", "test", PLACE)
    current, note = f"version 1\n{FORGED}", f"a note\n{FORGED}"
    show_plan(Plan(stack, (call,), notes=(note,), current=(current,), executions=(execution,)))
    error = CallError("Invalid", f"wrong\n{FORGED}", "lambda", "CreateFunction")
    text = capsys.readouterr().out + str(refused(error)) + str(error)
    assert text.count("::error::forged") == 7
    assert not [line for line in text.splitlines() if line.startswith(("forged", "::error::"))]
