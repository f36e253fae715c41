"""Currencies of ISO 4217, and amounts formatted for people. Amounts are integers in the minor unit."""

from __future__ import annotations

_TWO = """
AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC
CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES
KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR
NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT
TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG
"""
_NONE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_THREE = "BHD IQD JOD KWD LYD OMR TND"

MINOR_DIGITS: dict[str, int] = {
    **dict.fromkeys(_TWO.split(), 2),
    **dict.fromkeys(_NONE.split(), 0),
    **dict.fromkeys(_THREE.split(), 3),
}
"""Digits of the minor unit by currency (ISO 4217, list one, without funds and metals), of WITHDRAWN ones as well."""

WITHDRAWN: dict[str, str] = {
    # https://style-guide.europa.eu (changes to currencies): since 31 March 2025, amendment 176.
    "ANG": "XCG",
    # Bulgaria has the euro since 1 January 2026 (Council of the European Union, 8 July 2025).
    "BGN": "EUR",
}
"""Currencies that new donations cannot have, with their successors; stored donations may have them."""

ACCEPTED = frozenset(MINOR_DIGITS.keys() - WITHDRAWN.keys())


class NotPayable(ValueError):
    """A PSP cannot take exactly this amount in this currency."""


def rescaled(amount: int, before: int, after: int) -> tuple[int, int]:
    """Convert an amount between minor units of so many digits; return the new amount and the rest, 0 if exact.

    >>> rescaled(2500, 0, 2), rescaled(2500, 2, 0), rescaled(2550, 2, 0)
    ((250000, 0), (25, 0), (25, 50))
    """
    return divmod(amount * int(10**after), int(10**before))


def amount_text(amount: int, currency: str) -> str:
    """Format an amount for people.

    >>> amount_text(250000, "GBP"), amount_text(2500, "JPY"), amount_text(-5, "KWD")
    ('2,500.00 GBP', '2,500 JPY', '-0.005 KWD')
    """
    digits = MINOR_DIGITS.get(currency, 2)
    whole, rest = divmod(abs(amount), 10**digits)
    sign = "-" if amount < 0 else ""
    return f"{sign}{whole:,}{f'.{rest:0{digits}}' if digits else ''} {currency}"
