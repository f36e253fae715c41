"""The interface of all payment service providers (PSPs), and taking a payment with any of them."""

from handlers.psp.interface import (
    Answer,
    Attempt,
    Authorisation,
    Capture,
    Operation,
    Outcome,
    Payment,
    Psp,
    PspRefused,
    PspUnavailable,
    Refund,
)
from handlers.psp.payment import perform

__all__ = [
    "Answer",
    "Attempt",
    "Authorisation",
    "Capture",
    "Operation",
    "Outcome",
    "Payment",
    "Psp",
    "PspRefused",
    "PspUnavailable",
    "Refund",
    "perform",
]
