"""PersistCapture: store what was taken, as a paid donation with its receipt and total, or that it was released."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypedDict

from attrs import evolve

from handlers import captures, clock
from handlers.captures.document import captured
from handlers.document import MalformedEvent, read
from handlers.logs import invocation, logger
from handlers.reconcile.finishing import finish
from handlers.transactions.record import from_document
from handlers.transactions.store import store

LOG = logger("persist_capture")


class Stored(TypedDict):
    """The document's `stored`."""

    id: str
    status: str
    amount: int


def handler(event: dict[str, Any], context: Any) -> Stored:
    """Return `id`, `status` and `amount` of the stored capture. Everything happens once, however often this runs.

    The event is the document with the PSP's answer, or the error, in `result`. Post-processing that fails is finished
    by the sweep. Raises MalformedEvent.
    """
    with invocation(LOG, event, context):
        donation = read(event, "donation.id", str)
        capture, record = captures.find(donation), store().get(donation)
        if capture is None or record is None:
            raise MalformedEvent("donation.id: nobody requested its capture")
        state = _state(read(event, "result", dict[str, Any]), capture.reference)
        status, code = _STATUSES.get(str(state.get("status")), "declined"), str(state.get("code"))
        if "Error" in state:
            status, code = "broken", str(state["Error"])
        document = json.loads(record.document)
        if status == "captured" and record.status != "paid":
            paid = {**document["payment"], "status": "paid", "code": code}
            store().put(from_document(finish(captured({**document, "payment": paid}, capture))))
        elif status == "released" and record.status != "paid":
            payment = {**document["payment"], "status": "abandoned", "code": code, "message": "released"}
            store().put(from_document({**document, "payment": payment}), settles=True)
        stored = captures.finish(evolve(capture, status=status, code=code, stored_at=clock.now()))
        LOG.info("stored", status=stored.status)
        return {"id": donation, "status": stored.status, "amount": stored.amount}


_STATUSES = {"paid": "captured", "cancelled": "released"}


def _state(result: Mapping[str, Any], reference: str) -> Mapping[str, Any]:
    """Return the payment's state: a capture's answer has it, and a release's is a list of all payments."""
    payments = result.get("payments")
    if not isinstance(payments, list):
        return result
    states = [each for each in payments if isinstance(each, dict) and each.get("reference") == reference]
    return states[0] if states else {"Error": "the PSP does not know the payment"}
