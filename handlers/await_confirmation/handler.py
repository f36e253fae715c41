"""AwaitConfirmation: keep the task token with which the PSP's webhook lets the execution go on.

Step Functions calls this with `lambda:invoke.waitForTaskToken`. The PSP has the payment and takes days to decide it (a
bank debit), so there is nobody to tell.
"""

from __future__ import annotations

from typing import Any

from handlers import redirects
from handlers.document import Done, read
from handlers.logs import invocation, logger

LOG = logger("await_confirmation")


def handler(event: dict[str, Any], context: Any) -> Done:
    """Store the token under the donation; the event is `{"token": …, "document": …}`. Raises MalformedEvent."""
    with invocation(LOG, event, context):
        token = read(event, "token", str)
        redirects.keep(read(event, "document.donation.id", str), token, redirects.PSP)
        LOG.info("waiting", reference=read(event, "document.payment.reference", str))
        return {"status": "done"}
