"""What becomes of a donation: the payment flow with its real handlers, on a virtual clock.

The cards, and what becomes of a payment with each, are the sandbox's (testcards.py).
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from flowdsl.testing import (
    ExecutionFailed,
    Runner,
    StepType,
    fail,
)
from handlers import sqlite
from handlers.outbox.sending import sent
from handlers.psp_sandbox.ledger import Ledger
from tests.payment.books import (
    DAY,
    RESULTS,
    STEPS,
    assert_paid_once,
    charges,
    donation,
    kinds,
    payments,
    statuses,
    stored,
)

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
    assert len(message.detail["ticket"]) > 20


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


def test_a_return_without_a_payment_does_not_end_the_wait(flow: Runner) -> None:
    """A prefetch of the return page, the back button: the donor pays ten minutes later, and nobody comes back."""
    flow.answer("RedirectToPsp", {"status": "returned"}, after=5, times=2)
    visits = []

    def donor(event: dict[str, Any]) -> None:
        visits.append(event)
        if len(visits) == 3:
            Ledger(sqlite.database("psp-sandbox")).authenticate(payments()[0].reference, passed=True)

    flow.mock("RedirectToPsp", effect=donor)

    run = flow.run(donation("tok_3ds_abandoned"))

    assert_paid_once(run)
    assert run.history.spent("RedirectToPsp") == run.duration == 5 + 5 + 1200
    assert run.output["payment"]["attempts"][0]["returns"] == 2


def test_paid_at_the_psp_but_never_returned(flow: Runner) -> None:
    run = flow.run(donation("tok_3ds"))

    assert_paid_once(run)
    assert run.duration == DAY
    assert run.history.caught() == {"RedirectToPsp": 1}


def test_a_bank_debit_is_paid_only_once_it_is_confirmed(flow: Runner) -> None:
    """The PSP's webhook ends the wait after three days; until then the donation is open, and nobody gets a receipt."""
    seen = []
    flow.mock("AwaitConfirmation", effect=lambda event: seen.append((stored().status, kinds(), charges())))
    flow.answer("AwaitConfirmation", {"status": "told by the PSP"}, after=3600)

    run = flow.run(donation("tok_debit"))

    assert seen == [("open", [], [])]
    assert_paid_once(run)
    assert run.history.spent("AwaitConfirmation") == run.duration == 3600
    assert run.history.entered()["TakePayment"] == 2
    assert statuses(run) == ["paid"]
    assert run.output["payment"]["pending_seconds"] == 0


def test_a_lost_webhook_costs_a_day(flow: Runner) -> None:
    run = flow.run(donation("tok_debit"))

    assert_paid_once(run)
    assert run.history.spent("AwaitConfirmation") == run.duration == DAY
    assert run.output["confirmation"]["Error"] == "States.Timeout"


def test_a_bank_debit_that_the_bank_returns(flow: Runner) -> None:
    run = flow.run(donation("tok_debit_returned"))

    assert run.output["payment"]["status"] == stored().status == "declined"
    assert run.output["payment"]["code"] == "51"
    assert charges() == []


def test_a_bank_debit_that_stays_pending_is_work_for_people(flow: Runner) -> None:
    with pytest.raises(ExecutionFailed) as failed:
        flow.run(donation("tok_debit_waits"))

    assert failed.value.error == "PaymentBroken"
    assert failed.value.history.entered()["AwaitConfirmation"] == 30
    assert stored().status == "broken"
    assert charges() == []


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
    assert "No PSP takes this donation, so nothing was charged" in str(failed.value)
    assert stored().status == "broken"
    document = json.loads(stored().document)
    assert document["error"]["Error"] == "NoPspAvailable"
    assert "does not take payment method direct_debit" in document["error"]["Cause"]
    assert "TakePayment" not in failed.value.history.entered()
