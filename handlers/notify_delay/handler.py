"""NotifyDelay: notify other systems that a payment will be attempted again later."""

from __future__ import annotations

from typing import Any

from handlers.document import Done, read
from handlers.logs import invocation, logger
from handlers.outbox import Message, send

LOG = logger("notify_delay")


def handler(event: dict[str, Any], context: Any) -> Done:
    """Send `payment.delayed` once per attempt. Raises MalformedEvent, NotDelivered."""
    with invocation(LOG, event, context):
        donation = read(event, "donation.id", str)
        number = len(read(event, "payment.attempts", list[Any]))
        delay = read(event, "payment.delay_seconds", int)
        detail = {
            "donation": donation,
            "charity": read(event, "donation.charity", str),
            "psp": read(event, "payment.psp", str),
            "attempt": number,
            "delay_seconds": delay,
        }
        send(Message("payment.delayed", f"{donation}-{number}", detail))
        LOG.info("notified", attempt=number, delay_seconds=delay)
        return {"status": "done"}
