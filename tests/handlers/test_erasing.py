"""Donors' data that was erased does not come back, and is not erased while somebody may still have to write to them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import boto3
import pytest
from attrs import evolve
from click.testing import CliRunner

from handlers import dynamodb, refunds
from handlers.disputes import store as disputes
from handlers.disputes.record import LOST, NEEDS_RESPONSE, WAITING, Dispute
from handlers.reconcile.sweep import sweep
from handlers.refunds import Refund
from handlers.refunds.store import forget_reason
from handlers.transactions import closing, retention
from handlers.transactions.__main__ import main
from handlers.transactions.record import from_document, intent
from handlers.transactions.store import ConflictingTransaction, NotErasable, store
from tests.handlers.conftest import Call, document
from tests.handlers.test_persist_output import DONE, ERROR, FAILED, backend, final

__all__ = ["backend"]

pytestmark = pytest.mark.slow

PRIVATE = ("Ada Lovelace", "ada@example.org", "tok_")
LATER = "2026-02-10T09:00:00.000Z"


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWDSL_NOW", LATER)


def kept(identity: str = "don-1") -> list[str]:
    """What is left of the donor, in the record or anywhere in the history."""
    record = store().get(identity)
    documents = [each.document for each in (*([record] if record else []), *store().history(identity))]
    assert documents
    return [text for text in PRIVATE if any(text in each for each in documents)]


def declined(**changes: Any) -> dict[str, Any]:
    return {**final("tok_declined", id="don-1"), **changes}


def erase(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["erase", *arguments])
    return result.exit_code, result.output


@pytest.mark.parametrize("after", [0, 1, 3, 5, 7])
def test_what_was_erased_in_part_is_erased_later(
    call: Call, monkeypatch: pytest.MonkeyPatch, backend: str, after: int
) -> None:
    """DynamoDB has no transaction for so many items: it may throttle, or Lambda end, after any of them."""
    if backend == "sqlite":
        pytest.skip("one transaction")
    for number in range(7):
        call("persist_output", declined(execution=str(number)))
    client, left = dynamodb.client(), after

    class Throttled:
        def __getattr__(self, name: str) -> Any:
            return getattr(client, name)

        def update_item(self, **request: Any) -> Any:
            nonlocal left
            if not left:
                raise client.exceptions.ProvisionedThroughputExceededException({"Error": {}}, "UpdateItem")
            left -= 1
            return client.update_item(**request)

    monkeypatch.setattr(dynamodb, "client", Throttled)
    with pytest.raises(client.exceptions.ProvisionedThroughputExceededException):
        store().erase("don-1")
    monkeypatch.setattr(dynamodb, "client", lambda: client)
    assert kept() == list(PRIVATE)

    monkeypatch.setenv("PAYMENTS_RETENTION_DAYS", "5")
    assert retention.apply(store()) == 1
    assert kept() == []


@pytest.mark.parametrize("first", ["declined", "abandoned", "paid"])
@pytest.mark.parametrize("second", ["declined", "abandoned", "paid", "broken"])
def test_an_execution_that_ends_after_the_erasure_brings_nothing_back(call: Call, first: str, second: str) -> None:
    base = declined()
    payment = {"status": "paid", "psp": "psp_sandbox", "reference": "sbx_1"}
    events = {
        "declined": base,
        "abandoned": {**base, "payment": {"status": "abandoned"}},
        "paid": {**base, "payment": payment, "post_processing": DONE},
        "broken": {**base, "payment": {}, "error": ERROR},
    }
    call("persist_output", events[first])
    store().erase("don-1")
    call("persist_output", {**events[second], "execution": "two"})

    if second == "broken" and first != "paid":
        assert kept() == list(PRIVATE), "it is open work, and then settled"
        store().put(from_document({**base, "reconciled": {}}), settles=True)
    assert kept() == []
    store().put(from_document({**events[second], "execution": "two"}))
    assert kept() == ([] if second != "broken" or first == "paid" else list(PRIVATE))


def test_a_donor_who_gives_again_is_a_new_donor(call: Call) -> None:
    """The same donation again, after its erasure: it needs the donor until it is settled, and is as old as it is."""
    call("persist_output", declined())
    store().erase("don-1")
    again = {**document(id="don-1"), "started_at": "2026-02-11T09:30:00.000Z", "execution": "two"}
    store().put(intent(again))
    call("persist_output", {**declined(), "started_at": "2026-02-11T09:30:00.000Z", "execution": "two"})
    assert kept() == list(PRIVATE)


def a_refund(status: str) -> Refund:
    return Refund(
        id="don-1:refund:1",
        donation="don-1",
        number=1,
        amount=500,
        currency="GBP",
        charity="Lifeboats",
        psp="psp_stripe",
        reference="pi_1",
        status=status,
        code="",
        reason="",
        requested_at=LATER,
        stored_at=LATER,
    )


def a_dispute(status: str) -> Dispute:
    return Dispute("dp_1", "don-1", "Lifeboats", 2500, "GBP", "psp_stripe", "pi_1", status, "fraudulent", LATER)


@pytest.mark.parametrize("status", ["open", "pending", "broken", "failed"])
def test_a_donor_whose_refund_is_not_certain_may_have_to_be_paid_in_another_way(
    call: Call, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    call("persist_output", final(id="don-1"))
    refunds.begin(a_refund("open"))
    refunds.finish(a_refund("refunded" if status == "failed" else status))
    refunds.finish(a_refund(status))
    monkeypatch.setenv("PAYMENTS_RETENTION_DAYS", "5")

    assert erase("don-1") == (1, f"don-1: refund don-1:refund:1 is {status}; settle it first\n")
    assert erase("--before", "2026-02-10")[0] == 1
    assert retention.apply(store()) == 0
    assert kept() == list(PRIVATE)
    refunds.finish(a_refund("closed" if status == "failed" else "refunded"))
    assert retention.apply(store()) == 1
    assert kept() == []


@pytest.fixture
def refunds_store(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if backend == "dynamodb":
        names = {"donation": "HASH", "id": "RANGE"}
        monkeypatch.setenv("REFUNDS_TABLE", f"refunds-{uuid4()}")
        boto3.client("dynamodb").create_table(
            TableName=os.environ["REFUNDS_TABLE"],
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in names.items()],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in names],
        )


@pytest.mark.usefixtures("refunds_store")
def test_what_somebody_wrote_of_a_refund_is_erased_too(call: Call) -> None:
    """By the command, for one donation only; what the refund was of stays."""
    for identity in ("don-1", "don-2"):
        made = {**final(id=identity), "psp": {"name": "psp_sandbox", "function_arn": "arn"}}
        call("persist_output", made)
        reason = "Ada Lovelace paid twice with 4242 4242 4242 4242, \ud83d and \x1b[2J"
        prepared = call("refund_setup", {"donation": identity, "number": 1, "amount": 500, "reason": reason})
        prepared["result"] = call("psp_sandbox", prepared)
        assert call("persist_refund", prepared)["status"] == "refunded"
    [refund] = refunds.of_donation("don-1")
    assert refund.reason == "Ada Lovelace paid twice with [card number removed], \\ud83d and \\x1b[2J"

    assert erase("don-1")[0] == 0
    assert refunds.of_donation("don-1") == [evolve(refund, reason="")]
    assert refunds.of_donation("don-2")[0].reason == refund.reason
    later = call("refund_setup", {"donation": "don-1", "number": 2, "amount": 500, "reason": "asked by Ada Lovelace"})
    assert later["amount"] == 500
    assert refunds.of_donation("don-1")[1].reason == ""


@pytest.mark.usefixtures("refunds_store")
def test_who_read_a_refund_before_the_erasure_does_not_bring_its_reason_back() -> None:
    read = refunds.begin(evolve(a_refund("open"), reason="Ada Lovelace paid twice"))
    forget_reason(read)
    stored = refunds.finish(evolve(read, status="refunded"))
    assert stored == evolve(read, status="refunded", reason="")
    assert refunds.of_donation(read.donation) == [stored]


def test_what_somebody_wrote_of_a_refund_stays_while_the_donation_is_open_work(call: Call) -> None:
    call("persist_output", {**final(id="don-1"), "post_processing": FAILED})
    refunds.begin(evolve(a_refund("refunded"), reason="Ada Lovelace paid twice"))
    assert erase("don-1")[0] == 1
    assert refunds.of_donation("don-1")[0].reason == "Ada Lovelace paid twice"


def test_what_somebody_wrote_on_closing_is_erased(call: Call) -> None:
    made = final(id="don-1")
    call("persist_output", made)
    store().put(evolve(from_document({**made, "payment": {"status": "paid", "reference": "pi_2"}}), status="conflict"))
    closing.close(store(), "don-1", "told Ada Lovelace, whose card is 4242 4242 4242 4242")
    assert "[card number removed]" in "".join(each.document for each in store().history("don-1"))
    assert erase("don-1")[0] == 0
    assert kept() == []


@pytest.mark.parametrize("status", [NEEDS_RESPONSE, WAITING])
def test_a_dispute_may_need_what_the_donor_said(call: Call, status: str) -> None:
    call("persist_output", final(id="don-1"))
    disputes.put(a_dispute(status))
    assert erase("don-1") == (1, f"don-1: dispute dp_1 is {status}; settle it first\n")
    disputes.put(a_dispute(LOST))
    assert erase("don-1")[0] == 0
    assert kept() == []


def test_a_second_payment_is_for_people_who_write_to_the_donor(call: Call) -> None:
    paid = final(id="don-1")
    call("persist_output", paid)
    store().put(evolve(from_document({**paid, "payment": {"status": "paid", "reference": "pi_2"}}), status="conflict"))

    assert erase("don-1")[0] == 1
    with pytest.raises(NotErasable, match="don-1: has a conflict; resolve it first"):
        store().erase("don-1")
    closing.close(store(), "don-1", "refunded")
    assert erase("don-1")[0] == 0
    assert kept() == []


def test_what_was_open_work_for_long_is_erased_in_the_night(
    call: Call, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if backend == "dynamodb":
        pytest.skip("each store is read window by window, and moto takes minutes for a year")
    call("persist_output", {**final(id="don-1", started="2025-01-31T09:30:00.000Z"), "post_processing": FAILED})
    monkeypatch.setenv("PAYMENTS_RETENTION_DAYS", "30")
    for hour in ("02", "03"):
        monkeypatch.setenv("FLOWDSL_NOW", f"2026-02-10T{hour}:59:00.000Z")
        assert retention.apply(store()) == 0
    call("persist_output", {**final(id="don-1", started="2025-01-31T09:30:00.000Z"), "post_processing": DONE})
    for hour, count in (("04", 0), ("03", 1), ("03", 0)):
        monkeypatch.setenv("FLOWDSL_NOW", f"2026-02-11T{hour}:00:00.000Z")
        assert retention.apply(store()) == count
    assert kept() == []
    call("persist_output", final(id="don-2", started="2024-10-01T09:30:00.000Z"))
    assert retention.apply(store()) == 0, "a shorter limit is for the command"
    assert erase("--before", "2025-01-01") == (0, "don-2  erased, 1 entry\n")


@pytest.mark.parametrize(
    ("started", "now", "count"),
    [
        ("2024-02-29T23:59:59.999Z", "2025-02-28T23:59:00.000Z", 0),
        ("2024-02-29T23:59:59.999Z", "2025-03-01T00:00:00.000Z", 1),
        ("2023-12-31T00:00:00.000Z", "2024-12-30T23:59:00.000Z", 0),
        ("2023-12-31T00:00:00.000Z", "2024-12-31T00:00:00.000Z", 1),
    ],
)
def test_a_year_over_a_leap_day_and_over_the_end_of_a_year(
    call: Call, monkeypatch: pytest.MonkeyPatch, started: str, now: str, count: int
) -> None:
    call("persist_output", final(id="don-1", started=started))
    monkeypatch.setenv("PAYMENTS_RETENTION_DAYS", "365")
    monkeypatch.setenv("FLOWDSL_NOW", now)
    assert retention.apply(store()) == count


def test_money_that_moves_after_the_erasure_is_stored_without_the_donor(call: Call) -> None:
    """A refund needs the payment alone."""
    call("persist_output", {**final(id="don-1"), "psp": {"name": "psp_sandbox", "function_arn": "arn"}})
    store().erase("don-1")
    prepared = call("refund_setup", {"donation": "don-1", "number": 1, "amount": 500})
    prepared["result"] = call("psp_sandbox", prepared)

    assert call("persist_refund", prepared)["status"] == "refunded"
    assert not [text for text in PRIVATE if text in json.dumps(prepared)]
    assert kept() == []


@pytest.mark.parametrize("status", ["open", "broken"])
def test_what_is_settled_after_the_erasure_stays_settled(
    call: Call, monkeypatch: pytest.MonkeyPatch, backend: str, status: str
) -> None:
    """Storing erases the donor's data again, with which the keys of the history's entries change."""
    psp = {"name": "psp_sandbox", "function_arn": "arn", "chosen_at": LATER}
    first = declined(psp=psp, execution="one")
    store().put(intent(first))
    call("persist_output", first)
    store().erase("don-1")
    second = {**first, "execution": "two", "payment": {"status": "new", "attempts": []}}
    monkeypatch.setenv("FLOWDSL_NOW", "2026-02-10T09:05:00.000Z")
    store().put(intent(second))
    if status == "broken":
        monkeypatch.setenv("FLOWDSL_NOW", "2026-02-10T09:10:00.000Z")
        call("persist_output", {**second, "error": ERROR})
    assert store().get("don-1").status == status  # type: ignore[union-attr]

    found = []
    for day in (12, 13, 14):
        monkeypatch.setenv("FLOWDSL_NOW", f"2026-02-{day}T09:00:00.000Z")
        found += list(sweep(store(), lambda *_: {"payments": [], "patience": 0}, lambda _: True))
        assert (store().get("don-1").status, kept()) == ("declined", [])  # type: ignore[union-attr]
    assert [each.repaired for each in found] == ["declined"]


def test_the_donor_of_a_conflict_is_erased_when_somebody_has_seen_to_it(call: Call, backend: str) -> None:
    one = final(id="don-1", execution="one")
    call("persist_output", one)
    store().erase("don-1")
    late = {**one, "execution": "two", "payment": {**one["payment"], "reference": "sbx_other"}}
    with pytest.raises(ConflictingTransaction):
        store().put(from_document(late))
    assert kept() == list(PRIVATE), "people may have to write to the donor"

    closing.close(store(), "don-1", "refunded by hand")

    assert kept() == []


def test_an_erasure_keeps_a_payment_that_is_stored_meanwhile(
    call: Call, monkeypatch: pytest.MonkeyPatch, backend: str
) -> None:
    if backend == "sqlite":
        pytest.skip("one transaction")
    one = declined(execution="one")
    call("persist_output", one)
    payment = {"status": "paid", "psp": "psp_sandbox", "reference": "sbx_9", "attempts": []}
    paid, client = [from_document({**one, "execution": "two", "payment": payment})], dynamodb.client()

    class Racing:
        def __getattr__(self, name: str) -> Any:
            return getattr(client, name)

        def update_item(self, **request: Any) -> Any:
            if paid:
                store().put(paid.pop())
            return client.update_item(**request)

    monkeypatch.setattr(dynamodb, "client", Racing)
    with pytest.raises(NotErasable, match="post-processing is incomplete"):
        store().erase("don-1")

    record = store().get("don-1")
    assert record is not None
    assert (record.status, json.loads(record.document)["payment"]["status"]) == ("paid", "paid")


class Before:
    """DynamoDB, with something that happens once just before an operation."""

    def __init__(self, operation: str, act: Callable[[], object]) -> None:
        self.client, self.operation, self.acts = dynamodb.client(), operation, [act]

    def __getattr__(self, name: str) -> Any:
        def called(**request: Any) -> Any:
            if name == self.operation and self.acts:
                self.acts.pop()()
            return getattr(self.client, name)(**request)

        return called if name in ("put_item", "update_item") else getattr(self.client, name)


def test_an_erasure_takes_with_it_what_is_stored_meanwhile(
    call: Call, monkeypatch: pytest.MonkeyPatch, backend: str
) -> None:
    """An execution stores a result that does not replace the record, and looks for an erasure before there is one."""
    if backend == "sqlite":
        pytest.skip("one transaction")
    payment = {"status": "paid", "psp": "psp_sandbox", "reference": "sbx_1", "attempts": []}
    call("persist_output", {**declined(execution="one"), "payment": payment, "post_processing": DONE})
    late = from_document(declined(execution="two"))
    racing = Before("update_item", lambda: store().put(late))
    monkeypatch.setattr(dynamodb, "client", lambda: racing)

    store().erase("don-1")

    assert (len(store().history("don-1")), kept()) == (2, [])


def test_two_people_close_a_conflict_at_once(call: Call, monkeypatch: pytest.MonkeyPatch, backend: str) -> None:
    """The donor's data that closing has erased does not come back, and the first note stays."""
    if backend == "sqlite":
        pytest.skip("one transaction")
    one = final(id="don-1", execution="one")
    call("persist_output", one)
    store().erase("don-1")
    late = {**one, "execution": "two", "payment": {**one["payment"], "reference": "sbx_other"}}
    with pytest.raises(ConflictingTransaction):
        store().put(from_document(late))
    racing = Before("put_item", lambda: closing.close(store(), "don-1", "the first one"))
    monkeypatch.setattr(dynamodb, "client", lambda: racing)

    with pytest.raises(closing.NotClosable, match="nothing to close"):
        closing.close(store(), "don-1", "the second one")

    assert kept() == []


