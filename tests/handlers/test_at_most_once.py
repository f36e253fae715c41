"""A payment is taken at most once: crashes, kills, timeouts, duplicates, also all at the same time."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from handlers import sqlite
from handlers.document import MalformedEvent
from handlers.logs import Unexpected
from handlers.psp import PspRefused, PspUnavailable, payment
from tests.handlers.conftest import Call, document, paid, run
from tests.handlers.stripe_proxy import StripeProxy
from tests.handlers.test_sandbox import ledger, taken

pytestmark = pytest.mark.slow

DIE = "lambda *_: os.kill(os.getpid(), signal.SIGKILL)"


def crash(*_: Any) -> Any:
    raise MemoryError("the function crashed after the charge")


def die(module: str, name: str, handler: str, event: dict[str, Any]) -> None:
    """Call the handler in a process that is killed with signal 9 where it calls module.name."""
    code = f"""
import json, os, signal
import handlers.{handler}.handler
import {module} as module
module.{name} = {DIE}
handlers.{handler}.handler.handler(json.loads({json.dumps(json.dumps(event))}), None)
"""
    result = run(code)
    assert result.returncode == -signal.SIGKILL, result.stderr


def test_crashed_after_the_charge(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    event = document()
    with monkeypatch.context() as patch:
        patch.setattr(payment, "_definite", crash)
        with pytest.raises(Unexpected, match="MemoryError"):
            call("psp_sandbox", event)
    (first,) = taken(event)
    answer = call("psp_sandbox", event)
    assert (answer["status"], answer["reference"]) == ("paid", first.reference)
    assert [attempt["number"] for attempt in answer["attempts"]] == [1]
    assert taken(event) == [first]


def test_killed_after_the_charge(call: Call) -> None:
    event = document()
    die("handlers.psp.payment", "_definite", "psp_sandbox", event)
    (first,) = taken(event)
    assert call("psp_sandbox", event)["reference"] == first.reference
    assert taken(event) == [first]


@pytest.mark.parametrize("where", ["_move", "_save", "_decide"])
def test_killed_while_the_ledger_writes(call: Call, where: str) -> None:
    event = document()
    die("handlers.psp_sandbox.ledger", where, "psp_sandbox", event)
    assert ledger().payments(event["donation"]["id"]) == []
    assert call("psp_sandbox", event)["status"] == "paid"
    assert len(taken(event)) == 1


def test_killed_after_the_redirect_was_completed(call: Call) -> None:
    event = document("tok_3ds")
    event["payment"] = call("psp_sandbox", event)
    event["redirect"] = {"status": "returned"}
    die("handlers.psp.payment", "_payment", "psp_sandbox", event)
    assert len(taken(event)) == 1
    assert call("psp_sandbox", event)["status"] == "paid"
    assert len(taken(event)) == 1


def test_a_later_attempt_that_crashed_keeps_its_key(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    event = document("tok_later_once")
    event["payment"] = call("psp_sandbox", event)
    with monkeypatch.context() as patch:
        patch.setattr(payment, "_definite", crash)
        with pytest.raises(Unexpected, match="MemoryError"):
            call("psp_sandbox", event)
    answer = call("psp_sandbox", event)
    assert [attempt["idempotency_key"][-2:] for attempt in answer["attempts"]] == ["-1", "-2"]
    assert len(taken(event)) == 1


def test_duplicate_deliveries_get_the_same_answer(call: Call) -> None:
    event = document("tok_later_once")
    first = call("psp_sandbox", event)
    second = call("psp_sandbox", event)
    assert first["status"] == second["status"] == "retry"
    assert first["reference"] == second["reference"]
    event["payment"] = first
    references = {call("psp_sandbox", event)["reference"] for _ in range(3)}
    assert len(references) == 1
    assert len(taken(event)) == 1


def test_concurrent_duplicates_in_threads(call: Call) -> None:
    event = document()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: call("psp_sandbox", event), range(16)))
    assert {answer["status"] for answer in answers} == {"paid"}
    assert len({answer["reference"] for answer in answers}) == 1
    assert len(taken(event)) == 1


def test_concurrent_duplicates_in_processes() -> None:
    event = document()
    code = f"""
import json, sys
from handlers.psp_sandbox.handler import handler
sys.stdin.read()
print(handler(json.loads({json.dumps(json.dumps(event))}), None)["reference"])
"""
    root = Path(__file__).parents[2]
    pipe = subprocess.PIPE
    processes = [
        subprocess.Popen([sys.executable, "-c", code], cwd=root, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
        for _ in range(3)
    ]
    answers = [process.communicate(timeout=120)[0].strip() for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]
    (payment,) = taken(event)
    assert set(answers) == {payment.reference}


def test_transactions_take_turns(data: Path) -> None:
    """A transaction sees what the one before wrote, and waits instead of failing."""
    path, schema = data / "counter.sqlite", "CREATE TABLE IF NOT EXISTS counter (value INTEGER NOT NULL)"

    def increment(_: int) -> None:
        with sqlite.transaction(path, schema) as db:
            (value,) = db.execute("SELECT COALESCE(MAX(value), 0) FROM counter").fetchone()
            db.execute("INSERT INTO counter VALUES (?)", (value + 1,))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(increment, range(80)))
    with sqlite.transaction(path, schema) as db:
        values = [row["value"] for row in db.execute("SELECT value FROM counter ORDER BY rowid")]
    assert values == list(range(1, 81))


def test_what_is_stored_survives_a_loss_of_power(data: Path) -> None:
    """https://sqlite.org/pragma.html#pragma_synchronous: FULL waits until the disk has it."""
    with sqlite.transaction(data / "counter.sqlite", "") as db:
        assert db.execute("PRAGMA synchronous").fetchone()[0] == 2


