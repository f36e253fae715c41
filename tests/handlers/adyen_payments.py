"""Donations that Adyen takes, at a server with its rules."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from handlers.transactions.record import from_document, intent
from handlers.transactions.store import store
from tests.handlers.conftest import Call, document
from tests.handlers.psp_server import AdyenServer
from tests.handlers.psp_worlds import AdyenWorld, world


@pytest.fixture
def adyen(data: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AdyenServer]:
    with world("psp_adyen", data, monkeypatch) as made:
        assert isinstance(made, AdyenWorld)
        yield made.adyen


def donation(token: str, identity: str = "don-1") -> dict[str, Any]:
    event = document(id=identity, payment_method={"type": "card", "token": token})
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:psp"
    event["psp"] |= {"name": "psp_adyen", "function_arn": arn}
    return event


def paid(call: Call) -> dict[str, Any]:
    """The document of a donation that is stored as paid."""
    event = donation("pm_paid")
    store().put(intent(event))
    event["payment"] = call("psp_adyen", event)
    store().put(from_document(event))
    return event
