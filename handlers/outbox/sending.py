"""Send messages to the bus PAYMENTS_EVENT_BUS, or to a SQLite file if it is not set."""

from __future__ import annotations

import json
from pathlib import Path

from handlers import clock, sqlite
from handlers.configuration import store_name
from handlers.outbox.message import Message, NotDelivered

SOURCE = "payments"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS messages (kind TEXT NOT NULL, key TEXT NOT NULL, detail TEXT NOT NULL,
  sent_at TEXT NOT NULL, PRIMARY KEY (kind, key))
"""


def send(message: Message) -> None:
    """Send the message; sending it again (same kind and key) has no effect. Raises NotDelivered."""
    bus = store_name("PAYMENTS_EVENT_BUS")
    if bus:
        _to_bus(message, bus)
    else:
        _to_file(message, sqlite.database("outbox"))


def sent(kind: str | None = None) -> list[Message]:
    """Return the messages in the file, oldest first; for local runs and tests."""
    with sqlite.transaction(sqlite.database("outbox"), _SCHEMA) as db:
        rows = db.execute("SELECT kind, key, detail FROM messages ORDER BY rowid").fetchall()
    messages = [Message(row["kind"], row["key"], json.loads(row["detail"])) for row in rows]
    return [message for message in messages if kind in (None, message.kind)]


def _to_file(message: Message, path: Path) -> None:
    with sqlite.transaction(path, _SCHEMA) as db:
        db.execute(
            "INSERT INTO messages VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (message.kind, message.key, json.dumps(message.detail), clock.now()),
        )


def _to_bus(message: Message, bus: str) -> None:
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    entry = {
        "EventBusName": bus,
        "Source": SOURCE,
        "DetailType": message.kind,
        "Detail": json.dumps({**message.detail, "key": message.key}),
    }
    try:
        answer = boto3.client("events").put_events(Entries=[entry])
    except (BotoCoreError, ClientError) as error:
        raise NotDelivered(f"{message.kind} {message.key}: {type(error).__name__}") from error
    # PutEvents succeeds even if it rejects an entry.
    if answer["FailedEntryCount"]:
        raise NotDelivered(f"{message.kind} {message.key}: {answer['Entries'][0]['ErrorCode']}")
