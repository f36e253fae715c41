"""The task tokens with which executions wait for donors and PSPs. Donors get a ticket, a digest of the token.

Stored in the DynamoDB table REDIRECTS_TABLE (partition key `id`, a string), or in SQLite if it is not set. Every ticket
of a donation leads to the token that its execution waits with now, if it waits for the donor: only the PSP's webhook
ends the wait for a bank. Tokens and tickets that have expired are not read, and DynamoDB deletes them by `expires_at`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from sqlite3 import Connection

from handlers import clock, dynamodb, sqlite
from handlers.configuration import store_name

_SCHEMA = """
CREATE TABLE IF NOT EXISTS issued (ticket TEXT PRIMARY KEY, donation TEXT NOT NULL, expires_at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS tokens (donation TEXT PRIMARY KEY, token TEXT NOT NULL, expires_at INTEGER NOT NULL,
  awaits TEXT)
"""

DONOR, PSP = "donor", "psp"
"""Values of `awaits`: who resumes the execution. A token that an earlier version stored has none, and counts for
both."""

KEPT = 2 * 24 * 3600
"""Seconds after which tickets and tokens expire: a day for the donor, and another in which a return is `late`."""


def keep(donation: str, token: str, awaits: str = DONOR) -> str:
    """Store the token that the donation's execution waits with, and return its ticket.

    The ticket is a digest of the token: nobody can guess it, as nobody can guess the token.
    """
    ticket = hashlib.sha256(token.encode()).hexdigest()
    expires_at = _now() + KEPT
    table = store_name("REDIRECTS_TABLE")
    if table:
        client = dynamodb.client()
        # The token first: every ticket must lead to one.
        for identity, values in (
            (f"donation#{donation}", {"token": token, "awaits": awaits}),
            (f"ticket#{ticket}", {"donation": donation}),
        ):
            item = {name: {"S": value} for name, value in {"id": identity, **values}.items()}
            client.put_item(TableName=table, Item={**item, "expires_at": {"N": str(expires_at)}})
    else:
        with _file() as db:
            for name in ("issued", "tokens"):
                db.execute(f"DELETE FROM {name} WHERE expires_at <= ?", (_now(),))  # noqa: S608 - names from above
            db.execute("INSERT OR REPLACE INTO issued VALUES (?, ?, ?)", (ticket, donation, expires_at))
            insert = "INSERT OR REPLACE INTO tokens (donation, token, awaits, expires_at) VALUES (?, ?, ?, ?)"
            db.execute(insert, (donation, token, awaits, expires_at))
    return ticket


def donation_of(ticket: str) -> str | None:
    """Return the donation that the ticket was issued for, or None if it was never issued or has expired."""
    table = store_name("REDIRECTS_TABLE")
    if table:
        return _get(table, f"ticket#{ticket}").get("donation")
    with _file() as db:
        query = "SELECT donation FROM issued WHERE ticket = ? AND expires_at > ?"
        row = db.execute(query, (ticket, _now())).fetchone()
    return row["donation"] if row else None


def token_of(donation: str, *awaits: str) -> str | None:
    """Return the donation's last token, or None if it has expired, or awaits none of these (none given: any)."""
    table = store_name("REDIRECTS_TABLE")
    if table:
        stored = _get(table, f"donation#{donation}")
    else:
        with _file() as db:
            query = "SELECT token, awaits FROM tokens WHERE donation = ? AND expires_at > ?"
            row = db.execute(query, (donation, _now())).fetchone()
        stored = dict(row) if row else {}
    return stored.get("token") if stored.get("awaits") in (None, *(awaits or (DONOR, PSP))) else None


def resume(donation: str, output: str, *awaits: str) -> bool:
    """Resume the donation's execution with this output (JSON); return false if it does not await one of these."""
    import boto3
    from botocore.exceptions import ClientError

    token = token_of(donation, *awaits)
    if token is None:
        return False
    try:
        boto3.client("stepfunctions").send_task_success(taskToken=token, output=output)
    except ClientError as error:
        # Timed out, answered before, or its execution has ended.
        if error.response["Error"]["Code"] not in ("TaskTimedOut", "TaskDoesNotExist", "InvalidToken"):
            raise
        return False
    return True


def _get(table: str, identity: str) -> dict[str, str]:
    item = dynamodb.get(table, id=identity)
    if item is None or int(item.get("expires_at", {"N": "0"})["N"]) <= _now():
        return {}
    return {name: str(typed["S"]) for name, typed in item.items() if "S" in typed}


def _now() -> int:
    """Return the seconds since 1970."""
    return int(datetime.fromisoformat(clock.now()).timestamp())


@contextmanager
def _file() -> Iterator[Connection]:
    with sqlite.transaction(sqlite.database("redirects"), _SCHEMA) as db:
        if "awaits" not in {row["name"] for row in db.execute("PRAGMA table_info(tokens)")}:
            db.execute("ALTER TABLE tokens ADD COLUMN awaits TEXT")
        yield db
