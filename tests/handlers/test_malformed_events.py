"""Whatever event a function gets, it answers, or raises an error of ours that says what is wrong: never a KeyError."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from handlers import redirects
from handlers.logs import Unexpected
from handlers.transactions.record import from_document, intent
from handlers.transactions.store import store
from tests.handlers.conftest import HANDLERS, Call, document, donation, invoke, paid
from tests.handlers.psp_contract import donation as psp_donation
from tests.handlers.psp_contract import of, open_donation
from tests.handlers.psp_contract import paid as psp_paid
from tests.handlers.psp_worlds import WORLDS, World, psp
from tests.handlers.test_poison import paths, spoilt
from tests.handlers.test_psp_contract_webhooks import signed_as

__all__ = ["psp"]

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("executions_have_ended")]

BAD = [None, "x", -1, ["a"], {"a": 1}, "MISSING"]
OPERATIONS = ["pay", "authorise", "redirect", "pending", "capture", "refund", "look_up", "cancel", "find_refund"]


def redirected(token: str = "tok_3ds") -> dict[str, Any]:
    event = document(token)
    return {**event, "payment": invoke("psp_sandbox", event), "redirect": {"status": "returned", "details": {"a": "b"}}}


def stored(event: dict[str, Any]) -> dict[str, Any]:
    store().put(from_document(event))
    return event


def reserved() -> dict[str, Any]:
    event = {**document(capture="later"), "operation": "authorise"}
    return stored({**event, "payment": invoke("psp_sandbox", event)})


def to_capture() -> dict[str, Any]:
    return invoke("capture_setup", {"donation": of(reserved()), "amount": 500})


def to_refund() -> dict[str, Any]:
    return invoke("refund_setup", {"donation": of(stored(paid())), "number": 1, "amount": 500, "reason": "asked"})


def failed() -> dict[str, Any]:
    return {**document(), "error": {"Error": "PspRefused", "Cause": "a reason"}, "post_processing": {"receipt": {}}}


def returned() -> dict[str, Any]:
    ticket = redirects.keep("don-1", "a task token", redirects.PSP)
    return {"ticket": ticket, "outcome": "done", "details": {"redirectResult": "x"}}


ANSWERED = {"status": "paid", "code": "ok", "message": "ok", "reference": "x", "captured": 500}
EVENTS: dict[str, list[Callable[[], Any]]] = {
    "setup": [donation, lambda: {"donation": donation(capture="later"), "execution": "arn"}],
    "select_psp": [document, lambda: document(capture="later")],
    "notify_delay": [lambda: {**document(), "payment": invoke("psp_sandbox", document("tok_later_once"))}],
    "redirect_to_psp": [lambda: {"token": "a task token", "document": redirected()}],
    "await_confirmation": [lambda: {"token": "a task token", "document": redirected("tok_debit")}],
    "donor_returned": [returned],
    "receipt": [paid],
    "fundraising_totals": [paid],
    "publish_event": [paid],
    "persist_output": [paid, failed],
    "capture_setup": [lambda: {"donation": of(reserved()), "amount": 500}],
    "persist_capture": [
        lambda: {**to_capture(), "result": ANSWERED},
        lambda: {**to_capture(), "result": {"payments": [ANSWERED]}},
    ],
    "refund_setup": [lambda: {"donation": of(stored(paid())), "number": 1, "amount": 500, "reason": "asked"}],
    "persist_refund": [
        lambda: {**to_refund(), "result": {"status": "refunded", "code": "ok"}},
        lambda: {**to_refund(), "result": {"Error": "PspRefused", "Cause": "a reason"}},
    ],
    "reconcile": [dict],
}
"""Events of the functions that are no PSP's, one of each kind."""


def test_there_are_events_for_every_function() -> None:
    psps = {*WORLDS, *(f"{name.removeprefix('psp_')}_webhook" for name in WORLDS)}
    assert {file.parent.name for file in HANDLERS.glob("*/handler.py")} - psps == {*EVENTS}


def problems(name: str, event: Any) -> Iterator[str]:
    """Call the function with every field spoilt in every way, and with what is no event; yield what ends badly."""
    for path in paths(event):
        for bad in BAD:
            yield from problem(name, spoilt(event, path, bad), f"{path} = {bad!r}")
    for bad in BAD[:-1]:
        yield from problem(name, bad, f"the event = {bad!r}")


def problem(name: str, event: Any, what: str) -> Iterator[str]:
    try:
        invoke(name, event)
    except Exception as error:  # noqa: BLE001 - whatever it is, the test judges it
        if isinstance(error, Unexpected) or not type(error).__module__.startswith("handlers."):
            yield f"{name}: {what}: {type(error).__name__}: {error}"


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_a_malformed_event(name: str) -> None:
    assert [each for make in EVENTS[name] for each in problems(name, make())] == []


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_malformed_event_of_a_psps_function(call: Call, psp: World, operation: str) -> None:
    if psp.name != "psp_sandbox" and operation not in ("pay", "redirect", "refund"):
        pytest.skip("the same code reads the event for all PSPs")
    event = psp_donation(psp, "redirect" if operation == "redirect" else "paid")
    store().put(intent(event))
    if operation == "redirect":
        event["payment"] = call(psp.name, event)
        event["redirect"] = {"status": "returned", "details": {"redirectResult": "x"}}
    elif operation == "pending":
        event["payment"] = {**psp_paid(call, psp)["payment"], "status": "pending"}
    elif operation != "pay":
        event = {**psp_paid(call, psp), "operation": operation, "number": 1, "amount": 500}
        event |= {"references": [event["payment"]["reference"]], "refund": f"{of(event)}:refund:1"}
        event |= {"reported": event["payment"]["reference"], "prepared_at": event["psp"]["chosen_at"]}

    assert [*problems(psp.name, event)] == []
    if psp.server is not None:
        psp.server.mistakes.clear()


def test_a_malformed_request_of_a_webhook(call: Call, psp: World) -> None:
    if psp.webhook is None:
        pytest.skip("the sandbox has no webhook")
    request = {**psp.event(of(open_donation(call, psp))), "isBase64Encoded": False}
    found = [*problems(psp.webhook, request)]
    content = json.loads(request["body"])
    for path in paths(content):
        for bad in BAD:
            body = spoilt(content, path, bad)
            # Adyen's has its signature inside; test_poison has what Adyen signs.
            found += problem(psp.webhook, signed_as(psp, json.dumps(body)), f"{path} = {bad!r}")

    assert found == []
    if psp.server is not None:
        psp.server.mistakes.clear()
