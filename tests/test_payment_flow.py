"""What happens to a donation: the payment flow with its real handlers, on a virtual clock.

Each test gets stores of its own. The cards, and what becomes of a payment with each, are the sandbox's (testcards.py).
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from flowdsl.testing import (
    Answer,
    ExecutionAlreadyExists,
    ExecutionFailed,
    Run,
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
from handlers import sqlite
from handlers.outbox.sending import sent
from handlers.psp_sandbox.ledger import Ledger, Payment
from handlers.transactions.record import Transaction
from handlers.transactions.store import Query, store

ROOT = Path(__file__).parent.parent
DAY = 24 * 3600
STEPS = ["Receipt", "FundraisingTotals", "PublishEvent"]
RESULTS = {"Receipt": "receipt", "FundraisingTotals": "totals", "PublishEvent": "event"}


def donation(token: str = "tok_paid", **changes: Any) -> dict[str, Any]:
    return {
        "id": "don-1",
        "charity": "Lifeboats",
        "amount": 2500,
        "currency": "GBP",
        "payment_method": {"type": "card", "token": token},
        "donor": {"name": "Ada Lovelace", "email": "ada@example.org"},
        **changes,
    }


# -- what the books say


def charges() -> list[tuple[int, str]]:
    """The amounts that the sandbox has taken, with the idempotency keys."""
    with sqlite3.connect(sqlite.database("psp-sandbox")) as db:
        return db.execute("SELECT amount, key FROM movements WHERE kind = 'capture'").fetchall()


def payments() -> list[Payment]:
    return Ledger(sqlite.database("psp-sandbox")).payments()


def stored() -> Transaction:
    [transaction] = store().list(Query())
    return transaction


def kinds() -> list[str]:
    return [message.kind for message in sent()]


def statuses(run: Run) -> list[str]:
    return [attempt["status"] for attempt in run.output["payment"]["attempts"]]


def assert_paid_once(run: Run) -> None:
    assert run.status == "SUCCEEDED"
    assert run.output["payment"]["status"] == "paid"
    assert [amount for amount, _ in charges()] == [2500]
    assert stored().status == run.output["transaction"]["status"] == "paid"
    assert json.loads(stored().document)["payment"] == run.output["payment"]


# -- the ways of a payment


def test_paid_at_once(flow: Runner) -> None:
    run = flow.run(donation("tok_paid"))

    assert_paid_once(run)
    assert run.waited() == 0
    assert run.history.succeeded(StepType.LAMBDA) == dict.fromkeys(
        ["Setup", "SelectPsp", "TakePayment", *STEPS, "PersistOutput"], 1
    )
    assert not run.history.failed()
    assert statuses(run) == ["paid"]
    assert run.output["payment"]["reference"] == payments()[0].reference == stored().reference
    assert {name: result["status"] for name, result in run.output["post_processing"].items()} == dict.fromkeys(
        RESULTS.values(), "done"
    )
    assert run.output["post_processing"]["totals"]["total"] == 2500
    assert sorted(kinds()) == ["donation.paid", "email.receipt"]
    assert stored().complete


@pytest.mark.parametrize(
    ("token", "code"),
    [("tok_declined", "05"), ("tok_insufficient_funds", "51"), ("tok_fraud", "59"), ("tok_nobody_knows", "14")],
)
def test_declined(flow: Runner, token: str, code: str) -> None:
    run = flow.run(donation(token))

    assert run.status == "SUCCEEDED"
    assert run.output["payment"]["status"] == "declined"
    assert run.output["payment"]["code"] == code
    assert charges() == []
    assert stored().status == "declined"
    assert kinds() == []
    assert "PostProcessing" not in run.history.entered()
    assert "post_processing" not in run.output


def test_two_delays_then_paid(flow: Runner) -> None:
    run = flow.run(donation("tok_later_twice"))

    assert_paid_once(run)
    assert run.history.waits("WaitForPsp") == [300, 3600]
    assert run.waited() == run.duration == 3900
    assert run.history.entered()["TakePayment"] == 3
    assert run.history.succeeded(StepType.LAMBDA)["NotifyDelay"] == 2
    assert statuses(run) == ["retry", "retry", "paid"]
    assert [attempt["delay_seconds"] for attempt in run.output["payment"]["attempts"]] == [300, 3600, 0]
    assert [attempt["idempotency_key"] for attempt in run.output["payment"]["attempts"]] == [
        "don-1-1",
        "don-1-2",
        "don-1-3",
    ]
    assert charges() == [(2500, "don-1-3")]
    assert kinds()[:2] == ["payment.delayed", "payment.delayed"]


def test_the_schedule_is_exhausted(flow: Runner) -> None:
    run = flow.run(donation("tok_later_always"))

    assert run.output["payment"]["status"] == "declined"
    assert "exhausted after 4 attempts" in run.output["payment"]["message"]
    assert run.history.waits("WaitForPsp") == [300, 3600, 21600]
    assert statuses(run) == ["retry", "retry", "retry", "declined"]
    assert charges() == []
    assert stored().status == "declined"


# -- the donor's way to the PSP and back


def test_redirected_and_returned(flow: Runner) -> None:
    flow.answer("RedirectToPsp", {"status": "returned"}, after=90)

    run = flow.run(donation("tok_3ds"))

    assert_paid_once(run)
    assert run.history.spent("RedirectToPsp") == run.duration == 90
    assert run.history.entered()["TakePayment"] == 2
    assert run.output["redirect"] == {"status": "returned"}
    assert statuses(run) == ["paid"]
    [message] = sent("payment.redirect")
    assert message.detail["url"].startswith("https://psp-sandbox.example/3ds/")
    assert len(message.detail["token"]) > 20


def test_redirected_and_declined_there(flow: Runner) -> None:
    flow.answer("RedirectToPsp", {"status": "returned"}, after=5)

    run = flow.run(donation("tok_3ds_failed"))

    assert run.output["payment"]["status"] == "declined"
    assert charges() == []


def test_redirected_then_asked_to_try_later(flow: Runner) -> None:
    """The bank's answer to the first payment is final, so the second attempt sends the donor there again."""
    flow.answer("RedirectToPsp", {"status": "returned"}, after=30)

    run = flow.run(donation("tok_3ds_later"))

    assert_paid_once(run)
    assert run.history.waits("WaitForPsp") == [300]
    assert run.history.entered()["RedirectToPsp"] == 2
    assert statuses(run) == ["retry", "paid"]


