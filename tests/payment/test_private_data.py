"""Donors' data is where it is needed, and nowhere else: events of functions, causes, what is erased, terminals."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

import pytest
from attrs import evolve
from click.testing import CliRunner

from flowdsl.testing import ExecutionFailed, Runner
from handlers import captures, redirects, refunds
from handlers.await_confirmation.handler import handler as await_confirmation
from handlers.captures.__main__ import main as captures_command
from handlers.persist_output.handler import handler as persist_output
from handlers.psp import Answer, Outcome
from handlers.psp.interface import bounded
from handlers.psp_sandbox.provider import SandboxPsp
from handlers.reconcile.__main__ import main as reconcile_command
from handlers.reconcile.sweep import sweep
from handlers.refunds.__main__ import main as refunds_command
from handlers.transactions.__main__ import main as transactions_command
from handlers.transactions.record import intent
from handlers.transactions.store import store
from tests.payment.books import donation, kinds, stored

FORGED = "Lifeboats\n\x1b[2Jdon-9  paid\u2028\u202e\x9b1m"
ADDRESS = {"address": {"street": "12 St James's Square"}}
PRIVATE = ("Ada Lovelace", "ada@example.org", "12 St James's Square")


def payment(status: str, **changes: Any) -> dict[str, Any]:
    attempt = {"number": 1, "psp": "psp_sandbox", "at": "2025-01-01T00:00:00.000Z"}
    seconds = {"delay_seconds": 1, "redirect_seconds": 60, "pending_seconds": 60}
    url = {"redirect_url": "https://psp.example/3ds", "reference": "sbx_1", "psp": "psp_sandbox", "code": "1A"}
    return {"status": status, "attempts": [attempt], "message": "", **seconds, **url, **changes}


def test_functions_get_what_they_need(flow: Runner) -> None:
    """Setup, SelectPsp, the receipt and the record need the donor; nothing else sees one, or an additional field."""
    taken = flow.mock(
        "TakePayment", payment("retry"), payment("redirect"), payment("pending"), payment("paid", delay_seconds=0)
    )
    others = [flow.mock(step, {"status": "done"}) for step in ("NotifyDelay", "FundraisingTotals", "PublishEvent")]
    waiting = [flow.mock(step, {"status": "done"}) for step in ("RedirectToPsp", "AwaitConfirmation")]
    receipt = flow.mock("Receipt", {"status": "done"})

    method = {"type": "card", "token": "tok_paid", "holder": "Ada Lovelace"}
    run = flow.run({**donation(), **ADDRESS, "payment_method": method})

    for step in (taken, *others, *waiting):
        assert step.calls
        assert not [text for text in PRIVATE if text in json.dumps(step.calls)]
    assert [event["donation"]["payment_method"] for event in taken.calls] == [{"type": "card", "token": "tok_paid"}] * 4
    assert "tok_paid" not in json.dumps([each.calls for each in (*others, *waiting)])
    assert all(text in json.dumps(receipt.calls) for text in PRIVATE)
    assert run.output["donation"] == {**donation(), **ADDRESS, "payment_method": method}, (
        "each step adds to the document, and takes nothing away"
    )
    assert json.loads(stored().document)["donation"] == run.output["donation"]


def test_a_psp_gets_no_donor_from_the_sweep() -> None:
    asked = []
    event = {**donation(), **ADDRESS}
    event["payment_method"]["holder"] = "Ada Lovelace"
    document = {"donation": event, "execution": "one", "psp": {"name": "psp_sandbox", "chosen_at": "2025-01-01"}}
    store().put(intent({**document, "payment": {}}))

    def ask(_transaction: Any, event: dict[str, Any]) -> dict[str, Any]:
        asked.append(event)
        return {"payments": [], "patience": 0}

    assert len(list(sweep(store(), ask, lambda _: True))) == 1
    assert not [text for text in PRIVATE if text in json.dumps(asked)]
    assert asked[0]["donation"]["payment_method"]["token"] == "tok_paid"


@pytest.mark.parametrize("step", ["select_psp.handler.choices", "psp.handling", "receipt.handler"])
def test_what_libraries_say_is_in_no_cause(flow: Runner, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """An exception that quotes the donor ends as its type and its place."""

    def quoting(*_: Any, **__: Any) -> Any:
        raise sqlite3.OperationalError("cannot store ada@example.org, Ada Lovelace\n\x1b[2J")

    name = {"select_psp.handler.choices": "find", "psp.handling": "perform", "receipt.handler": "send"}[step]
    monkeypatch.setattr(f"handlers.{step}.{name}", quoting)
    try:
        output = flow.run(donation()).output
    except ExecutionFailed as failed:
        output = {"cause": failed.cause}
    text = json.dumps(
        {**json.loads(stored().document), "donation": None, "output": {**(output or {}), "donation": None}}
    )

    assert "Unexpected" in text
    assert "OperationalError at " in text
    assert not [each for each in (*PRIVATE, "\\u001b") if each in text]


def test_a_store_that_fails_while_the_donor_is_redirected_costs_nothing(
    flow: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep, failures = redirects.keep, iter([True, True])

    def throttled(*arguments: Any) -> Any:
        if next(failures, None):
            raise sqlite3.OperationalError("database is locked")
        return keep(*arguments)

    monkeypatch.setattr(redirects, "keep", throttled)
    execution = flow.start(donation("tok_3ds"))
    flow.scheduler.run()

    assert "payment.redirect" in kinds()
    assert execution.status in ("SUCCEEDED", "RUNNING")
    assert "was not sent" not in stored().document


def test_a_donor_cannot_end_the_wait_for_a_bank() -> None:
    """Otherwise whoever has the ticket could make an execution go round until it has no room for events."""
    ticket = redirects.keep("don-1", "token-1")
    redirects.keep("don-1", "token-2", redirects.PSP)

    assert redirects.donation_of(ticket) == "don-1"
    assert redirects.token_of("don-1", redirects.DONOR) is None
    assert redirects.token_of("don-1") == "token-2"


def test_an_execution_that_waits_for_a_bank_says_so() -> None:
    payment = {"reference": "PM1"}
    await_confirmation({"token": "token-1", "document": {"donation": {"id": "don-1"}, "payment": payment}}, None)

    assert redirects.token_of("don-1", redirects.DONOR) is None
    assert redirects.token_of("don-1", redirects.PSP) == "token-1"


def test_an_execution_that_ends_after_the_erasure_brings_nothing_back(flow: Runner) -> None:
    flow.run(donation(), name="one")
    paid = json.loads(stored().document)
    assert store().erase("don-1")

    assert persist_output({**paid, "execution": "two"}, None)["status"] == "paid"
    assert not [text for text in PRIVATE if text in json.dumps([each.document for each in store().history("don-1")])]


def test_open_donations_cannot_be_erased() -> None:
    store().put(intent({"donation": donation(), "execution": "one", "psp": {"name": "psp_sandbox"}, "payment": {}}))
    result = CliRunner().invoke(transactions_command, ["erase", "don-1"])

    assert (result.exit_code, result.stdout) == (1, "")
    assert "don-1: is open; settle it first" in result.stderr
    assert "ada@example.org" in stored().document


# -- terminals


def test_what_a_psp_writes_stays_in_its_line() -> None:
    answer = bounded(Answer(Outcome.DECLINED, "05\x1b[2J", "no\r\n\u202epaid", "r"))

    assert (answer.code, answer.message) == ("05\\x1b[2J", "no\\r\\n\\u202epaid")


@pytest.mark.parametrize("form", ["text", "json"])
def test_nothing_forges_lines_in_a_terminal(flow: Runner, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    """Records of other versions, or of other programs, may have any text."""
    flow.run(donation())
    record = stored()
    document = json.loads(record.document)
    document["payment"]["attempts"][0]["message"] = FORGED
    document["error"] = {"Error": "X", "Cause": FORGED}
    hostile = evolve(
        record, id="don-2", charity=FORGED, reference=FORGED, document=json.dumps(document), status="broken"
    )
    store().put(hostile)
    times = {"requested_at": "2025", "stored_at": "2025"}
    shared = {"currency": "GBP", "charity": FORGED, "psp": "psp", "reference": FORGED, "code": FORGED, **times}
    refunds.finish(
        refunds.Refund(
            id="don-2:refund:1", donation="don-2", number=1, amount=1, status="failed", reason=FORGED, **shared
        )
    )
    captures.finish(captures.Capture(donation="don-2", amount=1, reserved=1, status="broken", **shared))
    monkeypatch.setattr(SandboxPsp, "look_up", lambda *_: 1 / 0)
    commands: list[tuple[Any, list[str]]] = [
        (transactions_command, ["list", "--format", form]),
        (transactions_command, ["show", "don-2", "--format", form]),
        (refunds_command, ["list", "--format", form]),
        (captures_command, ["list", "--format", form]),
        (reconcile_command, []),
    ]
    for command, arguments in commands:
        output = CliRunner().invoke(command, arguments).stdout
        assert "don-2" in output
        assert not [each for each in output if each != "\n" and not each.isprintable()], arguments
        assert not [line for line in output.splitlines() if line.startswith("don-9")]
