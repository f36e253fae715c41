"""The limits of DynamoDB, which a local run would not meet: the size of items and pages, and throttling in between."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import boto3
import pytest
from attrs import asdict, evolve

from handlers import captures, disputes, redirects, refunds
from handlers.captures import Capture
from handlers.disputes import store as dispute_store
from handlers.psp_adyen.facts import SENT, Fact, facts_of, keep
from handlers.reconcile.sweep import sweep
from handlers.transactions import closing, retention
from handlers.transactions.record import Transaction, from_document, intent
from handlers.transactions.store import Query, Store, store
from tests.handlers.conftest import Call, document, donation
from tests.handlers.test_erasing import a_dispute, a_refund
from tests.handlers.test_persist_output import DONE, backend

__all__ = ["backend"]

pytestmark = pytest.mark.slow

WIDE = "\u7f8e\U0001f600"
"""Three and four bytes in UTF-8, six and twelve in ASCII's JSON."""


@pytest.fixture
def tables(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tables of the other stores, on DynamoDB."""
    if backend == "sqlite":
        return
    keys = {
        "REDIRECTS": ("id",),
        "REFUNDS": ("donation", "id"),
        "CAPTURES": ("id",),
        "DISPUTES": ("id",),
        "ADYEN": ("id", "entry"),
    }
    for name, key in keys.items():
        table = f"{name}-{donation()['id']}"
        boto3.client("dynamodb").create_table(
            TableName=table,
            KeySchema=[{"AttributeName": each, "KeyType": kind} for each, kind in zip(key, ("HASH", "RANGE"))],  # noqa: B905
            AttributeDefinitions=[{"AttributeName": each, "AttributeType": "S"} for each in key],
            BillingMode="PAY_PER_REQUEST",
        )
        monkeypatch.setenv(f"{name}_TABLE", table)


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Each page has one item; the operations that read them."""
    session, read = boto3.session.Session(), list[str]()

    def small(params: dict[str, Any], model: Any, **_: Any) -> None:
        read.append(model.name)
        params["Limit"] = 1

    for operation in ("Query", "Scan"):
        session.events.register(f"provide-client-params.dynamodb.{operation}", small)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", session)
    return read


def paid(number: int, **more: Any) -> Transaction:
    payment = {"status": "paid", "psp": "psp_sandbox", "reference": f"sbx_{number}"}
    event = {**document(id=f"don-{number}"), "payment": payment, "post_processing": DONE, **more}
    return from_document({**event, "started_at": f"2026-01-0{number}T10:00:00.000Z"})


def test_the_largest_document_of_an_execution_is_stored_and_erased(call: Call) -> None:
    """It has 256 KiB, https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html, and an item 400 KB. The
    history of some of them has several pages of 1 MB."""
    event = document(id="don-1", note=WIDE * 4000)
    room = 262_144 - len(json.dumps(event, ensure_ascii=False).encode()) - 200
    event["redirect"] = {"Cause": WIDE * (room // 7)}
    event["payment"] = {"status": "declined"}
    assert 260_000 < len(json.dumps(event, ensure_ascii=False).encode()) <= 262_144
    for number in range(6):
        call("persist_output", {**event, "execution": f"{number}"})

    assert len(store().history("don-1")) == 6
    assert json.loads(store().history("don-1")[-1].document)["redirect"] == event["redirect"]
    assert store().erase("don-1") == 6
    assert not [each for each in store().history("don-1") if "ada@example.org" in each.document]


def test_half_of_a_character_makes_no_document_larger(call: Call) -> None:
    event = document(id="don-1", note="\ud800" + WIDE * 15_000)
    event["error"] = {"Error": "Unexpected", "Cause": "\udfff"}
    call("persist_output", event)
    record = store().get("don-1")
    assert record is not None
    assert json.loads(record.document)["donation"]["note"] == event["donation"]["note"]
    assert len(record.document.encode()) < 110_000
    [closed] = closing.close(store(), "don-1", "nothing was taken")
    assert closed.document
    assert store().erase("don-1")


READS: dict[str, Callable[[], Any]] = {
    "a history": lambda: [each.entry for each in store().history("don-1")],
    "all": lambda: [each.id for each in store().list(Query())],
    "a status": lambda: [each.id for each in store().list(Query(status="paid"))],
    "a charity": lambda: [each.id for each in store().list(Query(charity="Lifeboats"))],
    "days": lambda: [each.id for each in store().list(Query(since="2026-01-01", until="2026-01-05"))],
    "what is due": lambda: sorted(retention.due(store(), until="2026-01-05")),
    "a donation's refunds": lambda: [each.id for each in refunds.of_donation("don-1")],
    "all refunds": lambda: [each.id for each in refunds.listed()],
    "all captures": lambda: [each.donation for each in captures.listed()],
    "all disputes": lambda: [each.id for each in disputes.listed()],
    "what Adyen told": lambda: [each.reference for each in facts_of("don-1")],
}


def fill() -> None:
    for number in range(1, 6):
        store().put(paid(number))
        store().put(evolve(paid(1), status="conflict", document=json.dumps({"donation": {}, "number": number})))
        refunds.begin(evolve(a_refund("open"), id=f"don-1:refund:{number}", number=number))
        disputes_of = evolve(a_dispute("lost"), id=f"dp_{number}")
        dispute_store.put(disputes_of)
        keep(Fact(f"don-1-{number}", SENT, f"2026-01-0{number}", amount=1, currency="GBP"))
        one = asdict(a_refund("open"))
        shared = {name: one[name] for name in ("currency", "charity", "psp", "reference", "status", "code")}
        times = {"requested_at": one["requested_at"], "stored_at": one["stored_at"]}
        captures.begin(Capture(donation=f"don-{number}", amount=1, reserved=2, **shared, **times))


def test_what_comes_in_pages_is_read_to_the_end(tables: None, backend: str, pages: list[str]) -> None:
    fill()
    pages.clear()
    results = {name: read() for name, read in READS.items()}

    assert {name: len(result) for name, result in results.items()} == {
        **dict.fromkeys(READS, 5),
        "a history": 6,
        "all": 10,
        "a charity": 10,
        "days": 10,
        "what is due": 10,
    }
    assert all(len({*result}) >= 5 for result in results.values()), "each item once"
    assert bool(pages) is (backend == "dynamodb")


@pytest.mark.parametrize("name", READS)
def test_throttling_between_two_pages_is_an_error_not_half_of_the_answer(
    tables: None, backend: str, pages: list[str], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    if backend == "sqlite":
        pytest.skip("it has no pages")
    fill()
    whole = READS[name]()
    pages.clear()
    client = boto3.client("dynamodb")
    throttled = client.exceptions.ProvisionedThroughputExceededException({"Error": {}}, "Query")

    def refuse(**_: Any) -> None:
        if len(pages) == 3:
            pages.append("refused")
            raise throttled

    for operation in ("Query", "Scan"):
        boto3.DEFAULT_SESSION.events.register(f"before-call.dynamodb.{operation}", refuse)  # type: ignore[union-attr]
    with pytest.raises(type(throttled)):
        READS[name]()
    assert READS[name]() == whole


@pytest.mark.parametrize("issued", ["2024-02-27T23:59:59.000Z", "2025-12-30T12:00:00.000Z"])
def test_a_ticket_ends_at_the_same_moment_in_both_stores(
    tables: None, monkeypatch: pytest.MonkeyPatch, issued: str
) -> None:
    """After the leap day, and in the next year; one that a clock ahead of this one has issued is good."""
    monkeypatch.setenv("FLOWDSL_NOW", issued)
    ticket = redirects.keep("don-1", "token")
    end = datetime.fromisoformat(issued) + timedelta(seconds=redirects.KEPT)
    for seconds, is_good in ((-redirects.KEPT - 300, True), (-1, True), (0, False), (1, False)):
        now = (end + timedelta(seconds=seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        monkeypatch.setenv("FLOWDSL_NOW", now)
        assert redirects.donation_of(ticket) == ("don-1" if is_good else None)
        assert redirects.token_of("don-1") == ("token" if is_good else None)


class Skewed:
    """A store into which another function, whose clock is an hour behind, writes just before a result is stored."""

    def __init__(self, kept: Store, meanwhile: Transaction) -> None:
        self._kept, self._meanwhile = kept, meanwhile

    def __getattr__(self, name: str) -> Any:
        return getattr(self._kept, name)

    def put(self, transaction: Transaction, *, settles: bool = False) -> Transaction:
        if settles:
            self._kept.put(self._meanwhile)
        return self._kept.put(transaction, settles=settles)


def test_an_execution_that_starts_meanwhile_is_seen_whatever_its_clock_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it the donation would be declined while somebody pays: no sweep would look at it any more."""
    selected = {"name": "psp_sandbox", "function_arn": "arn", "chosen_at": "2026-01-31T09:30:00.000Z", "reason": ""}
    event = {**document(id="don-1"), "psp": selected}
    monkeypatch.setenv("FLOWDSL_NOW", "2026-01-31T09:30:00.000Z")
    store().put(intent(event))
    monkeypatch.setenv("FLOWDSL_NOW", "2026-02-02T09:30:00.000Z")
    later = evolve(intent({**event, "execution": "two"}), stored_at="2026-01-31T09:29:00.000Z")
    kept: Any = Skewed(store(), later)

    [finding] = sweep(kept, lambda *_: {"payments": [], "patience": 0}, lambda _: True)

    assert finding.status == "open"
    record = store().get("don-1")
    assert record is not None
    assert (record.status, json.loads(record.document)["execution"]) == ("open", "two")