def test_abandoned(flow: Runner) -> None:
    run = flow.run(donation("tok_3ds_abandoned"))

    assert run.status == "SUCCEEDED"
    assert run.output["payment"]["status"] == stored().status == "abandoned"
    assert run.history.spent("RedirectToPsp") == run.duration == DAY
    assert run.history.caught() == {"RedirectToPsp": 1}
    assert run.output["redirect"]["Error"] == "States.Timeout"
    assert charges() == []
    assert [payment.status for payment in payments()] == ["cancelled"], "nobody can complete it at the PSP any more"


def test_paid_at_the_psp_but_never_returned(flow: Runner) -> None:
    run = flow.run(donation("tok_3ds"))

    assert_paid_once(run)
    assert run.duration == DAY
    assert run.history.caught() == {"RedirectToPsp": 1}


def test_the_return_page_reports_a_failure(flow: Runner) -> None:
    flow.answer("RedirectToPsp", fail("DonorGaveUp", "closed the window"), after=60)

    run = flow.run(donation("tok_3ds_abandoned"))

    assert run.output["payment"]["status"] == "abandoned"
    assert run.output["redirect"] == {"Error": "DonorGaveUp", "Cause": "closed the window"}
    assert run.duration == 60


def test_the_donor_cannot_be_redirected(flow: Runner) -> None:
    """The donor never saw the PSP; TakePayment finds an open payment there and closes it."""
    flow.mock("RedirectToPsp", raises=RuntimeError("no web front-end"))

    run = flow.run(donation("tok_3ds_abandoned"))

    assert run.output["payment"]["status"] == "abandoned"
    assert [payment.status for payment in payments()] == ["cancelled"]


