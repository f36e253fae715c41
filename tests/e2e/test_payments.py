"""What becomes of donations: the same on the embedded engine, on an emulator and on AWS.

    pytest tests/e2e
    STATE_MACHINE_ARN=arn:aws:states:eu-west-1:123456789012:stateMachine:payment:live pytest tests/e2e

Without STATE_MACHINE_ARN the embedded engine runs the flow. An emulator is named by STEPFUNCTIONS_ENDPOINT as well. The
environment has to allow the sandbox (PAYMENTS_SANDBOX). On AWS the delay of `tok_later_once` takes five minutes.
"""

from __future__ import annotations

import json

import pytest

from flowdsl.testing import ExecutionFailed, StepType
from tests.e2e.conftest import Payments, tells_calls

STEPS = ["Receipt", "FundraisingTotals", "PublishEvent"]


def test_paid_at_once(payments: Payments) -> None:
    donation = payments.donation("tok_paid")
    output, history = payments.take(donation)

    assert output["donation"]["id"] == donation["id"]
    assert (output["payment"]["status"], output["transaction"]["status"]) == ("paid", "paid")
    assert output["psp"]["name"] == "psp_sandbox"
    assert [attempt["idempotency_key"] for attempt in output["payment"]["attempts"]] == [f"{donation['id']}-1"]
    assert {name: result["status"] for name, result in output["post_processing"].items()} == dict.fromkeys(
        ("receipt", "totals", "event"), "done"
    )
    assert output["post_processing"]["totals"]["total"] >= 2500
    assert history.states()[:3] == ["Setup", "SelectPsp", "TakePayment"]
    if tells_calls(history):
        tasks = ["Setup", "SelectPsp", "TakePayment", *STEPS, "PersistOutput"]
        assert history.succeeded(StepType.LAMBDA) == dict.fromkeys(tasks, 1)
        assert not history.failed()


@pytest.mark.parametrize(("token", "code"), [("tok_declined", "05"), ("tok_nobody_knows", "14")])
def test_declined(payments: Payments, token: str, code: str) -> None:
    output, history = payments.take(payments.donation(token))

    assert (output["payment"]["status"], output["payment"]["code"]) == ("declined", code)
    assert output["transaction"]["status"] == "declined"
    assert "PostProcessing" not in history.entered()


def test_the_donor_returns_from_the_psp(payments: Payments) -> None:
    output, history = payments.take(payments.donation("tok_3ds"), returns=True)

    assert (output["payment"]["status"], output["transaction"]["status"]) == ("paid", "paid")
    assert output["redirect"] == {"status": "returned"}
    assert history.entered()["TakePayment"] == 2
    assert len(output["payment"]["attempts"]) == 1


def test_the_donor_fails_at_the_psp(payments: Payments) -> None:
    output, _ = payments.take(payments.donation("tok_3ds_failed"), returns=True)

    assert output["payment"]["status"] == "declined"


def test_the_psp_asks_to_try_later(payments: Payments) -> None:
    output, history = payments.take(payments.donation("tok_later_once"))

    assert output["payment"]["status"] == "paid"
    assert [attempt["status"] for attempt in output["payment"]["attempts"]] == ["retry", "paid"]
    assert history.entered()["WaitForPsp"] == 1
    assert history.entered()["NotifyDelay"] == 1


@pytest.mark.parametrize("token", ["tok_down_once", "tok_answer_lost"])
def test_the_psp_fails_once(payments: Payments, token: str) -> None:
    """The same attempt is repeated; a payment whose answer got lost is not taken again."""
    output, history = payments.take(payments.donation(token))

    assert output["payment"]["status"] == "paid"
    assert len(output["payment"]["attempts"]) == 1
    assert "TaskFailed" in [event.type for event in history] or history.failed(StepType.LAMBDA) == {"TakePayment": 1}


def test_a_donation_that_arrives_twice_is_taken_once(payments: Payments) -> None:
    donation = payments.donation("tok_paid")
    first, _ = payments.take(donation)
    second, _ = payments.take(donation, again="-again")

    assert second["payment"]["reference"] == first["payment"]["reference"]
    assert second["transaction"]["status"] == "paid"
    assert second["post_processing"]["totals"] == first["post_processing"]["totals"]


def test_another_donation_with_the_same_id_is_not_charged(payments: Payments) -> None:
    donation = payments.donation("tok_paid")
    payments.take(donation)
    with pytest.raises(ExecutionFailed) as failed:
        payments.take({**donation, "amount": 9900}, again="-other")

    assert "TakePayment" not in failed.value.history.entered()
    assert failed.value.error == "DonationConflict"


def test_a_malformed_donation_is_refused(payments: Payments) -> None:
    with pytest.raises(ExecutionFailed) as failed:
        payments.take(payments.donation(amount=-1))

    assert failed.value.history.states() == ["Setup"]
    assert json.loads(failed.value.cause or "")["errorMessage"].startswith("amount: ")
    if failed.value.error == "Runtime.HandlerError":
        pytest.skip("this emulator (MiniStack 1.5.33) calls every exception Runtime.HandlerError, AWS by its class")
    assert failed.value.error == "MalformedDonation"


def test_the_sweep_has_nothing_to_do_with_finished_payments(payments: Payments) -> None:
    donation = payments.donation("tok_paid")
    payments.take(donation)

    answer = payments.sweep()

    assert {*answer} == {"repaired", "waiting", "open", "findings", "erased"}
    assert donation["id"] not in [finding["id"] for finding in answer["findings"]]
