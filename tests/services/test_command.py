"""The command line with an endpoint in the environment."""

import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from flowdsl.cli import app

CREATE = {
    "Type": "Task",
    "Resource": "arn:aws:states:::aws-sdk:sqs:createQueue",
    "Parameters": {"QueueName.$": "$.name"},
    "End": True,
}
MACHINE = {"StartAt": "Create", "States": {"Create": CREATE}}


def run(command: str, folder: Path, *options: str, endpoint: str | None) -> Result:
    file = folder / "order.asl.json"
    file.write_text(json.dumps(MACHINE))
    arguments = [command, str(file), "--input", json.dumps({"name": f"queue-{uuid.uuid4()}"}), *options]
    return CliRunner(env={"AWS_ENDPOINT_URL": endpoint}).invoke(app, arguments, prog_name="flowdsl")


@pytest.mark.parametrize(("command", "options"), [("run", ()), ("test-state", ("--state", "Create"))])
def test_tasks_go_to_the_endpoint(tmp_path: Path, emulator: str, command: str, options: tuple[str, ...]) -> None:
    done = run(command, tmp_path, *options, endpoint=emulator)
    assert done.exit_code == 0, done.stderr
    output: Any = json.loads(done.stdout)
    if command == "test-state":
        output = json.loads(output["output"])
    assert "/queue-" in output["QueueUrl"]


@pytest.mark.parametrize(("command", "options"), [("run", ()), ("test-state", ("--state", "Create"))])
def test_without_an_endpoint_nothing_is_called(tmp_path: Path, command: str, options: tuple[str, ...]) -> None:
    done = run(command, tmp_path, *options, endpoint=None)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "nothing here answers that" in done.stderr


@pytest.mark.parametrize(("command", "options"), [("run", ()), ("test-state", ("--state", "Create"))])
def test_an_endpoint_that_does_not_answer_is_said(tmp_path: Path, command: str, options: tuple[str, ...]) -> None:
    done = run(command, tmp_path, *options, endpoint="http://127.0.0.1:9")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "Could not connect to the endpoint URL" in done.stderr