# -- the PSP, or its Lambda, in trouble: the money is taken once at most


def test_the_psp_is_down_and_recovers(flow: Runner) -> None:
    run = flow.run(donation("tok_down_twice"))

    assert_paid_once(run)
    assert run.history.retried() == {"TakePayment": 2}
    assert run.duration == 5 + 15
    assert statuses(run) == ["paid"], "an attempt without an answer does not count"


def test_the_psp_stays_down(flow: Runner) -> None:
    with pytest.raises(ExecutionFailed) as failed:
        flow.run(donation("tok_down_always"))

    assert failed.value.error == "PaymentBroken"
    assert failed.value.history.attempted()["TakePayment"] == 5
    assert failed.value.run.duration == 5 + 15 + 45 + 135
    assert {fault.error for fault in failed.value.history.faults("TakePayment")} == {"PspUnavailable"}
    assert failed.value.history.succeeded(StepType.LAMBDA)["PersistOutput"] == 1
    assert stored().status == "broken"
    assert json.loads(stored().document)["error"]["Error"] == "PspUnavailable"
    assert charges() == []


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
    flow.run(donation("tok_declined"))

    with pytest.raises(ExecutionFailed, match="PaymentBroken") as failed:
        flow.run(donation("tok_declined", amount=9900))

    assert [fault.error for fault in failed.value.history.faults("TakePayment")] == ["PspRefused"]
    assert failed.value.run.duration == 0
    assert stored().status == "broken"
    assert charges() == []


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
    flow.mock("TakePayment", throttle(times=100))

    with pytest.raises(ExecutionFailed, match="PaymentBroken"):
        flow.run(donation("tok_paid"))

    assert stored().status == "broken"


def test_the_answer_is_too_large(flow: Runner) -> None:
    """A state's data may have 256 KiB: the payment is taken, but its answer cannot be kept."""
    flow.mock("TakePayment", oversize(times=100))

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


