"""A donation to take, and what the books say of it afterwards: ledger, outbox, stored transactions."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from flowdsl.testing import (
    Run,
)
from handlers import sqlite
from handlers.outbox.sending import sent
from handlers.psp_sandbox.ledger import Ledger, Payment
from handlers.transactions.record import Transaction
from handlers.transactions.store import Query, store

ROOT = Path(__file__).parents[2]
HOUR = 3600
DAY = 24 * HOUR
FOR_EVER = 10_000
"""More often than any step is repeated."""
STEPS = ["Receipt", "FundraisingTotals", "PublishEvent"]
RESULTS = {"Receipt": "receipt", "FundraisingTotals": "totals", "PublishEvent": "event"}


def donation(token: str = "tok_paid", **changes: Any) -> dict[str, Any]:
    return {
        "id": "don-1",
        "charity": "Lifeboats",
        "amount": 2500,
        "currency": "GBP",
        "payment_method": {"type": "card", "token": token},
        "donor": {"name": "Ada Lovelace", "email": "ada@example.org"},
        **changes,
    }


# -- what the books say


def charges() -> list[tuple[int, str]]:
    """The amounts that the sandbox has taken, with the idempotency keys."""
    with closing(sqlite3.connect(sqlite.database("psp-sandbox"))) as db:
        return db.execute("SELECT amount, key FROM movements WHERE kind = 'capture'").fetchall()


def payments() -> list[Payment]:
    return Ledger(sqlite.database("psp-sandbox")).payments()


def stored(status: str | None = None) -> Transaction:
    [transaction] = store().list(Query(status=status))
    return transaction


def kinds() -> list[str]:
    return [message.kind for message in sent()]


def statuses(run: Run) -> list[str]:
    return [attempt["status"] for attempt in run.output["payment"]["attempts"]]


def assert_paid_once(run: Run) -> None:
    assert run.status == "SUCCEEDED"
    assert run.output["payment"]["status"] == "paid"
    assert [amount for amount, _ in charges()] == [2500]
    assert stored().status == run.output["transaction"]["status"] == "paid"
    assert json.loads(stored().document)["payment"] == run.output["payment"]
