"""What every PSP has to do, whichever it is: handlers.psp.Psp, through the functions and over HTTP.

A PSP that is added to psp_worlds is held by all of this, and by the other tests of the contract.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from handlers.psp import KeyRejected, PspRefused, PspUnavailable
from handlers.reconcile import sweep
from handlers.transactions.record import from_document
from handlers.transactions.store import store
from tests.handlers.conftest import HANDLERS, Call, a_day_later, document
from tests.handlers.psp_contract import donation, of, open_donation, paid, play, repeat, reserved
from tests.handlers.psp_server import HOSTILE
from tests.handlers.psp_worlds import WORLDS, World, psp

__all__ = ["psp"]

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("executions_have_ended")]


def test_every_psp_is_held() -> None:
    psps = {file.parent.name for file in HANDLERS.glob("psp_*/handler.py")}
    missing = ", ".join(sorted(psps - WORLDS.keys()))
    assert not missing, f"{missing}: add a World, and its name to WORLDS, in tests/handlers/psp_worlds.py"
    assert WORLDS.keys() <= psps, "the World of a PSP without a handler.py"


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
