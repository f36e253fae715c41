"""Adyen's own rules: amounts, refusals, donors' redirects, what a signature covers, facts in any order."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path
from typing import Any

import boto3
import pytest
from attrs import evolve

from benchmarks.campaign.adyen_books import ACCOUNT, DOCUMENT
from benchmarks.campaign.published import PUBLISHED, WITHOUT
from handlers import clock, disputes, refunds
from handlers.fundraising_totals.totals import Contribution, add
from handlers.money import MINOR_DIGITS, NotPayable
from handlers.psp import Outcome, PspRefused, PspUnavailable
from handlers.psp_adyen import codes, facts, states
from handlers.psp_adyen.amounts import from_adyen, to_adyen
from handlers.psp_adyen.client import open_adyen
from handlers.psp_adyen.facts import ANSWERED, SENT, Fact
from handlers.psp_adyen.provider import AdyenPsp
from handlers.refund_setup.handler import NotRefundable
from handlers.transactions.record import from_document, intent
from handlers.transactions.store import store
from tests.handlers.conftest import Call, a_day_later, document
from tests.handlers.psp_server import AdyenServer
from tests.handlers.psp_worlds import AdyenWorld, world

pytestmark = pytest.mark.slow


@pytest.fixture
def adyen(data: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AdyenServer]:
    with world("psp_adyen", data, monkeypatch) as made:
        assert isinstance(made, AdyenWorld)
        yield made.adyen


def donation(token: str, identity: str = "don-1") -> dict[str, Any]:
    event = document(id=identity, payment_method={"type": "card", "token": token})
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:psp"
    event["psp"] |= {"name": "psp_adyen", "function_arn": arn}
    return event


def paid(call: Call) -> dict[str, Any]:
    """The document of a donation that is stored as paid."""
    event = donation("pm_paid")
    store().put(intent(event))
    event["payment"] = call("psp_adyen", event)
    store().put(from_document(event))
    return event


def test_requests_are_what_adyen_publishes(call: Call, adyen: AdyenServer) -> None:
    """The server validates; this shows that it would notice."""
    if not PUBLISHED.is_dir():
        pytest.skip(WITHOUT)
    adyen.answer("POST", "/payments", {}, {"x-api-key": "wrong"}, b"{}")
    assert adyen.mistakes == []
    operation = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/PaymentResponse"}}}}
    adyen._validate("answer", operation, {"resultCode": 7, "invented": True})
    assert len(adyen.mistakes) == 3  # the type, the enumeration, the unknown field
    adyen.mistakes.clear()


@pytest.mark.parametrize("currency", sorted(MINOR_DIGITS))
def test_amounts_survive_the_way_to_adyen_and_back_or_are_refused(currency: str) -> None:
    for amount in (1, 10, 99, 100, 12_300, 99_999_999):
        try:
            converted = to_adyen(amount, currency)
        except NotPayable:
            assert currency in ("CVE", "IDR")
            continue
        assert from_adyen(converted, currency) == amount
    assert (to_adyen(100, currency) != 100) == (currency in ("CLP", "CVE", "IDR", "ISK"))


def test_an_amount_that_adyen_cannot_take_is_declined(call: Call, adyen: AdyenServer) -> None:
    event = donation("pm_paid")
    event["donation"] |= {"amount": 2501, "currency": "IDR"}

    assert call("psp_adyen", event)["code"] == "invalid_amount"
    assert adyen.requests == []


@pytest.mark.parametrize(
    ("code", "expected"),
    [("4", Outcome.RETRY), ("9", Outcome.RETRY), ("12", Outcome.DECLINED), ("99", Outcome.DECLINED)],
)
@pytest.mark.parametrize("result", ["Refused", "Error"])
def test_refusals(result: str, code: str, expected: Outcome) -> None:
    known = [Fact("don-1-1", SENT, "", amount=1, currency="GBP"), Fact("don-1-1", ANSWERED, "", result, code)]

    state = states.payment(known, "don-1-1")

    assert state is not None
    assert (state.outcome, state.code) == (expected, code)


def test_a_received_payment_waits_for_the_webhook(call: Call, adyen: AdyenServer) -> None:
    event = donation("pm_pending")
    event["payment"] = call("psp_adyen", event)
    assert event["payment"]["status"] == "pending"
    adyen.pass_days()
    assert call("adyen_webhook", adyen.webhook(adyen.events[0]))["statusCode"] == 200

    assert call("psp_adyen", event)["status"] == "paid"
    assert adyen.requests == ["POST /payments"], "what the webhook told is not asked for"


def test_an_unknown_method_is_declined_and_stays_so(call: Call, adyen: AdyenServer) -> None:
    event = donation("pm_nobody_knows")
    answer = call("psp_adyen", event)

    assert (answer["status"], answer["code"]) == ("declined", "803")
    [state] = call("psp_adyen", {**event, "operation": "look_up"})["payments"]
    assert state["status"] == "declined"


def test_a_result_that_does_not_say_whose_it_is_waits_for_the_webhook(
    call: Call, adyen: AdyenServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in Adyen's own examples of /payments/details."""
    event = donation("pm_3ds")
    event["payment"] = call("psp_adyen", event)
    event["redirect"] = {"status": "returned", "details": {"redirectResult": adyen.redirect_result("don-1-1")}}
    work = adyen._work

    def silent(method: str, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        status, content = work(method, path, body)
        content.pop("merchantReference", None)
        return status, content

    monkeypatch.setattr(adyen, "_work", silent)
    event["payment"] = call("psp_adyen", event)
    assert event["payment"]["status"] == "redirect"
    adyen.pass_days()
    assert call("adyen_webhook", adyen.webhook(adyen.events[-1]))["statusCode"] == 200
    event["redirect"] = {"status": "told by the PSP"}
    assert call("psp_adyen", event)["status"] == "paid"


def test_somebody_elses_redirect_result_pays_nothing(call: Call, adyen: AdyenServer) -> None:
    """A donor brings the result of a cheap donation back for an expensive one, or invents one."""
    cheap, dear = donation("pm_3ds", "don-cheap"), donation("pm_3ds", "don-dear")
    for event in (cheap, dear):
        event["payment"] = call("psp_adyen", event)
    for result in (adyen.redirect_result("don-cheap-1"), "invented", "x" * 20_000):
        dear["redirect"] = {"status": "returned", "details": {"redirectResult": result}}
        assert call("psp_adyen", dear)["status"] == "redirect"
    assert [each["captured"] for each in adyen.of("don-dear")] == [0]
    own = {"status": "returned", "details": {"redirectResult": adyen.redirect_result("don-dear-1")}}
    assert call("psp_adyen", {**dear, "redirect": own})["status"] == "paid"


def test_a_closed_payment_is_never_completed_and_reversed_if_it_is(call: Call, adyen: AdyenServer) -> None:
    event = donation("pm_3ds")
    event["payment"] = call("psp_adyen", event)
    timeout = {"Error": "States.Timeout", "Cause": ""}
    assert call("psp_adyen", {**a_day_later(event), "redirect": timeout})["status"] == "abandoned"
    late = {"status": "returned", "details": {"redirectResult": adyen.redirect_result("don-1-1")}}

    assert call("psp_adyen", {**event, "redirect": late})["status"] == "abandoned"
    assert [each["captured"] for each in adyen.of("don-1")] == [0]
    # A payment method that is completed at the bank needs nobody to hand on a result.
    adyen.of("don-1")[0].update(status="Authorised", captured=2500)
    adyen.pass_days()
    told = [call("adyen_webhook", adyen.webhook(each)) for each in adyen.events if each["eventCode"] == "AUTHORISATION"]
    assert [json.loads(each["body"])["result"] for each in told] == ["reversed"]
    adyen.pass_days()
    assert [each["captured"] for each in adyen.of("don-1")] == [0]


def test_a_cancel_that_adyen_did_not_receive_is_sent_again(call: Call, adyen: AdyenServer) -> None:
    gone = donation("pm_3ds")
    gone["payment"] = call("psp_adyen", gone)
    late = {**a_day_later(gone), "redirect": {"Error": "States.Timeout"}}
    adyen.faults = ["down"]
    with pytest.raises(PspUnavailable):
        call("psp_adyen", late)
    assert adyen.modifications == []

    look_up = {**gone, "operation": "look_up"}
    back = {**gone, "redirect": {"details": {"redirectResult": adyen.redirect_result("don-1-1")}}}
    for asked in (look_up, look_up, back):
        answer = call("psp_adyen", asked)
        assert [each["status"] for each in answer.get("payments", [answer])] == ["redirect"], "Adyen does not know"
    assert (adyen.modifications, adyen.of("don-1")[0]["captured"]) == ([], 0), "asking changes nothing"
    assert call("psp_adyen", late)["status"] == "abandoned"
    assert [each["kind"] for each in adyen.modifications] == ["cancels"]
    assert call("psp_adyen", {**gone, "operation": "cancel", "references": ["don-1-1"]})["payments"]
    assert len(adyen.modifications) == 1, "once is enough"


def test_facts_mean_the_same_in_whatever_order_they_come(data: Path) -> None:
    known = [
        Fact("don-1-1", SENT, "1", amount=2500, currency="GBP", capture=False),
        Fact("don-1-1", ANSWERED, "2", "Received"),
        Fact("don-1-1", "AUTHORISATION", "3", "true", psp_reference="P1", amount=2500, currency="GBP"),
        Fact("don-1:capture:1", "CAPTURE", "4", "true", psp_reference="P2", original="P1", amount=2500, currency="GBP"),
    ]
    for order in permutations(known):
        state = states.payment(order, "don-1-1")
        assert state is not None
        assert (state.outcome, state.reference) == (Outcome.PAID, "don-1-1:P1")


SENT_25 = Fact("don-1-1", SENT, "1", amount=2500, currency="GBP")


def authorisation(psp_reference: str, *, success: str = "true", amount: int = 2500) -> Fact:
    more = {"psp_reference": psp_reference, "amount": amount, "currency": "GBP"}
    return Fact("don-1-1", "AUTHORISATION", "3", success, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("change", [{"amount": 25}, {"currency": "EUR"}])
def test_another_amount_than_asked_for_is_not_paid(change: dict[str, Any]) -> None:
    known = [SENT_25, Fact("don-1-1", ANSWERED, "2", "Received", psp_reference="P1")]

    with pytest.raises(PspRefused, match="authorised another amount"):
        states.payment([*known, evolve(authorisation("P1"), **change)], "don-1-1")


@pytest.mark.parametrize("kind", ["CANCELLATION", "TECHNICAL_CANCEL", "CANCEL_OR_REFUND", "CAPTURE", "EXPIRE"])
def test_what_failed_changes_no_payment(kind: str) -> None:
    failed = Fact("don-1:cancel:1", kind, "4", "false", psp_reference="P2", original="P1")

    state = states.payment([evolve(SENT_25, capture=False), authorisation("P1"), failed], "don-1-1")

    assert state is not None
    assert state.outcome is Outcome.AUTHORISED


def test_a_capture_that_fails_afterwards_took_nothing() -> None:
    """https://docs.adyen.com/online-payments/capture/failure-reasons"""
    about = {"psp_reference": "P2", "original": "P1"}
    known = [
        Fact("don-1:capture:1", SENT, "1", original="P1", amount=2500, currency="GBP"),
        Fact("don-1:capture:1", ANSWERED, "2", "received", psp_reference="P2"),
        Fact("don-1-1", "CAPTURE", "3", "true", **about),  # type: ignore[arg-type]
        Fact("don-1-1", "CAPTURE_FAILED", "4", "true", **about),  # type: ignore[arg-type]
    ]
    for order in permutations(known):
        assert states.modification(order, "don-1:capture:1", "CAPTURE", Outcome.PAID) is Outcome.DECLINED


def test_what_was_captured_in_another_currency_is_no_amount_of_the_donation() -> None:
    reserved = evolve(SENT_25, capture=False)
    euros = Fact("don-1-1", "CAPTURE", "4", "true", psp_reference="P2", original="P1", amount=2500, currency="EUR")
    known = [reserved, authorisation("P1"), euros]
    state = states.payment(known, "don-1-1")

    assert state is not None
    assert states.taken(known, reserved, state) is None


def test_a_further_payment_that_was_cancelled_is_none() -> None:
    known = [SENT_25, Fact("don-1-1", ANSWERED, "2", "Authorised", psp_reference="P1"), authorisation("P2")]
    assert [each.psp_reference for each in states.further(known)] == ["P2"]

    gone = Fact("don-1-1", "CANCELLATION", "4", "true", psp_reference="P3", original="P2")
    assert states.further([*known, gone]) == []


@pytest.mark.parametrize(
    ("known", "own", "others"),
    [
        (
            [Fact("don-1-1", ANSWERED, "2", "Received", psp_reference="P1"), authorisation("P2"), authorisation("P1")],
            "paid",
            ["P2"],
        ),
        ([Fact("don-1-1", ANSWERED, "2", "Received", psp_reference="P1"), authorisation("P2")], "pending", ["P2"]),
        (
            [Fact("don-1-1", ANSWERED, "2", "Received", psp_reference="P1"), authorisation("P2", success="false")],
            "pending",
            [],
        ),
        ([Fact("don-1-1", ANSWERED, "2", "Refused", psp_reference="P1"), authorisation("P2")], "declined", ["P2"]),
        ([Fact("don-1-1", ANSWERED, "2", "RedirectShopper"), authorisation("P2", amount=9900)], "redirect", ["P2"]),
        ([authorisation("P2", amount=10), authorisation("P1")], "paid", ["P2"]),
        ([authorisation("P2", amount=10)], None, ["P2"]),
        ([authorisation("P2", amount=10, success="false")], None, []),
    ],
)
def test_the_payment_that_adyen_answered_or_that_is_of_the_amount_is_the_flows(
    known: list[Fact], own: str | None, others: list[str]
) -> None:
    """Somebody typed in another one with its reference, in the Customer Area."""
    for order in permutations([SENT_25, *known]):
        state = states.payment(order, "don-1-1")

        assert (state and str(state.outcome)) == own
        assert own != "paid" or (state and state.reference) == "don-1-1:P1"
        assert [each.psp_reference for each in states.further(order)] == others


def test_of_two_payments_that_nothing_tells_apart_the_first_one_is_the_flows() -> None:
    state = states.payment([SENT_25, authorisation("P2"), authorisation("P1")], "don-1-1")

    assert state is not None
    assert (state.outcome, state.reference) == (Outcome.PAID, "don-1-1:P2")
    assert [each.psp_reference for each in states.further([SENT_25, authorisation("P2"), authorisation("P1")])] == [
        "P1"
    ]


@pytest.mark.parametrize("backend", ["file", "table"])
def test_a_fact_is_kept_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, backend: str) -> None:
    if backend == "table":
        request.getfixturevalue("aws")
        key = [{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "entry", "KeyType": "RANGE"}]
        types = [{"AttributeName": name, "AttributeType": "S"} for name in ("id", "entry")]
        name = f"adyen-{time.monotonic_ns()}"
        boto3.client("dynamodb").create_table(
            TableName=name, KeySchema=key, AttributeDefinitions=types, BillingMode="PAY_PER_REQUEST"
        )
        monkeypatch.setenv("ADYEN_TABLE", name)
    first = Fact("don-1-1", SENT, "2026-01-01", amount=1, currency="GBP")

    assert facts.keep(first) == first
    assert facts.keep(Fact("don-1-1", SENT, "2026-01-02", amount=2, currency="GBP")) == first
    assert facts.keep(Fact("don-1:refund:1", SENT, "2026-01-03", amount=1)).amount == 1
    assert [each.reference for each in facts.facts_of("don-1")] == ["don-1-1", "don-1:refund:1"]
    for code in ("true", "false"):
        facts.keep(Fact("don-1-1", "CANCELLATION", "2026-01-04", code, psp_reference="P1"))
    assert {each.code for each in facts.facts_of("don-1")} == {"", "true", "false"}, "what failed may succeed later"
    assert facts.facts_of("don") == []


# -- what Adyen rarely answers


def answers(adyen: AdyenServer, monkeypatch: pytest.MonkeyPatch, status: int, **content: Any) -> None:
    """Let the server answer this to the next requests, without doing anything."""
    monkeypatch.setattr(adyen, "answer", lambda *_: (status, json.dumps(content).encode()))


@pytest.mark.parametrize("code", ["703", "704"])
def test_a_key_that_is_still_at_work_is_asked_for_again(
    call: Call, adyen: AdyenServer, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    """https://docs.adyen.com/development-resources/api-idempotency: the first request is not finished."""
    with monkeypatch.context() as busy:
        answers(adyen, busy, 422, errorCode=code, message="in progress", errorType="validation")
        with pytest.raises(PspUnavailable, match=code):
            call("psp_adyen", donation("pm_paid"))

    assert call("psp_adyen", donation("pm_paid"))["status"] == "paid"


def test_a_payment_without_adyens_id_is_not_paid_yet(
    call: Call, adyen: AdyenServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It could be neither captured nor refunded; the webhook names it."""
    answers(adyen, monkeypatch, 200, resultCode="Authorised", merchantReference="don-1-1")

    with pytest.raises(PspUnavailable, match="no pspReference"):
        call("psp_adyen", donation("pm_paid"))


def test_a_key_in_its_last_hour_is_not_sent_again(
    call: Call, adyen: AdyenServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Adyen knows it for 7 days at least, by its own clock."""
    monkeypatch.setenv("FLOWDSL_NOW", "2026-01-01T00:00:00.000Z")
    event = donation("pm_paid")
    adyen.faults = ["lost"]
    with pytest.raises(PspUnavailable):
        call("psp_adyen", event)
    monkeypatch.setenv("FLOWDSL_NOW", "2026-01-07T23:30:00.000Z")

    with pytest.raises(PspRefused, match="its outcome is unknown since 2026-01-01"):
        call("psp_adyen", event)
    assert adyen.requests == ["POST /payments"]


def test_a_refund_whose_answer_was_lost_is_not_called_missing(call: Call, adyen: AdyenServer) -> None:
    event = {**paid(call), "amount": 500}
    adyen.faults = ["lost"]
    with pytest.raises(PspUnavailable):
        call("psp_adyen", {**event, "operation": "refund"})

    with pytest.raises(PspUnavailable, match="Adyen has not answered"):
        call("psp_adyen", {**event, "operation": "find_refund", "refund": "don-1:refund:1"})


def test_more_than_is_reserved_is_not_captured(call: Call, adyen: AdyenServer) -> None:
    event = donation("pm_paid")
    event["payment"] = call("psp_adyen", {**event, "operation": "authorise"})

    assert call("psp_adyen", {**event, "operation": "capture", "amount": 2501})["status"] == "declined"
    assert adyen.modifications == []


def test_a_cancellation_is_done_when_adyen_says_so(call: Call, adyen: AdyenServer) -> None:
    event = donation("pm_paid")
    reference = call("psp_adyen", {**event, "operation": "authorise"})["reference"]
    psp = AdyenPsp(open_adyen(), "https://donate.example/returned")

    assert psp.cancel(reference).outcome is Outcome.PENDING
    adyen.pass_days()
    for each in adyen.events:
        call("adyen_webhook", adyen.webhook(each))
    assert psp.cancel(reference).outcome is Outcome.CANCELLED


# -- the webhook


def event(kind: str, psp_reference: str, reference: str = "don-1-1", **changes: Any) -> dict[str, Any]:
    base = {"eventCode": kind, "success": "true", "pspReference": psp_reference, "merchantReference": reference}
    return {**base, "merchantAccountCode": ACCOUNT, "amount": {"value": 2500, "currency": "GBP"}, **changes}


def result(answer: dict[str, Any]) -> tuple[int, str]:
    return answer["statusCode"], json.loads(answer["body"])["result"]


@pytest.mark.parametrize(
    "change",
    [
        {"success": "false"},
        {"amount": {"value": 1, "currency": "GBP"}},
        {"amount": {"value": 2500, "currency": "EUR"}},
        {"merchantReference": "don-2-1"},
        {"pspReference": "OTHER"},
        {"originalReference": "OTHER"},
        {"eventCode": "REFUND"},
        {"merchantAccountCode": "Other"},
        {"pspReference": 0},
    ],
)
def test_each_signed_field_counts(call: Call, adyen: AdyenServer, change: dict[str, Any]) -> None:
    request = adyen.webhook(event("AUTHORISATION", "P1"))
    content = json.loads(request["body"])
    content["notificationItems"][0]["NotificationRequestItem"] |= change

    assert result(call("adyen_webhook", {**request, "body": json.dumps(content)})) == (401, "refused")


def test_the_borders_of_signed_fields_cannot_be_moved(call: Call, adyen: AdyenServer) -> None:
    """The same signed text, cut up in another way: an event about the donation `don-1` under another account."""
    good = event("REFUND", "P1", "don-1:refund:1", originalReference="P0")
    signature = json.loads(adyen.webhook(good)["body"])["notificationItems"][0]["NotificationRequestItem"][
        "additionalData"
    ]
    moved = {
        **good,
        "merchantAccountCode": f"{ACCOUNT}:don-1:refund",
        "merchantReference": "1",
        "additionalData": signature,
    }
    body = json.dumps({"notificationItems": [{"NotificationRequestItem": moved}]})

    assert result(call("adyen_webhook", {"headers": {}, "body": body})) == (401, "refused")


def test_another_accounts_events_and_those_of_nobodys_payments(call: Call, adyen: AdyenServer) -> None:
    other = adyen.webhook(event("AUTHORISATION", "P1", merchantAccountCode="Other"))
    unknown = [adyen.webhook(event("AUTHORISATION", "P1", reference)) for reference in ("don-9-1", "order17")]

    assert result(call("adyen_webhook", other)) == (401, "refused")
    assert [result(call("adyen_webhook", each)) for each in unknown] == [(200, "ignored")] * 2


def test_a_refund_in_the_customer_area_is_stored(call: Call, adyen: AdyenServer) -> None:
    payment = paid(call)["payment"]["reference"].partition(":")[2]
    made = event("REFUND", "R1", originalReference=payment, amount={"value": 500, "currency": "GBP"})

    for _ in range(2):
        assert result(call("adyen_webhook", adyen.webhook(made))) == (200, "refunded")
    [refund] = refunds.of_donation("don-1")
    assert (refund.amount, refund.status, refund.reason) == (500, "refunded", "made at Adyen")
    failed = {**made, "eventCode": "REFUND_FAILED"}
    assert result(call("adyen_webhook", adyen.webhook(failed))) == (200, "failed")


def test_a_refund_of_a_payment_that_is_reversed_touches_no_total(call: Call, adyen: AdyenServer) -> None:
    """Adyen authorised it after the flow had closed it, and somebody was faster than the reversal."""
    gone = donation("pm_3ds")
    store().put(intent(gone))
    gone["payment"] = call("psp_adyen", gone)
    gone["payment"] = call("psp_adyen", {**a_day_later(gone), "redirect": {"Error": "States.Timeout"}})
    store().put(from_document(gone))
    payment = adyen.of("don-1")[0]["pspReference"]
    late = adyen.webhook(event("AUTHORISATION", payment))
    back = adyen.webhook(event("REFUND", "M1", originalReference=payment))

    answers = [call("adyen_webhook", each) for each in (back, late, back)]

    assert [result(each)[1] for each in answers] == ["kept", "reversed", "kept"]
    assert refunds.of_donation("don-1") == []
    assert add(Contribution("none", "Lifeboats", 0, "GBP")) == 0


@pytest.mark.parametrize("kind", ["REFUND", "SECOND_CHARGEBACK"])
def test_what_is_told_before_its_payment_waits_for_it(
    call: Call, adyen: AdyenServer, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """The answer was lost, and somebody gave the payment back in the Customer Area."""
    monkeypatch.setattr("handlers.psp_webhook.execution_has_ended", lambda *_: True)
    opened = donation("pm_paid")
    store().put(intent(opened))
    adyen.faults = ["lost"]
    with pytest.raises(PspUnavailable):
        call("psp_adyen", opened)
    adyen.pass_days()
    [authorised] = adyen.events
    payment = authorised["pspReference"]
    part = {"value": 400, "currency": "GBP"}
    back = adyen.webhook(event(kind, "M1", originalReference=payment, amount=part))

    assert result(call("adyen_webhook", back)) == (200, "kept")
    assert add(Contribution("none", "Lifeboats", 0, "GBP")) == 0
    for _ in range(2):
        call("adyen_webhook", adyen.webhook(authorised))

    record = store().get("don-1")
    assert record is not None
    assert (record.status, record.reference) == ("paid", f"don-1-1:{payment}")
    stored = [*refunds.of_donation("don-1"), *disputes.listed()]
    assert [(each.amount, each.status, each.reference) for each in stored] == [
        (400, "refunded" if kind == "REFUND" else "lost", record.reference)
    ]
    assert add(Contribution("none", "Lifeboats", 0, "GBP")) == -400


def test_a_payment_by_hand_is_not_reversed_when_the_flow_has_closed_its_own(call: Call, adyen: AdyenServer) -> None:
    gone = donation("pm_3ds")
    store().put(intent(gone))
    gone["payment"] = call("psp_adyen", gone)
    assert call("psp_adyen", {**a_day_later(gone), "redirect": {"Error": "States.Timeout"}})["status"] == "abandoned"
    other = {"value": 9900, "currency": "GBP"}

    answer = call("adyen_webhook", adyen.webhook(event("AUTHORISATION", "P9", amount=other)))

    assert result(answer) == (200, "conflict")
    assert [each["kind"] for each in adyen.modifications] == ["cancels"]


def test_what_a_bank_takes_back_is_not_refunded_as_well(call: Call, adyen: AdyenServer) -> None:
    """Adyen would do both."""
    payment = paid(call)["payment"]["reference"].partition(":")[2]
    part = {"value": 2000, "currency": "GBP"}
    call("adyen_webhook", adyen.webhook(event("CHARGEBACK", "D1", originalReference=payment, amount=part)))

    left = (
        r"don-1: 2500 is not between 1 and the 500 that are left \(minor unit\); dispute adyen-\w+ \(needs response\)"
    )
    with pytest.raises(NotRefundable, match=left):
        call("refund_setup", {"donation": "don-1", "number": 1, "amount": 2500})
    assert call("refund_setup", {"donation": "don-1", "number": 1})["amount"] == 500
    call("adyen_webhook", adyen.webhook(event("SECOND_CHARGEBACK", "D1", originalReference=payment)))
    assert call("refund_setup", {"donation": "don-1", "number": 1})["amount"] == 500, "it may be at Adyen already"


@pytest.mark.parametrize(
    ("kinds", "left"),
    [
        (["REQUEST_FOR_INFORMATION"], 2500),
        (["REQUEST_FOR_INFORMATION", "INFORMATION_SUPPLIED"], 2500),
        (["REQUEST_FOR_INFORMATION", "NOTIFICATION_OF_CHARGEBACK", "INFORMATION_SUPPLIED"], 0),
        (["CHARGEBACK", "INFORMATION_SUPPLIED", "REQUEST_FOR_INFORMATION"], 0),
    ],
)
def test_an_inquiry_does_not_stand_against_a_refund(
    call: Call, adyen: AdyenServer, kinds: list[str], left: int
) -> None:
    payment = paid(call)["payment"]["reference"].partition(":")[2]
    for kind in kinds:
        call("adyen_webhook", adyen.webhook(event(kind, "D1", originalReference=payment)))

    if left:
        assert call("refund_setup", {"donation": "don-1", "number": 1})["amount"] == left
    else:
        with pytest.raises(NotRefundable, match="nothing is left to refund; dispute adyen-"):
            call("refund_setup", {"donation": "don-1", "number": 1})


def test_disputes_of_a_second_payment_touch_no_total(call: Call, adyen: AdyenServer) -> None:
    paid(call)
    for kind in ("SECOND_CHARGEBACK", "REFUND"):
        assert result(call("adyen_webhook", adyen.webhook(event(kind, "D9", originalReference="OTHER")))) == (
            200,
            "kept",
        )
    assert (list(disputes.listed()), refunds.of_donation("don-1")) == ([], [])


@pytest.mark.parametrize("named_by", ["our reference", "the payment's"])
def test_an_event_that_names_no_original_is_about_its_reference(call: Call, adyen: AdyenServer, named_by: str) -> None:
    payment = paid(call)["payment"]["reference"].partition(":")[2]
    names = {"our reference": ("D1", "don-1-1"), "the payment's": (payment, "don-1-9")}
    without = adyen.webhook(event("CHARGEBACK", *names[named_by]))
    assert result(call("adyen_webhook", without)) == (200, "dispute needs response")
    call("adyen_webhook", adyen.webhook(event("SECOND_CHARGEBACK", "D1", originalReference=payment)))

    assert [(each.id, each.status) for each in disputes.listed()] == [(f"adyen-{payment}", "lost")]
    second = adyen.webhook(event("SECOND_CHARGEBACK", "D2", "don-1-9"))
    assert result(call("adyen_webhook", second)) == (200, "kept"), "it is of another payment"
    refund = call("adyen_webhook", adyen.webhook(event("REFUND", "R1")))
    assert result(refund) == (200, "refunded")


def test_disputes_follow_their_order_not_that_of_arrival(call: Call, adyen: AdyenServer) -> None:
    payment = paid(call)["payment"]["reference"].partition(":")[2]
    kinds = ["CHARGEBACK_REVERSED", "NOTIFICATION_OF_CHARGEBACK", "CHARGEBACK", "SECOND_CHARGEBACK"]
    seen = []
    for number, kind in enumerate(kinds):
        request = adyen.webhook(event(kind, f"D{number}", originalReference=payment))
        seen.append(result(call("adyen_webhook", request))[1])

    assert seen == ["dispute under review"] * 3 + ["dispute lost"]
    [dispute] = disputes.listed()
    assert (dispute.amount, dispute.donation) == (2500, "don-1")


def test_a_dispute_that_is_won_after_it_was_lost_is_back_in_the_total(call: Call, adyen: AdyenServer) -> None:
    """The second chargeback took the money, and the pre-arbitration case brought it back."""
    payment = paid(call)["payment"]["reference"].partition(":")[2]
    seen = []
    stages = (("SECOND_CHARGEBACK", 2000), ("PREARBITRATION_WON", 1900), ("CHARGEBACK", 2000))
    for number, (kind, value) in enumerate(stages):
        told = event(kind, f"D{number}", originalReference=payment, amount={"value": value, "currency": "GBP"})
        seen += [result(call("adyen_webhook", adyen.webhook(told)))[1] for _ in range(2)]

    assert seen == ["dispute lost"] * 2 + ["dispute regained"] * 4
    assert [(each.amount, each.status, each.takes_back) for each in disputes.listed()] == [(2000, "regained", False)]
    assert add(Contribution("none", "Lifeboats", 0, "GBP")) == 0


@pytest.mark.parametrize("reference", ["", "Order 17/A", "shop.order#4"])
def test_events_of_other_systems_on_the_account_are_accepted(call: Call, adyen: AdyenServer, reference: str) -> None:
    """Adyen holds back all events until one that was refused is accepted."""
    other = adyen.webhook(event("AUTHORISATION", "P1", reference))
    assert result(call("adyen_webhook", other)) == (200, "ignored")


def test_a_report_is_accepted_although_adyen_signs_none(call: Call, adyen: AdyenServer) -> None:
    report = event("REPORT_AVAILABLE", "settlement_detail_report_batch_12.csv", "", reason="https://ca-test.adyen.com/")
    body = json.dumps({"live": "false", "notificationItems": [{"NotificationRequestItem": report}]})
    assert result(call("adyen_webhook", {"headers": {}, "body": body})) == (200, "ignored")


def test_results_are_those_that_adyen_publishes() -> None:
    if not PUBLISHED.is_dir():
        pytest.skip(WITHOUT)
    published = json.loads((PUBLISHED / DOCUMENT).read_text(encoding="utf-8"))["components"]["schemas"]
    results = set(published["PaymentResponse"]["properties"]["resultCode"]["enum"])
    decided_by_reason = {"Refused", "Error"}
    not_asked_for = {"AuthenticationFinished", "AuthenticationNotRequired", "PartiallyAuthorised"}

    assert codes.RESULTS.keys() == results - decided_by_reason - not_asked_for - {"Success"}
    assert published["PaymentRequest"]["properties"]["shopperReference"]["minLength"] == codes.SHORTEST_SHOPPER
    longest = f"{'x' * 64}:capture:99"
    assert len(longest) < published["PaymentRequest"]["properties"]["reference"]["maxLength"]


@pytest.mark.parametrize("result", ["PartiallyAuthorised", "AuthenticationFinished", "Brand new"])
def test_an_unknown_result_is_not_a_decline(result: str) -> None:
    known = [Fact("don-1-1", SENT, "", amount=1, currency="GBP"), Fact("don-1-1", ANSWERED, "", result)]

    state = states.payment(known, "don-1-1")

    assert state is not None
    assert state.outcome is Outcome.PENDING


def test_an_id_that_is_too_short_for_adyen_is_declined_unasked(call: Call, adyen: AdyenServer) -> None:
    assert call("psp_adyen", donation("pm_paid", "d1"))["status"] == "declined"
    assert adyen.requests == []


def test_a_payment_that_is_authorised_after_all_is_stored(call: Call, adyen: AdyenServer) -> None:
    """Adyen closed the offer, and authorised it nevertheless: the donation was stored as declined."""
    gone = donation("pm_3ds")
    store().put(intent(gone))
    gone["payment"] = call("psp_adyen", gone)
    store().put(from_document({**gone, "payment": {**gone["payment"], "status": "declined", "reference": None}}))

    for _ in range(2):
        told = adyen.webhook(event("AUTHORISATION", "P1", "don-1-1"))
        assert call("adyen_webhook", told)["statusCode"] == 200
    record = store().get("don-1")
    assert record is not None
    assert (record.status, record.reference, record.complete) == ("paid", "don-1-1:P1", False)


def test_a_bank_may_take_back_a_part(call: Call, adyen: AdyenServer) -> None:
    payment = paid(call)["payment"]["reference"].partition(":")[2]
    part = {"value": 700, "currency": "GBP"}
    for kind, status in (("CHARGEBACK", "needs response"), ("ISSUER_RESPONSE_TIMEFRAME_EXPIRED", "won")):
        told = adyen.webhook(event(kind, "D1", originalReference=payment, amount=part))
        assert result(call("adyen_webhook", told)) == (200, f"dispute {status}")
    assert [(each.amount, each.status) for each in disputes.listed()] == [(700, "won")]


def test_a_dispute_in_another_currency_is_of_the_whole_donation(call: Call, adyen: AdyenServer) -> None:
    payment = paid(call)["payment"]["reference"].partition(":")[2]
    part = {"value": 700, "currency": "EUR"}
    call("adyen_webhook", adyen.webhook(event("CHARGEBACK", "D1", originalReference=payment, amount=part)))
    assert [(each.amount, each.currency) for each in disputes.listed()] == [(2500, "GBP")]


def test_an_authorisation_of_no_whole_amount_is_not_the_donations(call: Call, adyen: AdyenServer) -> None:
    """Adyen's pesos have two digits, ISO 4217's none."""
    call("psp_adyen", donation("pm_pending"))
    call("adyen_webhook", adyen.webhook(event("AUTHORISATION", "P1", amount={"value": 250_050, "currency": "CLP"})))
    states_ = call("psp_adyen", {**donation("pm_pending"), "operation": "look_up"})["payments"]
    assert [(each["status"], each["amount"]) for each in states_] == [("pending", 2500), ("paid", None)]


def test_a_refund_of_no_whole_amount_is_for_people(call: Call, adyen: AdyenServer) -> None:
    payment = paid(call)["payment"]["reference"].partition(":")[2]
    amount = {"value": 250_050, "currency": "CLP"}
    call("adyen_webhook", adyen.webhook(event("REFUND", "R1", originalReference=payment, amount=amount)))
    assert [each for each in refunds.of_donation("don-1") if each.amount < 0] == []
    assert add(Contribution("none", "Lifeboats", 0, "CLP")) == 0


def test_a_refund_of_ours_is_known_by_adyens_reference(call: Call, adyen: AdyenServer) -> None:
    """Adyen may name the payment's reference instead of the refund's."""
    document_ = paid(call)
    setup = call("refund_setup", {"donation": "don-1", "number": 1, "amount": 500})
    call("psp_adyen", setup)
    received = next(each for each in facts.facts_of("don-1") if each.reference == "don-1:refund:1" and each.code)
    original = document_["payment"]["reference"].partition(":")[2]
    told = event("REFUND", received.psp_reference, originalReference=original, amount={"value": 500, "currency": "GBP"})

    assert result(call("adyen_webhook", adyen.webhook(told))) == (200, "refunded")
    assert [(each.id, each.status) for each in refunds.of_donation("don-1")] == [("don-1:refund:1", "refunded")]


def test_disputes_of_two_payments_are_two(call: Call, adyen: AdyenServer) -> None:
    """What the bank took back of another payment of the donation decides nothing of this one."""
    payment = paid(call)["payment"]["reference"].partition(":")[2]
    facts.keep(Fact("don-1-1", "SECOND_CHARGEBACK", "1", "true", psp_reference="D9", original="OTHER"))
    told = call("adyen_webhook", adyen.webhook(event("CHARGEBACK", "D1", originalReference=payment)))
    assert result(told) == (200, "dispute needs response")


def test_no_more_than_the_donation_is_disputed(call: Call, adyen: AdyenServer) -> None:
    payment = paid(call)["payment"]["reference"].partition(":")[2]
    more = {"value": 9900, "currency": "GBP"}
    call("adyen_webhook", adyen.webhook(event("CHARGEBACK", "D1", originalReference=payment, amount=more)))
    assert [each.amount for each in disputes.listed()] == [2500]


def test_a_reservation_that_expired_is_stored_when_adyen_says_so(
    call: Call, adyen: AdyenServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handlers.psp_webhook.execution_has_ended", lambda *_: True)
    reserved = donation("pm_paid")
    reserved["donation"]["capture"] = "later"
    store().put(intent(reserved))
    reserved["payment"] = call("psp_adyen", {**reserved, "operation": "authorise"})
    store().put(from_document(reserved))
    original = reserved["payment"]["reference"].partition(":")[2]

    call("adyen_webhook", adyen.webhook(event("EXPIRE", "E1", originalReference=original)))

    record = store().get("don-1")
    assert record is not None
    assert record.status == "abandoned"


def test_each_event_of_a_request_has_to_be_signed(call: Call, adyen: AdyenServer) -> None:
    call("psp_adyen", donation("pm_pending"))
    [good] = json.loads(adyen.webhook(event("OFFER_CLOSED", "P2"))["body"])["notificationItems"]
    [forged] = json.loads(adyen.webhook(event("AUTHORISATION", "P1"), "AB" * 32)["body"])["notificationItems"]
    body = json.dumps({"live": "false", "notificationItems": [good, forged]})

    assert result(call("adyen_webhook", {"headers": {}, "body": body})) == (401, "refused")
    assert [each.kind for each in facts.facts_of("don-1")] == [SENT, ANSWERED]


@pytest.mark.parametrize(
    "body",
    ["[" * 100_000, '{"notificationItems": {}}', '{"notificationItems": [7]}', "x" * 3_000_000, "\ud800", "null"],
    ids=["deep", "no list", "no item", "huge", "no text", "nothing"],
)
def test_a_hostile_request_is_refused(call: Call, adyen: AdyenServer, body: str) -> None:
    request = {"headers": {"content-type": "text/html"}, "body": body}
    assert call("adyen_webhook", request)["statusCode"] == 401


# -- Adyen's own examples, served by somebody else's server


@pytest.fixture(scope="module")
def prism() -> Iterator[str]:
    """Prism (npm: @stoplight/prism-cli) with Adyen's OpenAPI document; its base URL."""
    tools = Path(os.environ.get("FLOWDSL_TOOLS") or Path(__file__).parents[2] / ".tools", "node_modules", ".bin")
    command = shutil.which("prism") or shutil.which("prism", path=tools)
    if not command:
        pytest.skip("prism is not installed: run make test-tools, which needs npm")
    if not (PUBLISHED / DOCUMENT).is_file():
        pytest.skip(WITHOUT)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = [command, "mock", "--port", str(port), "--errors", str(PUBLISHED / DOCUMENT)]
    server = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(300):
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=1):
                    break
            except OSError:
                time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(10)


def test_prism_accepts_our_requests(
    call: Call, adyen: AdyenServer, prism: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Prism validates each request and answers with one of Adyen's examples, which are of other payments."""
    event = {**paid(call), "operation": "refund"}
    reserved = [{**donation("pm_paid", name), "operation": "authorise"} for name in ("don-4", "don-5")]
    for each in reserved:
        each["payment"] = call("psp_adyen", each)
    monkeypatch.setenv("ADYEN_API_BASE", prism)

    # The first example is of 3-D Secure on a page of one's own, which our requests turn off.
    with pytest.raises(PspRefused, match="asks for IdentifyShopper without a page"):
        call("psp_adyen", donation("pm_paid", "don-2"))
    assert call("psp_adyen", event)["status"] == "pending"
    event = {**donation("pm_paid", "don-3"), "redirect": {"status": "returned"}}
    facts.keep(Fact("don-3-1", SENT, "2026-01-01T00:00:00.000Z", amount=2500, currency="GBP"))
    facts.keep(Fact("don-3-1", ANSWERED, "2026-01-01T00:00:00.000Z", "RedirectShopper", url="https://adyen.example"))
    cancelled = call("psp_adyen", {**event, "operation": "cancel", "references": ["don-3-1"]})
    assert [each["status"] for each in cancelled["payments"]] == ["cancelled"]
    with pytest.raises(PspUnavailable, match="has not decided yet"):
        call("psp_adyen", {**reserved[0], "operation": "capture", "amount": 1500})
    release = {**reserved[1], "operation": "cancel", "references": [reserved[1]["payment"]["reference"]]}
    with pytest.raises(PspUnavailable, match="has received the cancellation"):
        call("psp_adyen", release)
    back = {"status": "returned", "details": {"redirectResult": "X6XtfGC3!Y"}}
    sent = {**donation("pm_3ds", "don-6"), "redirect": back}
    facts.keep(Fact("don-6-1", SENT, clock.now(), amount=2500, currency="GBP"))
    facts.keep(Fact("don-6-1", ANSWERED, clock.now(), "RedirectShopper", url="https://adyen.example"))
    attempt = {"number": 1, "at": clock.now(), "psp": "psp_adyen", "idempotency_key": "don-6-1"}
    sent["payment"] = {"status": "redirect", "psp": "psp_adyen", "reference": "don-6-1", "attempts": [attempt]}
    assert call("psp_adyen", sent)["status"] == "redirect", "the example is of another payment"
    request = urllib.request.Request(f"{prism}/payments", b"{}", {"Content-Type": "application/json"})
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(request)
