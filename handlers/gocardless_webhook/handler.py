"""GoCardless's webhook: settle bank debits, and store the states of refunds and of debits that banks take back.

Environment: GOCARDLESS_WEBHOOK_SECRET, the endpoint's secret, and what psp_gocardless needs. The signature is over the
body alone (https://developer.gocardless.com/getting-started/staying-up-to-date-with-webhooks#verifying-webhooks), so an
old request can be replayed. That changes nothing: an event is only a reason to ask GoCardless.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from handlers.document import MalformedEvent, read
from handlers.gocardless_webhook.settling import settle_payment, settle_refund, settle_request
from handlers.logs import logger
from handlers.modes import is_for_us
from handlers.psp_gocardless.client import Services, open_services
from handlers.psp_gocardless.errors import translated_errors
from handlers.psp_webhook import (
    BadSignature,
    UnknownSignature,
    content,
    header,
    parse_signed,
    receive,
    settle_each,
    signing_secrets,
)

LOG = logger("gocardless_webhook")

_ORIGINS = {"https://api.gocardless.com": True, "https://api-sandbox.gocardless.com": False}
"""What a webhook's `Origin` says of its events: whether they are live
(https://developer.gocardless.com/api-reference/#appendix-webhooks)."""

_SETTLED_BY = {
    "payments": ("payment", settle_payment),
    "refunds": ("refund", settle_refund),
    "billing_requests": ("billing_request", settle_request),
}


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Return status 200 and the results, or 498 for a request that GoCardless did not sign.

    Any exception makes GoCardless send all events of the request again.
    """
    # 498 is the status that GoCardless's documentation asks for.
    return receive(LOG, event, context, verify=_verify, settle=_settle, unsigned=498)


def _settle(reported: tuple[bool | None, list[dict[str, Any]]]) -> str:
    live, events = reported
    if not is_for_us(live, "GOCARDLESS_ENVIRONMENT", "GoCardless"):
        LOG.warning("ignored", reason="events of the sandbox", events=len(events))
        return "ignored"
    with translated_errors():
        result = _settle_all(events, open_services())
    LOG.info("received", events=len(events), result=result)
    return result


def _verify(event: Mapping[str, Any]) -> tuple[bool | None, list[dict[str, Any]]]:
    """Return true if the request's events are live, None if it does not say, and the events. Raises BadSignature,
    MalformedEvent."""
    body, signature = content(event), header(event, "webhook-signature")
    secrets = signing_secrets("GOCARDLESS_WEBHOOK_SECRET")
    if not re.fullmatch("[0-9a-f]{64}", signature):
        raise BadSignature("no signature")
    if not any(_is_signed(body, secret, signature) for secret in secrets):
        raise UnknownSignature("the signature does not match")
    events = read(parse_signed(body), "events", list[Any])
    if not all(isinstance(each, dict) for each in events):
        raise MalformedEvent("events: expected objects")
    return _ORIGINS.get(header(event, "origin")), events


def _is_signed(body: bytes, secret: str, signature: str) -> bool:
    # The library has one error for a body that it cannot read and for a signature that does not match.
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(digest, signature)


def _settle_all(events: list[dict[str, Any]], services: Services) -> str:
    """Settle each object that the events are about, once."""
    steps: dict[str, Callable[[], str]] = {}
    for event in events:
        link, settle_object = _SETTLED_BY.get(str(event.get("resource_type")), (None, None))
        links = event.get("links")
        identity = links.get(link) if isinstance(links, dict) else None
        if settle_object and isinstance(identity, str) and identity:
            steps[identity] = partial(settle_object, services, identity)
    return ", ".join(f"{identity}: {result}" for identity, result in settle_each(steps, LOG).items()) or "ignored"
