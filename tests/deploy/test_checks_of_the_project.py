"""A project's own checks of its configuration take part in check, plan and deploy."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from flowdsl.cli import app

FLOW = """
from flowdsl import Function, StateMachine, Table, Task

table = Table("orders", key="id").access("PutItem", variable="TABLE")


def check(environment, variables):
    pay = variables["pay"]
    if environment == "broken":
        raise LookupError("no such file")
    if "KEY" not in pay:
        yield f"pay: KEY is not set, {pay['TABLE']}, {pay['OWN']}"
    elif pay["KEY"] != "secretsmanager:pay/key":
        yield f"pay: {pay['KEY']}"


function = Function("pay", "handlers/pay", environment={"OWN": "flow"}, access=[table])
machine = StateMachine("payment", Task("Pay", function), checks=[check])
"""
PROJECT = """
[project]
name = "shop"
version = "1"

[tool.flowdsl]
flow = "flow.py"

[tool.flowdsl.environments.good]
region = "eu-west-1"
account = "123456789012"
functions.pay.environment = { KEY = { secret = "pay/key" } }
"""
BAD = """
[tool.flowdsl.environments.bad]
region = "eu-west-1"
account = "123456789012"
prefix = "test-"
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "flow.py").write_text(FLOW)
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    handler = tmp_path / "handlers" / "pay" / "handler.py"
    handler.parent.mkdir(parents=True)
    handler.write_text("def handler(event, context):\n    return event\n")
    monkeypatch.chdir(tmp_path)
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
        monkeypatch.setenv(f"AWS_{name}", "testing")
    return tmp_path


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, arguments)
    return result.exit_code, result.output


def test_check_judges_every_environment(shop: Path) -> None:
    assert run("check") == (0, "payment: no mistakes found\n")
    (shop / "pyproject.toml").write_text(PROJECT + BAD)

    code, output = run("check")

    assert code == 2
    assert "error FD709 environment bad: pay: KEY is not set, test-orders, flow" in output
    assert "environment good" not in output
    assert "[tool.flowdsl.environments.bad]" in output, "where to change it"


@pytest.mark.slow
@pytest.mark.parametrize("command", ["plan", "deploy"])
def test_plan_and_deploy_judge_their_environment(shop: Path, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before AWS is asked for anything but whose credentials these are."""
    (shop / "pyproject.toml").write_text(PROJECT + BAD)
    monkeypatch.setattr("flowdsl.deploy.aws.check_account", lambda *_: None)
    assert run("build")[0] == 0, "a build is of no environment"

    code, output = run(command, "--env", "bad")

    assert code not in (0, 1)
    assert "error FD709 environment bad: pay: KEY is not set, test-orders, flow" in output


def test_a_check_that_fails_is_a_mistake_in_the_flow(shop: Path) -> None:
    (shop / "pyproject.toml").write_text(PROJECT + BAD.replace("environments.bad", "environments.broken"))

    code, output = run("check")

    assert code == 2
    assert "flow.py:10" in output
    assert "LookupError: no such file" in output
    assert "Traceback" not in output


def test_without_environments_there_is_nothing_to_judge(shop: Path) -> None:
    (shop / "pyproject.toml").write_text(PROJECT.partition("[tool.flowdsl.env")[0])
    assert run("check")[0] == 0
