"""What becomes of reservations at each PSP, whoever takes or releases them: its webhook and the sweep store it."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest
from attrs import evolve

from handlers import captures, clock
from handlers.captures.conclusion import release
from handlers.logs import Unexpected
from handlers.money import amount_text
from handlers.outbox.sending import sent
from handlers.psp import PspRefused, PspUnavailable
from handlers.reconcile.sweep import ask_psp, sweep
from handlers.refunds.checking import NotRefundable
from handlers.transactions import retention
from handlers.transactions.record import Transaction, from_document, intent
from handlers.transactions.store import NotErasable, Query, store
from tests.handlers.conftest import Call, document
from tests.handlers.psp_worlds import TOKENS, World, psp

__all__ = ["psp"]

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _only_those_that_reserve(psp: World, executions_have_ended: None) -> None:
    if not psp.captures:
        pytest.skip("it takes payments in one step")


def reserved(call: Call, psp: World) -> dict[str, Any]:
    """The document of a donation of 25.00 GBP that is stored as authorised."""
    event = document(id="don-1", payment_method={"type": "card", "token": TOKENS[psp.name]["paid"]}, capture="later")
    event["psp"] |= {"name": psp.name, "function_arn": "arn:aws:lambda:eu-west-1:123456789012:function:psp"}
    store().put(intent(event))
    event["payment"] = call(psp.name, {**event, "operation": "authorise"})
    store().put(from_document(event))
    psp.pass_days()
    assert record().status == "authorised"
    return event


def record() -> Transaction:
    stored = store().get("don-1")
    assert stored is not None
    return stored


def request(call: Call, psp: World, amount: int) -> dict[str, Any]:
    """Request a capture, and let the PSP's function do it; return the document. Nothing of it is stored."""
    setup: dict[str, Any] = call("capture_setup", {"donation": "don-1", "amount": amount})
    with suppress(PspUnavailable):  # Adyen only receives it
        call(psp.name, setup)
    return setup


def tell(psp: World) -> None:
    """The PSP does what it has received, and its webhook tells all of it, twice."""
    psp.pass_days()
    for event in psp.all_events("don-1"):
        for _ in range(2):
            assert psp.notify(event) == 200


