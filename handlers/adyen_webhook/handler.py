"""Adyen's webhook (the standard one): store its events, and settle what they are about.

Environment: ADYEN_HMAC_KEY, and what psp_adyen needs. Adyen has no request for a payment's state, so an event is
believed as far as its signature reaches: HmacSHA256 over eight fields
(https://docs.adyen.com/development-resources/webhooks/verify-hmac-signatures). The reason, the time and all additional
data are not signed, and decide nothing. Events come late, more than once and in any order; one that is stored changes
nothing, so an old request may be replayed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from Adyen.util import is_valid_hmac_notification

from handlers import cards, clock
from handlers.adyen_webhook.settling import LASTING, LOG, settle_fact, was_asked_for
from handlers.document import Misconfigured
from handlers.modes import is_for_us
from handlers.money import NotPayable
from handlers.psp.interface import is_amount
from handlers.psp_adyen.amounts import from_adyen
from handlers.psp_adyen.facts import Fact
from handlers.psp_webhook import (
    BadSignature,
    NeedsOperator,
    UnknownSignature,
    content,
    receive,
    settle_each,
    signing_secrets,
)
from handlers.secrets import setting

_REPORT = "REPORT_AVAILABLE"
"""An event that is not signed, and names a file instead of a payment (https://docs.adyen.com/reporting/automatically-get-reports)."""
_REFERENCE = r"[A-Za-z0-9_:-]{1,160}"
"""Our references match it. Other systems that use the merchant account have references of their own."""
_LIVE = {"true": True, "false": False}
"""Values of a request's `live`. It is not signed, so each platform needs an HMAC key of its own."""

_FIELDS = {
    "pspReference": r"[A-Za-z0-9_.-]{1,80}",
    "originalReference": r"[A-Za-z0-9_.-]{0,80}",
    "merchantAccountCode": r".{0,200}",
    "merchantReference": _REFERENCE,
    "eventCode": r"[A-Z0-9_]{1,64}",
    "success": r"true|false",
}
"""What is signed but for the amount, and what it looks like."""


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Return status 200 and the results, or 401 for a request that Adyen did not sign.

    Any exception makes Adyen send the events again, and hold back all later ones until they are accepted
    (https://docs.adyen.com/development-resources/webhooks/troubleshoot). So an event that another try would not settle
    is accepted: an alarm tells an operator, and the log names the event.
    """
    return receive(LOG, event, context, verify=_verify, settle=_settle, unsigned=401)


def _settle(reported: tuple[bool | None, list[dict[str, Any]]]) -> str:
    live, events = reported
    kinds = [event["eventCode"][:64] for event in events]
    # Anybody can send a request without a signed event.
    if events and not is_for_us(live, "ADYEN_ENVIRONMENT", "Adyen"):
        LOG.warning("ignored", reason="events of the test platform", kinds=kinds)
        return "ignored"
    steps = {_name(event): partial(_settle_event, event) for event in events}
    results = [*settle_each(steps, LOG, LASTING).values()]
    LOG.info("received", kinds=kinds, results=results)
    return ", ".join(results) or "ignored"


def _name(event: Mapping[str, Any]) -> str:
    names = ("merchantReference", "eventCode", "success", "pspReference")
    return cards.redact("#".join(event[name][:160] for name in names))


def _settle_event(event: Mapping[str, Any]) -> str:
    """Settle a signed event of a payment that we asked for.

    Raises NeedsOperator if a field is invalid, and Misconfigured if the event is of another merchant account than ours:
    Adyen sends it again until the setting is right. Events of payments that we did not ask for are ignored.
    """
    if not was_asked_for(event["merchantReference"]):
        return "ignored"
    for name, pattern in _FIELDS.items():
        if not re.fullmatch(pattern, event[name]):
            raise NeedsOperator(f"invalid {name}")
    if event["merchantAccountCode"] != setting("ADYEN_MERCHANT_ACCOUNT"):
        raise Misconfigured(
            f"ADYEN_MERCHANT_ACCOUNT: Adyen has a payment of ours in another account: {event['merchantReference']}"
        )
    amount, currency = _amount(event["value"], event["currency"])
    return settle_fact(
        Fact(
            reference=event["merchantReference"],
            kind=event["eventCode"],
            at=clock.now(),
            code=event["success"],
            psp_reference=event["pspReference"],
            original=event["originalReference"],
            amount=amount,
            currency=currency,
        )
    )


def _verify(event: Mapping[str, Any]) -> tuple[bool | None, list[dict[str, Any]]]:
    """Return true if the request is of the live platform, None if it does not say, and the signed fields of each event
    that may be about a payment of ours; skip other events. Raises BadSignature, Misconfigured."""
    keys = signing_secrets("ADYEN_HMAC_KEY")
    if not all(re.fullmatch("(?:[0-9A-Fa-f]{2})+", key) for key in keys):
        raise Misconfigured("ADYEN_HMAC_KEY: expected hexadecimal digits, as Adyen's Customer Area shows them")
    try:
        request = json.loads(content(event))
        items = [each["NotificationRequestItem"] for each in request["notificationItems"]]
        if not items:
            raise BadSignature("no signed event")
        signed = [_signed(item, keys) for item in items if item["eventCode"] != _REPORT]
        live = _LIVE.get(str(request.get("live")))
    except (ValueError, KeyError, TypeError, AttributeError, LookupError, RecursionError) as error:
        raise BadSignature(type(error).__name__) from error
    return live, [each for each in signed if re.fullmatch(_REFERENCE, each["merchantReference"])]


def _signed(item: Mapping[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    """Return the fields of an event that Adyen signs, each empty if it is missing. Raises BadSignature.

    The library would accept an event that contains a signed one, and reject one without an amount, for which Adyen
    signs empty texts (`getDataToSign` in HMACValidator of its library for Java). The signature joins the fields with
    colons: only the merchantReference may contain one, so that the signed text has one meaning.
    """
    amount, signature = item.get("amount") or {}, item["additionalData"]["hmacSignature"]
    texts = {name: _or_empty(item.get(name)) for name in _FIELDS}
    value, currency = _or_empty(amount.get("value")), _or_empty(amount.get("currency"))
    borders = [value, currency, *(text for name, text in texts.items() if name != "merchantReference")]
    if any(":" in str(each) for each in borders) or not all(isinstance(text, str) for text in texts.values()):
        raise BadSignature("a colon in the signed fields")
    plain = {**texts, "amount": {"value": value, "currency": currency}}
    notification = {**plain, "additionalData": {"hmacSignature": signature}}
    if not any(is_valid_hmac_notification(notification, key) for key in keys):
        kind = UnknownSignature if re.fullmatch("[A-Za-z0-9+/]{43}=", signature) else BadSignature
        raise kind("the signature does not match")
    return {**texts, "value": value, "currency": currency}


def _or_empty(value: Any) -> Any:
    return "" if value is None else value


def _amount(value: object, currency: object) -> tuple[int, str]:
    """Return the amount in ISO 4217's minor unit, -1 if it is invalid, and the currency, empty if it is invalid."""
    currency = currency if isinstance(currency, str) and re.fullmatch("[A-Z]{3}", currency) else ""
    try:
        return (from_adyen(value, currency) if is_amount(value) else -1), currency
    except (NotPayable, KeyError):
        return -1, currency
