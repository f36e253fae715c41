"""The sandbox's response codes (from ISO 8583 if it has one) and their outcomes."""

from __future__ import annotations

from handlers.psp import Outcome

CODES: dict[str, tuple[Outcome, str]] = {
    "00": (Outcome.PAID, "approved"),
    "05": (Outcome.DECLINED, "do not honour"),
    "09": (Outcome.PENDING, "submitted to the bank"),
    "12": (Outcome.DECLINED, "not possible for this payment"),
    "13": (Outcome.DECLINED, "invalid amount"),
    "14": (Outcome.DECLINED, "unknown token"),
    "17": (Outcome.CANCELLED, "cancelled"),
    "1A": (Outcome.REDIRECT, "3-D Secure required"),
    "3D": (Outcome.DECLINED, "3-D Secure failed"),
    "41": (Outcome.DECLINED, "lost card"),
    "43": (Outcome.DECLINED, "stolen card"),
    "51": (Outcome.DECLINED, "insufficient funds"),
    "54": (Outcome.DECLINED, "expired card"),
    "59": (Outcome.DECLINED, "suspected fraud"),
    "91": (Outcome.RETRY, "issuer not available, try again later"),
    "N7": (Outcome.DECLINED, "wrong security code"),
}

RETRY_SCHEDULE = (300, 3600, 21600)
"""Seconds before the next attempt: 5 minutes, 1 hour, 6 hours; after that the payment is declined."""
