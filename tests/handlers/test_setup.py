"""Setup: what a donation has to be."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from handlers import cards
from handlers.setup.donation import _FIELDS, _OPTIONAL, MAX_AMOUNT, MAX_BYTES, MalformedDonation, validated
from tests.handlers.conftest import Call, donation


def test_a_donation_becomes_the_document(call: Call) -> None:
    given = donation(campaign={"name": "spring"})
    document = call("setup", given)
    assert document["donation"] == given
    assert document["payment"] == {"status": "new", "attempts": []}
    assert document["started_at"].endswith("Z")
    assert "execution" not in document


def test_the_execution_becomes_a_part_of_the_document(call: Call) -> None:
    assert call("setup", {"donation": donation(), "execution": "arn:one"})["execution"] == "arn:one"


MALFORMED: list[tuple[str, dict[str, Any], str]] = [
    ("no id", {"id": None}, "id: is null; expected 1 to 64 letters"),
    ("an id with spaces", {"id": "don 1"}, "id: expected 1 to 64 letters"),
    ("a long id", {"id": "d" * 65}, "id: expected 1 to 64 letters"),
    ("an id like a refund's key", {"id": "don-1:refund:1"}, "id: expected 1 to 64 letters"),
    ("no charity", {"charity": " "}, "charity: expected 1 to 200 characters"),
    ("an amount in pounds", {"amount": 25.0}, "amount: is a number; expected an integer from 1 to 99999999"),
    ("an amount as text", {"amount": "2500"}, "amount: is a string; expected an integer"),
    ("a boolean amount", {"amount": True}, "amount: is a boolean; expected an integer"),
    ("nothing", {"amount": 0}, "amount: expected an integer from 1"),
    ("a negative amount", {"amount": -1}, "amount: expected an integer from 1"),
    ("too much", {"amount": 100_000_000}, "amount: expected an integer from 1 to 99999999"),
    ("a currency in small letters", {"currency": "gbp"}, "currency: expected an ISO 4217 code in capitals"),
    ("no such currency", {"currency": "XXZ"}, "currency: expected an ISO 4217 code"),
    ("no method", {"payment_method": "card"}, "payment_method.type: missing; payment_method.token: missing"),
    ("an empty token", {"payment_method": {"type": "card", "token": ""}}, "payment_method.token: expected 1"),
    ("a capture at some other time", {"capture": "now"}, 'capture: expected "later", or no such field'),
    ("no donor", {"donor": {}}, "donor.name: missing; donor.email: missing"),
    ("no e-mail", {"donor": {"name": "Ada", "email": "ada"}}, "donor.email: expected an e-mail address"),
    (
        "a card number as token",
        {"payment_method": {"type": "card", "token": "4242424242424242"}},
        "payment_method.token: looks like a card number; send the PSP's token instead",
    ),
    ("a card number in groups", {"note": "my card 4242 4242-4242 4242"}, "note: looks like a card number"),
    ("a card number with its date", {"note": "4242 4242 4242 4242 12/30"}, "note: looks like a card number"),
    ("a card number with a prefix", {"note": "card:tok_4242424242424242;"}, "note: looks like a card number"),
    ("a card number in other groups", {"note": "3782 822463 10005"}, "note: looks like a card number"),
    ("a card number as a number", {"card": 378282246310005}, "card: looks like a card number"),
    ("a card number deep inside", {"extra": [{"a": ["5555555555554444"]}]}, "extra[0].a[0]: looks like a card"),
    (
        "a security code",
        {"payment_method": {"type": "card", "token": "tok", "CVC-2": "123"}},
        "payment_method.CVC-2: contains a card's secret; send the PSP's token instead",
    ),
    ("a verification code", {"card": {"cardCvvCode": "123"}}, "card.cardCvvCode: contains a card's secret"),
    ("a magnetic stripe", {"track2Data": ";4000"}, "track2Data: contains a card's secret"),
    ("a secret deep inside", {"more": [{"security_code": 123}]}, "more[0].security_code: contains a card's secret"),
    ("half a surrogate pair", {"donor": {"name": "A\ud83d", "email": "ada@example.org"}}, "donor.name: contains half"),
    ("a surrogate deep inside", {"more": [{"a": "\udc00"}]}, "more[0].a: contains half of a surrogate pair (U+DC00)"),
    ("an escape sequence", {"charity": "Life\x1b[2J"}, "charity: contains a control character (U+001B); remove it"),
    ("a control character in a name", {"a\x00\udc00": 1}, r"a\x00\udc00 (the field's name): contains half of a"),
    ("a C1 control character", {"note": "\x9b2J"}, "note: contains a control character (U+009B)"),
    ("a second line", {"charity": "Lifeboats\nPAID"}, "charity: contains a line break"),
    (
        "reversed text",
        {"donor": {"name": "Ada \u202e", "email": "ada@example.org"}},
        "donor.name: contains a line break",
    ),
    (
        "an address that is reversed",
        {"donor": {"name": "Ada", "email": "a\u202e@example.org"}},
        "donor.email: expected an e-mail address",
    ),
    ("a mark of direction", {"charity": "Life\u061cboats"}, "charity: contains a line break, a tab or a change of"),
    ("no number", {"note": [float("nan")]}, "note: has a number that is too large, or none"),
    ("an endless number", {"note": [{"a": 1e400}]}, "note: has a number that is too large, or none"),
    ("a very large number", {"note": 10**4299}, "note: has a number that is too large, or none"),
    ("a card in the name of a bad field", {"4242424242424242": [10**309]}, "[card number removed]: has a number"),
    ("a card below a bad name", {"a\ud800": "4242424242424242"}, r"a\ud800: looks like a card number"),
    ("a card in boxes", {"card": ["4242", "4242", "4242", "4242"]}, "card: looks like a card number"),
    ("a novel", {"note": "é" * 5600}, "bytes of JSON; expected at most 32,768"),
    ("a card number as a field", {"4242424242424242": 1}, "[card number removed] (the field's name): looks like"),
]


@pytest.mark.parametrize(("change", "expected"), [case[1:] for case in MALFORMED], ids=[c[0] for c in MALFORMED])
def test_a_malformed_donation_is_refused_by_the_field(call: Call, change: dict[str, Any], expected: str) -> None:
    with pytest.raises(MalformedDonation) as refusal:
        call("setup", donation(**change))
    assert expected in str(refusal.value)
    assert not any(number in str(refusal.value) for number in ("4242", "3782", "5555"))


MISSPELT = """
captur Capture CAPTURE captured captures capure cpature capture_ capture\u200b \uff43apture \u0441apture _capture
capture_later captureMethod capture-mode
ammount Amount amounts amont currencies Currency currncy charities Charity carity ID Id ids
paymentMethod payment-method payment_methods PaymentMethod paymentmethod payment_metod donors Donor dnor
payment_method.Type payment_method.typ payment_method.types payment_method.tyep payment_method.Token
payment_method.tokn payment_method.PSP payment_method.pps payment_method.psps payment_method.capture
payment_method.captur donor.Name donor.nam donor.names donor.e-mail donor.Email donor.eMail donor.mail donor.emial
donor.emails donor.capture
"""
ADDITIONAL = """
campaign note account count country discount uid cid kid idx identity source comment recurring frequency
honor current charity_id charityName donor_id donorId payment payment_method_id amount_gbp amount2 currency_symbol
screenshot receipt_name gift_aid language recaptcha_score payment_method.brand payment_method.last4
payment_method.holder payment_method.token_type payment_method.subtype payment_method.expires donor.first_name
donor.surname donor.fname donor.name2 donor.email2 donor.address donor.phone donor.title donor.id donor.type
"""


def with_field(path: str) -> dict[str, Any]:
    parent, _, name = path.rpartition(".")
    given = donation()
    (given[parent] if parent else given)[name] = "later"
    return given


@pytest.mark.parametrize("path", MISSPELT.split())
def test_a_misspelt_field_is_no_additional_one(call: Call, path: str) -> None:
    """With `captur` the donor was charged at once."""
    with pytest.raises(MalformedDonation, match=r": unknown; write .*, or give an additional field another name$"):
        call("setup", with_field(path))


def test_a_misspelt_field_is_told_what_to_write(call: Call) -> None:
    given = donation(captur="later", payment_method={"type": "card", "token": "t", "Psp": "psp_stripe", "capture": 1})
    with pytest.raises(MalformedDonation) as refusal:
        call("setup", given)
    assert str(refusal.value).split("; ") == [
        "captur: unknown",
        "write capture, or give an additional field another name",
        "payment_method.Psp: unknown",
        "write psp, or give an additional field another name",
        "payment_method.capture: unknown",
        'write "capture": "later" beside payment_method, or give an additional field another name',
    ]


@pytest.mark.parametrize("path", ADDITIONAL.split())
def test_additional_fields_stay_allowed(call: Call, path: str) -> None:
    given = with_field(path)
    assert call("setup", given)["donation"] == given


README = (Path(__file__).parents[2] / "handlers/README.md").read_text()
DONATION = README.partition("## The donation\n")[2].partition("\n## ")[0]


def test_the_readme_has_the_fields_of_a_donation() -> None:
    rows = re.findall(r"^\| `([\w.]+)` \| (required|optional)\b", DONATION, re.M)
    assert sorted(rows) == sorted([(name, "required") for name in _FIELDS] + [(name, "optional") for name in _OPTIONAL])
    assert str(MAX_AMOUNT) in DONATION
    assert f"{MAX_BYTES // 1024} KiB" in DONATION


def test_the_readme_has_the_payment_methods_of_each_psp() -> None:
    rows = re.findall(r"^\| `(\w+)` \| `(psp_\w+)` \|", DONATION, re.M)
    routing = tomllib.loads((Path(__file__).parents[2] / "handlers/select_psp/psps.toml").read_text())
    assert rows == [(method, name) for name, table in routing.items() for method in table["payment_methods"]]


@pytest.mark.parametrize("depth", [31, 32, 240, 2000])
def test_a_donation_that_no_step_could_read_is_refused(depth: int) -> None:
    nested: Any = "the last"
    for _ in range(depth):
        nested = [nested]
    if depth < 32:
        assert validated(donation(note=nested))
        return
    with pytest.raises(MalformedDonation, match=r"^note: is nested more than 32 levels deep; send"):
        validated(donation(note=nested))


@pytest.mark.parametrize("name", ["security", "pin", "pincode", "cid", "track", "discount", "security_question"])
def test_other_fields_are_not_taken_for_secrets(call: Call, name: str) -> None:
    call("setup", donation(**{name: "123"}))


def test_all_mistakes_are_named_at_once(call: Call) -> None:
    with pytest.raises(MalformedDonation) as refusal:
        call("setup", {"id": "don-1", "amount": "1"})
    named = [problem.split(":")[0] for problem in str(refusal.value).split("; ") if ":" in problem]
    for field in ("charity", "amount", "currency", "payment_method.type", "donor.email"):
        assert field in named


def test_a_note_may_have_lines_and_any_language(call: Call) -> None:
    call("setup", donation(note="first\nsecond\t😀", donor={"name": "Zoë 😀 עדה", "email": "zoe@example.org"}))


@pytest.mark.parametrize("event", [None, [], "donation", 1])
def test_a_donation_is_an_object(call: Call, event: Any) -> None:
    with pytest.raises(MalformedDonation, match="expected an object"):
        call("setup", event)


SPELLINGS = [
    "4242.4242.4242.4242",
    "4242  4242  4242  4242",
    "4242\u00a04242\u00a04242\u00a04242",
    "4242\u202f4242\u20094242 4242",
    "4242/4242/4242/4242",
    "4242\u20134242\u20134242\u20134242",
    "\uff14\uff12\uff14\uff12" * 4,
    "\u0664\u0662\u0664\u0662" * 4,
    "3782.822463.10005",
    "card_4242424242424242",
]


@pytest.mark.parametrize("text", SPELLINGS)
def test_a_card_number_is_refused_in_every_spelling(call: Call, text: str) -> None:
    with pytest.raises(MalformedDonation, match="note: looks like a card number") as refusal:
        call("setup", donation(note=f"it is {text}, thanks"))
    assert text not in str(refusal.value)
    assert cards.redact(f"({text})") in ("([card number removed])", "(card_[card number removed])")


@pytest.mark.parametrize(
    "value",
    [
        "don-1732262400000",
        1732262400000,
        2500,
        "4242424242424241",  # a wrong check digit
        "a1b2c3d4-e5f6-4242-4242-42424242abcd",
        "sbx_a4242424242424242",
        "+44 20 7946 0958",
        "2026-01-31 2026-02-28",
        "arn:aws:states:eu-west-1:555555555554:execution:payment:one",
    ],
)
def test_other_numbers_are_not_taken_for_cards(call: Call, value: Any) -> None:
    call("setup", donation(note=value))
