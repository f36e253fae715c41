"""The PSP, a function or a step in trouble: the money is taken once at most, and what was taken is stored."""

from __future__ import annotations

import json
import sqlite3
from contextlib import suppress
from typing import Any

import pytest
from attrs import evolve

from flowdsl.testing import (
    Answer,
    ExecutionFailed,
    Runner,
    StepType,
    crash,
    fail,
    function_timeout,
    oversize,
    real,
    slow,
    throttle,
    timeout,
)
from handlers.psp_sandbox.ledger import Ledger
from handlers.sqlite import database as sqlite_file
from handlers.transactions.store import Query, store
from tests.payment.books import (
    DAY,
    FOR_EVER,
    HOUR,
    RESULTS,
    STEPS,
    assert_paid_once,
    charges,
    donation,
    statuses,
    stored,
)

# -- the PSP, or its Lambda, in trouble: the money is taken once at most


def test_the_psp_is_down_and_recovers(flow: Runner) -> None:
    run = flow.run(donation("tok_down_twice"))

    assert_paid_once(run)
    assert run.history.retried() == {"TakePayment": 2}
    assert run.duration == 5 + 15
    assert statuses(run) == ["paid"], "an attempt without an answer does not count"


def test_the_psp_stays_down_for_three_months(flow: Runner) -> None:
    with pytest.raises(ExecutionFailed) as failed:
        flow.run(donation("tok_down_always"))

    assert failed.value.error == "PaymentBroken"
    assert failed.value.history.attempted()["TakePayment"] == 369
    assert failed.value.run.duration == 5 + 15 + 45 + 135 + 405 + 1215 + 3645 + 10935 + 90 * DAY
    assert {fault.error for fault in failed.value.history.faults("TakePayment")} == {"PspUnavailable"}
    assert failed.value.history.succeeded(StepType.LAMBDA)["PersistOutput"] == 1
    assert stored().status == "broken"
    assert json.loads(stored().document)["error"]["Error"] == "PspUnavailable"
    assert charges() == []


@pytest.mark.parametrize("error", ["PspUnavailable", "KeyRejected", "Misconfigured", "ClientError", "Lambda.Unknown"])
def test_an_outage_of_six_weeks_costs_no_donation(flow: Runner, error: str) -> None:
    """The donation waits as an open one, and goes on by itself; meanwhile the sweep lists it."""
    flow.mock("TakePayment", fail(error, times=8 + 42 * 4), real())

    run = flow.run(donation("tok_paid"))

    assert_paid_once(run)
    assert [each.status for each in store().history("don-1")] == ["open", "paid"]
    assert 42 * DAY < run.duration < 43 * DAY


@pytest.mark.parametrize("error", ["ProvisionedThroughputExceededException", "OperationalError", "ClientError"])
def test_a_store_that_is_down_for_hours_costs_no_donation(flow: Runner, error: str) -> None:
    flow.mock("SelectPsp", fail(error, times=9))

    run = flow.run(donation("tok_paid"))

    assert_paid_once(run)
    assert run.duration > 3 * HOUR


@pytest.mark.parametrize("error", ["NotDelivered", "Runtime.ExitError", "Sandbox.Timedout", "Lambda.Unknown"])
def test_a_redirect_that_was_not_sent_is_sent_again(flow: Runner, error: str) -> None:
    flow.answer("RedirectToPsp", {"status": "returned"}, after=7)
    flow.mock("RedirectToPsp", fail(error, times=5))

    run = flow.run(donation("tok_3ds"))

    assert_paid_once(run)
    assert run.history.retried() == {"RedirectToPsp": 5}
    assert run.duration == 1 + 2 + 4 + 8 + 16 + 7


def test_the_psps_answer_gets_lost(flow: Runner) -> None:
    run = flow.run(donation("tok_answer_lost"))

    assert_paid_once(run)
    assert run.history.retried() == {"TakePayment": 1}


LOST = {
    "crash": (crash(after_work=True), "Runtime.ExitError"),
    "timeout": (timeout(after_work=True), "States.Timeout"),
    "function timeout": (function_timeout(30, after_work=True), "Sandbox.Timedout"),
    "twice": (crash(after_work=True, times=2), "Runtime.ExitError"),
}


