"""The capture flow: what was reserved is taken once at most, in whole or in part, or released."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing, suppress
from typing import Any

import boto3
import pytest
from attrs import evolve
from click.testing import CliRunner
from moto import mock_aws

from flowdsl.testing import ExecutionFailed, Runner, crash, fail, function_timeout, timeout
from handlers import captures
from handlers.captures import Capture, CaptureConflict
from handlers.captures.__main__ import main
from handlers.fundraising_totals.totals import Contribution, add
from handlers.outbox.sending import sent
from handlers.persist_capture.handler import handler as persist_capture
from handlers.psp_sandbox.ledger import Ledger
from handlers.reconcile.reservations import settle_reservation
from handlers.reconcile.sweep import ask_psp, sweep
from handlers.sqlite import database
from handlers.transactions.__main__ import main as transactions_command
from handlers.transactions.store import store
from tests.payment.books import FOR_EVER, ROOT, donation, kinds, payments


@pytest.fixture
def capture(flow: Runner) -> Runner:
    """The capture flow, after a donation of 25.00 GBP was reserved."""
    run = flow.run(donation("tok_paid", capture="later"))
    assert run.output["transaction"]["status"] == "authorised"
    return Runner.of(ROOT / "capture_flow.py")


def moved() -> list[int]:
    """What was taken."""
    with closing(sqlite3.connect(database("psp-sandbox"))) as db:
        return [amount for (amount,) in db.execute("SELECT amount FROM movements WHERE kind = 'capture'")]


def record() -> Any:
    return store().get("don-1")


def only() -> Capture:
    [found] = captures.listed()
    return found


def request(**changes: Any) -> dict[str, Any]:
    return {"donation": "don-1", **changes}


def receipt() -> str:
    [message] = sent("email.receipt")
    return str(message.detail["text"])


def test_a_reserved_donation_takes_nothing_and_tells_nobody(capture: Runner) -> None:
    assert (record().status, record().complete) == ("authorised", True)
    assert moved() == []
    assert kinds() == []
    assert [payment.status for payment in payments()] == ["authorised"]


def test_all_of_it_is_taken(capture: Runner) -> None:
    run = capture.run(request())

    assert run.output["stored"] == {"id": "don-1", "status": "captured", "amount": 2500}
    assert moved() == [2500]
    assert (record().status, record().complete, record().amount) == ("paid", True, 2500)
    assert sorted(kinds()) == ["donation.paid", "email.receipt"]
    assert "ada@example.org" not in json.dumps(run.output), "the donor's data is not needed"
    assert list(sweep(store(), ask_psp, lambda _: True)) == []


def test_a_part_is_taken_and_the_rest_released(capture: Runner) -> None:
    capture.run(request(amount=1500))

    assert moved() == [1500]
    assert [(each.status, each.captured) for each in payments()] == [("captured", 1500)]
    assert (record().status, record().amount) == ("paid", 1500)
    assert json.loads(record().document)["reserved"] == 2500
    assert "15.00 GBP" in receipt()
    assert add(Contribution("don-1", "Lifeboats", 1500, "GBP")) == 1500
    refund = Runner.of(ROOT / "refund_flow.py")
    with pytest.raises(ExecutionFailed, match="NotRefundable"):
        refund.run({"donation": "don-1", "number": 1, "amount": 1501})


def test_it_is_released(capture: Runner) -> None:
    run = capture.run(request(amount=0))

    assert run.output["stored"]["status"] == "released"
    assert moved() == []
    assert [payment.status for payment in payments()] == ["cancelled"]
    assert (record().status, kinds()) == ("abandoned", [])
    with pytest.raises(ExecutionFailed, match=r"CaptureConflict.*don-1: it is released already"):
        capture.run(request(amount=100))
    assert moved() == []


@pytest.mark.parametrize("captured", [0, None])
def test_a_release_that_comes_too_late_is_for_people_if_the_psp_does_not_say_what_was_taken(
    capture: Runner, captured: int | None
) -> None:
    """Adyen may have taken what is no whole amount of the minor unit."""
    payment = {"status": "paid", "code": "0", "reference": record().reference, "captured": captured}
    capture.mock("TakeCapture", returns={"payments": [payment]})

    with pytest.raises(ExecutionFailed, match="CaptureBroken"):
        capture.run(request(amount=0))

    assert (only().status, only().amount) == ("broken", 0)
    assert (record().status, record().amount) == ("authorised", 2500)
    assert kinds() == []


def test_the_same_request_again_changes_nothing(capture: Runner) -> None:
    asked = [capture.run(request(amount=1500)).history.entered()["TakeCapture"] for _ in range(3)]
    capture.run(request())

    assert (moved(), asked) == ([1500], [1, 0, 0])
    assert sorted(kinds()) == ["donation.paid", "email.receipt"]
    with pytest.raises(ExecutionFailed, match=r"CaptureConflict.*don-1: 15.00 GBP is taken already"):
        capture.run(request(amount=1600))
    assert moved() == [1500]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"amount": 2501}, "NotCapturable.*don-1: 25.01 GBP; expected 0.00 GBP to 25.00 GBP"),
        ({"amount": -1}, "NotCapturable"),
        ({"donation": "don-2"}, "NotCapturable.*don-2: unknown; expected a donation that is reserved"),
        ({"amount": "all"}, "MalformedEvent"),
    ],
)
def test_what_cannot_be_captured(capture: Runner, changes: dict[str, Any], error: str) -> None:
    with pytest.raises(ExecutionFailed, match=error):
        capture.run(request(**changes))
    assert moved() == []


def test_a_paid_donation_is_not_captured(flow: Runner) -> None:
    flow.run(donation("tok_paid"))
    with pytest.raises(ExecutionFailed, match=r"NotCapturable.*don-1: paid"):
        Runner.of(ROOT / "capture_flow.py").run(request())
    assert moved() == [2500]


FAULTS = [crash(after_work=True, times=2), function_timeout(50, after_work=True), fail("PspUnavailable", times=3)]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.about)
@pytest.mark.parametrize("state", ["CaptureSetup", "TakeCapture", "PersistCapture"])
@pytest.mark.parametrize("amount", [1500, 0])
def test_faults_take_once(capture: Runner, state: str, fault: Any, amount: int) -> None:
    capture.mock(state, evolve(fault, times=min(fault.times, 3)))

    run = capture.run(request(amount=amount))

    assert run.output["stored"]["status"] == ("captured" if amount else "released")
    assert moved() == ([1500] if amount else [])
    assert sorted(kinds()) == (["donation.paid", "email.receipt"] if amount else [])


@pytest.mark.parametrize("amount", [1500, 2500, 0])
def test_an_unknown_outcome_is_settled_by_the_sweep(
    capture: Runner, monkeypatch: pytest.MonkeyPatch, amount: int
) -> None:
    """The PSP did it, and nobody heard of it."""
    capture.mock("TakeCapture", timeout(times=FOR_EVER, after_work=True))
    with pytest.raises(ExecutionFailed, match="CaptureBroken"):
        capture.run(request(amount=amount))
    assert (only().status, only().code, record().status) == ("broken", "States.Timeout", "authorised")
    monkeypatch.setenv("FLOWDSL_NOW", only().stored_at)
    assert list(sweep(store(), ask_psp, lambda _: True)) == [], "an answer may be on its way"
    monkeypatch.setenv("FLOWDSL_NOW", "2025-06-01T00:00:00.000Z")

    [dry] = sweep(store(), ask_psp, lambda _: True, repair=False)
    [finding] = sweep(store(), ask_psp, lambda _: True)

    status = "paid" if amount else "abandoned"
    assert (dry.status, dry.repaired, dry.reason) == (
        "capture broken",
        None,
        f"{finding.reason}; to be stored as {status}",
    )
    assert (finding.status, finding.repaired) == ("capture broken", status)
    assert (only().status, record().status) == ("captured" if amount else "released", status)
    assert moved() == ([amount] if amount else [])
    if amount:
        assert (record().amount, record().complete) == (amount, True)
        assert json.loads(record().document)["reserved"] == 2500
        assert add(Contribution("don-1", "Lifeboats", amount, "GBP")) == amount
        assert sorted(kinds()) == ["donation.paid", "email.receipt"]
    assert list(sweep(store(), ask_psp, lambda _: True)) == []
    assert Runner.of(ROOT / "capture_flow.py").run(request()).output["status"] == only().status, "again is the same"
    assert (moved(), len([*captures.listed()])) == ([amount] if amount else [], 1)


def test_a_capture_that_never_reached_the_psp_is_open_work_and_can_be_run_again(
    capture: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    capture.mock("TakeCapture", timeout(times=FOR_EVER))
    with pytest.raises(ExecutionFailed, match="CaptureBroken"):
        capture.run(request(amount=1500))
    monkeypatch.setenv("FLOWDSL_NOW", "2025-06-01T00:00:00.000Z")
    [finding] = sweep(store(), ask_psp, lambda _: True)
    assert (finding.status, finding.is_open_work, moved()) == ("capture broken", True, [])
    assert finding.reason.startswith("authorised at psp_sandbox by sbx_")

    result = CliRunner().invoke(main, ["request", "don-1"])
    run = Runner.of(ROOT / "capture_flow.py").run(json.loads(result.stdout))

    assert run.output["stored"] == {"id": "don-1", "status": "captured", "amount": 1500}
    assert (moved(), record().amount) == ([1500], 1500)
    assert list(sweep(store(), ask_psp, lambda _: True)) == []


def test_a_capture_whose_result_was_stored_half_is_finished_by_the_sweep(
    capture: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PersistCapture was killed between the donation's record and that of the capture, in all its retries."""
    with monkeypatch.context() as killed:
        killed.setattr("handlers.captures.conclusion.finish", lambda capture: 1 / 0)
        with pytest.raises(ExecutionFailed):
            capture.run(request(amount=1500))
    assert (record().status, only().status) == ("paid", "open")
    monkeypatch.setenv("FLOWDSL_NOW", "2025-03-01T00:00:00.000Z")

    [finding] = sweep(store(), ask_psp, lambda _: True)

    assert (finding.status, finding.repaired) == ("capture open", "paid")
    assert (only().status, only().amount, moved()) == ("captured", 1500, [1500])
    assert sorted(kinds()) == ["donation.paid", "email.receipt"]
    assert list(sweep(store(), ask_psp, lambda _: True)) == []


