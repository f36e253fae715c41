"""Refunds and disputes that Stripe reports: ask Stripe for their state, and store it.

Nothing depends on what an event says but the object's id, so the same event twice, or an older one after a newer one,
stores the same: what Stripe says now.
"""

from __future__ import annotations

from typing import Any

import stripe

from handlers import clock, refunds
from handlers.disputes.keeping import keep as keep_dispute
from handlers.disputes.record import LOST, NEEDS_RESPONSE, WAITING, WON, Dispute
from handlers.psp_stripe.amounts import from_stripe
from handlers.psp_stripe.client import open_client
from handlers.psp_stripe.provider import is_further, refund_outcome
from handlers.psp_webhook import begin_made_there, record_with
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


def settle_refund(reference: str) -> str:
    """Store the state of one refund at Stripe, and return it: that of our refund, or of one made in the dashboard."""
    stripe_object = open_client().v1.refunds.retrieve(reference, {"expand": ["payment_intent"]})
    return _settled(stripe_object, stripe_object.payment_intent)


def settle_refunds(intent: str) -> str:
    """Store the states of all refunds of a PaymentIntent, and return them."""
    client = open_client()
    payment = client.v1.payment_intents.retrieve(intent)
    listed = client.v1.refunds.list({"payment_intent": intent, "limit": 100}).auto_paging_iter()
    return ", ".join(_settled(each, payment) for each in listed) or "nothing to do"


def _settled(stripe_object: stripe.Refund, intent: Any) -> str:
    record = _record(intent)
    if record is None:
        return "ignored"
    known = {each.id: each for each in refunds.of_donation(record.id)}
    refund = known.get(str(getattr(stripe_object.metadata, "key", None)))
    if refund is None:
        currency = stripe_object.currency.upper()
        refund = begin_made_there(
            record,
            stripe_object.id,
            amount=from_stripe(stripe_object.amount, currency),
            currency=currency,
            payment=str(intent.id),
            psp=PSP,
            at="Stripe",
        )
    return conclude(refund, refund_outcome(stripe_object), stripe_object.status or "unknown").status


def settle_dispute(reference: str) -> str:
    """Store the state of a dispute at Stripe, and return it."""
    stripe_object = open_client().v1.disputes.retrieve(reference, {"expand": ["payment_intent"]})
    record = _record(stripe_object.payment_intent)
    if record is None:
        return "ignored"
    currency = stripe_object.currency.upper()
    dispute = Dispute(
        id=stripe_object.id,
        donation=record.id,
        charity=str(record.charity),
        amount=from_stripe(stripe_object.amount, currency),
        currency=currency,
        psp=PSP,
        reference=str(getattr(stripe_object.payment_intent, "id", "")),
        status=_DISPUTES.get(stripe_object.status, WAITING),
        reason=stripe_object.reason,
        stored_at=clock.now(),
        # https://docs.stripe.com/api/disputes/object#dispute_object-is_charge_refundable
        is_inquiry=getattr(stripe_object, "is_charge_refundable", False) is True,
    )
    return keep_dispute(dispute).status


def _record(intent: Any) -> Transaction | None:
    """Return the record of the donation that a PaymentIntent pays, or None for one that the flow did not ask for."""
    metadata = getattr(intent, "metadata", None)
    donation = getattr(metadata, "donation", None)
    return record_with(donation, intent.id) if donation and not is_further(metadata) else None
