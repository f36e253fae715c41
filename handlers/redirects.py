"""The task tokens of donors who are at the PSP. A token stays here; others get a ticket, from which it cannot be read.

Stored in the DynamoDB table REDIRECTS_TABLE (partition key `id`, a string), or in SQLite if it is not set. Every ticket
of a donation leads to the token that its execution waits with now.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from handlers import sqlite
from handlers.configuration import store_name

_SCHEMA = """
CREATE TABLE IF NOT EXISTS tickets (ticket TEXT PRIMARY KEY, donation TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS waiting (donation TEXT PRIMARY KEY, token TEXT NOT NULL)
"""


def keep(donation: str, token: str) -> str:
    """Store the token that the donation's execution waits with, and return its ticket: the same for the same token.

    A task token cannot be guessed, and so its digest cannot either.
    """
    ticket = hashlib.sha256(token.encode()).hexdigest()
    table = store_name("REDIRECTS_TABLE")
    if table:
        client = _client()
        # The token first: a ticket that somebody has must lead to one.
        client.put_item(TableName=table, Item={"id": {"S": f"donation#{donation}"}, "token": {"S": token}})
        client.put_item(TableName=table, Item={"id": {"S": f"ticket#{ticket}"}, "donation": {"S": donation}})
    else:
        with sqlite.transaction(_file(), _SCHEMA) as db:
            db.execute("INSERT OR REPLACE INTO tickets VALUES (?, ?)", (ticket, donation))
            db.execute("INSERT OR REPLACE INTO waiting VALUES (?, ?)", (donation, token))
    return ticket


def donation_of(ticket: str) -> str | None:
    """Return the donation that the ticket was issued for, or None if it was never issued."""
    table = store_name("REDIRECTS_TABLE")
    if table:
        return _get(table, f"ticket#{ticket}", "donation")
    with sqlite.transaction(_file(), _SCHEMA) as db:
        row = db.execute("SELECT donation FROM tickets WHERE ticket = ?", (ticket,)).fetchone()
    return row["donation"] if row else None


def token_of(donation: str) -> str | None:
    """Return the last token of the donation, or None if its donor was never sent to a PSP."""
    table = store_name("REDIRECTS_TABLE")
    if table:
        return _get(table, f"donation#{donation}", "token")
    with sqlite.transaction(_file(), _SCHEMA) as db:
        row = db.execute("SELECT token FROM waiting WHERE donation = ?", (donation,)).fetchone()
    return row["token"] if row else None


def resume(donation: str, output: str) -> bool:
    """Let the donation's execution go on with this output (JSON); return False if it does not wait for the donor."""
    import boto3
    from botocore.exceptions import ClientError

    token = token_of(donation)
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


def _get(table: str, identity: str, name: str) -> str | None:
    response = _client().get_item(TableName=table, Key={"id": {"S": identity}}, ConsistentRead=True)
    return str(response["Item"][name]["S"]) if "Item" in response else None


def _file() -> Path:
    return sqlite.database("redirects")


def _client() -> Any:
    import boto3

    return boto3.client("dynamodb")
