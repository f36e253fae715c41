"""A donation that comes more than once, and processes that are killed: one charge."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from flowdsl.testing import (
    ExecutionAlreadyExists,
    ExecutionFailed,
    Runner,
)
from tests.payment.books import (
    ROOT,
    assert_paid_once,
    charges,
    donation,
    kinds,
    stored,
)

pytestmark = pytest.mark.slow

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
