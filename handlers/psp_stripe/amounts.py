"""Stripe's minor units, which are not in every currency those of ISO 4217.

Source: https://docs.stripe.com/currencies#minor-units and #special-cases.
"""

from __future__ import annotations

from handlers.money import MINOR_DIGITS

_STRIPE_DIGITS = {"ISK": 2, "UGX": 2, "MGA": 0}
_TENS = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})


class NotPayable(ValueError):
    """Stripe cannot take exactly this amount in this currency."""


def to_stripe(amount: int, currency: str) -> int:
    """The amount (ISO 4217's minor unit) in Stripe's unit. Raises NotPayable rather than rounding.

    >>> to_stripe(2500, "GBP"), to_stripe(2500, "JPY"), to_stripe(2500, "UGX")
    (2500, 2500, 250000)
    """
    ours = MINOR_DIGITS[currency]
    theirs = _STRIPE_DIGITS.get(currency, ours)
    if theirs >= ours:
        converted, rest = amount * int(10 ** (theirs - ours)), 0
    else:
        converted, rest = divmod(amount, 10 ** (ours - theirs))
    if currency in _TENS:
        rest = converted % 10
    if rest:
        raise NotPayable(f"Stripe takes no amount with the last digit of {amount} in {currency}")
    return converted