@pytest.mark.parametrize("what", ["put", "close"])
def test_a_conflict_that_comes_while_data_is_erased_again_stays_open_work(
    call: Call, monkeypatch: pytest.MonkeyPatch, backend: str, what: str
) -> None:
    one = final(id="don-1", execution="one")
    call("persist_output", one)
    store().erase("don-1")
    others = [{**one, "execution": each, "payment": {**one["payment"], "reference": each}} for each in ("two", "three")]
    if what == "close":
        with pytest.raises(ConflictingTransaction):
            store().put(from_document(others.pop()))
    erase = type(store()).erase

    def conflicting(kept: Any, identity: str) -> int:
        while others:
            with pytest.raises(ConflictingTransaction):
                kept.put(from_document(others.pop()))
        return erase(kept, identity)

    monkeypatch.setattr(type(store()), "erase", conflicting)

    if what == "close":
        assert len(closing.close(store(), "don-1", "seen to")) == 1
    else:
        call("persist_output", {**one, "execution": "again"})

    assert "conflict" in {each.status for each in store().history("don-1")}
    assert kept() == list(PRIVATE), "people may have to write to the donor"


def test_an_erased_donation_is_shown(call: Call, backend: str) -> None:
    call("persist_output", declined())
    assert erase("don-1")[0] == 0
    shown = CliRunner().invoke(main, ["show", "don-1"])
    assert shown.exit_code == 0, shown.output
    assert "  declined (" in shown.stdout