def later(monkeypatch: pytest.MonkeyPatch, hours: int) -> None:
    moment = datetime.fromisoformat(clock.now()) + timedelta(hours=hours)
    monkeypatch.setenv("FLOWDSL_NOW", moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"))


@pytest.mark.parametrize("how", ["webhook", "sweep"])
@pytest.mark.parametrize(("amount", "status"), [(1500, "paid"), (2500, "paid"), (0, "abandoned")])
def test_a_capture_of_which_nobody_heard_is_settled(
    call: Call, psp: World, monkeypatch: pytest.MonkeyPatch, how: str, amount: int, status: str
) -> None:
    """The capture flow ended before it stored the PSP's answer."""
    if how == "webhook" and psp.webhook is None:
        pytest.skip("the sandbox has no webhook")
    reserved(call, psp)
    request(call, psp, amount)
    if how == "webhook":
        tell(psp)
    else:
        psp.pass_days()
        later(monkeypatch, 2)
        list(sweep(store(), ask_psp, lambda _: True))

    assert (record().status, record().complete) == (status, True)
    assert psp.charges("don-1") == ([amount] if amount else [])
    [capture] = captures.listed()
    assert (capture.status, capture.amount) == ("captured" if amount else "released", amount)
    if amount:
        assert (record().amount, json.loads(record().document)["reserved"]) == (amount, 2500)
    later(monkeypatch, 24 * 30)
    assert list(sweep(store(), ask_psp, lambda _: True)) == []


@pytest.mark.parametrize("amount", [700, 2500])
def test_what_somebody_takes_in_the_dashboard_is_stored_at_once(
    call: Call, psp: World, monkeypatch: pytest.MonkeyPatch, amount: int
) -> None:
    if psp.webhook is None:
        pytest.skip("the sandbox has no webhook")
    reserved(call, psp)
    psp.by_hand("capture", "don-1", amount)

    tell(psp)

    assert (record().status, record().amount, psp.charges("don-1")) == ("paid", amount, [amount])
    [capture] = captures.listed()
    assert (capture.status, capture.amount, capture.reserved) == ("captured", amount, 2500)
    with pytest.raises(captures.CaptureConflict, match=f"{amount_text(amount, 'GBP')} is taken already"):
        call("capture_setup", {"donation": "don-1", "amount": 100})
    later(monkeypatch, 24 * 30)
    assert list(sweep(store(), ask_psp, lambda _: True)) == []


@pytest.mark.parametrize("requested", [None, 1500])
def test_a_reservation_that_is_gone_is_stored_at_once(
    call: Call, psp: World, monkeypatch: pytest.MonkeyPatch, requested: int | None
) -> None:
    """It expired, or somebody released it in the dashboard, perhaps after a capture was requested."""
    if psp.webhook is None:
        pytest.skip("the sandbox has no webhook")
    reserved(call, psp)
    if requested:
        call("capture_setup", {"donation": "don-1", "amount": requested})
    psp.by_hand("release", "don-1", 0)

    tell(psp)

    assert (record().status, psp.charges("don-1")) == ("abandoned", [])
    assert [each.status for each in captures.listed()] == (["declined"] if requested else [])
    later(monkeypatch, 24 * 30)
    assert list(sweep(store(), ask_psp, lambda _: True)) == []


def test_a_webhook_about_a_reservation_that_is_only_reserved_changes_nothing(call: Call, psp: World) -> None:
    if psp.webhook is None:
        pytest.skip("the sandbox has no webhook")
    reserved(call, psp)

    tell(psp)

    assert record().status == "authorised"
    assert [each.status for each in store().history("don-1")] == ["open", "authorised"]
    assert list(captures.listed()) == []


def test_a_reservation_that_was_captured_meanwhile_is_not_called_paid_by_the_flow(call: Call, psp: World) -> None:
    """How much of it was taken is not the flow's to say."""
    event = reserved(call, psp)
    request(call, psp, 1500)
    psp.pass_days()

    answer = call(psp.name, {**event, "operation": "authorise", "payment": {**event["payment"], "status": "pending"}})

    assert (answer["status"], answer["code"]) == ("authorised", "captured")
    assert answer["attempts"][-1]["status"] == "authorised"


def test_what_is_taken_of_a_reservation_after_its_capture_is_for_people(
    call: Call, psp: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Adyen can capture a payment several times, if the account allows it."""
    if psp.name != "psp_adyen":
        pytest.skip("it captures a payment once")
    reserved(call, psp)
    request(call, psp, 1500)
    tell(psp)
    psp.by_hand("capture", "don-1", 400)

    tell(psp)

    assert (record().status, record().amount) == ("paid", 1500)
    [conflict] = store().list(Query(status="conflict"))
    assert (conflict.reference, conflict.amount) == (record().reference, 400)
    [finding] = sweep(store(), ask_psp, lambda _: True)
    assert finding.reason.startswith(f"more was taken of the payment at psp_adyen: {record().reference}, 4.00 GBP")

    psp.by_hand("capture", "don-1", 400)
    tell(psp)

    assert [each.amount for each in store().list(Query(status="conflict"))] == [400, 400]


def test_a_capture_that_was_declined_is_not_to_be_run_again(
    call: Call, psp: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The PSP would give the same answer to its key."""
    reserved(call, psp)
    call("capture_setup", {"donation": "don-1", "amount": 2500})
    capture = captures.find("don-1")
    assert capture is not None
    captures.finish(evolve(capture, status="declined", code="refused"))
    later(monkeypatch, 2)

    [finding] = sweep(store(), ask_psp, lambda _: True)

    assert (finding.status, finding.is_open_work) == ("capture declined", True)
    assert finding.reason.endswith(f"the capture was declined: take or release it in the dashboard of {psp.name}")


def test_a_payment_that_another_execution_stores_while_the_psp_is_asked_ends_no_sweep(
    call: Call, psp: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    if psp.name == "psp_adyen":
        pytest.skip("its webhook tells of the capture before")
    event = reserved(call, psp)
    request(call, psp, 2500)
    psp.pass_days()
    later(monkeypatch, 2)

    def ask(transaction: Transaction, inquiry: dict[str, Any]) -> dict[str, Any]:
        answer = ask_psp(transaction, inquiry)
        store().put(from_document({**event, "payment": event["payment"] | {"status": "paid", "reference": "other"}}))
        return answer

    findings = {each.repaired: each.reason for each in sweep(store(), ask, lambda _: True)}

    assert "already paid by" in findings["conflict"]
    assert (record().status, record().reference) == ("paid", "other")


def test_the_sweep_says_if_another_amount_was_taken_than_was_requested(
    call: Call, psp: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    if psp.name != "psp_stripe":
        pytest.skip("the sandbox has no dashboard, and Adyen's webhook tells of it before")
    reserved(call, psp)
    call("capture_setup", {"donation": "don-1", "amount": 1500})
    psp.by_hand("capture", "don-1", 700)
    later(monkeypatch, 2)

    [finding] = sweep(store(), ask_psp, lambda _: True)

    assert finding.reason.endswith("7.00 GBP; requested were 15.00 GBP")
    assert [(each.status, each.amount) for each in captures.listed()] == [("captured", 700)]
    assert (record().status, record().amount) == ("paid", 700)


def test_a_release_that_was_killed_before_it_stored_the_capture_is_finished(
    call: Call, psp: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    reserved(call, psp)
    request(call, psp, 0)
    release(record(), "killed")
    assert [each.status for each in captures.listed()] == ["open"]
    psp.pass_days()
    later(monkeypatch, 2)

    list(sweep(store(), ask_psp, lambda _: True))

    assert record().status == "abandoned"
    assert [each.status for each in captures.listed()] == ["released"]


def test_a_reserved_donation_keeps_its_donor_for_the_receipt(
    call: Call, psp: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    reserved(call, psp)
    with pytest.raises(NotErasable, match="don-1: is authorised; settle it first"):
        store().erase("don-1")
    monkeypatch.setenv("PAYMENTS_RETENTION_DAYS", "1")
    later(monkeypatch, 24 * 4)
    assert retention.apply(store()) == 0
    request(call, psp, 1500)
    psp.pass_days()
    later(monkeypatch, 2)
    list(sweep(store(), ask_psp, lambda _: True))
    assert (record().status, record().complete) == ("paid", True)
    assert store().erase("don-1")


def test_no_more_is_refunded_than_was_taken_of_a_reservation(
    call: Call, psp: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    reserved(call, psp)
    with pytest.raises(NotRefundable, match="authorised; expected a paid donation"):
        call("refund_setup", {"donation": "don-1", "number": 1, "amount": 1})
    request(call, psp, 1500)
    psp.pass_days()
    later(monkeypatch, 2)
    list(sweep(store(), ask_psp, lambda _: True))
    with pytest.raises(NotRefundable, match=r"15.01 GBP is not between 0.01 GBP and the 15.00 GBP that are left"):
        call("refund_setup", {"donation": "don-1", "number": 1, "amount": 1501})


def test_a_webhook_that_is_killed_between_two_writes_is_sent_again(
    call: Call, psp: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    if psp.webhook is None:
        pytest.skip("the sandbox has no webhook")
    reserved(call, psp)
    psp.by_hand("capture", "don-1", 700)
    event = psp.all_events("don-1")[-1]
    with monkeypatch.context() as killed:
        killed.setattr("handlers.captures.conclusion.finish", lambda capture: 1 / 0)
        with pytest.raises(Unexpected):
            psp.notify(event)
    assert (record().status, [each.status for each in captures.listed()]) == ("paid", ["open"])

    later(monkeypatch, 24)
    tell(psp)
    list(sweep(store(), ask_psp, lambda _: True))

    assert (record().status, record().amount, record().complete) == ("paid", 700, True)
    assert len(sent("email.receipt")) == 1
    assert list(store().list(Query(status="conflict"))) == []
    [capture] = captures.listed()
    assert (capture.status, capture.amount) == ("captured", 700)


def test_a_psp_that_cannot_be_asked_is_told_to_send_its_event_again(
    call: Call, psp: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    if psp.webhook is None:
        pytest.skip("the sandbox has no webhook")
    reserved(call, psp)
    psp.by_hand("capture", "don-1", 700)
    event = psp.all_events("don-1")[-1]

    def refused(*_: Any) -> Any:
        raise PspRefused("down")

    with monkeypatch.context() as down:
        down.setattr("handlers.psp_webhook.ask_psp", refused)
        with pytest.raises(PspRefused):
            psp.notify(event)
    assert record().status == "authorised"
    tell(psp)
    assert (record().status, record().amount) == ("paid", 700)
