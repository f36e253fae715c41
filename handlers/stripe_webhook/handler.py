"""Stripe's webhook: settle payments, and store the states of refunds and disputes.

Environment: STRIPE_WEBHOOK_SECRET, the endpoint's signing secret, and STRIPE_API_KEY. Stripe sends an event again, for
days, unless it is answered with 2xx; events come late, more than once and in any order
(https://docs.stripe.com/webhooks). So an event is only a reason to ask Stripe.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import stripe

from handlers.document import MalformedEvent, read
from handlers.logs import logger
from handlers.modes import is_for_us
from handlers.psp_stripe.provider import is_further
from handlers.psp_webhook import (
    BadSignature,
    UnknownSignature,
    content,
    header,
    parse_signed,
    receive,
    settle,
    signing_secrets,
)
from handlers.stripe_webhook import money_back

LOG = logger("stripe_webhook")

_DECIDED = ("payment_intent.succeeded", "payment_intent.canceled")
"""Events after which the donor has nothing left to do at Stripe."""


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Return status 200 and the result, or 400 for a request that Stripe did not sign.

    Any exception makes Stripe send the event again.
    """
    return receive(LOG, event, context, verify=_verify, settle=_settle, unsigned=400)


def _settle(received: dict[str, Any]) -> str:
    kind, item = str(received["type"]), received["data"]["object"]
    live = received.get("livemode")
    if not is_for_us(live if isinstance(live, bool) else None, "STRIPE_API_KEY", "Stripe"):
        LOG.warning("ignored", reason="an event of the test mode", kind=kind, event=received.get("id"))
        return "ignored"
    result = _settle_object(kind, item)
    LOG.info("received", kind=kind, event=received.get("id"), result=result)
    return result


def _verify(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return Stripe's event. Raises BadSignature if it was not signed with our secret, or more than five minutes ago.

    Source: https://docs.stripe.com/webhooks#verify-events.
    """
    secrets, signature = signing_secrets("STRIPE_WEBHOOK_SECRET"), header(event, "stripe-signature")
    try:
        text = content(event).decode()
        if not any(_is_signed(text, signature, secret) for secret in secrets):
            kind = UnknownSignature if re.search(r"v1=[0-9a-f]{64}", signature) else BadSignature
            raise kind("the signature does not match, or is too old")
    except (ValueError, TypeError) as error:
        raise BadSignature(type(error).__name__) from error
    received = parse_signed(text)
    read(received, "type", str)
    read(received, "data.object", dict[str, Any])
    return received


def _is_signed(text: str, signature: str, secret: str) -> bool:
    try:
        stripe.WebhookSignature.verify_header(text, signature, secret, stripe.Webhook.DEFAULT_TOLERANCE)
    except stripe.SignatureVerificationError:
        return False
    return True


def _settle_object(kind: str, item: dict[str, Any]) -> str:
    """Settle what the event is about, by the kind of its object (https://docs.stripe.com/api/events/types)."""
    if kind.startswith("charge.dispute."):
        return money_back.settle_dispute(_text(item, "id"))
    if item.get("object") == "refund":
        return money_back.settle_refund(_text(item, "id"))
    if kind == "charge.refunded":
        intent = item.get("payment_intent")
        return money_back.settle_refunds(_text(item, "payment_intent"), LOG) if intent else "ignored"
    metadata = item.get("metadata") or {}
    donation = metadata.get("donation") if isinstance(metadata, dict) else None
    if not isinstance(donation, str) or not donation:
        return "ignored"
    is_charge = item.get("object") == "charge"  # It has the metadata of its PaymentIntent.
    payment = _text(item, "payment_intent" if is_charge else "id")
    return settle(donation, is_decided=kind in _DECIDED, payment=payment, is_further=is_further(metadata))


def _text(item: dict[str, Any], name: str) -> str:
    value = item.get(name)
    if not isinstance(value, str) or not value:
        raise MalformedEvent(f"data.object.{name}: expected the id of an object of Stripe's")
    return value
