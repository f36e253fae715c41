"""What follows from an event of Adyen's: the fact is kept, and payments, refunds and disputes are settled."""

from __future__ import annotations

from functools import partial

from handlers import clock, refunds
from handlers.disputes.keeping import keep as keep_dispute
from handlers.disputes.record import LOST, NEEDS_RESPONSE, WAITING, WON, Dispute
from handlers.logs import logger
from handlers.psp import Outcome, PspRefused
from handlers.psp_adyen import states
from handlers.psp_adyen.client import open_adyen
from handlers.psp_adyen.facts import ANSWERED, SENT, Fact, donation_of, facts_of, keep
from handlers.psp_adyen.provider import AdyenPsp
from handlers.psp_webhook import ForPeople, begin_made_there, disputed_amount, record_with, settle, settle_each
from handlers.refunds import RefundConflict
from handlers.refunds.conclusion import conclude
from handlers.secrets import setting
from handlers.transactions.record import Transaction
from handlers.transactions.store import store

LOG = logger("adyen_webhook")

LASTING = (ForPeople, RefundConflict)
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
"""Nothing is withdrawn so far; after a NOTIFICATION_OF_CHARGEBACK it will be, mostly within days, and Adyen refuses
refunds (https://docs.adyen.com/risk-management/understanding-disputes/dispute-process-and-flow)."""
_REFUNDS = ("REFUND", "REFUND_FAILED", "REFUNDED_REVERSED")
_DECIDED = (
    "AUTHORISATION",
    "CANCELLATION",
    "TECHNICAL_CANCEL",
    "CANCEL_OR_REFUND",
    "CAPTURE",
    "EXPIRE",
    "OFFER_CLOSED",
)


def was_asked_for(reference: str) -> bool:
    """Return true if the event with this reference may be about a payment that we asked for."""
    donation = donation_of(reference)
    return bool(donation) and any(each.kind == SENT for each in facts_of(donation))


def settled(fact: Fact) -> str:
    """Keep the fact, and settle what it is about: a payment that we asked for."""
    keep(fact)
    donation = donation_of(fact.reference)
    facts = facts_of(donation)
    if fact.kind not in _DECIDED:
        return _money_back(donation, facts, fact)
    is_authorised = (fact.kind, fact.code) == ("AUTHORISATION", "true")
    adyens = fact.psp_reference if fact.kind == "AUTHORISATION" else fact.original
    is_further = _is_further(facts, adyens)
    if is_authorised and not is_further and states.is_closed(facts, fact.reference):
        try:
            AdyenPsp(open_adyen(), setting("ADYEN_RETURN_URL")).reverse(fact.reference, fact.psp_reference)
        except PspRefused as error:
            raise ForPeople(f"{fact.reference}: closed, authorised nevertheless, and not reversed: {error}") from error
        return "reversed"
    result = settle(donation, is_decided=True, payment=_payment(facts, adyens), is_further=is_further)
    if is_authorised:
        # What was told before of its refunds and disputes has waited for it.
        waiting = [
            each for each in facts if each.kind not in _DECIDED and adyens in (each.original, each.psp_reference)
        ]
        settle_each({each.entry: partial(_money_back, donation, facts, each) for each in waiting}, LOG, LASTING)
    return result


def _is_further(facts: list[Fact], psp_reference: str) -> bool:
    return psp_reference in {each.psp_reference for each in states.further(facts)}


def _payment(facts: list[Fact], psp_reference: str) -> str:
    """Return the reference, as psp_adyen has it, of the payment to which Adyen gave this one; empty if it told none."""
    named = [each for each in facts if each.kind in ("AUTHORISATION", ANSWERED) and each.psp_reference == psp_reference]
    return f"{named[0].reference}:{psp_reference}" if named else ""


def _money_back(donation: str, facts: list[Fact], fact: Fact) -> str:
    """Store what an event says of a refund or a dispute, once it is known that its payment is the flow's.

    Those of other payments, and of one that is reversed, touch no total, as it is in none.
    """
    record = store().get(donation)
    if record is None or fact.kind not in (*_REFUNDS, *_DISPUTES):
        return "kept"
    about = _about(record, fact)
    if not states.is_ours(facts, about) or record_with(donation, about) is None:
        return "kept"
    payment = _payment(facts, about)
    return _refund(record, facts, fact, payment) if fact.kind in _REFUNDS else _dispute(record, facts, fact, payment)


def _about(record: Transaction, fact: Fact) -> str:
    """Return Adyen's reference of the payment that an event is about: by our own reference, or the event's, if it names
    no original."""
    own, _, adyens = str(record.reference).partition(":")
    is_own = fact.reference == own or ":" in fact.reference
    return fact.original or (adyens if is_own else "") or fact.psp_reference


def _refund(record: Transaction, facts: list[Fact], fact: Fact, payment: str) -> str:
    """Store the state of a refund of this payment: ours, or one that somebody made in the Customer Area."""
    known = {each.id: each for each in refunds.of_donation(record.id)}
    ours = next((each for each in facts if each.psp_reference == fact.psp_reference and each.reference in known), None)
    reference = ours.reference if ours else fact.reference
    refund = known.get(reference)
    if refund is None:
        refund = begin_made_there(
            record,
            fact.psp_reference,
            amount=fact.amount,
            currency=fact.currency,
            payment=payment,
            psp=PSP,
            at="Adyen",
        )
    outcome = states.modification(facts, reference, "REFUND")
    if reference not in known:
        events = {each.kind for each in facts if each.psp_reference == fact.psp_reference and each.code == "true"}
        outcome = Outcome.REFUNDED if events == {"REFUND"} else Outcome.DECLINED
    return conclude(refund, outcome or Outcome.PENDING, fact.kind).status


def _dispute(record: Transaction, facts: list[Fact], fact: Fact, payment: str) -> str:
    """Store the last state of a payment's dispute, by the order of the events' kinds, not by when they arrived."""
    about = _about(record, fact)
    events = [each for each in facts if each.kind in _DISPUTES and _about(record, each) == about]
    last = max(events, key=lambda each: _ORDER.index(each.kind))
    dispute = Dispute(
        id=f"adyen-{about}",
        donation=record.id,
        charity=str(record.charity),
        amount=disputed_amount(record, last.amount, last.currency),
        currency=str(record.currency),
        psp=PSP,
        reference=payment,
        status=_DISPUTES[last.kind],
        reason=last.kind.lower(),
        stored_at=clock.now(),
        is_inquiry=all(each.kind in _INQUIRIES for each in events),
    )
    return f"dispute {keep_dispute(dispute).status}"