@pytest.mark.parametrize("requested", [None, 0, 2500])
def test_what_somebody_took_in_the_dashboard_is_what_is_stored(
    capture: Runner, monkeypatch: pytest.MonkeyPatch, requested: int | None
) -> None:
    """Before the capture was requested, which the PSP then refuses, or without any request."""
    Ledger(database("psp-sandbox")).capture(record().reference, amount=700, key="by hand")
    if requested is not None:
        with suppress(ExecutionFailed):
            capture.run(request(amount=requested))
    monkeypatch.setenv("FLOWDSL_NOW", "2025-01-07T00:00:00.000Z")

    findings = list(sweep(store(), ask_psp, lambda _: True))

    assert [each.repaired for each in findings] == ([] if requested == 0 else ["paid"])
    assert (record().status, record().amount, moved()) == ("paid", 700, [700])
    assert (only().status, only().amount, only().reserved) == ("captured", 700, 2500)
    assert add(Contribution("don-1", "Lifeboats", 700, "GBP")) == 700
    with pytest.raises(ExecutionFailed, match=r"CaptureConflict.*7.00 GBP is taken already"):
        Runner.of(ROOT / "capture_flow.py").run(request(amount=2500))


def test_a_reservation_that_is_captured_before_the_flow_stored_it_is_not_called_paid(flow: Runner) -> None:
    """A part was taken in the dashboard while the execution waited for the donor: no receipt of all of it."""
    ledger = Ledger(database("psp-sandbox"))

    def donor_and_dashboard(event: dict[str, Any]) -> dict[str, Any]:
        [payment] = ledger.payments("don-1")
        ledger.authenticate(payment.reference, passed=True)
        ledger.capture(payment.reference, amount=700, key="by hand")
        return {"status": "returned"}

    flow.mock("RedirectToPsp", effect=donor_and_dashboard)
    run = flow.run(donation("tok_3ds_abandoned", capture="later"))

    assert (run.output["transaction"]["status"], kinds(), moved()) == ("authorised", [], [700])
    [finding] = sweep(store(), ask_psp, lambda _: True)
    assert (finding.repaired, record().status, record().amount) == ("paid", "paid", 700)
    assert "7.00 GBP" in receipt()
    assert (only().status, only().amount) == ("captured", 700)
    assert list(sweep(store(), ask_psp, lambda _: True)) == []


