"""TakePayment at the sandbox: every card, the retry schedule, the donor's way back, related operations."""

from __future__ import annotations

import re
import threading
import uuid
from typing import Any

import boto3
import pytest

from handlers import redirects
from handlers.cards import is_card_number
from handlers.document import MalformedEvent
from handlers.outbox.sending import sent
from handlers.psp import PspRefused, PspUnavailable
from handlers.psp_sandbox.codes import CODES, RETRY_SCHEDULE
from handlers.psp_sandbox.ledger import Ledger, Payment, UnknownCard
from handlers.psp_sandbox.table import open_ledger
from handlers.psp_sandbox.testcards import CARDS
from tests.handlers.conftest import Call, a_day_later, document, paid


@pytest.fixture(autouse=True, params=["file", "table"])
def where(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything holds for a ledger in a SQLite file and for one in a table, which a deployed sandbox has."""
    if request.param == "table":
        request.getfixturevalue("aws")
        name = f"sandbox-{uuid.uuid4().hex[:12]}"
        key = [{"AttributeName": "id", "KeyType": "HASH"}]
        types = [{"AttributeName": "id", "AttributeType": "S"}]
        boto3.client("dynamodb").create_table(
            TableName=name, KeySchema=key, AttributeDefinitions=types, BillingMode="PAY_PER_REQUEST"
        )
        monkeypatch.setenv("SANDBOX_TABLE", name)


def ledger() -> Ledger:
    return open_ledger()


def taken(event: dict[str, Any]) -> list[Payment]:
    return [payment for payment in ledger().payments(event["donation"]["id"]) if payment.status == "captured"]


def journey(call: Call, event: dict[str, Any], steps: int = 12) -> list[str]:
    """What the flow does: call again after a delay, a redirect or an outage; each answer, `status code`."""
    answers = []
    for _ in range(steps):
        try:
            event["payment"] = call("psp_sandbox", event)
        except PspUnavailable:
            answers.append("unavailable")
            continue
        answers.append(f"{event['payment']['status']} {event['payment']['code']}")
        if event["payment"]["status"] == "redirect":
            event["redirect"] = {"status": "returned"}
        elif event["payment"]["status"] not in ("retry", "pending"):
            break
    return answers


JOURNEYS = {
    "tok_paid": ["paid 00"],
    "tok_declined": ["declined 05"],
    "tok_insufficient_funds": ["declined 51"],
    "tok_expired_card": ["declined 54"],
    "tok_lost_card": ["declined 41"],
    "tok_stolen_card": ["declined 43"],
    "tok_fraud": ["declined 59"],
    "tok_incorrect_cvc": ["declined N7"],
    "tok_later_once": ["retry 91", "paid 00"],
    "tok_later_twice": ["retry 91", "retry 91", "paid 00"],
    "tok_later_declined": ["retry 91", "declined 05"],
    "tok_later_always": ["retry 91", "retry 91", "retry 91", "declined 91"],
    "tok_3ds": ["redirect 1A", "paid 00"],
    "tok_3ds_declined": ["redirect 1A", "declined 05"],
    "tok_3ds_failed": ["redirect 1A", "declined 3D"],
    "tok_3ds_abandoned": ["redirect 1A"] * 12,
    "tok_3ds_later": ["redirect 1A", "retry 91", "redirect 1A", "paid 00"],
    "tok_debit": ["pending 09", "paid 00"],
    "tok_debit_returned": ["pending 09", "declined 51"],
    "tok_debit_waits": ["pending 09"] * 12,
    "tok_down_once": ["unavailable", "paid 00"],
    "tok_down_twice": ["unavailable", "unavailable", "paid 00"],
    "tok_down_always": ["unavailable"] * 12,
    "tok_answer_lost": ["unavailable", "paid 00"],
    "tok_answers_lost": ["unavailable"] * 12,
}


def test_every_card_has_a_journey() -> None:
    assert {card.token for card in CARDS} == JOURNEYS.keys()


@pytest.mark.parametrize("token", JOURNEYS)
def test_a_card_leads_to_its_outcome(call: Call, token: str) -> None:
    event = document(token)
    assert journey(call, event) == JOURNEYS[token]
    payments = taken(event)
    is_taken = JOURNEYS[token][-1] == "paid 00" or token == "tok_answers_lost"
    assert [payment.amount for payment in payments] == ([2500] if is_taken else [])


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.token)
def test_a_number_is_exchanged_for_a_token_with_the_same_outcome(call: Call, card: Any) -> None:
    assert is_card_number(card.number)
    token = ledger().tokenise(f"{card.number[:4]} {card.number[4:]}")
    assert card.number not in token
    assert journey(call, document(token)) == JOURNEYS[card.token]


@pytest.mark.parametrize(
    ("number", "expected"),
    [("5555555555554444", "is not one of the sandbox's cards"), ("4242424242424243", "is not a card number")],
)
def test_other_numbers_get_no_token(number: str, expected: str) -> None:
    with pytest.raises(UnknownCard, match=expected) as refusal:
        ledger().tokenise(number)
    assert number not in str(refusal.value)


def test_a_token_that_nobody_issued_is_declined(call: Call) -> None:
    assert journey(call, document("tok_nobody")) == ["declined 14"]


def test_the_whole_story_stays_in_the_document(call: Call) -> None:
    event = document("tok_later_twice")
    journey(call, event)
    payment, identity = event["payment"], event["donation"]["id"]
    assert [attempt["number"] for attempt in payment["attempts"]] == [1, 2, 3]
    assert [attempt["idempotency_key"] for attempt in payment["attempts"]] == [f"{identity}-{n}" for n in (1, 2, 3)]
    assert [attempt["delay_seconds"] for attempt in payment["attempts"]] == [*RETRY_SCHEDULE[:2], 0]
    assert [attempt["status"] for attempt in payment["attempts"]] == ["retry", "retry", "paid"]
    for attempt in payment["attempts"]:
        assert attempt["psp"] == "psp_sandbox"
        assert attempt["message"] == CODES[attempt["code"]][1]
        assert attempt["reference"].startswith("sbx_")
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", attempt["at"])
    last = payment["attempts"][-1]
    assert {name: payment[name] for name in ("status", "code", "message", "reference", "psp", "delay_seconds")} == {
        name: last[name] for name in ("status", "code", "message", "reference", "psp", "delay_seconds")
    }
    assert payment["redirect_url"] is None


def test_an_exhausted_schedule_is_a_decline(call: Call) -> None:
    event = document("tok_later_always")
    delays = []
    while True:
        event["payment"] = call("psp_sandbox", event)
        if event["payment"]["status"] != "retry":
            break
        delays.append(event["payment"]["delay_seconds"])
    assert tuple(delays) == RETRY_SCHEDULE
    assert event["payment"]["status"] == "declined"
    assert event["payment"]["message"].startswith("retry schedule exhausted after 4 attempts: ")
    assert event["payment"]["delay_seconds"] == 0


def test_a_redirect_says_where_to_and_stays_one_attempt(call: Call) -> None:
    event = document("tok_3ds")
    event["payment"] = call("psp_sandbox", event)
    assert event["payment"]["redirect_url"].startswith("https://")
    sent = event["payment"]["attempts"][0]["at"]
    event["payment"] = call("psp_sandbox", {**event, "redirect": {"status": "returned"}})
    assert event["payment"]["redirect_url"] is None
    (attempt,) = event["payment"]["attempts"]
    assert (attempt["status"], attempt["redirected_at"]) == ("paid", sent)
    assert attempt["at"] >= sent


TIMEOUT = {"Error": "States.Timeout", "Cause": ""}


def test_a_donor_who_paid_but_did_not_come_back_has_paid(call: Call) -> None:
    event = document("tok_3ds")
    event["payment"] = call("psp_sandbox", event)
    assert call("psp_sandbox", {**event, "redirect": TIMEOUT})["status"] == "paid"


def test_an_abandoned_payment_cannot_be_taken_later(call: Call) -> None:
    event = document("tok_3ds_abandoned")
    event["payment"] = call("psp_sandbox", event)
    reference = event["payment"]["reference"]
    event = a_day_later(event)
    after = call("psp_sandbox", {**event, "redirect": TIMEOUT})
    assert (after["status"], after["message"]) == ("abandoned", "the donor did not come back in time")
    assert ledger().authenticate(reference, passed=True).status == "cancelled"
    assert taken(event) == []
    again = call("psp_sandbox", {**event, "redirect": TIMEOUT})
    assert again["status"] == "abandoned"


@pytest.mark.parametrize(
    ("redirect", "expected"),
    [
        ({"status": "returned"}, "the donor came back without completing"),
        ({"Error": "NotDelivered", "Cause": ""}, "the donor was not sent to the PSP: NotDelivered"),
    ],
)
def test_why_a_payment_was_abandoned(call: Call, redirect: dict[str, str], expected: str) -> None:
    event = document("tok_3ds_abandoned")
    event["payment"] = call("psp_sandbox", event)
    after = call("psp_sandbox", {**a_day_later(event), "redirect": redirect})
    assert (after["status"], after["message"]) == ("abandoned", expected)


@pytest.mark.parametrize("redirect", [{"status": "returned"}, TIMEOUT])
def test_a_donor_who_is_still_at_the_psp_is_waited_for_again(call: Call, redirect: dict[str, str]) -> None:
    """A browser's prefetch or the back button calls the return page too."""
    event = document("tok_3ds_abandoned")
    event["payment"] = call("psp_sandbox", event)
    assert event["payment"]["redirect_seconds"] == 86_400
    seconds, url = [], event["payment"]["redirect_url"]
    for _ in range(3):
        event["payment"] = call("psp_sandbox", {**event, "redirect": redirect})
        assert (event["payment"]["status"], event["payment"]["redirect_url"]) == ("redirect", url)
        seconds.append(event["payment"]["redirect_seconds"])
    assert seconds == [600, 1200, 2400]
    assert event["payment"]["attempts"][0]["returns"] == 3
    ledger().authenticate(event["payment"]["reference"], passed=True)
    event["payment"] = call("psp_sandbox", {**event, "redirect": redirect})
    assert (event["payment"]["status"], event["payment"]["redirect_seconds"]) == ("paid", 0)
    assert len(event["payment"]["attempts"]) == 1


def test_a_return_page_that_is_called_for_ever_does_not_end_the_payment(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mail filter, or a browser that restores its tabs: from then on the PSP or the day ends the wait, no return."""
    monkeypatch.setenv("FLOWDSL_NOW", "2025-01-01T00:00:00.000Z")
    event = {**document("tok_3ds_abandoned"), "redirect": {"status": "returned"}}
    identity, tokens = event["donation"]["id"], []
    for number in range(23):
        event["payment"] = call("psp_sandbox", event)
        assert event["payment"]["status"] == "redirect"
        call("redirect_to_psp", {"token": f"token-{number}", "document": event})
        tokens.append(redirects.token_of(identity, redirects.DONOR))
    assert tokens == [*(f"token-{number}" for number in range(21)), None, None]
    assert redirects.token_of(identity, redirects.PSP) == "token-22"
    assert event["payment"]["redirect_seconds"] == 86_400
    assert len(sent("payment.redirect")) == 1
    ledger().authenticate(event["payment"]["reference"], passed=True)
    assert call("psp_sandbox", {**event, "redirect": TIMEOUT})["status"] == "paid"


def test_the_last_wait_ends_with_the_day(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWDSL_NOW", "2025-01-01T00:00:00.000Z")
    event = {**document("tok_3ds_abandoned"), "redirect": TIMEOUT}
    event["payment"] = call("psp_sandbox", event)
    monkeypatch.setenv("FLOWDSL_NOW", "2025-01-01T23:59:30.500Z")
    assert call("psp_sandbox", event)["redirect_seconds"] == 29
    monkeypatch.setenv("FLOWDSL_NOW", "2025-01-01T23:59:59.500Z")
    assert call("psp_sandbox", event)["status"] == "abandoned"


def test_a_donor_who_is_faster_than_the_cancellation_has_paid(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    event = document("tok_3ds_abandoned")
    event["payment"] = call("psp_sandbox", event)
    cancel = Ledger.cancel

    def late(self: Ledger, reference: str) -> Payment:
        self.authenticate(reference, passed=True)
        return cancel(self, reference)

    monkeypatch.setattr(Ledger, "cancel", late)
    assert call("psp_sandbox", {**a_day_later(event), "redirect": TIMEOUT})["status"] == "paid"


def test_a_redirect_that_nobody_answered_is_a_malformed_document(call: Call) -> None:
    event = document("tok_3ds")
    event["payment"] = call("psp_sandbox", event)
    with pytest.raises(MalformedEvent, match="redirect: missing; expected an object"):
        call("psp_sandbox", event)


@pytest.mark.parametrize("token", ["tok_paid", "tok_declined"])
def test_a_settled_payment_is_returned_as_it_is(call: Call, token: str) -> None:
    event = paid(token)
    assert call("psp_sandbox", event) == event["payment"]
    assert len(ledger().payments(event["donation"]["id"])) == 1


def test_authorise_then_capture_then_refund_in_parts(call: Call) -> None:
    event = document("tok_paid")
    event["payment"] = call("psp_sandbox", {**event, "operation": "authorise"})
    assert event["payment"]["status"] == "authorised"
    assert taken(event) == []
    for _ in range(2):
        captured = call("psp_sandbox", {**event, "operation": "capture", "amount": 2000})
        assert (captured["operation"], captured["status"], captured["amount"]) == ("capture", "paid", 2000)
    assert [payment.captured for payment in taken(event)] == [2000]
    refund = {**event, "operation": "refund"}
    for _ in range(2):
        assert call("psp_sandbox", {**refund, "amount": 500})["status"] == "refunded"
    assert taken(event)[0].refunded == 500
    assert call("psp_sandbox", {**refund, "amount": 1501, "number": 2})["status"] == "declined"
    assert call("psp_sandbox", {**refund, "number": 3})["status"] == "refunded"
    assert taken(event)[0].refunded == 2000
    assert call("psp_sandbox", {**refund, "number": 4})["code"] == "13"


def test_a_payment_is_captured_once(call: Call) -> None:
    event = paid()
    assert call("psp_sandbox", {**event, "operation": "capture"})["code"] == "12"
    assert [payment.captured for payment in taken(event)] == [2500]


def test_a_key_for_two_different_payments_is_refused(call: Call) -> None:
    event = paid()
    other = document(id=event["donation"]["id"], amount=9900)
    with pytest.raises(PspRefused, match="used with another request"):
        call("psp_sandbox", other)
    assert [payment.amount for payment in taken(event)] == [2500]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"donation": {}}, "donation.amount: missing; expected an integer|donation.id: missing"),
        ({"payment": {"status": "new"}}, "payment.attempts: missing; expected an array"),
        ({"payment": {"status": "lost", "attempts": []}}, "payment.status: expected one of new, retry, redirect"),
        ({"payment": None}, "payment.status: missing"),
        ({"operation": "steal"}, "operation: expected one of pay, authorise, capture, refund"),
        ({"operation": "refund", "amount": 0}, "amount: expected at least 1"),
        ({"operation": "refund", "amount": "1"}, "amount: is a string; expected an integer"),
        ({"operation": "refund"}, "payment.psp: missing; expected a string"),
        ({"operation": "refund", "payment": {"psp": "psp_sandbox"}}, "payment.reference: missing; expected a string"),
        ({"psp": {}}, "psp.chosen_at: missing; expected a string"),
    ],
)
def test_a_malformed_event_is_refused_by_the_field(call: Call, change: dict[str, Any], expected: str) -> None:
    with pytest.raises(MalformedEvent, match=expected):
        call("psp_sandbox", {**document(), **change})


def test_payments_of_all_orders_are_listed(call: Call) -> None:
    events = [document("tok_paid"), document("tok_declined")]
    for event in events:
        call("psp_sandbox", event)
    assert [each.order_id for each in ledger().payments()] == [each["donation"]["id"] for each in events]


def test_two_requests_with_one_key_at_the_same_time_take_one_payment(call: Call) -> None:
    event = document("tok_paid")
    answers: list[Any] = []
    threads = [threading.Thread(target=lambda: answers.append(call("psp_sandbox", event))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 4
    assert {answer["reference"] for answer in answers} == {each.reference for each in taken(event)}
