"""Adyen's webhook (the standard one): keep what it tells, and settle what the flow waits for or could not store.

Environment: ADYEN_HMAC_KEY, and what psp_adyen needs. Adyen cannot be asked for a payment, so an event is believed, as
far as its signature reaches: HmacSHA256 over eight fields
(https://docs.adyen.com/development-resources/webhooks/verify-hmac-signatures). The reason, the time and all additional
data are not among them, and decide nothing. Events come late, more than once and in any order; a fact that is known
changes nothing, so an old request may be sent again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from Adyen.util import is_valid_hmac_notification

from handlers import cards, clock
from handlers.adyen_webhook.settling import LASTING, LOG, settled, was_asked_for
from handlers.document import Misconfigured
from handlers.modes import is_for_us
from handlers.money import NotPayable
from handlers.psp.interface import is_amount
from handlers.psp_adyen.amounts import from_adyen
from handlers.psp_adyen.facts import Fact
from handlers.psp_webhook import (
    BadSignature,
    ForPeople,
    UnknownSignature,
    content,
    receive,
    settle_each,
    signing_secrets,
)
from handlers.secrets import setting

_REPORT = "REPORT_AVAILABLE"
"""It is not signed, and names a file instead of a payment (https://docs.adyen.com/reporting/automatically-get-reports)."""
_REFERENCE = r"[A-Za-z0-9_:-]{1,160}"
"""What ours look like; other systems that take payments for the merchant account have theirs."""
_LIVE = {"true": True, "false": False}
"""What `live` says of a request's events. It is not signed, so each platform needs an HMAC key of its own."""

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
    """Return status 200 and what was done, or 401 for a request that Adyen did not sign.

    Any exception makes Adyen send the event again, and hold back all later ones until it is accepted
    (https://docs.adyen.com/development-resources/webhooks/troubleshoot). So an event that another try would not settle
    is accepted: an alarm tells people, and the log which one it is.
    """
    return receive(LOG, event, context, verified=_verified, settled=_settled, refused=401)


def _settled(reported: tuple[bool | None, list[dict[str, Any]]]) -> str:
    live, events = reported
    kinds = [event["eventCode"][:64] for event in events]
    # Without a signed event anybody may have sent it.
    if events and not is_for_us(live, "ADYEN_ENVIRONMENT", "Adyen"):
        LOG.warning("ignored", reason="events of the test platform", kinds=kinds)
        return "ignored"
    steps = {_name(event): partial(_settle, event) for event in events}
    results = [*settle_each(steps, LOG, LASTING).values()]
    LOG.info("received", kinds=kinds, results=results)
    return ", ".join(results) or "ignored"


def _name(event: Mapping[str, Any]) -> str:
    names = ("merchantReference", "eventCode", "success", "pspReference")
    return cards.redact("#".join(event[name][:160] for name in names))


def _settle(event: Mapping[str, Any]) -> str:
    """Settle a signed event of a payment that we asked for.

    Raises ForPeople if nobody could read it, and Misconfigured if it is of another merchant account than ours: Adyen
    sends it again until that is right, and cannot be asked for what it tells. Events of others are accepted.
    """
    if not was_asked_for(event["merchantReference"]):
        return "ignored"
    for name, pattern in _FIELDS.items():
        if not re.fullmatch(pattern, event[name]):
            raise ForPeople(f"{name} is not as Adyen's are")
    if event["merchantAccountCode"] != setting("ADYEN_MERCHANT_ACCOUNT"):
        raise Misconfigured(
            f"ADYEN_MERCHANT_ACCOUNT: Adyen has a payment of ours in another account: {event['merchantReference']}"
        )
    amount, currency = _amount(event["value"], event["currency"])
    return settled(
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


def _verified(event: Mapping[str, Any]) -> tuple[bool | None, list[dict[str, Any]]]:
    """Return whether the request is of the live platform, if it tells, and its events that may be about payments of
    ours: the signed fields of each. Others are accepted, too. Raises BadSignature."""
    keys = signing_secrets("ADYEN_HMAC_KEY")
    if not all(re.fullmatch("(?:[0-9A-Fa-f]{2})+", key) for key in keys):
        raise Misconfigured("ADYEN_HMAC_KEY: expected hexadecimal digits, as Adyen's Customer Area shows them")
    try:
        request = json.loads(content(event))
        items = [each["NotificationRequestItem"] for each in request["notificationItems"]]
        if not items:
            raise BadSignature("there is nothing that is signed")
        signed = [_signed(item, keys) for item in items if item["eventCode"] != _REPORT]
        live = _LIVE.get(str(request.get("live")))
    except (ValueError, KeyError, TypeError, AttributeError, LookupError, RecursionError) as error:
        raise BadSignature(type(error).__name__) from error
    return live, [each for each in signed if re.fullmatch(_REFERENCE, each["merchantReference"])]


def _signed(item: Mapping[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    """Return the fields of an event that Adyen signs, empty if it has none; nothing else of it is believed.

    The library would believe an event that has a signed one inside, and refuse one without an amount: for that, Adyen
    signs empty texts (`getDataToSign` in HMACValidator of its library for Java). The signature joins the fields with
    colons. Only the merchantReference may contain one, so that nobody can move the borders of the fields.
    """
    amount, signature = item.get("amount") or {}, item["additionalData"]["hmacSignature"]
    texts = {name: _or_empty(item.get(name)) for name in _FIELDS}
    value, currency = _or_empty(amount.get("value")), _or_empty(amount.get("currency"))
    borders = [value, currency, *(text for name, text in texts.items() if name != "merchantReference")]
    if any(":" in str(each) for each in borders) or not all(isinstance(text, str) for text in texts.values()):
        raise BadSignature("the signed fields cannot be told apart")
    plain = {**texts, "amount": {"value": value, "currency": currency}}
    checked = {**plain, "additionalData": {"hmacSignature": signature}}
    if not any(is_valid_hmac_notification(checked, key) for key in keys):
        kind = UnknownSignature if re.fullmatch("[A-Za-z0-9+/]{43}=", signature) else BadSignature
        raise kind("the signature is another one")
    return {**texts, "value": value, "currency": currency}


def _or_empty(value: Any) -> Any:
    return "" if value is None else value


def _amount(value: object, currency: object) -> tuple[int, str]:
    """Return amount and currency; -1 for what is no amount that we asked for, or none at all."""
    currency = currency if isinstance(currency, str) and re.fullmatch("[A-Z]{3}", currency) else ""
    try:
        return (from_adyen(value, currency) if is_amount(value) else -1), currency
    except (NotPayable, KeyError):
        return -1, currency
