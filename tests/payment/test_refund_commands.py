"""The commands for refunds: request one, close one, list them; what they refuse, and what they say."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from attrs import evolve
from click.testing import CliRunner
from moto import mock_aws

from flowdsl.testing import ExecutionFailed, Runner, fail
from handlers import clock, refunds
from handlers.disputes.record import Dispute
from handlers.disputes.store import put
from handlers.hints import to_start
from handlers.reconcile.sweep import ask_psp, execution_has_ended, sweep
from handlers.refund_setup.handler import handler as refund_setup
from handlers.refunds import Refund
from handlers.refunds.__main__ import main
from handlers.refunds.conclusion import conclude
from handlers.transactions.__main__ import main as transactions_command
from handlers.transactions.store import store
from tests.payment.books import ROOT, payments
from tests.payment.refunding import broken, close_not_made, moved, only, request, set_up_table, total


def test_a_refund_that_somebody_made_in_another_way_can_be_closed(
    refund: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Running it again is refused for ever, as nothing is left: it would stay in the list of open work."""
    broken(refund, amount=2500)
    dashboard = evolve(only(), id="don-1:refund:re_1", number=0, status="open", code="")
    conclude(refunds.begin(dashboard), "refunded", "succeeded")
    monkeypatch.setenv("FLOWDSL_NOW", "2025-06-01T00:00:00.000Z")
    with pytest.raises(ExecutionFailed, match="nothing is left to refund"):
        Runner.of(ROOT / "refund_flow.py").run(request())

    code, output = close_not_made()
    assert (code, "don-1:refund:1  declined  25.00 GBP  psp_sandbox sbx_" in output) == (0, True)
    assert list(sweep(store(), ask_psp, execution_has_ended)) == []
    assert total() == 0
    assert close_not_made()[0] == 1, "it is closed"


