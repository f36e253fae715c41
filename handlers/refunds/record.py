"""The record of a refund."""

from __future__ import annotations

from attrs import frozen

from handlers.money import amount_text

STATUSES = ("open", "pending", "refunded", "declined", "broken", "failed", "closed")
"""open: the PSP may have been asked. pending: the PSP has not decided. broken: the outcome is unknown. failed: the PSP
made it, and the donor's bank returned the money (https://docs.stripe.com/refunds#failed-refunds): somebody has to pay
the donor in another way. closed: somebody did."""

NOT_GONE = ("declined", "failed")
"""Statuses of refunds with which the donor got no money."""

UNDECIDED = 30 * 24 * 3600
"""Seconds for which a refund may be pending before an operator has to look. Banks take up to ten working days
(https://docs.stripe.com/refunds, https://docs.adyen.com/online-payments/refund)."""

NOT_MADE = "not made"
"""The code of a refund that an operator closed because the PSP has none. If the PSP made it after all, that counts."""

_RANKS = {"open": 0, "broken": 1, "pending": 2, "declined": 3, "refunded": 3}
_LATER = {"refunded": "failed", "failed": "closed"}


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
        return self.status in ("refunded", "declined", "failed", "closed")

    @property
    def is_unheard(self) -> bool:
        """True if the PSP has not said that it has the refund: asked for it, it may make it."""
        return self.status in ("open", "broken")

    def may_become(self, other: Refund) -> bool:
        """Return true if the other record may replace this one: states only advance, and a final one stays, except that
        a refund may fail after the PSP made it, and an operator may then close it."""
        if self.code == NOT_MADE and other.status in ("refunded", "pending"):
            return True
        if self.is_final:
            return _LATER.get(self.status) == other.status
        return _RANKS.get(other.status, -1) >= _RANKS[self.status]


def conflict(stored: Refund) -> RefundConflict:
    """Return the error of a request that is not the stored one with its number."""
    amount = amount_text(stored.amount, stored.currency)
    return RefundConflict(f"{stored.id}: is a refund of {amount} already; give the new refund another number")


def identity(donation: str, number: int) -> str:
    return f"{donation}:refund:{number}"