# -- input


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"amount": "25.00"}, "amount"),
        ({"amount": 0}, "amount"),
        ({"currency": "pounds"}, "currency"),
        ({"id": ""}, "id"),
        ({"donor": {"name": "Ada"}}, "donor.email"),
        ({"payment_method": {"type": "card"}}, "payment_method.token"),
        ({"payment_method": {"type": "card", "token": "4242424242424242"}}, "payment_method.token"),
    ],
)
def test_a_malformed_donation_fails_with_the_fields_name(flow: Runner, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(ExecutionFailed) as failed:
        flow.run(donation(**changes))

    assert failed.value.error == "MalformedDonation"
    message = json.loads(failed.value.cause or "")["errorMessage"]
    assert message.startswith(f"{field}: ")
    assert "4242424242424242" not in (failed.value.cause or "")
    assert failed.value.history.states() == ["Setup"], "and nothing was asked of a PSP"


def test_a_donation_that_leaves_no_room_for_the_payment_is_refused_before_it_is_taken(flow: Runner) -> None:
    """A document above 256 KiB ends an execution, and no Catch helps; by then the payment would be taken."""
    with pytest.raises(ExecutionFailed, match="MalformedDonation"):
        flow.run(donation("tok_paid", note="x" * 261_500))

    assert not sqlite.database("psp-sandbox").exists(), "nothing was asked of a PSP"


def test_the_largest_donation_with_the_longest_errors_fits(flow: Runner) -> None:
    """What the document can grow to: Step Functions cuts an error's cause at 32,768 characters."""
    room = 32_768 - len(json.dumps(donation("tok_3ds_later"))) - len(', "note": ""')
    flow.answer("RedirectToPsp", fail("DonorGaveUp", "x" * 32_768, times=2), after=5)
    for step in ("NotifyDelay", *STEPS):
        flow.mock(step, fail("Broken", "x" * 32_768, times=9))

    assert_paid_once(flow.run(donation("tok_3ds_later", note="x" * room)))


def test_no_psp_is_available(flow: Runner) -> None:
    with pytest.raises(ExecutionFailed) as failed:
        flow.run(donation(payment_method={"type": "direct_debit", "token": "tok_paid"}))

    assert failed.value.error == "PaymentBroken"
    assert stored().status == "broken"
    document = json.loads(stored().document)
    assert document["error"]["Error"] == "NoPspAvailable"
    assert "does not take payment method direct_debit" in document["error"]["Cause"]
    assert "TakePayment" not in failed.value.history.entered()


# -- more than once


def test_the_same_execution_is_started_twice(flow: Runner) -> None:
    first = flow.start(donation("tok_paid"), name="don-1")
    assert flow.start(donation("tok_paid"), name="don-1") is first
    with pytest.raises(ExecutionAlreadyExists, match="another input"):
        flow.start(donation("tok_declined"), name="don-1")

    assert_paid_once(flow.finish(first))
    with pytest.raises(ExecutionAlreadyExists, match="has ended SUCCEEDED"):
        flow.start(donation("tok_paid"), name="don-1")


@pytest.mark.parametrize("token", ["tok_paid", "tok_later_once", "tok_answer_lost"])
def test_a_donation_arrives_in_two_executions(flow: Runner, token: str) -> None:
    first, second = (flow.start(donation(token), name=name) for name in ("first", "second"))

    runs = [flow.finish(first), flow.finish(second)]

    assert [amount for amount, _ in charges()] == [2500]
    assert {run.output["payment"]["reference"] for run in runs if run.output["payment"]["status"] == "paid"} == {
        stored().reference
    }
    assert kinds().count("email.receipt") == 1
    assert stored().status == "paid"
    totals = [run.output["post_processing"]["totals"]["total"] for run in runs if "post_processing" in run.output]
    assert max(totals) == 2500


def test_another_psp_is_configured_before_the_donation_is_run_again(
    flow: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first execution charged without knowing it: a key means nothing to another PSP, so it is not asked."""
    with pytest.raises(ExecutionFailed, match="PaymentBroken"):
        flow.run(donation("tok_answers_lost"))
    assert len(charges()) == 1
    settings = (ROOT / "handlers/select_psp/psps.toml").read_text()
    swapped = settings.replace("enabled = false", "enabled = yes").replace("enabled = true", "enabled = false")
    (tmp_path / "psps.toml").write_text(swapped.replace("enabled = yes", "enabled = true"))
    monkeypatch.setenv("PSPS", str(tmp_path / "psps.toml"))

    with pytest.raises(ExecutionFailed, match="PaymentBroken") as failed:
        flow.run(donation("tok_answers_lost"))

    assert json.loads(stored().document)["psp"]["name"] == "psp_sandbox"
    assert {fault.error for fault in failed.value.history.faults("TakePayment")} == {"PspUnavailable"}
    assert len(charges()) == 1


_KILLED = """
import json, os, signal, sys
from types import SimpleNamespace
from flowdsl.testing import Runner
from handlers.psp_sandbox.handler import handler

def kill(event):
    os.kill(os.getpid(), signal.SIGKILL)

def charge_and_kill(event):
    answer = handler(event, SimpleNamespace(aws_request_id="1"))
    assert answer["status"] == "paid"
    kill(event)

where, donation = sys.argv[1:]
flow = Runner.of("payment_flow.py")
if where == "after the charge":
    flow.mock("TakePayment", effect=charge_and_kill)
else:
    flow.mock(where, effect=kill)
flow.run(json.loads(donation))
"""


@pytest.mark.parametrize("where", ["after the charge", "TakePayment", "Receipt", "PersistOutput"])
def test_the_process_is_killed_and_the_donation_run_again(flow: Runner, where: str, stores: Path) -> None:
    killed = subprocess.run(
        [sys.executable, "-c", _KILLED, where, json.dumps(donation("tok_paid"))],
        cwd=ROOT,
        env={**os.environ, "PAYMENTS_DATA": str(stores), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    charged = [] if where == "TakePayment" else charges()
    assert len(charged) == (0 if where == "TakePayment" else 1)

    run = flow.run(donation("tok_paid"))

    assert charges()[: len(charged)] == charged, "the charge is the one from before"
    assert_paid_once(run)
    assert kinds().count("email.receipt") == kinds().count("donation.paid") == 1
