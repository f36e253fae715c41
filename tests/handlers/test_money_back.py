"""Refunds and disputes that Stripe reports: what is stored is what Stripe says now, whatever came when."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import boto3
import pytest
import stripe
from click.testing import CliRunner

from benchmarks.campaign.stripe_books import StripeBooks
from handlers import disputes, refunds
from handlers.disputes.keeping import keep
from handlers.disputes.record import Dispute
from handlers.fundraising_totals.totals import Contribution, add
from handlers.outbox.sending import sent
from handlers.reconcile.sweep import sweep
from handlers.refunds.__main__ import main
from handlers.refunds.checking import NotRefundable
from handlers.stripe_webhook import money_back
from handlers.transactions.store import store
from tests.handlers.conftest import Call, document
from tests.handlers.test_stripe_webhook import SECRET, result, signed_event

REFUNDED = ("refund.created", "refund.updated", "refund.failed", "charge.refund.updated", "charge.refunded")


@pytest.fixture
def books(data: Path, monkeypatch: pytest.MonkeyPatch) -> StripeBooks:
    data.mkdir(parents=True)
    refund_at_psp = StripeBooks(data / "stripe.sqlite")
    monkeypatch.setattr(stripe, "RequestsClient", lambda **_: refund_at_psp)
    monkeypatch.setenv("STRIPE_API_KEY", "sk_test_12345")
    monkeypatch.setenv("STRIPE_RETURN_URL", "https://donate.example/returned")
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", SECRET)
    return refund_at_psp


def a_donation(call: Call, **changes: Any) -> dict[str, Any]:
    """A donation that Stripe took, with its record."""
    event = document("tok_paid", **changes)
    event["psp"] |= {"name": "psp_stripe", "function_arn": "arn:aws:lambda:eu-west-1:123456789012:function:stripe"}
    event["payment"] = call("psp_stripe", event)
    event["post_processing"] = {"totals": call("fundraising_totals", event)}
    call("persist_output", event)
    return event


def requested(call: Call, event: dict[str, Any], amount: int, number: int = 1) -> dict[str, Any]:
    """What the refund flow does until the PSP has answered and the answer is stored."""
    prepared = call("refund_setup", {"donation": event["donation"]["id"], "number": number, "amount": amount})
    prepared["result"] = call("psp_stripe", prepared)
    return dict(prepared)


def total(event: dict[str, Any]) -> int:
    donation = event["donation"]
    return add(Contribution(donation["id"], donation["charity"], donation["amount"], donation["currency"]))


def messages_of(kind: str) -> int:
    return sum(message.kind == kind for message in sent())


def notify(call: Call, kind: str, item: dict[str, Any]) -> tuple[int, str]:
    sent_item = {"id": "ch_1", "object": "charge", "payment_intent": item["payment_intent"]}
    return result(call("stripe_webhook", signed_event(kind, sent_item if kind == "charge.refunded" else item)))


def refund_at_psp(books: StripeBooks) -> dict[str, Any]:
    [refund] = books.objects("refund")
    return refund


@pytest.mark.parametrize("kind", REFUNDED)
def test_a_pending_refund_is_settled_when_stripe_reports_it(call: Call, books: StripeBooks, kind: str) -> None:
    event = a_donation(call, id="don-pending")
    prepared = requested(call, event, 500)
    assert call("persist_refund", prepared)["status"] == "pending"
    assert notify(call, "refund.created", refund_at_psp(books)) == (200, "pending"), "Stripe itself has not decided"

    settled = books.settle_refund(refund_at_psp(books)["id"], "succeeded")
    assert notify(call, kind, settled) == (200, "refunded")
    assert notify(call, kind, settled) == (200, "refunded"), "events come more than once"

    assert (total(event), messages_of("donation.refunded")) == (2000, 1)
    # The flow asks again later, and finds that everything is done.
    prepared["result"] = call("psp_stripe", {**prepared, "operation": "refund"})
    assert call("persist_refund", prepared)["status"] == "refunded"
    assert (total(event), messages_of("donation.refunded")) == (2000, 1)


def test_a_refund_that_fails_later_is_open_work_until_somebody_closes_it(call: Call, books: StripeBooks) -> None:
    event = a_donation(call)
    identity = event["donation"]["id"]
    assert call("persist_refund", requested(call, event, 500))["status"] == "refunded"
    assert total(event) == 2000

    failed = books.settle_refund(refund_at_psp(books)["id"], "failed")
    for kind in REFUNDED:
        assert notify(call, kind, failed) == (200, "failed")

    assert (total(event), messages_of("donation.refund_failed")) == (2500, 1)
    [finding] = [each for each in sweep(store(), lambda *_: {}, lambda _: True) if each.status == "refund failed"]
    assert f"python -m handlers.refunds close {identity}:refund:1" in finding.reason
    assert call("refund_setup", {"donation": identity, "number": 2, "amount": None})["amount"] == 2500
    closed = CliRunner().invoke(main, ["close", f"{identity}:refund:1", "--note", "paid by bank transfer"])
    assert (closed.exit_code, "closed" in closed.output) == (0, True)
    assert not [each for each in sweep(store(), lambda *_: {}, lambda _: True) if each.status == "refund failed"]
    again = CliRunner().invoke(main, ["close", f"{identity}:refund:2"])
    assert (again.exit_code, again.output) == (
        1,
        f"Error: {identity}:refund:2 is open; only a failed refund can be closed\n",
    )


def test_events_in_any_order_lead_to_the_same(call: Call, books: StripeBooks) -> None:
    """Each order of the events of a refund that was pending, made, and failed: what Stripe says last is stored."""
    for number, order in enumerate(itertools.permutations(("pending", "succeeded", "failed"))):
        event = a_donation(call, charity=f"Charity {number}")
        prepared = requested(call, event, 500)
        call("persist_refund", {**prepared, "result": {**prepared["result"], "status": "pending", "code": "pending"}})
        key = f"{event['donation']['id']}:refund:1"
        refund = next(each for each in books.objects("refund") if each["metadata"]["key"] == key)
        for status in order:
            notify(call, "refund.updated", {**refund, "status": status})
        books.settle_refund(refund["id"], "failed")
        for status in order:
            notify(call, "refund.updated", {**refund, "status": status})
        [stored] = refunds.of_donation(event["donation"]["id"])
        assert (stored.status, total(event)) == ("failed", 2500), order


def test_an_older_answer_after_a_newer_one_takes_nothing_from_the_total(call: Call, books: StripeBooks) -> None:
    """The flow's function was paused between Stripe's answer (made) and its own write; meanwhile the refund failed."""
    event = a_donation(call, id="don-pending")
    prepared = requested(call, event, 500)
    call("persist_refund", prepared)
    older = {**prepared, "result": {**prepared["result"], "status": "refunded", "code": "succeeded"}}
    notify(call, "refund.failed", books.settle_refund(refund_at_psp(books)["id"], "failed"))

    assert call("persist_refund", older)["status"] == "declined"
    assert total(event) == 2500


def test_a_refund_made_at_stripe_corrects_the_total_and_what_is_left(call: Call, books: StripeBooks) -> None:
    event = a_donation(call)
    identity = event["donation"]["id"]
    foreign = books.refund_in_dashboard(event["payment"]["reference"], 400)

    for kind in ("refund.created", "charge.refunded"):
        assert notify(call, kind, foreign) == (200, "refunded")

    [stored] = refunds.of_donation(identity)
    assert (stored.id, stored.amount, stored.reason) == (f"{identity}:refund:{foreign['id']}", 400, "made at Stripe")
    assert total(event) == 2100
    assert call("refund_setup", {"donation": identity, "number": 1, "amount": None})["amount"] == 2100


def test_a_lost_dispute_takes_back_even_if_it_is_still_called_an_inquiry() -> None:
    lost = Dispute("dp_1", "don-1", "Lifeboats", 5, "GBP", "psp", "pi_1", "lost", "", "2026-01-01", is_inquiry=True)
    assert lost.takes_back


def test_all_refunds_made_at_stripe_are_stored_in_our_minor_unit(call: Call, books: StripeBooks) -> None:
    """Stripe's pages end, and its krónur have two digits: https://docs.stripe.com/currencies#special-cases."""
    event = a_donation(call, currency="ISK")
    reference = event["payment"]["reference"]
    refund = [books.refund_in_dashboard(reference, 400 * 100) for _ in range(3)][-1]

    assert notify(call, "charge.refunded", {**refund, "object": "charge"}) == (200, "refunded, refunded, refunded")

    assert [each.amount for each in refunds.of_donation(event["donation"]["id"])] == [400, 400, 400]


