"""PublishEvent: notify other systems that a donation was paid."""

from __future__ import annotations

from typing import Any

from handlers.document import Done, read
from handlers.logs import invocation, logger
from handlers.outbox import Message, send

LOG = logger("publish_event")


def handler(event: dict[str, Any], context: Any) -> Done:
    """Send `donation.paid` once per donation, without the donor's data. Raises MalformedEvent, NotDelivered."""
    with invocation(LOG, event, context):
        donation = read(event, "donation.id", str)
        detail = {
            "donation": donation,
            "charity": read(event, "donation.charity", str),
            "amount": read(event, "donation.amount", int),
            "currency": read(event, "donation.currency", str),
            "psp": read(event, "payment.psp", str),
            "reference": read(event, "payment.reference", str),
            "attempts": len(read(event, "payment.attempts", list[Any])),
        }
        send(Message("donation.paid", donation, detail))
        return {"status": "done"}
