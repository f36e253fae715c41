"""TakePayment at Stripe as Stripe's documentation describes it: retries, forgotten keys, search, refunds.

benchmarks.campaign.stripe_books has the rules, each with its source.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import stripe
from attrs import evolve

from benchmarks.campaign.stripe_books import StripeBooks, in_minor_units
from handlers.money import MINOR_DIGITS, NotPayable
from handlers.psp import KeyRejected, PspRefused, PspUnavailable
from handlers.psp_sandbox.testcards import BY_TOKEN
from handlers.psp_stripe.amounts import to_stripe
from tests.handlers.conftest import Call, document

At = Callable[[str], None]


@pytest.fixture
def books(data: Path, monkeypatch: pytest.MonkeyPatch) -> StripeBooks:
    data.mkdir(parents=True, exist_ok=True)
    result = StripeBooks(data / "stripe.sqlite")
    monkeypatch.setattr(stripe, "RequestsClient", lambda **_: result)
    monkeypatch.setenv("STRIPE_API_KEY", "sk_test_12345")
    monkeypatch.setenv("STRIPE_RETURN_URL", "https://donate.example/returned")
    return result


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> At:
    """Set the time: a day of January 2025, and the time of that day."""

    def move(text: str) -> None:
        day, time = text.split()
        monkeypatch.setenv("FLOWDSL_NOW", f"2025-01-{day}T{time}:00.000Z")

    move("01 00:00")
    return move


def intents(books: StripeBooks) -> list[dict[str, Any]]:
    return books.objects("payment_intent")


def test_the_next_attempt_confirms_the_same_payment(call: Call, books: StripeBooks, at: At) -> None:
    event = document("tok_later_twice")
    for _ in range(3):
        event["payment"] = call("psp_stripe", event)

    assert [attempt["status"] for attempt in event["payment"]["attempts"]] == ["retry", "retry", "paid"]
    assert len({attempt["reference"] for attempt in event["payment"]["attempts"]}) == 1
    assert [intent["status"] for intent in intents(books)] == ["succeeded"]


def test_a_payment_method_that_is_used_up_is_declined(call: Call, books: StripeBooks, at: At) -> None:
    """A second PaymentIntent with it is refused without a code: trying again would not help."""
    first = document("tok_paid")
    call("psp_stripe", first)
    second = {**first, "payment": {**first["payment"], "attempts": [{"number": 1}]}}

    answer = call("psp_stripe", second)

    assert (answer["status"], answer["code"]) == ("declined", "payment_method_used_up")
    assert len(intents(books)) == 1


@pytest.mark.parametrize("fault", ["answer lost", "failed", "garbled"])
def test_the_outcome_of_a_repeated_attempt_that_was_lost(call: Call, books: StripeBooks, at: At, fault: str) -> None:
    event = document("tok_later_once")
    event["payment"] = call("psp_stripe", event)
    faults = [fault]
    books.disturb = lambda _: faults.pop() if faults else None
    with pytest.raises(PspUnavailable):
        call("psp_stripe", event)

    if fault == "failed":
        with pytest.raises(PspUnavailable):  # Stripe gives its first answer again, for a day
            call("psp_stripe", event)
        at("02 12:00")
    answer = call("psp_stripe", event)

    assert answer["status"] == "paid"
    assert [(each["status"], each["amount_received"]) for each in intents(books)] == [("succeeded", 2500)]


def test_a_forgotten_key_finds_the_donations_payment(call: Call, books: StripeBooks, at: At) -> None:
    event = document("tok_paid")
    faults = ["answer lost"]
    books.disturb = lambda _: faults.pop() if faults else None
    with pytest.raises(PspUnavailable):
        call("psp_stripe", event)
    at("03 00:00")

    answer = call("psp_stripe", event)

    assert (answer["status"], answer["reference"]) == ("paid", intents(books)[0]["id"])
    assert len(intents(books)) == 1
    assert "GET /v1/payment_intents/search" in books.requests


def test_a_forgotten_key_of_a_later_attempt_does_not_charge_again(call: Call, books: StripeBooks, at: At) -> None:
    event = document("tok_later_once")
    event["payment"] = call("psp_stripe", event)
    at("02 12:00")
    first = call("psp_stripe", event)
    at("09 00:00")

    again = call("psp_stripe", event)

    assert first["status"] == again["status"] == "paid"
    assert first["reference"] == again["reference"]
    assert [(each["status"], each["amount_received"]) for each in intents(books)] == [("succeeded", 2500)]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"amount": 9900}, "another amount"),
        ({"currency": "EUR"}, "another amount"),
        ({"payment_method": {"type": "card", "token": "tok_expired_card"}}, "another payment method"),
    ],
)
def test_a_duplicate_after_a_day_is_compared(
    call: Call, books: StripeBooks, at: At, change: dict[str, Any], what: str
) -> None:
    event = document("tok_paid")
    call("psp_stripe", event)
    at("03 00:00")

    with pytest.raises(PspRefused, match=what):
        call("psp_stripe", {**event, "donation": {**event["donation"], **change}})

    assert len(intents(books)) == 1


def test_a_key_in_its_last_hour_is_not_used_for_another_request(call: Call, books: StripeBooks, at: At) -> None:
    """Stripe may know it still: it would refuse to confirm under the key of the creation."""
    event = document("tok_later_once")
    faults = ["answer lost"]
    books.disturb = lambda _: faults.pop() if faults else None
    with pytest.raises(PspUnavailable):
        call("psp_stripe", event)
    at("01 23:30")

    assert call("psp_stripe", event)["status"] == "paid"
    assert len(intents(books)) == 1


@pytest.mark.parametrize("statuses", [("canceled", "succeeded"), ("succeeded", "canceled")])
def test_of_several_payments_the_one_that_was_taken_is_the_donations(
    call: Call, books: StripeBooks, at: At, statuses: tuple[str, str]
) -> None:
    event = document("tok_paid")
    call("psp_stripe", event)
    books.by_hand("another", event["donation"]["id"], 2500)
    own = intents(books)[0]["metadata"]
    for intent, status in zip(intents(books), statuses, strict=True):
        books.change(intent["id"], status=status, metadata=own)
    at("03 00:00")

    answer = call("psp_stripe", event)

    taken = next(each["id"] for each in intents(books) if each["status"] == "succeeded")
    assert (answer["status"], answer["reference"]) == ("paid", taken)


def test_search_and_refunds_are_read_to_the_last_page(call: Call, books: StripeBooks, at: At) -> None:
    event = document("tok_paid")
    event["payment"] = call("psp_stripe", event)
    for _ in range(3):
        books.by_hand("another", event["donation"]["id"], 2500)
    call("psp_stripe", {**event, "operation": "refund", "amount": 10})
    for _ in range(3):
        books.refund_in_dashboard(event["payment"]["reference"], 10)
    at("03 00:00")

    assert len(call("psp_stripe", {**event, "operation": "look_up"})["payments"]) == 4
    call("psp_stripe", {**event, "operation": "refund", "amount": 10})
    assert len(books.objects("refund")) == 4, "the first one was found"


def test_a_reported_payment_that_stripe_does_not_know_is_not_called_missing(
    call: Call, books: StripeBooks, at: At
) -> None:
    """Another account's key by now, say: without a payment the donation would be called declined."""
    with pytest.raises(PspRefused, match="resource_missing"):
        call("psp_stripe", {**document("tok_paid"), "operation": "look_up", "reported": "pi_elsewhere"})


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("requires_payment_method", "redirect"),
        ("requires_confirmation", "redirect"),
        ("requires_action", "redirect"),
        ("processing", "pending"),
        ("requires_capture", "authorised"),
        ("canceled", "cancelled"),
        ("succeeded", "paid"),
        ("unheard_of", "pending"),
    ],
)
def test_what_a_status_means_to_the_sweep(call: Call, books: StripeBooks, at: At, status: str, expected: str) -> None:
    """https://docs.stripe.com/payments/paymentintents/lifecycle; what is open can still be paid by the donor."""
    event = document("tok_paid")
    reference = call("psp_stripe", event)["reference"]
    books.change(reference, status=status)

    [state] = call("psp_stripe", {**event, "operation": "look_up", "reported": reference})["payments"]

    assert state["status"] == expected


