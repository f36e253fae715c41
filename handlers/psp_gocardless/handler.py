"""TakePayment at GoCardless: see handlers.psp.perform for the event and the answer.

Environment: see handlers.psp_gocardless.client, and GOCARDLESS_RETURN_URL.
"""

from __future__ import annotations

from typing import Any

from handlers.logs import logger
from handlers.modes import checked
from handlers.psp import Payment
from handlers.psp.handling import handle
from handlers.psp_gocardless.client import open_services
from handlers.psp_gocardless.provider import GoCardlessPsp

LOG = logger("psp_gocardless")


def handler(event: dict[str, Any], context: Any) -> Payment:
    return handle(LOG, event, context, lambda: GoCardlessPsp(open_services(), checked("GOCARDLESS_RETURN_URL")))
