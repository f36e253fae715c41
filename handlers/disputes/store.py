"""The store of disputes: the DynamoDB table DISPUTES_TABLE (partition key `id`), or a SQLite file if it is not set."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from attrs import asdict

from handlers import dynamodb, sqlite
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
    bodies = [item["body"]["S"] for item in dynamodb.scan(table)] if table else _bodies()
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
    item = {"id": {"S": dispute.id}, "body": {"S": json.dumps(asdict(dispute))}}
    before = dynamodb.get(table, id=dispute.id)
    stored = Dispute(**json.loads(before["body"]["S"])) if before else None
    if stored is not None and not dispute.may_replace(stored):
        return stored
    # Atomic: only what was read is replaced. A writer in between fails this one, and the event comes again.
    request: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(id)"}
    if before:
        request = {"ConditionExpression": "body = :before", "ExpressionAttributeValues": {":before": before["body"]}}
    dynamodb.client().put_item(TableName=table, Item=item, **request)
    return dispute


def _bodies() -> list[str]:
    if not _file().exists():
        return []  # reading must not create a file
    with sqlite.transaction(_file(), _SCHEMA) as db:
        return [row["body"] for row in db.execute("SELECT body FROM disputes").fetchall()]


def _file() -> Path:
    return sqlite.database("disputes")
