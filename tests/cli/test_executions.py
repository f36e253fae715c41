"""`flowdsl executions`, on an AWS in memory that has histories of the embedded engine."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field

from flowdsl.deploy import aws
from flowdsl.deploy.aws import CallError
from flowdsl.testing import Runner, fail

ACCOUNT = "123456789012"
EXECUTION = f"arn:aws:states:eu-west-1:{ACCOUNT}:execution:hello:one"
MACHINE = f"arn:aws:states:eu-west-1:{ACCOUNT}:stateMachine:hello"
EXPRESS = EXECUTION.replace("execution:", "express:") + ":0b0c-1"
SETTINGS = f"""
[tool.flowdsl]
flow = "hello.py"
[tool.flowdsl.environments.test]
region = "eu-west-1"
account = "{ACCOUNT}"
"""
DATE = datetime(2025, 1, 1, tzinfo=UTC)


@define
class Service:
    """Answers the calls of Step Functions, two events a page."""

    events: list[dict[str, Any]] = field(factory=list)
    type: str = "STANDARD"
    calls: list[tuple[str, dict[str, Any]]] = field(factory=list)
    refusal: CallError | None = None
    definition: dict[str, Any] = field(factory=dict)
    logged: list[str] = field(factory=list)
    """Messages in the log group."""
    patterns: list[str] = field(factory=list)
    groups: bool = True
    children: dict[str, list[dict[str, Any]]] = field(factory=dict)

    """The histories of the executions of a Map Run, by ARN."""
    map_run: str = ""

    def is_at_aws(self, _service: str) -> bool:
        return True

    def call(self, service: str, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        assert service in ("states", "logs")
        self.calls.append((operation, {**arguments}))
        if self.refusal:
            raise self.refusal
        answer: dict[str, Any] = getattr(self, operation)(arguments)
        return answer

    def DescribeStateMachine(self, arguments: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N802
        group = {"logGroupArn": f"arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:/aws/vendedlogs/states/hello:*"}
        logging = {"destinations": [{"cloudWatchLogsLogGroup": group}] if self.groups else []}
        return {"name": "hello", "type": self.type, "loggingConfiguration": logging}

    def FilterLogEvents(self, arguments: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N802
        assert arguments["logGroupName"] == "/aws/vendedlogs/states/hello"
        first = int(arguments.get("nextToken", 0))
        self.patterns += [] if first else [arguments["filterPattern"]]
        more = {"nextToken": str(first + 2)} if first + 2 < len(self.logged) else {}
        return {"events": [{"message": each} for each in self.logged[first : first + 2]], **more}

    def ListExecutions(self, arguments: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N802
        assert self.type == "STANDARD"
        if "mapRunArn" in arguments:
            assert arguments["mapRunArn"] == self.map_run
            return {"executions": [{"executionArn": arn} for arn in self.children]}
        row = {"name": "one", "status": "FAILED", "executionArn": EXECUTION, "startDate": DATE}
        return {"executions": [row, {**row, "name": "two"}]}

    def DescribeExecution(self, arguments: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {"name": "one", "status": "FAILED", "startDate": DATE, "stateMachineVersionArn": f"{MACHINE}:7"}

    def DescribeStateMachineForExecution(self, arguments: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {"definition": json.dumps(self.definition)}

    def GetExecutionHistory(self, arguments: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N802
        events = self.children.get(arguments["executionArn"], self.events)
        events = events[::-1] if arguments["reverseOrder"] else events
        first = int(arguments.get("nextToken", 0))
        more = {"nextToken": str(first + 2)} if first + 2 < len(events) else {}
        return {"events": events[first : first + 2], **more}

    def StartExecution(self, arguments: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {"executionArn": EXECUTION}

    def StopExecution(self, arguments: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {"stopDate": DATE}

    def RedriveExecution(self, arguments: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {"redriveDate": DATE}


@pytest.fixture
def service(project: Any, monkeypatch: pytest.MonkeyPatch) -> Service:
    project.write("pyproject.toml", SETTINGS)
    runner = Runner.of(project.root / "hello.py", root=project.root)
    runner.mock("Greet", fail("Refused", "card 4242424242424242 of ada@example.org"))
    run = runner.run({"name": "Ada", "email": "ada@example.org"}, name="one", check=False)
    service = Service(run.history.render())
    monkeypatch.setattr(aws, "connect", lambda place, services: service)
    return service


def test_list(project: Any, service: Service) -> None:
    done = project.run("executions", "list", "--env", "test", "--status", "failed", "-n", "1")
    assert (done.exit_code, done.stdout) == (0, "2025-01-01T00:00:00+00:00  FAILED     one\n")
    assert service.calls[-1][1] == {"stateMachineArn": MACHINE, "maxResults": 1, "statusFilter": "FAILED"}
    rows = json.loads(project.run("executions", "list", MACHINE, "--format", "json").stdout)
    assert [each["name"] for each in rows] == ["one", "two"]


@pytest.mark.parametrize("arguments", [["one", "--env", "test"], [EXECUTION]], ids=["by name", "by ARN"])
def test_show(project: Any, service: Service, arguments: list[str]) -> None:
    done = project.run("executions", "show", *arguments)
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert lines[:2] == ["one  FAILED  2025-01-01T00:00:00+00:00", "version 7 of hello"]
    assert lines[2].split() == ["0:00:00", "Greet", "Task", "0:00:00", "(Refused)"]
    assert lines[3].startswith("ended in Greet, hello.py:3:9")
    assert lines[4] == "  Refused: card [card number] of [e-mail]"


def test_tail(project: Any, service: Service) -> None:
    lines = project.run("executions", "tail", EXECUTION).stdout.splitlines()
    assert [line.split()[1] for line in lines] == [event["type"] for event in service.events]
    assert "4242" not in "".join(lines)


@pytest.mark.parametrize("command", ["list", "show", "tail"])
def test_nothing_of_an_execution_controls_the_terminal(
    project: Any, service: Service, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    runner = Runner.of(project.root / "hello.py", root=project.root)
    runner.mock("Greet", fail("Refused\x1b[2J", "why\nSUCCEEDED\x9b31m\u202e\r"))
    service.events = runner.run({"name": "Ada\x1b[2J"}, name="two", check=False).history.render()
    done = project.run("executions", command, *([MACHINE] if command == "list" else [EXECUTION]))

    assert done.stdout
    assert not [each for each in done.stdout + done.stderr if each != "\n" and not each.isprintable()]
    assert not [line for line in done.stdout.splitlines() if line.startswith("SUCCEEDED")]


def test_tail_reads_only_what_is_new(project: Any, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    every, service.events = service.events, service.events[:2]
    monkeypatch.setattr("time.sleep", lambda seconds: setattr(service, "events", every))
    lines = project.run("executions", "tail", EXECUTION).stdout.splitlines()
    assert [line.split()[1] for line in lines] == [event["type"] for event in every]


def test_start_stop_and_redrive(project: Any, service: Service) -> None:
    project.write("input.json", '{"name": "Ada"}')
    done = project.run("executions", "start", "--env", "test", "--input", "input.json", "--name", "two")
    assert done.stdout == f"{EXECUTION}\n"
    arguments = {"stateMachineArn": f"{MACHINE}:live", "input": '{"name": "Ada"}', "name": "two"}
    assert service.calls[-1] == ("StartExecution", arguments)
    count = len(service.calls)
    assert project.run("executions", "stop", EXECUTION).exit_code == 2  # nobody answers the question
    assert len(service.calls) == count
    assert project.run("executions", "stop", EXECUTION, "--yes", "--cause", "why").exit_code == 0
    assert service.calls[-1] == ("StopExecution", {"executionArn": EXECUTION, "cause": "why"})
    assert project.run("executions", "redrive", EXECUTION).exit_code == 0
    assert service.calls[-1] == ("RedriveExecution", {"executionArn": EXECUTION})


def test_a_name_that_aws_refuses_starts_nothing(project: Any, service: Service) -> None:
    done = project.run("executions", "start", "--env", "test", "--name", "a b")
    assert (done.exit_code, service.calls) == (2, [])
    assert "'a b' cannot be the name of an execution" in done.stderr


def test_a_history_that_does_not_tell_what_led_to_what(project: Any, service: Service) -> None:
    """As MiniStack's."""
    service.events = [{**event, "previousEventId": 0} for event in service.events]
    done = project.run("executions", "pull", EXECUTION)
    assert done.exit_code == 2
    assert "cannot be recorded: its events do not say which one led to which" in done.stderr
    assert not Path("tests/recorded").exists()