# The same at Stripe.


def succeeded(proxy: StripeProxy, event: dict[str, Any]) -> list[str]:
    intents = proxy.payment_intents(event["donation"]["id"])
    return [intent["id"] for intent in intents if intent["status"] == "succeeded"]


def test_stripe_crashed_after_the_charge(
    call: Call, stripe_server: StripeProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = document("pm_card_visa")
    with monkeypatch.context() as patch:
        patch.setattr(payment, "_definite", crash)
        with pytest.raises(Unexpected, match="MemoryError"):
            call("psp_stripe", event)
    (first,) = succeeded(stripe_server, event)
    assert call("psp_stripe", event)["reference"] == first
    assert succeeded(stripe_server, event) == [first]


def test_stripe_killed_after_the_charge(call: Call, stripe_server: StripeProxy) -> None:
    event = document("pm_card_visa")
    die("handlers.psp.payment", "_definite", "psp_stripe", event)
    (first,) = succeeded(stripe_server, event)
    assert call("psp_stripe", event)["reference"] == first
    assert succeeded(stripe_server, event) == [first]


def test_stripe_without_an_answer(call: Call, stripe_server: StripeProxy) -> None:
    event = document("pm_card_visa")
    stripe_server.lose_answers = 2
    for _ in range(2):
        with pytest.raises(PspUnavailable):
            call("psp_stripe", event)
    assert len(succeeded(stripe_server, event)) == 1
    answer = call("psp_stripe", event)
    assert [attempt["number"] for attempt in answer["attempts"]] == [1]
    assert succeeded(stripe_server, event) == [answer["reference"]]


def test_stripe_timed_out(call: Call, stripe_server: StripeProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    event = document("pm_card_visa")
    stripe_server.hold = threading.Event()
    with monkeypatch.context() as patch:
        patch.setattr("handlers.psp_stripe.client.TIMEOUT", 0.5)
        with pytest.raises(PspUnavailable, match="APIConnectionError"):
            call("psp_stripe", event)
        with pytest.raises(PspUnavailable, match="409"):  # the first request is still under way
            call("psp_stripe", event)
    stripe_server.hold.set()
    stripe_server.hold = None
    answer = None
    for _ in range(50):
        try:
            answer = call("psp_stripe", event)
            break
        except PspUnavailable:
            continue
    assert answer is not None
    assert answer["status"] == "paid"
    assert succeeded(stripe_server, event) == [answer["reference"]]


def test_stripe_concurrent_duplicates(call: Call, stripe_server: StripeProxy) -> None:
    event = document("pm_card_visa")

    def attempt(_: int) -> str:
        try:
            return str(call("psp_stripe", event)["reference"])
        except PspUnavailable:  # the key is in use: Stripe's 409
            return "unavailable"

    with ThreadPoolExecutor(4) as pool:
        answers = set(pool.map(attempt, range(8)))
    assert succeeded(stripe_server, event) == sorted(answers - {"unavailable"})


def test_stripe_the_proxy_is_needed(call: Call, stripe_server: StripeProxy, localstripe: str) -> None:
    """Without the proxy the server charges twice: the tests above would see it."""
    event = document("pm_card_visa")
    for _ in range(2):
        stripe_server._kept.clear()
        call("psp_stripe", event)
    assert len(succeeded(stripe_server, event)) == 2


DAYS_AGO = {"chosen_at": "2026-01-28T09:30:00.000Z"}


def test_stripe_asked_again_after_it_forgot_the_key(call: Call, stripe_server: StripeProxy) -> None:
    """A broken execution is redriven, or the donation run again, days later: the payment is looked for."""
    event = {**document("pm_card_visa"), "psp": DAYS_AGO}
    stripe_server.lose_answers = 1
    with pytest.raises(PspUnavailable):
        call("psp_stripe", event)
    (first,) = succeeded(stripe_server, event)
    stripe_server.forget_keys()
    answer = call("psp_stripe", event)
    assert (answer["status"], answer["reference"]) == ("paid", first)
    assert succeeded(stripe_server, event) == [first]


def test_stripe_asked_again_for_another_amount(call: Call, stripe_server: StripeProxy) -> None:
    event = {**document("pm_card_visa"), "psp": DAYS_AGO}
    call("psp_stripe", event)
    stripe_server.forget_keys()
    event["donation"]["amount"] = 9900
    with pytest.raises(PspRefused, match="another amount"):
        call("psp_stripe", event)
    assert len(succeeded(stripe_server, event)) == 1


LOOKED_UP = {"4242424242424242": "paid", "4000000000003220": "redirect", "4000000000000341": "redirect"}


@pytest.mark.parametrize(("number", "status"), LOOKED_UP.items())
def test_stripe_is_asked_for_all_payments_of_a_donation(
    call: Call, stripe_server: StripeProxy, number: str, status: str
) -> None:
    """A refused PaymentIntent counts as open: with another card it could still be completed."""
    event = document(stripe_server.method(number))
    call("psp_stripe", document("pm_card_visa"))
    assert call("psp_stripe", {**event, "operation": "look_up"})["payments"] == []
    call("psp_stripe", event)
    requests = len(stripe_server.requests)

    (payment,) = call("psp_stripe", {**event, "operation": "look_up"})["payments"]

    (intent,) = stripe_server.payment_intents(event["donation"]["id"])
    assert (payment["status"], payment["reference"]) == (status, intent["id"])
    assert all(what.startswith("GET ") for what, _ in stripe_server.requests[requests:])
    amounts = (payment["amount"], payment["currency"], payment["captured"])
    assert amounts == (event["donation"]["amount"], "GBP", event["donation"]["amount"] if status == "paid" else 0)


def test_stripe_does_not_refund_twice_after_it_forgot_the_key(call: Call, stripe_server: StripeProxy) -> None:
    event = document("pm_card_visa")
    event["payment"] = call("psp_stripe", event)
    refund = {**event, "operation": "refund", "amount": 500}
    first = call("psp_stripe", refund)
    stripe_server.forget_keys()

    again = call("psp_stripe", refund)
    with pytest.raises(PspRefused, match="another amount"):
        call("psp_stripe", {**refund, "amount": 600})
    other = call("psp_stripe", {**refund, "number": 2})

    assert (again["status"], again["message"]) == ("refunded", first["message"])
    assert other["message"] != first["message"]
    posts = [key for what, key in stripe_server.requests if what == "POST /v1/refunds"]
    assert posts == [f"{event['donation']['id']}:refund:{number}" for number in (1, 2)]


def test_a_payment_whose_key_differs_in_case_only_is_another_ones(call: Call, stripe_server: StripeProxy) -> None:
    """Stripe's search may ignore case, and ids of donations do not."""
    lower, upper = (document("pm_card_visa", id=name) | {"psp": DAYS_AGO} for name in ("don-case", "DON-CASE"))
    first = call("psp_stripe", lower)
    stripe_server.forget_keys()

    second = call("psp_stripe", upper)

    assert second["status"] == "paid"
    assert second["reference"] != first["reference"]
    assert len(call("psp_stripe", {**lower, "operation": "look_up"})["payments"]) == 1


def test_stripe_is_not_searched_while_it_knows_the_key(call: Call, stripe_server: StripeProxy) -> None:
    call("psp_stripe", document("pm_card_visa"))
    assert [what for what, _ in stripe_server.requests] == ["POST /v1/payment_intents"]


def test_stripe_has_closed_a_payment_that_was_declined_after_the_redirect(
    call: Call, stripe_server: StripeProxy
) -> None:
    """The return page has the payment's client secret: with another card it could be completed later."""
    event = document(stripe_server.method("4000000000003220"))
    event["payment"] = call("psp_stripe", event)
    (intent,) = stripe_server.payment_intents(event["donation"]["id"])
    stripe_server.authenticate(intent, success=False)
    assert call("psp_stripe", {**event, "redirect": {"status": "returned"}})["status"] == "declined"
    (intent,) = stripe_server.payment_intents(event["donation"]["id"])
    assert intent["status"] == "canceled"


def test_stripe_does_not_know_the_payment_that_the_donor_was_sent_to(call: Call, stripe_server: StripeProxy) -> None:
    """Another account's key by now, say: it may be paid there, so it is not declined."""
    event = document(stripe_server.method("4000000000003220"))
    event["payment"] = {**call("psp_stripe", event), "reference": "pi_elsewhere"}
    with pytest.raises(PspRefused, match="resource_missing"):
        call("psp_stripe", {**event, "redirect": {"status": "returned"}})


def test_a_payment_of_another_psp_is_not_touched(call: Call) -> None:
    event = paid()
    event["payment"]["psp"] = "psp_stripe"
    for operation in ("capture", "refund"):
        with pytest.raises(MalformedEvent, match=r"payment\.psp: the payment is at psp_stripe; this is psp_sandbox"):
            call("psp_sandbox", {**event, "operation": operation})


def test_a_donation_named_like_an_operation_has_keys_of_its_own(call: Call) -> None:
    first = paid(id="don-7")
    assert call("psp_sandbox", {**first, "operation": "refund"})["status"] == "refunded"
    assert paid(id="don-7-refund")["payment"]["status"] == "paid"
