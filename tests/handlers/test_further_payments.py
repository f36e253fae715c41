"""Payments that somebody took in a PSP's dashboard, besides the flow's: stored at once, and for people."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import Any

import pytest

from handlers import refunds
from handlers.fundraising_totals.totals import Contribution, add
from handlers.psp import PspRefused
from handlers.reconcile.sweep import ask_psp, sweep
from handlers.transactions.closing import close
from handlers.transactions.record import Transaction, from_document, intent
from handlers.transactions.store import Query, store
from tests.handlers.conftest import Call, document
from tests.handlers.psp_worlds import TOKENS, AdyenWorld, GoCardlessWorld, StripeWorld, World, psp

__all__ = ["psp"]

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _only_those_that_tell(psp: World) -> None:
    if psp.webhook is None:
        pytest.skip("the sandbox has no webhook")


def executions(monkeypatch: pytest.MonkeyPatch, *, ended: bool) -> None:
    for module in ("handlers.reconcile.sweep", "handlers.psp_webhook"):
        monkeypatch.setattr(f"{module}.execution_has_ended", lambda execution, **_: ended)


def opened(psp: World, token: str = "paid") -> dict[str, Any]:
    """The document of a donation of 25.00 GBP, which is stored as open."""
    event = document(id="don-1", payment_method={"type": "card", "token": TOKENS[psp.name][token]})
    event["psp"] |= {"name": psp.name, "function_arn": "arn:aws:lambda:eu-west-1:123456789012:function:psp"}
    store().put(intent(event))
    return event


def taken(call: Call, psp: World) -> dict[str, Any]:
    """The document of a donation of 25.00 GBP that the PSP has taken; stored is that it is open."""
    event = opened(psp)
    event["payment"] = call(psp.name, event)
    psp.pass_days()
    if event["payment"]["status"] == "pending":
        event["payment"] = call(psp.name, event)
    assert event["payment"]["status"] == "paid"
    return event


def conflict() -> Transaction:
    [entry] = store().list(Query(status="conflict"))
    return entry


@pytest.mark.parametrize("amount", [9900, 2500, 1])
@pytest.mark.parametrize("status", ["paid", "declined", "open"])
def test_a_further_payment_is_a_conflict_at_once(
    call: Call, psp: World, monkeypatch: pytest.MonkeyPatch, status: str, amount: int
) -> None:
    """Whatever is stored, and also while an execution runs, which knows nothing of it."""
    executions(monkeypatch, ended=False)
    event = taken(call, psp)
    own = event["payment"]
    if status == "declined":
        store().put(from_document({**event, "payment": {**own, "status": "declined", "reference": None}}))
    elif status == "paid":
        store().put(from_document(event))
    psp.by_hand("another", "don-1", amount)
    request = psp.all_events("don-1")[-1]

    for _ in range(3):  # it is replayed, too
        assert psp.notify(request) == 200

    record = store().get("don-1")
    assert record is not None
    assert record.status == status
    assert (conflict().amount, conflict().currency) == (amount, "GBP")
    assert conflict().reference not in (None, own["reference"])
    [finding] = [each for each in sweep(store(), ask_psp, lambda _: True) if each.status == "conflict"]
    assert finding.is_open_work
    assert str(conflict().reference) in finding.reason
    close(store(), "don-1", "given back by hand")
    assert psp.notify(request) == 200
    assert list(store().list(Query(status="conflict"))) == []


def test_a_look_up_says_which_payments_the_flow_did_not_ask_for(call: Call, psp: World) -> None:
    event = taken(call, psp)
    psp.by_hand("another", "don-1", 2500)
    psp.notify(psp.all_events("don-1")[-1])

    payments = call(psp.name, {**event, "operation": "look_up"})["payments"]

    own = [each["reference"] for each in payments if not each["further"]]
    assert (own, len(payments)) == ([event["payment"]["reference"]], 2)


def test_the_flow_goes_on_after_a_further_payment(call: Call, psp: World, monkeypatch: pytest.MonkeyPatch) -> None:
    executions(monkeypatch, ended=False)
    event = taken(call, psp)
    psp.by_hand("another", "don-1", 9900)
    psp.notify(psp.all_events("don-1")[-1])

    stored = call("persist_output", event)

    assert stored["status"] == "paid"
    assert conflict().amount == 9900
    record = store().get("don-1")
    assert record is not None
    assert (record.reference, record.amount) == (event["payment"]["reference"], 2500)


def test_the_same_donation_after_the_execution_names_are_forgotten(
    call: Call, psp: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Step Functions takes an execution's name again after 90 days, and most PSPs have forgotten their keys."""
    executions(monkeypatch, ended=True)
    event = taken(call, psp)
    first = event["payment"]["reference"]
    monkeypatch.setenv("FLOWDSL_NOW", "2040-01-01T00:00:00.000Z")

    again = call(psp.name, {**event, "payment": {"status": "new", "attempts": []}})

    assert (again["status"], again["reference"]) == ("paid", first)
    assert psp.charges("don-1") == [2500]


LATER = "2040-01-01T00:00:00.000Z"
"""Some time after the donations: whatever was underway has ended."""


