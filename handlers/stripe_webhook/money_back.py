"""Refunds and disputes that Stripe reports: ask Stripe for their state, and store it.

Only the object's id is taken from an event, so the same event twice, or an older one after a newer one, stores the
same: what Stripe says now.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import stripe
from attrs import field, frozen
from aws_lambda_powertools import Logger

from handlers import refunds
from handlers.disputes.record import LOST, NEEDS_RESPONSE, WAITING, WON
from handlers.psp import PspUnavailable
from handlers.psp_stripe.amounts import whole_amount
from handlers.psp_stripe.client import open_client
from handlers.psp_stripe.errors import translated_errors
from handlers.psp_stripe.provider import is_further, refund_outcome
from handlers.psp_webhook import begin_dashboard_refund, record_with, settle_each, store_dispute, store_latest
from handlers.refunds.conclusion import conclude
from handlers.transactions.record import Transaction

PSP = "psp_stripe"
_DISPUTES = {
    # https://docs.stripe.com/api/disputes/object#dispute_object-status
    "warning_needs_response": NEEDS_RESPONSE,
    "needs_response": NEEDS_RESPONSE,
    "appeal_needs_response": NEEDS_RESPONSE,
    "warning_closed": WON,
    "won": WON,
    "prevented": WON,
    "lost": LOST,
}


@translated_errors()
def settle_refund(reference: str) -> str:
    """Store the state of one refund, ours or one made in the dashboard; return its status."""
    stripe_object = open_client().v1.refunds.retrieve(reference, {"expand": ["payment_intent"]})
    _check(stripe_object, reference)
    return _settle(stripe_object, stripe_object.payment_intent)


@translated_errors()
def settle_refunds(intent: str, log: Logger) -> str:
    """Store the states of all refunds of a PaymentIntent; return their statuses. Raises the first error at the end."""
    client = open_client()
    payment = client.v1.payment_intents.retrieve(intent)
    listed = client.v1.refunds.list({"payment_intent": intent, "limit": 100}).auto_paging_iter()
    steps = {str(each.id): partial(_settle, each, payment) for each in listed}
    return ", ".join(settle_each(steps, log).values()) or "nothing to do"


def _check(stripe_object: Any, reference: str | None = None) -> None:
    """Raise PspUnavailable unless the object has this id, or any id without one."""
    identity = getattr(stripe_object, "id", None)
    if not isinstance(identity, str) or not identity or reference not in (None, identity):
        raise PspUnavailable("Stripe: the answer is about another object than was asked for")


def _settle(stripe_object: stripe.Refund, intent: Any) -> str:
    _check(stripe_object)
    record = _record(intent)
    if record is None:
        return "ignored"
    known = {each.id: each for each in refunds.of_donation(record.id)}
    refund = known.get(str(getattr(stripe_object.metadata, "key", None)))
    if refund is None:
        currency = stripe_object.currency.upper()
        refund = begin_dashboard_refund(
            record,
            stripe_object.id,
            amount=whole_amount(stripe_object.amount, currency),
            currency=currency,
            payment=str(intent.id),
            psp=PSP,
            at="Stripe",
        )
    return conclude(refund, refund_outcome(stripe_object), stripe_object.status or "unknown").status


@translated_errors()
def settle_dispute(reference: str) -> str:
    """Store the state of a dispute; return its status."""
    client = open_client()

    def read() -> _Dispute:
        stripe_object = client.v1.disputes.retrieve(reference, {"expand": ["payment_intent"]})
        _check(stripe_object, reference)
        return _Dispute(stripe_object, str(stripe_object.status))

    return store_latest(read, _store_dispute)


@frozen
class _Dispute:
    """Stripe's object; two readings are equal if its status is."""

    stripe_object: Any = field(eq=False)
    status: str


def _store_dispute(dispute: _Dispute) -> str:
    stripe_object = dispute.stripe_object
    record = _record(stripe_object.payment_intent)
    if record is None:
        return "ignored"
    currency = str(getattr(stripe_object, "currency", "")).upper()
    stored = store_dispute(
        record,
        stripe_object.id,
        amount=whole_amount(getattr(stripe_object, "amount", None), currency),
        currency=currency,
        payment=str(getattr(stripe_object.payment_intent, "id", "")),
        psp=PSP,
        status=_DISPUTES.get(dispute.status, WAITING),
        reason=str(getattr(stripe_object, "reason", "")),
        # https://docs.stripe.com/api/disputes/object#dispute_object-is_charge_refundable
        is_inquiry=getattr(stripe_object, "is_charge_refundable", False) is True,
    )
    return stored.status


def _record(intent: Any) -> Transaction | None:
    """Return the record of the donation that a PaymentIntent pays, or None for one that the flow did not ask for."""
    metadata = getattr(intent, "metadata", None)
    donation = getattr(metadata, "donation", None)
    return record_with(donation, intent.id) if donation and not is_further(metadata) else None
