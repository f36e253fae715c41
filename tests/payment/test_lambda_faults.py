"""Each Lambda step of the three flows survives Lambda's own errors, and ends as documented where it must not repeat."""

from __future__ import annotations

import pytest

from flowdsl.testing import ExecutionFailed, Runner, fail
from tests.payment.books import ROOT, charges, donation

BUSY = fail("Lambda.ServiceException")


@pytest.mark.parametrize("step", ["RefundSetup", "PersistRefund"])
def test_a_refund_goes_on_after_an_error_of_lambda(flow: Runner, step: str) -> None:
    flow.run(donation("tok_paid"))
    refund = Runner.of(ROOT / "refund_flow.py")
    refund.mock(step, BUSY)
    assert refund.run({"donation": "don-1", "number": 1}).output["stored"]["status"] == "refunded"


@pytest.mark.parametrize("step", ["CaptureSetup", "PersistCapture"])
def test_a_capture_goes_on_after_an_error_of_lambda(flow: Runner, step: str) -> None:
    flow.run(donation("tok_paid", capture="later"))
    capture = Runner.of(ROOT / "capture_flow.py")
    capture.mock(step, BUSY)
    assert capture.run({"donation": "don-1"}).output["stored"]["status"] == "captured"


def test_a_refund_that_the_psp_refuses_is_asked_for_once(flow: Runner) -> None:
    flow.run(donation("tok_paid"))
    refund = Runner.of(ROOT / "refund_flow.py")
    refund.mock("TakeRefund", fail("PspRefused"))
    with pytest.raises(ExecutionFailed) as failed:
        refund.run({"donation": "don-1", "number": 1})
    assert not failed.value.run.history.retried()


def test_a_capture_that_the_psp_refuses_is_asked_for_once(flow: Runner) -> None:
    flow.run(donation("tok_paid", capture="later"))
    capture = Runner.of(ROOT / "capture_flow.py")
    capture.mock("TakeCapture", fail("PspRefused"))
    with pytest.raises(ExecutionFailed) as failed:
        capture.run({"donation": "don-1"})
    assert not failed.value.run.history.retried()


@pytest.mark.parametrize("error", ["Lambda.ServiceException", "NotDelivered"])
def test_waiting_for_a_confirmation_starts_again(flow: Runner, error: str) -> None:
    flow.mock("AwaitConfirmation", fail(error))
    run = flow.run(donation("tok_debit"))
    assert run.output["transaction"]["status"] == "paid"
    assert len(charges()) == 1


def test_a_confirmation_that_cannot_be_awaited_is_open_work(flow: Runner) -> None:
    flow.mock("AwaitConfirmation", fail("NotDelivered", times=11))
    with pytest.raises(ExecutionFailed, match="PaymentBroken"):
        flow.run(donation("tok_debit"))