def swept(monkeypatch: pytest.MonkeyPatch) -> Transaction:
    """The donation's record after the sweep."""
    monkeypatch.setenv("FLOWDSL_NOW", LATER)
    list(sweep(store(), ask_psp, lambda _: True))
    record = store().get("don-1")
    assert record is not None
    return record


@pytest.mark.parametrize("status", ["open", "broken"])
def test_the_sweep_stores_the_flows_own_payment_as_paid_and_the_one_by_hand_as_a_conflict(
    call: Call, psp: World, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    """Of the same amount, and told before the flow's, if the PSP tells it at all."""
    event = opened(psp)
    own = call(psp.name, event)
    psp.by_hand("another", "don-1", 2500)
    if status == "broken":
        store().put(from_document({**event, "error": {"Error": "PspRefused", "Cause": ""}}))
    with monkeypatch.context() as running:
        executions(running, ended=False)
        if isinstance(psp, AdyenWorld):  # which cannot be asked
            psp.adyen.pass_days()
            for request in reversed(psp.all_events("don-1")):
                psp.notify(request)
    psp.pass_days()

    record = swept(monkeypatch)

    assert (record.status, record.amount) == ("paid", 2500)
    assert str(record.reference).startswith(str(own["reference"]))
    assert (conflict().amount, conflict().currency) == (2500, "GBP")
    assert conflict().reference not in (None, record.reference)
    [finding] = sweep(store(), ask_psp, lambda _: True)
    where = (
        f"taken by somebody, not by the flow, at {psp.name}: {conflict().reference}, 25.00 GBP; once it is resolved: "
    )
    assert finding.reason.startswith(where)


def test_a_payment_by_hand_does_not_settle_a_declined_donation(
    call: Call, psp: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the sweep or the webhook is the first that knows of it."""
    event = opened(psp, "refused")
    call(psp.name, event)
    psp.pass_days()
    psp.by_hand("another", "don-1", 2500)
    if isinstance(psp, AdyenWorld):
        with monkeypatch.context() as running:
            executions(running, ended=False)
            psp.notify(psp.all_events("don-1")[-1])

    record = swept(monkeypatch)

    assert record.status in ("declined", "abandoned")
    assert conflict().amount == 2500
    [finding] = sweep(store(), ask_psp, lambda _: True)
    assert f"the donation is {record.status}; once it is resolved" in finding.reason
    executions(monkeypatch, ended=True)
    assert psp.notify(psp.all_events("don-1")[-1]) == 200
    assert len(list(store().list(Query(status="conflict")))) == 1


def changed(psp: World, reference: str, **changes: Any) -> None:
    """Change a payment at the PSP; without changes, it was never there."""
    if isinstance(psp, StripeWorld):
        [before] = [each for each in psp.books.objects("payment_intent") if each["id"] == reference]
        with closing(sqlite3.connect(psp.books.path)) as db, db:
            db.execute("DELETE FROM objects WHERE id = ?", (reference,))
            if changes:
                db.execute("INSERT INTO objects VALUES (?, ?)", (reference, json.dumps({**before, **changes})))
    if isinstance(psp, GoCardlessWorld):
        psp.gocardless.keys.clear()
        before = psp.gocardless.objects.pop(reference)
        if changes:
            psp.gocardless.objects[reference] = {**before, **changes}


@pytest.mark.parametrize("is_cancelled", [False, True])
def test_the_donor_is_not_charged_for_what_somebody_took_by_hand(
    call: Call, psp: World, monkeypatch: pytest.MonkeyPatch, is_cancelled: bool
) -> None:
    """Where the PSP is searched before it is charged, and `changed` knows its ledger."""
    if not isinstance(psp, StripeWorld | GoCardlessWorld):
        pytest.skip("it cannot be searched, or its ledger is not known here")
    event = opened(psp)
    own = call(psp.name, event)["reference"]
    psp.by_hand("another", "don-1", 2500)
    changed(psp, own)
    [payment] = call(psp.name, {**event, "operation": "look_up"})["payments"]
    cancelled = {"psp_stripe": "canceled", "psp_gocardless": "cancelled"}[psp.name]
    monkeypatch.setenv("FLOWDSL_NOW", LATER)

    if is_cancelled:
        changed(psp, payment["reference"], status=cancelled)
        assert call(psp.name, event)["status"] != "abandoned", "it is not the donation's"
        return
    with pytest.raises(PspRefused, match=f"has a payment that the flow did not ask for: {payment['reference']}"):
        call(psp.name, event)
    assert psp.charges("don-1") == [2500]
    assert swept(monkeypatch).status == "declined"
    assert (conflict().reference, conflict().amount) == (payment["reference"], 2500)


def test_a_refund_of_a_payment_by_hand_touches_no_donation(
    call: Call, psp: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if it is told while the donation is open."""
    executions(monkeypatch, ended=False)
    event = opened(psp)
    call(psp.name, event)
    psp.pass_days()
    psp.by_hand("another", "don-1", 2500)
    psp.by_hand("give back", "don-1", 400)
    psp.pass_days()

    for request in reversed(psp.all_events("don-1")):
        psp.notify(request)

    assert refunds.of_donation("don-1") == []
    assert add(Contribution("none", "Lifeboats", 0, "GBP")) == 0