def test_search_is_compared_with_the_exact_id(call: Call, books: StripeBooks, at: At) -> None:
    for identity in ("don-a", "DON-A"):
        event = document("tok_paid", id=identity)
        call("psp_stripe", event)
    first = {**document("tok_paid", id="don-a"), "psp": {"chosen_at": "2025-01-01T00:00:00.000Z"}}
    at("03 00:00")

    answer = call("psp_stripe", first)

    assert answer["reference"] == intents(books)[0]["id"]
    assert len(call("psp_stripe", {**event, "operation": "look_up"})["payments"]) == 1


def test_a_reported_payment_is_looked_up_without_the_search(call: Call, books: StripeBooks, at: At) -> None:
    """Which knows it only a minute later, and does not exist in India; and only if it is the donation's."""
    event, other = document("tok_paid"), document("tok_paid", id="don-other")
    mine, theirs = (call("psp_stripe", each)["reference"] for each in (event, other))
    books.disturb = lambda request: "refused" if "search" in request else None

    def references(reference: str) -> list[str]:
        answer = call("psp_stripe", {**event, "operation": "look_up", "reported": reference})
        return [each["reference"] for each in answer["payments"]]

    assert (references(mine), references(theirs)) == ([mine], [])


def test_a_retry_after_the_redirect_goes_on_with_the_same_payment(call: Call, books: StripeBooks, at: At) -> None:
    event = {**document("tok_3ds_later"), "redirect": {"status": "returned"}}
    statuses = []
    for _ in range(4):
        event["payment"] = call("psp_stripe", event)
        statuses.append(event["payment"]["status"])

    assert statuses == ["redirect", "retry", "redirect", "paid"]
    assert [each["status"] for each in intents(books)] == ["succeeded"]


