"""The sandbox's ledger: a SQLite file (on Lambda a table, see table.py) in which every operation is one transaction.

Each key is used once: the key and its answer are written together with the payment, so a process that is killed leaves
both or neither, and a repeated request gets the first answer again.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from attrs import asdict, evolve, frozen

from handlers import clock, sqlite
from handlers.cards import is_card_number
from handlers.psp_sandbox.testcards import BY_NUMBER, BY_TOKEN, Card

SCHEMA = """
CREATE TABLE IF NOT EXISTS tokens (token TEXT PRIMARY KEY, card TEXT NOT NULL, created_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS payments (
  reference TEXT PRIMARY KEY, order_id TEXT NOT NULL, card TEXT NOT NULL, status TEXT NOT NULL, code TEXT NOT NULL,
  amount INTEGER NOT NULL, currency TEXT NOT NULL, captured INTEGER NOT NULL, refunded INTEGER NOT NULL,
  capture INTEGER NOT NULL, created_at TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS payments_by_order ON payments (order_id);
CREATE TABLE IF NOT EXISTS keys (
  key TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, answer TEXT NOT NULL, created_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS movements (
  id INTEGER PRIMARY KEY, reference TEXT NOT NULL, kind TEXT NOT NULL, amount INTEGER NOT NULL, key TEXT NOT NULL,
  created_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS faults (order_id TEXT NOT NULL, kind TEXT NOT NULL, count INTEGER NOT NULL,
  PRIMARY KEY (order_id, kind))
"""

_T = TypeVar("_T")


class Down(Exception):
    """The sandbox is down, or its answer was lost."""


class KeyReused(Exception):
    """The idempotency key was used before with another request."""


class UnknownCard(ValueError):
    """Not one of the sandbox's test cards."""


class UnknownPayment(LookupError):
    """No payment has this reference."""


@frozen
class Payment:
    """A payment in the ledger. Amounts are in the minor unit; see codes.py for `code`."""

    reference: str
    order_id: str
    card: str
    """The well-known token of its card."""
    status: str
    """action_required, submitted, authorised, captured, declined or cancelled."""
    code: str
    amount: int
    currency: str
    captured: int
    refunded: int
    capture: bool
    """True if the payment is captured as soon as it is authorised."""
    created_at: str


@frozen
class Ledger:
    path: Path

    def work(self, order: str, work: Callable[[sqlite3.Connection], _T]) -> _T:  # noqa: ARG002 - one file has all orders
        """Run the work in one transaction on the data of an order or a token, and return its result."""
        with sqlite.transaction(self.path, SCHEMA) as db:
            return work(db)

    def tokenise(self, number: str) -> str:
        """Return a new token for a card number, as the PSP's form in the donor's browser does."""
        digits = number.replace(" ", "").replace("-", "")
        card = BY_NUMBER.get(digits)
        if card is None:
            what = "is not one of the sandbox's cards" if is_card_number(digits) else "is not a card number"
            raise UnknownCard(f"the number {what}; `python -m handlers.psp_sandbox cards` lists them")
        token = f"tok_{secrets.token_hex(12)}"
        row = (token, card.token, clock.now())
        self.work(token, lambda db: db.execute("INSERT INTO tokens VALUES (?, ?, ?)", row))
        return token

    def authorise(self, *, order: str, token: str, amount: int, currency: str, key: str, capture: bool) -> Payment:
        """Reserve the amount, and take it if `capture` is true. Raises Down, KeyReused."""
        card = BY_TOKEN.get(token) or self.work(token, lambda db: _card(db, token))

        def work(db: sqlite3.Connection) -> Payment | str:
            if _count(db, order, "down", card.down):
                return "the sandbox is down"
            request = ["authorise", order, token, amount, currency, capture]
            payment = _once(db, key, request, lambda: self._authorise(db, card, request, key))
            return "the sandbox's answer got lost" if _count(db, order, "lost", card.lost) else payment

        answer = self.work(_part(order), work)
        if isinstance(answer, str):
            raise Down(answer)
        return answer

    def _authorise(self, db: sqlite3.Connection, card: Card, request: list[Any], key: str) -> Payment:
        _, order, _, amount, currency, capture = request
        status, code = ("action_required", "1A") if card.donor else ("submitted", "09") if card.bank else ("new", "")
        reference = f"sbx_{_part(order)}{secrets.token_hex(6)}"
        payment = Payment(reference, order, card.token, status, code, amount, currency, 0, 0, capture, clock.now())
        _save(db, payment)
        return payment if card.donor or card.bank else _decide(db, payment, card, key)

    def find(self, reference: str) -> Payment:
        """Return the payment's current state, after what the card's donor or bank does when it is asked."""

        def work(db: sqlite3.Connection) -> Payment:
            payment = _payment(db, reference)
            card = BY_TOKEN[payment.card]
            if payment.status == "submitted" and card.bank != "waits":
                return _decide(db, payment, card, f"{reference}-decided")
            if payment.status != "action_required" or card.donor == "waits":
                return payment
            return _authenticated(db, payment, passed=card.donor == "passes")

        return self.work(_part_of(reference), work)

    def authenticate(self, reference: str, *, passed: bool) -> Payment:
        """Play the donor's part of 3-D Secure; a decided payment does not change."""

        def work(db: sqlite3.Connection) -> Payment:
            payment = _payment(db, reference)
            return payment if payment.status != "action_required" else _authenticated(db, payment, passed=passed)

        return self.work(_part_of(reference), work)

    def cancel(self, reference: str) -> Payment:
        """Cancel a payment that was not taken yet; a decided payment does not change."""

        def work(db: sqlite3.Connection) -> Payment:
            payment = _payment(db, reference)
            if payment.status in ("action_required", "submitted", "authorised"):
                payment = evolve(payment, status="cancelled", code="17")
                _save(db, payment)
            return payment

        return self.work(_part_of(reference), work)

    def capture(self, reference: str, *, amount: int | None, key: str) -> Payment:
        """Capture an authorised payment, or part of it and release the rest. A refusal has code 13 or 12."""
        request = ["capture", reference, amount]
        return self.work(
            _part_of(reference), lambda db: _once(db, key, request, lambda: _capture(db, reference, amount, key))
        )

    def refund(self, reference: str, *, amount: int | None, key: str) -> Payment:
        """Refund a captured payment, or part of it. A refusal has code 13 or 12."""
        request = ["refund", reference, amount]
        return self.work(
            _part_of(reference), lambda db: _once(db, key, request, lambda: _refund(db, reference, amount, key))
        )

    def find_refund(self, reference: str, *, amount: int | None, key: str) -> Payment | None:
        """Return the answer to the refund with this key, or None if there was none. Raises KeyReused."""
        request = ["refund", reference, amount]
        return self.work(_part_of(reference), lambda db: _answered(db, key, request))

    def payments(self, order: str | None = None) -> list[Payment]:
        """Return all payments, or those of one order, oldest first."""
        return self.work(_part(order or ""), lambda db: listed(db, order))


def listed(db: sqlite3.Connection, order: str | None = None) -> list[Payment]:
    """Return all payments in the database, or those of one order, oldest first."""
    where = ("SELECT * FROM payments", ()) if order is None else (_BY_ORDER, (order,))
    return [_row(row) for row in db.execute(f"{where[0]} ORDER BY created_at, rowid", where[1])]


def _part(order: str) -> str:
    """Return the name of an order's part of the ledger, with which the references of its payments begin."""
    return hashlib.sha256(order.encode()).hexdigest()[:12]


def _part_of(reference: str) -> str:
    return reference.removeprefix("sbx_")[:12]


_BY_ORDER = "SELECT * FROM payments WHERE order_id = ?"


def _once(db: sqlite3.Connection, key: str, request: list[Any], work: Callable[[], Payment]) -> Payment:
    """Return the answer stored under the key, or do the work and store its answer under the key."""
    answered = _answered(db, key, request)
    if answered is not None:
        return answered
    payment = work()
    values = (key, _fingerprint(request), json.dumps(asdict(payment)), clock.now())
    db.execute("INSERT INTO keys VALUES (?, ?, ?, ?)", values)
    return payment


def _answered(db: sqlite3.Connection, key: str, request: list[Any]) -> Payment | None:
    row = db.execute("SELECT fingerprint, answer FROM keys WHERE key = ?", (key,)).fetchone()
    if row is None:
        return None
    if row["fingerprint"] != _fingerprint(request):
        raise KeyReused(f"idempotency key {key} was already used with another request")
    return Payment(**json.loads(row["answer"]))


def _fingerprint(request: list[Any]) -> str:
    return hashlib.sha256(json.dumps(request).encode()).hexdigest()


def _decide(db: sqlite3.Connection, payment: Payment, card: Card, key: str) -> Payment:
    """Decide the payment as the card's bank does."""
    if _count(db, payment.order_id, "later", card.later):
        payment = evolve(payment, status="declined", code="91")
    elif card.code != "00":
        payment = evolve(payment, status="declined", code=card.code)
    elif payment.capture:
        payment = evolve(payment, status="captured", code="00", captured=payment.amount)
        _move(db, payment.reference, "capture", payment.amount, key)
    else:
        payment = evolve(payment, status="authorised", code="00")
    _save(db, payment)
    return payment


def _authenticated(db: sqlite3.Connection, payment: Payment, *, passed: bool) -> Payment:
    if passed:
        return _decide(db, payment, BY_TOKEN[payment.card], f"{payment.reference}-authenticated")
    payment = evolve(payment, status="declined", code="3D")
    _save(db, payment)
    return payment


def _capture(db: sqlite3.Connection, reference: str, amount: int | None, key: str) -> Payment:
    payment = _payment(db, reference)
    requested = payment.amount if amount is None else amount
    if payment.status != "authorised":
        return evolve(payment, code="12")
    if not 0 < requested <= payment.amount:
        return evolve(payment, code="13")
    payment = evolve(payment, status="captured", code="00", captured=requested)
    _save(db, payment)
    _move(db, reference, "capture", requested, key)
    return payment


def _refund(db: sqlite3.Connection, reference: str, amount: int | None, key: str) -> Payment:
    payment = _payment(db, reference)
    left = payment.captured - payment.refunded
    requested = left if amount is None else amount
    if payment.status != "captured":
        return evolve(payment, code="12")
    if not 0 < requested <= left:
        return evolve(payment, code="13")
    payment = evolve(payment, code="00", refunded=payment.refunded + requested)
    _save(db, payment)
    _move(db, reference, "refund", requested, key)
    return payment


def _card(db: sqlite3.Connection, token: str) -> Card:
    row = db.execute("SELECT card FROM tokens WHERE token = ?", (token,)).fetchone()
    name = row["card"] if row else token
    return BY_TOKEN.get(name) or Card("", token, "unknown token", "14")


def _count(db: sqlite3.Connection, order: str, kind: str, times: int) -> bool:
    """Return true if the card's fault of this kind occurs this time, counted per order."""
    if not times:
        return False
    row = db.execute("SELECT count FROM faults WHERE order_id = ? AND kind = ?", (order, kind)).fetchone()
    before = row["count"] if row else 0
    db.execute("INSERT OR REPLACE INTO faults VALUES (?, ?, ?)", (order, kind, before + 1))
    return before < times


def _payment(db: sqlite3.Connection, reference: str) -> Payment:
    row = db.execute("SELECT * FROM payments WHERE reference = ?", (reference,)).fetchone()
    if row is None:
        raise UnknownPayment(f"no payment has the reference {reference}")
    return _row(row)


def _row(row: sqlite3.Row) -> Payment:
    return Payment(**{**dict(row), "capture": bool(row["capture"])})


def _save(db: sqlite3.Connection, payment: Payment) -> None:
    values = tuple(asdict(payment).values())
    db.execute(
        f"INSERT INTO payments VALUES ({', '.join('?' * len(values))})"  # noqa: S608 - only question marks
        " ON CONFLICT (reference) DO UPDATE SET status = excluded.status, code = excluded.code,"
        " captured = excluded.captured, refunded = excluded.refunded",
        values,
    )


def _move(db: sqlite3.Connection, reference: str, kind: str, amount: int, key: str) -> None:
    db.execute(
        "INSERT INTO movements (reference, kind, amount, key, created_at) VALUES (?, ?, ?, ?, ?)",
        (reference, kind, amount, key, clock.now()),
    )
