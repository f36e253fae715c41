"""TakePayment at Stripe: see handlers.psp.perform for the event and the answer.

Environment: see handlers.psp_stripe.client, and STRIPE_RETURN_URL.
"""

from __future__ import annotations

from typing import Any

from handlers.logs import logger
from handlers.modes import checked
from handlers.psp import Payment
from handlers.psp.handling import handle
from handlers.psp_stripe.client import open_client
from handlers.psp_stripe.provider import StripePsp

LOG = logger("psp_stripe")


def handler(event: dict[str, Any], context: Any) -> Payment:
    return handle(LOG, event, context, lambda: StripePsp(open_client(), checked("STRIPE_RETURN_URL")))
