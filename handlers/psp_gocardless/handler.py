"""TakePayment at GoCardless: see handlers.psp.perform for the event and the answer.

Environment: see handlers.psp_gocardless.client, and GOCARDLESS_RETURN_URL.
"""

from __future__ import annotations

from typing import Any

from handlers.logs import logger
from handlers.psp import Payment
from handlers.psp.handling import handle
from handlers.psp_gocardless.client import open_services
from handlers.psp_gocardless.provider import GoCardlessPsp
from handlers.secrets import setting

LOG = logger("psp_gocardless")


def handler(event: dict[str, Any], context: Any) -> Payment:
    return handle(LOG, event, context, lambda: GoCardlessPsp(open_services(), setting("GOCARDLESS_RETURN_URL")))
