"""AwaitConfirmation: store the task token with which the PSP's webhook resumes the execution.

Step Functions calls this with `lambda:invoke.waitForTaskToken`, for a payment that the PSP takes days to decide (a bank
debit).
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