@pytest.mark.parametrize("requested", [None, 1500])
def test_a_reservation_that_expired_is_stored_as_abandoned(
    capture: Runner, monkeypatch: pytest.MonkeyPatch, requested: int | None
) -> None:
    Ledger(database("psp-sandbox")).cancel(record().reference)
    if requested is not None:
        with pytest.raises(ExecutionFailed, match="CaptureBroken"):
            capture.run(request(amount=requested))
    monkeypatch.setenv("FLOWDSL_NOW", "2025-01-07T00:00:00.000Z")

    [finding] = sweep(store(), ask_psp, lambda _: True)

    assert (finding.repaired, record().status, moved()) == ("abandoned", "abandoned", [])
    assert [each.status for each in captures.listed()] == ([] if requested is None else ["declined"])
    assert list(sweep(store(), ask_psp, lambda _: True)) == []


@pytest.mark.parametrize("amount", [1500, 0])
def test_the_sweep_between_the_psps_answer_and_its_storing_changes_nothing_twice(
    capture: Runner, monkeypatch: pytest.MonkeyPatch, amount: int
) -> None:
    """The capture flow waits to store for hours, and the sweep is faster."""
    persisted = []

    def late(event: dict[str, Any]) -> Any:
        if not persisted:
            persisted.append(event)
            with monkeypatch.context() as later:
                later.setenv("FLOWDSL_NOW", "2025-03-01T00:00:00.000Z")
                [finding] = sweep(store(), ask_psp, lambda _: True)
                assert finding.repaired == ("paid" if amount else "abandoned")
        return persist_capture(event, None)

    capture.mock("PersistCapture", effect=late)
    run = capture.run(request(amount=amount))

    assert run.output["stored"]["status"] == ("captured" if amount else "released")
    assert (moved(), record().status) == (([1500], "paid") if amount else ([], "abandoned"))
    assert sorted(kinds()) == (["donation.paid", "email.receipt"] if amount else [])
    if amount:
        assert add(Contribution("don-1", "Lifeboats", 1500, "GBP")) == 1500
    assert list(sweep(store(), ask_psp, lambda _: True)) == []


