"""On Lambda nothing falls back to the sandbox or to files that are lost, and no donation gets as far as a charge."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import capture_flow
import refund_flow
from flowdsl import Executions, Function, Functions, Metric, StateMachine
from flowdsl.project.configuration import variables_in
from flowdsl.project.environments import Environment
from handlers import clock, modes, sqlite
from handlers.document import Misconfigured
from handlers.logs import logger
from handlers.outbox import Message, send
from handlers.psp import KeyRejected
from handlers.psp.handling import handle
from handlers.reconcile.sweep import Finding
from handlers.select_psp.deployment import stores_check
from handlers.select_psp.selection import settings
from handlers.transactions import retention
from handlers.transactions.store import store
from payment_flow import PSPS, machine
from tests.handlers.conftest import Call, document

STORES = ("CHOICES_TABLE", "TRANSACTIONS_TABLE", "TOTALS_TABLE", "SANDBOX_TABLE", "PAYMENTS_EVENT_BUS")
ROOT = Path(__file__).parents[2]
FOLDERS = {path.parent.name for path in ROOT.glob("handlers/*/handler.py")}
STRIPE = """
[psp_stripe]
function = "payment-psp-stripe"
enabled = true
percentage = 100
"""


@pytest.fixture
def on_lambda(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "payment-setup")
    for setting in STORES:
        monkeypatch.setenv(setting, "somewhere")
    return monkeypatch


@pytest.mark.parametrize("missing", ["CHOICES_TABLE", "TRANSACTIONS_TABLE"])
def test_no_donation_passes_select_psp_without_its_tables(
    call: Call, on_lambda: pytest.MonkeyPatch, tmp_path: Path, missing: str
) -> None:
    (tmp_path / "psps.toml").write_text(STRIPE)
    on_lambda.setenv("PSPS", str(tmp_path / "psps.toml"))
    on_lambda.delenv(missing)
    with pytest.raises(Misconfigured, match=f"{missing}: not set; add it to the function's environment"):
        call("select_psp", document())


def test_no_store_falls_back_to_a_file(call: Call, on_lambda: pytest.MonkeyPatch, data: Path) -> None:
    for setting in STORES:
        on_lambda.delenv(setting)
    with pytest.raises(Misconfigured, match="TRANSACTIONS_TABLE: not set; add it to the function's environment"):
        store()
    with pytest.raises(Misconfigured, match="PAYMENTS_EVENT_BUS"):
        send(Message("a", "b", {}))
    paid = {**document(), "payment": {"status": "paid"}}
    with pytest.raises(Misconfigured, match="TOTALS_TABLE"):
        call("fundraising_totals", paid)
    with pytest.raises(Misconfigured, match="SANDBOX_TABLE: not set"):
        call("psp_sandbox", document())
    with pytest.raises(Misconfigured):
        sqlite.database("anything")
    assert not data.exists()


def test_the_shipped_routing_is_refused(call: Call, on_lambda: pytest.MonkeyPatch) -> None:
    with pytest.raises(Misconfigured, match=r"psps\.toml:\d+: psp_sandbox\.enabled: the sandbox takes no money"):
        call("select_psp", document())


@pytest.mark.parametrize("name", ["psp_stripe", "my_own"])
def test_the_sandbox_is_refused_under_every_name(
    call: Call, on_lambda: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    """A table that was copied, and whose function was forgotten, would call donations paid that nobody took."""
    routing = STRIPE.replace("psp_stripe", name).replace("payment-psp-stripe", "payment-psp-sandbox")
    (tmp_path / "psps.toml").write_text(routing)
    on_lambda.setenv("PSPS", str(tmp_path / "psps.toml"))
    with pytest.raises(Misconfigured, match=rf"psps\.toml:4: {name}\.enabled: the sandbox takes no money"):
        call("select_psp", document())
    variables = {"payment-select-psp": {"PSPS": str(tmp_path / "psps.toml")}}
    (mistake,) = machine.checks[0]("production", {**variables, **KEPT})
    assert f"{name}.enabled: the sandbox takes no money" in mistake


def test_a_routing_of_other_shapes_is_one_error(on_lambda: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "psps.toml").write_text('psp_sandbox = 1\n[psp_stripe]\nfunction = ["a"]\nenabled = true\n')
    on_lambda.setenv("PSPS", str(tmp_path / "psps.toml"))
    with pytest.raises(
        Misconfigured,
        match=r"psps\.toml:1: psp_sandbox: expected a table; .*toml:3: psp_stripe\.function: exp",
    ):
        settings()


def test_a_virtual_time_makes_no_deployed_function_a_local_run(call: Call, on_lambda: pytest.MonkeyPatch) -> None:
    """Somebody who copies a variable into an environment must not open the way to the sandbox and to files."""
    on_lambda.setenv("FLOWDSL_NOW", "2020-01-01T00:00:00.000Z")
    assert (sqlite.database("anything").name, clock.now()[:4]) == ("anything.sqlite", "2020"), "a local run"
    on_lambda.setenv("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001")
    with pytest.raises(Misconfigured, match="the sandbox takes no money"):
        call("select_psp", document())
    with pytest.raises(Misconfigured):
        sqlite.database("anything")
    assert clock.now()[:4] > "2020"


def test_an_environment_may_allow_the_sandbox(on_lambda: pytest.MonkeyPatch) -> None:
    on_lambda.setenv("PAYMENTS_SANDBOX", "allowed")
    assert [each.name for each in settings() if each.enabled] == ["psp_sandbox"]


@pytest.mark.parametrize("file", ["psps.toml", "sandbox.toml", "stripe.toml"])
def test_the_flow_may_call_every_function_of_the_routing(file: str) -> None:
    tables = tomllib.loads((ROOT / "handlers/select_psp" / file).read_text())
    assert {table["function"] for table in tables.values()} <= {function.name for function in PSPS}


def test_the_routing_for_stripe_is_accepted_on_lambda(on_lambda: pytest.MonkeyPatch) -> None:
    """PSPS is relative to the zip's root, which is the project's."""
    on_lambda.setenv("PSPS", "handlers/select_psp/stripe.toml")
    assert [each.name for each in settings() if each.enabled] == ["psp_stripe"]


def test_what_fails_unseen_has_an_alarm() -> None:
    """Executions of all three flows, functions that others call, the sweep that finds the rest, and silence of it."""
    watched = [each.of for each in machine.alarms]
    executions = {each.machine for each in watched if isinstance(each, Executions)}
    functions = {name for each in watched if isinstance(each, Functions) for name in each.names}
    assert executions == {"payment", "payment-refund", "payment-capture"}
    assert functions >= {function.name for function in machine.related}
    assert [each.of for each in machine.alarms if each.silence] == [Functions(machine.schedules[0].function)]


def test_the_sweep_writes_the_metric_that_the_alarm_watches(
    call: Call, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In CloudWatch's embedded metric format, on Lambda only."""
    from handlers.reconcile import handler as reconcile

    findings = [Finding("don-1", "broken", "a reason"), Finding("don-2", "open", "a reason", repaired="paid")]
    monkeypatch.setattr(reconcile, "sweep", lambda *_: iter(findings))
    context = SimpleNamespace(aws_request_id="1")
    assert reconcile.handler({}, context)["open"] == 1
    assert capsys.readouterr().out == ""

    monkeypatch.setattr("handlers.metrics.is_on_lambda", lambda: True)
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "payment-reconcile-pr-7")
    monkeypatch.setenv("FLOWDSL_NOW", clock.now())  # its stores stay files
    reconcile.handler({}, context)

    line = json.loads(capsys.readouterr().out)
    (definition,) = line["_aws"]["CloudWatchMetrics"]
    (metric,) = [each.of for each in machine.alarms if isinstance(each.of, Metric) and each.name == "payment-open-work"]
    assert (definition["Namespace"], definition["Dimensions"]) == (metric.namespace, [["function_name"]])
    assert line[metric.name] == [1.0]
    assert line["function_name"] == "payment-reconcile-pr-7"
    assert metric.function.name == "payment-reconcile"


