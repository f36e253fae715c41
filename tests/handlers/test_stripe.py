"""TakePayment at Stripe, over HTTP against a Stripe server that somebody else wrote."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest

import payment_flow
from handlers import secrets
from handlers.document import Misconfigured
from handlers.money import NotPayable
from handlers.psp import Answer, KeyRejected, Outcome, PspRefused, PspUnavailable
from handlers.psp_stripe import codes
from handlers.psp_stripe.amounts import to_stripe
from handlers.psp_stripe.provider import TIMEOUT as REQUEST
from handlers.psp_stripe.provider import StripePsp
from tests.handlers.conftest import Call, a_day_later, document
from tests.handlers.stripe_proxy import StripeProxy

pytestmark = pytest.mark.slow

TIMEOUT = {"Error": "States.Timeout", "Cause": ""}


def test_paid(call: Call, stripe_server: StripeProxy) -> None:
    event = document(stripe_server.method("4242424242424242"))
    answer = call("psp_stripe", event)
    (intent,) = stripe_server.payment_intents(event["donation"]["id"])
    assert (answer["status"], answer["code"], answer["psp"]) == ("paid", "succeeded", "psp_stripe")
    assert answer["reference"] == intent["id"]
    assert (intent["amount"], intent["currency"], intent["status"]) == (2500, "gbp", "succeeded")
    assert intent["metadata"].pop("method") != event["donation"]["payment_method"]["token"]
    assert intent["metadata"] == {"donation": event["donation"]["id"], "attempt": f"{event['donation']['id']}-1"}
    assert ("POST /v1/payment_intents", f"{event['donation']['id']}-1") in stripe_server.requests


def test_declined(call: Call, stripe_server: StripeProxy) -> None:
    answer = call("psp_stripe", document(stripe_server.method("4000000000000341")))
    assert (answer["status"], answer["code"], answer["message"]) == (
        "declined",
        "card_declined",
        "Your card was declined.",
    )
    assert answer["reference"]
    assert [attempt["status"] for attempt in answer["attempts"]] == ["declined"]


@pytest.mark.parametrize("code", sorted(codes.NEVER_AGAIN))
@pytest.mark.parametrize("advice", [None, "try_again_later"])
def test_a_hard_decline_is_never_tried_again(code: str, advice: str | None) -> None:
    assert codes.declined(code, advice) is Outcome.DECLINED


def test_what_may_pass_is_tried_again_unless_the_bank_says_no() -> None:
    # "Attempt the payment again" in https://docs.stripe.com/declines/codes.
    again = {"approve_with_id", "issuer_not_available", "processing_error", "reenter_transaction", "try_again_later"}
    assert again == codes.RETRY_CODES
    assert codes.declined("issuer_not_available", None) is Outcome.RETRY
    assert codes.declined("issuer_not_available", "do_not_try_again") is Outcome.DECLINED
    assert codes.declined("insufficient_funds", None) is Outcome.DECLINED
    assert codes.declined("insufficient_funds", "try_again_later") is Outcome.RETRY
    assert codes.declined("a_new_code", None) is Outcome.DECLINED
    assert {"lost_card", "stolen_card", "pickup_card", "revocation_of_authorization"} <= codes.NEVER_AGAIN
    assert not codes.RETRY_CODES & codes.NEVER_AGAIN


def reserved(call: Call, server: StripeProxy) -> dict[str, Any]:
    event = {**document(server.method("4242424242424242")), "operation": "authorise"}
    event["payment"] = call("psp_stripe", event)
    assert event["payment"]["status"] == "authorised"
    (intent,) = server.payment_intents(event["donation"]["id"])
    assert (intent["status"], intent["capture_method"]) == ("requires_capture", "manual")
    return event


@pytest.mark.parametrize(("amount", "taken"), [(None, 2500), (1500, 1500)])
def test_a_reservation_is_captured_once(call: Call, stripe_server: StripeProxy, amount: int | None, taken: int) -> None:
    """By a Stripe server of somebody else's: the rest of the reservation is released; a lost answer is repeated."""
    event = {**reserved(call, stripe_server), "operation": "capture"}
    event |= {} if amount is None else {"amount": amount}
    stripe_server.lose_answers = 1
    with pytest.raises(PspUnavailable):
        call("psp_stripe", event)

    answers = [call("psp_stripe", event) for _ in range(2)]

    assert [(each["status"], each["code"]) for each in answers] == [("paid", "succeeded")] * 2
    (intent,) = stripe_server.payment_intents(event["donation"]["id"])
    charge = intent["latest_charge"]
    assert (charge["captured"], charge["amount"] - charge["amount_refunded"]) == (True, taken)


