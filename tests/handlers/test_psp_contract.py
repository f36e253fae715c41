"""What every PSP has to do, whichever it is: handlers.psp.Psp, through the functions and over HTTP.

A PSP that is added to psp_worlds is held by all of this.
"""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from handlers import clock
from handlers.document import Misconfigured
from handlers.psp import KeyRejected, PspRefused, PspUnavailable
from handlers.reconcile import sweep
from handlers.transactions.record import from_document, intent
from handlers.transactions.store import store
from tests.handlers.conftest import HANDLERS, Call, a_day_later, document
from tests.handlers.psp_server import HOSTILE
from tests.handlers.psp_worlds import TOKENS, WORLDS, World, psp

__all__ = ["psp"]

pytestmark = pytest.mark.slow

DONE = ("paid", "refunded", "cancelled", "abandoned")
"""Statuses after which nothing is left to be done."""
OTHERS = sorted(set(TOKENS) - {"psp_sandbox"})


@pytest.fixture(autouse=True)
def _executions_have_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Webhooks and the sweep settle what no execution waits for."""
    for module in ("handlers.reconcile.sweep", "handlers.psp_webhook"):
        monkeypatch.setattr(f"{module}.execution_has_ended", lambda execution, **_: True)


def donation(world: World, kind: str, **changes: Any) -> dict[str, Any]:
    """The document of a donation whose payment method leads to an outcome."""
    token = TOKENS[world.name][kind]
    event = document(payment_method={"type": "card", "token": token}, **changes)
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:psp"
    event["psp"] = {"name": world.name, "function_arn": arn, "chosen_at": clock.now(), "reason": "only one"}
    return event


def play(call: Call, world: World, event: dict[str, Any], steps: int = 12) -> list[str]:
    """What the flow does until the payment is decided; each answer's status. Everybody else does their part, too."""
    statuses = []
    for _ in range(steps):
        event["payment"] = call(world.name, event)
        statuses.append(event["payment"]["status"])
        assert statuses[-1] not in DONE or not world.waits(of(event)), "the PSP has not decided"
        if statuses[-1] == "redirect":
            event["redirect"] = world.donor_completes()
        elif statuses[-1] == "pending":
            world.pass_days()
        elif statuses[-1] != "retry":
            return statuses
    raise AssertionError(f"undecided: {statuses}")


def paid(call: Call, world: World, **changes: Any) -> dict[str, Any]:
    event = donation(world, "paid", **changes)
    assert play(call, world, event)[-1] == "paid"
    return event


def of(event: dict[str, Any]) -> str:
    return str(event["donation"]["id"])


def test_every_psp_is_held() -> None:
    assert {file.parent.name for file in HANDLERS.glob("psp_*/handler.py")} == WORLDS.keys()


def test_paid(call: Call, psp: World) -> None:
    event = donation(psp, "paid")
    statuses = play(call, psp, event)

    assert statuses[-1] == "paid"
    assert set(statuses[:-1]) <= {"pending"}
    assert psp.charges(of(event)) == [2500]
    payment = event["payment"]
    assert (payment["psp"], len(payment["attempts"])) == (psp.name, 1)
    assert payment["reference"]
    assert payment["delay_seconds"] == payment["redirect_seconds"] == payment["pending_seconds"] == 0
    assert play(call, psp, event) == ["paid"], "asked again, it is only repeated"
    assert psp.charges(of(event)) == [2500]


def test_pending(call: Call, psp: World) -> None:
    if "pending" not in psp.tokens:
        pytest.skip("it decides at once")
    event = donation(psp, "pending")
    statuses = play(call, psp, event)

    assert (statuses[0], statuses[-1]) == ("pending", "paid")
    assert psp.charges(of(event)) == [2500]


def test_a_refund_that_the_psp_has_not_decided_is_pending(call: Call, psp: World) -> None:
    event = {**paid(call, psp, id="don-pending-1"), "operation": "refund", "amount": 500}
    first = call(psp.name, event)["status"]

    assert first == ("pending" if psp.waits(of(event)) else "refunded")
    assert repeat(call, psp, event)[-1] == "refunded"
    assert psp.refunds(of(event)) == [500]


