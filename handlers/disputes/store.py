"""The store of disputes: the DynamoDB table DISPUTES_TABLE (partition key `id`), or a SQLite file if it is not set."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from attrs import asdict

from handlers import sqlite
from handlers.configuration import store_name
from handlers.disputes.record import Dispute

_SCHEMA = "CREATE TABLE IF NOT EXISTS disputes (id TEXT PRIMARY KEY, body TEXT NOT NULL)"


def put(dispute: Dispute) -> Dispute:
    """Store the dispute's state if it may replace the stored one; return the stored one."""
    table = store_name("DISPUTES_TABLE")
    return _to_table(dispute, table) if table else _to_file(dispute)


def listed() -> Iterator[Dispute]:
    """Yield all disputes, by their ids. Disputes are few: a table is scanned."""
    table = store_name("DISPUTES_TABLE")
    if table:
        pages = _client().get_paginator("scan").paginate(TableName=table)
        bodies = [item["body"]["S"] for page in pages for item in page["Items"]]
    else:
        bodies = _bodies() if _file().exists() else []
    yield from sorted((Dispute(**json.loads(body)) for body in bodies), key=lambda dispute: dispute.id)


def _to_file(dispute: Dispute) -> Dispute:
    with sqlite.transaction(_file(), _SCHEMA) as db:
        row = db.execute("SELECT body FROM disputes WHERE id = ?", (dispute.id,)).fetchone()
        stored = Dispute(**json.loads(row["body"])) if row else None
        if stored is not None and not dispute.may_replace(stored):
            return stored
        db.execute("INSERT OR REPLACE INTO disputes VALUES (?, ?)", (dispute.id, json.dumps(asdict(dispute))))
        return dispute


def _to_table(dispute: Dispute, table: str) -> Dispute:
    client = _client()
    item = {"id": {"S": dispute.id}, "body": {"S": json.dumps(asdict(dispute))}}
    response = client.get_item(TableName=table, Key={"id": item["id"]}, ConsistentRead=True)
    if "Item" not in response:
        client.put_item(TableName=table, Item=item, ConditionExpression="attribute_not_exists(id)")
        return dispute
    before = response["Item"]["body"]
    stored = Dispute(**json.loads(before["S"]))
    if not dispute.may_replace(stored):
        return stored
    # Atomic: only what was read is replaced. A writer in between fails this one, and the event comes again.
    client.put_item(
        TableName=table,
        Item=item,
        ConditionExpression="body = :before",
        ExpressionAttributeValues={":before": before},
    )
    return dispute


def _bodies() -> list[str]:
    with sqlite.transaction(_file(), _SCHEMA) as db:
        return [row["body"] for row in db.execute("SELECT body FROM disputes").fetchall()]


def _file() -> Path:
    return sqlite.database("disputes")


def _client() -> Any:
    import boto3

    return boto3.client("dynamodb")