def test_a_reservation_is_released(call: Call, stripe_server: StripeProxy) -> None:
    event = reserved(call, stripe_server)
    cancel = {**event, "operation": "cancel", "references": [event["payment"]["reference"]]}

    assert [each["status"] for each in call("psp_stripe", cancel)["payments"]] == ["cancelled"]
    (intent,) = stripe_server.payment_intents(event["donation"]["id"])
    assert intent["status"] == "canceled"
    assert call("psp_stripe", {**event, "operation": "capture"})["status"] == "cancelled"


def test_redirected_and_returned(call: Call, stripe_server: StripeProxy) -> None:
    event = document(stripe_server.method("4000000000003220"))
    event["payment"] = call("psp_stripe", event)
    (intent,) = stripe_server.payment_intents(event["donation"]["id"])
    assert event["payment"]["status"] == "redirect"
    assert event["payment"]["redirect_url"] == f"https://hooks.stripe.example/{intent['id']}"
    stripe_server.authenticate(intent, success=True)
    event["payment"] = call("psp_stripe", {**event, "redirect": {"status": "returned"}})
    assert (event["payment"]["status"], event["payment"]["reference"]) == ("paid", intent["id"])
    assert len(event["payment"]["attempts"]) == 1


def test_redirected_and_failed(call: Call, stripe_server: StripeProxy) -> None:
    event = document(stripe_server.method("4000000000003220"))
    event["payment"] = call("psp_stripe", event)
    stripe_server.authenticate(stripe_server.payment_intents(event["donation"]["id"])[0], success=False)
    answer = call("psp_stripe", {**event, "redirect": {"status": "returned"}})
    assert (answer["status"], answer["code"]) == ("declined", "payment_intent_authentication_failure")


@pytest.mark.parametrize("redirect", [{"status": "returned"}, TIMEOUT])
def test_redirected_and_abandoned(call: Call, stripe_server: StripeProxy, redirect: dict[str, str]) -> None:
    event = document(stripe_server.method("4000000000003220"))
    event["payment"] = call("psp_stripe", event)
    event = a_day_later(event)
    answer = call("psp_stripe", {**event, "redirect": redirect})
    assert (answer["status"], answer["code"]) == ("abandoned", "canceled")
    (intent,) = stripe_server.payment_intents(event["donation"]["id"])
    stripe_server.authenticate(intent, success=True)  # too late
    assert stripe_server.payment_intents(event["donation"]["id"])[0]["status"] == "canceled"
    assert call("psp_stripe", {**event, "redirect": redirect})["status"] == "abandoned"