@pytest.mark.parametrize("status", ["refunded", "pending"])
def test_what_the_psp_made_after_all_counts_although_it_was_closed(
    refund: Runner, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    broken(refund, amount=500)
    monkeypatch.setenv("FLOWDSL_NOW", "2025-06-01T00:00:00.000Z")
    assert close_not_made()[0] == 0

    conclude(only(), status, "succeeded")

    assert (only().status, total()) == (status, 2000 if status == "refunded" else 2500)
    conclude(only(), "declined", "failed")
    assert (only().status, total()) == ("failed" if status == "refunded" else "declined", 2500)


@pytest.mark.parametrize(
    ("hours", "answer", "message"),
    [
        (0, None, "may still reach its PSP; try again in an hour"),
        (48, None, "psp_sandbox could not be asked: ZeroDivisionError"),
        (48, {"status": "pending", "code": "pending"}, "pending at psp_sandbox"),
        (48, {"status": "refunded", "code": "succeeded"}, "don-1:refund:1 is refunded"),
        (8 * 24, None, "don-1:refund:1  declined"),
    ],
)
def test_a_refund_that_may_have_been_made_cannot_be_closed(
    refund: Runner, monkeypatch: pytest.MonkeyPatch, hours: int, answer: dict[str, Any] | None, message: str
) -> None:
    """One that its PSP cannot tell of, as Adyen never answered, can after a week: somebody has looked there."""
    broken(refund, amount=500)
    now = datetime.fromisoformat(only().stored_at) + timedelta(hours=hours)
    monkeypatch.setenv("FLOWDSL_NOW", now.isoformat(timespec="milliseconds").replace("+00:00", "Z"))
    monkeypatch.setattr("handlers.reconcile.sweep.ask_psp", lambda *_: {"refund": answer} if answer else 1 / 0)

    code, output = close_not_made()

    assert (code, message in output) == (0 if "declined" in message else 1, True)
    assert total() == (2000 if answer and answer["status"] == "refunded" else 2500)


def test_a_refund_that_was_closed_during_an_outage_is_not_made(refund: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody pays the donor otherwise while its execution waits for the PSP."""
    rounds: list[str] = []

    def prepare(event: dict[str, Any]) -> Any:
        rounds.append(clock.now())
        if len(rounds) == 3:  # as late as can be
            with monkeypatch.context() as then:
                before = datetime.fromisoformat(rounds[-1]) - timedelta(seconds=1)
                then.setenv("FLOWDSL_NOW", before.isoformat(timespec="milliseconds").replace("+00:00", "Z"))
                assert close_not_made()[0] == 0
        return refund_setup(event, None)

    refund.mock("RefundSetup", effect=prepare)
    refund.mock("TakeRefund", fail("PspUnavailable", times=12))

    refund.run(request(amount=500))

    assert (len(rounds), moved(), only().status, only().code, total()) == (3, [], "declined", "not made", 2500)


@pytest.mark.parametrize("backend", ["file", "table"])
def test_a_refund_is_closed_only_as_it_was_when_somebody_looked(
    refund: Runner, monkeypatch: pytest.MonkeyPatch, backend: str
) -> None:
    """RefundSetup looks at it in the moment in which it is closed: the PSP is asked, and it stays open."""
    with mock_aws():
        if backend == "table":
            set_up_table(monkeypatch)
        broken(refund, amount=500)
        seen = only()
        now = (datetime.fromisoformat(seen.stored_at) + timedelta(hours=2)).isoformat(timespec="milliseconds")
        monkeypatch.setenv("FLOWDSL_NOW", now.replace("+00:00", "Z"))

        def prepared_meanwhile(*_: Any) -> dict[str, Any]:
            assert refund_setup(request(amount=500), None)["status"] == "broken"
            return {"refund": None}

        monkeypatch.setattr("handlers.reconcile.sweep.ask_psp", prepared_meanwhile)

        code, output = close_not_made()

        assert (code, "was changed meanwhile; try again in an hour" in output) == (1, True)
        assert (only().status, only().stored_at) == ("broken", now.replace("+00:00", "Z"))


def test_a_new_refund_never_gets_the_number_of_another_one(refund: Runner) -> None:
    refund.run(request(number=2, amount=500))
    assert json.loads(CliRunner().invoke(main, ["request", "don-1"]).stdout)["number"] == 3


def test_the_commands(refund: Runner) -> None:
    first = CliRunner().invoke(main, ["request", "don-1", "--amount", "500", "--reason", "double"])
    assert json.loads(first.stdout) == {"donation": "don-1", "number": 1, "amount": 500, "reason": "double"}
    card = CliRunner().invoke(main, ["request", "don-1", "--reason", "to 4242 4242 4242 4242"])
    assert json.loads(card.stdout)["reason"] == "to [card number removed]", "Step Functions keeps the input"
    refund.run(json.loads(first.stdout))
    assert json.loads(CliRunner().invoke(main, ["request", "don-1"]).stdout)["number"] == 2

    listed = CliRunner().invoke(main, ["list", "--status", "refunded"]).stdout
    assert listed.startswith("don-1:refund:1  refunded  5.00 GBP  psp_sandbox sbx_")
    assert json.loads(CliRunner().invoke(main, ["list", "--format", "json"]).stdout)[0]["amount"] == 500
    assert CliRunner().invoke(main, ["list", "--status", "broken"]).stdout == ""
    assert CliRunner().invoke(main, ["request", "don-1", "--amount", "0"]).exit_code == 2
    point = CliRunner().invoke(main, ["request", "don-1", "--amount", "5.00"])
    assert (point.exit_code, "'5.00' is not in the minor unit: write 500 for 5.00 GBP" in point.stderr) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["don-1", "--number", "9"], "don-1 has no refund 9 to repeat; there is: don-1:refund:1 is broken, 5.00 GBP"),
        (["don-1", "--number", "1", "--amount", "700"], "don-1:refund:1: is a refund of 5.00 GBP already"),
        (["don-1", "--amount", "2001"], "don-1: 20.01 GBP is not between 0.01 GBP and the 20.00 GBP that are left"),
        (["nope"], "nope: unknown; expected a paid donation"),
        (["nope", "--number", "1"], "nope has no refund 1 to repeat; there is: none"),
        ([""], "the donation's id is empty"),
    ],
)
def test_a_request_that_would_fail_is_refused_at_once(refund: Runner, arguments: list[str], problem: str) -> None:
    """A typo in the number would refund once more."""
    broken(refund, amount=500)
    result = CliRunner().invoke(main, ["request", *arguments])
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"Error: {problem}")


def test_a_request_says_what_it_is_and_how_to_start_it(refund: Runner) -> None:
    broken(refund, amount=500)

    further = CliRunner().invoke(main, ["request", "don-1", "--amount", "300", "--reason", "it's double"])

    note, hint = further.stderr.splitlines()
    assert note == ("note: don-1:refund:1 is broken, 5.00 GBP: number 2 is a further refund; repeat it with --number 1")
    assert hint == (
        "nothing was started, and this alone refunds nothing; to refund: python -m handlers.refunds request don-1"
        """ --amount 300 --reason 'it'"'"'s double' | flowdsl run refund_flow.py --input -"""
    )
    assert json.loads(further.stdout)["number"] == 2
    again = CliRunner().invoke(main, ["request", "don-1", "--number", "1"])
    assert "further refund" not in again.stderr
    assert "handlers.refunds request don-1 --number 1 | flowdsl run" in again.stderr


def transactions(*arguments: str) -> str:
    result = CliRunner().invoke(transactions_command, arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_donation_tells_its_refunds_and_disputes(refund: Runner) -> None:
    """Whoever looks at the donation must not tell the donor that we have the money."""
    refund.run(request(amount=500))
    broken(refund, amount=700, number=2)
    payment = payments()[0].reference
    dispute = Dispute("dp_1", "don-1", "Lifeboats", 300, "GBP", "psp_sandbox", payment, "lost", "", clock.now())
    put(dispute)

    assert "don-1  paid, 5.00 GBP refunded, 7.00 GBP being refunded, 3.00 GBP disputed  25.00 GBP" in transactions(
        "list"
    )
    [row] = json.loads(transactions("list", "--format", "json"))
    assert (row["refunded"], row["disputed"]) == (500, 300)
    lines = [" ".join(line.split()[:5]) for line in transactions("show", "don-1").splitlines()]
    assert lines[0] == "don-1: paid, 5.00 GBP refunded,"
    shown = "\n".join(lines)
    assert "refund 1 5.00 GBP refunded" in shown
    assert "refund 2 7.00 GBP broken" in shown
    assert "dispute 3.00 GBP lost" in shown
    assert "left 10.00 GBP" in shown
    document = json.loads(transactions("show", "don-1", "--format", "json"))
    assert [each["status"] for each in document["refunds"]] == ["refunded", "broken"]
    assert ([each["id"] for each in document["disputes"]], document["left"]) == (["dp_1"], 1000)


def test_where_the_donation_is_deployed_its_refund_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRANSACTIONS_TABLE", "payment-transactions")
    hint = to_start("refund", "don-1", "--number", "1")
    assert hint.endswith("request don-1 --number 1 --state-machine ARN, with the ARN of payment-refund")


@pytest.mark.parametrize("backend", ["file", "table"])
def test_a_refund_that_is_closed_while_it_is_prepared_stays_closed(
    refund: Runner, monkeypatch: pytest.MonkeyPatch, backend: str
) -> None:
    """The PSP said that it is pending, and has none now."""
    with mock_aws():
        if backend == "table":
            set_up_table(monkeypatch)
        broken(refund, amount=500)
        refunds.finish(evolve(only(), status="pending"))
        monkeypatch.setenv("FLOWDSL_NOW", "2025-06-01T00:00:00.000Z")

        def begin(refund: Refund) -> Refund:
            seen = refunds.begin(refund)
            assert close_not_made()[0] == 0
            return seen

        monkeypatch.setattr("handlers.refund_setup.handler.begin", begin)

        assert refund_setup(request(amount=500), None)["status"] == "declined"
        assert (only().status, only().code) == ("declined", "not made")
