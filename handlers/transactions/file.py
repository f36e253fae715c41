"""Transactions in a SQLite file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from attrs import asdict, frozen

from handlers import sqlite
from handlers.transactions.record import Transaction
from handlers.transactions.store import Query, check

_SCHEMA = """
CREATE TABLE IF NOT EXISTS transactions (
  id TEXT PRIMARY KEY, status TEXT NOT NULL, complete INTEGER NOT NULL, charity TEXT, amount INTEGER, currency TEXT,
  psp TEXT, reference TEXT, started_at TEXT NOT NULL, stored_at TEXT NOT NULL, document TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS transactions_by_status ON transactions (status, started_at);
CREATE INDEX IF NOT EXISTS transactions_by_charity ON transactions (charity, started_at);
CREATE INDEX IF NOT EXISTS transactions_by_date ON transactions (started_at)
"""


@frozen
class FileStore:
    path: Path

    def put(self, transaction: Transaction) -> Transaction:
        with sqlite.transaction(self.path, _SCHEMA) as db:
            existing = _get(db, transaction.id)
            if existing is not None:
                check(existing, transaction)
                if existing.rank > transaction.rank or existing.rank == 2:
                    return existing
            values = tuple(asdict(transaction).values())
            marks = ", ".join("?" * len(values))
            db.execute(f"INSERT OR REPLACE INTO transactions VALUES ({marks})", values)  # noqa: S608 - marks only
            return transaction

    def get(self, identity: str) -> Transaction | None:
        if not self.path.exists():
            return None  # reading must not create a file
        with sqlite.transaction(self.path, _SCHEMA) as db:
            return _get(db, identity)

    def list(self, query: Query) -> Iterator[Transaction]:
        if not self.path.exists():
            return iter(())
        conditions = {
            "status = ?": query.status,
            "charity = ?": query.charity,
            "started_at >= ?": query.since,
            "started_at < ?": f"{query.until}U" if query.until else None,  # U sorts after the T before the time
        }
        filters = {condition: value for condition, value in conditions.items() if value is not None}
        where = f" WHERE {' AND '.join(filters)}" if filters else ""
        select = f"SELECT * FROM transactions{where} ORDER BY started_at, id"  # noqa: S608 - text from above
        with sqlite.transaction(self.path, _SCHEMA) as db:
            rows = db.execute(select, tuple(filters.values())).fetchall()
        return map(_transaction, rows)


def _get(db: sqlite3.Connection, identity: str) -> Transaction | None:
    row = db.execute("SELECT * FROM transactions WHERE id = ?", (identity,)).fetchone()
    return _transaction(row) if row else None


def _transaction(row: sqlite3.Row) -> Transaction:
    return Transaction(**{**dict(row), "complete": bool(row["complete"])})