def test_refused(call: Call, psp: World) -> None:
    event = donation(psp, "refused")

    assert play(call, psp, event)[-1] == "declined"
    assert event["payment"]["code"]
    assert psp.charges(of(event)) == []


def test_retry_later(call: Call, psp: World) -> None:
    event = donation(psp, "later")
    statuses = play(call, psp, event)

    decided = [status for status in statuses if status != "pending"]
    assert decided == ["retry", "paid"]
    assert event["payment"]["attempts"][0]["delay_seconds"] > 0
    assert psp.charges(of(event)) == [2500]


def test_what_is_tried_again_is_tried_as_card_schemes_allow(psp: World) -> None:
    """Not more than 10 times a day, nor 15 times in 30 days, whatever the scheme
    (https://developer.worldpay.com/products/access/reference/response-codes/scheme-codes/,
    https://developers.tabapay.com/docs/excessive-retry-rules)."""
    schedule = importlib.import_module(f"handlers.{psp.name}.codes").RETRY_SCHEDULE
    assert 0 < len(schedule) <= 10
    assert list(schedule) == sorted(schedule)
    assert schedule[0] >= 300
    assert sum(schedule) <= 30 * 24 * 3600


def test_redirect(call: Call, psp: World) -> None:
    event = donation(psp, "redirect")
    event["payment"] = call(psp.name, event)

    assert event["payment"]["status"] == "redirect"
    assert event["payment"]["redirect_url"].startswith("https://")
    assert event["payment"]["redirect_seconds"] == 24 * 3600
    if psp.name != "psp_sandbox":  # where the card decides when the donor acts
        assert psp.charges(of(event)) == []
    event["redirect"] = psp.donor_completes()
    assert play(call, psp, event)[-1] == "paid"
    assert psp.charges(of(event)) == [2500]


def test_a_donor_who_comes_back_without_completing_is_waited_for(call: Call, psp: World) -> None:
    event = donation(psp, "never back")
    event["payment"] = call(psp.name, event)
    event["redirect"] = {"status": "returned"}

    event["payment"] = call(psp.name, event)

    assert event["payment"]["status"] == "redirect"
    assert event["payment"]["redirect_url"].startswith("https://")
    assert psp.charges(of(event)) == []


def test_a_donor_who_never_comes_back_cannot_pay_later(call: Call, psp: World) -> None:
    event = donation(psp, "never back")
    event["payment"] = call(psp.name, event)
    event["redirect"] = {"Error": "States.Timeout", "Cause": ""}

    answer = call(psp.name, a_day_later(event))

    assert answer["status"] == "abandoned"
    psp.donor_completes()
    psp.pass_days()
    assert psp.charges(of(event)) == []


@pytest.mark.parametrize("before", [0, 1, 2])
def test_an_unknown_outcome_is_asked_for_before_charging_again(call: Call, psp: World, before: int) -> None:
    """The answer to one of the requests is lost, after the PSP did its work."""
    if psp.server is None:
        event = {**document("tok_answer_lost")}
    else:
        event = donation(psp, "paid")
        psp.server.faults = [*["none"] * before, "lost"]
    unavailable = 0
    for _ in range(3):
        try:
            statuses = play(call, psp, event)
        except PspUnavailable:
            unavailable += 1
            continue
        assert statuses[-1] == "paid"
    assert unavailable <= 1
    assert unavailable or before, "the first request has an effect, and its answer was lost"
    assert psp.charges(of(event)) == [2500]
    assert len(event["payment"]["attempts"]) == 1


def test_the_same_key_never_charges_twice(call: Call, psp: World) -> None:
    event = donation(psp, "paid")
    answers = [call(psp.name, event) for _ in range(3)]
    psp.pass_days()
    answers.append(call(psp.name, event))

    assert len({answer["reference"] for answer in answers}) == 1
    assert psp.charges(of(event)) == [2500]
    other = {**event, "donation": {**event["donation"], "amount": 9900}}
    with pytest.raises(PspRefused):
        call(psp.name, other)
    assert psp.charges(of(event)) == [2500]


