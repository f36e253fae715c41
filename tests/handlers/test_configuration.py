"""On Lambda nothing falls back to the sandbox or to files that are lost, and no donation gets as far as a charge."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest

from handlers import sqlite
from handlers.document import Misconfigured
from handlers.outbox import Message, send
from handlers.reconcile.sweep import Finding
from handlers.select_psp.selection import settings
from handlers.transactions.store import store
from payment_flow import PSPS, machine
from tests.handlers.conftest import Call, document

STORES = ("CHOICES_TABLE", "TRANSACTIONS_TABLE", "TOTALS_TABLE", "SANDBOX_TABLE", "PAYMENTS_EVENT_BUS")
ROOT = Path(__file__).parents[2]
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
    with pytest.raises(Misconfigured, match=r"psps\.toml: psp_sandbox\.enabled: the sandbox takes no money"):
        call("select_psp", document())


def test_an_environment_may_allow_the_sandbox(on_lambda: pytest.MonkeyPatch) -> None:
    on_lambda.setenv("PAYMENTS_SANDBOX", "allowed")
    assert [each.name for each in settings() if each.enabled] == ["psp_sandbox"]


@pytest.mark.parametrize("file", ["psps.toml", "stripe.toml"])
def test_the_flow_may_call_every_function_of_the_routing(file: str) -> None:
    tables = tomllib.loads((ROOT / "handlers/select_psp" / file).read_text())
    assert {table["function"] for table in tables.values()} <= {function.name for function in PSPS}


def test_the_routing_for_stripe_is_accepted_on_lambda(on_lambda: pytest.MonkeyPatch) -> None:
    """PSPS is relative to the zip's root, which is the project's."""
    on_lambda.setenv("PSPS", "handlers/select_psp/stripe.toml")
    assert [each.name for each in settings() if each.enabled] == ["psp_stripe"]


def test_the_sweep_writes_the_metric_that_the_alarm_watches(
    call: Call, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In CloudWatch's embedded metric format, on Lambda only."""
    from flowdsl import Metric
    from handlers.reconcile import handler as reconcile

    findings = [Finding("don-1", "broken", "a reason"), Finding("don-2", "open", "a reason", repaired="paid")]
    monkeypatch.setattr(reconcile, "sweep", lambda *_: iter(findings))
    context = SimpleNamespace(aws_request_id="1", function_name="payment-reconcile-pr-7")
    assert reconcile.handler({}, context)["open"] == 1
    assert capsys.readouterr().out == ""

    monkeypatch.setattr(reconcile, "is_on_lambda", lambda: True)
    reconcile.handler({}, context)

    line = json.loads(capsys.readouterr().out)
    (definition,) = line["_aws"]["CloudWatchMetrics"]
    (metric,) = [each.of for each in machine.alarms if isinstance(each.of, Metric)]
    assert (definition["Namespace"], definition["Dimensions"]) == (metric.namespace, [["function_name"]])
    assert line[metric.name] == [1.0]
    assert line["function_name"] == "payment-reconcile-pr-7"
    assert metric.function.name == "payment-reconcile"


STRIPE_KEYS = {"STRIPE_API_KEY": "secretsmanager:stripe/key", "STRIPE_RETURN_URL": "https://donate.example"}
WEBHOOK_KEYS = {"STRIPE_API_KEY": "secretsmanager:stripe/key", "STRIPE_WEBHOOK_SECRET": "secretsmanager:stripe/hook"}
ROUTED = {"PSPS": "handlers/select_psp/stripe.toml"}


@pytest.mark.parametrize(
    ("select", "stripe", "webhook", "mistakes"),
    [
        (ROUTED, STRIPE_KEYS, WEBHOOK_KEYS, []),
        ({"PAYMENTS_SANDBOX": "allowed"}, {}, {}, []),
        (
            {},
            STRIPE_KEYS,
            WEBHOOK_KEYS,
            ["payment-select-psp: psps.toml: psp_sandbox.enabled: the sandbox"],
        ),
        (ROUTED, {}, WEBHOOK_KEYS, ["payment-psp-stripe: STRIPE_API_KEY", "payment-psp-stripe: STRIPE_RETURN_URL"]),
        (ROUTED, STRIPE_KEYS, {}, ["payment-stripe-webhook: STRIPE_API_KEY", "payment-stripe-webhook: STRIPE_WEBHOOK"]),
        ({"PSPS": "missing.toml"}, {}, {}, ["payment-select-psp: missing.toml: "]),
    ],
    ids=["stripe", "trial", "sandbox", "no keys", "no webhook", "no routing"],
)
def test_check_and_plan_find_what_would_lose_money(
    select: dict[str, str], stripe: dict[str, str], webhook: dict[str, str], mistakes: list[str]
) -> None:
    variables = {"payment-select-psp": select, "payment-psp-stripe": stripe, "payment-stripe-webhook": webhook}
    found = [mistake for check in machine.checks for mistake in check("production", variables)]
    assert [any(each.startswith(start) for each in found) for start in mistakes] == [True] * len(mistakes)
    assert bool(found) == bool(mistakes)


def test_a_function_that_the_flow_lacks_is_found(tmp_path: Path) -> None:
    (tmp_path / "psps.toml").write_text(STRIPE.replace("payment-psp-stripe", "payment-psp-striped"))
    variables = {"payment-select-psp": {"PSPS": str(tmp_path / "psps.toml")}}
    (mistake,) = [each for check in machine.checks for each in check("production", variables)]
    assert "psp_stripe.function: payment-psp-striped: not in PSPS of the flow" in mistake
