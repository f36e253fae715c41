"""RefundSetup: check the request, store the refund as open, and create the document for the PSP's function.

It runs again before each round of requests to the PSP: somebody may have closed the refund meanwhile.
"""

from __future__ import annotations

import json
from typing import Any, NotRequired, TypedDict

from attrs import evolve

from handlers import cards, clock, disputes
from handlers.document import MalformedEvent, read
from handlers.logs import invocation, logger
from handlers.refunds import Refund, begin, finish, of_donation
from handlers.refunds.record import NOT_GONE, identity
from handlers.terminal import plain
from handlers.transactions.record import is_erased
from handlers.transactions.store import store

LOG = logger("refund_setup")


class NotRefundable(Exception):
    """The donation cannot be refunded: it is unknown, was not taken, or less is left of it. Nothing was refunded."""


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
        record = store().get(donation)
        if record is None or record.status != "paid" or record.amount is None or not record.reference:
            raise NotRefundable(
                f"{cards.redact(donation)}: {record.status if record else 'unknown'}; expected a paid donation"
            )
        others = [each for each in of_donation(donation) if each.number != number]
        left = record.amount - sum(each.amount for each in others if each.status not in NOT_GONE)
        known = next((each for each in of_donation(donation) if each.number == number), None)
        # What the donor's bank takes back is not given back a second time.
        disputed = [each for each in disputes.listed() if each.donation == donation and each.takes_back and not known]
        left -= sum(each.amount for each in disputed)
        amount = read(event, "amount", int) if event.get("amount") is not None else known.amount if known else left
        if not 1 <= amount <= left:
            why = f"{amount} is not between 1 and the {left} that are left (minor unit)"
            taken = [f"dispute {each.id} ({each.status}) takes back {each.amount}" for each in disputed]
            raise NotRefundable("; ".join([f"{donation}: {why if left > 0 else 'nothing is left to refund'}", *taken]))
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
                reference=record.reference,
                status="open",
                code="",
                # Nobody would erase what is told of a donor whose data is erased already.
                reason="" if is_erased(record) else plain(cards.redact(str(event.get("reason") or "")))[:200],
                requested_at=now,
                stored_at=now,
            )
        )
        if not refund.is_final:
            # Whoever closes a refund sees that the PSP may be asked again.
            refund = finish(evolve(refund, stored_at=now))
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
