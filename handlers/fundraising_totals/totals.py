"""Charities' totals in the DynamoDB table TOTALS_TABLE (partition key `id`, a string), or in SQLite if it is not set.

Each contribution counts once: its mark and the new total are written in one transaction. Transactions on one item
conflict (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html), so the total of a
charity has PARTS items in the table, and a transaction that conflicts is repeated.
"""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from attrs import frozen

from handlers import dynamodb, sqlite
from handlers.configuration import store_name

_SCHEMA = """
CREATE TABLE IF NOT EXISTS contributions (donation TEXT PRIMARY KEY, charity TEXT NOT NULL, amount INTEGER NOT NULL,
  currency TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS contributions_by_charity ON contributions (charity, currency)
"""

PARTS = 16
_TRIES = 8
_TRANSIENT = {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}


@frozen
class Contribution:
    """An amount that counts once in a charity's total; negative for a refund or a lost dispute, in the minor unit."""

    donation: str
    """The donation's id, or the key of a refund or a dispute."""
    charity: str
    amount: int
    currency: str


def add(contribution: Contribution) -> int:
    """Count the contribution unless it is counted already; return the charity's total in that currency."""
    table = store_name("TOTALS_TABLE")
    return _add_to_table(contribution, table) if table else _add_to_file(contribution, sqlite.database("totals"))


def is_counted(donation: str) -> bool:
    """Return true if the contribution with this name was counted."""
    table = store_name("TOTALS_TABLE")
    if table:
        import boto3

        return any(_items(boto3.client("dynamodb"), table, [{"id": {"S": f"donation#{donation}"}}]))
    with sqlite.transaction(sqlite.database("totals"), _SCHEMA) as db:
        return db.execute("SELECT 1 FROM contributions WHERE donation = ?", (donation,)).fetchone() is not None


def _add_to_file(contribution: Contribution, path: Path) -> int:
    with sqlite.transaction(path, _SCHEMA) as db:
        db.execute(
            "INSERT INTO contributions VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (contribution.donation, contribution.charity, contribution.amount, contribution.currency),
        )
        where = "SELECT SUM(amount) FROM contributions WHERE charity = ? AND currency = ?"
        return int(db.execute(where, (contribution.charity, contribution.currency)).fetchone()[0] or 0)


def _add_to_table(contribution: Contribution, table: str) -> int:
    client = dynamodb.client()
    mark = {
        "id": {"S": f"donation#{contribution.donation}"},
        "charity": {"S": contribution.charity},
        "amount": {"N": str(contribution.amount)},
        "currency": {"S": contribution.currency},
    }
    put = {"TableName": table, "Item": mark, "ConditionExpression": "attribute_not_exists(id)"}
    part = int(hashlib.sha256(contribution.donation.encode()).hexdigest(), 16) % PARTS
    update = {
        "TableName": table,
        "Key": _part(contribution, part),
        "UpdateExpression": "ADD amount :amount",
        "ExpressionAttributeValues": {":amount": {"N": str(contribution.amount)}},
    }
    for attempt in range(_TRIES):
        try:
            client.transact_write_items(TransactItems=[{"Put": put}, {"Update": update}])
            break
        except client.exceptions.TransactionCanceledException as error:
            reasons = {reason["Code"] for reason in error.response["CancellationReasons"]}
            if "ConditionalCheckFailed" in reasons:
                break  # counted before
            if not reasons & _TRANSIENT or attempt == _TRIES - 1:
                raise
        time.sleep(random.uniform(0, 0.05 * 2**attempt))  # noqa: S311 - it spreads transactions that conflict
    return _total(client, contribution, table)


def _total(client: Any, contribution: Contribution, table: str) -> int:
    keys = [_part(contribution, part) for part in range(PARTS)]
    return sum(int(item["amount"]["N"]) for item in _items(client, table, keys))


def _items(client: Any, table: str, keys: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    request = {table: {"Keys": keys, "ConsistentRead": True}}
    while request:
        answer = client.batch_get_item(RequestItems=request)
        yield from answer["Responses"].get(table, [])
        request = answer.get("UnprocessedKeys")


def _part(contribution: Contribution, part: int) -> dict[str, Any]:
    return {"id": {"S": f"total#{contribution.charity}#{contribution.currency}#{part}"}}
