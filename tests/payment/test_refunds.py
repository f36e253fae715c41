"""The refund flow: money goes back once at most, totals are corrected, and what is unknown is open work."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from attrs import evolve
from click.testing import CliRunner
from moto import mock_aws

from flowdsl.testing import ExecutionFailed, Runner, crash, fail, function_timeout, timeout
from handlers import refunds
from handlers.disputes.record import Dispute
from handlers.disputes.store import put
from handlers.outbox.sending import sent
from handlers.persist_refund.handler import handler as persist_refund
from handlers.psp import PspUnavailable
from handlers.psp_sandbox.handler import handler as sandbox
from handlers.reconcile.sweep import ask_psp, execution_has_ended, sweep
from handlers.refund_setup.handler import handler as refund_setup
from handlers.refunds import Refund
from handlers.refunds.__main__ import main
from handlers.refunds.conclusion import conclude
from handlers.transactions.store import store
from tests.payment.books import DAY, FOR_EVER, HOUR, ROOT, donation, kinds, payments
from tests.payment.refunding import broken, moved, only, request, set_up_table, total

ANSWER = {"code": "pending", "message": "", "reference": "sbx_1", "psp": "psp_sandbox", "delay_seconds": 0}


def test_a_donation_is_refunded(refund: Runner) -> None:
    run = refund.run(request(reason="asked by phone"))

    assert run.output["stored"] == {"id": "don-1:refund:1", "status": "refunded", "amount": 2500}
    assert moved() == [2500]
    assert (only().status, only().reference, only().reason) == ("refunded", payments()[0].reference, "asked by phone")
    assert total() == 0
    assert kinds().count("donation.refunded") == 1
    assert store().get("don-1").status == "paid"  # type: ignore[union-attr]
    assert "ada@example.org" not in json.dumps(run.output), "the donor's data is not needed"


def test_the_same_refund_again_changes_nothing(refund: Runner) -> None:
    for _ in range(3):
        refund.run(request(amount=500))

    assert moved() == [500]
    assert total() == 2000
    assert kinds().count("donation.refunded") == 1


def test_several_refunds_of_a_donation(refund: Runner) -> None:
    refund.run(request(amount=500))
    refund.run(request(amount=300, number=2))
    refund.run(request(number=3))

    assert moved() == [500, 300, 1700]
    assert total() == 0
    assert [message.detail["amount"] for message in sent("donation.refunded")] == [500, 300, 1700]
    with pytest.raises(ExecutionFailed, match="NotRefundable"):
        refund.run(request(number=4, amount=1))


FAULTS = [crash(after_work=True, times=2), function_timeout(50, after_work=True), fail("PspUnavailable", times=9)]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.about)
@pytest.mark.parametrize("state", ["RefundSetup", "TakeRefund", "PersistRefund"])
def test_faults_refund_once(refund: Runner, state: str, fault: Any) -> None:
    refund.mock(state, evolve(fault, times=min(fault.times, 3)))

    run = refund.run(request(amount=500))

    assert run.output["stored"]["status"] == "refunded"
    assert (moved(), total(), kinds().count("donation.refunded")) == ([500], 2000, 1)


@pytest.mark.parametrize("status", ["broken", "open"])
def test_an_unknown_outcome_is_settled_by_the_sweep(
    refund: Runner, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    """The PSP made the refund, and nobody heard of it; or nothing could be stored at the end."""
    refund.mock("TakeRefund", timeout(times=1, after_work=True), fail("PspRefused"))
    if status == "open":
        refund.mock("PersistRefund", fail("OperationalError", times=100))
    with pytest.raises(ExecutionFailed):
        refund.run(request(amount=500))
    assert (only().status, total()) == (status, 2500)
    monkeypatch.setenv("FLOWDSL_NOW", "2025-06-01T00:00:00.000Z")

    [dry] = sweep(store(), ask_psp, execution_has_ended, repair=False)
    [finding] = sweep(store(), ask_psp, execution_has_ended)

    assert (dry.repaired, dry.reason) == (None, f"{finding.reason}; to be stored as refunded")
    assert (finding.id, finding.status, finding.repaired) == ("don-1:refund:1", f"refund {status}", "refunded")
    assert (only().status, moved(), total()) == ("refunded", [500], 2000)
    assert kinds().count("donation.refunded") == 1
    assert list(sweep(store(), ask_psp, execution_has_ended)) == []


def test_a_refund_whose_request_may_be_on_its_way_is_not_looked_for(
    refund: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    refund.mock("TakeRefund", fail("PspRefused"))
    with pytest.raises(ExecutionFailed):
        refund.run(request(amount=500))
    stored = datetime.fromisoformat(only().stored_at)
    for minutes, listed in ((59, 0), (61, 1)):
        monkeypatch.setenv("FLOWDSL_NOW", (stored + timedelta(minutes=minutes)).isoformat(timespec="milliseconds"))
        assert len([*sweep(store(), ask_psp, execution_has_ended)]) == listed


def test_a_refund_of_which_the_psp_cannot_tell_hides_no_other(refund: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in (1, 2):
        refund.mock("TakeRefund", timeout(times=1, after_work=True), fail("PspRefused"))
        with pytest.raises(ExecutionFailed):
            refund.run(request(amount=500, number=number))
    monkeypatch.setenv("FLOWDSL_NOW", "2026-03-01T00:00:00.000Z")

    def ask(transaction: Any, event: dict[str, Any]) -> dict[str, Any]:
        return {} if event["refund"] == "don-1:refund:1" else ask_psp(transaction, event)

    first, second = sweep(store(), ask, execution_has_ended)

    assert first.reason.startswith("psp_sandbox could not be asked: KeyError")
    assert (second.id, second.repaired) == ("don-1:refund:2", "refunded")


@pytest.mark.parametrize("broken", ["add", "send"])
def test_a_refund_whose_effects_failed_stays_open_work(
    refund: Runner, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    """The total, or the message, fails for good, or the execution is stopped just then: the sweep finishes it."""
    with monkeypatch.context() as away:
        away.setattr(f"handlers.refunds.conclusion.{broken}", lambda *_: 1 / 0)
        with pytest.raises(ExecutionFailed):
            refund.run(request(amount=500))
    assert only().status == "open"
    monkeypatch.setenv("FLOWDSL_NOW", "2026-03-01T00:00:00.000Z")

    assert [finding.repaired for finding in sweep(store(), ask_psp, execution_has_ended)] == ["refunded"]
    assert (moved(), total(), kinds().count("donation.refunded")) == ([500], 2000, 1)


def test_a_refund_that_is_decided_after_months_is_decided(refund: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    refund.mock("TakeRefund", fail("PspRefused"))
    with pytest.raises(ExecutionFailed, match="RefundBroken"):
        refund.run(request())
    monkeypatch.setenv("FLOWDSL_NOW", "2025-09-01T00:00:00.000Z")

    decided = {"donation": {"id": "don-1"}, "number": 1, "result": {"status": "refunded", "code": "00"}}
    assert persist_refund(decided, None)["status"] == "refunded"


def test_the_sweep_between_the_psps_answer_and_its_storing_refunds_and_counts_once(
    refund: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    persisted = []

    def late(event: dict[str, Any]) -> Any:
        if not persisted:
            persisted.append(event)
            with monkeypatch.context() as later:
                later.setenv("FLOWDSL_NOW", "2025-03-01T00:00:00.000Z")
                [finding] = sweep(store(), ask_psp, execution_has_ended)
                assert finding.repaired == "refunded"
        return persist_refund(event, None)

    refund.mock("PersistRefund", effect=late)
    run = refund.run(request(amount=500))

    assert run.output["stored"]["status"] == only().status == "refunded"
    assert (moved(), total(), kinds().count("donation.refunded")) == ([500], 2000, 1)


@pytest.mark.parametrize("days", [29, 31])
def test_a_refund_that_the_psp_does_not_decide_waits_for_a_month(
    refund: Runner, monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    """Its flow has ended: nobody else asks any more."""
    begun = refunds.begin(
        Refund(
            id="don-1:refund:1",
            donation="don-1",
            number=1,
            amount=500,
            currency="GBP",
            charity="Lifeboats",
            psp="psp_sandbox",
            reference="sbx_1",
            status="open",
            code="",
            reason="",
            requested_at="2025-02-01T00:00:00.000Z",
            stored_at="2025-02-01T00:00:00.000Z",
        )
    )
    refunds.finish(evolve(begun, status="pending"))
    now = datetime(2025, 2, 1, tzinfo=UTC) + timedelta(days=days)
    monkeypatch.setenv("FLOWDSL_NOW", now.isoformat(timespec="milliseconds").replace("+00:00", "Z"))
    asked = []

    def ask(_transaction: Any, event: dict[str, Any]) -> dict[str, Any]:
        asked.append((event["operation"], event["refund"], event["amount"], "donor" in event["donation"]))
        return {"refund": {"status": "pending", "code": "pending"}}

    [finding] = sweep(store(), ask, execution_has_ended)

    assert asked == [("find_refund", "don-1:refund:1", 500, False)]
    assert (finding.repaired, finding.is_waiting, only().status) == (None, days < 30, "pending")


def test_a_refund_that_never_reached_the_psp_is_open_work_and_can_be_run_again(
    refund: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    refund.mock("TakeRefund", timeout(times=FOR_EVER))
    with pytest.raises(ExecutionFailed, match="RefundBroken: The outcome of don-1:refund:1 is unknown"):
        refund.run(request(amount=500))
    assert (only().status, only().code) == ("broken", "States.Timeout")
    assert (moved(), total()) == ([], 2500)
    monkeypatch.setenv("FLOWDSL_NOW", "2025-06-01T00:00:00.000Z")
    [finding] = sweep(store(), ask_psp, execution_has_ended)
    assert (finding.id, finding.status, finding.is_open_work) == ("don-1:refund:1", "refund broken", True)
    assert finding.reason == (
        "psp_sandbox has no such refund; run it again, which is safe: "
        "python -m handlers.refunds request don-1 --number 1 | flowdsl run refund_flow.py --input -; "
        "or if it is not to be made any more: "
        "python -m handlers.refunds close don-1:refund:1 --not-made"
    )

    result = CliRunner().invoke(main, ["request", "don-1", "--number", "1"])
    run = Runner.of(ROOT / "refund_flow.py").run(json.loads(result.stdout))

    assert run.output["stored"]["status"] == "refunded"
    assert (moved(), total()) == ([500], 2000)
    assert list(sweep(store(), ask_psp, execution_has_ended)) == []


def test_a_refund_that_was_prepared_too_long_ago_is_prepared_again(refund: Runner) -> None:
    """The execution was stopped, and is redriven from TakeRefund after somebody may have closed the refund."""
    events: list[dict[str, Any]] = []

    def psp(event: dict[str, Any]) -> dict[str, Any]:
        if len(events) < 2:
            events.append(event)
            return sandbox({**event, "prepared_at": "2020-01-01T00:00:00.000Z"}, None)  # type: ignore[return-value]
        return sandbox(event, None)  # type: ignore[return-value]

    refund.mock("TakeRefund", effect=psp)

    run = refund.run(request(amount=500))

    assert (run.output["stored"]["status"], moved(), total()) == ("refunded", [500], 2000)
    assert [each["prepared_at"] for each in events] == [only().requested_at] * 2


def test_a_refund_that_is_pending_for_a_month_ends_its_flow_and_is_the_sweeps(refund: Runner) -> None:
    asked = []
    refund.mock("TakeRefund", effect=lambda event: asked.append(event) or {**ANSWER, "status": "pending"})

    with pytest.raises(ExecutionFailed, match="RefundBroken"):
        refund.run(request(amount=500))

    assert only().status == "pending", "the PSP may still make it"
    assert 119 <= len(asked) <= 122, "every six hours"


def test_a_pending_refund_is_asked_for_until_the_psp_decides(refund: Runner) -> None:
    seen = []

    def psp(event: dict[str, Any]) -> dict[str, Any]:
        seen.append([each.status for each in refunds.listed()])
        return {**ANSWER, "status": "pending" if len(seen) < 4 else "refunded"}

    refund.mock("TakeRefund", effect=psp)

    run = refund.run(request(amount=500))

    assert run.output["stored"]["status"] == "refunded"
    assert run.duration == 3 * 6 * HOUR < DAY
    assert seen == [["open"], ["pending"], ["pending"], ["pending"]]
    assert total() == 2000


def test_an_outage_while_a_refund_is_pending_does_not_break_it(refund: Runner) -> None:
    outage = [fail("PspUnavailable", times=36)]
    refund.mock("TakeRefund", {**ANSWER, "status": "pending"}, *outage, returns={**ANSWER, "status": "refunded"})

    assert refund.run(request(amount=500)).output["stored"]["status"] == "refunded"


def test_a_refund_that_the_psp_declines_corrects_nothing(refund: Runner) -> None:
    refund.mock("TakeRefund", returns={**ANSWER, "status": "declined", "code": "12"})

    run = refund.run(request(amount=500))

    assert (run.output["stored"]["status"], only().code, total()) == ("declined", "12", 2500)
    assert "donation.refunded" not in kinds()
    assert "TakeRefund" not in refund.run(request(amount=500)).history.entered(), "the PSP has decided"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"donation": "don-unknown"}, "NotRefundable"),
        ({"amount": 2501}, "NotRefundable"),
        ({"amount": 0}, "NotRefundable"),
        ({"number": 0}, "MalformedEvent"),
        ({"donation": None}, "MalformedEvent"),
    ],
)
def test_what_cannot_be_refunded_is_refused_before_the_psp_is_asked(
    refund: Runner, changes: dict[str, Any], error: str
) -> None:
    with pytest.raises(ExecutionFailed, match=error) as failed:
        refund.run(request(**changes))

    assert failed.value.history.states() == ["RefundSetup"]
    assert failed.value.history.failed() == {"RefundSetup": 1}, "repeating would not help"
    assert moved() == []


def test_a_dispute_of_another_donation_and_a_card_number_are_kept_out_of_a_refund(refund: Runner) -> None:
    put(Dispute("dp_1", "don-2", "Lifeboats", 2500, "GBP", "psp_sandbox", "sbx_2", "lost", "", "2025-01-01"))

    refund.run(request(reason="to card 4242424242424242"))

    assert (only().amount, only().reason) == (2500, "to card [card number removed]")


def test_another_amount_with_the_same_number_is_a_conflict(refund: Runner) -> None:
    refund.run(request(amount=500))

    with pytest.raises(ExecutionFailed, match="RefundConflict"):
        refund.run(request(amount=600))

    assert moved() == [500]


def test_a_declined_donation_cannot_be_refunded(flow: Runner) -> None:
    flow.run(donation("tok_declined"))

    with pytest.raises(ExecutionFailed, match="NotRefundable"):
        Runner.of(ROOT / "refund_flow.py").run(request())


@mock_aws
def test_refunds_in_dynamodb(refund: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    set_up_table(monkeypatch)

    assert refund.run(request(amount=500)).output["stored"]["status"] == "refunded"
    assert refund.run(request(amount=500)).output["status"] == "refunded", "it was settled before"

    assert [(each.id, each.status, each.amount) for each in refunds.listed("refunded")] == [
        ("don-1:refund:1", "refunded", 500)
    ]
    stored = refunds.of_donation("don-1")[0]
    assert refunds.finish(evolve(stored, status="declined")) == stored, "a final state stays"
    with pytest.raises(refunds.RefundConflict):
        refunds.begin(evolve(stored, amount=1))


def test_a_refund_that_a_webhook_decides_during_an_outage_ends_its_flow(refund: Runner) -> None:
    def psp(_event: dict[str, Any]) -> dict[str, Any]:
        conclude(only(), "refunded", "succeeded")
        raise PspUnavailable("the answer was lost")

    refund.mock("TakeRefund", effect=psp)

    run = refund.run(request(amount=500))

    assert (run.output["stored"]["status"], run.duration < HOUR, total()) == ("refunded", True, 2000)


@pytest.mark.parametrize("status", ["failed", "closed"])
def test_a_refund_that_failed_is_not_asked_for_again(refund: Runner, status: str) -> None:
    refund.run(request(amount=500))
    conclude(only(), "declined", "failed")
    if status == "closed":
        assert CliRunner().invoke(main, ["close", "don-1:refund:1"]).exit_code == 0

    run = refund.run(request(amount=500))

    assert (run.output["status"], run.history.entered()["TakeRefund"]) == (status, 0)


@mock_aws
def test_two_writers_of_a_refund_in_dynamodb(refund: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    """The webhook and PersistRefund store the same answer at once: neither fails."""
    set_up_table(monkeypatch)
    broken(refund, amount=500)
    client, others = boto3.client("dynamodb"), [evolve(only(), status="pending", stored_at="2025-06-01")]

    class Racing:
        def __getattr__(self, name: str) -> Any:
            return getattr(client, name)

        def put_item(self, **values: Any) -> Any:
            if others:
                refunds.finish(others.pop())
            return client.put_item(**values)

    monkeypatch.setattr("handlers.dynamodb.client", Racing)

    assert conclude(only(), "refunded", "succeeded").status == only().status == "refunded"


def test_a_refund_that_fails_after_it_was_counted_and_not_stored(
    refund: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its execution was stopped in between, so nobody runs PersistRefund again."""
    refund_setup(request(amount=500), None)
    with monkeypatch.context() as stopped:
        stopped.setattr("handlers.refunds.conclusion.finish", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            conclude(only(), "refunded", "succeeded")
    assert total() == 2000

    for _ in range(2):
        conclude(only(), "declined", "failed")

    assert (only().status, total()) == ("declined", 2500)
    assert [kinds().count(f"donation.{kind}") for kind in ("refunded", "refund_failed")] == [1, 1]