def test_a_donor_who_is_faster_than_the_cancellation_has_paid(
    call: Call, stripe_server: StripeProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = document(stripe_server.method("4000000000003220"))
    event["payment"] = call("psp_stripe", event)
    (intent,) = stripe_server.payment_intents(event["donation"]["id"])
    cancel = StripePsp.cancel

    def late(self: StripePsp, reference: str) -> Answer:
        stripe_server.authenticate(intent, success=True)
        return cancel(self, reference)

    monkeypatch.setattr(StripePsp, "cancel", late)
    # A cancellation that comes too late is refused with this code.
    ask = stripe_server.ask

    def refuse(method: str, path: str, body: bytes) -> tuple[int, bytes]:
        status, content = ask(method, path, body)
        if path.endswith("/cancel") and status == 400:
            error = {"type": "invalid_request_error", "code": "payment_intent_unexpected_state", "message": "late"}
            content = json.dumps({"error": error}).encode()
        return status, content

    monkeypatch.setattr(stripe_server, "ask", refuse)
    answer = call("psp_stripe", {**a_day_later(event), "redirect": TIMEOUT})
    assert (answer["status"], answer["reference"]) == ("paid", intent["id"])


def test_authorise_capture_and_refund(call: Call, stripe_server: StripeProxy) -> None:
    event = document("pm_card_visa")
    event["payment"] = call("psp_stripe", {**event, "operation": "authorise"})
    assert event["payment"]["status"] == "authorised"
    captured = call("psp_stripe", {**event, "operation": "capture"})
    assert (captured["status"], captured["reference"]) == ("paid", event["payment"]["reference"])
    for _ in range(2):
        refunded = call("psp_stripe", {**event, "operation": "refund", "amount": 500})
        assert (refunded["status"], refunded["code"]) == ("refunded", "succeeded")
    keys = [key for what, key in stripe_server.requests if what == "POST /v1/refunds"]
    assert keys == [f"{event['donation']['id']}:refund:1"], "the second request sees the first one's refund"


CARD_ERROR = {"type": "card_error", "code": "card_declined", "message": "Your card was declined."}


@pytest.mark.parametrize(
    ("decline_code", "advice", "status"),
    [
        *((code, None, "retry") for code in sorted(codes.RETRY_CODES)),
        *((code, None, "declined") for code in ("do_not_honor", "generic_decline", *sorted(codes.NEVER_AGAIN))),
        ("a_code_of_tomorrow", None, "declined"),
        ("generic_decline", "try_again_later", "retry"),
        ("try_again_later", "do_not_try_again", "declined"),
        ("insufficient_funds", "advice_of_tomorrow", "declined"),
    ],
)
def test_decline_codes(
    call: Call, stripe_server: StripeProxy, decline_code: str, advice: str | None, status: str
) -> None:
    error = {**CARD_ERROR, "decline_code": decline_code, "payment_intent": {"id": "pi_1"}}
    stripe_server.refuse = [(402, {**error, "advice_code": advice} if advice else error)]
    answer = call("psp_stripe", document("pm_card_visa"))
    assert (answer["status"], answer["code"], answer["reference"]) == (status, decline_code, "pi_1")
    assert answer["delay_seconds"] == (codes.RETRY_SCHEDULE[0] if status == "retry" else 0)


def test_the_retry_schedule(call: Call, stripe_server: StripeProxy) -> None:
    event = document("pm_card_visa")
    stripe_server.refuse = [(402, {**CARD_ERROR, "decline_code": "try_again_later"})] * 4
    answers = []
    for _ in range(4):
        event["payment"] = call("psp_stripe", event)
        answers.append((event["payment"]["status"], event["payment"]["delay_seconds"]))
    assert answers == [*(("retry", delay) for delay in codes.RETRY_SCHEDULE), ("declined", 0)]
    assert "retry schedule exhausted after 4 attempts" in event["payment"]["message"]
    assert len({key for _, key in stripe_server.requests}) == 4


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (429, {"type": "invalid_request_error", "code": "rate_limit", "message": "slow down"}),
        (400, {"type": "invalid_request_error", "code": "rate_limit", "message": "slow down"}),
        (429, {"type": "invalid_request_error", "code": "lock_timeout", "message": "locked"}),
        (409, {"type": "invalid_request_error", "code": "idempotency_key_in_use", "message": "in use"}),
        (500, {"type": "api_error", "message": "down"}),
        (503, {"type": "api_error", "message": "down"}),
    ],
)
def test_an_unavailable_stripe_counts_no_attempt(
    call: Call, stripe_server: StripeProxy, status: int, error: dict[str, Any]
) -> None:
    event = document("pm_card_visa")
    stripe_server.refuse = [(status, error)]
    with pytest.raises(PspUnavailable):
        call("psp_stripe", event)
    assert [attempt["number"] for attempt in call("psp_stripe", event)["attempts"]] == [1]