def test_the_last_retry_after_a_redirect_closes_the_payment(
    call: Call, books: StripeBooks, at: At, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is stored as declined, so nobody may complete it on the page any more."""
    monkeypatch.setitem(BY_TOKEN, "tok_3ds_later", evolve(BY_TOKEN["tok_3ds_later"], later=9))
    event = {**document("tok_3ds_later"), "redirect": {"status": "returned"}}
    for _ in range(4):
        event["payment"] = call("psp_stripe", event)
        assert event["payment"]["status"] == "redirect"
        event["payment"] = call("psp_stripe", event)

    assert event["payment"]["status"] == "declined"
    assert [each["status"] for each in intents(books)] == ["canceled"]


def test_a_refund_is_pending_until_stripe_says_more(call: Call, books: StripeBooks, at: At) -> None:
    event = document("tok_paid", id="don-pending")
    event["payment"] = call("psp_stripe", event)
    ask = {**event, "operation": "refund", "amount": 500}

    first = call("psp_stripe", ask)
    at("09 00:00")
    second = call("psp_stripe", ask)
    books.settle_refund(books.objects("refund")[0]["id"], "succeeded")
    third = call("psp_stripe", ask)

    assert [each["status"] for each in (first, second, third)] == ["pending", "pending", "refunded"]
    assert len(books.objects("refund")) == 1


def test_a_refund_that_fails_later_is_declined(call: Call, books: StripeBooks, at: At) -> None:
    event = document("tok_paid", id="don-pending")
    event["payment"] = call("psp_stripe", event)
    ask = {**event, "operation": "refund"}
    call("psp_stripe", ask)
    books.settle_refund(books.objects("refund")[0]["id"], "failed")

    assert call("psp_stripe", ask)["status"] == "declined"
    assert len(books.objects("refund")) == 1


def test_a_capture_that_stripe_has_forgotten_is_not_declined(call: Call, books: StripeBooks, at: At) -> None:
    event = document("tok_paid")
    event["payment"] = call("psp_stripe", {**event, "operation": "authorise"})
    call("psp_stripe", {**event, "operation": "capture", "amount": 2000})
    at("09 00:00")

    again = call("psp_stripe", {**event, "operation": "capture", "amount": 2000})

    assert (again["status"], intents(books)[0]["amount_received"]) == ("paid", 2000)
    with pytest.raises(PspRefused, match="captured with another amount"):
        call("psp_stripe", {**event, "operation": "capture", "amount": 2500, "number": 2})


def test_a_part_that_somebody_captured_in_the_dashboard_is_called_a_part(
    call: Call, books: StripeBooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.campaign.stripe_books.SEARCH_LAG", 0)
    event = {**document("tok_paid"), "operation": "authorise"}
    reference = call("psp_stripe", event)["reference"]
    books.request("POST", f"/v1/payment_intents/{reference}/capture", {}, "amount_to_capture=1500")

    (payment,) = call("psp_stripe", {**event, "operation": "look_up"})["payments"]
    assert (payment["status"], payment["amount"], payment["captured"]) == ("paid", 2500, 1500)


def test_a_rejected_key_changes_nothing(call: Call, books: StripeBooks, at: At) -> None:
    books.disturb = lambda _: "unauthorized"
    with pytest.raises(KeyRejected):
        call("psp_stripe", document("tok_paid"))
    assert intents(books) == []


@pytest.mark.parametrize("currency", sorted(MINOR_DIGITS))
def test_amounts_survive_the_way_to_stripe_and_back_or_are_refused(currency: str) -> None:
    for amount in (1, 7, 10, 99, 100, 105, 1230, 99_999_990, 99_999_999):
        try:
            converted = to_stripe(amount, currency)
        except NotPayable:
            assert currency in ("MGA", "BHD", "JOD", "KWD", "OMR", "TND")
            continue
        assert in_minor_units(converted, currency) == amount


def test_a_refund_of_more_than_is_left_is_declined_although_stripe_names_no_code(
    call: Call, books: StripeBooks, at: At
) -> None:
    """Stripe's message alone says it: https://github.com/reactioncommerce/reaction/issues/3704."""
    event = document("tok_paid")
    event["payment"] = call("psp_stripe", event)
    problem = {"type": "invalid_request_error", "param": "amount"}
    problem["message"] = "Refund amount (\u00a325.00) is greater than unrefunded amount on charge (\u00a321.45)"
    real = books.request

    def request(method: str, url: str, *rest: Any, **more: Any) -> Any:
        if method == "post" and url.endswith("/refunds"):
            return json.dumps({"error": problem}), 400, {}
        return real(method, url, *rest, **more)

    books.request = request  # type: ignore[method-assign]
    refund = {**event, "operation": "refund", "number": 1, "amount": 2500}

    assert call("psp_stripe", refund)["status"] == "declined"
