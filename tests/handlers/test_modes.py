"""Live and test: where money is taken no test is one, and where none is taken no real payment is lost."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from benchmarks.campaign.adyen_books import ACCOUNT, HMAC_KEY, AdyenBooks
from benchmarks.campaign.gocardless_books import SECRET, GoCardlessBooks
from handlers import clock, psp_webhook
from handlers.document import Misconfigured
from handlers.gocardless_webhook import handler as gocardless_webhook
from handlers.modes import WrongMode, is_live, mistakes
from handlers.psp_adyen.client import open_adyen
from handlers.psp_adyen.facts import SENT, Fact, facts_of, keep
from handlers.psp_gocardless.client import open_services
from handlers.psp_stripe.client import open_client
from handlers.reconcile.sweep import ask_psp
from handlers.transactions.record import intent
from handlers.transactions.store import store
from payment_flow import machine
from tests.handlers.conftest import Call, document

LIVE = {
    "STRIPE_API_KEY": "rk_live_1",
    "ADYEN_ENVIRONMENT": "live",
    "GOCARDLESS_ENVIRONMENT": "live",
    "GOCARDLESS_ACCESS_TOKEN": "live_1",
}
TEST = {
    "STRIPE_API_KEY": "sk_test_1",
    "ADYEN_ENVIRONMENT": "test",
    "GOCARDLESS_ENVIRONMENT": "sandbox",
    "GOCARDLESS_ACCESS_TOKEN": "sandbox_1",
}
OTHERS = {
    "ADYEN_API_KEY": "key",
    "ADYEN_LIVE_PREFIX": "1797a841fbb37ca7-Charity",
    "ADYEN_MERCHANT_ACCOUNT": ACCOUNT,
    "ADYEN_HMAC_KEY": HMAC_KEY,
    "ADYEN_RETURN_URL": "https://donate.example/returned",
    "GOCARDLESS_WEBHOOK_SECRET": SECRET,
    "STRIPE_WEBHOOK_SECRET": "whsec_test",
}
CLIENTS = {"stripe": open_client, "adyen": open_adyen, "gocardless": open_services}


def set_up(monkeypatch: pytest.MonkeyPatch, mode: dict[str, str], *, trial: bool = False) -> None:
    for name, value in {**mode, **OTHERS}.items():
        monkeypatch.setenv(name, value)
    if trial:
        monkeypatch.setenv("PAYMENTS_SANDBOX", "allowed")


@pytest.mark.parametrize("psp", CLIENTS)
@pytest.mark.parametrize("trial", [False, True])
def test_a_key_of_the_wrong_mode_is_refused_before_the_psp_is_asked(
    monkeypatch: pytest.MonkeyPatch, psp: str, trial: bool
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "payment-psp")
    set_up(monkeypatch, TEST if trial else LIVE, trial=trial)
    assert CLIENTS[psp]()

    set_up(monkeypatch, LIVE if trial else TEST)
    mistake = "is of the live mode, and PAYMENTS_SANDBOX is allowed" if trial else "is of a test mode, which takes no"
    with pytest.raises(Misconfigured, match=mistake):
        CLIENTS[psp]()
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_NAME")
    assert CLIENTS[psp](), "local runs are up to whoever runs them"


def test_the_token_of_gocardless_counts_as_well_as_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "payment-psp")
    set_up(monkeypatch, {**LIVE, "GOCARDLESS_ACCESS_TOKEN": "sandbox_1"})
    with pytest.raises(Misconfigured, match="GOCARDLESS_ACCESS_TOKEN is of a test mode"):
        open_services()


@pytest.mark.parametrize(
    ("key", "live"),
    [
        ("sk_live_1", True),
        ("rk_live_1", True),
        ("sk_org_live_1", True),
        ("sk_test_1", False),
        ("rk_test_live_1", False),
        ("secretsmanager:payments/sk_test_1", None),
        (" sk_test_1", False),
        ("SK_LIVE_1", True),
        ("whatever comes next", None),
    ],
)
def test_the_mode_of_stripes_keys(key: str, live: bool | None) -> None:
    assert is_live("STRIPE_API_KEY", key) is live


@pytest.mark.parametrize(
    ("select", "psp", "expected"),
    [
        ({}, {"STRIPE_API_KEY": "sk_live_1"}, []),
        ({}, {"STRIPE_API_KEY": "secretsmanager:stripe/key"}, []),
        ({}, {"STRIPE_API_KEY": "sk_test_1"}, ["STRIPE_API_KEY is of a test mode, which takes no money"]),
        (
            {},
            {"STRIPE_API_KEY": "sk_test_1", "PAYMENTS_SANDBOX": "allowed"},
            ["PAYMENTS_SANDBOX is not as payment-select-psp has it"],
        ),
        ({"PAYMENTS_SANDBOX": "allowed"}, {"STRIPE_API_KEY": "sk_test_1", "PAYMENTS_SANDBOX": "allowed"}, []),
        (
            {"PAYMENTS_SANDBOX": "allowed"},
            {"STRIPE_API_KEY": "sk_live_1", "PAYMENTS_SANDBOX": "allowed"},
            ["STRIPE_API_KEY is of the live mode, and PAYMENTS_SANDBOX is allowed"],
        ),
    ],
)
def test_check_and_plan_find_keys_of_the_wrong_mode(
    select: dict[str, str], psp: dict[str, str], expected: list[str]
) -> None:
    keys = {**psp, "STRIPE_RETURN_URL": "https://donate.example", "STRIPE_WEBHOOK_SECRET": "secretsmanager:stripe/hook"}
    variables = {
        "payment-select-psp": {"PSPS": "handlers/select_psp/stripe.toml", **select},
        "payment-psp-stripe": keys,
        "payment-stripe-webhook": keys,
        "payment-reconcile": {"PAYMENTS_RETENTION_DAYS": "never"},
    }
    found = list(machine.checks[0]("production", variables))
    functions = ("payment-psp-stripe", "payment-stripe-webhook")
    wanted = [f"{function}: {each}" for function in functions for each in expected]
    assert [each.startswith(start) for each, start in zip(found, wanted, strict=True)] == [True] * len(wanted)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("ADYEN_ENVIRONMENT", "prod", "live or test"),
        ("ADYEN_ENVIRONMENT", "Live", "live or test"),
        ("ADYEN_ENVIRONMENT", "live\n", "live or test"),
        ("GOCARDLESS_ENVIRONMENT", "production", "live or sandbox"),
    ],
)
@pytest.mark.parametrize("environ", [{}, {"PAYMENTS_SANDBOX": "allowed"}], ids=["live", "trial"])
def test_check_and_plan_find_a_mode_that_the_psp_has_not(
    name: str, value: str, expected: str, environ: dict[str, str]
) -> None:
    assert list(mistakes({name: value}, environ)) == [f"{name} is {value!r}: expected {expected}"]
    assert list(mistakes({name: "secretsmanager:payments/mode"}, environ)) == []


@pytest.mark.parametrize("psp", CLIENTS)
@pytest.mark.parametrize("base", ["http://localhost:12111", "https://mock.example", " https://mock.example\n"])
def test_no_server_for_tests_takes_the_psps_place_where_money_is_taken(
    monkeypatch: pytest.MonkeyPatch, psp: str, base: str
) -> None:
    """Donations would be stored as paid that nobody has charged, and the live key would go to the server."""
    name = f"{psp.upper()}_API_BASE"
    monkeypatch.setenv(name, base)
    set_up(monkeypatch, LIVE)
    assert CLIENTS[psp](), "local runs are up to whoever runs them"
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "payment-psp")
    with pytest.raises(Misconfigured, match=f"{name} sends payments to a server for tests"):
        CLIENTS[psp]()

    set_up(monkeypatch, TEST, trial=True)
    assert CLIENTS[psp]()
    assert [*mistakes({name: base}, {"PAYMENTS_SANDBOX": "allowed"})] == []
    assert [*mistakes({name: ""}, {})] == []


def test_clients_ask_for_another_server_in_one_way() -> None:
    """The one that refuses it where money is taken."""
    files = [*(Path(__file__).parents[2] / "handlers").glob("psp_*/client.py")]
    assert len(files) == len(CLIENTS)
    for file in files:
        name = f"{file.parent.name.removeprefix('psp_').upper()}_API_BASE"
        assert re.findall(r"(\w+)\(\s*.\w+_API_BASE", file.read_text()) == ["other_server"], name


@pytest.mark.parametrize("psp", CLIENTS)
@pytest.mark.parametrize("url", ["http://donate.example/returned", "donate.example/returned", "https://", "https:///x"])
def test_donors_return_by_https_where_money_is_taken(
    call: Call, monkeypatch: pytest.MonkeyPatch, psp: str, url: str
) -> None:
    name = f"{psp.upper()}_RETURN_URL"
    set_up(monkeypatch, LIVE)
    monkeypatch.setenv(name, url)
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "payment-psp")
    with pytest.raises(Misconfigured, match=f"{name} is .*: expected an address that begins with https://"):
        call(f"psp_{psp}", document())
    assert [*mistakes({name: url}, {"PAYMENTS_SANDBOX": "allowed"})] == []
    for right in ("HTTPS://donate.example", " https://donate.example/x", "ssm:/payments/return"):
        assert [*mistakes({name: right}, {})] == []


@pytest.mark.parametrize("enabled", [True, False])
def test_check_and_plan_find_a_server_for_tests(tmp_path: Path, enabled: bool) -> None:
    """Also of a PSP that is disabled: the sweep asks it for the donations that it has."""
    routing = (Path(__file__).parents[2] / "handlers/select_psp/stripe.toml").read_text()
    (tmp_path / "psps.toml").write_text(routing.replace("enabled = true", f"enabled = {str(enabled).lower()}"))
    keys = {"STRIPE_API_KEY": "ssm:/key", "STRIPE_RETURN_URL": "https://a.example", "STRIPE_WEBHOOK_SECRET": "ssm:/s"}
    variables = {
        "payment-select-psp": {"PSPS": str(tmp_path / "psps.toml")},
        "payment-psp-stripe": {**keys, "STRIPE_API_BASE": "http://localhost:12111", "STRIPE_RETURN_URL": "http://a"},
        "payment-stripe-webhook": keys,
        "payment-reconcile": {"PAYMENTS_RETENTION_DAYS": "never"},
    }
    second, first = machine.checks[0]("production", variables)
    assert first.startswith("payment-psp-stripe: STRIPE_API_BASE sends payments to a server for tests")
    assert second.startswith("payment-psp-stripe: STRIPE_RETURN_URL is 'http://a'")


def stripe_event(live: bool | None) -> dict[str, Any]:
    item = {"id": "pi_1", "object": "payment_intent", "metadata": {"donation": "don-1", "attempt": "don-1-1"}}
    event = {"id": "evt_1", "type": "payment_intent.succeeded", "data": {"object": item}}
    body, moment = json.dumps(event if live is None else {**event, "livemode": live}), int(time.time())
    digest = hmac.new(b"whsec_test", f"{moment}.{body}".encode(), hashlib.sha256).hexdigest()
    return {"body": body, "headers": {"Stripe-Signature": f"t={moment},v1={digest}"}}


def adyen_event(live: bool | None) -> dict[str, Any]:
    item = {"eventCode": "AUTHORISATION", "success": "true", "pspReference": "P1", "merchantReference": "don-1-1"}
    amount = {"value": 2500, "currency": "GBP"}
    request = AdyenBooks(validates=False).webhook({**item, "merchantAccountCode": ACCOUNT, "amount": amount})
    content = json.loads(request["body"])
    del content["live"]
    return {**request, "body": json.dumps(content if live is None else {**content, "live": str(live).lower()})}


def gocardless_event(live: bool | None) -> dict[str, Any]:
    event = {"id": "EV1", "resource_type": "payments", "action": "confirmed", "links": {"payment": "PM1"}}
    request = GoCardlessBooks(validates=False).webhook([event])
    origin = {None: {}, True: {"Origin": "https://api.gocardless.com"}}
    headers = origin.get(live, {"Origin": "https://api-sandbox.gocardless.com"})
    return {**request, "headers": {**request["headers"], **headers}}


EVENTS = {"stripe": stripe_event, "adyen": adyen_event, "gocardless": gocardless_event}


@pytest.fixture
def settled(call: Call, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the webhooks settle."""
    calls: list[str] = []
    for place in ("stripe_webhook.handler.settle", "adyen_webhook.handler._settle_event"):
        monkeypatch.setattr(f"handlers.{place}", lambda *_, **__: calls.append("settled") or "settled")
    monkeypatch.setattr("handlers.adyen_webhook.handler.was_asked_for", lambda _: True)
    settling = ("payment", lambda *_: calls.append("settled") or "settled")
    monkeypatch.setitem(gocardless_webhook._SETTLED_BY, "payments", settling)
    return calls


