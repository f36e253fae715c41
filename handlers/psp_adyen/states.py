"""The state of a donation's payments, captures and refunds at Adyen, derived from all facts, in whatever order they
came.

Events: https://docs.adyen.com/development-resources/webhooks/webhook-types
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from attrs import evolve

from handlers.psp import Answer, Outcome, PspRefused
from handlers.psp_adyen import codes
from handlers.psp_adyen.facts import ANSWERED, CLOSED, SENT, Fact, cancel_key

_EXPIRED = "EXPIRE"
"""A reservation that was not captured in time is released: https://docs.adyen.com/api-explorer/Webhooks/1/post/EXPIRE."""

CANCELS = ("CANCELLATION", "TECHNICAL_CANCEL", "CANCEL_OR_REFUND")
_REFUND_FAILURES = ("REFUND_FAILED", "REFUNDED_REVERSED")
_SUCCESSES = {"CAPTURE": Outcome.PAID, "REFUND": Outcome.REFUNDED}


def request_of(facts: Iterable[Fact], reference: str) -> Fact | None:
    """Return the request with one of our references, or None if none was sent."""
    return next((each for each in facts if (each.reference, each.kind) == (reference, SENT)), None)


def payments_of(facts: Iterable[Fact]) -> list[Fact]:
    """Return the requests of payments, oldest first."""
    return [each for each in facts if each.kind == SENT and ":" not in each.reference]


def is_closed(facts: Iterable[Fact], reference: str) -> bool:
    return any((each.reference, each.kind) == (reference, CLOSED) for each in facts)


def is_answered(facts: Iterable[Fact], reference: str) -> bool:
    return any((each.reference, each.kind) == (reference, ANSWERED) for each in facts)


def payment(facts: Sequence[Fact], reference: str) -> Answer | None:
    """Return the payment's state, or None without an answer or event. Raises PspRefused if Adyen authorised another
    amount than the flow asked for."""
    if other_amount(facts, reference):
        raise PspRefused(f"{reference}: Adyen authorised another amount")
    return state(facts, reference)


def other_amount(facts: Sequence[Fact], reference: str) -> Fact | None:
    """Return the authorisation of our payment with this reference if it has another amount than the request."""
    own = _own(facts, reference)
    sent, authorised = request_of(own, reference), _authorised_by(own)
    if (
        sent
        and authorised
        and authorised.amount
        and (authorised.amount, authorised.currency) != (sent.amount, sent.currency)
    ):
        return authorised
    return None


def state(facts: Sequence[Fact], reference: str) -> Answer | None:
    """Return the payment's state, whatever its amount, or None without an answer or event."""
    own = _own(facts, reference)
    sent = request_of(own, reference)
    authorised = _authorised_by(own)
    if authorised:
        return _authorised(facts, authorised, sent)
    refused = [each for each in own if _outcome(each) in (Outcome.DECLINED, Outcome.RETRY)]
    if refused:
        # An answer has the reason, an event does not.
        last = min(refused, key=lambda each: each.kind != ANSWERED)
        return _answer(_outcome(last), last)
    is_cancelled = is_closed(own, reference) and is_answered(facts, cancel_key(reference))
    if is_cancelled or any(each.kind == "OFFER_CLOSED" and each.code == "true" for each in own):
        return Answer(Outcome.CANCELLED, "closed", "closed before it was authorised", reference)
    # A redirect comes before `Received`, whatever the clocks of the functions say that stored them.
    answered = sorted(
        (each for each in own if each.kind == ANSWERED), key=lambda each: _outcome(each) is Outcome.PENDING
    )
    return _answer(_outcome(answered[-1]), answered[-1]) if answered else None


def _own(facts: Iterable[Fact], reference: str) -> list[Fact]:
    """Return the facts about our payment with this reference, without events of other payments that share it.

    Somebody may have made such a payment in the Customer Area. Adyen's answer to us has our payment's pspReference.
    Without an answer no signed field tells two payments of the same amount apart, and the first one counts as ours.
    """
    own = [each for each in facts if each.reference == reference]
    named = {each.psp_reference for each in own if each.kind == ANSWERED} - {""}
    sent = request_of(own, reference)

    def is_ours(event: Fact) -> bool:
        if named:
            return event.psp_reference in named
        return sent is None or (event.amount, event.currency) == (sent.amount, sent.currency)

    return [each for each in own if each.kind != "AUTHORISATION" or is_ours(each)]


def _authorised_by(own: Iterable[Fact]) -> Fact | None:
    """Return the fact that authorises our payment: the answer if there is one, else an event."""
    authorised = [each for each in own if _outcome(each) is Outcome.PAID]
    return min(authorised, key=lambda each: each.kind != ANSWERED, default=None)


def further(facts: Sequence[Fact]) -> list[Fact]:
    """Return the authorisations of payments that we did not ask for, although they have one of our references: somebody
    made them at Adyen. Their current state is in the Customer Area."""
    ours = [_authorised_by(_own(facts, sent.reference)) for sent in payments_of(facts)]
    known = {each.psp_reference for each in ours if each}
    known |= {each.original for each in facts if each.kind in CANCELS and each.code == "true"}
    authorised = [each for each in facts if (each.kind, each.code) == ("AUTHORISATION", "true")]
    return [each for each in authorised if each.psp_reference not in known]


