"""SelectPsp: payload, configuration, percentages, the off switch."""

from __future__ import annotations

import os
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import payment_flow
from flowdsl.cli import app
from handlers.document import MalformedEvent, Misconfigured
from handlers.select_psp import choices, selection
from handlers.select_psp.selection import NoPspAvailable, check_routing, select, settings
from tests.handlers.conftest import Call, document, donation

ROOT = Path(__file__).parents[2]

TWO = """
[one]
function = "psp_one"
enabled = true
percentage = 70
payment_methods = ["card"]

[two]
function = "psp_two"
enabled = true
percentage = 30
currencies = ["GBP", "EUR"]
charities = ["Lifeboats"]
"""


def configure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str) -> None:
    path = tmp_path / "psps.toml"
    path.write_text(text)
    monkeypatch.setenv("PSPS", str(path))


def test_the_routing_of_tests_selects_the_sandbox(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWDSL_NOW", "2026-01-31T09:30:00.000Z")
    assert call("select_psp", document()) == {
        "name": "psp_sandbox",
        "function_arn": "arn:aws:lambda:eu-west-1:123456789012:function:payment-psp-sandbox",
        "reason": "the only suitable PSP",
        "chosen_at": "2026-01-31T09:30:00.000Z",
    }


@pytest.mark.parametrize("name", ["psps.toml", "sandbox.toml", "stripe.toml"])
def test_the_configurations_that_come_along_are_valid(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PSPS", str(Path(selection.__file__).with_name(name)))
    check_routing(function.name for function in payment_flow.PSPS)
    assert any(psp.enabled for psp in selection.settings())


def table(aws: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import boto3

    monkeypatch.setenv("CHOICES_TABLE", f"choices-{uuid.uuid4().hex}")
    boto3.client("dynamodb").create_table(
        TableName=os.environ["CHOICES_TABLE"],
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )


@pytest.mark.parametrize("where", ["file", "table"])
def test_a_donation_keeps_its_psp_whatever_the_configuration_says_later(
    call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, where: str, request: pytest.FixtureRequest
) -> None:
    """Keys hold at one PSP only: another one would charge again."""
    if where == "table":
        table(request.getfixturevalue("aws"), monkeypatch)
    one_only = document(charity="Rainforest")
    configure(monkeypatch, tmp_path, TWO)
    first = call("select_psp", one_only)
    assert first["name"] == "one"
    configure(monkeypatch, tmp_path, TWO.replace("true", "false", 1).replace('charities = ["Lifeboats"]', ""))
    assert call("select_psp", one_only) == first
    assert call("select_psp", document(charity="Rainforest"))["name"] == "two"
    configure(monkeypatch, tmp_path, TWO.replace("true", "false"))
    assert call("select_psp", one_only) == first, "also where no PSP is left"


@pytest.mark.parametrize("where", ["file", "table"])
def test_a_different_donation_with_the_same_id_is_refused(
    call: Call, monkeypatch: pytest.MonkeyPatch, where: str, request: pytest.FixtureRequest
) -> None:
    if where == "table":
        table(request.getfixturevalue("aws"), monkeypatch)
    event = document()
    first = call("select_psp", event)
    name = {**event["donation"]["donor"], "name": "Ada King"}
    changes: tuple[dict[str, Any], ...] = (
        {"amount": 2501},
        {"currency": "EUR"},
        {"charity": "Rainforest"},
        {"payment_method": {"type": "card", "token": "tok_x"}},
        {"payment_method": {"type": "bank_debit", "token": "tok_paid"}},
        {"donor": {**event["donation"]["donor"], "email": "somebody@example.org"}},
        {"capture": "later"},
    )
    for change in changes:
        with pytest.raises(choices.DonationConflict, match="give the new donation an id of its own"):
            call("select_psp", {**event, "donation": {**event["donation"], **change}})
    assert call("select_psp", {**event, "donation": {**event["donation"], "donor": name}}) == first


@pytest.mark.parametrize("where", ["file", "table"])
def test_the_first_choice_stands_where_two_are_made_at_once(
    monkeypatch: pytest.MonkeyPatch, where: str, request: pytest.FixtureRequest
) -> None:
    if where == "table":
        table(request.getfixturevalue("aws"), monkeypatch)
    made = [choices.Choice("don-1", f"psp_{number}", "function", "", "2026-01-31", "print") for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        standing = set(pool.map(choices.keep, made))
    assert standing == {choices.find("don-1")}


def test_of_two_donations_with_one_id_at_once_one_is_refused(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    event = document()
    call("select_psp", event)
    monkeypatch.setattr(choices, "find", lambda _: None)  # both looked before either was stored
    with pytest.raises(choices.DonationConflict):
        call("select_psp", {**event, "donation": {**event["donation"], "amount": 2501}})


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"currency": "USD"}, "one"),
        ({"charity": "Rainforest"}, "one"),
        ({"payment_method": {"type": "sepa_debit", "token": "tok"}}, "two"),
        ({"payment_method": {"type": "card", "token": "tok", "psp": "two"}}, "two"),
    ],
)
def test_the_donation_decides(
    call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, change: dict[str, Any], expected: str
) -> None:
    configure(monkeypatch, tmp_path, TWO)
    assert call("select_psp", document(**change))["name"] == expected


def test_percentages_share_the_donations_and_a_repetition_selects_the_same(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    configure(monkeypatch, tmp_path, TWO)
    psps = settings()
    donations = [donation(id=f"don-{number}") for number in range(4000)]
    names = [select(each, psps)[0].name for each in donations]
    assert names == [select(each, psps)[0].name for each in donations]
    assert 0.67 < names.count("one") / len(names) < 0.73
    assert set(names) == {"one", "two"}


def test_three_psps_share_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    table = '[{0}]\nfunction = "{0}"\nenabled = true\npercentage = {1}\n'
    configure(monkeypatch, tmp_path, "".join(table.format(*each) for each in (("a", 50), ("b", 30), ("c", 20))))
    psps = settings()
    names = [select(donation(id=f"don-{number}"), psps)[0].name for number in range(4000)]
    shares = [names.count(name) / len(names) for name in "abc"]
    assert shares == pytest.approx([0.5, 0.3, 0.2], abs=0.03)


def test_equal_shares_are_equal_however_small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    configure(monkeypatch, tmp_path, TWO.replace("70", "1").replace("30", "1"))
    psps = settings()
    names = [select(donation(id=f"don-{number}"), psps)[0].name for number in range(1000)]
    assert 450 < names.count("one") < 550


def test_a_reservation_goes_to_a_psp_that_reserves(call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Another one would take the amount at once."""
    configure(monkeypatch, tmp_path, TWO.replace("percentage = 70", "percentage = 70\nreservations = false"))
    assert {call("select_psp", document(capture="later"))["name"] for _ in range(10)} == {"two"}
    with pytest.raises(NoPspAvailable, match="one: does not reserve amounts"):
        call("select_psp", document(capture="later", currency="USD"))


def test_the_off_switch_moves_everything_to_the_others(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    configure(monkeypatch, tmp_path, TWO.replace("true", "false", 1))
    psps = settings()
    assert {select(donation(id=f"don-{number}"), psps)[0].name for number in range(50)} == {"two"}


def test_no_psp_says_why(call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    configure(monkeypatch, tmp_path, TWO.replace("true", "false", 1))
    with pytest.raises(NoPspAvailable, match=r"^one: disabled; two: does not take USD$"):
        call("select_psp", document(currency="USD"))


def test_zero_percent_takes_none(call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    configure(monkeypatch, tmp_path, TWO.replace("30", "0"))
    with pytest.raises(NoPspAvailable, match="two: its percentage is 0"):
        call("select_psp", document(payment_method={"type": "sepa_debit", "token": "tok"}))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[one", "psps.toml:1: "),
        ("one = 1", "psps.toml:1: one: expected a table"),
        (TWO.replace("enabled = true", "enabled = 1", 1), "one.enabled: expected a value of type bool"),
        (TWO.replace("70", '"70"'), "one.percentage: expected a value of type int"),
        (TWO.replace("70", "-1"), "one.percentage: expected 0 or more"),
        (TWO.replace("currencies", "currency"), "two.currency: unknown; expected function, enabled"),
        (TWO.replace('["card"]', '"card"'), "one.payment_methods: expected a list"),
        (TWO.replace('["card"]', "[1]"), "one.payment_methods: expected a list of strings"),
        (TWO.replace('"EUR"', '"EURO"'), "two.currencies: expected ISO 4217 codes; unknown: EURO"),
        (TWO.replace('"psp_one"', '""'), "one.function: expected a function's name"),
        (
            TWO.replace("true", "1").replace("30", "-1"),
            "psps.toml:10: two.enabled: expected",
        ),
    ],
)
def test_a_mistake_in_the_configuration_is_named(
    call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str, expected: str
) -> None:
    configure(monkeypatch, tmp_path, text)
    with pytest.raises(Misconfigured) as refusal:
        call("select_psp", document())
    assert expected in str(refusal.value)


def test_a_missing_configuration_is_named(call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PSPS", str(tmp_path / "nowhere.toml"))
    with pytest.raises(Misconfigured, match=r"nowhere\.toml"):
        call("select_psp", document())


def test_an_event_that_is_not_the_document_is_refused(call: Call) -> None:
    with pytest.raises(MalformedEvent, match="donation: missing; expected an object"):
        call("select_psp", donation())


def test_deployed_functions_may_have_other_names(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWDSL_FUNCTION_NAMES", "test-{}-pr7")
    assert call("select_psp", document())["function_arn"].endswith(":function:test-payment-psp-sandbox-pr7")


def test_a_function_that_the_flow_does_not_have_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    routing = tmp_path / "psps.toml"
    routing.write_text('[psp_other]\nfunction = "payment-psp-other"\nenabled = true\npercentage = 1\n')
    monkeypatch.setenv("PSPS", str(routing))

    with pytest.raises(Misconfigured, match=r"psp_other\.function: payment-psp-other: not in PSPS of the flow"):
        check_routing(function.name for function in payment_flow.PSPS)


def test_flowdsl_check_reports_the_routing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    routing = tmp_path / "psps.toml"
    routing.write_text('[psp_stripe]\nfunction = "payment-psp-strip"\nenabled = true\npercentage = -1\n')
    monkeypatch.setenv("PSPS", str(routing))

    for mistake in ("percentage: expected 0 or more", "payment-psp-strip: not in PSPS"):
        result = CliRunner().invoke(app, ["check", str(ROOT / "payment_flow.py")])
        assert result.exit_code != 0
        assert mistake in result.output
        assert "Traceback" not in result.output
        routing.write_text(routing.read_text().replace("-1", "1"))
