"""RedirectToPsp: ask the web front-end to send the donor to the PSP, and wait for the donor with a task token.

Step Functions calls this with `lambda:invoke.waitForTaskToken`. The token stays in handlers.redirects; the return
page's function (donor_returned) gets a ticket for it.
"""

from __future__ import annotations

from typing import Any

from handlers import redirects
from handlers.document import MOST_RETURNS, Done, read, read_objects
from handlers.logs import invocation, logger
from handlers.outbox import Message, send

LOG = logger("redirect_to_psp")


def handler(event: dict[str, Any], context: Any) -> Done:
    """Send `payment.redirect` with the URL and a ticket; the event is `{"token": …, "document": …}`.

    A retried step has a new token, and sends a new message. If the flow waits again for a donor who is at the PSP, the
    token is only stored: the donor has a ticket already. Raises MalformedEvent, NotDelivered.
    """
    with invocation(LOG, event, context):
        token = read(event, "token", str)
        donation = read(event, "document.donation.id", str)
        attempts = read_objects(event, "document.payment.attempts")
        url = read(event, "document.payment.redirect_url", str)
        returns = read(attempts[-1], "returns", int) if attempts and "returns" in attempts[-1] else 0
        # A browser or a mail filter that keeps loading the return page must not exhaust the execution's events.
        awaits = redirects.DONOR if returns <= MOST_RETURNS else redirects.PSP
        ticket = redirects.keep(donation, token, awaits)
        if not returns:
            detail = {"donation": donation, "url": url, "ticket": ticket}
            send(Message("payment.redirect", f"{donation}-{len(attempts)}-{ticket[:12]}", detail))
        LOG.info("redirected", attempt=len(attempts))
        return {"status": "done"}
