"""RefundSetup: check the request, store the refund as open, and create the document for the PSP's function.

It runs again before each round of requests to the PSP: somebody may have closed the refund meanwhile.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict

from attrs import evolve

from handlers import cards, clock, disputes
from handlers.document import MalformedEvent, read
from handlers.logs import invocation, logger
from handlers.refunds import Refund, begin, finish, of_donation
from handlers.refunds.record import NOT_GONE, identity
from handlers.terminal import plain
from handlers.transactions.record import Transaction, is_erased
from handlers.transactions.store import store

LOG = logger("refund_setup")


class NotRefundable(Exception):
    """The donation cannot be refunded: it is unknown, was not taken, or less is left of it. The PSP is not asked."""


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
        refunds = of_donation(donation)
        known = next((each for each in refunds if each.number == number), None)
        amount = _amount(event, record, known, refunds)
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


def _amount(event: Mapping[str, Any], record: Transaction, known: Refund | None, refunds: list[Refund]) -> int:
    """Return the refund's amount; `known` is the refund, if it was requested before.

    Raises NotRefundable if the PSP must not make it, MalformedEvent.
    """
    others = [each for each in refunds if each.number != event["number"] and each.status not in NOT_GONE]
    if known:
        # Of two that were requested at once, and are too much together, the first goes on.
        others = [each for each in others if each.number < known.number or not each.is_unheard]
    # What the donor's bank takes back, perhaps since the refund was requested, is not given back as well.
    disputed = [each for each in disputes.listed() if each.donation == record.id and each.takes_back]
    left = (record.amount or 0) - sum(each.amount for each in others) - sum(each.amount for each in disputed)
    amount = read(event, "amount", int) if event.get("amount") is not None else known.amount if known else left
    if 1 <= amount <= left or (known and not known.is_unheard):
        return amount
    why = (
        f"{amount} is not between 1 and the {left} that are left (minor unit)"
        if left > 0
        else "nothing is left to refund"
    )
    taken = [f"dispute {each.id} ({each.status}) takes back {each.amount}" for each in disputed]
    asked = [f"if {known.psp} has made it already, the sweep stores that"] if known else []
    raise NotRefundable("; ".join([f"{record.id}: {why}", *taken, *asked]))
