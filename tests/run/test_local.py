"""A run on one machine: its handlers, in which region they seem to be, and how long they may take."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flowdsl.engine import Call, Reply, Result
from flowdsl.project import Loaded, Project
from flowdsl.run import local
from flowdsl.testing import Runner

HANDLER = "import os, sys\n\n\ndef handler(event, context):\n    {}\n"
SEEN = 'return [os.environ["AWS_REGION"], os.environ["AWS_DEFAULT_REGION"], context.invoked_function_arn.split(":")[3]]'
SOON = 30


def task(function: str, **fields: Any) -> dict[str, Any]:
    call = {"Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName": function}}
    return {"Type": "Task", **call, "OutputPath": "$.Payload", "End": True, **fields}


def machine(state: dict[str, Any]) -> Loaded:
    return Loaded(Path("flow.json"), "machine", {"StartAt": "S", "States": {"S": state}}, "")


Runs = Callable[..., Result]


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    """Runs a state with handlers, which are the bodies of functions by name."""

    def run(state: dict[str, Any], region: str | None = None, real_time: bool = False, **bodies: str) -> Result:
        for name, body in bodies.items():
            (tmp_path / name).mkdir()
            (tmp_path / name / "handler.py").write_text(HANDLER.format(body))
        project = Project(tmp_path, region=region, handlers={name: name for name in bodies})
        return local.run(machine(state), {}, project=project, real_time=real_time, on_output=lambda *told: None)

    return run


@pytest.mark.parametrize(
    ("configured", "environment", "region"),
    [
        (None, {}, "us-east-1"),
        (None, {"AWS_DEFAULT_REGION": "eu-west-1"}, "eu-west-1"),
        (None, {"AWS_REGION": "eu-west-2", "AWS_DEFAULT_REGION": "eu-west-1"}, "eu-west-2"),
        ("ap-south-1", {"AWS_DEFAULT_REGION": "eu-west-1"}, "ap-south-1"),
    ],
)
def test_arns_and_handlers_are_in_the_same_region(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, configured: str | None, environment: dict[str, str], region: str
) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    result = runs(task("see"), configured, see=SEEN)
    assert result.output == [region] * 3
    assert result.arn.split(":")[3] == region
    assert {name: os.environ.get(name) for name in environment} == environment


def test_tests_are_in_one_region_whatever_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    (tmp_path / "handler.py").write_text(HANDLER.format(SEEN))
    definition = {"StartAt": "S", "States": {"S": task("see")}}
    flow = Runner.of(definition, root=tmp_path, handlers={"see": tmp_path})
    assert flow.run({}).output == ["us-east-1"] * 3


@pytest.mark.skipif(not hasattr(__import__("signal"), "setitimer"), reason="nothing interrupts a handler without it")
def test_a_handler_that_never_returns_times_out_on_a_virtual_clock(runs: Runs) -> None:
    state = task("hang", TimeoutSeconds=1)
    result = runs(state, hang="import threading; threading.Event().wait()")
    assert (result.status, result.error, result.duration) == ("FAILED", "States.Timeout", 1)


def test_a_handler_that_never_returns_times_out_in_real_time(runs: Runs) -> None:
    result = runs(task("hang", TimeoutSeconds=1), real_time=True, hang="import threading; threading.Event().wait()")
    assert (result.status, result.error) == ("FAILED", "States.Timeout")


def test_what_handlers_in_parallel_print_is_kept_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    both = threading.Barrier(2)
    told: dict[str, str] = {}

    def otherwise(call: Call) -> Reply:
        sys.stdout.write(f"{call.state_name} begins\n")
        both.wait(SOON)
        sys.stderr.write(f"{call.state_name} ends\n")
        both.wait(SOON)
        return Reply.succeeded(None)

    branches = [
        {"StartAt": name, "States": {name: {**task(name), "OutputPath": "$"}}} for name in ("A", "B")
    ]  # fmt: skip
    result = local.run(
        machine({"Type": "Parallel", "Branches": branches, "End": True}),
        {},
        project=Project(tmp_path),
        real_time=True,
        on_output=lambda call, reply, text: told.update({call.state_name: text}),
        otherwise=otherwise,
    )
    assert result.output == [None, None]
    assert told == {name: f"{name} begins\n{name} ends\n" for name in ("A", "B")}
    assert capsys.readouterr() == ("", "")


def test_handlers_in_parallel_see_their_own_variables_and_modules(tmp_path: Path) -> None:
    """Two folders have a module of the same name; their functions do not run at the same time."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "helper.py").write_text(f"NAME = {name!r}\n")
        (tmp_path / name / "handler.py").write_text(
            "def handler(event, context):\n    import helper\n    return helper.NAME\n"
        )
    branches = [{"StartAt": name, "States": {name: task(name)}} for name in ("one", "two")]
    project = Project(tmp_path, handlers={"one": "one", "two": "two"})
    before = sys.stdout
    result = local.run(
        machine({"Type": "Parallel", "Branches": branches, "End": True}), {}, project=project, real_time=True
    )
    assert result.output == ["one", "two"]
    assert sys.stdout is before


def test_many_threads_use_one_runner() -> None:
    definition = {
        "StartAt": "S",
        "States": {"S": {**task("echo"), "End": False, "Next": "W"}, "W": {"Type": "Wait", "Seconds": 60, "End": True}},
    }
    del definition["States"]["S"]["End"]  # type: ignore[attr-defined]
    flow = Runner.of(definition, handlers={"echo": lambda event, context: event})
    flow.mock("echo", effect=lambda event: event)
    problems: list[Any] = []
    names: list[str] = []

    def work() -> None:
        try:
            for _ in range(50):
                run = flow.run({})
                names.append(run.name)
                if (run.status, (run.stop - run.start).total_seconds()) != ("SUCCEEDED", 60):
                    problems.append(run)
        except Exception as error:  # noqa: BLE001 - shown by the assertion below
            problems.append(error)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SOON * 2)
    assert problems == []
    assert len({*names}) == 300
