"""Charities' totals in the DynamoDB table TOTALS_TABLE (partition key `id`, a string), or in SQLite if it is not set.

Each donation counts once: its mark and the new total are written in one transaction.
"""

from __future__ import annotations

from pathlib import Path

from attrs import frozen

from handlers import sqlite
from handlers.configuration import store_name

_SCHEMA = """
CREATE TABLE IF NOT EXISTS contributions (donation TEXT PRIMARY KEY, charity TEXT NOT NULL, amount INTEGER NOT NULL,
  currency TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS contributions_by_charity ON contributions (charity, currency)
"""


@frozen
class Contribution:
    """A donation's part of a total; the amount is in the currency's minor unit."""

    donation: str
    charity: str
    amount: int
    currency: str


def add(contribution: Contribution) -> int:
    """Count the contribution unless it is counted already; return the charity's total in that currency."""
    table = store_name("TOTALS_TABLE")
    return _add_to_table(contribution, table) if table else _add_to_file(contribution, sqlite.database("totals"))


def _add_to_file(contribution: Contribution, path: Path) -> int:
    with sqlite.transaction(path, _SCHEMA) as db:
        db.execute(
            "INSERT INTO contributions VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (contribution.donation, contribution.charity, contribution.amount, contribution.currency),
        )
        where = "SELECT SUM(amount) FROM contributions WHERE charity = ? AND currency = ?"
        return int(db.execute(where, (contribution.charity, contribution.currency)).fetchone()[0] or 0)


def _add_to_table(contribution: Contribution, table: str) -> int:
    import boto3

    client = boto3.client("dynamodb")
    total = {"id": {"S": f"total#{contribution.charity}#{contribution.currency}"}}
    mark = {
        "id": {"S": f"donation#{contribution.donation}"},
        "charity": {"S": contribution.charity},
        "amount": {"N": str(contribution.amount)},
        "currency": {"S": contribution.currency},
    }
    put = {"TableName": table, "Item": mark, "ConditionExpression": "attribute_not_exists(id)"}
    update = {
        "TableName": table,
        "Key": total,
        "UpdateExpression": "ADD amount :amount",
        "ExpressionAttributeValues": {":amount": {"N": str(contribution.amount)}},
    }
    try:
        client.transact_write_items(TransactItems=[{"Put": put}, {"Update": update}])
    except client.exceptions.TransactionCanceledException as error:
        reasons = [reason["Code"] for reason in error.response["CancellationReasons"]]
        if reasons[0] != "ConditionalCheckFailed":
            raise
    response = client.get_item(TableName=table, Key=total, ConsistentRead=True)
    return int(response["Item"]["amount"]["N"])
