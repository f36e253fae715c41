"""DynamoDB's store does what the file's does: the same writes in the same order lead to the same answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import boto3
import pytest
from attrs import asdict, evolve
from moto import mock_aws

from handlers import dynamodb
from handlers.transactions.dynamodb import DynamoDbStore, definition
from handlers.transactions.file import FileStore
from handlers.transactions.record import STATUSES, Transaction
from handlers.transactions.store import ConflictingTransaction, NotErasable, Query, Store

pytestmark = pytest.mark.slow

Action = Callable[[Store], Any]


@pytest.fixture
def both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Store, Store]]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        client = boto3.client("dynamodb", region_name="eu-west-1")
        client.create_table(**definition("transactions"))
        monkeypatch.setattr(dynamodb, "client", lambda: client)  # making one takes longer than most calls
        yield DynamoDbStore("transactions"), FileStore(tmp_path / "transactions.sqlite")


@pytest.mark.parametrize("seed", range(12))
def test_both_stores_agree(both: tuple[Store, Store], monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    dice = Random(seed)
    for step in range(15):
        now = f"2026-02-01T00:{step:02}:00.000Z"
        monkeypatch.setenv("FLOWDSL_NOW", now)
        action = written(dice, dice.choice(["don-1", "don-2"]), now)
        assert answer(action, both[0]) == answer(action, both[1]), step
    queries = [Query(status="conflict"), Query(status="paid", complete=False), random_query(dice), random_query(dice)]
    for action in (*map(record_and_history, ("don-1", "don-2")), *map(listing, queries)):
        assert answer(action, both[0]) == answer(action, both[1])


def written(dice: Random, identity: str, now: str) -> Action:
    """Something that changes the store."""
    transaction, settles = random_transaction(dice, identity, now), dice.random() < 0.3
    actions: list[Action] = [
        lambda store: store.erase(identity),
        lambda store: store.close_conflicts(identity, lambda each: evolve(each, status="closed")),
        *[lambda store: store.put(transaction, settles=settles)] * 8,
    ]
    return dice.choice(actions)


def random_transaction(dice: Random, identity: str, now: str) -> Transaction:
    status = dice.choice([each for each in STATUSES if each != "closed"] + ["paid"] * 3)
    payments = [("psp_sandbox", "one"), ("psp_sandbox", "two"), ("psp_stripe", "one")]
    psp, reference = dice.choice(payments if status == "paid" else [*payments, ("psp_sandbox", None), (None, None)])
    return Transaction(
        id=identity,
        status=status,
        complete=status != "paid" or dice.random() < 0.5,
        charity=dice.choice(["Lifeboats", "Rainforest", None]),
        amount=dice.choice([2500, None]),
        currency=dice.choice(["GBP", None]),
        psp=psp,
        reference=reference,
        started_at=f"2026-01-0{dice.randint(1, 4)}T00:00:00.000Z",
        stored_at=now,
        document=json.dumps({"number": dice.randint(0, 3), "donation": {"id": identity, "donor": {"name": "Ada"}}}),
    )


def record_and_history(identity: str) -> Action:
    return lambda store: [store.get(identity), *store.history(identity)]


def listing(query: Query) -> Action:
    return lambda store: list(store.list(query))


def random_query(dice: Random) -> Query:
    return Query(
        status=dice.choice([None, *STATUSES]),
        charity=dice.choice([None, None, "Lifeboats"]),
        since=dice.choice([None, "2026-01-02"]),
        until=dice.choice([None, "2026-01-03"]),
        complete=dice.choice([None, True, False]),
    )


def answer(action: Action, store: Store) -> Any:
    try:
        result = action(store)
    except (ConflictingTransaction, NotErasable) as error:
        return f"{type(error).__name__}: {error}"
    if isinstance(result, list):
        return sorted((each and asdict(each) for each in result), key=repr)
    return asdict(result) if isinstance(result, Transaction) else result