def test_what_is_not_ours_is_ignored(call: Call, books: StripeBooks) -> None:
    event = document("tok_paid")
    event["payment"] = call("psp_stripe", event)  # without a record: another system's
    foreign = books.refund_in_dashboard(event["payment"]["reference"], 400)

    assert notify(call, "refund.created", foreign) == (200, "ignored")
    assert notify(call, "charge.dispute.created", books.dispute(event["payment"]["reference"], "lost")) == (
        200,
        "ignored",
    )
    charge = {"id": "ch_1", "object": "charge", "payment_intent": None}
    assert result(call("stripe_webhook", signed_event("charge.refunded", charge))) == (200, "ignored")


@pytest.mark.parametrize(
    ("status", "stored", "left", "work"),
    [
        ("needs_response", "needs response", 2500, True),
        ("warning_needs_response", "needs response", 2500, True),
        ("under_review", "under review", 2500, False),
        ("won", "won", 2500, False),
        ("lost", "lost", 0, False),
    ],
)
def test_a_dispute_is_stored_as_stripe_has_it(
    call: Call, books: StripeBooks, status: str, stored: str, left: int, work: bool
) -> None:
    event = a_donation(call)
    dispute = books.dispute(event["payment"]["reference"], status)
    # The event says something else: it is older, or newer.
    for claimed in ("needs_response", "won", "lost"):
        assert notify(call, "charge.dispute.updated", {**dispute, "status": claimed}) == (200, stored)

    assert [(each.donation, each.status, each.amount) for each in disputes.listed()] == [
        (event["donation"]["id"], stored, 2500)
    ]
    assert total(event) == left
    assert messages_of("donation.dispute_lost") == (status == "lost")
    found = [each for each in sweep(store(), lambda *_: {}, lambda _: True) if each.status.startswith("dispute")]
    assert bool(found) == work


