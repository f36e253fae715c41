"""What Adyen's answers and events mean together, in whatever order they came."""

from __future__ import annotations

import json
import time
from itertools import permutations
from pathlib import Path
from typing import Any

import boto3
import pytest
from attrs import evolve

from benchmarks.campaign.adyen_books import DOCUMENT
from benchmarks.campaign.published import PUBLISHED, WITHOUT
from handlers.psp import Outcome, PspRefused
from handlers.psp_adyen import codes, facts, states
from handlers.psp_adyen.facts import ANSWERED, SENT, Fact

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("code", "expected"),
    [("4", Outcome.RETRY), ("9", Outcome.RETRY), ("12", Outcome.DECLINED), ("99", Outcome.DECLINED)],
)
@pytest.mark.parametrize("result", ["Refused", "Error"])
def test_refusals(result: str, code: str, expected: Outcome) -> None:
    known = [Fact("don-1-1", SENT, "", amount=1, currency="GBP"), Fact("don-1-1", ANSWERED, "", result, code)]

    state = states.payment(known, "don-1-1")

    assert state is not None
    assert (state.outcome, state.code) == (expected, code)


@pytest.mark.parametrize("result", ["PartiallyAuthorised", "AuthenticationFinished", "Brand new"])
def test_an_unknown_result_is_not_a_decline(result: str) -> None:
    known = [Fact("don-1-1", SENT, "", amount=1, currency="GBP"), Fact("don-1-1", ANSWERED, "", result)]

    state = states.payment(known, "don-1-1")

    assert state is not None
    assert state.outcome is Outcome.PENDING


def test_results_are_those_that_adyen_publishes() -> None:
    if not PUBLISHED.is_dir():
        pytest.skip(WITHOUT)
    published = json.loads((PUBLISHED / DOCUMENT).read_text(encoding="utf-8"))["components"]["schemas"]
    results = set(published["PaymentResponse"]["properties"]["resultCode"]["enum"])
    decided_by_reason = {"Refused", "Error"}
    not_asked_for = {"AuthenticationFinished", "AuthenticationNotRequired", "PartiallyAuthorised"}

    assert codes.RESULTS.keys() == results - decided_by_reason - not_asked_for - {"Success"}
    assert published["PaymentRequest"]["properties"]["shopperReference"]["minLength"] == codes.SHORTEST_SHOPPER
    longest = f"{'x' * 64}:capture:99"
    assert len(longest) < published["PaymentRequest"]["properties"]["reference"]["maxLength"]


def test_facts_mean_the_same_in_whatever_order_they_come(data: Path) -> None:
    known = [
        Fact("don-1-1", SENT, "1", amount=2500, currency="GBP", capture=False),
        Fact("don-1-1", ANSWERED, "2", "Received"),
        Fact("don-1-1", "AUTHORISATION", "3", "true", psp_reference="P1", amount=2500, currency="GBP"),
        Fact("don-1:capture:1", "CAPTURE", "4", "true", psp_reference="P2", original="P1", amount=2500, currency="GBP"),
    ]
    for order in permutations(known):
        state = states.payment(order, "don-1-1")
        assert state is not None
        assert (state.outcome, state.reference) == (Outcome.PAID, "don-1-1:P1")


SENT_25 = Fact("don-1-1", SENT, "1", amount=2500, currency="GBP")


