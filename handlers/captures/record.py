"""The record of a capture. A donation has one at most, which takes the reserved amount, a part of it, or nothing."""

from __future__ import annotations

from attrs import frozen

from handlers.money import amount_text

STATUSES = ("open", "captured", "released", "declined", "broken")
"""open: the PSP may have been asked. declined: the PSP refused, or the reservation is gone; see `code`. broken: the
outcome is unknown."""


class CaptureConflict(Exception):
    """The donation has a capture of another amount, or was released: nothing was taken for this request."""


@frozen
class Capture:
    """A request to take a reserved donation, and its state. Amounts are in the currency's minor unit."""

    donation: str
    amount: int
    """0 releases the whole reservation."""
    reserved: int
    currency: str
    charity: str
    psp: str
    reference: str
    """The payment's, at the PSP."""
    status: str
    code: str
    """The PSP's own, empty before its answer."""
    requested_at: str
    stored_at: str

    @property
    def is_final(self) -> bool:
        return self.status in ("captured", "released")


def conflict(stored: Capture) -> CaptureConflict:
    """Return the error of a request that is not the stored one."""
    what = f"{amount_text(stored.amount, stored.currency)} is taken" if stored.amount else "it is released"
    return CaptureConflict(f"{stored.donation}: {what} already; a donation is captured once")
