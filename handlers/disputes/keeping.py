"""What follows from a dispute's state: the record, the charity's total, and a message to other systems."""

from __future__ import annotations

from attrs import asdict

from handlers.disputes.record import LOST, Dispute
from handlers.disputes.store import put
from handlers.fundraising_totals.totals import Contribution, add
from handlers.outbox import Message, send


def keep(dispute: Dispute) -> Dispute:
    """Store the dispute's state unless the stored one is decided; return the stored one.

    A lost dispute is taken from the charity's total, once, and told to other systems (`donation.dispute_lost`). Raises
    NotDelivered.
    """
    if dispute.status == LOST:
        # The effects first: a process that is killed here is run again.
        add(Contribution(f"dispute#{dispute.id}", dispute.charity, -dispute.amount, dispute.currency))
        names = ("donation", "charity", "amount", "currency", "psp", "reason")
        send(Message("donation.dispute_lost", dispute.id, {name: asdict(dispute)[name] for name in names}))
    return put(dispute)
