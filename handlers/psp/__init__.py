"""The interface of all payment service providers (PSPs), and taking a payment with any of them."""

from handlers.psp.interface import (
    Answer,
    Authorisation,
    Capture,
    KeyRejected,
    Lookup,
    Outcome,
    Payment,
    Psp,
    PspRefused,
    PspUnavailable,
    Refund,
    State,
)
from handlers.psp.payment import CAPTURED, inquire, perform

__all__ = [
    "CAPTURED",
    "Answer",
    "Authorisation",
    "Capture",
    "KeyRejected",
    "Lookup",
    "Outcome",
    "Payment",
    "Psp",
    "PspRefused",
    "PspUnavailable",
    "Refund",
    "State",
    "inquire",
    "perform",
]
