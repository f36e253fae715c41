"""The store of refunds: the DynamoDB table REFUNDS_TABLE (keys `donation` and `id`), or a SQLite file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from attrs import asdict, evolve, fields

from handlers import dynamodb, sqlite
from handlers.configuration import store_name
from handlers.refunds.record import Refund, conflict

_SCHEMA = """
CREATE TABLE IF NOT EXISTS refunds (
  id TEXT PRIMARY KEY, donation TEXT NOT NULL, number INTEGER NOT NULL, amount INTEGER NOT NULL, currency TEXT NOT NULL,
  charity TEXT NOT NULL, psp TEXT NOT NULL, reference TEXT NOT NULL, status TEXT NOT NULL, code TEXT NOT NULL,
  reason TEXT NOT NULL, requested_at TEXT NOT NULL, stored_at TEXT NOT NULL)
"""
_NAMES = tuple(field.name for field in fields(Refund))


def begin(refund: Refund) -> Refund:
    """Store an open refund before the PSP is asked, and return the stored one: the first with its number.

    Raises RefundConflict if that one has another amount.
    """
    table = store_name("REFUNDS_TABLE")
    stored = _begin_in_table(refund, table) if table else _begin_in_file(refund)
    if (stored.amount, stored.currency, stored.reference) != (refund.amount, refund.currency, refund.reference):
        raise conflict(stored)
    return stored


def finish(refund: Refund, *, of: Refund | None = None) -> Refund:
    """Store the refund's new state unless the stored one is final or further; return the stored one.

    With `of`, only if the stored one is still that. Without it the stored reason stays: it may have been erased.
    """
    table = store_name("REFUNDS_TABLE")
    return _finish_in_table(refund, table, of) if table else _finish_in_file(refund, of)


def forget_reason(refund: Refund) -> None:
    """Remove what somebody wrote of why it was made or closed. Its state stays, also one that is stored meanwhile."""
    if table := store_name("REFUNDS_TABLE"):
        client, stored = dynamodb.client(), _from_table(refund, table)
        while stored is not None and stored.reason:
            with suppress(client.exceptions.ConditionalCheckFailedException):
                client.put_item(TableName=table, Item=_item(evolve(stored, reason="")), **_unchanged(stored))
            stored = _from_table(refund, table)
    else:
        with sqlite.transaction(_file(), _SCHEMA) as db:
            db.execute("UPDATE refunds SET reason = '' WHERE id = ?", (refund.id,))


def of_donation(donation: str) -> list[Refund]:
    """Return the donation's refunds, by their numbers."""
    table = store_name("REFUNDS_TABLE")
    if table:
        refunds = [*map(_from_item, dynamodb.query(table, donation=donation))]
    else:
        refunds = list(_rows("SELECT * FROM refunds WHERE donation = ?", donation)) if _file().exists() else []
    return sorted(refunds, key=lambda refund: refund.number)


def listed(status: str | None = None) -> Iterator[Refund]:
    """Yield all refunds, or those with this status, oldest first. Refunds are few: a table is scanned."""
    table = store_name("REFUNDS_TABLE")
    if table:
        refunds = [*map(_from_item, dynamodb.scan(table))]
    else:
        refunds = list(_rows("SELECT * FROM refunds")) if _file().exists() else []
    matching = (refund for refund in refunds if status in (None, refund.status))
    yield from sorted(matching, key=lambda refund: (refund.requested_at, refund.id))


def _begin_in_file(refund: Refund) -> Refund:
    with sqlite.transaction(_file(), _SCHEMA) as db:
        marks = ", ".join("?" * len(_NAMES))
        db.execute(f"INSERT INTO refunds VALUES ({marks}) ON CONFLICT DO NOTHING", _values(refund))  # noqa: S608 - marks
        row = db.execute("SELECT * FROM refunds WHERE id = ?", (refund.id,)).fetchone()
        return _from_row(row)


def _finish_in_file(refund: Refund, of: Refund | None) -> Refund:
    with sqlite.transaction(_file(), _SCHEMA) as db:
        row = db.execute("SELECT * FROM refunds WHERE id = ?", (refund.id,)).fetchone()
        stored = _from_row(row) if row else None
        if stored is not None and (of not in (None, stored) or not stored.may_become(refund)):
            return stored
        refund = _with_reason(refund, stored, of)
        marks = ", ".join("?" * len(_NAMES))
        db.execute(f"INSERT OR REPLACE INTO refunds VALUES ({marks})", _values(refund))  # noqa: S608 - marks
        return refund


def _begin_in_table(refund: Refund, table: str) -> Refund:
    if dynamodb.put_new(table, _item(refund)):
        return refund
    return _from_table(refund, table) or _begin_in_table(refund, table)


def _finish_in_table(refund: Refund, table: str, of: Refund | None) -> Refund:
    client = dynamodb.client()
    stored = _from_table(refund, table)
    if stored is not None and (of not in (None, stored) or not stored.may_become(refund)):
        return stored
    # Atomic: only what was read is replaced.
    request: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(id)"}
    if stored is not None:
        request = _unchanged(stored)
    refund = _with_reason(refund, stored, of)
    try:
        client.put_item(TableName=table, Item=_item(refund), **request)
    except client.exceptions.ConditionalCheckFailedException:
        return _finish_in_table(refund, table, of)  # somebody was faster
    return refund


def _with_reason(refund: Refund, stored: Refund | None, of: Refund | None) -> Refund:
    return refund if of or stored is None else evolve(refund, reason=stored.reason)


def _unchanged(stored: Refund) -> dict[str, Any]:
    names = ("status", "stored_at", "reason")
    return {
        "ConditionExpression": " AND ".join(f"#{name} = :{name}" for name in names),
        "ExpressionAttributeNames": {f"#{name}": name for name in names},
        "ExpressionAttributeValues": {f":{name}": {"S": getattr(stored, name)} for name in names},
    }


def _from_table(refund: Refund, table: str) -> Refund | None:
    item = dynamodb.get(table, donation=refund.donation, id=refund.id)
    return _from_item(item) if item else None


def _item(refund: Refund) -> dict[str, Any]:
    return {
        name: {"N": str(value)} if isinstance(value, int) else {"S": value} for name, value in asdict(refund).items()
    }


def _from_item(item: dict[str, Any]) -> Refund:
    values: dict[str, Any] = {name: int(item[name]["N"]) if "N" in item[name] else item[name]["S"] for name in _NAMES}
    return Refund(**values)


def _rows(query: str, *values: object) -> Iterator[Refund]:
    with sqlite.transaction(_file(), _SCHEMA) as db:
        rows = db.execute(query, values).fetchall()
    return map(_from_row, rows)


def _from_row(row: sqlite3.Row) -> Refund:
    return Refund(**{name: row[name] for name in _NAMES})


def _values(refund: Refund) -> tuple[object, ...]:
    return tuple(asdict(refund).values())


def _file() -> Path:
    return sqlite.database("refunds")