def test_a_lost_dispute_that_is_won_on_appeal_is_back_in_the_total(call: Call, books: StripeBooks) -> None:
    event = a_donation(call)
    statuses = {"lost": ("lost", 0), "appeal_needs_response": ("lost", 0), "won": ("regained", 2500)}
    for status, (stored, left) in statuses.items():
        dispute = books.dispute(event["payment"]["reference"], status)
        assert [notify(call, "charge.dispute.updated", dispute) for _ in range(2)] == [(200, stored)] * 2
        assert total(event) == left
    assert (messages_of("donation.dispute_lost"), messages_of("donation.dispute_regained")) == (1, 1)


@pytest.mark.parametrize("older", ["lost", "needs_response", "under_review"])
def test_an_older_state_of_a_dispute_is_not_what_stays(
    call: Call, books: StripeBooks, monkeypatch: pytest.MonkeyPatch, older: str
) -> None:
    """Two webhooks at once: this one has read the older state, and the other one stores the newer one first."""
    event = a_donation(call)
    dispute = books.dispute(event["payment"]["reference"], older)
    overtaken = money_back.store_dispute

    def slow(*arguments: Any, **state: Any) -> Any:
        monkeypatch.setattr(money_back, "store_dispute", overtaken)
        won = books.dispute(event["payment"]["reference"], "won")
        assert notify(call, "charge.dispute.closed", won) == (200, "won")
        return overtaken(*arguments, **state)

    monkeypatch.setattr(money_back, "store_dispute", slow)
    answer = notify(call, "charge.dispute.updated", dispute)

    [stored] = disputes.listed()
    assert answer == (200, stored.status)
    assert stored.status == ("regained" if older == "lost" else "won")
    assert total(event) == 2500
    assert messages_of("donation.dispute_lost") == messages_of("donation.dispute_regained") == (older == "lost")


def test_a_won_dispute_that_is_lost_after_all_is_stored_as_it_is_counted(call: Call, books: StripeBooks) -> None:
    event = a_donation(call)
    for status, left in (("won", 2500), ("lost", 0), ("won", 2500)):
        notify(call, "charge.dispute.updated", books.dispute(event["payment"]["reference"], status))
        assert total(event) == left
        assert [each.takes_back for each in disputes.listed()] == [left == 0]


@pytest.mark.parametrize(
    ("status", "left"),
    [("warning_needs_response", 2500), ("warning_under_review", 2500), ("won", 2500), ("under_review", 0), ("lost", 0)],
)
def test_an_inquiry_does_not_stand_against_a_refund(call: Call, books: StripeBooks, status: str, left: int) -> None:
    """A refund may even end it; what the bank withdraws is not given back as well, and the error names the dispute."""
    event = a_donation(call)
    identity = event["donation"]["id"]
    notify(call, "charge.dispute.updated", books.dispute(event["payment"]["reference"], status))

    if left:
        assert call("refund_setup", {"donation": identity, "number": 1})["amount"] == left
        return
    [dispute] = disputes.listed()
    expected = f"{identity}: nothing is left to refund; dispute {dispute.id} ({dispute.status}) takes back 25.00 GBP"
    with pytest.raises(NotRefundable) as refused:
        call("refund_setup", {"donation": identity, "number": 1})
    assert str(refused.value) == expected


def test_a_rejected_key_makes_stripe_send_the_event_again(
    call: Call, books: StripeBooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    from handlers.psp import KeyRejected

    event = a_donation(call)
    foreign = books.refund_in_dashboard(event["payment"]["reference"], 400)
    monkeypatch.setattr(books, "disturb", lambda _: "unauthorized")

    with pytest.raises(KeyRejected):
        notify(call, "refund.created", foreign)
    assert refunds.of_donation(event["donation"]["id"]) == []


def test_disputes_in_a_table(aws: str, monkeypatch: pytest.MonkeyPatch) -> None:
    client = boto3.client("dynamodb")
    client.create_table(
        TableName="disputes",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    try:
        monkeypatch.setenv("DISPUTES_TABLE", "disputes")
        monkeypatch.setattr("handlers.commands.STORES", ())  # the other stores are not used
        values = ("dp_1", "don-1", "Lifeboats", 2500, "GBP", "psp_stripe", "pi_1")
        for status, stored in (("needs response", "needs response"), ("won", "won"), ("under review", "won")):
            assert keep(Dispute(*values, status, "fraudulent", "2026-01-01T00:00:00.000Z")).status == stored
        assert [each.status for each in disputes.listed()] == ["won"]
    finally:
        client.delete_table(TableName="disputes")
