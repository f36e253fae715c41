"""TakePayment at Stripe: see handlers.psp.perform for the event and the answer.

Environment: STRIPE_API_KEY and STRIPE_RETURN_URL; STRIPE_API_BASE names another server than Stripe's, for
tests.
"""

from __future__ import annotations

from typing import Any, cast

from handlers.logs import invocation, logger
from handlers.psp import INQUIRIES, KeyRejected, Payment, inquire, perform
from handlers.psp_stripe.client import open_client
from handlers.psp_stripe.provider import StripePsp
from handlers.secrets import fresh_secrets_after, setting

LOG = logger("psp_stripe")


def handler(event: dict[str, Any], context: Any) -> Payment:
    with invocation(LOG, event, context), fresh_secrets_after(KeyRejected):
        if event.get("operation") in INQUIRIES:
            # The flow never asks for this, and the checker takes the annotation for TakePayment's result.
            return cast("Payment", inquire(event, _psp()))
        result = perform(event, _psp())
        LOG.info("answered", status=result["status"], code=result["code"], reference=result["reference"])
        return result


def _psp() -> StripePsp:
    return StripePsp(open_client(), setting("STRIPE_RETURN_URL"))
