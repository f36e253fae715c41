"""What a signature of Adyen's covers, and what follows from its events."""

from __future__ import annotations

import json
from typing import Any

import pytest

from benchmarks.campaign.adyen_books import ACCOUNT
from handlers import disputes, refunds
from handlers.adyen_webhook import settling
from handlers.document import Misconfigured
from handlers.fundraising_totals.totals import Contribution, add
from handlers.psp import PspUnavailable
from handlers.psp_adyen import facts
from handlers.psp_adyen.facts import ANSWERED, SENT, Fact
from handlers.refunds.checking import NotRefundable
from handlers.transactions.record import from_document, intent
from handlers.transactions.store import store
from tests.handlers.adyen_payments import adyen, donation, paid
from tests.handlers.conftest import Call, a_day_later
from tests.handlers.psp_server import AdyenServer

__all__ = ["adyen"]

pytestmark = pytest.mark.slow


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

    assert [result(call("adyen_webhook", each)) for each in (other, *unknown)] == [(200, "ignored")] * 3


def test_a_payment_of_ours_in_another_account_waits_for_the_right_setting(
    call: Call, adyen: AdyenServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Adyen cannot be asked for what an event tells, so it is accepted only once the setting is right."""
    event_of_ours = donation("pm_pending")
    store().put(intent(event_of_ours))
    payment = call("psp_adyen", event_of_ours)["reference"].partition(":")[2]
    told = adyen.webhook(event("AUTHORISATION", payment))

    monkeypatch.setenv("ADYEN_MERCHANT_ACCOUNT", "Misspelt")
    with pytest.raises(Misconfigured, match="ADYEN_MERCHANT_ACCOUNT"):
        call("adyen_webhook", told)
    monkeypatch.setenv("ADYEN_MERCHANT_ACCOUNT", ACCOUNT)
    assert result(call("adyen_webhook", told))[0] == 200
    assert call("psp_adyen", event_of_ours)["status"] == "paid"


@pytest.mark.parametrize("amount", [None, {}, {"value": None}, {"value": None, "currency": "GBP"}, "missing"], ids=str)
@pytest.mark.parametrize("kind", ["CANCELLATION", "OFFER_CLOSED", "REPORT_SUMMARY", "REFUND", "AUTHORISATION"])
def test_an_event_without_an_amount_is_accepted(call: Call, adyen: AdyenServer, kind: str, amount: Any) -> None:
    """Adyen signs empty texts then, and would hold back all later events if it were refused."""
    payment = paid(call)["payment"]["reference"].partition(":")[2]
    told = event(kind, "M1", originalReference=payment, amount=amount)
    if amount == "missing":
        del told["amount"]

    assert result(call("adyen_webhook", adyen.webhook(told)))[0] == 200
    record = store().get("don-1")
    assert record is not None
    assert record.status == "paid"
    assert refunds.of_donation("don-1") == []


@pytest.mark.parametrize(
    "change",
    [{"pspReference": ""}, {"pspReference": "P 1"}, {"success": "maybe"}, {"eventCode": "authorisation"}],
    ids=str,
)
def test_a_signed_event_that_nobody_can_read_is_accepted_and_told_to_people(
    call: Call, adyen: AdyenServer, change: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    paid(call)
    told = adyen.webhook(event("AUTHORISATION", "P1", **change))
    assert result(call("adyen_webhook", told)) == (200, "not settled")
    assert "invalid " in capsys.readouterr().err


def test_an_event_that_has_a_signed_one_inside_is_refused(call: Call, adyen: AdyenServer) -> None:
    """The library would check the one inside."""
    paid(call)
    signed = json.loads(adyen.webhook(event("REPORT", "P1", "order17"))["body"])
    outer = {**event("CHARGEBACK", "P2"), "notificationItems": signed["notificationItems"]}
    for more in ({}, {"additionalData": {"hmacSignature": "A" * 43 + "="}}):
        body = {"live": "false", "notificationItems": [{"NotificationRequestItem": {**outer, **more}}]}
        assert result(call("adyen_webhook", {"headers": {}, "body": json.dumps(body)})) == (401, "refused")
    assert [*disputes.listed()] == []


def test_a_part_of_a_reference_cannot_become_an_amount(call: Call, adyen: AdyenServer) -> None:
    """`don-1:cancel:1` of the donation `don-1`, cut up into `don-1`, which is a payment of the donation `don`."""
    told = json.loads(adyen.webhook(event("CANCELLATION", "P1", "don-1:cancel:1", amount=None))["body"])
    item = told["notificationItems"][0]["NotificationRequestItem"]
    item |= {"merchantReference": "don-1", "amount": {"value": "cancel:1:", "currency": ""}}
    assert result(call("adyen_webhook", {"headers": {}, "body": json.dumps(told)})) == (401, "refused")


@pytest.mark.parametrize("key", ["whsec_1", "ABC", "live"])
def test_a_key_that_adyen_does_not_make(
    call: Call, adyen: AdyenServer, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("ADYEN_HMAC_KEY", key)
    with pytest.raises(Misconfigured, match="ADYEN_HMAC_KEY: expected hexadecimal digits"):
        call("adyen_webhook", adyen.webhook(event("AUTHORISATION", "P1")))


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
        r"don-1: 25.00 GBP is not between 0.01 GBP and the 5.00 GBP that are left; dispute adyen-\w+ \(needs response\)"
    )
    with pytest.raises(NotRefundable, match=left):
        call("refund_setup", {"donation": "don-1", "number": 1, "amount": 2500})
    assert call("refund_setup", {"donation": "don-1", "number": 1})["amount"] == 500
    call("adyen_webhook", adyen.webhook(event("SECOND_CHARGEBACK", "D1", originalReference=payment)))
    with pytest.raises(NotRefundable, match="if psp_adyen has made it already, the sweep stores that"):
        call("refund_setup", {"donation": "don-1", "number": 1})


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


@pytest.mark.parametrize("live", [[], {}, "true"])
def test_nobody_rings_an_alarm_with_a_report(call: Call, adyen: AdyenServer, live: Any) -> None:
    """Adyen signs none, so anybody may send one."""
    report = {"NotificationRequestItem": {"eventCode": "REPORT_AVAILABLE"}}
    body = json.dumps({"live": live, "notificationItems": [report]})

    assert call("adyen_webhook", {"headers": {}, "body": body})["statusCode"] == 200


def test_a_refund_for_people_hides_no_dispute_of_its_payment(
    call: Call, adyen: AdyenServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both were told before the payment, whose answer was lost."""
    monkeypatch.setattr("handlers.psp_webhook.execution_has_ended", lambda *_: True)
    opened = donation("pm_paid")
    store().put(intent(opened))
    adyen.faults = ["lost"]
    with pytest.raises(PspUnavailable):
        call("psp_adyen", opened)
    adyen.pass_days()
    [authorised] = adyen.events
    original = authorised["pspReference"]
    refund = event("REFUND", "M1", originalReference=original, amount={"value": 400, "currency": "EUR"})
    chargeback = event("SECOND_CHARGEBACK", "M2", originalReference=original)

    for each in (refund, chargeback, authorised):
        assert call("adyen_webhook", adyen.webhook(each))["statusCode"] == 200

    assert [each.status for each in disputes.listed()] == ["lost"]


def test_an_older_state_of_a_dispute_is_not_what_stays(
    call: Call, adyen: AdyenServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two webhooks at once: this one has read the events, and the other one stores a later one first."""
    payment = paid(call)["payment"]["reference"].partition(":")[2]
    lost, won = [
        adyen.webhook(event(kind, f"D{kind[:5]}", originalReference=payment))
        for kind in ("SECOND_CHARGEBACK", "PREARBITRATION_WON")
    ]
    overtaken = settling.store_dispute

    def slow(*arguments: Any, **state: Any) -> Any:
        monkeypatch.setattr(settling, "store_dispute", overtaken)
        assert result(call("adyen_webhook", won)) == (200, "dispute won")
        return overtaken(*arguments, **state)

    monkeypatch.setattr(settling, "store_dispute", slow)
    assert result(call("adyen_webhook", lost)) == (200, "dispute regained")
    assert [each.status for each in disputes.listed()] == ["regained"]
    assert add(Contribution("none", "Lifeboats", 0, "GBP")) == 0
