"""PersistCapture: store that a reservation was taken, as a paid donation with receipt and total, or was released."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

from attrs import evolve

from handlers import captures
from handlers.captures.conclusion import conclude, release
from handlers.document import MalformedEvent, read
from handlers.logs import invocation, logger
from handlers.transactions.store import store

LOG = logger("persist_capture")


class Stored(TypedDict):
    """The document's `stored`."""

    id: str
    status: str
    amount: int


def handler(event: dict[str, Any], context: Any) -> Stored:
    """Return `id`, `status` and `amount` of the stored capture. Running it again changes nothing.

    The event is the document with the PSP's answer, or the error, in `result`. Post-processing that fails is finished
    by the sweep. Raises MalformedEvent.
    """
    with invocation(LOG, event, context):
        donation = read(event, "donation.id", str)
        capture, record = captures.find(donation), store().get(donation)
        if capture is None or record is None:
            raise MalformedEvent("donation.id: no capture of this donation was requested")
        state = _state(read(event, "result", dict[str, Any]), capture.reference)
        status, code = str(state.get("status")), str(state.get("code"))
        if "Error" in state:
            status, code = "broken", str(state["Error"])
        elif status == "paid":
            # The amount that the PSP took, perhaps because of a capture in its dashboard before the request.
            taken = state["captured"] if type(state.get("captured")) is int else capture.amount
            # If the PSP took an unknown amount instead of releasing it, an operator has to look.
            status, capture = ("captured", evolve(capture, amount=taken)) if taken else ("broken", capture)
        elif status == "cancelled" and not capture.amount:
            status = "released"
        else:
            if status == "cancelled":
                release(record, code)
            status = "declined"
        stored = conclude(capture, record, status, code)
        LOG.info("stored", status=stored.status)
        return {"id": donation, "status": stored.status, "amount": stored.amount}


def _state(result: Mapping[str, Any], reference: str) -> Mapping[str, Any]:
    """Return the payment's state: the answer to a capture, or one of the payments in the answer to a release."""
    payments = result.get("payments")
    if not isinstance(payments, list):
        return result
    states = [each for each in payments if isinstance(each, dict) and each.get("reference") == reference]
    return states[0] if states else {"Error": "the PSP does not know the payment"}
