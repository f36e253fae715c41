"""One rule for card numbers: in the payment flow's data, and in recordings of executions."""

from __future__ import annotations

import inspect

import pytest

from flowdsl.run import cards as recorded
from flowdsl.run.masking import Masking, mask_text
from handlers import cards

SPELLINGS = [
    "4242424242424242",
    "4242 4242 4242 4242",
    "4242-4242-4242-4242",
    "4242.4242.4242.4242",
    "4242/4242/4242/4242",
    "4242  4242  4242  4242",
    "4242\u00a04242\u00a04242\u00a04242",
    "4242\u20114242\u20114242\u20114242",
    "４２４２４２４２４２４２４２４２",
    "٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢",
    "3782 822463 10005",
    "378282246310005",
    "6011111111111117",
    "42424242424242421230123",  # with expiry date and security code
    "37828224631000512301234",
    "00000000004242424242424242",
    "99999999994242424242424242",
]
OTHERS = [
    "4242424242424241",
    "1700000000000",
    "00000000-0000-4000-8000-424242424242",
    "order4242424242424242x",
    "12345678901234567890123456789012",
    "42424242424242411230129",
    "1" * 41,
]


@pytest.mark.parametrize("text", SPELLINGS)
def test_a_card_number_is_found_in_every_spelling(text: str) -> None:
    assert cards.redact(f"my card: {text}.") == "my card: [card number removed]."
    assert mask_text(f"my card: {text}.") == "my card: [card number]."
    masking = Masking()
    masking.learn([{"note": f"my card: {text}."}])
    assert masking.mask({"note": f"my card: {text}."}) == {"note": "my card: masked-1."}


@pytest.mark.parametrize("text", OTHERS)
def test_other_numbers_stay(text: str) -> None:
    assert cards.redact(text) == mask_text(text) == text


def test_a_number_is_found_as_a_number_too() -> None:
    assert cards.without_cards({"card": 4242424242424242}) == {"card": cards.REMOVED}
    assert Masking().mask({"reading": 4242424242424242}) == {"reading": 0}


def test_both_have_the_same_rule() -> None:
    assert recorded._CANDIDATE == cards._CANDIDATE
    assert recorded._BRANDS == cards._BRANDS
    for name in ("_is_card", "is_card_number"):
        assert inspect.getsource(getattr(recorded, name)) == inspect.getsource(getattr(cards, name))