@pytest.mark.parametrize("psp", PSPS, ids=lambda psp: psp.name)
def test_a_rejected_key_is_an_alarm(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], psp: Function
) -> None:
    """Adyen is asked for nothing by the sweep, so that this is how people hear of it before donations are late."""

    def open_psp() -> Any:
        raise KeyRejected("the key was rotated")

    monkeypatch.setattr("handlers.metrics.is_on_lambda", lambda: True)
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", psp.name)
    with pytest.raises(KeyRejected):
        handle(logger("psp"), document(), SimpleNamespace(aws_request_id="1"), open_psp)

    line = json.loads(capsys.readouterr().out)
    [metric] = [each.of for each in machine.alarms if each.name == f"{psp.name}-key"]
    assert isinstance(metric, Metric)
    assert (line[metric.name], line["function_name"]) == ([1.0], metric.function.name)
    assert line["_aws"]["CloudWatchMetrics"][0]["Namespace"] == metric.namespace


STRIPE_KEYS = {"STRIPE_API_KEY": "secretsmanager:stripe/key", "STRIPE_RETURN_URL": "https://donate.example"}
WEBHOOK_KEYS = {"STRIPE_API_KEY": "secretsmanager:stripe/key", "STRIPE_WEBHOOK_SECRET": "secretsmanager:stripe/hook"}
KEPT = {"payment-reconcile": {"PAYMENTS_RETENTION_DAYS": "never"}}
ROUTED = {"PSPS": "handlers/select_psp/stripe.toml"}
TRIAL = {"PSPS": "handlers/select_psp/sandbox.toml", "PAYMENTS_SANDBOX": "allowed"}


