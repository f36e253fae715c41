"""Settle what an event of Adyen's is about: a payment, a refund or a dispute."""

from __future__ import annotations

from functools import partial

from handlers import refunds
from handlers.disputes.record import LOST, NEEDS_RESPONSE, WAITING, WON
from handlers.logs import logger
from handlers.modes import checked
from handlers.psp import Outcome, PspRefused
from handlers.psp_adyen import states
from handlers.psp_adyen.client import open_adyen
from handlers.psp_adyen.facts import ANSWERED, SENT, Fact, donation_of, facts_of, keep
from handlers.psp_adyen.provider import AdyenPsp
from handlers.psp_webhook import (
    NeedsOperator,
    begin_dashboard_refund,
    record_with,
    settle,
    settle_each,
    store_dispute,
    store_latest,
)
from handlers.refunds import RefundConflict
from handlers.refunds.conclusion import conclude
from handlers.transactions.record import Transaction
from handlers.transactions.store import store

LOG = logger("adyen_webhook")

LASTING = (NeedsOperator, RefundConflict)
"""Errors that another try would not mend."""

PSP = "psp_adyen"

_DISPUTES = {
    # https://docs.adyen.com/risk-management/disputes-api/dispute-notifications and
    # https://docs.adyen.com/api-explorer/Webhooks/1/overview, in the order in which they come.
    "REQUEST_FOR_INFORMATION": NEEDS_RESPONSE,
    "NOTIFICATION_OF_CHARGEBACK": NEEDS_RESPONSE,
    "DISPUTE_OPENED_WITH_CHARGEBACK": NEEDS_RESPONSE,
    "CHARGEBACK": NEEDS_RESPONSE,
    "INFORMATION_SUPPLIED": WAITING,
    "CHARGEBACK_REVERSED": WAITING,  # not final: the issuer may present a second one
    "ISSUER_RESPONSE_TIMEFRAME_EXPIRED": WON,
    "DISPUTE_DEFENSE_PERIOD_ENDED": LOST,
    "SECOND_CHARGEBACK": LOST,
    "PREARBITRATION_WON": WON,
    "PREARBITRATION_LOST": LOST,
    # Not the donor's bank, but the money is gone as well: https://docs.adyen.com/online-payments/capture/failure-reasons
    "CAPTURE_FAILED": LOST,
}
_ORDER = list(_DISPUTES)
_INQUIRIES = ("REQUEST_FOR_INFORMATION", "INFORMATION_SUPPLIED")
"""Events after which the bank has withdrawn nothing yet. After a NOTIFICATION_OF_CHARGEBACK it does, mostly within
days, and Adyen refuses refunds (https://docs.adyen.com/risk-management/understanding-disputes/dispute-process-and-flow)."""
_REFUNDS = ("REFUND", "REFUND_FAILED", "REFUNDED_REVERSED")
_PAYMENTS = ("AUTHORISATION", "CAPTURE", "EXPIRE", "OFFER_CLOSED", *states.CANCELS)
"""Events that decide a payment."""


def was_asked_for(reference: str) -> bool:
    """Return true if an event with this reference may be about a payment that we asked for."""
    donation = donation_of(reference)
    return bool(donation) and any(each.kind == SENT for each in facts_of(donation))


def settle_fact(fact: Fact) -> str:
    """Store an event of a payment that we asked for, and settle what it is about."""
    keep(fact)
    donation = donation_of(fact.reference)
    facts = facts_of(donation)
    if fact.kind not in _PAYMENTS:
        return _money_back(donation, facts, fact)
    is_authorised = (fact.kind, fact.code) == ("AUTHORISATION", "true")
    payment = fact.psp_reference if fact.kind == "AUTHORISATION" else fact.original
    is_further = payment in {each.psp_reference for each in states.further(facts)}
    if is_authorised and not is_further and states.is_closed(facts, fact.reference):
        try:
            AdyenPsp(open_adyen(), checked("ADYEN_RETURN_URL")).reverse(fact.reference, fact.psp_reference)
        except PspRefused as error:
            raise NeedsOperator(f"{fact.reference}: authorised after it was closed, not reversed: {error}") from error
        return "reversed"
    result = settle(donation, is_decided=True, payment=_reference(facts, payment), is_further=is_further)
    if is_authorised:
        # Events of its refunds and disputes that came before it are settled now.
        waiting = [
            each for each in facts if each.kind not in _PAYMENTS and payment in (each.original, each.psp_reference)
        ]
        settle_each({each.entry: partial(_money_back, donation, facts, each) for each in waiting}, LOG, LASTING)
    return result