def test_a_recording_into_a_pipe_has_no_test_beside_it(project: Any, service: Service) -> None:
    os.mkfifo("pipe")
    reader = subprocess.Popen(["cat", "pipe"], stdout=subprocess.PIPE, text=True)
    done = project.run("executions", "pull", EXECUTION, "-o", "pipe")
    assert (done.exit_code, done.stdout) == (0, "pipe\n")
    assert json.loads(reader.communicate(timeout=20)[0])["name"] == "one"
    assert not Path("test_pipe.py").exists()


def test_pull_and_replay(project: Any, service: Service) -> None:
    done = project.run("executions", "pull", EXECUTION)
    assert (done.exit_code, done.stdout.split()) == (0, ["tests/recorded/one.json", "tests/recorded/test_one.py"])
    text = Path("tests/recorded/one.json").read_text()
    assert "ada@" not in text and "4242" not in text  # noqa: PT018
    compile(Path("tests/recorded/test_one.py").read_text(), "test_one.py", "exec")
    done = project.run("executions", "replay", "tests/recorded/one.json")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "0 differences\n")
    project.write("hello.py", (project.root / "hello.py").read_text().replace('"Greet"', '"Welcome"'))
    done = project.run("executions", "replay", "tests/recorded/one.json")
    assert (done.exit_code, "route: recorded Greet; replayed Welcome" in done.stdout) == (1, True)
    project.run("executions", "pull", EXECUTION, "--unmasked", "-o", "plain.json")
    assert "4242424242424242" in Path("plain.json").read_text()


