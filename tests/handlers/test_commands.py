"""`python -m handlers.psp_sandbox`, the examples, money for people."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from handlers.money import MINOR_DIGITS, amount_text
from handlers.psp_sandbox.__main__ import main
from handlers.psp_sandbox.testcards import CARDS
from handlers.setup.donation import MalformedDonation
from tests.handlers.conftest import Call, document
from tests.handlers.test_sandbox import journey

EXAMPLES = Path(__file__).parents[2] / "examples"
OUTCOMES = {
    "donation": ["retry 91", "retry 91", "paid 00"],
    "donation-paid": ["paid 00"],
    "donation-declined": ["declined 51"],
    "donation-exhausted": ["retry 91", "retry 91", "retry 91", "declined 91"],
    "donation-redirect": ["redirect 1A", "paid 00"],
    "donation-abandoned": ["redirect 1A"] * 12,
    "donation-psp-down": ["unavailable"] * 12,
    "donation-psp-recovers": ["unavailable", "unavailable", "paid 00"],
    "donation-answer-lost": ["unavailable", "paid 00"],
    "donation-later": ["authorised 00"],
}


def example(name: str) -> Any:
    return json.loads((EXAMPLES / f"{name}.json").read_text())


def sandbox(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


@pytest.mark.parametrize("name", OUTCOMES)
def test_an_example_leads_to_its_outcome(call: Call, name: str) -> None:
    started = call("setup", example(name))
    assert journey(call, {**started, "psp": call("select_psp", started)}) == OUTCOMES[name]


def test_every_example_is_tried() -> None:
    donations = {path.stem: json.loads(path.read_text()) for path in EXAMPLES.glob("donation*.json")}
    assert donations.keys() == {*OUTCOMES, "donation-malformed"}
    assert len({donation["id"] for donation in donations.values()}) == len(donations)


def test_the_malformed_example_is_refused(call: Call) -> None:
    with pytest.raises(MalformedDonation, match=r"^amount: is a string; .*; donor\.email: missing$"):
        call("setup", example("donation-malformed"))


def test_cards_are_listed() -> None:
    lines = sandbox("cards").stdout.splitlines()
    assert [line.split()[:2] for line in lines] == [[card.number, card.token] for card in CARDS]


def test_a_number_is_exchanged_and_the_donor_played(call: Call) -> None:
    token = sandbox("tokenise", "4000002760003184").stdout.strip()
    event = document(token)
    event["payment"] = call("psp_sandbox", event)
    reference = event["payment"]["reference"]
    assert "captured  (00 approved)" in sandbox("authenticate", reference).stdout
    assert call("psp_sandbox", {**event, "redirect": {"status": "returned"}})["status"] == "paid"
    (line,) = sandbox("payments", "--order", event["donation"]["id"]).stdout.splitlines()
    assert line.split("  ", 1)[1] == f"{reference}  {event['donation']['id']}  25.00 GBP  captured  (00 approved)"


def test_a_donor_can_fail(call: Call) -> None:
    event = document("tok_3ds_abandoned")
    reference = call("psp_sandbox", event)["reference"]
    assert "declined  (3D 3-D Secure failed)" in sandbox("authenticate", reference, "--fail").stdout


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("tokenise", "1"), "Error: the number is not a card number; `python -m handlers.psp_sandbox cards`"),
        (("authenticate", "sbx_1"), "Error: no payment has the reference sbx_1; `python -m handlers.psp_sandbox pay"),
    ],
)
def test_mistakes_get_one_clear_line(arguments: tuple[str, ...], expected: str) -> None:
    result = sandbox(*arguments)
    assert result.exit_code == 1
    assert result.stderr.startswith(expected)
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [
        (0, "GBP", "0.00 GBP"),
        (5, "GBP", "0.05 GBP"),
        (123456789, "EUR", "1,234,567.89 EUR"),
        (2500, "JPY", "2,500 JPY"),
        (1005, "KWD", "1.005 KWD"),
        (-5, "GBP", "-0.05 GBP"),
    ],
)
def test_amounts_for_people(amount: int, currency: str, expected: str) -> None:
    assert amount_text(amount, currency) == expected


def test_currencies_are_those_of_iso_4217() -> None:
    assert all(len(code) == 3 and code.isupper() for code in MINOR_DIGITS)
    assert (MINOR_DIGITS["GBP"], MINOR_DIGITS["JPY"], MINOR_DIGITS["BHD"]) == (2, 0, 3)
    assert not {"XXX", "XTS", "XAU", "HRK", "BTC"} & MINOR_DIGITS.keys()
