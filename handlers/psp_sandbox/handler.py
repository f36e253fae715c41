"""TakePayment at the sandbox: see handlers.psp.perform for the event and the answer."""

from __future__ import annotations

from typing import Any

from handlers.logs import logger
from handlers.psp import Payment
from handlers.psp.handling import handle
from handlers.psp_sandbox.provider import SandboxPsp
from handlers.psp_sandbox.table import open_ledger

LOG = logger("psp_sandbox")


def handler(event: dict[str, Any], context: Any) -> Payment:
    return handle(LOG, event, context, lambda: SandboxPsp(open_ledger()))
