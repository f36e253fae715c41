"""What becomes of payments, refunds and billing requests that GoCardless reports: ask for their state, and store it."""

from __future__ import annotations

from typing import Any

from handlers import clock, disputes, refunds
from handlers.disputes.record import LOST, WAITING, WON, Dispute
from handlers.psp import Outcome
from handlers.psp_gocardless import codes
from handlers.psp_gocardless.client import Services
from handlers.psp_webhook import settle
from handlers.refunds import Refund
from handlers.transactions.record import Transaction
from handlers.transactions.store import store

PSP = "psp_gocardless"

_CHARGEBACKS = {
    # https://developer.gocardless.com/api-reference/#event-types-payment
    "charged_back": WAITING,
    "chargeback_cancelled": WON,
    "chargeback_settled": LOST,
    "failed": LOST,
    "late_failure_settled": LOST,
}


def settle_payment(services: Services, reference: str) -> str:
    payment = services.payments.get(reference).attributes
    donation = payment["metadata"].get("donation")
    if not isinstance(donation, str) or not donation:
        return "ignored"
    record = store().get(donation)
    if record is not None and record.status == "paid" and record.reference == reference:
        return _taken_back(services, record, payment)
    outcome = codes.PAYMENTS.get(payment["status"])
    return settle(donation, is_decided=payment["status"] == "failed" or outcome not in (None, Outcome.PENDING))


def settle_request(services: Services, identity: str) -> str:
    """A donor who has a mandate now, and perhaps did not come back: TakePayment creates the payment."""
    request = services.billing_requests.get(identity).attributes
    donation = request["metadata"].get("donation")
    if not isinstance(donation, str) or not donation:
        return "ignored"
    return settle(donation, is_decided=request["status"] in ("fulfilled", "cancelled"))


def settle_refund(services: Services, identity: str) -> str:
    """Store the state of a refund: ours, or one that somebody made in the dashboard."""
    attributes = services.refunds.get(identity).attributes
    payment = services.payments.get(attributes["links"]["payment"]).attributes
    donation = payment["metadata"].get("donation")
    record = store().get(donation) if isinstance(donation, str) and donation else None
    if record is None:
        return "ignored"
    known = {each.id: each for each in refunds.of_donation(record.id)}
    refund = known.get(str(attributes["metadata"].get("key"))) or refunds.begin(
        _foreign(record, attributes, payment["id"])
    )
    outcome = codes.REFUNDS.get(attributes["status"], Outcome.PENDING)
    return refunds.conclude(refund, outcome, attributes["status"]).status


def _taken_back(services: Services, record: Transaction, payment: dict[str, Any]) -> str:
    """Store that the bank took a confirmed payment back: a late failure or a chargeback."""
    listed = [each.attributes for each in services.events.all({"payment": payment["id"], "limit": 500})]
    # Newest first. A failure before the payment was confirmed is no late one.
    since = next((n for n, each in enumerate(listed) if each["action"] == "confirmed"), len(listed))
    later = [each for each in listed[:since] if each["action"] in _CHARGEBACKS]
    if not later:
        return "nothing to do"
    newest = later[0]
    details = newest.get("details") or {}
    dispute = Dispute(
        # One per confirmation: a payment that was submitted again may be taken back again.
        id=f"{payment['id']}-{listed[since]['id'] if since < len(listed) else 'first'}",
        donation=record.id,
        charity=str(record.charity),
        amount=payment["amount"],
        currency=payment["currency"],
        psp=PSP,
        reference=payment["id"],
        status=_CHARGEBACKS[newest["action"]],
        reason=str(details.get("cause") or newest["action"])[:100],
        stored_at=clock.now(),
    )
    return f"dispute {disputes.keep(dispute).status}"


def _foreign(record: Transaction, attributes: dict[str, Any], payment: str) -> Refund:
    """A refund that somebody made at GoCardless: what is left of the donation, and the totals, have to know it."""
    now = clock.now()
    return Refund(
        id=f"{record.id}:refund:{attributes['id']}",
        donation=record.id,
        number=0,
        amount=attributes["amount"],
        currency=attributes["currency"],
        charity=str(record.charity),
        psp=PSP,
        reference=payment,
        status="open",
        code="",
        reason="made at GoCardless",
        requested_at=now,
        stored_at=now,
    )