MISTAKES = {
    "no ARN": (["show", "arn:aws:lambda:x"], "not the ARN of an execution or a state machine"),
    "another ARN": (["show", MACHINE], "is not the ARN of an execution"),
    "an execution for a machine": (["list", EXECUTION], "is not the ARN of a state machine"),
    "Express": (["pull", EXPRESS], "is an Express state machine"),
    "no such machine": (["list", "--machine", "other"], "the flow has no state machine 'other'"),
    "input that is not JSON": (["start", "--input", "{x"], "FD704"),
    "an input file that is missing": (["start", "--input", "none.json"], "none.json cannot be read"),
    "no recording": (["replay", "hello.py"], "hello.py is not a recording"),
}


@pytest.mark.parametrize(("arguments", "text"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes(project: Any, service: Service, arguments: list[str], text: str) -> None:
    done = project.run("executions", *arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert text in done.stderr
    assert service.calls == []


@pytest.fixture
def express(service: Service) -> Service:
    """The same execution, as an Express state machine logs it: without payloads, in any order."""
    service.type = "EXPRESS"
    for event in service.events:
        details = next((value for key, value in event.items() if key.endswith("EventDetails")), {})
        logged = {key: value for key, value in details.items() if key not in ("input", "output", "parameters")}
        record = {
            "id": str(event["id"]),
            "type": event["type"],
            "details": logged,
            "previous_event_id": str(event["previousEventId"]),
            "event_timestamp": str(int(event["timestamp"].timestamp() * 1000)),
            "execution_arn": EXPRESS,
        }
        service.logged.insert(0, json.dumps(record))
    service.logged.insert(1, "not of Step Functions")
    return service


def test_express_executions_are_read_from_the_log_group(project: Any, express: Service) -> None:
    done = project.run("executions", "list", "--env", "test")
    assert (done.exit_code, done.stdout) == (0, "2025-01-01T00:00:00+00:00  FAILED     one\n")
    assert express.patterns == ['{ $.type = "Execution*" }']
    assert project.run("executions", "list", "--env", "test", "--status", "succeeded").stdout == ""
    lines = project.run("executions", "show", EXPRESS).stdout.splitlines()
    assert lines[0] == "one  FAILED  2025-01-01T00:00:00+00:00"
    assert lines[1].split() == ["0:00:00", "Greet", "Task", "0:00:00", "(Refused)"]
    assert "  Refused: card [card number] of [e-mail]" in lines
    assert express.patterns[-1] == f'{{ $.execution_arn = "{EXPRESS}" }}'
    lines = project.run("executions", "tail", EXPRESS).stdout.splitlines()
    assert [line.split()[1] for line in lines] == [event["type"] for event in express.events]


def test_express_executions_that_are_not_logged(project: Any, service: Service) -> None:
    service.type = "EXPRESS"
    assert "no events of" in project.run("executions", "show", EXPRESS).stderr
    service.groups = False
    done = project.run("executions", "list", "--env", "test")
    assert done.exit_code == 2
    assert "'hello' is an Express state machine: the API knows none of its executions" in done.stderr
    assert 'set logging = "ALL"' in done.stderr


@pytest.mark.parametrize("command", ["stop", "redrive", "pull"])
def test_what_cannot_be_done_with_an_express_execution(project: Any, express: Service, command: str) -> None:
    done = project.run("executions", command, EXPRESS)
    assert done.exit_code == 2
    assert "is an Express state machine" in done.stderr


def test_show_and_tail_as_json(project: Any, service: Service) -> None:
    shown = json.loads(project.run("executions", "show", EXECUTION, "--format", "json").stdout)
    assert shown["status"] == "FAILED"
    assert shown["stateMachineVersionArn"] == f"{MACHINE}:7"
    (visit,) = shown["route"]
    assert (visit["state"], visit["attempts"], visit["errors"], visit["depth"]) == ("Greet", 1, ["Refused"], 0)
    assert shown["failed"] == [{"state": "Greet", "line": "hello.py:3:9"}]
    assert (shown["error"], shown["cause"]) == ("Refused", "card [card number] of [e-mail]")
    lines = project.run("executions", "tail", EXECUTION, "--format", "json").stdout.splitlines()
    events = [json.loads(line) for line in lines]
    assert [each["type"] for each in events] == [event["type"] for event in service.events]
    assert "4242" not in "".join(lines)
    assert "Ada" not in "".join(lines)


def test_what_aws_refuses(project: Any, service: Service) -> None:
    service.refusal = CallError("ExecutionDoesNotExist", "Execution Does Not Exist", "states", "DescribeExecution")
    done = project.run("executions", "show", EXECUTION)
    assert done.exit_code == 2
    assert f"DescribeExecution of {EXECUTION}: ExecutionDoesNotExist: Execution Does Not Exist" in done.stderr
    assert "list the executions with" in done.stderr


def test_a_name_that_another_execution_has(project: Any, service: Service) -> None:
    """Also one that has ended, for 90 days. Source: API reference, StartExecution."""
    service.refusal = CallError("ExecutionAlreadyExists", "Execution Already Exists", "states", "StartExecution")
    done = project.run("executions", "start", "--env", "test", "--input", "{}", "--name", "one")
    assert done.exit_code == 2
    assert "choose another --name: names of executions are taken for 90 days" in done.stderr


def test_credentials_that_have_expired(project: Any, service: Service) -> None:
    message = "The security token FwoGZXIvYXdzEXAMPLE included in the request is expired"
    service.refusal = CallError("ExpiredTokenException", message, "states", "DescribeExecution")
    for command in ("list", "show", "tail", "stop", "redrive", "pull"):
        target = MACHINE if command == "list" else EXECUTION
        done = project.run("executions", command, target, *(["--yes"] if command == "stop" else []))
        assert done.exit_code == 2, command
        assert "the AWS credentials have expired (ExpiredTokenException)" in done.stderr
        assert "log in again" in done.stderr
        assert "FwoG" not in done.output


def test_show_draws_the_definition_that_the_execution_ran(project: Any, service: Service) -> None:
    states = {"Greet": {"Type": "Task", "Resource": "arn:aws:lambda:::function:greet", "Next": "Old"}}
    service.definition = {"StartAt": "Greet", "States": {**states, "Old": {"Type": "Succeed"}}}
    done = project.run("executions", "show", EXECUTION, "--picture", "one.svg")
    assert (done.exit_code, done.stdout.splitlines()[-1]) == (0, "  Refused: card [card number] of [e-mail]")
    text = Path("one.svg").read_text()
    assert 'class="state Task failed marked" data-state="/States/Greet"' in text
    assert 'class="state Succeed quiet faint" data-state="/States/Old"' in text
    assert "[card number]" in text
    assert "4242" not in text
    assert "DescribeStateMachineForExecution" in [name for name, _ in service.calls]


def test_show_draws_the_child_executions_of_a_distributed_map(
    project: Any, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": "Pay",
        "States": {
            "Pay": {"Type": "Task", "Resource": f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:pay", "End": True}
        },
    }
    service.definition = {"StartAt": "All", "States": {"All": {"Type": "Map", "ItemProcessor": inside, "End": True}}}
    runner = Runner.of(service.definition, root=project.root)
    runner.mock("Pay", returns={})
    run = runner.run([1, 2, 3])
    service.events = run.history.render()
    (started,) = [each for each in service.events if each["type"] == "MapRunStarted"]
    service.map_run = started["mapRunStartedEventDetails"]["mapRunArn"]
    service.children = {f"{EXECUTION}-{n}": child.history.render() for n, child in enumerate(run.children)}
    service.children[EXPRESS] = []
    assert project.run("executions", "show", EXECUTION).exit_code == 0
    assert "ListExecutions" not in [name for name, _ in service.calls], "only a picture needs the children"

    done = project.run("executions", "show", EXECUTION, "--picture", "one.mmd")
    assert (done.exit_code, done.stderr) == (0, "1 execution of a Distributed Map is not in the picture\n")
    assert "Pay<br/>pay<br/>3×" in Path("one.mmd").read_text()
    monkeypatch.setattr("flowdsl.cli.executions._MOST_CHILDREN", 1)
    done = project.run("executions", "show", EXECUTION, "--picture", "one.mmd")
    assert done.stderr == "3 executions of Distributed Maps are not in the picture\n"
