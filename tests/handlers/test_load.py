"""Many donations to one charity at the same moment: totals lose nothing, count nothing twice, and no key gets hot."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

import boto3
import pytest
from attrs import define, field
from botocore.exceptions import ConnectionClosedError

from handlers.fundraising_totals import totals
from handlers.fundraising_totals.totals import PARTS, Contribution, add
from handlers.reconcile.sweep import sweep
from handlers.transactions.dynamodb import INDEXES, SHARDS, DynamoDbStore, definition
from handlers.transactions.record import from_document, intent
from handlers.transactions.store import store
from tests.handlers.conftest import donation

CROWD = 60

pytestmark = pytest.mark.slow


@define
class Busy:
    """DynamoDB under load, as its documentation describes it: a share of the calls is refused, or its answer is lost.

    Sources: DynamoDB API Reference, TransactWriteItems (TransactionCanceledException and its CancellationReasons) and
    BatchGetItem (UnprocessedKeys).
    """

    client: Any
    share: float
    dice: Random = field(factory=lambda: Random(7))
    faults: Counter[str] = field(factory=Counter)
    lock: Any = field(factory=threading.Lock)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.client, name)

    def fault(self, *kinds: str) -> str | None:
        with self.lock:
            if self.dice.random() >= self.share:
                return None
            kind = self.dice.choice(kinds)
            self.faults[kind] += 1
            return kind

    def transact_write_items(self, **arguments: Any) -> Any:
        kind = self.fault("TransactionConflict", "ThrottlingError", "lost")
        if kind in ("TransactionConflict", "ThrottlingError"):
            reasons = [{"Code": "None"}, {"Code": kind}]
            answer = {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": reasons}
            raise self.client.exceptions.TransactionCanceledException(answer, "TransactWriteItems")
        result = self.client.transact_write_items(**arguments)
        if kind == "lost":
            raise ConnectionClosedError(endpoint_url="https://dynamodb")
        return result

    def batch_get_item(self, RequestItems: Any) -> Any:  # noqa: N803 - AWS's name
        if self.fault("unprocessed") is None:
            return self.client.batch_get_item(RequestItems=RequestItems)
        [(table, request)] = RequestItems.items()
        keys = request["Keys"]
        some, rest = keys[: len(keys) // 2], keys[len(keys) // 2 :]
        if not some:
            return {"Responses": {}, "UnprocessedKeys": RequestItems}
        answer = self.client.batch_get_item(RequestItems={table: {**request, "Keys": some}})
        return {**answer, "UnprocessedKeys": {table: {**request, "Keys": rest}}}


@pytest.fixture
def busy(aws: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Busy]:
    client = boto3.client("dynamodb")
    client.create_table(
        TableName="load-totals",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    monkeypatch.setenv("TOTALS_TABLE", "load-totals")
    made = Busy(client, 0.4)
    monkeypatch.setattr(boto3, "client", lambda *_, **__: made)
    monkeypatch.setattr(totals.time, "sleep", lambda _: None)
    yield made
    client.delete_table(TableName="load-totals")


def stored_total(busy: Busy) -> int:
    pages = busy.client.get_paginator("scan").paginate(TableName="load-totals")
    items = [item for page in pages for item in page["Items"]]
    return sum(int(item["amount"]["N"]) for item in items if item["id"]["S"].startswith("total#"))


def count(contribution: Contribution) -> int:
    """The function, run again by the flow until it succeeds, and once more by a duplicate execution."""
    for _ in range(20):
        try:
            add(contribution)
        except Exception:  # noqa: BLE001 - States.ALL
            continue
        return 1
    return 0


def test_totals_of_one_charity_lose_nothing(busy: Busy) -> None:
    crowd = [Contribution(f"don-{number}", "Lifeboats", number + 1, "GBP") for number in range(CROWD)]
    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(count, [*crowd, *crowd])) == 2 * CROWD

    assert {*busy.faults} == {"TransactionConflict", "ThrottlingError", "lost", "unprocessed"}
    assert stored_total(busy) == sum(range(CROWD + 1))
    busy.share = 0.0
    assert add(crowd[0]) == sum(range(CROWD + 1)), "what the function answers has all parts"


def test_a_total_that_dynamodb_answers_in_parts_is_complete(busy: Busy, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = iter(["unprocessed"] * 3)
    monkeypatch.setattr(Busy, "fault", lambda _, *kinds: next(parts, None) if kinds == ("unprocessed",) else None)
    for number in range(20):
        total = add(Contribution(f"don-{number}", "Lifeboats", 1, "GBP"))
        parts = iter(["unprocessed"] * 3)
        assert total == number + 1


def test_what_post_processing_could_not_finish_is_finished_by_the_sweep(
    busy: Busy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The table refuses everything for a while; then two sweeps at once finish what is left, under load."""
    documents = []
    for number in range(15):
        body = donation(id=f"don-{number}", amount=100)
        payment = {"status": "paid", "psp": "psp_sandbox", "reference": f"sbx_{number}", "attempts": []}
        failed = {"totals": {"status": "failed", "error": "TransactionCanceledException"}}
        document = {
            "donation": body,
            "payment": payment,
            "psp": {"name": "psp_sandbox"},
            "started_at": "2026-01-31T09:30:00.000Z",
            "post_processing": {"receipt": {"status": "done"}, "event": {"status": "done"}, **failed},
        }
        store().put(from_document(document))
        documents.append(document)
    busy.share = 1.0
    assert [each.repaired for each in sweep(store(), lambda *_: {}, lambda _: True)] == [None] * 15

    busy.share = 0.4
    with ThreadPoolExecutor(2) as pool:
        for _ in range(4):
            list(pool.map(lambda _: [*sweep(store(), lambda *_: {}, lambda _: True)], range(2)))
    busy.share = 0.0

    assert [*sweep(store(), lambda *_: {}, lambda _: True)] == []
    assert stored_total(busy) == 1500


def test_no_key_of_a_table_or_an_index_gets_hot(aws: str) -> None:
    """All donations of a day, with one status and to one charity: their entries have 16 keys in each index."""
    client = boto3.client("dynamodb")
    client.create_table(**definition("load-transactions"))
    try:
        kept = DynamoDbStore("load-transactions")
        for number in range(100):
            body = donation(id=f"don-{number}")
            kept.put(intent({"donation": body, "started_at": "2026-01-31T09:30:00.000Z"}))
        pages = client.get_paginator("scan").paginate(TableName="load-transactions")
        items = [item for page in pages for item in page["Items"] if item["entry"]["S"] == "current"]
        for name in INDEXES.values():
            keys = Counter(item[name]["S"] for item in items)
            assert len(keys) == SHARDS
            assert max(keys.values()) < 3 * 100 / SHARDS, "evenly enough"
        history = [item for page in pages for item in page["Items"] if item["entry"]["S"] != "current"]
        assert not [item for item in history if "started_at" in item], "the history costs no index a write"
    finally:
        client.delete_table(TableName="load-transactions")


def test_the_parts_of_a_total_are_used_evenly(busy: Busy) -> None:
    busy.share = 0.0
    for number in range(100):
        add(Contribution(f"don-{number}", "Lifeboats", 1, "GBP"))
    pages = busy.client.get_paginator("scan").paginate(TableName="load-totals")
    parts = [
        int(item["amount"]["N"]) for page in pages for item in page["Items"] if item["id"]["S"].startswith("total#")
    ]
    assert (len(parts), sum(parts)) == (PARTS, 100)
    assert max(parts) < 3 * 100 / PARTS
