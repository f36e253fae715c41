"""The record of a dispute."""

from __future__ import annotations

from attrs import frozen

NEEDS_RESPONSE, WAITING, WON, LOST = "needs response", "under review", "won", "lost"
STATUSES = (NEEDS_RESPONSE, WAITING, WON, LOST)
_FINAL = (WON, LOST)


@frozen
class Dispute:
    """A dispute of a donation. The amount is in the currency's minor unit."""

    id: str
    """The PSP's own id."""
    donation: str
    charity: str
    amount: int
    currency: str
    psp: str
    reference: str
    """The payment's, at the PSP."""
    status: str
    """needs response (somebody has to answer), under review, won, lost (the money is gone)."""
    reason: str
    stored_at: str
    is_inquiry: bool = False
    """True while the bank only asks: it has withdrawn nothing, and the donation can still be refunded."""

    @property
    def takes_back(self) -> bool:
        """True if the bank has taken the amount back, or is about to: a refund would give it back twice."""
        return self.status == LOST or not (self.status == WON or self.is_inquiry)

    @property
    def is_final(self) -> bool:
        """True if it is decided, and so never replaced."""
        return self.status in _FINAL
