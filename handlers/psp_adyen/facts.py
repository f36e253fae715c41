"""Facts about a donation's payments at Adyen, which has no request for a payment's state: our requests, Adyen's
answers, and the events of its webhook.

A fact is stored once and never changes; a payment's state follows from all its facts, in whatever order they came (see
states). Stored in the DynamoDB table ADYEN_TABLE (keys `id`, the donation's, and `entry`), or in SQLite if it is not
set.
"""

from __future__ import annotations

import json
from pathlib import Path

from attrs import asdict, frozen

from handlers import dynamodb, sqlite
from handlers.configuration import store_name

_SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (id TEXT NOT NULL, entry TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (id, entry))
"""

SENT, ANSWERED, CLOSED = "sent", "answered", "closed"


@frozen
class Fact:
    """One fact. Amounts are in ISO 4217's minor unit."""

    reference: str
    """Our reference (Adyen's `merchantReference`): `<donation>-<attempt>`, or a capture's, refund's or cancel's key."""
    kind: str
    """sent (we are about to send the request), answered, closed (by us: the donor's result is not submitted any more),
    or the code of an event, such as AUTHORISATION."""
    at: str
    """When it was stored (RFC 3339)."""
    code: str = ""
    """An answer's result; an event's `success`, true or false."""
    detail: str = ""
    """An answer's refusalReasonCode; a request's digest of the payment method."""
    message: str = ""
    psp_reference: str = ""
    original: str = ""
    """The payment's pspReference, if this is about a modification of the payment."""
    amount: int = 0
    currency: str = ""
    url: str = ""
    capture: bool = True

    @property
    def entry(self) -> str:
        if self.kind in (SENT, CLOSED):
            return f"{self.reference}#{self.kind}"
        return "#".join((self.reference, self.kind, self.code, self.psp_reference))


def donation_of(reference: str) -> str:
    """Return the donation's id in one of our references: `<donation>-<attempt>` or `<donation>:<operation>:<number>`.
    Ids contain no colon."""
    donation, colon, _ = reference.partition(":")
    return donation if colon else reference.rpartition("-")[0]


def cancel_key(reference: str) -> str:
    """Return our reference of the cancel of the payment with this reference."""
    return f"{donation_of(reference)}:cancel:{reference.rpartition('-')[2]}"


def keep(fact: Fact) -> Fact:
    """Store the fact unless one with its entry is stored; return the stored one."""
    table, donation = store_name("ADYEN_TABLE"), donation_of(fact.reference)
    return _to_table(fact, donation, table) if table else _to_file(fact, donation)


def facts_of(donation: str) -> list[Fact]:
    """Return all facts of a donation, oldest first."""
    table = store_name("ADYEN_TABLE")
    if table:
        bodies = [item["body"]["S"] for item in dynamodb.query(table, id=donation)]
    else:
        with sqlite.transaction(_file(), _SCHEMA) as db:
            rows = db.execute("SELECT body FROM facts WHERE id = ?", (donation,)).fetchall()
        bodies = [row["body"] for row in rows]
    return sorted((Fact(**json.loads(body)) for body in bodies), key=lambda fact: (fact.at, fact.entry))


def _to_file(fact: Fact, donation: str) -> Fact:
    with sqlite.transaction(_file(), _SCHEMA) as db:
        values = (donation, fact.entry, json.dumps(asdict(fact)))
        db.execute("INSERT INTO facts VALUES (?, ?, ?) ON CONFLICT DO NOTHING", values)
        row = db.execute("SELECT body FROM facts WHERE id = ? AND entry = ?", values[:2]).fetchone()
    return Fact(**json.loads(row["body"]))


def _to_table(fact: Fact, donation: str, table: str) -> Fact:
    item = {"id": {"S": donation}, "entry": {"S": fact.entry}, "body": {"S": json.dumps(asdict(fact))}}
    if dynamodb.put_new(table, item):
        return fact
    stored = dynamodb.get(table, id=donation, entry=fact.entry)
    return Fact(**json.loads(stored["body"]["S"])) if stored else fact


def _file() -> Path:
    return sqlite.database("adyen")
