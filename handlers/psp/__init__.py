"""The interface of all payment service providers (PSPs), and taking a payment with any of them."""

from handlers.psp.interface import (
    Answer,
    Attempt,
    Authorisation,
    Capture,
    KeyRejected,
    Lookup,
    Operation,
    Outcome,
    Payment,
    Payments,
    Psp,
    PspRefused,
    PspUnavailable,
    Refund,
    State,
)
from handlers.psp.payment import CAPTURED, INQUIRIES, inquire, perform

__all__ = [
    "CAPTURED",
    "INQUIRIES",
    "Answer",
    "Attempt",
    "Authorisation",
    "Capture",
    "KeyRejected",
    "Lookup",
    "Operation",
    "Outcome",
    "Payment",
    "Payments",
    "Psp",
    "PspRefused",
    "PspUnavailable",
    "Refund",
    "State",
    "inquire",
    "perform",
]