@pytest.mark.parametrize(
    ("select", "stripe", "webhook", "mistakes"),
    [
        (ROUTED, STRIPE_KEYS, WEBHOOK_KEYS, []),
        (TRIAL, {}, {}, []),
        (
            {},
            STRIPE_KEYS,
            WEBHOOK_KEYS,
            ["handlers/select_psp/psps.toml:14: psp_sandbox.enabled: the sandbox"],
        ),
        (ROUTED, {}, WEBHOOK_KEYS, ["payment-psp-stripe: STRIPE_API_KEY", "payment-psp-stripe: STRIPE_RETURN_URL"]),
        (ROUTED, STRIPE_KEYS, {}, ["payment-stripe-webhook: STRIPE_API_KEY", "payment-stripe-webhook: STRIPE_WEBHOOK"]),
        ({"PSPS": "missing.toml"}, {}, {}, ["payment-select-psp: PSPS: missing.toml: No such file"]),
    ],
    ids=["stripe", "trial", "sandbox", "no keys", "no webhook", "no routing"],
)
def test_check_and_plan_find_what_would_lose_money(
    select: dict[str, str], stripe: dict[str, str], webhook: dict[str, str], mistakes: list[str]
) -> None:
    variables = {"payment-select-psp": select, "payment-psp-stripe": stripe, "payment-stripe-webhook": webhook}
    found = list(machine.checks[0]("production", {**variables, **KEPT}))
    assert [any(each.startswith(start) for each in found) for start in mistakes] == [True] * len(mistakes)
    assert bool(found) == bool(mistakes)


def test_a_mistake_in_the_routing_hides_no_other_one(tmp_path: Path) -> None:
    """Each at its line; a PSP whose table can be read is checked all the same."""
    broken = '\n[ "other" ]\nfunction = "payment-psp-adyen"\nenabled = "yes"\npercentage = 1\n'
    (tmp_path / "psps.toml").write_text(STRIPE + broken)
    variables = {"payment-select-psp": {"PSPS": str(tmp_path / "psps.toml")}, "payment-reconcile": {}}
    first, *others = machine.checks[0]("production", variables)
    assert first == f"{tmp_path}/psps.toml:9: other.enabled: expected a value of type bool"
    assert [each.partition(" is not set")[0] for each in others] == [
        "payment-psp-stripe: STRIPE_API_KEY",
        "payment-psp-stripe: STRIPE_RETURN_URL",
        "payment-reconcile: PAYMENTS_RETENTION_DAYS",
    ]


PROVIDERS = {name for name in FOLDERS if name.startswith("psp_")} - {"psp_sandbox"}


@pytest.mark.parametrize("psp", sorted(PROVIDERS))
@pytest.mark.parametrize("live", [False, True])
def test_check_and_plan_find_each_setting_that_a_psps_functions_read(tmp_path: Path, psp: str, live: bool) -> None:
    """Those of its webhook, too, and those that only the live mode needs: found by leaving all of them out."""
    function, folder = f"payment-{psp.replace('_', '-')}", ROOT / "handlers" / psp
    routing = f'[{psp}]\nfunction = "{function}"\nenabled = true\npercentage = 1\n'
    (tmp_path / "psps.toml").write_text(routing)
    webhooks = {f"payment-{name.replace('_', '-')}": ROOT / "handlers" / name for name in FOLDERS if "webhook" in name}
    modes = {} if not live else {"ADYEN_ENVIRONMENT": "live", "GOCARDLESS_ENVIRONMENT": "live"}
    variables = {function: modes, **dict.fromkeys(webhooks, modes)}

    found = [
        *machine.checks[0](
            "production", {"payment-select-psp": {"PSPS": str(tmp_path / "psps.toml")}, **variables, **KEPT}
        )
    ]

    names = {each.partition(": ")[2].partition(" ")[0] for each in found if each.startswith(f"{function}: ")}
    text = "".join(file.read_text() for file in folder.glob("*.py"))
    prefix = psp.removeprefix("psp_").upper()
    assert names == {
        name
        for name in re.findall(rf'"({prefix}_\w+)"', text)
        if not name.endswith(("_BASE", "_TABLE")) and name not in modes and (live or "LIVE" not in name)
    }
    [webhook] = {each.partition(": ")[0] for each in found} - {function}
    assert webhook == f"payment-{psp.removeprefix('psp_')}-webhook"


