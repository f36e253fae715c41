"""Check a request for a capture against what is stored, before anything is stored or started for it."""

from __future__ import annotations

from handlers import cards
from handlers.captures.record import Capture, conflict
from handlers.captures.store import find
from handlers.money import amount_text
from handlers.transactions.record import Transaction
from handlers.transactions.store import store


class NotCapturable(Exception):
    """The donation cannot be captured: it is unknown or not reserved, or the amount is too large. Nothing was taken."""


def check(donation: str, amount: int | None) -> tuple[Transaction, Capture | None, int]:
    """Return the donation's record, its capture if somebody requested one already, and the amount to take.

    Without an amount it is that of the known capture, or else all that is reserved; 0 releases the reservation. Raises
    NotCapturable, CaptureConflict.
    """
    record, known = store().get(donation), find(donation)
    is_reserved = known is not None or (record is not None and record.status == "authorised")
    if record is None or record.amount is None or not record.reference or not is_reserved:
        state = record.status if record else "unknown"
        raise NotCapturable(f"{cards.redact(donation)}: {state}; expected a donation that is reserved (authorised)")
    reserved = known.reserved if known else record.amount
    if amount is None:
        amount = known.amount if known else reserved
    if not 0 <= amount <= reserved:
        asked, least, most = (amount_text(each, str(record.currency)) for each in (amount, 0, reserved))
        raise NotCapturable(f"{donation}: {asked}; expected {least} to {most}, which is reserved")
    if known and known.amount != amount:
        raise conflict(known)
    return record, known, amount
