"""Transactions in a SQLite file."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

from attrs import asdict, fields, frozen

from handlers import sqlite
from handlers.transactions.record import BROKEN, FINAL, Transaction, erased
from handlers.transactions.store import Query, as_conflict, check_erasable, conflict, erase_late_entry, paid_twice

_SCHEMA = """
CREATE TABLE IF NOT EXISTS transactions (
  id TEXT PRIMARY KEY, status TEXT NOT NULL, complete INTEGER NOT NULL, charity TEXT, amount INTEGER, currency TEXT,
  psp TEXT, reference TEXT, started_at TEXT NOT NULL, stored_at TEXT NOT NULL, document TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS transactions_by_status ON transactions (status, started_at);
CREATE INDEX IF NOT EXISTS transactions_by_charity ON transactions (charity, started_at);
CREATE INDEX IF NOT EXISTS transactions_by_date ON transactions (started_at);
CREATE TABLE IF NOT EXISTS history (
  id TEXT NOT NULL, status TEXT NOT NULL, complete INTEGER NOT NULL, charity TEXT, amount INTEGER, currency TEXT,
  psp TEXT, reference TEXT, started_at TEXT NOT NULL, stored_at TEXT NOT NULL, document TEXT NOT NULL,
  entry TEXT NOT NULL, PRIMARY KEY (id, entry));
CREATE INDEX IF NOT EXISTS history_by_status ON history (status, started_at)
"""


_COLUMNS = ", ".join(field.name for field in fields(Transaction))


@frozen
class FileStore:
    path: Path

    def put(self, transaction: Transaction, *, settles: bool = False) -> Transaction:
        return erase_late_entry(self, self._put(transaction, settles=settles), transaction)

    def _put(self, transaction: Transaction, *, settles: bool) -> Transaction:
        rank = max(transaction.rank, BROKEN) if settles else transaction.rank
        with sqlite.transaction(self.path, _SCHEMA) as db:
            existing = _get(db, transaction.id)
            _append(db, transaction)
            if transaction.status == "conflict":
                return transaction
            twice = existing is not None and paid_twice(existing, transaction)
            if existing is None or (existing.rank <= rank and existing.rank < FINAL and not twice):
                values = tuple(asdict(transaction).values())
                db.execute(f"INSERT OR REPLACE INTO transactions VALUES ({_marks(values)})", values)  # noqa: S608 - marks
                return transaction
            if not twice:
                return existing
            _append(db, as_conflict(transaction))
        raise conflict(existing, transaction)  # outside of the block, which an error rolls back

    def get(self, identity: str) -> Transaction | None:
        if not self.path.exists():
            return None  # reading must not create a file
        with sqlite.transaction(self.path, _SCHEMA) as db:
            return _get(db, identity)

    def history(self, identity: str) -> list[Transaction]:
        if not self.path.exists():
            return []
        with sqlite.transaction(self.path, _SCHEMA) as db:
            rows = db.execute("SELECT * FROM history WHERE id = ? ORDER BY rowid", (identity,)).fetchall()
        return [_transaction(row) for row in rows]

    def erase(self, identity: str) -> int:
        if not self.path.exists():
            return 0
        with sqlite.transaction(self.path, _SCHEMA) as db:
            record = _get(db, identity)
            rows = db.execute("SELECT * FROM history WHERE id = ?", (identity,)).fetchall()
            check_erasable(record, map(_transaction, rows))
            if record is not None:
                db.execute("UPDATE transactions SET document = ? WHERE id = ?", (erased(record).document, identity))
            for row in rows:
                values = (erased(_transaction(row)).document, identity, row["entry"])
                db.execute("UPDATE history SET document = ? WHERE id = ? AND entry = ?", values)
        return len(rows)

    def close_conflicts(self, identity: str, close: Callable[[Transaction], Transaction]) -> list[Transaction]:
        if not self.path.exists():
            return []
        with sqlite.transaction(self.path, _SCHEMA) as db:
            query = "SELECT * FROM history WHERE id = ? AND status = 'conflict' ORDER BY rowid"
            entries = [(row["entry"], close(_transaction(row))) for row in db.execute(query, (identity,)).fetchall()]
            for entry, new in entries:
                values = (new.status, new.document, identity, entry)
                db.execute("UPDATE history SET status = ?, document = ? WHERE id = ? AND entry = ?", values)
        return [new for _, new in entries]

    def list(self, query: Query) -> Iterator[Transaction]:
        if not self.path.exists():
            return iter(())
        conditions = {
            "status = ?": query.status,
            "charity = ?": query.charity,
            "complete = ?": query.complete,
            "started_at >= ?": query.since,
            "started_at < ?": f"{query.until}U" if query.until else None,  # U sorts after the T before the time
        }
        filters = {condition: value for condition, value in conditions.items() if value is not None}
        where = f" WHERE {' AND '.join(filters)}" if filters else ""
        conflicts = f"SELECT {_COLUMNS} FROM history WHERE status IN ('conflict', 'closed')"  # noqa: S608 - text from below
        records = f"SELECT {_COLUMNS} FROM transactions UNION ALL {conflicts}"  # noqa: S608 - text from below
        select = f"SELECT * FROM ({records}){where} ORDER BY started_at, id"  # noqa: S608 - text from above
        with sqlite.transaction(self.path, _SCHEMA) as db:
            rows = db.execute(select, tuple(filters.values())).fetchall()
        return map(_transaction, rows)


def _get(db: sqlite3.Connection, identity: str) -> Transaction | None:
    row = db.execute("SELECT * FROM transactions WHERE id = ?", (identity,)).fetchone()
    return _transaction(row) if row else None


def _transaction(row: sqlite3.Row) -> Transaction:
    columns = {name: row[name] for name in row.keys() if name != "entry"}  # noqa: SIM118 - a Row iterates over its values
    return Transaction(**{**columns, "complete": bool(row["complete"])})


def _append(db: sqlite3.Connection, transaction: Transaction) -> None:
    values = (*asdict(transaction).values(), transaction.entry)
    db.execute(f"INSERT INTO history VALUES ({_marks(values)}) ON CONFLICT DO NOTHING", values)  # noqa: S608 - marks


def _marks(values: tuple[object, ...]) -> str:
    return ", ".join("?" * len(values))
