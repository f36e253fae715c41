"""Stripe's webhook: only what Stripe signed counts, and even that is only a reason to ask Stripe."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from handlers import psp_webhook, redirects
from handlers.reconcile import sweep
from handlers.transactions.record import intent
from handlers.transactions.store import store
from tests.handlers.conftest import Call, document

SECRET = "whsec_test"


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", SECRET)


def signed_event(kind: str, item: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A request as Stripe signs it (https://docs.stripe.com/webhooks#verify-manually)."""
    body = json.dumps({"id": "evt_1", "object": "event", "type": kind, "data": {"object": item}})
    at = int(changes.get("at", time.time()))
    signed = hmac.new(changes.get("secret", SECRET).encode(), f"{at}.{body}".encode(), hashlib.sha256).hexdigest()
    return {"body": changes.get("body", body), "headers": {"Stripe-Signature": f"t={at},v1={signed}"}}


def request(donation: str | None, kind: str = "payment_intent.succeeded", **changes: Any) -> dict[str, Any]:
    metadata = {} if donation is None else {"donation": donation, "attempt": f"{donation}-1"}
    return signed_event(kind, {"id": "pi_1", "object": "payment_intent", "metadata": metadata}, **changes)


def result(answer: dict[str, Any]) -> tuple[int, str]:
    return answer["statusCode"], json.loads(answer["body"])["result"]


def an_open_payment(call: Call, token: str = "tok_paid") -> str:
    """A donation whose execution ended after the charge, before it stored anything."""
    event = document(token)
    event["psp"]["name"] = "psp_sandbox"
    store().put(intent(event))
    call("psp_sandbox", event)
    identity: str = event["donation"]["id"]
    return identity


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psp_webhook, "execution_has_ended", lambda execution: True)


@pytest.mark.parametrize(
    "event",
    [
        request("don-1", secret="whsec_other"),
        request("don-1", at=time.time() - 301),
        request("don-1", body='{"type": "payment_intent.succeeded", "data": {"object": {}}}'),
        {**request("don-1"), "headers": {}},
        {"body": "{}", "headers": {"stripe-signature": "t=1,v1="}},
        {"body": None},
        {},
        {"body": "%%%", "isBase64Encoded": True, "headers": {"stripe-signature": "t=1,v1=1"}},
    ],
    ids=["other secret", "replayed later", "other body", "no signature", "empty", "no body", "nothing", "not base64"],
)
def test_a_request_that_stripe_did_not_sign_changes_nothing(call: Call, ended: None, event: dict[str, Any]) -> None:
    identity = an_open_payment(call)

    assert result(call("stripe_webhook", event)) == (400, "refused")
    assert store().get(identity).status == "open"  # type: ignore[union-attr]


@pytest.mark.parametrize("encoded", [False, True])
def test_a_payment_that_no_execution_stored_is_settled(call: Call, ended: None, encoded: bool) -> None:
    identity = an_open_payment(call)
    event = request(identity)
    if encoded:
        event |= {"body": base64.b64encode(event["body"].encode()).decode(), "isBase64Encoded": True}

    assert result(call("stripe_webhook", event)) == (200, "paid")
    assert store().get(identity).status == "paid"  # type: ignore[union-attr]
    assert result(call("stripe_webhook", request(identity))) == (200, "nothing to do"), "events come more than once"


def test_what_the_event_claims_is_not_believed(call: Call, ended: None) -> None:
    """The signature is Stripe's, but the event may be old: the PSP itself says what the payment is now."""
    identity = an_open_payment(call, "tok_3ds_abandoned")

    assert result(call("stripe_webhook", request(identity))) == (200, "left open")
    assert store().get(identity).status == "open"  # type: ignore[union-attr]


def test_a_running_execution_settles_its_payment_itself(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psp_webhook, "execution_has_ended", lambda execution: False)
    identity = an_open_payment(call)

    assert result(call("stripe_webhook", request(identity))) == (200, "nothing to do")
    assert store().get(identity).status == "open"  # type: ignore[union-attr]


@pytest.mark.parametrize("donation", ["don-unknown", None])
def test_payments_of_others_are_ignored(call: Call, donation: str | None) -> None:
    assert result(call("stripe_webhook", request(donation)))[0] == 200


@pytest.mark.parametrize(
    ("kind", "resumed"),
    [("payment_intent.succeeded", True), ("payment_intent.canceled", True), ("payment_intent.payment_failed", False)],
)
def test_an_execution_that_waits_for_the_donor_goes_on(
    call: Call, aws: str, monkeypatch: pytest.MonkeyPatch, kind: str, resumed: bool
) -> None:
    """After a refused card the donor may try another one on Stripe's page."""
    client = boto3.client("stepfunctions")
    monkeypatch.setattr(boto3, "client", {"stepfunctions": client}.__getitem__)
    redirects.keep("don-1", "t")
    with Stubber(client) as stubber:
        output = '{"status": "reported by the PSP"}'
        if resumed:
            stubber.add_response("send_task_success", {}, {"taskToken": "t", "output": output})

        assert result(call("stripe_webhook", request("don-1", kind))) == (
            200,
            "resumed" if resumed else "nothing to do",
        )
        stubber.assert_no_pending_responses()


def test_a_psp_that_cannot_be_asked_leaves_the_payment_open(
    call: Call, ended: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = an_open_payment(call)
    monkeypatch.setattr(psp_webhook, "ask_psp", lambda transaction, event: 1 / 0)

    assert result(call("stripe_webhook", request(identity))) == (200, "left open")
    assert [finding.id for finding in sweep.sweep(store(), sweep.ask_psp, lambda _: True)] == [identity] * 2


def test_an_event_of_a_charge_is_about_its_payment(call: Call, ended: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A charge has the metadata of its PaymentIntent, whose id is the payment's."""
    settled = []
    monkeypatch.setattr("handlers.stripe_webhook.handler.settle", lambda *_, payment, **__: settled.append(payment))
    metadata = {"donation": "don-1"}
    call(
        "stripe_webhook",
        signed_event(
            "charge.succeeded", {"id": "ch_1", "object": "charge", "metadata": metadata, "payment_intent": "pi_1"}
        ),
    )
    call("stripe_webhook", request("don-1"))

    assert settled == ["pi_1", "pi_1"]
