"""Store a refund's state: the charity's total, the messages to other systems, and the record."""

from __future__ import annotations

from attrs import evolve

from handlers import clock
from handlers.fundraising_totals.totals import Contribution, add, is_counted
from handlers.outbox import Message, send
from handlers.refunds.record import NOT_GONE, Refund
from handlers.refunds.store import finish

_STATUSES = {"refunded": "refunded", "pending": "pending", "declined": "declined", "cancelled": "declined"}


def status_of(outcome: str) -> str:
    """Return a refund's status for an Outcome of the PSP's function, `broken` for an unknown one."""
    return _STATUSES.get(outcome, "broken")


def conclude(refund: Refund, status: str, code: str) -> Refund:
    """Store the PSP's answer about the refund: total, message and record; return the stored refund.

    Each effect happens once, however often and in whatever order this is called. A refund that the PSP made, and that
    is declined now, has `failed`. Raises NotDelivered.
    """
    # The effects first, each once: what the PSP did counts, whatever is stored.
    if status == "refunded":
        add(Contribution(refund.id, refund.charity, -refund.amount, refund.currency))
        _tell("donation.refunded", refund)
    stored = _finish(refund, status, code)
    if (status, stored.status) == ("declined", "refunded"):
        _take_back(refund)
        return _finish(refund, "failed", code)
    is_older = status == "refunded" and stored.status in NOT_GONE
    # Whoever was told that it is refunded may have been ended before storing it.
    if is_older or (stored.status == "declined" and is_counted(refund.id)):
        _take_back(refund)
    return stored


def _finish(refund: Refund, status: str, code: str) -> Refund:
    return finish(evolve(refund, status=status, code=code, stored_at=clock.now()))


def _take_back(refund: Refund) -> None:
    add(Contribution(f"{refund.id}:failed", refund.charity, refund.amount, refund.currency))
    _tell("donation.refund_failed", refund)


def _tell(kind: str, refund: Refund) -> None:
    detail = {
        "donation": refund.donation,
        "refund": refund.number,
        "amount": refund.amount,
        "currency": refund.currency,
        "charity": refund.charity,
        "psp": refund.psp,
    }
    send(Message(kind, refund.id, detail))
