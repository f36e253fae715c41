"""SelectPsp: choose the PSP by currency, payment method, charity and configuration."""

from __future__ import annotations

from typing import Any

from handlers.document import Misconfigured, read
from handlers.logs import invocation, logger
from handlers.select_psp.selection import select, settings

LOG = logger("select_psp")


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Return `name`, `function_arn` and `reason`. Raises NoPspAvailable, MalformedEvent, Misconfigured."""
    with invocation(LOG, event, context):
        donation = read(event, "donation", dict[str, Any])
        read(donation, "payment_method", dict[str, Any])
        psp, reason = select(donation, settings())
        LOG.info("selected", psp=psp.name, reason=reason)
        arn = _beside(context.invoked_function_arn, psp.function)
        return {"name": psp.name, "function_arn": arn, "reason": reason}


def _beside(own_arn: str, function: str) -> str:
    """The ARN of another function in the same partition, region and account."""
    parts = own_arn.split(":")
    if len(parts) < 7:
        raise Misconfigured("invoked_function_arn: expected arn:partition:lambda:region:account:function:name")
    return ":".join([*parts[:6], function])
