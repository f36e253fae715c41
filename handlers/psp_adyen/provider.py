"""Adyen as a PSP: cards, with a new payment for each attempt, and webhooks for all that is decided later.

The token is Adyen's `storedPaymentMethodId`; the front-end stores the card with the donation's id as `shopperReference`
(https://docs.adyen.com/online-payments/tokenization/create-tokens).

Idempotency-Key (https://docs.adyen.com/development-resources/api-idempotency): up to 64 characters, valid for at least
7 days in one region. A repeated request gets the first answer, also an error unless that has the header
`transient-error`: an issuer that did not answer may have reserved the amount, and only the webhook reports it. Adyen
has no request for a payment's state, so every answer and every event is stored (see facts), and after 7 days an
operator has to find out an unknown outcome. References have up to 80 characters; ours have up to 74 (a donation's id:
64).

Adyen first confirms only that it received a capture, a refund or a cancel; the webhook reports the outcome
(https://docs.adyen.com/online-payments/capture, …/refund, …/cancel).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from Adyen import exceptions
from attrs import evolve, frozen

from handlers import clock
from handlers.psp import Answer, Authorisation, Capture, Lookup, Outcome, PspRefused, PspUnavailable, Refund
from handlers.psp.refusals import Refusal, returns_refusals
from handlers.psp_adyen import codes, states
from handlers.psp_adyen.amounts import to_adyen
from handlers.psp_adyen.client import Adyen
from handlers.psp_adyen.errors import is_transient, translated_errors
from handlers.psp_adyen.facts import ANSWERED, CLOSED, SENT, Fact, cancel_key, donation_of, facts_of, keep

T = TypeVar("T")

KEYS_KEPT = (7 * 24 - 1) * 3600
"""Seconds for which Adyen certainly knows a key: 7 days, less an hour for clock skew and requests in transit."""


@frozen
class AdyenPsp:
    adyen: Adyen
    return_url: str
    """The page to which the donor comes back; Adyen adds `redirectResult`, which the page passes on."""
    name: str = "psp_adyen"
    schedule: tuple[int, ...] = codes.RETRY_SCHEDULE
    continues: bool = False
    captures: bool = True
    patience: int = codes.PATIENCE

    def authorise(self, request: Authorisation) -> Answer:
        if len(request.donation) < codes.SHORTEST_SHOPPER:
            return Answer(
                Outcome.DECLINED, "shopperReference", "Adyen keeps no card for an id as short as this donation's"
            )
        try:
            return self._authorise(request)
        except Refusal as refusal:
            answer = refusal.answer
            if states.request_of(facts_of(request.donation), request.key):
                keep(Fact(request.key, ANSWERED, clock.now(), "Refused", answer.code, answer.message))
            return answer

    @translated_errors(codes.REQUEST_CODES)
    def _authorise(self, request: Authorisation) -> Answer:
        body = {
            "amount": _amount(request.amount, request.currency),
            "merchantAccount": self.adyen.account,
            "reference": request.key,
            "paymentMethod": {"type": "scheme", "storedPaymentMethodId": request.token},
            "shopperReference": request.donation,
            "shopperInteraction": "Ecommerce",
            "recurringProcessingModel": "CardOnFile",
            "channel": "Web",
            "returnUrl": self.return_url,
            # 3-D Secure on Adyen's page: https://docs.adyen.com/online-payments/3d-secure/redirect-3ds2
            "authenticationData": {"threeDSRequestData": {"nativeThreeDS": "disabled"}},
            # https://docs.adyen.com/online-payments/capture: how one payment differs from the account's setting
            **({"captureDelayHours": 0} if request.capture else {"additionalData": {"manualCapture": "true"}}),
        }
        sent = Fact(
            request.key,
            SENT,
            clock.now(),
            detail=hashlib.sha256(request.token.encode()).hexdigest()[:32],
            amount=request.amount,
            currency=request.currency,
            capture=request.capture,
        )
        known = self._begin(sent, lambda facts: states.payment(facts, request.key))
        if known is not None:
            return known
        self._store_answer(request.key, _message(self.adyen.payments.payments(body, idempotency_key=_key(request.key))))
        state = states.payment(facts_of(request.donation), request.key)
        if state is None:
            raise PspUnavailable(f"{request.key}: the answer was not stored")
        return state

    def _begin(self, fact: Fact, state: Callable[[list[Fact]], T | None]) -> T | None:
        """Store that a request will be sent. Return the state of an earlier request with its key, or None.

        Raises PspRefused if the earlier request was a different one, or if its state is unknown and Adyen may have
        forgotten its key.
        """
        sent = keep(fact)
        if evolve(sent, at=fact.at) != fact:
            raise PspRefused(f"the key {fact.reference} was used with another amount or payment method")
        known = state(facts_of(donation_of(fact.reference)))
        if known is None and clock.seconds_since(sent.at) > KEYS_KEPT:
            raise PspRefused(f"{fact.reference}: its outcome is unknown since {sent.at}; look for it at Adyen")
        return known

    def _store_answer(self, reference: str, answer: Mapping[str, Any]) -> None:
        action = answer.get("action")
        url = action.get("url") if isinstance(action, dict) else None
        result = _text(answer, "resultCode")
        if codes.RESULTS.get(result) is Outcome.REDIRECT and not isinstance(url, str):
            raise PspRefused(f"{reference}: Adyen asks for {result} without a page, which this flow cannot show")
        # Without its id, an authorised payment could be neither captured nor refunded; the webhook will bring the id.
        psp_reference = _text(answer, "pspReference") if result == "Authorised" or "pspReference" in answer else ""
        keep(
            Fact(
                reference,
                ANSWERED,
                clock.now(),
                code=result,
                detail=str(answer.get("refusalReasonCode") or "")[:20] if result in ("Refused", "Error") else "",
                message=str(answer.get("refusalReason") or "")[:200],
                psp_reference=psp_reference,
                url=url if isinstance(url, str) else "",
            )
        )

    def find(self, reference: str, returned: Mapping[str, str] | None = None) -> Answer:
        own = reference.partition(":")[0]
        facts = facts_of(donation_of(own))
        _request(facts, own)
        state = states.payment(facts, own)
        result = (returned or {}).get("redirectResult")
        if result and state is not None and state.outcome is Outcome.REDIRECT and not states.is_closed(facts, own):
            self._submit(own, result)
            state = states.payment(facts_of(donation_of(own)), own)
        return state or _unanswered(own)

    @translated_errors()
    def _submit(self, reference: str, result: str) -> None:
        """Complete a payment with the redirectResult of the donor's browser, which may be another payment's, or
        invented.

        https://docs.adyen.com/online-payments/build-your-integration (handle the redirect)
        """
        digest = hashlib.sha256(result.encode()).hexdigest()
        request = {"details": {"redirectResult": result}}
        try:
            answer = _message(
                self.adyen.payments.payments_details(request, idempotency_key=_key(f"{reference} {digest}"))
            )
        except (exceptions.AdyenAPIValidationError, exceptions.AdyenAPIUnprocessableEntity) as error:
            if is_transient(error):
                raise
            return  # Adyen does not know the result: the donor may still complete the payment
        if "merchantReference" not in answer:
            # As in Adyen's examples. Only the webhook tells which payment this is.
            _text(answer, "resultCode")
        elif _text(answer, "merchantReference") == reference:
            self._store_answer(reference, answer)

    def look_up(self, request: Lookup) -> list[Answer]:
        facts = facts_of(request.donation)
        answers: list[Answer] = []
        for sent in states.payments_of(facts):
            state = states.state(facts, sent.reference) or _unanswered(sent.reference)
            authorised = states.other_amount(facts, sent.reference) or sent
            of = evolve(sent, amount=authorised.amount, currency=authorised.currency)
            answers.append(_with_amounts(state, of, states.taken(facts, of, state)))
        for event in states.further(facts):
            both = f"{event.reference}:{event.psp_reference}"
            further = Answer(Outcome.PAID, "further", "a further payment", both, is_further=True)
            answers.append(_with_amounts(further, event, event.amount))
        return answers

    def cancel(self, reference: str) -> Answer:
        """Cancel: by our reference if Adyen has not authorised it (https://docs.adyen.com/online-payments/cancel).

        The payment is first closed in our store: a later redirectResult is not submitted, and if Adyen authorises the
        payment nevertheless, the webhook reverses it. It counts as cancelled once Adyen has received the cancel.
        """
        own = reference.partition(":")[0]
        state = self.find(own)
        if state.outcome not in (Outcome.REDIRECT, Outcome.PENDING, Outcome.AUTHORISED):
            return state
        if state.outcome is Outcome.AUTHORISED:
            self._send(
                self.adyen.modifications.cancel_authorised_payment_by_psp_reference,
                cancel_key(own),
                (state.reference or "").partition(":")[2],
            )
            return evolve(state, outcome=Outcome.PENDING, message="the cancellation was received")
        keep(Fact(own, CLOSED, clock.now()))
        if not states.is_answered(facts_of(donation_of(own)), cancel_key(own)):
            self._close(own)
        return self.find(own)

    def _close(self, own: str) -> None:
        """Tell Adyen that a payment is closed. Raises PspUnavailable if it may not have received that."""
        key = cancel_key(own)
        psp_reference = self._send(self.adyen.modifications.cancel_authorised_payment, key, paymentReference=own)
        keep(Fact(key, ANSWERED, clock.now(), psp_reference=psp_reference))

    def reverse(self, reference: str, psp_reference: str) -> None:
        """Give back a payment that was authorised after it was closed
        (https://docs.adyen.com/online-payments/reversal: a cancel or a refund, whichever fits)."""
        key = f"{donation_of(reference)}:reversal:{reference.rpartition('-')[2]}"
        self._send(self.adyen.modifications.refund_or_cancel_payment, key, psp_reference)

    @translated_errors()
    def _send(self, operation: Callable[..., Any], key: str, *payment: str, **more: str) -> str:
        """Send a modification that needs no amount, once per key; return Adyen's reference of it."""
        body = {"merchantAccount": self.adyen.account, "reference": key, **more}
        return _text(_message(operation(body, *payment, idempotency_key=_key(key))), "pspReference")

    @returns_refusals
    def capture(self, request: Capture) -> Answer:
        own, psp_reference = _references(request.reference)
        facts = facts_of(donation_of(own))
        reserved = _request(facts, own)
        amount = reserved.amount if request.amount is None else request.amount
        if amount > reserved.amount:
            return Answer(Outcome.DECLINED, "amount", "more than was authorised", request.reference)
        by_hand = states.captures(facts, psp_reference)
        if by_hand and states.modification(facts, request.key, "CAPTURE") is None:
            # In the Customer Area, perhaps in an outage. Adyen would take both of an account that has several captures
            # enabled (https://docs.adyen.com/api-explorer/Checkout/52/post/payments/_paymentPspReference_/captures).
            taken = sum(each.amount for each in by_hand), {each.currency for each in by_hand}
            if taken != (amount, {reserved.currency}):
                raise PspRefused(f"{request.reference} was captured with another amount")
            return Answer(Outcome.PAID, "capture", "captured before", request.reference)
        send = self.adyen.modifications.capture_authorised_payment
        return self._modify("CAPTURE", send, request, psp_reference, amount)

    @returns_refusals
    def refund(self, request: Refund) -> Answer:
        own, psp_reference = _references(request.reference)
        facts = facts_of(donation_of(own))
        paid, known = _request(facts, own), states.request_of(facts, request.key)
        left = states.left(facts, paid, psp_reference, without=request.key)
        amount = request.amount if request.amount is not None else known.amount if known else left
        if known is None and not 0 < amount <= left:
            return Answer(Outcome.DECLINED, "amount", "more than is left of the payment", request.reference)
        send = self.adyen.modifications.refund_captured_payment
        return self._modify("REFUND", send, request, psp_reference, amount)

    def find_refund(self, request: Refund) -> Answer | None:
        facts = facts_of(donation_of(request.key))
        sent = states.request_of(facts, request.key)
        if sent is None:
            return None
        if request.amount not in (None, sent.amount):
            raise PspRefused(f"the key {request.key} was used with another amount")
        outcome = states.modification(facts, request.key, "REFUND")
        if outcome is None:
            raise PspUnavailable(f"{request.key}: Adyen has not answered")
        return Answer(outcome, "refund", f"{outcome}", request.reference)

    @translated_errors(codes.REQUEST_CODES)
    def _modify(
        self, event: str, send: Callable[..., Any], request: Capture | Refund, psp_reference: str, amount: int
    ) -> Answer:
        """Send a capture or a refund once per key, and return its state; `event` is the one that decides it."""
        key = request.key
        body = {"merchantAccount": self.adyen.account, "amount": _amount(amount, request.currency), "reference": key}
        sent = Fact(key, SENT, clock.now(), original=psp_reference, amount=amount, currency=request.currency)
        outcome = self._begin(sent, lambda facts: states.modification(facts, key, event))
        if outcome is None:
            answer = _message(send(body, psp_reference, idempotency_key=_key(key)))
            received, status = _text(answer, "pspReference"), _text(answer, "status")
            keep(Fact(key, ANSWERED, clock.now(), status, psp_reference=received))
            outcome = states.modification(facts_of(donation_of(key)), key, event) or Outcome.PENDING
        return Answer(outcome, event.lower(), f"{outcome}", request.reference)


def _request(facts: list[Fact], reference: str) -> Fact:
    """Return what was sent under one of our references. Raises PspRefused if nothing ever was."""
    request = states.request_of(facts, reference)
    if request is None:
        raise PspRefused(f"{reference}: nothing was sent to Adyen under this reference")
    return request


def _references(reference: str) -> tuple[str, str]:
    """Return our reference of a payment and Adyen's. Raises PspRefused without Adyen's."""
    own, _, psp_reference = reference.partition(":")
    if not psp_reference:
        raise PspRefused(f"{reference}: the payment was not authorised, so there is nothing to capture or refund")
    return own, psp_reference


def _unanswered(reference: str) -> Answer:
    return Answer(Outcome.PENDING, "sent", "Adyen has not answered", reference)


def _with_amounts(answer: Answer, of: Fact, captured: int | None) -> Answer:
    """Return the answer with the amount of a fact, and what was captured; negative amounts stand for none."""
    amount, taken = (None if each is None or each < 0 else each for each in (of.amount, captured))
    return evolve(answer, amount=amount, currency=of.currency or None, captured=taken)


def _amount(amount: int, currency: str) -> dict[str, Any]:
    """Return Adyen's form of an amount. Raises NotPayable."""
    return {"value": to_adyen(amount, currency), "currency": currency}


def _key(text: str) -> str:
    """Return an idempotency key of 64 characters."""
    return hashlib.sha256(text.encode()).hexdigest()


def _message(result: Any) -> dict[str, Any]:
    message = result.message
    if not isinstance(message, dict):
        raise PspUnavailable("Adyen: the answer is not an object")
    return message


def _text(item: Mapping[str, Any], name: str) -> str:
    value = item.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= 255:
        raise PspUnavailable(f"Adyen: the answer has no {name}")
    return value