def test_a_psp_that_cannot_be_asked_hides_no_other_finding(capture: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWDSL_NOW", "2025-01-07T00:00:00.000Z")

    [finding] = sweep(store(), lambda *_: {"payments": [{}]}, lambda _: True)

    assert finding.reason.startswith("psp_sandbox could not be asked: KeyError; the reservation expires soon")
    assert finding.is_open_work


def test_a_reservation_that_nobody_takes_is_open_work(capture: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWDSL_NOW", "2025-01-05T00:00:00.000Z")
    assert list(sweep(store(), ask_psp, lambda _: True)) == []
    monkeypatch.setenv("FLOWDSL_NOW", "2025-01-07T00:00:00.000Z")
    [finding] = sweep(store(), ask_psp, lambda _: True)
    assert (finding.id, finding.status) == ("don-1", "authorised")
    assert "python -m handlers.captures request don-1" in finding.reason


@pytest.mark.parametrize("is_running", [True, False])
def test_a_reservation_that_no_execution_stored_is_stored_by_the_sweep(
    flow: Runner, monkeypatch: pytest.MonkeyPatch, is_running: bool
) -> None:
    flow.mock("PersistOutput", crash(times=1000))
    with pytest.raises(ExecutionFailed):
        flow.run(donation("tok_paid", capture="later"))
    assert record().status == "open"
    monkeypatch.setenv("FLOWDSL_NOW", "2025-01-03T00:00:00.000Z")

    [finding] = sweep(store(), ask_psp, lambda _: not is_running)

    assert finding.repaired == (None if is_running else "authorised")
    assert record().status == ("open" if is_running else "authorised")


def test_the_payment_again_after_its_capture_takes_nothing_more(capture: Runner) -> None:
    capture.run(request(amount=1500))
    again = Runner.of(ROOT / "payment_flow.py").run(donation("tok_paid", capture="later"), name="again")

    assert again.output["transaction"]["status"] == "paid"
    assert (moved(), record().amount) == ([1500], 1500)
    assert sorted(kinds()) == ["donation.paid", "email.receipt"]


def test_commands(capture: Runner) -> None:
    assert json.loads(CliRunner().invoke(main, ["request", "don-1", "--release"]).stdout)["amount"] == 0
    assert CliRunner().invoke(main, ["request", "don-1", "--release", "--amount", "1"]).exit_code == 2
    part = CliRunner().invoke(main, ["request", "don-1", "--amount", "1500"])
    assert part.stderr == (
        "nothing was started, and this alone takes nothing; to do it: python -m handlers.captures request don-1"
        " --amount 1500 | flowdsl run capture_flow.py --input -\n"
    )
    capture.run(request(amount=1500))
    for arguments, problem in (
        (["don-1", "--amount", "700"], "don-1: 15.00 GBP is taken already"),
        (["don-1", "--amount", "2501"], "don-1: 25.01 GBP; expected 0.00 GBP to 25.00 GBP, which is reserved"),
        (["nope"], "nope: unknown; expected a donation that is reserved"),
        ([""], "the donation's id is empty"),
    ):
        refused = CliRunner().invoke(main, ["request", *arguments])
        assert (refused.exit_code, refused.stdout) == (1, "")
        assert refused.stderr.startswith(f"Error: {problem}")
    shown = CliRunner().invoke(transactions_command, ["show", "don-1"]).stdout
    assert "  capture    15.00 GBP of 25.00 GBP  captured" in shown
    assert "note: don-1 is captured already" in CliRunner().invoke(main, ["request", "don-1"]).stderr
    listed = CliRunner().invoke(main, ["list"]).stdout
    assert "don-1  captured  15.00 GBP of 25.00 GBP  psp_sandbox" in listed
    assert json.loads(CliRunner().invoke(main, ["list", "--status", "open", "--format", "json"]).stdout) == []


def test_captures_in_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    with mock_aws():
        for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
            monkeypatch.setenv(f"AWS_{name}", "testing")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
        boto3.client("dynamodb").create_table(
            TableName="captures",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        )
        monkeypatch.setenv("CAPTURES_TABLE", "captures")
        monkeypatch.setattr("handlers.commands.STORES", ())  # the other stores are not used
        first = Capture("don-1", 5, 9, "GBP", "Lifeboats", "psp", "pi_1", "open", "", "2025-01-01", "2025-01-01")
        assert captures.find("don-1") is None
        assert captures.begin(first) == captures.begin(first) == captures.find("don-1") == first
        with pytest.raises(CaptureConflict):
            captures.begin(evolve(first, amount=6))
        done = evolve(first, status="captured")
        assert captures.finish(evolve(first, status="broken")).status == "broken"
        assert captures.finish(done) == done
        assert captures.finish(evolve(first, status="broken")) == done
        assert [*captures.listed()] == [*captures.listed("captured")] == [done]


def asked(amount: int | None, result: dict[str, Any]) -> dict[str, Any]:
    """What PersistCapture makes of this answer to a request for this amount."""
    setup = Runner.of(ROOT / "capture_flow.py")
    setup.mock("TakeCapture", result)
    with suppress(ExecutionFailed):
        setup.run(request(amount=amount))
    return {"record": record().status, "capture": only().status, "total": add(Contribution("x", "Lifeboats", 0, "GBP"))}


@pytest.mark.parametrize("status", ["pending", "retry", "redirect", "unheard of"])
def test_what_is_not_called_paid_is_not_captured(capture: Runner, status: str) -> None:
    assert asked(None, {"status": status, "code": ""}) == {"record": "authorised", "capture": "declined", "total": 0}


def test_a_reservation_that_is_gone_when_it_is_to_be_captured_is_stored(capture: Runner) -> None:
    """Cancelled in the dashboard, say: nobody can take it any more."""
    assert asked(None, {"status": "cancelled", "code": ""}) == {
        "record": "abandoned",
        "capture": "declined",
        "total": 0,
    }


@pytest.mark.parametrize("state", [None, {"status": "paid", "captured": 900}, {"status": "cancelled"}])
def test_a_release_is_of_the_payment_that_was_reserved(capture: Runner, state: dict[str, Any] | None) -> None:
    """The donation may have another payment at the PSP."""
    others = [] if state is None else [{"code": "", **state, "reference": "another"}]
    expected = {"record": "authorised", "capture": "broken", "total": 0}
    assert asked(0, {"payments": others, "patience": 0}) == expected


@pytest.mark.parametrize(
    "change",
    [None, {"captured": None}, {"captured": 0}, {"currency": "EUR"}, {"status": "unheard of"}],
    ids=["unknown at the PSP", "no whole amount", "nothing", "another currency", "another status"],
)
def test_what_is_not_certain_of_a_reservation_is_for_people(capture: Runner, change: dict[str, Any] | None) -> None:
    taken = {"status": "paid", "code": "", "amount": 2500, "currency": "GBP", "captured": 2500}
    state = None if change is None else {**taken, **change, "reference": record().reference}

    finding = settle_reservation(record(), None, state, repair=True)

    assert finding.is_open_work
    assert (record().status, kinds(), list(captures.listed())) == ("authorised", [], [])
