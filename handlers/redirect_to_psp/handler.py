"""RedirectToPsp: ask the web front-end to send the donor to the PSP, and wait for the donor with a task token.

Step Functions calls this with `lambda:invoke.waitForTaskToken`; the return page's function (donor_returned)
answers the token.
"""

from __future__ import annotations

import hashlib
from typing import Any

from handlers.document import Done, read
from handlers.logs import invocation, logger
from handlers.outbox import Message, send

LOG = logger("redirect_to_psp")


def handler(event: dict[str, Any], context: Any) -> Done:
    """Send `payment.redirect` with the URL and the token; the event is `{"token": …, "document": …}`.

    A new token (the step was retried) is a new message. Raises MalformedEvent, NotDelivered.
    """
    with invocation(LOG, event, context):
        token = read(event, "token", str)
        donation = read(event, "document.donation.id", str)
        number = len(read(event, "document.payment.attempts", list[Any]))
        detail = {
            "donation": donation,
            "url": read(event, "document.payment.redirect_url", str),
            "token": token,
        }
        issue = hashlib.sha256(token.encode()).hexdigest()[:12]
        send(Message("payment.redirect", f"{donation}-{number}-{issue}", detail))
        LOG.info("redirected", attempt=number)
        return {"status": "done"}
