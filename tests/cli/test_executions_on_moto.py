"""`flowdsl executions` against moto's server, which runs state machines, through the real boto3.

moto has no redrive and no versions: those are tested on an AWS in memory (test_executions.py).
"""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.moto_server import moto_server

pytestmark = pytest.mark.slow
pytest_plugins = ["pytester"]

ACCOUNT = "123456789012"
MACHINE = f"arn:aws:states:eu-west-1:{ACCOUNT}:stateMachine:refund"
SETTINGS = f"""
[tool.flowdsl]
flow = "refund.py"
[tool.flowdsl.environments.test]
region = "eu-west-1"
account = "{ACCOUNT}"
"""
FLOW = """
from flowdsl import Choice, Fail, StateMachine, Task, Wait, chain, end, when, state_input

notify = Task(
    "Notify",
    "arn:aws:states:::sqs:sendMessage",
    parameters={"QueueUrl": "QUEUE", "MessageBody": state_input.donor.email},
    into="sent",
)
too_much = Fail("TooMuch", error="TooMuch", cause="CAUSE")
decide = Choice("Decide", when(state_input.amount > 100, too_much), otherwise=end())
machine = StateMachine("refund", chain(notify, Wait("Rest", seconds=state_input.rest), decide))
"""
CAUSE = "card 4242424242424242 of ada@example.org \\x1b[2J"
INPUT = {"amount": 250, "rest": 1, "donor": {"name": "Ada", "email": "ada@example.org"}}


@pytest.fixture(scope="module")
def emulator() -> Iterator[str]:
    with moto_server(runs_state_machines=True) as url:
        yield url


@pytest.fixture
def deployed(project: Any, emulator: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The project with its flow deployed; moto takes the definition that `flowdsl build` wrote."""
    import boto3

    monkeypatch.setenv("AWS_ENDPOINT_URL", emulator)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    session = boto3.Session(region_name="eu-west-1")
    url = session.client("sqs").create_queue(QueueName="letters")["QueueUrl"]
    project.write("pyproject.toml", SETTINGS)
    project.write("refund.py", FLOW.replace("QUEUE", url).replace("CAUSE", CAUSE))
    assert project.run("build", "--asl-only").exit_code == 0
    client = session.client("stepfunctions")
    if not client.list_state_machines()["stateMachines"]:
        definition = (project.root / "build" / "refund.asl.json").read_text()
        client.create_state_machine(name="refund", definition=definition, roleArn=f"arn:aws:iam::{ACCOUNT}:role/r")
    project.write("input.json", INPUT)
    return project


def start(project: Any, name: str, text: str = "input.json") -> str:
    done = project.run("executions", "start", MACHINE, "--input", text, "--name", name)
    assert done.exit_code == 0, done.output
    return str(done.stdout.strip())


def test_an_execution_from_its_start_to_its_recording(deployed: Any) -> None:
    arn = start(deployed, "one")
    assert arn == f"arn:aws:states:eu-west-1:{ACCOUNT}:execution:refund:one"

    tailed = deployed.run("executions", "tail", arn).stdout.splitlines()
    types = [line.split()[1] for line in tailed]
    assert (types[0], types[-1]) == ("ExecutionStarted", "ExecutionFailed")
    assert "TaskSucceeded" in types

    listed = json.loads(deployed.run("executions", "list", MACHINE, "--status", "failed", "--format", "json").stdout)
    assert [(each["name"], each["status"], each["executionArn"]) for each in listed] == [("one", "FAILED", arn)]

    shown = deployed.run("executions", "show", arn).stdout
    assert re.search(r"^ +0:00:0\d(\.\d+)? +Notify +Task", shown, re.MULTILINE)
    assert "ended in TooMuch, refund.py:" in shown
    assert "  TooMuch: card [card number] of [e-mail]" in shown

    for command in (["show", arn], ["show", arn, "--format", "json"], ["tail", arn], ["list", MACHINE]):
        output = deployed.run("executions", *command).output
        assert not re.search(r"4242|ada@|Ada|\"amount\"", output), command

    pulled = deployed.run("executions", "pull", arn)
    assert pulled.exit_code == 0, pulled.output
    text = Path("tests/recorded/one.json").read_text()
    assert not re.search(r"4242|ada@example|\bAda\b", text)
    replayed = deployed.run("executions", "replay", "tests/recorded/one.json")
    assert (replayed.exit_code, replayed.stderr) == (0, "0 differences\n"), replayed.output

    flow = deployed.root / "refund.py"
    flow.write_text(flow.read_text().replace("> 100", "> 1000"))
    replayed = deployed.run("executions", "replay", "tests/recorded/one.json")
    assert replayed.exit_code == 1
    assert "route: recorded Notify → Rest → Decide → TooMuch; replayed Notify → Rest → Decide" in replayed.stdout


def test_the_recorded_test_passes_and_lists_differences_by_event(deployed: Any, pytester: pytest.Pytester) -> None:
    arn = start(deployed, "two", json.dumps({**INPUT, "amount": 5}))
    deployed.run("executions", "tail", arn)
    folder = pytester.path / "tests" / "recorded"
    deployed.run("executions", "pull", arn, "-o", str(folder / "two.json"))
    for name in ("refund.py", "pyproject.toml"):
        (pytester.path / name).write_text((deployed.root / name).read_text())
    options = ("-q", "-p", "no:cacheprovider", "-p", "no:asyncio")  # which asks for an option if it is installed
    pytester.runpytest(*options).assert_outcomes(passed=1)
    flow = pytester.path / "refund.py"
    flow.write_text(flow.read_text().replace("state_input.donor.email", "state_input.donor.name"))
    failed = pytester.runpytest(*options)
    failed.assert_outcomes(failed=1)
    assert re.search(r"Notify: event \d+, TaskScheduled: parameters.MessageBody: recorded", failed.stdout.str())


def test_stop(deployed: Any) -> None:
    arn = start(deployed, "three", json.dumps({**INPUT, "rest": 600}))  # it does not end before it is stopped
    done = deployed.run("executions", "stop", arn, "--yes", "--error", "Mistake", "--cause", "wrong donor")
    assert done.exit_code == 0, done.output
    for _ in range(50):
        if "ABORTED" in (shown := deployed.run("executions", "show", arn).stdout):
            break
        time.sleep(0.1)
    assert "ABORTED" in shown
    refused = deployed.run("executions", "pull", arn)
    assert refused.exit_code == 2
    assert "cannot be recorded: it was stopped from outside" in refused.stderr


def test_an_execution_that_is_not_there(deployed: Any) -> None:
    arn = f"arn:aws:states:eu-west-1:{ACCOUNT}:execution:refund:none"
    done = deployed.run("executions", "show", arn)
    assert done.exit_code == 2
    assert "ExecutionDoesNotExist" in done.stderr
    assert "list the executions with" in done.stderr
