"""The record of a refund."""

from __future__ import annotations

from attrs import frozen

STATUSES = ("open", "pending", "refunded", "declined", "broken")
"""open: the PSP may have been asked. pending: the PSP has not decided. broken: the outcome is unknown."""

_RANKS = {"open": 0, "broken": 1, "pending": 2, "declined": 3, "refunded": 3}


class RefundConflict(Exception):
    """Another refund of the donation has this number; nothing was refunded for this one."""


@frozen
class Refund:
    """A refund of a donation, or of a part of it. Amounts are in the currency's minor unit."""

    id: str
    """`<donation>:refund:<number>`, which is also the idempotency key at the PSP."""
    donation: str
    number: int
    amount: int
    currency: str
    charity: str
    psp: str
    reference: str
    """The payment's, at the PSP."""
    status: str
    code: str
    """The PSP's own, empty before its answer."""
    reason: str
    requested_at: str
    stored_at: str

    @property
    def is_final(self) -> bool:
        return self.status in ("refunded", "declined")

    def may_become(self, other: Refund) -> bool:
        """Return true if the other record may replace this one: a final one stays, an earlier state never comes back.

        A refund that the PSP made may still fail later (https://docs.stripe.com/refunds#failed-refunds), but that is
        for people: the flow has told everybody.
        """
        return not self.is_final and _RANKS[other.status] >= _RANKS[self.status]


def identity(donation: str, number: int) -> str:
    return f"{donation}:refund:{number}"
