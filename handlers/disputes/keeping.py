"""Store a dispute's state: the record, the charity's total, and a message to other systems."""

from __future__ import annotations

from attrs import asdict, evolve

from handlers.disputes.record import LOST, REGAINED, WON, Dispute
from handlers.disputes.store import put
from handlers.fundraising_totals.totals import Contribution, add
from handlers.outbox import Message, send


def keep(dispute: Dispute) -> Dispute:
    """Store the dispute's state if it may replace the stored one; return the stored one.

    A lost dispute is subtracted from the charity's total once, with the message `donation.dispute_lost`. One that is
    won after it was lost is regained: it is added again, with the message `donation.dispute_regained`. Raises
    NotDelivered.
    """
    # The effects first: if this is killed in between, it is run again, and each effect happens once.
    if dispute.status == LOST:
        add(Contribution(f"dispute#{dispute.id}", dispute.charity, -dispute.amount, dispute.currency))
        _tell("donation.dispute_lost", dispute)
    elif dispute.status == REGAINED:
        add(Contribution(f"dispute#{dispute.id}:regained", dispute.charity, dispute.amount, dispute.currency))
        _tell("donation.dispute_regained", dispute)
    stored = put(dispute)
    if (stored.status, dispute.status) == (LOST, WON):
        return keep(evolve(stored, status=REGAINED, reason=dispute.reason, stored_at=dispute.stored_at))
    return stored


def _tell(kind: str, dispute: Dispute) -> None:
    names = ("donation", "charity", "amount", "currency", "psp", "reason")
    send(Message(kind, dispute.id, {name: asdict(dispute)[name] for name in names}))
