"""CaptureSetup: check the request, store the capture as open, and create the document for the PSP's function."""

from __future__ import annotations

import json
from typing import Any, TypedDict

from handlers import clock
from handlers.captures import Capture, begin
from handlers.captures.checking import check
from handlers.document import read
from handlers.logs import invocation, logger

LOG = logger("capture_setup")


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
        asked = read(event, "amount", int) if event.get("amount") is not None else None
        record, known, amount = check(donation, asked)
        now = clock.now()
        capture = begin(
            Capture(
                donation=donation,
                amount=amount,
                reserved=known.reserved if known else int(record.amount or 0),
                currency=str(record.currency),
                charity=str(record.charity),
                psp=str(record.psp),
                reference=str(record.reference),
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
