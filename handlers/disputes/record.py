"""The record of a dispute."""

from __future__ import annotations

from attrs import frozen

NEEDS_RESPONSE, WAITING, WON, LOST, REGAINED = "needs response", "under review", "won", "lost", "regained"
STATUSES = (NEEDS_RESPONSE, WAITING, WON, LOST, REGAINED)
_FINAL = (WON, LOST, REGAINED)


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
    """needs response (an operator has to answer it at the PSP), under review, won, lost (the bank has the money),
    regained (lost, and then won or paid after all)."""
    reason: str
    stored_at: str
    is_inquiry: bool = False
    """True while the bank only asks: it has withdrawn nothing, and the donation can still be refunded."""

    @property
    def takes_back(self) -> bool:
        """True if the bank has taken the amount back, or is about to: a refund would give it back twice."""
        return self.status == LOST or not (self.status in (WON, REGAINED) or self.is_inquiry)

    @property
    def is_final(self) -> bool:
        """True if it is decided."""
        return self.status in _FINAL

    def may_replace(self, stored: Dispute) -> bool:
        """Return true if this state may follow the stored one: a decision is final, except that a won dispute may be
        lost, and a lost one regained."""
        return not stored.is_final or (stored.status, self.status) in ((WON, LOST), (LOST, REGAINED))
