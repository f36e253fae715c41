"""The command line with an endpoint in the environment."""

import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from flowdsl.cli import app

from .conftest import Stub

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
    assert "which has no answer here" in done.stderr


@pytest.mark.parametrize(("command", "options"), [("run", ()), ("test-state", ("--state", "Create"))])
def test_an_endpoint_that_does_not_answer_is_said(tmp_path: Path, command: str, options: tuple[str, ...]) -> None:
    done = run(command, tmp_path, *options, endpoint="http://127.0.0.1:9")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "Could not connect to the endpoint URL" in done.stderr


PAY = {
    "Type": "Task",
    "Resource": "arn:aws:states:::http:invoke",
    "Parameters": {
        "ApiEndpoint": "https://api.stripe.com/v1/charges",
        "Method": "POST",
        "Authentication": {"ConnectionArn": "arn:aws:events:us-east-1:123456789012:connection/Stripe/1"},
        "RequestBody.$": "$",
    },
    "End": True,
}


def pay(folder: Path, settings: str) -> Result:
    (folder / "pyproject.toml").write_text(settings)
    file = folder / "pay.asl.json"
    file.write_text(json.dumps({"StartAt": "Pay", "States": {"Pay": PAY}}))
    arguments = ["run", str(file), "--input", '{"amount": 5}']
    return CliRunner(env={"STRIPE_KEY": "k1", "AWS_ENDPOINT_URL": None}).invoke(app, arguments, prog_name="flowdsl")


def test_an_http_task_calls_the_host_that_pyproject_names(tmp_path: Path, stub: Stub) -> None:
    stub.will_answer({"id": "ch_1"})
    done = pay(
        tmp_path,
        f"""[tool.flowdsl.hosts."api.stripe.com"]
url = "{stub.url}"
headers = {{ Authorization = "Bearer ${{STRIPE_KEY}}" }}
""",
    )
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["ResponseBody"] == {"id": "ch_1"}
    assert (stub.requests[0][0], stub.requests[0][1]["Authorization"]) == ("/v1/charges", "Bearer k1")
    done = pay(tmp_path, '[tool.flowdsl.hosts."other.example.com"]\nurl = "http://localhost:1"\n')
    assert (done.exit_code, done.stdout) == (2, "")
    assert "error FD935 state 'Pay' calls api.stripe.com" in done.stderr
    done = pay(tmp_path, "")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "= use --mock Pay='…', or add to pyproject.toml what to call instead: " in done.stderr
    assert '[tool.flowdsl.hosts."api.stripe.com"]' in done.stderr


@pytest.mark.parametrize(("options", "reveals"), [((), False), (("--reveal-secrets",), True)])
def test_trace_shows_what_an_http_task_sent_and_got(
    tmp_path: Path, stub: Stub, options: tuple[str, ...], reveals: bool
) -> None:
    stub.will_answer({"id": "ch_1"}, status=201)
    (tmp_path / "pyproject.toml").write_text(
        f"""[tool.flowdsl.hosts."api.stripe.com"]
url = "{stub.url}"
headers = {{ Authorization = "Bearer s3cret" }}
query = {{ key = "s3cret" }}
body = {{ key = "s3cret" }}
"""
    )
    file = tmp_path / "pay.json"
    file.write_text(json.dumps(PAY))
    arguments = ["test-state", str(file), "--input", '{"amount": 5}', "--inspection-level", "TRACE", *options]
    done = CliRunner().invoke(app, arguments, prog_name="flowdsl")
    assert done.exit_code == 0, done.stderr
    data = json.loads(done.stdout)["inspectionData"]
    request = data["request"]
    assert (request["protocol"], request["method"]) == ("https", "POST")
    assert request["url"].startswith("https://api.stripe.com/v1/charges")
    assert [("s3cret" in request[part]) for part in ("url", "headers", "body")] == [reveals] * 3
    assert "Range: bytes=0-262144" in request["headers"]
    assert (data["response"]["statusCode"], data["response"]["body"]) == ("201", '{"id": "ch_1"}')


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ('[tool.flowdsl]\nhosts = "x"\n', "pyproject.toml:2:1: error FD701 [tool.flowdsl] hosts must be a table"),
        (
            '[tool.flowdsl.hosts."a.b"]\nurl = "a.b"\n',
            'pyproject.toml:1:1: error FD701 [tool.flowdsl] hosts."a.b" url must',
        ),
        (
            '[tool.flowdsl.hosts."a.b"]\nurl = "http://c"\nheader = 1\n',
            "has the unknown key 'header'; valid keys: url, headers",
        ),
        ('[tool.flowdsl.hosts."a.b"]\nurl = "http://c"\nheaders = { a = 1 }\n', "headers must be a table of strings"),
        ('[tool.flowdsl.hosts."a.b"]\nurl = "http://c"\nbody = 1\n', "body must be a table"),
        ('[tool.flowdsl.hosts."a.b"]\nurl = "http://c:99999"\n', 'hosts."a.b" url must be a base URL'),
        ('[tool.flowdsl.hosts."a.b"]\nurl = 5\n', 'hosts."a.b" url must be a base URL'),
        ('[tool.flowdsl.hosts."a.b"]\nurl = "http://user:word@c"\n', 'hosts."a.b" url must be a base URL'),
        ('[tool.flowdsl.hosts."a.b"]\nurl = "http://c/?key=1"\n', 'hosts."a.b" url must be a base URL'),
        ('[tool.flowdsl.hosts."https://a.b"]\nurl = "http://c"\n', 'hosts."https://a.b" must be only a host'),
        ('[tool.flowdsl.hosts]\n"a.b" = 1\n', 'hosts."a.b" must be a table'),
    ],
)
def test_hosts_that_are_said_wrong(tmp_path: Path, settings: str, said: str) -> None:
    done = pay(tmp_path, settings)
    assert (done.exit_code, done.stdout) == (2, "")
    assert said in done.stderr
