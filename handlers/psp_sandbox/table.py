"""The sandbox's ledger in the DynamoDB table SANDBOX_TABLE (partition key `id`, a string), for deployed trials.

Each item is the SQLite file of one order, so every operation does the same as in a local run. It is one transaction:
the item is replaced only if it did not change since it was read.
"""

from __future__ import annotations

import random
import sqlite3
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from attrs import frozen

from handlers import dynamodb, sqlite
from handlers.configuration import store_name
from handlers.psp_sandbox.ledger import SCHEMA, Down, Ledger, Payment, listed

_T = TypeVar("_T")
_TRIES = 20


@frozen
class TableLedger(Ledger):
    """A ledger in a table; `path` is the table's name."""

    def payments(self, order: str | None = None) -> list[Payment]:
        if order is not None:
            return super().payments(order)
        pages = dynamodb.client().get_paginator("scan").paginate(TableName=str(self.path), ConsistentRead=True)
        matching: list[Payment] = []
        for page in pages:
            for item in page["Items"]:
                with _opened(item) as db:
                    matching += listed(db)
        return sorted(matching, key=lambda payment: payment.created_at)

    def work(self, order: str, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """Run the work on the order's data and store it. Raises Down if others keep changing the same order."""
        client = dynamodb.client()
        for attempt in range(_TRIES):
            item = dynamodb.get(str(self.path), id=order)
            with _opened(item) as db:
                before = db.total_changes
                result = work(db)
                if db.total_changes == before:
                    return result
                data = zlib.compress(db.serialize(), 9)
            version = int(item["version"]["N"]) if item else 0
            try:
                client.put_item(
                    TableName=str(self.path),
                    Item={"id": {"S": order}, "version": {"N": str(version + 1)}, "data": {"B": data}},
                    ConditionExpression="version = :version" if item else "attribute_not_exists(id)",
                    **({"ExpressionAttributeValues": {":version": {"N": str(version)}}} if item else {}),
                )
            except client.exceptions.ConditionalCheckFailedException:
                time.sleep(random.uniform(0, 0.05 * (attempt + 1)))  # noqa: S311 - it spreads the writers
            else:
                return result
        raise Down("the sandbox's ledger is busy")


@contextmanager
def _opened(item: dict[str, Any] | None) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        if item:
            db.deserialize(zlib.decompress(item["data"]["B"]))
        db.row_factory = sqlite3.Row
        db.executescript(SCHEMA)
        yield db


def open_ledger() -> Ledger:
    """Return the ledger of this environment. Raises Misconfigured on Lambda without SANDBOX_TABLE."""
    table = store_name("SANDBOX_TABLE")
    return TableLedger(Path(table)) if table else Ledger(sqlite.database("psp-sandbox"))
