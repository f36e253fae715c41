"""`flowdsl test-state`."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from flowdsl.cli import app

SEND = {
    "Type": "Task",
    "Resource": "arn:aws:states:::sqs:sendMessage",
    "Parameters": {"QueueUrl": "q", "MessageBody.$": "$"},
    "Next": "Rest",
}
MACHINE = {"StartAt": "Send", "States": {"Send": SEND, "Rest": {"Type": "Wait", "Seconds": 3, "End": True}}}


@pytest.fixture(autouse=True)
def no_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)


def run(folder: Path, definition: Any, *options: str, input: str | None = None) -> Result:
    file = folder / "order.asl.json"
    file.write_text(json.dumps(definition))
    return CliRunner().invoke(app, ["test-state", str(file), *options], input=input, prog_name="flowdsl")


def test_the_answer_goes_to_stdout(tmp_path: Path) -> None:
    mock = '{"result": {"MessageId": "1"}}'
    done = run(
        tmp_path, MACHINE, "--state", "Send", "--input", '{"a": 1}', "--mock", mock, "--inspection-level", "debug"
    )
    answer = json.loads(done.stdout)
    assert (done.exit_code, done.stderr) == (0, "")
    assert (answer["status"], answer["nextState"]) == ("SUCCEEDED", "Rest")
    assert json.loads(answer["inspectionData"]["afterParameters"]) == {"QueueUrl": "q", "MessageBody": {"a": 1}}


def test_a_file_may_hold_a_single_state_and_the_input_come_from_stdin(tmp_path: Path) -> None:
    done = run(tmp_path, {"Type": "Pass", "End": True}, "--input", "-", input='"hello"')
    assert json.loads(done.stdout) == {"status": "SUCCEEDED", "output": '"hello"'}


def test_mocks_context_and_variables_may_be_files(tmp_path: Path) -> None:
    files = {"mock": {"result": {}}, "context": {"State": {"Name": "n"}}, "variables": {"x": 5}}
    for name, value in files.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(value))
    state = {**SEND, "ResultSelector": {"name.$": "$$.State.Name", "x.$": "$x"}}
    done = run(tmp_path, state, *(part for name in files for part in (f"--{name}", str(tmp_path / f"{name}.json"))))
    assert json.loads(json.loads(done.stdout)["output"]) == {"name": "n", "x": 5}


def test_a_failed_state_is_exit_code_1(tmp_path: Path) -> None:
    done = run(tmp_path, SEND, "--mock", '{"errorOutput": {"error": "Busy"}}')
    assert (done.exit_code, json.loads(done.stdout)) == (1, {"status": "FAILED", "error": "Busy"})


def test_what_a_handler_writes_is_printed_if_it_fails_or_on_demand(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.flowdsl]\n")
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "handler.py").write_text(
        'def handler(event, context):\n    print("at work")\n    return {"n": 1 / event["n"]}\n'
    )
    state = {"Type": "Task", "Resource": "arn:aws:lambda:eu-west-1:123456789012:function:work", "End": True}
    handler = ("--handler", f"work={tmp_path / 'work'}")
    for options, written in (
        (("--input", '{"n": 1}'), ""),
        (("--input", '{"n": 1}', "--logs"), "at work\n"),
        (("--input", '{"n": 0}'), "at work\n"),
    ):
        done = run(tmp_path, state, *handler, *options)
        assert json.loads(done.stdout)["status"] in ("SUCCEEDED", "FAILED")
        assert done.stderr == written


def test_a_state_that_would_be_retried_is_exit_code_0(tmp_path: Path) -> None:
    state = {**SEND, "Retry": [{"ErrorEquals": ["Busy"]}]}
    mock = ("--mock", '{"errorOutput": {"error": "Busy"}}')
    assert run(tmp_path, state, *mock).exit_code == 0
    retried = run(tmp_path, state, *mock, "--state-configuration", '{"retrierRetryCount": 3}')
    assert retried.exit_code == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "choose one with --state: Send, Rest"),
        (("--state", "None"), "ValidationException: State not found in definition"),
        (("--state", "Send"), "which has no answer here"),
        (("--state", "Send", "--mock", "[]"), "give a JSON object, or a file that holds one"),
        (("--state", "Send", "--mock", "none.json"), "--mock: file none.json does not exist"),
        (("--state", "Send", "--mock", '{"result": {"MessageId": 1}}'), "Field 'MessageId' must be a string"),
        (("--state", "Send", "--input", "{"), "not JSON"),
    ],
)
def test_mistakes_are_exit_code_2_with_nothing_on_stdout(tmp_path: Path, options: tuple[str, ...], said: str) -> None:
    done = run(tmp_path, MACHINE, *options)
    assert (done.exit_code, done.stdout) == (2, "")
    assert said in done.stderr


def test_a_definition_that_aws_would_refuse_is_refused(tmp_path: Path) -> None:
    done = run(tmp_path, {**SEND, "Next": 5}, "--mock", '{"result": {}}')
    assert done.exit_code == 2
    assert "InvalidDefinition" in done.stderr


WAITING = {
    "Type": "Task",
    "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
    "Parameters": {"QueueUrl": "q", "MessageBody.$": "$$.Task.Token"},
    "End": True,
}
BRANCHES = [{"StartAt": "In", "States": {"In": {"Type": "Pass", "End": True}}}]


def test_a_result_that_is_no_mock_is_told_how_to_be_one(tmp_path: Path) -> None:
    done = run(tmp_path, WAITING, "--mock", '{"ok": true, "who": "Zoë"}')
    assert (done.exit_code, done.stdout) == (2, "")
    assert 'Unknown parameter in mock: "ok"' in done.stderr
    assert '= write {"result": {"ok": true, "who": "Zoë"}}\n' in done.stderr
    assert json.loads(run(tmp_path, WAITING, "--mock", '{"result": {"ok": true}}').stdout)["status"] == "SUCCEEDED"
    done = run(tmp_path, WAITING, "--mock", '{"result": {"ok": true}, "ok": true}')
    assert (done.exit_code, "= write" in done.stderr) == (2, False)


@pytest.mark.parametrize(
    ("state", "result"), [(WAITING, "{}"), ({"Type": "Parallel", "Branches": BRANCHES, "End": True}, "[{}]")]
)
def test_what_cannot_be_run_is_told_to_be_mocked(tmp_path: Path, state: dict[str, Any], result: str) -> None:
    done = run(tmp_path, state)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "TestState API does not support" in done.stderr
    assert "= add its result with --mock '{\"result\": …}'" in done.stderr
    assert run(tmp_path, state, "--mock", f'{{"result": {result}}}').exit_code == 0


def test_a_payload_that_is_no_text_is_told_to_be(tmp_path: Path) -> None:
    state = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": {}, "End": True}
    done = run(tmp_path, state, "--mock", '{"result": {"Payload": {"paid": true}}}')
    assert (done.exit_code, done.stdout) == (2, "")
    assert """= AWS wants its JSON as text, such as "Payload": "{\\"paid\\": true}\"""" in done.stderr
