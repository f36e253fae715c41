"""Stripe's minor units, which differ from ISO 4217 in some currencies.

Source: https://docs.stripe.com/currencies#minor-units and #special-cases.
"""

from __future__ import annotations

from typing import Any

from handlers.money import MINOR_DIGITS, NotPayable, rescaled

_STRIPE_DIGITS = {"ISK": 2, "UGX": 2, "MGA": 0}
_TENS = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})


def to_stripe(amount: int, currency: str) -> int:
    """Convert an amount from ISO 4217's minor unit to Stripe's. Raises NotPayable rather than rounding.

    >>> to_stripe(2500, "GBP"), to_stripe(2500, "JPY"), to_stripe(2500, "UGX")
    (2500, 2500, 250000)
    """
    ours = MINOR_DIGITS[currency]
    converted, rest = rescaled(amount, ours, _STRIPE_DIGITS.get(currency, ours))
    if rest or (currency in _TENS and converted % 10):
        raise NotPayable(f"Stripe cannot charge {amount} (minor unit) in {currency}: the last digit must be 0")
    return converted


def from_stripe(amount: int, currency: str) -> int:
    """Convert an amount from Stripe's minor unit to ISO 4217's. Raises NotPayable rather than rounding.

    >>> from_stripe(2500, "GBP"), from_stripe(250000, "UGX"), from_stripe(25, "MGA")
    (2500, 2500, 2500)
    """
    ours = MINOR_DIGITS[currency]
    converted, rest = rescaled(amount, _STRIPE_DIGITS.get(currency, ours), ours)
    if rest:
        raise NotPayable(f"{amount} (Stripe's minor unit) in {currency} is not a whole amount of ISO 4217's minor unit")
    return converted


def whole_amount(amount: Any, currency: str) -> int | None:
    """Return Stripe's amount in ISO 4217's minor unit; None if it is no integer, a fraction of that unit, or in an
    unknown currency."""
    try:
        return from_stripe(amount, currency) if type(amount) is int else None
    except (NotPayable, KeyError):
        return None
