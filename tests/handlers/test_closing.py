"""What people have seen to leaves the list of open work, and nothing that a PSP may have taken does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from attrs import evolve
from click.testing import CliRunner, Result

from handlers.reconcile.sweep import sweep
from handlers.transactions.__main__ import main
from handlers.transactions.closing import NotClosable
from handlers.transactions.closing import close as close_all
from handlers.transactions.dynamodb import definition
from handlers.transactions.record import from_document, intent
from handlers.transactions.store import store
from tests.handlers.conftest import document


@pytest.fixture(params=["file", "table"])
def kept(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The store of transactions, in a file or in a table."""
    if request.param == "file":
        yield "file"
        return
    request.getfixturevalue("aws")
    client = boto3.client("dynamodb")
    client.create_table(**definition("closing"))
    monkeypatch.setenv("TRANSACTIONS_TABLE", "closing")
    monkeypatch.setattr("handlers.commands.STORES", ())  # the other stores are not used
    # Nobody else's work is swept.
    monkeypatch.setattr("handlers.refunds.listed", lambda: iter(()))
    monkeypatch.setattr("handlers.disputes.listed", lambda: iter(()))
    yield "table"
    client.delete_table(TableName="closing")


def close(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["close", *arguments])


def work() -> list[tuple[str, str]]:
    return [(each.id, each.reason) for each in sweep(store(), lambda *_: {"payments": []}, lambda _: True)]


def put(error: str, **changes: object) -> str:
    event = {**document(), "error": {"Error": error, "Cause": "{}"}, **changes}
    store().put(from_document(event))
    identity: str = event["donation"]["id"]
    return identity


def test_a_conflict_is_closed(kept: str) -> None:
    identity = put("DonationConflict")
    [(listed, reason)] = work()
    assert (listed, f"python -m handlers.transactions close {identity} --note TEXT" in reason) == (identity, True)

    result = close(identity, "--note", "told the donor, card 4242 4242 4242 4242")

    assert (result.exit_code, result.stdout) == (0, f"{identity}  closed, 1 entry\n")
    assert work() == []
    [entry] = store().history(identity)
    note = json.loads(entry.document)["closed"]["note"]
    assert (entry.status, note) == ("closed", "told the donor, card [card number removed]")
    listed_again = CliRunner().invoke(main, ["list", "--status", "closed", "--format", "json"])
    assert [each["id"] for each in json.loads(listed_again.stdout)] == [identity]


def test_the_same_conflict_again_stays_closed(kept: str) -> None:
    """PersistOutput may run again."""
    event = {**document(), "error": {"Error": "DonationConflict", "Cause": "{}"}}
    store().put(from_document(event))
    close(event["donation"]["id"], "--note", "seen")
    store().put(from_document(event))
    assert work() == []


def test_a_donation_without_a_psp_is_closed(kept: str) -> None:
    identity = put("NoPspAvailable")
    assert "no PSP was selected" in work()[0][1]

    assert close(identity, "--note", "XPF is not offered").exit_code == 0

    assert work() == []
    record = store().get(identity)
    assert record is not None
    assert (record.status, json.loads(record.document)["closed"]["note"]) == ("declined", "XPF is not offered")
    assert {entry.status for entry in store().history(identity)} == {"broken", "declined"}


def test_what_a_psp_may_have_taken_cannot_be_closed(kept: str) -> None:
    event = document()
    event["psp"] |= {"name": "psp_sandbox"}
    store().put(intent(event))
    identity = event["donation"]["id"]

    result = close(identity, "don-unknown", "--note", "seen")

    assert result.exit_code == 1
    assert f"{identity}: its PSP may have been asked; settle it: python -m handlers.reconcile" in result.stderr
    assert "don-unknown: no such transaction" in result.stderr
    record = store().get(identity)
    assert record is not None
    assert record.status == "open"


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ({"status": "pending"}, None),
        ({"status": "redirect"}, "redirect at psp_sandbox: p1"),
        ({"status": "authorised"}, "authorised at psp_sandbox: p1"),
        ({"status": "paid", "captured": 2500}, "is paid: taken at psp_sandbox: p1"),
        (None, "psp_sandbox could not be asked: RuntimeError"),
    ],
)
def test_what_the_dashboard_shows_as_not_taken_is_closed_if_the_psp_cannot_say_it(
    kept: str, monkeypatch: pytest.MonkeyPatch, answer: dict[str, object] | None, problem: str | None
) -> None:
    event = document()
    event["psp"] |= {"name": "psp_sandbox"}
    store().put(from_document({**event, "error": {"Error": "PspRefused", "Cause": ""}}))
    store().put(intent(event))
    identity = event["donation"]["id"]
    state = {"code": "", "message": "", "reference": "p1", "amount": 2500, "currency": "GBP", "captured": 0}
    state |= {"further": False}

    def ask(*_: object) -> dict[str, object]:
        if answer is None:
            raise RuntimeError("down")
        return {"payments": [{**state, **answer}], "patience": 0}

    monkeypatch.setattr("handlers.reconcile.sweep.ask_psp", ask)
    monkeypatch.setattr("handlers.reconcile.sweep.execution_has_settled", lambda _: True)
    monkeypatch.setenv("FLOWDSL_NOW", "2030-01-01T00:00:00.000Z")

    result = close(identity, "--not-taken", "--note", "seen in the Customer Area")

    record = store().get(identity)
    assert record is not None
    if problem is None:
        assert (result.exit_code, record.status) == (0, "declined")
        assert json.loads(record.document)["closed"]["note"] == "seen in the Customer Area"
    else:
        assert result.exit_code == 1
        assert f"{identity}: {problem}" in result.stderr
        assert record.status == ("paid" if "paid" in problem else "broken")


