"""What the webhooks of all PSPs share: the request's body and headers, the response, and settling a donation's payment.

The request is that of a function URL or of API Gateway's HTTP API (payload format 2.0).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from handlers import redirects
from handlers.psp import PspUnavailable
from handlers.reconcile.sweep import UNSWEPT, ask_psp, execution_has_ended, reconcile
from handlers.secrets import setting
from handlers.transactions.record import Transaction
from handlers.transactions.store import store

MAX_BODY = 2_000_000
"""Bytes. A PSP's request has some thousand, or some hundred thousand with many events."""


class BadSignature(Exception):
    """The PSP did not sign this request with our secret."""


def signing_secrets(name: str) -> list[str]:
    """Return the secrets with which the PSP may sign: those in the setting of this name, separated by spaces. There are
    two while a new one replaces the old one, which the PSP may still use for a while. Raises Misconfigured."""
    return setting(name).split()


def content(event: Mapping[str, Any]) -> bytes:
    """Return the body. Raises BadSignature if it is too large, or no base64 although it should be."""
    body = str(event.get("body") or "")
    if len(body) > MAX_BODY:
        raise BadSignature("the body is too large")
    try:
        return base64.b64decode(body, validate=True) if event.get("isBase64Encoded") else body.encode()
    except ValueError as error:
        raise BadSignature("the body cannot be read") from error


def header(event: Mapping[str, Any], name: str) -> str:
    """Return a header's value, empty without one; names are compared without case."""
    headers = event.get("headers")
    values = {str(key).lower(): value for key, value in headers.items()} if isinstance(headers, Mapping) else {}
    return str(values.get(name.lower()) or "")


def response(status: int, result: str) -> dict[str, Any]:
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json"},
        "body": json.dumps({"result": result}),
    }


def record_with(donation: object, payment: str) -> Transaction | None:
    """Return the donation's record, unless a conflict has this payment: then its refunds and disputes touch no total.

    `payment` is the PSP's id, with or without our reference before it.
    """
    record = store().get(donation) if isinstance(donation, str) and donation else None
    if record is None or record.status == "paid":
        return record if record and _id(record.reference) == _id(payment) else None
    conflicts = [each for each in store().history(record.id) if each.status in ("conflict", "closed")]
    return None if _id(payment) in {_id(each.reference) for each in conflicts} else record


def _id(reference: str | None) -> str:
    return str(reference).rpartition(":")[2]


def settle(donation: str, *, is_decided: bool, payment: str, is_further: bool = False) -> str:
    """Let the execution that waits for the PSP ask it, if it has decided; without one, settle what is stored.

    `payment` is the PSP's reference of the payment, which `is_further` if the flow did not ask for it: no execution can
    settle it. Nothing else depends on what the webhook said, so it may come late, twice and in any order. Raises
    PspUnavailable if the PSP has to tell it again, because no sweep would.
    """
    if is_decided and not is_further and redirects.resume(donation, json.dumps({"status": "told by the PSP"})):
        return "resumed"
    finding = reconcile(donation, store(), ask_psp, execution_has_ended, payment, is_further=is_further)
    if finding is None:
        return "nothing to do"
    if finding.repaired is None and (is_further or finding.status in UNSWEPT):
        raise PspUnavailable(f"{donation}: {finding.status}; {finding.reason}")
    return finding.repaired or "left open"
