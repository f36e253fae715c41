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
    "4242 - 4242 - 4242 - 4242",
    "4242, 4242, 4242, 4242",
    "4242:4242|4242*4242",
    "4242\n4242\r\n4242\t\t4242",
    "4242    4242    4242    4242",
    "4242 \u00a04242\u22124242\u00b74242",
    "4242 (4242) (4242) 4242",
    "4242%204242%204242%204242",
    "4242&nbsp;4242&nbsp;4242&nbsp;4242",
    "4242\u00ad4242\u20604242\ufeff4242",
    "4\u200b2\u200b4\u200b2\u200b" * 4,
    "4️⃣2️⃣" * 8,
    "3782 8224 6310 005",
    "6205 5000 0000 0000 004",
    "4242 4242 4242 4242 123",
    "2024 4242 4242 4242 4242",
    "42424242 42424242",
    "424242 4242424242",
    "424-242-424-242-424-2",
    "42 42 42 42 42 42 42 42",
    "4 2 4 2 4 2 4 2 4 2 4 2 4 2 4 2",
    "4-2-4-2-4-2-4-2-4-2-4-2-4-2-4-2-1-2-3",
]
OTHERS = [
    "4242424242424241",
    "1700000000000",
    "00000000-0000-4000-8000-424242424242",
    "order4242424242424242x",
    "12345678901234567890123456789012",
    "42424242424242411230129",
    "1" * 41,
    "20260131093000004",  # a time, whose check digit is right
    "2019, 2020, 2020, 2021, 2022, 2024",
    "06 12 34 56 78 / 07 12 34 56 70",
    "DE58 4904 6526 5368 6345 34",
    "51507351.12776000",
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
    assert cards.without_cards({"4242424242424242": ["4242 4242 4242 4242"]}) == {cards.REMOVED: [cards.REMOVED]}
    assert Masking().mask({"reading": 4242424242424242}) == {"reading": 0}


def test_a_number_in_a_field_for_each_group_is_found() -> None:
    assert list(cards.find({"card": ["4242", "4242", "4242", "4242"]})) == ["card"]
    assert list(cards.find({"card": {"a": "4242", "b": "4242", "c": "4242", "d": "4242"}})) == ["card"]
    assert list(cards.find({"card": [*"4242424242424242"], "amounts": [4242, 4242, 4242, 4242]})) == ["card"]


def test_an_account_number_hides_no_card() -> None:
    assert cards.redact("AB12 4242 4242 4242 4242") == "AB12 [card number removed]"
    assert cards.redact("%B4242424242424242^LOVELACE/ADA^3012") == "%B[card number removed]^LOVELACE/ADA^3012"


def test_both_have_the_same_rule() -> None:
    for name in ("_CANDIDATE", "_GAPS", "_CONSUMER", "_BRANDS"):
        assert getattr(recorded, name) == getattr(cards, name)
    for name in ("matches", "replace", "_is_card", "_is_iban", "is_card_number"):
        assert inspect.getsource(getattr(recorded, name)) == inspect.getsource(getattr(cards, name))
