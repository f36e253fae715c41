"""What every PSP has to do after a payment: captures, refunds, look-ups and cancellations."""

from __future__ import annotations

from contextlib import suppress

import pytest

from handlers.psp import PspRefused, PspUnavailable
from tests.handlers.conftest import Call
from tests.handlers.psp_contract import donation, of, paid, repeat, reserved
from tests.handlers.psp_worlds import World, psp

__all__ = ["psp"]

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("executions_have_ended")]


def test_a_refund_that_the_psp_has_not_decided_is_pending(call: Call, psp: World) -> None:
    event = {**paid(call, psp, id="don-pending-1"), "operation": "refund", "amount": 500}
    first = call(psp.name, event)["status"]

    assert first == ("pending" if psp.waits(of(event)) else "refunded")
    assert repeat(call, psp, event)[-1] == "refunded"
    assert psp.refunds(of(event)) == [500]


def test_a_forgotten_key_does_not_refund_twice(call: Call, psp: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The refund's number again, long after: its answer was lost, or somebody runs it again."""
    event = {**paid(call, psp), "operation": "refund", "amount": 500}
    assert repeat(call, psp, event)[-1] == "refunded"
    if hasattr(psp.server, "keys"):
        psp.server.keys.clear()
    monkeypatch.setenv("FLOWDSL_NOW", "2100-01-01T00:00:00.000Z")

    assert repeat(call, psp, event)[-1] == "refunded"
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
