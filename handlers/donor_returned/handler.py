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

    `details` has the parameters of the page's URL that the PSP needs, such as Adyen's `redirectResult`. Returns
    `{"status": "done"}`, or `{"status": "late"}` if the execution does not wait for the donor now: it asks the PSP
    anyway. Raises MalformedEvent.
    """
    with invocation(LOG, event, context):
        ticket = read(event, "ticket", str)
        output: dict[str, Any] = {"status": "returned"}
        if "outcome" in event:
            # It comes from the browser, and must leave room in the document for the payment.
            output["outcome"] = cards.redact(read(event, "outcome", str)[:2000])[:200]
        if "details" in event:
            output["details"] = _details(read(event, "details", dict[str, Any]))
        donation = redirects.donation_of(ticket)
        if donation is None:
            raise MalformedEvent("ticket: was never issued, or has expired")
        status = "done" if redirects.resume(donation, json.dumps(output), redirects.DONOR) else "late"
        LOG.info("returned", donation=donation, status=status)
        return {"status": status}


def _details(details: dict[str, Any]) -> dict[str, str]:
    """Return the known parameters unchanged: the PSP checks them. Raises MalformedEvent for a long one."""
    result = {name: read(details, name, str) for name in _PARAMETERS if name in details}
    if any(len(value) > _LONGEST for value in result.values()):
        raise MalformedEvent(f"details: expected at most {_LONGEST} characters per parameter")
    return result


_PARAMETERS = ("redirectResult",)
_LONGEST = 20_000
"""Characters. Adyen's redirectResult has some thousand; the document has room for this many."""
