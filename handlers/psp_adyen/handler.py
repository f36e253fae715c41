"""TakePayment at Adyen: see handlers.psp.perform for the event and the answer.

Environment: see handlers.psp_adyen.client, and ADYEN_RETURN_URL.
"""

from __future__ import annotations

from typing import Any

from handlers.logs import logger
from handlers.modes import checked
from handlers.psp import Payment
from handlers.psp.handling import handle
from handlers.psp_adyen.client import open_adyen
from handlers.psp_adyen.provider import AdyenPsp

LOG = logger("psp_adyen")


def handler(event: dict[str, Any], context: Any) -> Payment:
    return handle(LOG, event, context, lambda: AdyenPsp(open_adyen(), checked("ADYEN_RETURN_URL")))