def is_ours(facts: Sequence[Fact], psp_reference: str) -> bool:
    """Return true if this is the pspReference of a payment of ours that was authorised and not cancelled."""
    authorised = {each.reference: _authorised_by(_own(facts, each.reference)) for each in payments_of(facts)}
    own = next((own for own, each in authorised.items() if each and each.psp_reference == psp_reference), None)
    is_gone = any((each.original, each.code) == (psp_reference, "true") and each.kind in CANCELS for each in facts)
    return own is not None and not is_gone and not is_closed(facts, own)


def _authorised(facts: Sequence[Fact], authorised: Fact, sent: Fact | None) -> Answer:
    state = _answer(Outcome.PAID, authorised)
    about = [each for each in facts if each.original == authorised.psp_reference and each.code == "true"]
    if any(each.kind in CANCELS for each in about):
        return evolve(state, outcome=Outcome.CANCELLED, code="cancelled", message="cancelled")
    if is_closed(facts, authorised.reference):
        return evolve(state, outcome=Outcome.PENDING, message="authorised after it was closed: it is being reversed")
    if sent is None or sent.capture or any(each.kind == "CAPTURE" for each in about):
        return state
    if any(each.kind == _EXPIRED for each in about):
        return evolve(state, outcome=Outcome.CANCELLED, code="expired", message="not captured in time")
    return evolve(state, outcome=Outcome.AUTHORISED)


def taken(facts: Iterable[Fact], request: Fact, state: Answer) -> int | None:
    """Return the amount that was taken of a payment (ISO 4217's minor unit): all at once, or what was captured of it,
    also in the Customer Area. None: a capture is no whole amount, or in another currency."""
    if state.outcome is not Outcome.PAID:
        return 0
    if request.capture:
        return request.amount
    captured = captures(facts, str(state.reference).partition(":")[2])
    is_whole = all(each.amount >= 0 and each.currency == request.currency for each in captured)
    return sum(each.amount for each in captured) if is_whole else None


def captures(facts: Iterable[Fact], psp_reference: str) -> list[Fact]:
    """Return the events of captures of the payment with this pspReference."""
    return [each for each in facts if (each.kind, each.code, each.original) == ("CAPTURE", "true", psp_reference)]


def modification(facts: Sequence[Fact], reference: str, event: str) -> Outcome | None:
    """Return the outcome of a capture or a refund (`event` is CAPTURE or REFUND): PENDING once Adyen has received it,
    None before that."""
    # An event has our reference of the request or of the payment, and always Adyen's reference of the request.
    theirs = {each.psp_reference for each in facts if (each.reference, each.kind) == (reference, ANSWERED)}
    own = [each for each in facts if each.reference == reference or each.psp_reference in theirs - {""}]
    if any(each.kind in _REFUND_FAILURES or (each.kind, each.code) == (event, "false") for each in own):
        return Outcome.DECLINED
    if any(each.kind == "CAPTURE_FAILED" for each in own):
        return Outcome.DECLINED
    if any((each.kind, each.code) == (event, "true") for each in own):
        return _SUCCESSES[event]
    return Outcome.PENDING if any(each.kind == ANSWERED for each in own) else None


def left(facts: Sequence[Fact], request: Fact, psp_reference: str, without: str = "") -> int:
    """Return how much of a payment can still be refunded: what was taken, less refunds that Adyen received and has not
    declined. If it received one without an answer, Adyen itself declines what is too much. `without` is the reference
    of a refund that is not counted."""
    total = request.amount if request.capture else sum(each.amount for each in captures(facts, psp_reference))
    sent = [each for each in facts if each.kind == SENT and each.original == psp_reference]
    refunds = [each for each in sent if ":refund:" in each.reference and each.reference != without]
    return total - sum(
        each.amount for each in refunds if modification(facts, each.reference, "REFUND") not in (None, Outcome.DECLINED)
    )


def _outcome(fact: Fact) -> Outcome:
    if fact.kind == "AUTHORISATION":
        return Outcome.DECLINED if fact.code == "false" else Outcome.PAID
    if fact.kind == ANSWERED and fact.code in ("Refused", "Error"):
        return Outcome.RETRY if fact.detail in codes.RETRY_REASONS else Outcome.DECLINED
    return codes.RESULTS.get(fact.code, Outcome.PENDING) if fact.kind == ANSWERED else Outcome.PENDING


def _answer(outcome: Outcome, fact: Fact) -> Answer:
    """Return an answer whose reference is ours and Adyen's, if it has one: the Customer Area finds both."""
    both = f"{fact.reference}:{fact.psp_reference}" if fact.psp_reference else fact.reference
    code = fact.detail or fact.code
    return Answer(outcome, code, fact.message or fact.code, both, fact.url or None)
