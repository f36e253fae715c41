"""What the webhooks of all PSPs share: the request's body and headers, the response, and settling a donation's payment.

The request is that of a function URL or of API Gateway's HTTP API (payload format 2.0).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from handlers import redirects
from handlers.reconcile.sweep import ask_psp, execution_has_ended, reconcile
from handlers.transactions.store import store


class BadSignature(Exception):
    """The PSP did not sign this request with our secret."""


def content(event: Mapping[str, Any]) -> bytes:
    """Return the body. Raises BadSignature if it is no base64 although it should be."""
    body = str(event.get("body") or "")
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


def settle(donation: str, *, is_decided: bool) -> str:
    """Let the execution that waits for the PSP ask it, if it has decided; without one, settle what is stored as open or
    broken. Nothing depends on what the webhook said, so it may come late, twice and in any order."""
    if is_decided and redirects.resume(donation, json.dumps({"status": "told by the PSP"})):
        return "resumed"
    finding = reconcile(donation, store(), ask_psp, execution_has_ended)
    return "nothing to do" if finding is None else finding.repaired or "left open"
