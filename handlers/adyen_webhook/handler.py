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
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from Adyen.util import is_valid_hmac_notification

from handlers import clock
from handlers.adyen_webhook.settling import LASTING, LOG, settled
from handlers.modes import is_for_us
from handlers.money import NotPayable
from handlers.psp.interface import is_amount
from handlers.psp_adyen.amounts import from_adyen
from handlers.psp_adyen.facts import Fact
from handlers.psp_webhook import BadSignature, content, receive, settle_each, signing_secrets
from handlers.secrets import setting

_REPORT = "REPORT_AVAILABLE"
"""It is not signed, and names a file instead of a payment (https://docs.adyen.com/reporting/automatically-get-reports)."""
_REFERENCE = r"[A-Za-z0-9_:-]{1,160}"
"""What ours look like; other systems that take payments for the merchant account have theirs."""
_LIVE = {"true": True, "false": False}
"""What `live` says of a request's events. It is not signed, so each platform needs an HMAC key of its own."""

_FIELDS = {
    # The signature joins the fields with colons. Only the merchantReference may contain one, so that nobody can move
    # the borders of a signed event's fields.
    "pspReference": r"[A-Z0-9]{1,64}",
    "originalReference": r"[A-Z0-9]{0,64}",
    "merchantAccountCode": r"[^:]{1,200}",
    "merchantReference": _REFERENCE,
    "eventCode": r"[A-Z0-9_]{1,64}",
    "success": r"true|false",
}


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Return status 200 and what was done, or 401 for a request that Adyen did not sign.

    Any exception makes Adyen send the event again, and hold back all later ones until it is accepted
    (https://docs.adyen.com/development-resources/webhooks/troubleshoot). So an event that another try would not settle
    is accepted: an alarm tells people, and the log which one it is.
    """
    return receive(LOG, event, context, verified=_verified, settled=_settled, refused=401)


def _settled(reported: tuple[bool | None, list[Fact]]) -> str:
    live, facts = reported
    kinds = [fact.kind for fact in facts]
    # Without a signed event anybody may have sent it.
    if facts and not is_for_us(live, "ADYEN_ENVIRONMENT", "Adyen"):
        LOG.warning("ignored", reason="events of the test platform", kinds=kinds)
        return "ignored"
    results = [*settle_each({fact.entry: partial(settled, fact) for fact in facts}, LOG, LASTING).values()]
    LOG.info("received", kinds=kinds, results=results)
    return ", ".join(results) or "ignored"


def _verified(event: Mapping[str, Any]) -> tuple[bool | None, list[Fact]]:
    """Return whether the request is of the live platform, if it tells, and its facts. Raises BadSignature."""
    facts = list(_facts(event))
    return _LIVE.get(str(json.loads(content(event)).get("live"))), facts


def _facts(event: Mapping[str, Any]) -> Iterator[Fact]:
    """Yield the request's events that may be about payments of ours. Raises BadSignature.

    Others are accepted, too.
    """
    keys = signing_secrets("ADYEN_HMAC_KEY")
    try:
        items = json.loads(content(event))["notificationItems"]
        if not items:
            raise BadSignature("there is nothing that is signed")
        for each in items:
            item = each["NotificationRequestItem"]
            if item["eventCode"] == _REPORT:
                continue
            if not any(is_valid_hmac_notification(item, key) for key in keys):
                raise BadSignature("the signature is another one")
            if re.fullmatch(_REFERENCE, item["merchantReference"]):
                yield _fact(item)
    except (ValueError, KeyError, TypeError, AttributeError, LookupError, RecursionError) as error:
        raise BadSignature(type(error).__name__) from error


def _fact(item: dict[str, Any]) -> Fact:
    for name, pattern in _FIELDS.items():
        if not re.fullmatch(pattern, item.get(name) or ""):
            raise BadSignature(f"{name} is not one of Adyen's")
    if item["merchantAccountCode"] != setting("ADYEN_MERCHANT_ACCOUNT"):
        raise BadSignature("it is for another merchant account")
    amount, currency = _amount(item["amount"])
    return Fact(
        reference=item["merchantReference"],
        kind=item["eventCode"],
        at=clock.now(),
        code=item["success"],
        psp_reference=item["pspReference"],
        original=item.get("originalReference") or "",
        amount=amount,
        currency=currency,
    )


def _amount(amount: dict[str, Any]) -> tuple[int, str]:
    """Return amount and currency; -1 for what is no amount that we asked for, or none at all."""
    value, currency = amount["value"], amount["currency"]
    currency = currency if isinstance(currency, str) and re.fullmatch("[A-Z]{3}", currency) else ""
    try:
        return (from_adyen(value, currency) if is_amount(value) else -1), currency
    except (NotPayable, KeyError):
        return -1, currency
