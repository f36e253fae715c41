"""What becomes of payments, refunds and billing requests that GoCardless reports: ask for their state, and store it."""

from __future__ import annotations

from typing import Any

from attrs import evolve

from handlers import clock, refunds
from handlers.disputes.keeping import keep as keep_dispute
from handlers.disputes.record import LOST, REGAINED, WAITING, WON, Dispute
from handlers.psp import Outcome
from handlers.psp_gocardless import codes
from handlers.psp_gocardless.client import Services
from handlers.psp_gocardless.reading import is_further, metadata_of, number, own_attributes, section, text
from handlers.psp_webhook import begin_made_there, disputed_amount, record_with, settle
from handlers.refunds.conclusion import conclude
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


_LATE_FAILURES = ("failed", "late_failure_settled")
_TAKEN_BACK = ("charged_back", "failed")
"""What begins it: a failure before the payment was confirmed is no late one."""


def settle_payment(services: Services, reference: str) -> str:
    payment = own_attributes(services.payments.get(reference), reference)
    donation = metadata_of(payment).get("donation")
    if not isinstance(donation, str) or not donation:
        return "ignored"
    record = store().get(donation)
    if record is not None and record.status == "paid" and record.reference == reference:
        return _taken_back(services, record, payment)
    status = text(payment, "status")
    outcome = codes.PAYMENTS.get(status)
    is_decided = status == "failed" or outcome not in (None, Outcome.PENDING)
    return settle(donation, is_decided=is_decided, payment=reference, is_further=is_further(payment))


def settle_request(services: Services, identity: str) -> str:
    """A donor who has a mandate now, and perhaps did not come back: TakePayment creates the payment."""
    request = own_attributes(services.billing_requests.get(identity), identity)
    donation = metadata_of(request).get("donation")
    if not isinstance(donation, str) or not donation:
        return "ignored"
    return settle(donation, is_decided=text(request, "status") in ("fulfilled", "cancelled"), payment=identity)


def settle_refund(services: Services, identity: str) -> str:
    """Store the state of a refund: ours, or one that somebody made in the dashboard."""
    attributes = own_attributes(services.refunds.get(identity), identity)
    reference = section(attributes, "links").get("payment")
    if reference is None:
        return "ignored"  # money for a mandate's holder, of no payment
    payment = own_attributes(services.payments.get(reference), reference)
    record = record_with(metadata_of(payment).get("donation"), text(payment, "id"))
    if record is None or is_further(payment):
        return "ignored"
    known = {each.id: each for each in refunds.of_donation(record.id)}
    status, key = text(attributes, "status"), str(metadata_of(attributes).get("key"))
    refund = known.get(key) or begin_made_there(
        record,
        identity,
        amount=number(attributes, "amount"),
        currency=text(attributes, "currency"),
        payment=payment["id"],
        psp=PSP,
        at="GoCardless",
    )
    return conclude(refund, codes.REFUNDS.get(status, Outcome.PENDING), status).status


def _taken_back(services: Services, record: Transaction, payment: dict[str, Any]) -> str:
    """Store that the bank took a confirmed payment back: a late failure or a chargeback."""
    listed = [each.attributes for each in services.events.all({"payment": payment["id"], "limit": 500})]
    taken_back: dict[str, dict[str, Any]] = {}
    # GoCardless archives old events. If those of the beginning are gone, our record tells that it was paid.
    is_confirmed = not {"created", "confirmed"} & {event["action"] for event in listed}
    first, regained = "", list[str]()
    for event in reversed(listed):  # the oldest first
        action = event["action"]
        if action == "confirmed":
            if taken_back.get(first, {}).get("action") in _LATE_FAILURES:
                regained.append(first)
            is_confirmed = True
        elif action in _TAKEN_BACK and is_confirmed:
            first, is_confirmed = event["id"], False
        if first and action == "charged_back":
            taken_back.setdefault(first, event)
        elif first and action in _CHARGEBACKS:
            taken_back[first] = event
        # A payment may be taken back again after its bank gave it back, or after it was submitted again.
        is_confirmed = is_confirmed or action == "chargeback_cancelled"
    results = []
    for first, last in taken_back.items():
        kept = _kept(record, payment, first, last)
        # It failed late, was submitted again, and is there after all.
        kept = keep_dispute(evolve(kept, status=REGAINED)) if first in regained and kept.status == LOST else kept
        results.append(f"dispute {kept.status}")
    return ", ".join(results) or "nothing to do"


def _kept(record: Transaction, payment: dict[str, Any], first: str, last: dict[str, Any]) -> Dispute:
    """Store one time that the bank took the payment back, by the first and the last event of it."""
    details = last.get("details") or {}
    dispute = Dispute(
        id=f"{payment['id']}-{first}",
        donation=record.id,
        charity=str(record.charity),
        amount=disputed_amount(record, payment.get("amount"), payment.get("currency")),
        currency=str(record.currency),
        psp=PSP,
        reference=payment["id"],
        status=_CHARGEBACKS[last["action"]],
        reason=str(details.get("cause") or last["action"])[:100],
        stored_at=clock.now(),
    )
    return keep_dispute(dispute)
