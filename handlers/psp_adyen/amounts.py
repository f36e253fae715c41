"""Adyen's minor units, which differ from ISO 4217 in four currencies.

Source: https://docs.adyen.com/development-resources/currency-codes ("for CLP, CVE, IDR, and ISK …").
"""

from __future__ import annotations

from handlers.money import MINOR_DIGITS, NotPayable, rescaled

_ADYEN_DIGITS = {"CLP": 2, "CVE": 0, "IDR": 0, "ISK": 2}


def to_adyen(amount: int, currency: str) -> int:
    """Convert an amount from ISO 4217's minor unit to Adyen's. Raises NotPayable rather than rounding.

    >>> to_adyen(2500, "GBP"), to_adyen(2500, "ISK"), to_adyen(2500, "IDR")
    (2500, 250000, 25)
    """
    return _converted(amount, MINOR_DIGITS[currency], _ADYEN_DIGITS.get(currency, MINOR_DIGITS[currency]), currency)


def from_adyen(amount: int, currency: str) -> int:
    """Convert an amount from Adyen's minor unit to ISO 4217's. Raises NotPayable rather than rounding.

    >>> from_adyen(2500, "GBP"), from_adyen(250000, "CLP"), from_adyen(25, "CVE")
    (2500, 2500, 2500)
    """
    return _converted(amount, _ADYEN_DIGITS.get(currency, MINOR_DIGITS[currency]), MINOR_DIGITS[currency], currency)


def _converted(amount: int, before: int, after: int, currency: str) -> int:
    converted, rest = rescaled(amount, before, after)
    if rest:
        raise NotPayable(f"{amount} (minor unit) in {currency} is no whole amount at Adyen: the last digits must be 0")
    return converted
