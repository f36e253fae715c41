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
    assert "[tool.flowdsl.environments.bad" in output, "where to change it"


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


def shop_with(folder: Path, environment: str, flow: str = FLOW) -> str:
    """What `flowdsl check` prints about an environment `bad` with these lines."""
    (folder / "pyproject.toml").write_text(f"{PROJECT}{BAD}{environment}\n")
    (folder / "flow.py").write_text(flow)
    return run("check")[1]


def test_a_mistake_is_at_the_setting_that_it_names(shop: Path) -> None:
    line = (PROJECT + BAD).count("\n") + 2
    for environment, at in (
        ("", line - 5),
        ("[tool.flowdsl.environments.bad.functions.pay]\nmemory = 512", line - 1),
        ('[tool.flowdsl.environments.bad.functions.pay]\nenvironment = { URL = "x" }', line),
        ('[tool.flowdsl.environments.bad.functions."pay".environment]\nKEY = "ssm:x"', line),
        ('functions.pay.environment.KEY = "ssm:x"', line - 1),
    ):
        output = shop_with(shop, environment, FLOW.replace("pay: {pay[", "pay: KEY {pay["))
        assert f"pyproject.toml:{at}:1: error FD709 environment bad: pay: KEY" in output, output


def test_a_mistake_is_at_the_file_that_it_names(shop: Path) -> None:
    (shop / "routing.toml").write_text("one = 1\ntwo = 2\n")
    text = FLOW.replace('yield f"pay: KEY is not set', 'yield f"routing.toml:2: two is too much').replace(
        "payment", "a"
    )
    output = shop_with(shop, "", text)
    assert "routing.toml:2:1: error FD709 environment bad: two is too much, test-orders, flow\n    2 | two" in output
    output = shop_with(shop, "", text.replace("routing.toml:2", "missing.toml:2"))
    assert "pyproject.toml:14:1: error FD709 environment bad: missing.toml:2: two is too much" in output


def test_a_mistake_that_several_flows_have_is_one(shop: Path) -> None:
    (shop / "shared.py").write_text("raise ValueError('routing.toml:1: one is too much')\n")
    (shop / "routing.toml").write_text("one = 1\n")
    (shop / "flow.py").write_text("import shared\n")
    (shop / "other.py").write_text("import shared\n")
    code, output = run("check", "flow.py", "other.py")
    assert (code, output.count("one is too much"), output.splitlines()[-1]) == (2, 1, "1 error")
    assert "more)" not in output


def test_an_error_of_the_flow_is_at_the_file_that_it_names(shop: Path) -> None:
    (shop / "routing.toml").write_text("one = 1\ntwo = 2\n")
    output = shop_with(shop, "", FLOW + 'raise ValueError("routing.toml:2: two is too much")\n')
    assert "routing.toml:2:1: error FD703 ValueError: two is too much\n    2 | two = 2" in output
    assert "= called at flow.py:" in output


def test_a_misspelt_function_is_found_by_check_too(shop: Path) -> None:
    output = shop_with(shop, "[tool.flowdsl.environments.bad.functions.pya]\nmemory = 512")
    line = (PROJECT + BAD).count("\n") + 1
    assert f"pyproject.toml:{line}:1: error FD980 environment bad: function 'pya' is not in the flow" in output
    assert "did you mean 'pay'?" in output


def test_the_settings_of_another_flows_functions_are_right(shop: Path) -> None:
    (shop / "pyproject.toml").write_text(
        PROJECT.replace('flow = "flow.py"', 'flows = ["flow.py", "other.py"]')
        + BAD
        + '[tool.flowdsl.environments.bad.functions]\npay.environment = { KEY = "secretsmanager:pay/key" }\n'
        + "other.memory = 512\n"
    )
    (shop / "other.py").write_text(
        FLOW.replace('"pay"', '"other"').replace('"payment"', '"b"').replace(", checks=[check]", "")
    )
    assert run("check", "flow.py")[0] == 0
    assert "FD980" not in run("check")[1]


ALARMED = FLOW.replace("import ", "import Alarm, Executions, ").replace(
    "checks=[check]", 'alarms=[Alarm("failing", Executions("payment"))]'
)


def test_alarms_that_notify_no_topic_are_a_warning(shop: Path) -> None:
    output = shop_with(shop, "", ALARMED)
    assert "pyproject.toml:14:1: warning FD713 environment bad: the flow's alarms notify no topic" in output
    assert "environment good: the flow's alarms" in output
    for notify in ('notify = ["arn:aws:sns:eu-west-1:123456789012:on-call"]', "notify = []"):
        output = shop_with(shop, notify, ALARMED)
        assert "environment bad" not in output
    assert "FD713" not in shop_with(shop, "", FLOW.replace("checks=[check]", "")), "there are no alarms"


@pytest.mark.slow
def test_a_plan_notes_warnings(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from flowdsl.cli.deploying import find_target

    shop_with(shop, "", ALARMED)
    assert run("build")[0] == 0
    [note] = find_target(None, "bad", "").wanted().notes
    assert note.startswith("FD713 environment bad: the flow's alarms notify no topic: notify is not set; name the SNS")


@pytest.mark.parametrize(
    ("variable", "value", "is_secret"),
    [
        ("STRIPE_API_KEY", "sk_livee_x", True),
        ("ANY", "sk_live_51Hc", True),
        ("ANY", "rk_test_51Hc", True),
        ("HOOK", "whsec_abc", True),
        ("apikey", "x", True),
        ("ADYEN_HMAC_KEY", "44782DEF", True),
        ("GOCARDLESS_ACCESS_TOKEN", "live_abc", True),
        ("WEBHOOK_SECRET", "abc", True),
        ("DB_PASSWORD", "hunter2", True),
        ("SIGNING_KEY", "a1b2c3d4e5f6a7b8", True),
        ("ID", "AKIAIOSFODNN7EXAMPLE", True),
        ("STRIPE_API_KEY", "secretsmanager:payments/key", False),
        ("STRIPE_API_KEY", "ssm:/payments/key", False),
        ("STRIPE_API_KEY", "", False),
        ("SECRET", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:pay", False),
        ("PARTITION_KEY", "id", False),
        ("SORT_KEY", "started_at_of_the_donation", False),
        ("KEY", "donations/2026", False),
        ("ACCESS_TOKEN_URL", "https://id.example/token", False),
        ("RETURN_URL", "https://donate.example/a1b2c3d4e5f6a7b8", False),
    ],
)
def test_a_secret_in_plain_text_is_a_warning(shop: Path, variable: str, value: str, is_secret: bool) -> None:
    environment = f'[tool.flowdsl.environments.bad.functions.pay.environment]\n{variable} = "{value}"'
    output = shop_with(shop, environment, FLOW.replace("checks=[check]", ""))
    line = (PROJECT + BAD).count("\n") + 2
    warning = (
        f"pyproject.toml:{line}:1: warning FD714 environment bad: pay: {variable} looks like a secret in plain text"
    )
    assert (warning in output) is is_secret
    assert ("FD714" in output) is is_secret
