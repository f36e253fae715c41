"""RefundSetup: check the request, store the refund as open, and create the document for the PSP's function.

It runs again before each round of requests to the PSP: somebody may have closed the refund meanwhile.
"""

from __future__ import annotations

import json
from typing import Any, NotRequired, TypedDict

from attrs import evolve

from handlers import cards, clock
from handlers.document import MalformedEvent, read
from handlers.logs import invocation, logger
from handlers.refunds import Refund, begin, finish
from handlers.refunds.checking import check
from handlers.refunds.record import identity
from handlers.terminal import plain
from handlers.transactions.record import is_erased

LOG = logger("refund_setup")


class Document(TypedDict):
    """The refund flow's document: what the PSP's function needs of the donation's, without the donor's data."""

    operation: str
    donation: dict[str, Any]
    payment: dict[str, Any]
    psp: dict[str, Any]
    number: int
    amount: int
    status: str
    """The refund's."""
    prepared_at: str
    """When this looked at the refund (RFC 3339): the PSP's function makes none that was prepared too long ago."""
    execution: NotRequired[str]


def handler(event: dict[str, Any], context: Any) -> Document:
    """Return the document for `{"donation": id, "number": 1, "amount": null, "reason": ""}`.

    Without an amount, all that earlier refunds and disputes left is refunded. Raises MalformedEvent, NotRefundable,
    RefundConflict.
    """
    with invocation(LOG, event, context):
        donation, number = read(event, "donation", str), read(event, "number", int)
        if number < 1:
            raise MalformedEvent("number: expected at least 1")
        asked = read(event, "amount", int) if event.get("amount") is not None else None
        record, amount = check(donation, number, asked)
        now = clock.now()
        refund = begin(
            Refund(
                id=identity(donation, number),
                donation=donation,
                number=number,
                amount=amount,
                currency=str(record.currency),
                charity=str(record.charity),
                psp=str(record.psp),
                reference=str(record.reference),
                status="open",
                code="",
                # Nobody would erase what is told of a donor whose data is erased already.
                reason="" if is_erased(record) else plain(cards.redact(str(event.get("reason") or "")))[:200],
                requested_at=now,
                stored_at=now,
            )
        )
        if not refund.is_final:
            # Whoever closes a refund sees that the PSP may be asked again. Not if somebody has closed it just now.
            refund = finish(evolve(refund, stored_at=now), of=refund)
        paid = json.loads(record.document)
        LOG.info("prepared", refund=refund.id, status=refund.status)
        return {
            "operation": "refund",
            "donation": {name: paid["donation"].get(name) for name in ("id", "charity", "amount", "currency")},
            "payment": {"psp": refund.psp, "reference": refund.reference, "status": "paid", "attempts": []},
            "psp": paid["psp"],
            "number": number,
            "amount": refund.amount,
            "status": refund.status,
            "prepared_at": now,
        }
