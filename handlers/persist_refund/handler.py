"""PersistRefund: correct the charity's total, tell other systems, and store the refund's state."""

from __future__ import annotations

from typing import Any, TypedDict

from handlers import clock
from handlers.document import MalformedEvent, read
from handlers.logs import invocation, logger
from handlers.refunds import of_donation
from handlers.refunds.conclusion import conclude, status_of
from handlers.refunds.record import UNDECIDED

LOG = logger("persist_refund")

_REFUSED = ("PspRefused", "MalformedEvent")
"""Errors after which another request would get the same answer."""

_PATIENCE = 90 * 24 * 3600
"""Seconds after the request for a refund in which an error of the PSP is taken for an outage."""


class Stored(TypedDict):
    """The document's `stored`."""

    id: str
    status: str
    amount: int


def handler(event: dict[str, Any], context: Any) -> Stored:
    """Return `id`, `status` and `amount` of the stored refund. Everything happens once, however often this runs.

    The status is `broken`, too, if the PSP has not decided for a month: the flow ends, and the sweep asks from then on.
    It is `open` after an error that is an outage: nothing is stored, and the refund is to be prepared again.

    The event is the document with the PSP's answer, or the error, in `result`. Raises MalformedEvent, NotDelivered.
    """
    with invocation(LOG, event, context):
        donation, number = read(event, "donation.id", str), read(event, "number", int)
        refund = next((each for each in of_donation(donation) if each.number == number), None)
        if refund is None:
            raise MalformedEvent("number: no refund of the donation has it")
        result = read(event, "result", dict[str, Any])
        if "Error" in result:
            status, code = "broken", str(result["Error"])
            is_outage = code not in _REFUSED and clock.seconds_since(refund.requested_at) <= _PATIENCE
            if is_outage and not refund.is_final:
                LOG.warning("to be repeated", refund=refund.id, error=code)
                return {"id": refund.id, "status": "open", "amount": refund.amount}
        else:
            status, code = status_of(read(event, "result.status", str)), read(event, "result.code", str)
        stored = conclude(refund, status, code)
        LOG.info("stored", refund=stored.id, status=stored.status)
        is_overdue = stored.status == "pending" and clock.seconds_since(stored.requested_at) > UNDECIDED
        return {"id": stored.id, "status": "broken" if is_overdue else stored.status, "amount": stored.amount}