@pytest.mark.parametrize(("fault", "error"), LOST.values(), ids=LOST.keys())
@pytest.mark.parametrize("token", ["tok_paid", "tok_later_once"])
def test_the_function_breaks_after_the_charge(flow: Runner, fault: Answer, error: str, token: str) -> None:
    flow.mock("TakePayment", fault)

    run = flow.run(donation(token))

    assert_paid_once(run)
    assert run.history.faults("TakePayment")[0].error == error
    assert run.history.retried()["TakePayment"] == fault.times
    assert len(run.output["payment"]["attempts"]) == (1 if token == "tok_paid" else 2)


def test_the_function_breaks_after_the_donor_returned(flow: Runner) -> None:
    flow.answer("RedirectToPsp", {"status": "returned"}, after=5)
    flow.mock("TakePayment", real(), crash(after_work=True))

    run = flow.run(donation("tok_3ds"))

    assert_paid_once(run)
    assert run.history.retried() == {"TakePayment": 1}


def test_the_function_is_slower_than_the_task_allows(flow: Runner) -> None:
    flow.mock("TakePayment", slow(61))

    run = flow.run(donation("tok_paid"))

    assert_paid_once(run)
    assert run.duration == 60 + 5
    assert [fault.error for fault in run.history.faults("TakePayment")] == ["States.Timeout"]


def test_every_answer_is_lost_and_yet_charged_once(flow: Runner) -> None:
    with pytest.raises(ExecutionFailed) as failed:
        flow.run(donation("tok_answers_lost"))

    assert failed.value.error == "PaymentBroken"
    assert stored().status == "broken", "the money is taken, and people have to look"
    assert [amount for amount, _ in charges()] == [2500]


def test_the_psp_refuses_our_request(flow: Runner) -> None:
    """Another amount under the idempotency key of an earlier payment: trying again would not help."""
    ledger = Ledger(sqlite_file("psp-sandbox"))
    ledger.authorise(order="don-1", token="tok_declined", amount=9900, currency="GBP", key="don-1-1", capture=True)

    with pytest.raises(ExecutionFailed, match="PaymentBroken") as failed:
        flow.run(donation("tok_declined"))

    assert [fault.error for fault in failed.value.history.faults("TakePayment")] == ["PspRefused"]
    assert failed.value.run.duration == 0
    assert stored().status == "broken"
    assert charges() == []


@pytest.mark.parametrize(
    ("state", "token"),
    [
        ("Setup", "tok_paid"),
        ("SelectPsp", "tok_paid"),
        ("TakePayment", "tok_paid"),
        ("AwaitConfirmation", "tok_debit"),
        ("RedirectToPsp", "tok_3ds"),
        ("PersistOutput", "tok_paid"),
    ],
)
def test_a_crowd_of_donors_that_throttles_lambda_costs_no_donation(flow: Runner, state: str, token: str) -> None:
    flow.answer("RedirectToPsp", {"status": "returned"}, after=5)
    flow.mock(state, throttle(times=8))

    run = flow.run(donation(token))

    assert_paid_once(run)
    assert run.history.retried() == {state: 8}


@pytest.mark.parametrize("state", ["Setup", "SelectPsp", "TakePayment", *STEPS, "PersistOutput"])
def test_lambda_throttles(flow: Runner, state: str) -> None:
    flow.mock(state, throttle(times=3))

    run = flow.run(donation("tok_paid"))

    assert_paid_once(run)
    assert run.history.retried() == {state: 3}


@pytest.mark.parametrize(("state", "token"), [("NotifyDelay", "tok_later_once"), ("RedirectToPsp", "tok_3ds")])
def test_lambda_throttles_on_the_way_around(flow: Runner, state: str, token: str) -> None:
    flow.answer("RedirectToPsp", {"status": "returned"}, after=5)
    flow.mock(state, throttle(times=2))

    run = flow.run(donation(token))

    assert_paid_once(run)
    assert run.history.retried() == {state: 2}


