"""TakePayment at GoCardless: see handlers.psp.perform for the event and the answer.

Environment: see handlers.psp_gocardless.client, and GOCARDLESS_RETURN_URL.
"""

from __future__ import annotations

from typing import Any, cast

from handlers.logs import invocation, logger
from handlers.psp import INQUIRIES, KeyRejected, Payment, inquire, perform
from handlers.psp_gocardless.client import open_services
from handlers.psp_gocardless.provider import GoCardlessPsp
from handlers.secrets import fresh_secrets_after, setting

LOG = logger("psp_gocardless")


def handler(event: dict[str, Any], context: Any) -> Payment:
    with invocation(LOG, event, context), fresh_secrets_after(KeyRejected):
        psp = GoCardlessPsp(open_services(), setting("GOCARDLESS_RETURN_URL"))
        if event.get("operation") in INQUIRIES:
            # The flow never asks for this, and the checker takes the annotation for TakePayment's result.
            return cast("Payment", inquire(event, psp))
        result = perform(event, psp)
        LOG.info("answered", status=result["status"], code=result["code"], reference=result["reference"])
        return result
