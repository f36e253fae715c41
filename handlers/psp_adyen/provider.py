"""Adyen as a PSP: cards, with a new payment for each attempt, and webhooks for all that is decided later.

The token is Adyen's `storedPaymentMethodId`; the front-end stores the card with the donation's id as `shopperReference`
(https://docs.adyen.com/online-payments/tokenization/create-tokens).

Idempotency-Key (https://docs.adyen.com/development-resources/api-idempotency): up to 64 characters, valid for at least
7 days in one region; a request that is repeated gets the first answer, an error too unless it has the header
`transient-error`: an issuer that did not answer may have reserved the amount, and only the webhook tells. Adyen cannot
be asked for a payment, so every answer and every webhook is kept (see facts), and after those days an unknown outcome
is for people. References have up to 80 characters; ours have up to 74 (a donation's id has up to 64).

Captures, refunds and cancels are only received at first (https://docs.adyen.com/online-payments/capture, …/refund,
…/cancel): the webhook tells what became of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import requests
from Adyen import exceptions
from attrs import evolve, frozen

from handlers import clock
from handlers.money import NotPayable
from handlers.psp import (
    Answer,
    Authorisation,
    Capture,
    KeyRejected,
    Lookup,
    Outcome,
    PspRefused,
    PspUnavailable,
    Refund,
)
from handlers.psp_adyen import codes, states
from handlers.psp_adyen.amounts import to_adyen
from handlers.psp_adyen.client import Adyen
from handlers.psp_adyen.facts import ANSWERED, CLOSED, SENT, Fact, cancel_key, donation_of, facts_of, keep

KEYS_KEPT = (7 * 24 - 1) * 3600
"""Seconds for which Adyen certainly knows a key: 7 days, less an hour for clock skew and requests in transit."""


@frozen
class AdyenPsp:
    adyen: Adyen
    return_url: str
    """The page to which the donor comes back; Adyen adds `redirectResult`, which the page has to hand on."""
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
        method = hashlib.sha256(request.token.encode()).hexdigest()[:32]
        with _errors() as failure:
            body = {
                "amount": self._amount(request.amount, request.currency),
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
            sent = Fact(request.key, SENT, clock.now(), detail=method, amount=request.amount, currency=request.currency)
            known: Answer | None = self._begun(
                evolve(sent, capture=request.capture), lambda facts: states.payment(facts, request.key)
            )
            if known is not None:
                return known
            self._pay(request, body)
            state = states.payment(facts_of(request.donation), request.key)
            if state is None:
                raise PspUnavailable(f"{request.key}: the answer was not stored")
            return state
        if states.request_of(facts_of(request.donation), request.key):
            refused = failure[0]
            keep(Fact(request.key, ANSWERED, clock.now(), "Refused", refused.code, refused.message))
        return failure[0]

    def _begun(self, fact: Fact, state: Callable[[list[Fact]], Any]) -> Any:
        """Store that a request will be sent, and return what is known of an earlier one with its key, or None.

        Raises PspRefused if the earlier one was another request, or if its outcome is unknown and its key forgotten.
        """
        sent = keep(fact)
        if evolve(sent, at=fact.at) != fact:
            raise PspRefused(f"the key {fact.reference} was used with another amount or payment method")
        known = state(facts_of(donation_of(fact.reference)))
        if known is None and clock.seconds_since(sent.at) > KEYS_KEPT:
            raise PspRefused(f"{fact.reference}: its outcome is unknown since {sent.at}; look for it at Adyen")
        return known

    def _pay(self, request: Authorisation, body: dict[str, Any]) -> None:
        answer = _message(self.adyen.payments.payments(body, idempotency_key=_key(request.key)))
        self._answered(request.key, answer)

    def _answered(self, reference: str, answer: Mapping[str, Any]) -> None:
        action = answer.get("action")
        url = action.get("url") if isinstance(action, dict) else None
        result = _text(answer, "resultCode")
        if codes.RESULTS.get(result) is Outcome.REDIRECT and not isinstance(url, str):
            raise PspRefused(f"{reference}: Adyen asks for {result} without a page, which this flow cannot show")
        # Without an id it could be neither captured nor refunded, and the webhook will name it.
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
        if states.request_of(facts, own) is None:
            raise PspRefused(f"{reference}: nothing was sent to Adyen under this reference")
        state = states.payment(facts, own)
        result = (returned or {}).get("redirectResult")
        if result and state is not None and state.outcome is Outcome.REDIRECT and not states.is_closed(facts, own):
            self._submit(own, result)
            state = states.payment(facts_of(donation_of(own)), own)
        return state or Answer(Outcome.PENDING, "sent", "Adyen has not answered", own)

    def _submit(self, reference: str, result: str) -> None:
        """Complete a payment with what the donor's browser brought back. It may be of another payment, or invented.

        https://docs.adyen.com/online-payments/build-your-integration (handle the redirect)
        """
        digest = hashlib.sha256(result.encode()).hexdigest()
        with _errors({}):
            try:
                request = {"details": {"redirectResult": result}}
                answer = _message(
                    self.adyen.payments.payments_details(request, idempotency_key=_key(f"{reference} {digest}"))
                )
            except (exceptions.AdyenAPIValidationError, exceptions.AdyenAPIUnprocessableEntity) as error:
                if _is_transient(error):
                    raise
                return  # nothing that Adyen knows: the donor may still complete the payment
            if "merchantReference" not in answer:
                # Adyen's own examples lack it. Whose result this is, only the webhook tells.
                _text(answer, "resultCode")
            elif _text(answer, "merchantReference") == reference:
                self._answered(reference, answer)

    def look_up(self, request: Lookup) -> list[Answer]:
        facts = facts_of(request.donation)
        unknown = "Adyen has not answered"
        answers: list[Answer] = []
        for each in states.payments_of(facts):
            state = states.state(facts, each.reference) or Answer(Outcome.PENDING, "sent", unknown, each.reference)
            of = states.other_amount(facts, each.reference) or each
            taken = states.taken(facts, evolve(each, amount=of.amount, currency=of.currency), state)
            amounts = [None if amount is None or amount < 0 else amount for amount in (of.amount, taken)]
            answers.append(evolve(state, amount=amounts[0], currency=of.currency or None, captured=amounts[1]))
        for each in states.further(facts):
            amount = each.amount if each.amount >= 0 else None
            both = f"{each.reference}:{each.psp_reference}"
            further = Answer(Outcome.PAID, "further", "a further payment", both)
            answers.append(
                evolve(further, amount=amount, currency=each.currency or None, captured=amount, is_further=True)
            )
        return answers

    def cancel(self, reference: str) -> Answer:
        """Cancel: by our reference if Adyen has not authorised it (https://docs.adyen.com/online-payments/cancel).

        It is closed here first: what the donor's browser brings afterwards is not submitted any more, and if Adyen
        authorises it nevertheless, the webhook reverses it. It is cancelled when Adyen has received that.
        """
        own = reference.partition(":")[0]
        state = self.find(own)
        if state.outcome not in (Outcome.REDIRECT, Outcome.PENDING, Outcome.AUTHORISED):
            return state
        if state.outcome is Outcome.AUTHORISED:
            key, psp_reference = cancel_key(own), (state.reference or "").partition(":")[2]
            body = {"merchantAccount": self.adyen.account, "reference": key}
            with _errors({}):
                request = self.adyen.modifications.cancel_authorised_payment_by_psp_reference
                _text(_message(request(body, psp_reference, idempotency_key=_key(key))), "pspReference")
            return evolve(state, outcome=Outcome.PENDING, message="the cancellation was received")
        keep(Fact(own, CLOSED, clock.now()))
        if not states.is_answered(facts_of(donation_of(own)), cancel_key(own)):
            self._close(own)
        return self.find(own)

    def _close(self, own: str) -> None:
        """Tell Adyen that a payment is closed. Raises PspUnavailable if it may not have received that."""
        key = cancel_key(own)
        body = {"merchantAccount": self.adyen.account, "reference": key, "paymentReference": own}
        with _errors({}):
            request = self.adyen.modifications.cancel_authorised_payment
            answer = _message(request(body, idempotency_key=_key(key)))
            keep(Fact(key, ANSWERED, clock.now(), psp_reference=_text(answer, "pspReference")))

    def reverse(self, reference: str, psp_reference: str) -> None:
        """Give back a payment that was authorised after it was closed
        (https://docs.adyen.com/online-payments/reversal: a cancel or a refund, whichever fits)."""
        key = f"{donation_of(reference)}:reversal:{reference.rpartition('-')[2]}"
        body = {"merchantAccount": self.adyen.account, "reference": key}
        with _errors({}):
            request = self.adyen.modifications.refund_or_cancel_payment
            _text(_message(request(body, psp_reference, idempotency_key=_key(key))), "pspReference")

    def capture(self, request: Capture) -> Answer:
        own, psp_reference = self._both(request.reference)
        paid = self._request(own)
        amount = paid.amount if request.amount is None else request.amount
        if amount > paid.amount:
            return Answer(Outcome.DECLINED, "amount", "more than was authorised", request.reference)
        outcome = self._modify(
            "CAPTURE",
            Outcome.PAID,
            self.adyen.modifications.capture_authorised_payment,
            Fact(request.key, SENT, clock.now(), original=psp_reference, amount=amount, currency=request.currency),
        )
        return outcome if isinstance(outcome, Answer) else Answer(outcome, "capture", f"{outcome}", request.reference)

    def refund(self, request: Refund) -> Answer:
        own, psp_reference = self._both(request.reference)
        paid, facts = self._request(own), facts_of(donation_of(own))
        known = states.request_of(facts, request.key)
        left = states.left(facts, paid, psp_reference, without=request.key)
        amount = request.amount if request.amount is not None else known.amount if known else left
        if known is None and not 0 < amount <= left:
            return Answer(Outcome.DECLINED, "amount", "more than is left of the payment", request.reference)
        outcome = self._modify(
            "REFUND",
            Outcome.REFUNDED,
            self.adyen.modifications.refund_captured_payment,
            Fact(request.key, SENT, clock.now(), original=psp_reference, amount=amount, currency=request.currency),
        )
        return outcome if isinstance(outcome, Answer) else Answer(outcome, "refund", f"{outcome}", request.reference)

    def find_refund(self, request: Refund) -> Answer | None:
        facts = facts_of(donation_of(request.key))
        sent = states.request_of(facts, request.key)
        if sent is None:
            return None
        if request.amount not in (None, sent.amount):
            raise PspRefused(f"the key {request.key} was used with another amount")
        outcome = states.modification(facts, request.key, "REFUND", Outcome.REFUNDED)
        if outcome is None:
            raise PspUnavailable(f"{request.key}: Adyen has not answered")
        return Answer(outcome, "refund", f"{outcome}", request.reference)

    def _modify(self, event: str, success: Outcome, send: Any, fact: Fact) -> Outcome | Answer:
        """Send a modification once, and return its outcome, or the answer to one that Adyen refuses to receive."""
        with _errors() as failure:
            amount = self._amount(fact.amount, fact.currency)
            known = self._begun(fact, lambda facts: states.modification(facts, fact.reference, event, success))
            if known is not None:
                outcome: Outcome = known
                return outcome
            body = {"merchantAccount": self.adyen.account, "amount": amount, "reference": fact.reference}
            answer = _message(send(body, fact.original, idempotency_key=_key(fact.reference)))
            psp_reference, status = _text(answer, "pspReference"), _text(answer, "status")
            keep(Fact(fact.reference, ANSWERED, clock.now(), status, psp_reference=psp_reference))
            facts = facts_of(donation_of(fact.reference))
            return states.modification(facts, fact.reference, event, success) or Outcome.PENDING
        return failure[0]

    def _request(self, reference: str) -> Fact:
        request = states.request_of(facts_of(donation_of(reference)), reference)
        if request is None:
            raise PspRefused(f"{reference}: nothing was sent to Adyen under this reference")
        return request

    def _both(self, reference: str) -> tuple[str, str]:
        own, _, psp_reference = reference.partition(":")
        if not psp_reference:
            raise PspRefused(f"{reference}: the payment was not authorised, so there is nothing to capture or refund")
        return own, psp_reference

    def _amount(self, amount: int, currency: str) -> dict[str, Any]:
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


def _is_transient(error: exceptions.AdyenError) -> bool:
    """https://docs.adyen.com/development-resources/api-idempotency: repeat with the same key."""
    headers = error.headers or {}
    return str(headers.get("transient-error")).lower() == "true" or str(error.error_code) in codes.IN_PROGRESS


@contextmanager
def _errors(definite: Mapping[str, Outcome] = codes.REQUEST_CODES) -> Iterator[list[Answer]]:
    """Translate Adyen's errors: append a definite refusal to the list as an answer, raise the others as ours.

    https://docs.adyen.com/development-resources/response-handling
    """
    failure: list[Answer] = []
    try:
        yield failure
    except NotPayable as error:
        failure.append(Answer(Outcome.DECLINED, "invalid_amount", str(error)))
    except (exceptions.AdyenAPIAuthenticationError, exceptions.AdyenAPIInvalidPermission) as error:
        raise KeyRejected(f"Adyen rejects ADYEN_API_KEY: {type(error).__name__}; set a valid key") from error
    except (exceptions.AdyenAPIValidationError, exceptions.AdyenAPIUnprocessableEntity) as error:
        code = error.error_code if isinstance(error.error_code, str) and error.error_code else "no code"
        if _is_transient(error) or code == "no code":
            raise PspUnavailable(f"Adyen: {error.status_code} {code[:50]}") from error
        if code not in definite:
            raise PspRefused(f"Adyen refuses the request: {code[:50]}") from error
        failure.append(Answer(definite[code], code, "Adyen refuses the request"))
    except (exceptions.AdyenAPIResponseError, requests.RequestException) as error:
        raise PspUnavailable(f"Adyen: {type(error).__name__} {getattr(error, 'status_code', '')}".rstrip()) from error
    except exceptions.AdyenError as error:
        raise PspRefused(f"Adyen refuses the request: {type(error).__name__}") from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        # The library trips over an answer of another shape.
        raise PspUnavailable(f"Adyen: the answer cannot be read: {type(error).__name__}") from error
