"""Times are in UTC whatever the machine's zone, and amounts are exact integers of the currency's minor unit."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest

from handlers import clock
from handlers.money import MINOR_DIGITS, NotPayable, amount_text
from handlers.psp_stripe.amounts import to_stripe


@pytest.mark.parametrize(
    ("earlier", "now", "seconds"),
    [
        # Clocks go forward in London at 01:00 UTC on 30 March 2025, and back at 01:00 UTC on 26 October.
        ("2025-03-30T00:30:00.000Z", "2025-03-30T01:30:00.000Z", 3600),
        ("2025-10-26T00:30:00.000Z", "2025-10-26T01:30:00.000Z", 3600),
        ("2025-10-26T01:30:00+01:00", "2025-10-26T01:30:00.000Z", 3600),
        ("2024-02-28T12:00:00.000Z", "2024-03-01T12:00:00.000Z", 2 * 86_400),
        ("2025-12-31T23:59:59.999Z", "2026-01-01T00:00:00.000Z", 0.001),
        ("2025-01-01T00:00:05.000Z", "2025-01-01T00:00:00.000Z", -5),  # another machine's clock is ahead
    ],
)
@pytest.mark.parametrize("zone", ["UTC", "Europe/London", "Pacific/Apia"])
def test_seconds_between_moments_know_no_daylight_saving(
    monkeypatch: pytest.MonkeyPatch, zone: str, earlier: str, now: str, seconds: float
) -> None:
    monkeypatch.setenv("TZ", zone)
    monkeypatch.setenv("FLOWDSL_NOW", now)
    time.tzset()
    try:
        assert clock.seconds_since(earlier) == pytest.approx(seconds)
    finally:
        monkeypatch.delenv("TZ")
        time.tzset()


def test_the_real_time_is_in_utc_with_milliseconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FLOWDSL_NOW", raising=False)
    assert len(clock.now()) == len("2025-01-01T00:00:00.000Z")
    assert clock.now().endswith("Z")
    assert abs(clock.seconds_since(clock.now())) < 5


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (1, "GBP", "0.01 GBP"),
        (100_000_005, "EUR", "1,000,000.05 EUR"),
        (2500, "JPY", "2,500 JPY"),
        (1, "ISK", "1 ISK"),
        (2500, "UGX", "2,500 UGX"),
        (5, "KWD", "0.005 KWD"),
        (1_234_567, "KWD", "1,234.567 KWD"),
        (2550, "MGA", "25.50 MGA"),
        (-5, "GBP", "-0.05 GBP"),
        (-2550, "EUR", "-25.50 EUR"),
    ],
)
def test_amounts_for_people(amount: int, currency: str, text: str) -> None:
    assert amount_text(amount, currency) == text


@pytest.mark.parametrize("currency", sorted(MINOR_DIGITS))
def test_what_people_read_is_exactly_the_amount(currency: str) -> None:
    for amount in (1, 9, 10, 99, 101, 29_99, 99_999_999):
        number = Decimal(amount_text(amount, currency).split()[0].replace(",", ""))
        assert number.scaleb(MINOR_DIGITS[currency]) == amount


@pytest.mark.parametrize(
    ("currency", "amount", "stripe"),
    [
        # https://docs.stripe.com/currencies#special-cases: ISK and UGX have two decimals there, which must be 00; a
        # three-decimal amount must end with 0; MGA is among the zero-decimal currencies.
        ("ISK", 1, 100),
        ("UGX", 99, 9900),
        ("KWD", 1230, 1230),
        ("KWD", 1234, None),
        ("MGA", 500, 5),
        ("MGA", 550, None),
        ("JPY", 7, 7),
    ],
)
def test_no_amount_is_rounded_for_stripe(currency: str, amount: int, stripe: int | None) -> None:
    if stripe is None:
        with pytest.raises(NotPayable):
            to_stripe(amount, currency)
    else:
        assert to_stripe(amount, currency) == stripe