def authorisation(psp_reference: str, *, success: str = "true", amount: int = 2500) -> Fact:
    more = {"psp_reference": psp_reference, "amount": amount, "currency": "GBP"}
    return Fact("don-1-1", "AUTHORISATION", "3", success, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("change", [{"amount": 25}, {"currency": "EUR"}])
def test_another_amount_than_asked_for_is_not_paid(change: dict[str, Any]) -> None:
    known = [SENT_25, Fact("don-1-1", ANSWERED, "2", "Received", psp_reference="P1")]

    with pytest.raises(PspRefused, match="authorised another amount"):
        states.payment([*known, evolve(authorisation("P1"), **change)], "don-1-1")


@pytest.mark.parametrize("kind", ["CANCELLATION", "TECHNICAL_CANCEL", "CANCEL_OR_REFUND", "CAPTURE", "EXPIRE"])
def test_what_failed_changes_no_payment(kind: str) -> None:
    failed = Fact("don-1:cancel:1", kind, "4", "false", psp_reference="P2", original="P1")

    state = states.payment([evolve(SENT_25, capture=False), authorisation("P1"), failed], "don-1-1")

    assert state is not None
    assert state.outcome is Outcome.AUTHORISED


def test_a_capture_that_fails_afterwards_took_nothing() -> None:
    """https://docs.adyen.com/online-payments/capture/failure-reasons"""
    about = {"psp_reference": "P2", "original": "P1"}
    known = [
        Fact("don-1:capture:1", SENT, "1", original="P1", amount=2500, currency="GBP"),
        Fact("don-1:capture:1", ANSWERED, "2", "received", psp_reference="P2"),
        Fact("don-1-1", "CAPTURE", "3", "true", **about),  # type: ignore[arg-type]
        Fact("don-1-1", "CAPTURE_FAILED", "4", "true", **about),  # type: ignore[arg-type]
    ]
    for order in permutations(known):
        assert states.modification(order, "don-1:capture:1", "CAPTURE") is Outcome.DECLINED


def test_what_was_captured_in_another_currency_is_no_amount_of_the_donation() -> None:
    reserved = evolve(SENT_25, capture=False)
    euros = Fact("don-1-1", "CAPTURE", "4", "true", psp_reference="P2", original="P1", amount=2500, currency="EUR")
    known = [reserved, authorisation("P1"), euros]
    state = states.payment(known, "don-1-1")

    assert state is not None
    assert states.taken(known, reserved, state) is None


def test_a_further_payment_that_was_cancelled_is_none() -> None:
    known = [SENT_25, Fact("don-1-1", ANSWERED, "2", "Authorised", psp_reference="P1"), authorisation("P2")]
    assert [each.psp_reference for each in states.further(known)] == ["P2"]

    gone = Fact("don-1-1", "CANCELLATION", "4", "true", psp_reference="P3", original="P2")
    assert states.further([*known, gone]) == []


@pytest.mark.parametrize(
    ("known", "own", "others"),
    [
        (
            [Fact("don-1-1", ANSWERED, "2", "Received", psp_reference="P1"), authorisation("P2"), authorisation("P1")],
            "paid",
            ["P2"],
        ),
        ([Fact("don-1-1", ANSWERED, "2", "Received", psp_reference="P1"), authorisation("P2")], "pending", ["P2"]),
        (
            [Fact("don-1-1", ANSWERED, "2", "Received", psp_reference="P1"), authorisation("P2", success="false")],
            "pending",
            [],
        ),
        ([Fact("don-1-1", ANSWERED, "2", "Refused", psp_reference="P1"), authorisation("P2")], "declined", ["P2"]),
        ([Fact("don-1-1", ANSWERED, "2", "RedirectShopper"), authorisation("P2", amount=9900)], "redirect", ["P2"]),
        ([authorisation("P2", amount=10), authorisation("P1")], "paid", ["P2"]),
        ([authorisation("P2", amount=10)], None, ["P2"]),
        ([authorisation("P2", amount=10, success="false")], None, []),
    ],
)
def test_the_payment_that_adyen_answered_or_that_is_of_the_amount_is_the_flows(
    known: list[Fact], own: str | None, others: list[str]
) -> None:
    """Somebody typed in another one with its reference, in the Customer Area."""
    for order in permutations([SENT_25, *known]):
        state = states.payment(order, "don-1-1")

        assert (state and str(state.outcome)) == own
        assert own != "paid" or (state and state.reference) == "don-1-1:P1"
        assert [each.psp_reference for each in states.further(order)] == others


def test_of_two_payments_that_nothing_tells_apart_the_first_one_is_the_flows() -> None:
    state = states.payment([SENT_25, authorisation("P2"), authorisation("P1")], "don-1-1")

    assert state is not None
    assert (state.outcome, state.reference) == (Outcome.PAID, "don-1-1:P2")
    assert [each.psp_reference for each in states.further([SENT_25, authorisation("P2"), authorisation("P1")])] == [
        "P1"
    ]


@pytest.mark.parametrize("backend", ["file", "table"])
def test_a_fact_is_kept_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, backend: str) -> None:
    if backend == "table":
        request.getfixturevalue("aws")
        key = [{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "entry", "KeyType": "RANGE"}]
        types = [{"AttributeName": name, "AttributeType": "S"} for name in ("id", "entry")]
        name = f"adyen-{time.monotonic_ns()}"
        boto3.client("dynamodb").create_table(
            TableName=name, KeySchema=key, AttributeDefinitions=types, BillingMode="PAY_PER_REQUEST"
        )
        monkeypatch.setenv("ADYEN_TABLE", name)
    first = Fact("don-1-1", SENT, "2026-01-01", amount=1, currency="GBP")

    assert facts.keep(first) == first
    assert facts.keep(Fact("don-1-1", SENT, "2026-01-02", amount=2, currency="GBP")) == first
    assert facts.keep(Fact("don-1:refund:1", SENT, "2026-01-03", amount=1)).amount == 1
    assert [each.reference for each in facts.facts_of("don-1")] == ["don-1-1", "don-1:refund:1"]
    for code in ("true", "false"):
        facts.keep(Fact("don-1-1", "CANCELLATION", "2026-01-04", code, psp_reference="P1"))
    assert {each.code for each in facts.facts_of("don-1")} == {"", "true", "false"}, "what failed may succeed later"
    assert facts.facts_of("don") == []
