"""The record of a donation's transaction, made of an execution's document."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import evolve, frozen

from handlers import cards, clock
from handlers.document import DONATION_FIELDS, donation_id

STATUSES = ("open", "paid", "authorised", "declined", "abandoned", "broken", "conflict", "closed")
UNPAID, BROKEN, PAID, FINAL = range(4)
_SURROGATE = re.compile("[\ud800-\udfff]")
_RESULTS = ("receipt", "totals", "event")

_PARTS = ("execution", "started_at", "psp", "payment", "post_processing", "transaction", "error", "reconciled")
"""Parts of the document that our own functions write: only causes and messages in them may have donors' data."""

_FOREIGN = ("cause", "Cause", "message")
"""Fields with texts of other systems, which may quote what they were sent."""


@frozen
class Transaction:
    """A donation's transaction: columns to query by, and the whole document."""

    id: str
    status: str
    """open (PersistOutput has not run yet), paid, authorised (reserved, and to be captured), declined, abandoned,
    broken (the outcome is unknown: an operator has to investigate), conflict (a different donation or a second payment
    with this donation's id) or closed (a conflict that an operator has resolved)."""
    complete: bool
    """True if post-processing is done or not needed."""
    charity: str | None
    amount: int | None
    """In the currency's minor unit."""
    currency: str | None
    psp: str | None
    """The PSP that has, or may have, the payment."""
    reference: str | None
    started_at: str
    stored_at: str
    document: str
    """JSON text, which keeps every number exactly."""

    @property
    def rank(self) -> int:
        """Only a record of the same or a higher rank replaces this one; FINAL is never replaced."""
        if self.status == "paid":
            return FINAL if self.complete else PAID
        # Money may have been taken: a later refusal does not prove that it was not.
        return BROKEN if self.status in ("broken", "authorised") else UNPAID

    @property
    def is_open_work(self) -> bool:
        """True if the flow, the sweep or an operator has something left to do, and may need the donor's data."""
        # A reservation may be taken, and then its donor gets a receipt.
        return self.status in ("open", "broken", "authorised", "conflict") or not self.complete

    @property
    def entry(self) -> str:
        """The record's key in the donation's history: one status with one document is stored once."""
        return hashlib.sha256(f"{self.status} {self.document}".encode()).hexdigest()[:32]


def from_document(document: Mapping[str, Any]) -> Transaction:
    """Return the transaction of an execution's final document, even if the execution failed at its first step.

    Card numbers, which Setup refuses, are removed.
    """
    clean: dict[str, Any] = cards.without_cards(dict(document))
    donation = clean["donation"] if isinstance(clean.get("donation"), dict) else clean
    payment = clean["payment"] if isinstance(clean.get("payment"), dict) else {}
    selected = clean["psp"] if isinstance(clean.get("psp"), dict) else {}
    now = clock.now()
    text = as_text(clean)
    status = _status(clean, payment)
    return Transaction(
        id=_text(donation_id(clean)) or f"unnamed-{hashlib.sha256(text.encode()).hexdigest()[:16]}",
        status=status,
        complete=status != "paid" or _complete(clean.get("post_processing")),
        charity=_text(donation.get("charity")),
        amount=donation["amount"] if type(donation.get("amount")) is int else None,
        currency=_text(donation.get("currency")),
        psp=_text(payment.get("psp")) or _text(selected.get("name")),
        reference=_text(payment.get("reference")),
        started_at=_text(clean.get("started_at")) or now,
        stored_at=now,
        document=text,
    )


def as_text(document: Mapping[str, Any]) -> str:
    """Return the document as JSON that every store accepts: half of a surrogate pair as `\\ud800`, all other characters
    unescaped, which takes the least space."""
    return _SURROGATE.sub(lambda half: f"\\u{ord(half.group()):04x}", json.dumps(document, ensure_ascii=False))


def intent(document: Mapping[str, Any]) -> Transaction:
    """Return the open transaction of a document whose payment may be attempted next."""
    return evolve(from_document(document), status="open", complete=True)


def erased(transaction: Transaction) -> Transaction:
    """Return the transaction without the donor's data: amount, charity, payment and times remain.

    Errors' causes, PSPs' messages and all additional fields of the donation are removed, too.
    """
    document = json.loads(transaction.document)
    donation = document["donation"] if isinstance(document.get("donation"), dict) else document
    method = donation.get("payment_method")
    kept: dict[str, Any] = {name: donation[name] for name in DONATION_FIELDS if name in donation}
    if isinstance(method, dict) and "type" in method:
        kept["payment_method"] = {"type": method["type"]}
    rest = {name: value for name, value in document.items() if name in _PARTS}
    text = as_text(_without_causes({**rest, "donation": kept, "erased_at": clock.now()}))
    return evolve(transaction, document=text)


def is_erased(transaction: Transaction) -> bool:
    return bool(erased_at(transaction))


def erased_at(transaction: Transaction) -> str:
    """Return the time at which the donor's data was erased (RFC 3339), empty if it was not."""
    return str(json.loads(transaction.document).get("erased_at") or "")


def _without_causes(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_causes(item) for name, item in value.items() if name not in _FOREIGN}
    return [_without_causes(item) for item in value] if isinstance(value, list) else value


def execution_of(transaction: Transaction) -> str:
    """Return the execution that stored an entry of a donation's history."""
    return str(json.loads(transaction.document).get("execution"))


def owner(history: Sequence[Transaction]) -> Transaction | None:
    """Return the last intent in a donation's history, or None if no PSP was ever asked.

    SelectPsp stores intents, and only of the donation that owns the id.
    """
    return next((entry for entry in reversed(history) if entry.status == "open"), None)


def _status(document: Mapping[str, Any], payment: Mapping[str, Any]) -> str:
    status = payment.get("status")
    if status == "paid":
        return "paid"  # the money is taken, whatever failed later
    error = document.get("error")
    if isinstance(error, Mapping) and error.get("Error") == "DonationConflict":
        return "conflict"
    if "error" in document or status not in ("declined", "abandoned", "authorised"):
        return "broken"
    return str(status)


def _complete(results: Any) -> bool:
    return isinstance(results, Mapping) and all(
        isinstance(results.get(name), Mapping) and results[name].get("status") == "done" for name in _RESULTS
    )


def _text(value: Any) -> str | None:
    """Return a text that can be a column and a key, else None; the document keeps the value."""
    return value if isinstance(value, str) and 0 < len(value) <= 255 and not _SURROGATE.search(value) else None