def test_a_forgotten_key_does_not_charge_twice(call: Call, psp: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another execution of the donation, when the PSP may have forgotten the key."""
    first = donation(psp, "paid")
    assert play(call, psp, {**first})[-1] == "paid"
    if hasattr(psp.server, "keys"):
        psp.server.keys.clear()
    monkeypatch.setenv("FLOWDSL_NOW", "2100-01-01T00:00:00.000Z")

    assert play(call, psp, first)[-1] == "paid"
    assert psp.charges(of(first)) == [2500]


def test_a_repeated_request_has_the_same_key(call: Call, psp: World) -> None:
    """Nothing was done, as far as we know; another process may be at it with the same key."""
    if psp.server is None:
        pytest.skip("the sandbox is in this process")

    def interrupted(event: dict[str, Any]) -> None:
        assert psp.server
        psp.server.keys_of.clear()
        for before in range(4):
            psp.server.faults = [*["none"] * before, "down"]
            with suppress(PspUnavailable):
                call(psp.name, event)
            psp.server.faults = []
        keyed = {what: keys for what, keys in psp.server.keys_of.items() if what[0] not in psp.without_key}
        assert keyed
        for (path, _), keys in keyed.items():
            assert (len({*keys}), "" in keys) == (1, False), (path, keys)

    event = donation(psp, "paid")
    interrupted(event)
    assert play(call, psp, event)[-1] == "paid"
    interrupted({**event, "operation": "refund", "amount": 500})
    if psp.captures:
        interrupted({**reserved(call, psp), "operation": "capture", "amount": 500})


def test_an_answer_that_was_lost_before_its_key_was_forgotten(
    call: Call, psp: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The outage was longer than that: what was taken is found, or it is for people."""
    if psp.server is None:
        pytest.skip("the sandbox forgets no key")
    event = donation(psp, "paid")
    for before in range(3):  # until the request that charges is the one whose answer is lost
        psp.server.faults = [*["none"] * before, "lost"]
        with suppress(PspUnavailable):
            call(psp.name, event)
        if psp.charges(of(event)):
            break
    psp.server.faults = []
    if hasattr(psp.server, "keys"):
        psp.server.keys.clear()
    monkeypatch.setenv("FLOWDSL_NOW", "2100-01-01T00:00:00.000Z")

    with suppress(PspRefused):
        assert play(call, psp, event)[-1] == "paid"
    assert psp.charges(of(event)) == [2500]


def test_what_another_donors_browser_brings_back_pays_nothing(call: Call, psp: World) -> None:
    first, second = donation(psp, "never back"), donation(psp, "never back")
    for event in (first, second):
        event["payment"] = call(psp.name, event)
    first["redirect"] = psp.donor_completes()  # what it reports is of the second

    first["payment"] = call(psp.name, first)
    assert first["payment"]["status"] != "paid" or psp.charges(of(first)) == [2500]


def test_a_reported_payment_of_another_donation_is_none_of_this_one(call: Call, psp: World) -> None:
    event = paid(call, psp)
    reference = event["payment"]["reference"]
    other = {**donation(psp, "paid"), "operation": "look_up"}

    [state] = call(psp.name, {**event, "operation": "look_up", "reported": reference})["payments"]
    assert state["reference"] == reference
    assert call(psp.name, {**other, "reported": reference})["payments"] == []


def test_a_forgotten_key_does_not_refund_twice(call: Call, psp: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The refund's number again, long after: its answer was lost, or somebody runs it again."""
    event = {**paid(call, psp), "operation": "refund", "amount": 500}
    assert repeat(call, psp, event)[-1] == "refunded"
    if hasattr(psp.server, "keys"):
        psp.server.keys.clear()
    monkeypatch.setenv("FLOWDSL_NOW", "2100-01-01T00:00:00.000Z")

    assert repeat(call, psp, event)[-1] == "refunded"
    assert psp.refunds(of(event)) == [500]


@pytest.mark.parametrize("kind", ["paid", "later", "redirect"])
def test_a_request_that_arrives_twice_has_one_effect(call: Call, psp: World, kind: str) -> None:
    """Two processes send it at once, or something between us and the PSP repeats it."""
    if psp.server is None:
        pytest.skip("the sandbox is in this process")
    psp.server.faults = ["twice"] * 99
    event = donation(psp, kind)

    try:
        statuses = play(call, psp, event)
    except PspUnavailable:  # GoCardless repeats no page for a donor
        psp.server.faults = []
        statuses = play(call, psp, event)
    assert statuses[-1] == "paid"
    assert psp.charges(of(event)) == [2500]
    psp.server.faults = ["twice"] * 99
    assert repeat(call, psp, {**event, "operation": "refund", "amount": 500})[-1] == "refunded"
    assert psp.refunds(of(event)) == [500]


def test_a_capture_that_arrives_twice_has_one_effect(call: Call, psp: World) -> None:
    if psp.server is None:
        pytest.skip("the sandbox is in this process")
    event = reserved(call, psp)
    psp.server.faults = ["twice"] * 99

    assert repeat(call, psp, {**event, "operation": "capture", "amount": 1500})[-1] == "paid"
    assert psp.charges(of(event)) == [1500]


def test_capture(call: Call, psp: World) -> None:
    event = donation(psp, "paid")
    if not psp.captures:
        answer = call(psp.name, {**event, "operation": "authorise"})
        assert (answer["status"], answer["code"], answer["reference"]) == ("declined", "no_reservations", None)
        taken = {**event, "payment": {**answer, "reference": "some"}}
        assert call(psp.name, {**taken, "operation": "capture"})["status"] == "declined"
        assert psp.server is None or psp.server.requests == []
        return
    event["payment"] = call(psp.name, {**event, "operation": "authorise"})
    assert event["payment"]["status"] == "authorised"
    assert psp.charges(of(event)) == []
    ask = {**event, "operation": "capture", "amount": 2000}
    for _ in range(3):
        try:
            answer = call(psp.name, ask)
        except PspUnavailable:
            psp.pass_days()  # it takes captures, and does them later
    assert (answer["status"], answer["amount"]) == ("paid", 2000)
    assert psp.charges(of(event)) == [2000]


@pytest.mark.parametrize("before", [0, 1, 2])
def test_a_refund_is_made_once_at_most(call: Call, psp: World, before: int) -> None:
    event = {**paid(call, psp), "operation": "refund", "amount": 500}
    if psp.server:
        psp.server.faults = [*["none"] * before, "lost"]
    answers = []
    for _ in range(4):
        try:
            answers.append(call(psp.name, event)["status"])
        except PspUnavailable:
            continue
    if psp.server:
        psp.server.faults = []  # one that sends a single request never met it
    psp.pass_days()
    answers.append(call(psp.name, event)["status"])

    assert set(answers[:-1]) <= {"pending", "refunded"}
    assert answers[-1] == "refunded"
    assert psp.refunds(of(event)) == [500]
    with pytest.raises(PspRefused):
        call(psp.name, {**event, "amount": 700})
    second = {**event, "number": 2, "amount": 2000}
    call(psp.name, second)
    psp.pass_days()
    assert call(psp.name, second)["status"] == "refunded"
    assert sum(psp.refunds(of(event))) == 2500
    assert call(psp.name, {**event, "number": 3, "amount": 1})["status"] == "declined"
    assert sum(psp.refunds(of(event))) == 2500


def test_two_refunds_at_once_never_give_back_more_than_was_taken(call: Call, psp: World) -> None:
    """Both were checked before either was made."""
    event = paid(call, psp)
    results = [call(psp.name, {**event, "operation": "refund", "number": number, "amount": 2000}) for number in (1, 2)]

    assert [each["status"] for each in results] in (["refunded", "declined"], ["pending", "declined"])
    psp.pass_days()
    assert psp.refunds(of(event)) == [2000]


def test_look_up_and_cancel(call: Call, psp: World) -> None:
    event = paid(call, psp)
    [found] = call(psp.name, {**event, "operation": "look_up"})["payments"]
    assert (found["status"], found["reference"]) == ("paid", event["payment"]["reference"])
    assert (found["amount"], found["currency"], found["captured"]) == (2500, "GBP", 2500)
    cancelled = call(psp.name, {**event, "operation": "cancel", "references": [found["reference"]]})["payments"]
    assert [each["status"] for each in cancelled] == ["paid"], "too late"
    assert psp.charges(of(event)) == [2500]
    assert call(psp.name, {**donation(psp, "paid"), "operation": "look_up"})["payments"] == []


@pytest.mark.parametrize("taken", [None, 1500, 2500])
def test_a_look_up_says_what_is_reserved_and_what_was_taken_of_it(call: Call, psp: World, taken: int | None) -> None:
    if not psp.captures:
        pytest.skip("it takes payments in one step")
    event = {**donation(psp, "paid"), "operation": "authorise"}
    event["payment"] = call(psp.name, event)
    reference = event["payment"]["reference"]
    if taken:
        with suppress(PspUnavailable):
            call(psp.name, {**event, "operation": "capture", "amount": taken})
        psp.pass_days()

    [state] = call(psp.name, {**event, "operation": "look_up", "reported": reference})["payments"]

    assert (state["status"], state["reference"]) == ("paid" if taken else "authorised", reference)
    assert (state["amount"], state["currency"], state["captured"]) == (2500, "GBP", taken or 0)


def reserved(call: Call, psp: World) -> dict[str, Any]:
    if not psp.captures:
        pytest.skip("it takes payments in one step")
    event = {**donation(psp, "paid"), "operation": "authorise"}
    event["payment"] = call(psp.name, event)
    psp.pass_days()
    assert event["payment"]["status"] == "authorised"
    return event


def repeat(call: Call, psp: World, event: dict[str, Any]) -> list[str]:
    """What the function answers while the PSP does what it has received; its errors by their names."""
    answers = []
    for _ in range(4):
        try:
            answers.append(call(psp.name, event).get("status", ""))
            assert answers[-1] not in DONE or not psp.waits(of(event)), "the PSP has not decided"
        except (PspUnavailable, PspRefused) as error:
            answers.append(type(error).__name__)
        psp.pass_days()
    return answers


@pytest.mark.parametrize("before", [0, 1, 2])
def test_a_capture_is_made_once_at_most(call: Call, psp: World, before: int) -> None:
    event = {**reserved(call, psp), "operation": "capture", "amount": 1500}
    if psp.server:
        psp.server.faults = [*["none"] * before, "lost"]
    answers = repeat(call, psp, event)
    if psp.server:
        psp.server.faults = []

    assert repeat(call, psp, event)[-1] == "paid"
    assert set(answers) <= {"paid", "PspUnavailable"}
    assert psp.charges(of(event)) == [1500]
    with pytest.raises(PspRefused):
        call(psp.name, {**event, "amount": 1400})
    assert repeat(call, psp, {**event, "number": 2, "amount": 900})[-1] in ("declined", "PspRefused")
    assert psp.charges(of(event)) == [1500]


def test_no_more_is_captured_than_was_reserved(call: Call, psp: World) -> None:
    event = {**reserved(call, psp), "operation": "capture"}

    assert set(repeat(call, psp, {**event, "amount": 9900})) == {"declined"}
    assert psp.charges(of(event)) == []
    assert repeat(call, psp, {**event, "number": 2})[-1] == "paid", "without an amount all of it"
    assert psp.charges(of(event)) == [2500]


def test_a_released_reservation_cannot_be_captured(call: Call, psp: World) -> None:
    event = reserved(call, psp)
    release = {**event, "operation": "cancel", "references": [event["payment"]["reference"]]}
    for _ in range(3):
        with suppress(PspUnavailable):
            [state] = call(psp.name, release)["payments"]
            assert not psp.waits(of(event)), "the PSP has not decided"
        psp.pass_days()

    assert (state["status"], state["captured"]) == ("cancelled", 0)
    assert repeat(call, psp, {**event, "operation": "capture"})[-1] in ("declined", "cancelled", "PspRefused")
    assert psp.charges(of(event)) == []


def test_no_more_is_refunded_than_was_taken(call: Call, psp: World) -> None:
    event = {**paid(call, psp), "operation": "refund"}

    assert set(repeat(call, psp, {**event, "amount": 9900})) == {"declined"}
    assert psp.refunds(of(event)) == []
    assert repeat(call, psp, {**event, "number": 2, "amount": 700})[-1] == "refunded"
    assert repeat(call, psp, {**event, "number": 3})[-1] == "refunded", "without an amount what is left"
    assert sum(psp.refunds(of(event))) == 2500
    assert set(repeat(call, psp, {**event, "number": 4})) == {"declined"}
    assert sum(psp.refunds(of(event))) == 2500


def test_what_was_not_taken_is_not_refunded(call: Call, psp: World) -> None:
    event = donation(psp, "never back")
    event["payment"] = call(psp.name, event)

    assert set(repeat(call, psp, {**event, "operation": "refund", "amount": 500})) <= {"declined", "PspRefused"}
    assert psp.refunds(of(event)) == []


@pytest.mark.parametrize("operation", ["pay", "capture", "refund", "cancel"])
def test_a_payment_that_the_psp_does_not_know_is_for_people(call: Call, psp: World, operation: str) -> None:
    """Its key may be that of another account: nothing is called declined, or not refunded, for that."""
    if operation == "capture" and not psp.captures:
        pytest.skip("it takes payments in one step")
    event = donation(psp, "redirect")
    event["payment"] = call(psp.name, event)
    known = event["payment"]["reference"]
    unknown = known.translate(str.maketrans("0123456789abcdef", "1234567890bcdefa"))
    more = {
        "redirect": {"status": "returned"},
        "references": [unknown],
        "refund": f"{of(event)}:refund:1",
        "amount": 500,
    }

    with pytest.raises(PspRefused):
        call(psp.name, {**event, **more, "operation": operation, "payment": {**event["payment"], "reference": unknown}})


def test_another_payment_method_with_the_same_key_charges_nothing(call: Call, psp: World) -> None:
    event = donation(psp, "paid")
    first = call(psp.name, event)
    psp.pass_days()
    other = donation(psp, "later", id=of(event))

    with suppress(PspRefused):
        assert call(psp.name, other)["reference"] == first["reference"]
    assert psp.charges(of(event)) == [2500]


def test_what_the_donors_browser_claims_pays_nothing(call: Call, psp: World) -> None:
    event = donation(psp, "never back")
    event["payment"] = call(psp.name, event)
    reference = event["payment"]["reference"]
    claims = {"redirectResult": "forged", "redirect_status": "succeeded", "status": "paid", "payment_intent": reference}
    event["redirect"] = {"status": "returned", "details": claims}

    assert call(psp.name, event)["status"] == "redirect"
    assert psp.charges(of(event)) == []


def test_ids_are_compared_exactly(call: Call, psp: World) -> None:
    event = paid(call, psp, id="don-abc")
    assert call(psp.name, {**donation(psp, "paid", id="don-ABC"), "operation": "look_up"})["payments"] == []
    assert play(call, psp, donation(psp, "paid", id="don-ab"))[-1] == "paid"
    assert psp.charges(of(event)) == [2500]


def test_the_longest_id_has_keys_that_the_psp_takes(call: Call, psp: World) -> None:
    event = paid(call, psp, id="d" * 64)
    refund = {**event, "operation": "refund", "amount": 500, "number": 999_999}

    assert repeat(call, psp, refund)[-1] == "refunded"
    assert (psp.charges(of(event)), psp.refunds(of(event))) == ([2500], [500])


def test_a_refund_is_found_without_being_made(call: Call, psp: World) -> None:
    event = {**paid(call, psp), "amount": 500}
    key = f"{of(event)}:refund:1"
    find = {**event, "operation": "find_refund", "refund": key}

    assert call(psp.name, find) == {"refund": None}
    assert psp.refunds(of(event)) == []
    call(psp.name, {**event, "operation": "refund"})
    psp.pass_days()

    state = call(psp.name, find)["refund"]
    assert (state["status"], state["reference"]) == ("refunded", event["payment"]["reference"])
    assert call(psp.name, {**find, "refund": f"{of(event)}:refund:2"}) == {"refund": None}
    assert psp.refunds(of(event)) == [500]
    with pytest.raises(PspRefused):
        call(psp.name, {**find, "amount": 700})


# -- webhooks


def open_donation(call: Call, psp: World) -> dict[str, Any]:
    """A donation whose execution ended after the PSP was asked, before anything was stored."""
    event = donation(psp, "paid")
    store().put(intent(event))
    event["payment"] = call(psp.name, event)
    if event["payment"]["status"] == "pending":
        psp.pass_days()
    return event


def notify(call: Call, psp: World, request: dict[str, Any]) -> tuple[int, str]:
    assert psp.webhook
    answer = call(psp.webhook, request)
    return answer["statusCode"], answer["body"]


def test_a_webhook_that_the_psp_signed(call: Call, psp: World) -> None:
    if psp.webhook is None:
        pytest.skip("the sandbox has no webhook")
    event = open_donation(call, psp)
    request = psp.event(of(event))

    for _ in range(3):  # it is replayed, too
        assert notify(call, psp, request)[0] == 200
    record = store().get(of(event))

    assert record is not None
    assert (record.status, record.amount) == ("paid", 2500)
    assert psp.charges(of(event)) == [2500]
    assert len([each for each in store().history(of(event)) if each.status == "paid"]) == 1


def test_a_webhook_without_its_secret_takes_nothing(call: Call, psp: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody can sign with an empty one."""
    if psp.webhook is None:
        pytest.skip("the sandbox has no webhook")
    request = psp.event(of(open_donation(call, psp)))
    monkeypatch.setenv(psp.secret, "")
    with pytest.raises(Misconfigured, match=psp.secret):
        call(psp.webhook, request)


def test_a_webhooks_secret_that_was_rotated_is_read_anew(
    call: Call, psp: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    if psp.webhook is None:
        pytest.skip("the sandbox has no webhook")
    request = psp.event(of(open_donation(call, psp)))
    values = ["AB" * 32, os.environ[psp.secret]]
    client = SimpleNamespace(get_parameter=lambda **_: {"Parameter": {"Value": values.pop(0)}})
    boto = boto3.client
    monkeypatch.setattr(boto3, "client", lambda name, **more: client if name == "ssm" else boto(name, **more))
    monkeypatch.setenv(psp.secret, "ssm:/payments/webhook")

    assert [psp.notify(request) == 200 for _ in range(2)] == [False, True]


@pytest.mark.parametrize("forgery", ["signature", "body", "none", "not text", "empty", "huge", "html"])
def test_a_webhook_that_somebody_else_sent(call: Call, psp: World, forgery: str) -> None:
    if psp.webhook is None:
        pytest.skip("the sandbox has no webhook")
    event = open_donation(call, psp)
    good = psp.event(of(event))
    forged = {
        "signature": psp.forged(of(event)),
        "body": {
            **good,
            "body": good["body"].replace(of(event)[4:], "0" * 8).replace("EV", "EX").replace("true", "false"),
        },
        "none": {**good, "headers": {}, "body": psp.unsigned(good["body"])},
        "not text": {**good, "body": "\udcff", "isBase64Encoded": True},
        "empty": {"body": "", "headers": good["headers"]},
        "huge": {**good, "body": good["body"] + " " * 3_000_000},
        "html": {"headers": {**good["headers"], "content-type": "text/html"}, "body": "<html>"},
    }[forgery]
    if forgery == "body":
        assert forged["body"] != good["body"]

    assert 400 <= notify(call, psp, forged)[0] < 500
    record = store().get(of(event))
    assert record is not None
    assert record.status == "open"


def test_two_secrets_are_accepted_while_one_replaces_the_other(
    call: Call, psp: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    if psp.webhook is None:
        pytest.skip("the sandbox has no webhook")
    event = open_donation(call, psp)
    both = f"{psp.settings[psp.secret]} {psp.other_secret}"
    requests = [psp.event(of(event)), psp.forged(of(event))]

    assert [notify(call, psp, each)[0] // 100 for each in requests] == [2, 4]
    monkeypatch.setenv(psp.secret, both)
    assert [notify(call, psp, each)[0] for each in requests] == [200, 200]
    monkeypatch.setenv(psp.secret, psp.other_secret)
    assert [notify(call, psp, each)[0] // 100 for each in requests] == [4, 2]
    monkeypatch.setenv(psp.secret, " ")
    assert [notify(call, psp, each)[0] // 100 for each in requests] == [4, 4]


# -- answers that the PSP never gave


@pytest.mark.parametrize("hostile", [*HOSTILE, "down"])
@pytest.mark.parametrize("before", [0, 1])
def test_a_hostile_answer_is_not_definite(call: Call, psp: World, hostile: str, before: int) -> None:
    """Each operation raises one of the interface's two errors, and the next request has the true outcome."""
    if psp.server is None:
        pytest.skip("the sandbox is in this process")
    event = donation(psp, "paid")
    psp.server.faults = [*["none"] * before, hostile]
    problems = []
    try:
        event["payment"] = call(psp.name, event)
    except (PspUnavailable, PspRefused) as error:
        problems.append(str(error))
    psp.server.faults = []
    assert play(call, psp, event)[-1] == "paid"
    more = {"amount": 500, "references": [event["payment"]["reference"]], "refund": f"{of(event)}:refund:1"}
    for operation in ("look_up", "refund", "find_refund", "cancel"):
        psp.server.faults = [*["none"] * before, hostile]
        ask = {**event, **more, "operation": operation}
        try:
            call(psp.name, ask)
        except (PspUnavailable, PspRefused) as error:
            problems.append(str(error))
        psp.server.faults = []
        call(psp.name, ask)
    assert problems or before, "none of the operations met the hostile answer"
    assert all(len(problem) < 400 for problem in problems)
    assert psp.charges(of(event)) == [2500]
    assert psp.refunds(of(event)) == [500]
    assert len(json.dumps(event)) < 5000, "the document stays small"


@pytest.mark.parametrize("hostile", [*HOSTILE, "down"])
def test_a_hostile_answer_decides_no_reservation(call: Call, psp: World, hostile: str) -> None:
    if psp.server is None:
        pytest.skip("the sandbox is in this process")
    event = reserved(call, psp)
    for operation, status, captured in (("look_up", "authorised", 0), ("capture", "paid", 1500)):
        ask = {**event, "operation": operation, "amount": 1500}
        psp.server.faults = [hostile]
        repeat(call, psp, ask)
        psp.server.faults = []
        with suppress(PspUnavailable):
            call(psp.name, ask)
        psp.pass_days()
        [state] = call(psp.name, {**event, "operation": "look_up"})["payments"]
        assert (state["status"], state["captured"]) == (status, captured)
    assert psp.charges(of(event)) == [1500]


@pytest.mark.parametrize("hostile", [*HOSTILE, "down"])
def test_a_hostile_answer_ends_no_redirect(call: Call, psp: World, hostile: str) -> None:
    if psp.server is None:
        pytest.skip("the sandbox is in this process")
    event = donation(psp, "redirect")
    event["payment"] = call(psp.name, event)
    event["redirect"] = psp.donor_completes()
    psp.server.faults = [hostile]
    with suppress(PspUnavailable, PspRefused):
        event["payment"] = call(psp.name, event)
    psp.server.faults = []

    assert play(call, psp, event)[-1] == "paid"
    assert psp.charges(of(event)) == [2500]


def test_an_answer_without_end_is_not_read(call: Call, psp: World) -> None:
    if psp.server is None:
        pytest.skip("the sandbox is in this process")
    psp.server.faults = ["huge"]

    with pytest.raises(PspUnavailable) as raised:
        call(psp.name, donation(psp, "paid"))
    causes = [str(each) for each in _causes(raised.value)]
    assert any("the answer has more than" in each for each in causes), "its session is handlers.psp_http's"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def test_a_rejected_key_is_told_apart(call: Call, psp: World, monkeypatch: pytest.MonkeyPatch) -> None:
    if psp.server is None:
        pytest.skip("the sandbox has no key")
    psp.reject_key(monkeypatch)
    event = donation(psp, "paid")

    with pytest.raises(KeyRejected):
        call(psp.name, event)
    assert psp.charges(of(event)) == []


def test_the_sweep_settles_what_no_execution_stored(call: Call, psp: World) -> None:
    event = open_donation(call, psp)
    sweep.reconcile(of(event), store(), sweep.ask_psp, lambda execution: True, "some payment")

    record = store().get(of(event))
    assert record is not None
    assert record.status == "paid"
    assert from_document(json.loads(record.document)).reference == record.reference