def test_lambda_throttles_for_ever(flow: Runner) -> None:
    flow.mock("TakePayment", throttle(times=FOR_EVER))

    with pytest.raises(ExecutionFailed, match="PaymentBroken"):
        flow.run(donation("tok_paid"))

    assert stored().status == "broken"


def test_the_answer_is_too_large(flow: Runner) -> None:
    """A state's data may have 256 KiB: the payment is taken, but its answer cannot be kept."""
    flow.mock("TakePayment", oversize(times=FOR_EVER))

    with pytest.raises(ExecutionFailed, match="PaymentBroken") as failed:
        flow.run(donation("tok_paid"))

    assert {fault.error for fault in failed.value.history.faults("TakePayment")} == {"States.DataLimitExceeded"}
    assert stored().status == "broken"


def test_the_answer_is_too_large_for_lambda(flow: Runner) -> None:
    flow.mock("TakePayment", oversize(6_300_000))

    run = flow.run(donation("tok_paid"))

    assert_paid_once(run)
    assert [fault.error for fault in run.history.faults("TakePayment")] == ["Function.ResponseSizeTooLarge"]


# -- steps beside the payment


def test_notifying_of_the_delay_fails(flow: Runner) -> None:
    flow.mock("NotifyDelay", raises=RuntimeError("no bus"))

    run = flow.run(donation("tok_later_once"))

    assert_paid_once(run)
    assert run.waited("WaitForPsp") == 300
    assert run.output["notify_delay_error"]["Error"] == "RuntimeError"


def test_post_processing_fails_without_saying_why(flow: Runner) -> None:
    """An error without a cause, and an answer that is too large: recorded like any other failure."""
    flow.mock("Receipt", fail("Unexplained", times=9))
    flow.mock("PublishEvent", oversize(times=9))

    run = flow.run(donation("tok_paid"))

    assert_paid_once(run)
    results = run.output["post_processing"]
    assert (results["receipt"]["error"], results["receipt"]["cause"]) == ("Unexplained", None)
    assert results["event"]["error"] == "States.DataLimitExceeded"
    assert results["totals"]["status"] == "done"


@pytest.mark.parametrize("broken", [["Receipt"], ["FundraisingTotals"], ["PublishEvent"], STEPS], ids="+".join)
def test_post_processing_fails(flow: Runner, broken: list[str]) -> None:
    for step in broken:
        flow.mock(step, raises=RuntimeError("out of order"))

    run = flow.run(donation("tok_paid"))

    assert_paid_once(run)
    assert not stored().complete
    for step in STEPS:
        result = run.output["post_processing"][RESULTS[step]]
        assert result["status"] == ("failed" if step in broken else "done")
        assert result.get("error") == ("RuntimeError" if step in broken else None)
        assert run.history.attempted()[step] == (4 if step in broken else 1)
    assert run.history.succeeded(StepType.LAMBDA)["PersistOutput"] == 1


def test_the_results_of_post_processing_are_too_large_together(flow: Runner) -> None:
    """More than 256 KiB in a state's output ends an execution, no Catch helps; run again, the books are right."""
    for step in STEPS:
        flow.mock(step, {"status": "done", "more": "x" * 100_000})

    with pytest.raises(ExecutionFailed) as failed:
        flow.run(donation("tok_paid"))
    assert failed.value.error == "States.DataLimitExceeded"
    assert "PersistOutput" not in failed.value.history.entered()
    assert [amount for amount, _ in charges()] == [2500]

    assert_paid_once(flow.run(donation("tok_paid")))
    assert stored().complete


STORING = {
    "crashed": crash(after_work=True),
    "timed out": function_timeout(after_work=True),
    "service": fail("Lambda.ServiceException"),
}


@pytest.mark.parametrize("fault", STORING.values(), ids=STORING.keys())
def test_storing_is_repeated(flow: Runner, fault: Answer) -> None:
    flow.mock("PersistOutput", fault)

    run = flow.run(donation("tok_paid"))

    assert_paid_once(run)
    assert run.history.retried() == {"PersistOutput": 1}


