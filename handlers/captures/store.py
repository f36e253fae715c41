"""The store of captures: the DynamoDB table CAPTURES_TABLE (partition key `id`, the donation's), or a SQLite file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from attrs import asdict

from handlers import dynamodb, sqlite
from handlers.captures.record import Capture, conflict
from handlers.configuration import store_name

_SCHEMA = "CREATE TABLE IF NOT EXISTS captures (id TEXT PRIMARY KEY, body TEXT NOT NULL)"


def begin(capture: Capture) -> Capture:
    """Store an open capture before the PSP is asked, and return the stored one: the donation's first.

    Raises CaptureConflict if that one has another amount.
    """
    table = store_name("CAPTURES_TABLE")
    if table:
        dynamodb.put_new(table, _item(capture))
    else:
        with sqlite.transaction(_file(), _SCHEMA) as db:
            values = (capture.donation, json.dumps(asdict(capture)))
            db.execute("INSERT INTO captures VALUES (?, ?) ON CONFLICT DO NOTHING", values)
    stored = find(capture.donation) or capture
    if (stored.amount, stored.reference) != (capture.amount, capture.reference):
        raise conflict(stored)
    return stored


def finish(capture: Capture) -> Capture:
    """Store the capture's new state unless the stored one is final; return the stored one."""
    table = store_name("CAPTURES_TABLE")
    if table:
        client = dynamodb.client()
        try:
            client.put_item(
                TableName=table,
                Item=_item(capture),
                ConditionExpression="attribute_not_exists(id) OR NOT #status IN (:captured, :released)",
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={":captured": {"S": "captured"}, ":released": {"S": "released"}},
            )
        except client.exceptions.ConditionalCheckFailedException:
            return find(capture.donation) or capture
        return capture
    with sqlite.transaction(_file(), _SCHEMA) as db:
        row = db.execute("SELECT body FROM captures WHERE id = ?", (capture.donation,)).fetchone()
        if row and (stored := Capture(**json.loads(row["body"]))).is_final:
            return stored
        values = (capture.donation, json.dumps(asdict(capture)))
        db.execute("INSERT OR REPLACE INTO captures VALUES (?, ?)", values)
        return capture


def find(donation: str) -> Capture | None:
    """Return the donation's capture, or None if none was requested."""
    table = store_name("CAPTURES_TABLE")
    if table:
        item = dynamodb.get(table, id=donation)
        return Capture(**json.loads(item["body"]["S"])) if item else None
    if not _file().exists():
        return None
    with sqlite.transaction(_file(), _SCHEMA) as db:
        row = db.execute("SELECT body FROM captures WHERE id = ?", (donation,)).fetchone()
    return Capture(**json.loads(row["body"])) if row else None


def listed(status: str | None = None) -> Iterator[Capture]:
    """Yield all captures, or those with this status, oldest first. A table is scanned."""
    table = store_name("CAPTURES_TABLE")
    if table:
        bodies = [item["body"]["S"] for item in dynamodb.scan(table)]
    elif _file().exists():
        with sqlite.transaction(_file(), _SCHEMA) as db:
            bodies = [row["body"] for row in db.execute("SELECT body FROM captures").fetchall()]
    else:
        bodies = []
    captures = (Capture(**json.loads(body)) for body in bodies)
    matching = (capture for capture in captures if status in (None, capture.status))
    yield from sorted(matching, key=lambda capture: (capture.requested_at, capture.donation))


def _item(capture: Capture) -> dict[str, Any]:
    return {
        "id": {"S": capture.donation},
        "status": {"S": capture.status},
        "body": {"S": json.dumps(asdict(capture))},
    }


def _file() -> Path:
    return sqlite.database("captures")
