"""Donations and requests of the tests that hold every PSP (test_psp_contract_….py)."""

from __future__ import annotations

from typing import Any

import pytest

from handlers import clock
from handlers.psp import PspRefused, PspUnavailable
from handlers.transactions.record import intent
from handlers.transactions.store import store
from tests.handlers.conftest import Call, document
from tests.handlers.psp_worlds import TOKENS, World

DONE = ("paid", "refunded", "cancelled", "abandoned")
"""Statuses after which nothing is left to be done."""


def donation(world: World, kind: str, **changes: Any) -> dict[str, Any]:
    """The document of a donation whose payment method leads to an outcome."""
    token = TOKENS[world.name][kind]
    event = document(payment_method={"type": "card", "token": token}, **changes)
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:psp"
    event["psp"] = {"name": world.name, "function_arn": arn, "chosen_at": clock.now(), "reason": "only one"}
    return event


def play(call: Call, world: World, event: dict[str, Any], steps: int = 12) -> list[str]:
    """What the flow does until the payment is decided; each answer's status. Everybody else does their part, too."""
    statuses = []
    for _ in range(steps):
        event["payment"] = call(world.name, event)
        statuses.append(event["payment"]["status"])
        assert statuses[-1] not in DONE or not world.waits(of(event)), "the PSP has not decided"
        if statuses[-1] == "redirect":
            event["redirect"] = world.donor_completes()
        elif statuses[-1] == "pending":
            world.pass_days()
        elif statuses[-1] != "retry":
            return statuses
    raise AssertionError(f"undecided: {statuses}")


def paid(call: Call, world: World, **changes: Any) -> dict[str, Any]:
    event = donation(world, "paid", **changes)
    assert play(call, world, event)[-1] == "paid"
    return event


def of(event: dict[str, Any]) -> str:
    return str(event["donation"]["id"])


def reserved(call: Call, psp: World) -> dict[str, Any]:
    if not psp.captures:
        pytest.skip("it takes payments in one step")
    event = {**donation(psp, "paid"), "operation": "authorise"}
    event["payment"] = call(psp.name, event)
    psp.pass_days()
    assert event["payment"]["status"] == "authorised"
    return event


def repeat(call: Call, psp: World, event: dict[str, Any]) -> list[str]:
    """What the function answers while the PSP does what it has received; its errors by their names."""
    answers = []
    for _ in range(4):
        try:
            answers.append(call(psp.name, event).get("status", ""))
            assert answers[-1] not in DONE or not psp.waits(of(event)), "the PSP has not decided"
        except (PspUnavailable, PspRefused) as error:
            answers.append(type(error).__name__)
        psp.pass_days()
    return answers


def open_donation(call: Call, psp: World) -> dict[str, Any]:
    """A donation whose execution ended after the PSP was asked, before anything was stored."""
    event = donation(psp, "paid")
    store().put(intent(event))
    event["payment"] = call(psp.name, event)
    if event["payment"]["status"] == "pending":
        psp.pass_days()
    return event


def notify(call: Call, psp: World, request: dict[str, Any]) -> tuple[int, str]:
    assert psp.webhook
    answer = call(psp.webhook, request)
    return answer["statusCode"], answer["body"]