@pytest.mark.parametrize("psp", EVENTS)
@pytest.mark.parametrize(("live", "answer"), [(True, 1), (None, 1), (False, 0)])
def test_a_test_event_is_accepted_and_changes_nothing_where_money_is_taken(
    call: Call,
    settled: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    psp: str,
    live: bool | None,
    answer: int,
) -> None:
    set_up(monkeypatch, LIVE)
    assert call(f"{psp}_webhook", EVENTS[psp](live))["statusCode"] == 200
    assert len(settled) == answer
    assert ('"WARNING"' in capsys.readouterr().err) is (live is False), "people can see that it came"


@pytest.mark.parametrize("psp", EVENTS)
def test_real_money_that_is_reported_to_a_trial_is_reported_again(
    call: Call, settled: list[str], monkeypatch: pytest.MonkeyPatch, psp: str
) -> None:
    set_up(monkeypatch, TEST)
    with pytest.raises(WrongMode, match="reports real money to an environment for trials"):
        call(f"{psp}_webhook", EVENTS[psp](live=True))
    assert settled == []
    assert call(f"{psp}_webhook", EVENTS[psp](live=False))["statusCode"] == 200
    assert settled == ["settled"]


def test_a_test_event_of_adyen_pays_no_donation(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """Adyen's events are believed: this one has the account, the reference and the amount of a real donation."""
    set_up(monkeypatch, LIVE)
    monkeypatch.setattr(psp_webhook, "execution_has_ended", lambda execution: True)
    event = document(id="don-1")
    event["psp"] |= {"name": "psp_adyen"}
    store().put(intent(event))
    keep(Fact("don-1-1", SENT, clock.now(), amount=2500, currency="GBP"))

    call("adyen_webhook", adyen_event(live=False))
    assert [fact.kind for fact in facts_of("don-1")] == [SENT]
    record = store().get("don-1")
    assert record is not None
    assert record.status == "open"
    assert ask_psp(record, {**event, "operation": "look_up"})["payments"][0]["status"] == "pending"
