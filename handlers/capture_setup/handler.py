"""CaptureSetup: check the request, store the capture as open, and create the document for the PSP's function."""

from __future__ import annotations

import json
from typing import Any, TypedDict

from handlers import cards, clock
from handlers.captures import Capture, begin, find
from handlers.document import read
from handlers.logs import invocation, logger
from handlers.transactions.store import store

LOG = logger("capture_setup")


class NotCapturable(Exception):
    """The donation cannot be captured: it is unknown or not reserved, or the amount is too large. Nothing was taken."""


class Document(TypedDict):
    """The capture flow's document: the parts of the donation's document that the PSP's function needs."""

    operation: str
    references: list[str]
    donation: dict[str, Any]
    payment: dict[str, Any]
    psp: dict[str, Any]
    amount: int
    status: str
    """The capture's."""


def handler(event: dict[str, Any], context: Any) -> Document:
    """Return the document for `{"donation": id, "amount": null}`.

    The amount is in the minor unit; without one all is taken, and 0 releases the reservation. Raises MalformedEvent,
    NotCapturable, CaptureConflict.
    """
    with invocation(LOG, event, context):
        donation = read(event, "donation", str)
        record, known = store().get(donation), find(donation)
        is_reserved = known is not None or (record is not None and record.status == "authorised")
        if record is None or record.amount is None or not record.reference or not is_reserved:
            state = record.status if record else "unknown"
            raise NotCapturable(f"{cards.redact(donation)}: {state}; expected a donation that is reserved (authorised)")
        reserved = known.reserved if known else record.amount
        amount = read(event, "amount", int) if event.get("amount") is not None else known.amount if known else reserved
        if not 0 <= amount <= reserved:
            raise NotCapturable(f"{donation}: {amount}; expected 0 to {reserved}, which is reserved (minor unit)")
        now = clock.now()
        capture = begin(
            Capture(
                donation=donation,
                amount=amount,
                reserved=reserved,
                currency=str(record.currency),
                charity=str(record.charity),
                psp=str(record.psp),
                reference=record.reference,
                status="open",
                code="",
                requested_at=now,
                stored_at=now,
            )
        )
        document = json.loads(record.document)
        kept = {name: document["donation"].get(name) for name in ("id", "charity", "currency")}
        LOG.info("prepared", status=capture.status)
        return {
            "operation": "capture" if capture.amount else "cancel",
            "references": [capture.reference],
            "donation": {**kept, "amount": capture.reserved},
            "payment": {"psp": capture.psp, "reference": capture.reference, "status": "authorised", "attempts": []},
            "psp": document["psp"],
            "amount": capture.amount,
            "status": capture.status,
        }
