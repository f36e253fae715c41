"""PersistRefund: correct the charity's total, tell other systems, and store the refund's state."""

from __future__ import annotations

from typing import Any, TypedDict

from handlers.document import MalformedEvent, read
from handlers.logs import invocation, logger
from handlers.refunds import of_donation
from handlers.refunds.conclusion import conclude, status_of

LOG = logger("persist_refund")


class Stored(TypedDict):
    """The document's `stored`."""

    id: str
    status: str
    amount: int


def handler(event: dict[str, Any], context: Any) -> Stored:
    """Return `id`, `status` and `amount` of the stored refund. Everything happens once, however often this runs.

    The event is the document with the PSP's answer, or the error, in `result`. Raises MalformedEvent, NotDelivered.
    """
    with invocation(LOG, event, context):
        donation, number = read(event, "donation.id", str), read(event, "number", int)
        refund = next((each for each in of_donation(donation) if each.number == number), None)
        if refund is None:
            raise MalformedEvent("number: no refund of the donation has it")
        result = read(event, "result", dict[str, Any])
        status, code = "broken", str(result.get("Error"))
        if "Error" not in result:
            status = status_of(read(event, "result.status", str))
            code = read(event, "result.code", str)
        stored = conclude(refund, status, code)
        LOG.info("stored", refund=stored.id, status=stored.status)
        return {"id": stored.id, "status": stored.status, "amount": stored.amount}
