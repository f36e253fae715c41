"""The sweep: what the PSP took is stored, what it did not take is settled, everything else is listed."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Any

import pytest
from attrs import evolve
from click.testing import CliRunner

from flowdsl.testing import ExecutionFailed, Runner, fail, oversize, real
from handlers.psp_sandbox.ledger import Ledger
from handlers.reconcile import finishing
from handlers.reconcile.__main__ import main
from handlers.reconcile.sweep import Finding, ask_psp, execution_has_ended, sweep
from handlers.sqlite import database
from handlers.transactions.record import Transaction
from handlers.transactions.store import Query, store
from tests.payment.books import FOR_EVER, charges, donation, kinds, payments, stored


def swept(
    *, ended: Callable[[str], bool | None] = execution_has_ended, repair: bool = True, ask: Any = ask_psp
) -> list[Finding]:
    return list(sweep(store(), ask, ended, repair=repair))


def failing(flow: Runner, token: str, **changes: Any) -> None:
    with suppress(ExecutionFailed):
        flow.run(donation(token, **changes))


def take(amount: int = 2500, key: str = "don-1-9", currency: str = "GBP") -> None:
    Ledger(database("psp-sandbox")).authorise(
        order="don-1", token="tok_paid", amount=amount, currency=currency, key=key, capture=True
    )


TAKEN: dict[str, tuple[str, Callable[[Runner], object], str]] = {
    "never stored": (
        "tok_paid",
        lambda flow: flow.mock("PersistOutput", raises=sqlite3.OperationalError("disk full")),
        "open",
    ),
    "document too large": (
        "tok_paid",
        lambda flow: [
            flow.mock(step, {"status": "done", "more": "x" * 100_000})
            for step in ("Receipt", "FundraisingTotals", "PublishEvent")
        ],
        "open",
    ),
    "answers lost": ("tok_answers_lost", lambda flow: None, "broken"),
    "answer too large": ("tok_paid", lambda flow: flow.mock("TakePayment", oversize(times=FOR_EVER)), "broken"),
}


@pytest.mark.parametrize(("token", "fault", "status"), TAKEN.values(), ids=TAKEN.keys())
def test_a_taken_payment_that_was_not_stored_is_stored(
    flow: Runner, token: str, fault: Callable[[Runner], object], status: str
) -> None:
    if status == "broken" and token == "tok_paid":
        take(key="don-1-1")
    fault(flow)
    failing(flow, token)
    assert stored().status == status
    assert len(charges()) == 1

    [before] = swept(repair=False)
    assert (stored().status, before.repaired) == (status, None)
    assert before.reason == f"taken at psp_sandbox: {payments()[0].reference}; to be stored as paid"
    repaired, finished = swept()

    assert (repaired.status, repaired.repaired) == (status, "paid")
    assert (finished.reason, finished.repaired) == ("post-processing was finished", "paid")
    assert (stored().status, stored().reference) == ("paid", payments()[0].reference)
    assert stored().complete
    assert kinds().count("email.receipt") == kinds().count("donation.paid") == 1
    assert swept() == []
    assert len(charges()) == 1
    assert [each.status for each in store().history("don-1")][:1] == ["open"]


def test_an_execution_after_the_sweep_changes_nothing(flow: Runner) -> None:
    failing(flow, "tok_answers_lost")
    swept()
    with closing(sqlite3.connect(database("psp-sandbox"), isolation_level=None)) as ledger:
        ledger.execute("UPDATE faults SET count = 1000000")
    before = stored()

    run = flow.run(donation("tok_answers_lost"))

    assert (run.status, run.output["transaction"]["status"]) == ("SUCCEEDED", "paid")
    assert (stored(), len(charges())) == (before, 1)
    assert swept() == []


def test_post_processing_that_still_fails_is_listed_and_finished_later(
    flow: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow.mock("Receipt", raises=RuntimeError("no mailer"))
    flow.run(donation("tok_paid"))
    with monkeypatch.context() as broken:
        broken.setitem(finishing.STEPS, "receipt", lambda event, context: 1 / 0)

        [finding] = swept()

    assert finding.reason == "post-processing is incomplete (receipt: ZeroDivisionError)"
    assert kinds() == ["donation.paid"]
    [finished] = swept()
    assert finished.repaired == "paid"
    assert kinds() == ["donation.paid", "email.receipt"], "what was done is not done again"
    assert stored().complete


def test_an_execution_that_failed_before_it_knew_the_psp_does_not_hide_a_taken_payment(flow: Runner) -> None:
    """The first execution charged and ended without storing it; the second one could not even select the PSP."""
    flow.mock("PersistOutput", raises=sqlite3.OperationalError("disk full"))
    failing(flow, "tok_paid")
    flow.mock("PersistOutput", real())
    flow.mock("SelectPsp", fail("OperationalError", times=99))
    failing(flow, "tok_paid")
    assert (stored().status, stored().psp) == ("broken", None)

    finding, _ = swept()

    assert finding.reason == f"taken at psp_sandbox: {payments()[0].reference}"
    assert (stored().status, stored().reference) == ("paid", payments()[0].reference)


def test_a_donation_is_settled_as_the_one_that_owns_the_id(flow: Runner) -> None:
    """Another one with the id failed before the first one came, so that nothing told them apart."""
    flow.mock("SelectPsp", fail("OperationalError", times=99))
    failing(flow, "tok_paid", amount=9900)
    flow.mock("SelectPsp", real())
    flow.mock("PersistOutput", raises=sqlite3.OperationalError("disk full"))
    failing(flow, "tok_paid")
    assert (stored().status, stored().amount) == ("broken", 9900)

    swept()

    assert (stored().status, stored().amount, stored().reference) == ("paid", 2500, payments()[0].reference)


@pytest.mark.parametrize("answer", [None, [], "<html>", 7])
def test_a_malformed_answer_does_not_hide_a_taken_payment(flow: Runner, answer: Any) -> None:
    take(key="don-1-1")
    flow.mock("TakePayment", returns=answer)
    failing(flow, "tok_paid")

    finding, _ = swept()

    assert finding.repaired == "paid"
    assert (stored().status, stored().reference) == ("paid", payments()[0].reference)


def test_a_payment_that_nobody_waits_for_is_cancelled_after_a_day(
    flow: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOWDSL_NOW", "2025-01-01T00:00:00.000Z")
    started = flow.start(donation("tok_3ds_abandoned"), name="don-1")
    flow.mock("RedirectToPsp", effect=lambda event: flow.scheduler.stop_execution(started))
    flow.finish(started, check=False)
    assert (started.status, stored().status) == ("ABORTED", "open")

    monkeypatch.setenv("FLOWDSL_NOW", "2025-01-02T01:00:00.000Z")
    [early] = swept(ended=lambda execution: True)
    monkeypatch.setenv("FLOWDSL_NOW", "2025-01-02T03:00:00.000Z")
    [running] = swept(ended=lambda execution: False)
    [dry] = swept(ended=lambda execution: True, repair=False)
    assert early.reason == running.reason == dry.reason == f"redirect at psp_sandbox: {payments()[0].reference}"
    assert [payment.status for payment in payments()] == ["action_required"]
    [finding] = swept(ended=lambda execution: True)

    assert (finding.repaired, stored().status) == ("abandoned", "abandoned")
    assert [payment.status for payment in payments()] == ["cancelled"]


def test_a_broken_payment_that_was_not_taken_is_declined_after_an_hour(
    flow: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(flow, "tok_down_always")
    monkeypatch.setenv("FLOWDSL_NOW", "2025-04-01T05:00:00.000Z")
    [waiting] = swept()
    assert waiting.reason == "not taken at psp_sandbox so far; wait for late answers"
    monkeypatch.setenv("FLOWDSL_NOW", "2025-04-01T06:00:00.000Z")

    [finding] = swept()

    assert (finding.status, finding.repaired) == ("broken", "declined")
    assert stored().status == "declined"
    assert swept() == []


@pytest.mark.parametrize(("ended", "repaired"), [(True, "declined"), (False, None), (None, None)])
def test_an_open_payment_is_declined_if_its_execution_has_ended(
    flow: Runner, ended: bool | None, repaired: str | None
) -> None:
    flow.mock("PersistOutput", raises=sqlite3.OperationalError("disk full"))
    failing(flow, "tok_declined")

    [finding] = swept(ended=lambda execution: ended)

    assert (finding.status, finding.repaired) == ("open", repaired)
    assert ("may still be running" in finding.reason) == (not ended)


def test_a_second_execution_keeps_a_broken_payment_open(flow: Runner) -> None:
    failing(flow, "tok_down_always")
    flow.mock("PersistOutput", raises=sqlite3.OperationalError("disk full"))
    failing(flow, "tok_down_always")

    [finding] = swept(ended=lambda execution: False)

    assert stored().status == "broken"
    assert "may still be running" in finding.reason


def test_an_execution_that_starts_during_the_sweep_stays_open_work(flow: Runner) -> None:
    failing(flow, "tok_down_always")
    books = store()

    class Late:
        """The store, in which another execution stores its intent just before the sweep settles the donation."""

        def put(self, transaction: Transaction, *, settles: bool = False) -> Transaction:
            if settles:
                books.put(evolve(books.history("don-1")[0], document='{"execution": "late"}'))
            return books.put(transaction, settles=settles)

        def __getattr__(self, name: str) -> Any:
            return getattr(books, name)

    list(sweep(Late(), ask_psp, execution_has_ended))  # type: ignore[arg-type]

    assert stored().status == "open"


def test_what_is_not_certain_is_listed_and_left_alone(flow: Runner) -> None:
    flow.mock("PersistOutput", raises=sqlite3.OperationalError("disk full"))
    flow.mock("RedirectToPsp", raises=RuntimeError("no web front-end"))
    failing(flow, "tok_3ds_abandoned")
    with closing(sqlite3.connect(database("psp-sandbox"), isolation_level=None)) as ledger:
        ledger.execute("UPDATE payments SET status = 'action_required', code = '1A'")

    [finding] = swept()

    assert finding.reason == f"redirect at psp_sandbox: {payments()[0].reference}"
    assert (finding.repaired, stored().status) == (None, "open")


def test_of_two_payments_one_is_stored_as_paid_and_one_is_for_people(flow: Runner) -> None:
    failing(flow, "tok_answers_lost")
    take()

    repaired, conflict, *_ = swept()

    record = store().get("don-1")
    assert record is not None
    assert (repaired.repaired, record.status) == ("paid", "paid")
    assert conflict.reason.startswith("a second payment was taken at psp_sandbox: sbx_")
    references = {each.reference for each in payments()}
    assert {record.reference, *(each.reference for each in store().list(Query(status="conflict")))} == references


def test_a_payment_of_another_amount_is_for_people_and_hides_nothing(flow: Runner) -> None:
    """Somebody took 99.00 under the donation's id, which was 25.00."""
    failing(flow, "tok_down_always")
    take(amount=9900)
    reference = payments()[0].reference

    [dry] = swept(repair=False)
    settled, conflict = swept()

    assert (dry.reason, dry.repaired) == (f"taken at psp_sandbox: {reference}", None)
    assert (settled.status, settled.repaired) == ("broken", "declined")
    assert conflict.reason.startswith(f"taken at psp_sandbox: {reference}, 99.00 GBP; the donation is declined; once")
    [entry] = store().list(Query(status="conflict"))
    assert (entry.reference, entry.amount, entry.currency) == (reference, 9900, "GBP")
    assert [finding.id for finding in swept()] == ["don-1"], "until somebody closes it"
    assert len([*store().list(Query(status="conflict"))]) == 1, "stored once"


