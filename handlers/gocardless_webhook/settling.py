"""Payments, refunds and billing requests that GoCardless reports: ask for their state, and store it."""

from __future__ import annotations

from typing import Any

from attrs import evolve

from handlers import refunds
from handlers.disputes.keeping import keep
from handlers.disputes.record import LOST, REGAINED, WAITING, WON, Dispute
from handlers.psp import Outcome
from handlers.psp_gocardless import codes
from handlers.psp_gocardless.client import Services
from handlers.psp_gocardless.reading import is_further, metadata_of, number, own_attributes, section, text
from handlers.psp_webhook import begin_dashboard_refund, record_with, settle, store_dispute, store_latest
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
_FIRST = ("charged_back", "failed")
"""The first event of each time that a bank takes a payment back; `failed` only after the payment was confirmed."""


def settle_payment(services: Services, reference: str) -> str:
    """Settle the donation of a payment; one that is stored as paid may have been taken back."""
    payment = own_attributes(services.payments.get(reference), reference)
    donation = _donation(payment)
    if donation is None:
        return "ignored"
    record = store().get(donation)
    if record is not None and record.status == "paid" and record.reference == reference:
        return _store_disputes(services, record, payment)
    status = text(payment, "status")
    outcome = codes.PAYMENTS.get(status)
    is_decided = status == "failed" or outcome not in (None, Outcome.PENDING)
    return settle(donation, is_decided=is_decided, payment=reference, is_further=is_further(payment))


def settle_request(services: Services, identity: str) -> str:
    """Settle the donation of a billing request: the donor may have set up the mandate without coming back."""
    request = own_attributes(services.billing_requests.get(identity), identity)
    donation = _donation(request)
    if donation is None:
        return "ignored"
    return settle(donation, is_decided=text(request, "status") in ("fulfilled", "cancelled"), payment=identity)


def _donation(item: dict[str, Any]) -> str | None:
    donation = metadata_of(item).get("donation")
    return donation if isinstance(donation, str) and donation else None


def settle_refund(services: Services, identity: str) -> str:
    """Store the state of a refund: ours, or one that somebody made in the dashboard."""
    attributes = own_attributes(services.refunds.get(identity), identity)
    reference = section(attributes, "links").get("payment")
    if reference is None:
        return "ignored"  # it gives money to a mandate's holder, and is of no payment
    payment = own_attributes(services.payments.get(reference), reference)
    record = record_with(_donation(payment), text(payment, "id"))
    if record is None or is_further(payment):
        return "ignored"
    known = {each.id: each for each in refunds.of_donation(record.id)}
    status, key = text(attributes, "status"), str(metadata_of(attributes).get("key"))
    refund = known.get(key) or begin_dashboard_refund(
        record,
        identity,
        amount=number(attributes, "amount"),
        currency=text(attributes, "currency"),
        payment=payment["id"],
        psp=PSP,
        at="GoCardless",
    )
    return conclude(refund, codes.REFUNDS.get(status, Outcome.PENDING), status).status


def _store_disputes(services: Services, record: Transaction, payment: dict[str, Any]) -> str:
    """Store a dispute for each time that the bank took a confirmed payment back: a late failure or a chargeback."""

    def read() -> list[dict[str, Any]]:
        return [each.attributes for each in services.events.all({"payment": payment["id"], "limit": 500})]

    def store_all(events: list[dict[str, Any]]) -> str:
        last_events, regained = _disputes(events[::-1])
        results = []
        for first, last in last_events.items():
            dispute = _store_dispute(record, payment, first, last)
            if first in regained and dispute.status == LOST:
                dispute = keep(evolve(dispute, status=REGAINED))
            results.append(f"dispute {dispute.status}")
        return ", ".join(results) or "nothing to do"

    return store_latest(read, store_all)


def _disputes(events: list[dict[str, Any]]) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Return the last event of each dispute by the id of its first event, and the disputes after which the payment was
    confirmed again: it failed late, and was submitted again. The events are a paid payment's, oldest first."""
    last_events: dict[str, dict[str, Any]] = {}
    # GoCardless archives old events. If the first ones are missing, the record says that the payment was confirmed.
    is_confirmed = not {"created", "confirmed"} & {event["action"] for event in events}
    first, regained = "", list[str]()
    for event in events:
        action = event["action"]
        if action == "confirmed":
            if last_events.get(first, {}).get("action") in _LATE_FAILURES:
                regained.append(first)
            is_confirmed = True
        elif action in _FIRST and is_confirmed:
            first, is_confirmed = event["id"], False
        if first and action == "charged_back":
            last_events.setdefault(first, event)
        elif first and action in _CHARGEBACKS:
            last_events[first] = event
        # A payment may be taken back again after its bank gave it back, or after it was submitted again.
        is_confirmed = is_confirmed or action == "chargeback_cancelled"
    return last_events, regained


def _store_dispute(record: Transaction, payment: dict[str, Any], first: str, last: dict[str, Any]) -> Dispute:
    """Store a dispute, which has the id of its first event and the state of its last one."""
    details = last.get("details") or {}
    return store_dispute(
        record,
        f"{payment['id']}-{first}",
        amount=payment.get("amount"),
        currency=payment.get("currency"),
        payment=payment["id"],
        psp=PSP,
        status=_CHARGEBACKS[last["action"]],
        reason=str(details.get("cause") or last["action"]),
    )