@pytest.mark.parametrize("psp", sorted(PROVIDERS))
def test_a_setting_of_each_psp_tells_its_mode(psp: str) -> None:
    """handlers.modes keeps live and test apart by it."""
    text = "".join(file.read_text() for file in (ROOT / "handlers" / psp).glob("*.py"))
    assert any(
        name.startswith(psp.removeprefix("psp_").upper()) and f'checked("{name}")' in text for name in modes._MODES
    )


def test_the_readme_names_all_functions_and_settings() -> None:
    text = (ROOT / "handlers" / "README.md").read_text()
    sources = "".join(file.read_text() for file in (ROOT / "handlers").rglob("*.py"))
    settings = re.findall(r'\b(?:setting|checked|setting_if_live|signing_secrets|store_name)\("(\w+)"', sources)
    assert [name for name in sorted({*FOLDERS, *settings}) if f"`{name}`" not in text] == []


def test_every_function_is_in_one_of_the_flows() -> None:
    """A webhook that is forgotten there would never be deployed."""
    deployed = {
        handler
        for flow in (machine, refund_flow.machine, capture_flow.machine)
        for handler in variables_in(flow, Environment("production", region="eu-west-1", account="123456789012"))
    }
    assert {name.removeprefix("payment-").replace("-", "_") for name in deployed} == FOLDERS


def test_a_function_that_the_flow_lacks_is_found(tmp_path: Path) -> None:
    (tmp_path / "psps.toml").write_text(STRIPE.replace("payment-psp-stripe", "payment-psp-striped"))
    variables = {"payment-select-psp": {"PSPS": str(tmp_path / "psps.toml")}}
    (mistake,) = machine.checks[0]("production", {**variables, **KEPT})
    assert "psp_stripe.function: payment-psp-striped: not in PSPS of the flow" in mistake


@pytest.mark.parametrize(
    ("days", "is_right"),
    [
        ("2555", True),
        ("never", True),
        ("", False),
        ("0", False),
        ("a year", False),
        ("9" * 9, False),
        ("9" * 5000, False),
    ],
)
def test_how_long_donors_data_is_kept_has_to_be_decided(
    on_lambda: pytest.MonkeyPatch, days: str, is_right: bool
) -> None:
    variables = {"payment-select-psp": TRIAL}
    kept = {"payment-reconcile": {"PAYMENTS_RETENTION_DAYS": days}}
    found = list(machine.checks[0]("production", {**variables, **kept}))
    assert [each.startswith("payment-reconcile: PAYMENTS_RETENTION_DAYS is ") for each in found] == [True] * (
        not is_right
    )
    on_lambda.setenv("PAYMENTS_RETENTION_DAYS", days)
    if not is_right:
        with pytest.raises(Misconfigured, match="PAYMENTS_RETENTION_DAYS: expected a number of days, or never"):
            retention.apply(store())


@pytest.mark.parametrize("flow", [machine, refund_flow.machine, capture_flow.machine], ids=lambda flow: flow.name)
def test_each_function_may_open_the_stores_that_its_code_opens(flow: StateMachine) -> None:
    variables = variables_in(flow, Environment("production", region="eu-west-1", account="123456789012"))
    assert list(stores_check("production", variables)) == []
    opened = 0
    for function, own in variables.items():
        for name in own:
            without = {**variables, function: {**own, name: ""}}
            expected = [f"{function}: {name} is not set, and its code uses it"]
            opened += list(stores_check("production", without)) == expected
    assert opened >= 5


def test_a_function_whose_code_is_elsewhere_is_not_silently_unchecked() -> None:
    [problem] = stores_check("production", {"payment-my-notifier": {}, "payment-setup": {}})
    assert problem == (
        "payment-my-notifier: my_notifier/handler.py is not in handlers, so its stores cannot be checked"
    )