def test_a_payment_in_another_currency_is_not_the_donations(flow: Runner) -> None:
    failing(flow, "tok_answers_lost")
    take(currency="EUR")

    repaired, conflict, *_ = swept()

    assert (repaired.repaired, stored("paid").currency) == ("paid", "GBP")
    assert conflict.reason.startswith(
        f"a second payment was taken at psp_sandbox: {payments()[1].reference}, 25.00 EUR"
    )


def test_a_payment_of_another_amount_that_is_not_decided_is_left_alone(
    flow: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(flow, "tok_down_always")
    Ledger(database("psp-sandbox")).authorise(
        order="don-1", token="tok_3ds_abandoned", amount=9900, currency="GBP", key="by-hand", capture=True
    )
    monkeypatch.setenv("FLOWDSL_NOW", "2026-01-01T00:00:00.000Z")

    [finding] = swept()

    reference = payments()[0].reference
    assert finding.reason == f"redirect at psp_sandbox: {reference}, which has another amount than the donation"
    assert finding.is_open_work
    assert [payment.status for payment in payments()] == ["action_required"], "it is not ours"


def test_a_conflict_and_a_donation_without_a_psp_are_listed(flow: Runner) -> None:
    flow.run(donation("tok_paid"))
    with suppress(ExecutionFailed):
        flow.run(donation("tok_paid", amount=9900))
    with suppress(ExecutionFailed):
        flow.run(donation(id="don-2", payment_method={"type": "direct_debit", "token": "tok_paid"}))

    assert [finding.reason.partition(", started")[0].partition(";")[0] for finding in swept()] == [
        "not charged: no PSP was selected",
        "not charged: a different donation uses the id, of 99.00 GBP",
    ]


def test_the_command_tells_what_it_did_and_whether_work_is_left(flow: Runner) -> None:
    failing(flow, "tok_answers_lost")
    reference = payments()[0].reference

    dry, first, second = (CliRunner().invoke(main, arguments) for arguments in (["--dry-run"], [], []))

    taken = f"taken at psp_sandbox: {reference}"
    finished = "don-1  paid -> paid  post-processing was finished"
    assert dry.stdout.splitlines() == [f"don-1  broken  {taken}; to be stored as paid"]
    assert first.stdout.splitlines() == [f"don-1  broken -> paid  {taken}", finished]
    assert (second.stdout, second.exit_code) == ("", 0)
    assert (dry.exit_code, first.exit_code) == (1, 0)


def test_nothing_to_do(flow: Runner) -> None:
    flow.run(donation("tok_paid"))

    result = CliRunner().invoke(main, [])

    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr.startswith("no open work in ")
