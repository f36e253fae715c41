"""Resume the execution when the donor is back from the PSP.

The browser is not trusted with the payment's outcome: TakePayment asks the PSP next.
"""

from __future__ import annotations

import json
from typing import Any

from handlers import cards, redirects
from handlers.document import MalformedEvent, read
from handlers.logs import invocation, logger

LOG = logger("donor_returned")


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Resume the execution; the event is `{"ticket": …}`, with an `outcome` if the page knows one.

    Return `{"status": "done"}`, or `{"status": "late"}` if the execution does not wait for the donor (any more, or just
    now): it asks the PSP anyway. Raises MalformedEvent.
    """
    with invocation(LOG, event, context):
        ticket = read(event, "ticket", str)
        output = {"status": "returned"}
        if "outcome" in event:
            # It comes from the browser, and must leave room in the document for the payment.
            output["outcome"] = cards.redact(read(event, "outcome", str)[:200])
        donation = redirects.donation_of(ticket)
        if donation is None:
            raise MalformedEvent("ticket: was never issued")
        status = "done" if redirects.resume(donation, json.dumps(output)) else "late"
        LOG.info("returned", donation=donation, status=status)
        return {"status": status}
