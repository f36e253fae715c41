"""The PSP that was first selected for each donation. The donation keeps it when the configuration changes.

An idempotency key is valid at one PSP only. So a donation that runs again, after a failure or as a duplicate, goes to
the same PSP, even if that is disabled now. A different donation with the same id is refused.

Stored in the DynamoDB table CHOICES_TABLE (partition key `id`, a string), or in SQLite if it is not set.
"""

from __future__ import annotations

from pathlib import Path

from attrs import asdict, frozen

from handlers import dynamodb, sqlite
from handlers.configuration import store_name

_SCHEMA = """
CREATE TABLE IF NOT EXISTS donations (id TEXT PRIMARY KEY, psp TEXT NOT NULL, function TEXT NOT NULL,
  reason TEXT NOT NULL, chosen_at TEXT NOT NULL, fingerprint TEXT NOT NULL)
"""


class DonationConflict(Exception):
    """The donation's id is already used by a different donation. Nothing was charged for this one."""


@frozen
class Choice:
    id: str
    """The donation's."""
    psp: str
    function: str
    reason: str
    chosen_at: str
    fingerprint: str
    """The donation's: see handlers.fingerprint."""


def check(choice: Choice, expected: str) -> Choice:
    """Return the choice. Raises DonationConflict if it belongs to a donation with another fingerprint."""
    if choice.fingerprint != expected:
        raise DonationConflict(
            f"{choice.id}: a different donation already uses this id (another amount, currency, charity, payment"
            " method, e-mail address or capture); give the new donation an id of its own"
        )
    return choice


def find(donation: str) -> Choice | None:
    """Return the donation's choice, or None if it has none yet."""
    table = store_name("CHOICES_TABLE")
    return _from_table(donation, table) if table else _from_file(donation, sqlite.database("choices"))


def keep(choice: Choice) -> Choice:
    """Store the choice unless the donation has one, in one atomic step; return the stored choice."""
    table = store_name("CHOICES_TABLE")
    return _to_table(choice, table) if table else _to_file(choice, sqlite.database("choices"))


def _from_file(donation: str, path: Path) -> Choice | None:
    with sqlite.transaction(path, _SCHEMA) as db:
        row = db.execute("SELECT * FROM donations WHERE id = ?", (donation,)).fetchone()
    return Choice(**row) if row else None


def _to_file(choice: Choice, path: Path) -> Choice:
    with sqlite.transaction(path, _SCHEMA) as db:
        values = tuple(asdict(choice).values())
        db.execute("INSERT INTO donations VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", values)
    return _from_file(choice.id, path) or choice


def _from_table(donation: str, table: str) -> Choice | None:
    item = dynamodb.get(table, id=donation)
    return Choice(**{name: typed["S"] for name, typed in item.items()}) if item else None


def _to_table(choice: Choice, table: str) -> Choice:
    item = {name: {"S": value} for name, value in asdict(choice).items()}
    return choice if dynamodb.put_new(table, item) else _from_table(choice.id, table) or choice
