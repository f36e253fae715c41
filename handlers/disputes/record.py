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

    @property
    def is_final(self) -> bool:
        """True if it is decided, and so never replaced."""
        return self.status in _FINAL