def test_storing_fails(flow: Runner) -> None:
    flow.mock("PersistOutput", raises=sqlite3.OperationalError("disk full"))

    with pytest.raises(ExecutionFailed) as failed:
        flow.run(donation("tok_paid"))

    assert failed.value.error == "OperationalError"
    assert failed.value.history.attempted()["PersistOutput"] == 11
    assert [amount for amount, _ in charges()] == [2500]


def test_the_store_is_away_for_hours(flow: Runner) -> None:
    """A taken payment that is not stored is lost to everybody who looks there: the flow is patient."""
    flow.mock("PersistOutput", fail("OperationalError", times=9))

    run = flow.run(donation("tok_paid"))

    assert_paid_once(run)
    assert run.duration > 3 * 3600


def test_another_payment_of_the_donation_is_stored_already(flow: Runner) -> None:
    """Should a PSP ever not keep its word: people have to look, and trying again would not help."""
    first = flow.run(donation("tok_paid"))
    store().put(evolve(stored(), id="don-2", reference="sbx_other"))

    with pytest.raises(ExecutionFailed) as failed:
        flow.run(donation("tok_paid", id="don-2"))

    assert failed.value.error == "ConflictingTransaction"
    assert failed.value.history.attempted()["PersistOutput"] == 1
    assert first.output["payment"]["reference"] != failed.value.history.visits[-1].input["payment"]["reference"]
    assert [
        (each.status, each.reference == "sbx_other") for each in store().history("don-2") if each.status != "open"
    ] == [
        ("paid", True),
        ("paid", False),
        ("conflict", False),
    ]


# -- an id that is used twice

DECLINED = {
    "status": "declined",
    "code": "05",
    "message": "do not honour",
    "reference": "sbx_1",
    "psp": "psp_sandbox",
    "delay_seconds": 0,
    "redirect_url": None,
    "attempts": [],
}

DIFFERENT: dict[str, dict[str, Any]] = {
    "amount": {"amount": 9900},
    "currency": {"currency": "EUR"},
    "charity": {"charity": "Rainforest"},
    "token": {"payment_method": {"type": "card", "token": "tok_later_once"}},
    "e-mail": {"donor": {"name": "Ada Lovelace", "email": "grace@example.org"}},
}


@pytest.mark.parametrize("first", ["tok_paid", "tok_declined", "tok_answers_lost"])
@pytest.mark.parametrize("change", DIFFERENT.values(), ids=DIFFERENT.keys())
def test_a_different_donation_with_the_same_id_is_a_conflict(flow: Runner, first: str, change: dict[str, Any]) -> None:
    with suppress(ExecutionFailed):
        flow.run(donation(first))
    before, taken = stored(), charges()

    with pytest.raises(ExecutionFailed) as failed:
        flow.run(donation(first, **change))

    assert failed.value.error == "DonationConflict"
    assert "TakePayment" not in failed.value.history.entered()
    assert failed.value.history.failed()["SelectPsp"] == 1, "asking again would not help"
    assert charges() == taken
    assert store().get("don-1") == before, "the first donation's record is untouched"
    assert [each.status for each in store().history("don-1")] == ["open", before.status, "conflict"]
    assert [each.status for each in store().list(Query(status="conflict"))] == ["conflict"]


def test_a_different_donation_whose_choice_cannot_be_read_is_a_conflict_too(flow: Runner) -> None:
    flow.run(donation("tok_paid"))
    flow.mock("SelectPsp", fail("OperationalError", times=99))

    with pytest.raises(ExecutionFailed, match="DonationConflict"):
        flow.run(donation("tok_paid", amount=9900))

    assert stored(status="paid").amount == 2500


def test_a_broken_payment_that_is_declined_later_stays_open_work(flow: Runner) -> None:
    with pytest.raises(ExecutionFailed, match="PaymentBroken"):
        flow.run(donation("tok_down_always"))
    flow.mock("TakePayment", {**DECLINED})

    with pytest.raises(ExecutionFailed, match="PaymentBroken"):
        flow.run(donation("tok_down_always"))

    assert stored().status == "broken"
    assert [each.status for each in store().history("don-1")] == ["open", "broken", "open", "declined"]