def test_nobody_there_is_unavailable(call: Call, stripe_server: StripeProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIPE_API_BASE", "http://127.0.0.1:1")
    with pytest.raises(PspUnavailable, match="APIConnectionError"):
        call("psp_stripe", document("pm_card_visa"))


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, {"type": "idempotency_error", "message": "other parameters"}),
        (400, {"type": "invalid_request_error", "code": "parameter_unknown", "param": "x", "message": "unknown"}),
    ],
)
def test_a_request_that_stripe_does_not_take_is_for_people(
    call: Call, stripe_server: StripeProxy, status: int, error: dict[str, Any]
) -> None:
    stripe_server.refuse = [(status, error)]
    with pytest.raises(PspRefused):
        call("psp_stripe", document("pm_card_visa"))


@pytest.mark.parametrize("status", [401, 403])
def test_a_rejected_key_is_an_error_of_its_own_and_read_anew(
    call: Call, stripe_server: StripeProxy, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    """While keys are rotated, the same attempt waits: no attempt is counted, and nothing is declared broken."""
    reads: list[str] = []
    monkeypatch.setattr(secrets, "_read", cache(lambda *reference: reads.append(reference[2]) or "sk_test_12345"))
    monkeypatch.setenv("STRIPE_API_KEY", "ssm:/pay/key")
    event = document("pm_card_visa")
    stripe_server.refuse = [(status, {"type": "invalid_request_error", "message": "Invalid API Key provided"})]
    with pytest.raises(KeyRejected, match="Stripe rejects STRIPE_API_KEY"):
        call("psp_stripe", event)
    for _ in range(2):
        assert [attempt["number"] for attempt in call("psp_stripe", event)["attempts"]] == [1]
    assert reads == ["/pay/key"] * 2, "once before the key was rejected, once after"


@pytest.mark.parametrize("code", sorted(codes.REQUEST_CODES))
def test_a_donation_that_stripe_does_not_take_is_declined(call: Call, stripe_server: StripeProxy, code: str) -> None:
    stripe_server.refuse = [(400, {"type": "invalid_request_error", "code": code, "message": "no"})]
    answer = call("psp_stripe", document("pm_card_visa"))
    assert (answer["status"], answer["code"], answer["message"]) == ("declined", code, "no")


def test_an_unknown_payment_method_is_declined(call: Call, stripe_server: StripeProxy) -> None:
    answer = call("psp_stripe", document("pm_nobody"))
    assert (answer["status"], answer["code"]) == ("declined", "resource_missing")


@pytest.mark.parametrize("name", ["STRIPE_API_KEY", "STRIPE_RETURN_URL"])
def test_a_missing_setting_is_named(
    call: Call, stripe_server: StripeProxy, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.delenv(name)
    with pytest.raises(Misconfigured, match=f"{name}: not set"):
        call("psp_stripe", document("pm_card_visa"))


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [
        (2500, "GBP", 2500),
        (2500, "JPY", 2500),
        (2500, "ISK", 250000),
        (2500, "UGX", 250000),
        (2500, "MGA", 25),
        (2500, "KWD", 2500),
        (2550, "MGA", None),
        (2501, "KWD", None),
    ],
)
def test_amounts_in_stripes_units(amount: int, currency: str, expected: int | None) -> None:
    if expected is None:
        with pytest.raises(NotPayable):
            to_stripe(amount, currency)
    else:
        assert to_stripe(amount, currency) == expected


def test_an_amount_that_stripe_would_round_is_declined(call: Call, stripe_server: StripeProxy) -> None:
    answer = call("psp_stripe", document("pm_card_visa", amount=2501, currency="KWD"))
    assert (answer["status"], answer["code"]) == ("declined", "invalid_amount")
    payment = {"status": "paid", "psp": "psp_stripe", "reference": "pi_1", "attempts": []}
    event = {**document(currency="KWD"), "payment": payment, "amount": 1}
    for operation in ("capture", "refund"):
        answer = call("psp_stripe", {**event, "operation": operation})
        assert (answer["status"], answer["code"]) == ("declined", "invalid_amount")
    assert stripe_server.requests == []


def test_the_function_outlasts_its_requests_and_the_step_the_function() -> None:
    assert 3 * REQUEST < payment_flow.PSP_FUNCTION < payment_flow.PSP_STEP
