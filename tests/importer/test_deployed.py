"""A deployed state machine, at moto's Step Functions."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import boto3
import pytest
from click.testing import CliRunner

from flowdsl.cli import app

pytestmark = pytest.mark.slow

DEFINITION = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": {"n": 1}, "End": True}}}
ROLE = "arn:aws:iam::123456789012:role/r"


@pytest.fixture(scope="module")
def emulator() -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def arn(emulator: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("AWS_ENDPOINT_URL", emulator)
    client = boto3.client("stepfunctions", region_name="eu-west-1")
    made = client.create_state_machine(name="orders", definition=json.dumps(DEFINITION), roleArn=ROLE)
    return str(made["stateMachineArn"])


def test_a_deployed_machine_is_imported(arn: str) -> None:
    done = CliRunner().invoke(app, ["import", arn])
    assert done.exit_code == 0, done.stderr
    assert 'machine = StateMachine("orders", Pass("A", output={"n": 1}))' in done.stdout


def test_an_unknown_machine_is_named(arn: str) -> None:
    done = CliRunner().invoke(app, ["import", arn.replace("orders", "other")])
    assert done.exit_code == 2
    assert "StateMachineDoesNotExist" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_arn_of_something_else_is_refused() -> None:
    done = CliRunner().invoke(app, ["import", "arn:aws:lambda:eu-west-1:123456789012:function:f"])
    assert done.exit_code == 2
    assert "is not the ARN of a state machine" in done.stderr