def test_a_donation_whose_bank_has_time_is_not_closed_as_not_taken(kept: str, monkeypatch: pytest.MonkeyPatch) -> None:
    event = document()
    event["psp"] |= {"name": "psp_sandbox"}
    store().put(intent(event))
    state = {"code": "", "message": "", "reference": "p1", "amount": 2500, "currency": "GBP", "captured": 0}
    state |= {"further": False}
    answer = {"payments": [{**state, "status": "pending"}], "patience": 0}
    monkeypatch.setattr("handlers.reconcile.sweep.ask_psp", lambda *_: answer)
    monkeypatch.setattr("handlers.reconcile.sweep.execution_has_settled", lambda _: True)

    assert close(event["donation"]["id"], "--not-taken", "--note", "too early").exit_code == 1


@pytest.mark.parametrize("note", [[], ["--note", ""], ["--note", "  "]])
def test_a_note_is_required(note: list[str]) -> None:
    assert close("don-1", *note).exit_code == 2


@pytest.mark.parametrize("error", ["DonationConflict", "NoPspAvailable"])
def test_the_note_is_shown(kept: str, error: str) -> None:
    identity = put(error)
    close(identity, "--note", "told the donor")
    text = CliRunner().invoke(main, ["show", identity]).stdout
    assert text.count("  closed     ") == 1
    assert "  told the donor\n" in text
    shown = json.loads(CliRunner().invoke(main, ["show", identity, "--format", "json"]).stdout)
    notes = [each["closed"]["note"] for each in shown["history"] if each["closed"]]
    assert notes == ["told the donor"]


@pytest.mark.parametrize("status", ["open", "broken"])
def test_a_donation_that_is_run_again_while_it_is_closed_stays_open_work(
    kept: str, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    """The new execution asks the PSP after somebody has looked there."""
    event = document()
    event["psp"] |= {"name": "psp_sandbox"}
    identity = event["donation"]["id"]
    store().put(intent(event))
    if status == "broken":
        store().put(from_document({**event, "error": {"Error": "PspRefused", "Cause": ""}}))

    def check(_: str) -> None:
        store().put(intent({**event, "execution": "again"}))

    with pytest.raises(NotClosable, match="is open since just now"):
        close_all(store(), identity, "seen in the Customer Area", check_not_taken=check)

    record = store().get(identity)
    assert record is not None
    assert (record.status, json.loads(record.document)["execution"]) == ("open", "again")


def test_a_donation_that_is_paid_while_it_is_closed_is_not_called_closed(
    kept: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = document()
    event["psp"] |= {"name": "psp_sandbox"}
    identity = event["donation"]["id"]
    store().put(intent(event))
    put = type(store()).put

    def paid_before(self: Any, transaction: Any, *, settles: bool = False) -> Any:
        if settles:
            payment = {"status": "paid", "psp": "psp_sandbox", "reference": "sbx_1", "attempts": []}
            put(self, from_document({**event, "payment": payment}))
        return put(self, transaction, settles=settles)

    monkeypatch.setattr(type(store()), "put", paid_before)

    with pytest.raises(NotClosable, match="is paid since just now"):
        close_all(store(), identity, "seen in the Customer Area", check_not_taken=lambda _: None)


def test_the_cause_of_an_error_is_shown_without_its_stack_trace(data: object) -> None:
    cause = json.dumps({"errorMessage": "none takes XPF", "errorType": "NoPspAvailable", "stackTrace": ["x" * 99]})
    event = {**document(), "error": {"Error": "NoPspAvailable", "Cause": cause}}
    store().put(from_document(event))
    shown = CliRunner().invoke(main, ["show", event["donation"]["id"]]).stdout
    assert "  error      NoPspAvailable: none takes XPF\n" in shown


def test_one_of_several_conflicts_is_closed(kept: str) -> None:
    event = document()
    identity = event["donation"]["id"]
    for reference in ("p1", "p2"):
        payment = {"status": "paid", "psp": "psp_sandbox", "reference": reference}
        store().put(evolve(from_document({**event, "payment": payment}), status="conflict", complete=True))

    unclear = close(identity, "--note", "refunded")
    assert (unclear.exit_code, len(work())) == (1, 2)
    assert "has conflicts of 2 payments; close one with --payment, or --all of them: p1, p2" in unclear.stderr
    assert close(identity, "--note", "refunded", "--payment", "p3").exit_code == 1

    assert close(identity, "--note", "refunded", "--payment", "p2").exit_code == 0
    assert [(each.reference, each.status) for each in store().history(identity)] == [
        ("p1", "conflict"),
        ("p2", "closed"),
    ]
    assert close(identity, "--note", "kept").exit_code == 0
    assert work() == []


def test_all_conflicts_are_closed_if_asked(kept: str) -> None:
    event = document()
    for reference in ("p1", "p2"):
        payment = {"status": "paid", "psp": "psp_sandbox", "reference": reference}
        store().put(evolve(from_document({**event, "payment": payment}), status="conflict", complete=True))
    assert close(event["donation"]["id"], "--note", "both were refunded", "--all").exit_code == 0
    assert work() == []
