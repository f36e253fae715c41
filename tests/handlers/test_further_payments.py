"""Payments that somebody took in a PSP's dashboard, besides the flow's: stored at once, and for people."""

from __future__ import annotations

from typing import Any

import pytest

from handlers.reconcile.sweep import ask_psp, sweep
from handlers.transactions.closing import close
from handlers.transactions.record import Transaction, from_document, intent
from handlers.transactions.store import Query, store
from tests.handlers.conftest import Call, document
from tests.handlers.psp_worlds import TOKENS, World, psp

__all__ = ["psp"]

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _only_those_that_tell(psp: World) -> None:
    if psp.webhook is None:
        pytest.skip("the sandbox has no webhook")


def executions(monkeypatch: pytest.MonkeyPatch, *, ended: bool) -> None:
    for module in ("handlers.reconcile.sweep", "handlers.psp_webhook"):
        monkeypatch.setattr(f"{module}.execution_has_ended", lambda execution, **_: ended)


def taken(call: Call, psp: World) -> dict[str, Any]:
    """The document of a donation of 25.00 GBP that the PSP has taken; stored is that it is open."""
    event = document(id="don-1", payment_method={"type": "card", "token": TOKENS[psp.name]["paid"]})
    event["psp"] |= {"name": psp.name, "function_arn": "arn:aws:lambda:eu-west-1:123456789012:function:psp"}
    store().put(intent(event))
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