def _reference(facts: list[Fact], psp_reference: str) -> str:
    """Return a payment's reference in the form of psp_adyen, by Adyen's; empty if Adyen never authorised it."""
    named = [each for each in facts if each.kind in ("AUTHORISATION", ANSWERED) and each.psp_reference == psp_reference]
    return f"{named[0].reference}:{psp_reference}" if named else ""


def _money_back(donation: str, facts: list[Fact], fact: Fact) -> str:
    """Store the state of a refund or a dispute, once its payment is known to be the flow's.

    Refunds and disputes of other payments, and of one that is reversed, change no total: these payments are in none.
    """
    record = store().get(donation)
    if record is None or fact.kind not in (*_REFUNDS, *_DISPUTES):
        return "kept"
    payment = _payment(record, fact)
    if not states.is_ours(facts, payment) or record_with(donation, payment) is None:
        return "kept"
    return (
        _store_refund(record, facts, fact, payment) if fact.kind in _REFUNDS else _store_dispute(record, facts, payment)
    )


def _payment(record: Transaction, fact: Fact) -> str:
    """Return Adyen's reference of the payment that an event is about: the event's original, or, without one, the
    donation's payment, or the event's own reference."""
    own, _, adyens = str(record.reference).partition(":")
    is_own = fact.reference == own or ":" in fact.reference
    return fact.original or (adyens if is_own else "") or fact.psp_reference


def _store_refund(record: Transaction, facts: list[Fact], fact: Fact, payment: str) -> str:
    """Store the state of a refund of this payment, ours or one made in the Customer Area."""
    known = {each.id: each for each in refunds.of_donation(record.id)}
    ours = next((each for each in facts if each.psp_reference == fact.psp_reference and each.reference in known), None)
    reference = ours.reference if ours else fact.reference
    refund = known.get(reference)
    if refund is None:
        refund = begin_dashboard_refund(
            record,
            fact.psp_reference,
            amount=fact.amount,
            currency=fact.currency,
            payment=_reference(facts, payment),
            psp=PSP,
            at="Adyen",
        )
        events = {each.kind for each in facts if each.psp_reference == fact.psp_reference and each.code == "true"}
        outcome = Outcome.REFUNDED if events == {"REFUND"} else Outcome.DECLINED
    else:
        outcome = states.modification(facts, reference, "REFUND") or Outcome.PENDING
    return conclude(refund, outcome, fact.kind).status


def _store_dispute(record: Transaction, facts: list[Fact], payment: str) -> str:
    """Store the last state of this payment's dispute, by the order of the events' kinds, not by when they arrived."""

    def read() -> list[Fact]:
        return [each for each in facts_of(record.id) if each.kind in _DISPUTES and _payment(record, each) == payment]

    def store_last(events: list[Fact]) -> str:
        last = max(events, key=lambda each: _ORDER.index(each.kind))
        dispute = store_dispute(
            record,
            f"adyen-{payment}",
            amount=last.amount,
            currency=last.currency,
            payment=_reference(facts, payment),
            psp=PSP,
            status=_DISPUTES[last.kind],
            reason=last.kind.lower(),
            is_inquiry=all(each.kind in _INQUIRIES for each in events),
        )
        return f"dispute {dispute.status}"

    return store_latest(read, store_last)
