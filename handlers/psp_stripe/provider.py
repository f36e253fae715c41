"""Stripe as a PSP: one PaymentIntent per attempt.

Idempotency-Key (https://docs.stripe.com/api/idempotent_requests): Stripe keeps the first answer to a key
for at least 24 hours, even a 500, and repeats it. After that, the payment is searched by its key, which is in its
metadata (https://docs.stripe.com/search: indexed within a minute as a rule).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import stripe
from attrs import evolve, frozen
from stripe import StripeClient

from handlers import clock
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
from handlers.psp_stripe import codes
from handlers.psp_stripe.amounts import NotPayable, to_stripe

if TYPE_CHECKING:
    from stripe.params import PaymentIntentCaptureParams, RefundCreateParams

TIMEOUT = 15
"""Seconds to wait for an answer. One invocation sends at most three requests (find, cancel, find), and the function's
timeout must be longer than that, so that it can still report the result."""

KEYS_KEPT = 23 * 3600
"""Seconds for which Stripe certainly knows a key: 24 hours, less one for clock skew and requests in transit."""


@frozen
class StripePsp:
    client: StripeClient
    return_url: str
    """The page to which the donor comes back from 3-D Secure; Stripe adds payment_intent and redirect_status."""
    name: str = "psp_stripe"
    schedule: tuple[int, ...] = codes.RETRY_SCHEDULE

    def authorise(self, request: Authorisation) -> Answer:
        forgotten = clock.seconds_since(request.since) > KEYS_KEPT
        return (self._earlier(request) if forgotten else None) or self._create(request)

    def _earlier(self, request: Authorisation) -> Answer | None:
        """Return the state of the payment created with the key, or None if there is none."""
        with _errors({}) as failure:
            amount = to_stripe(request.amount, request.currency)
            query = f"metadata['attempt']:{json.dumps(request.key)}"
            pages = self.client.v1.payment_intents.search({"query": query, "limit": 100}).auto_paging_iter()
            # Stripe's comparison may ignore case (https://docs.stripe.com/search#search-query-language).
            intents = [each for each in pages if getattr(each.metadata, "attempt", None) == request.key]
            if any((intent.amount, intent.currency.upper()) != (amount, request.currency) for intent in intents):
                raise PspRefused(f"the key {request.key} was used with another amount")
            intents.sort(key=lambda intent: intent.status != "succeeded")
            return _answer(intents[0]) if intents else None
        return failure[0]

    def _create(self, request: Authorisation) -> Answer:
        with _errors() as failure:
            intent = self.client.v1.payment_intents.create(
                {
                    "amount": to_stripe(request.amount, request.currency),
                    "currency": request.currency.lower(),
                    "payment_method": request.token,
                    "capture_method": "automatic" if request.capture else "manual",
                    "confirm": True,
                    "off_session": False,
                    "return_url": self.return_url,
                    "metadata": {"donation": request.donation, "attempt": request.key},
                },
                {"idempotency_key": request.key},
            )
            return _answer(intent)
        return failure[0]

    def capture(self, request: Capture) -> Answer:
        params: PaymentIntentCaptureParams = {}
        with _errors() as failure:
            if request.amount is not None:
                params["amount_to_capture"] = to_stripe(request.amount, request.currency)
            options: Any = {"idempotency_key": request.key}
            return _answer(self.client.v1.payment_intents.capture(request.reference, params, options))
        return failure[0]

    def refund(self, request: Refund) -> Answer:
        params: RefundCreateParams = {"payment_intent": request.reference, "metadata": {"key": request.key}}
        with _errors() as failure:
            if request.amount is not None:
                params["amount"] = to_stripe(request.amount, request.currency)
            # Stripe forgets keys after a day, and a key's age is unknown here: the list of refunds is always complete.
            refunds = self.client.v1.refunds.list({"payment_intent": request.reference, "limit": 100})
            earlier = (
                each for each in refunds.auto_paging_iter() if getattr(each.metadata, "key", None) == request.key
            )
            refund = next(earlier, None) or self.client.v1.refunds.create(params, {"idempotency_key": request.key})
            if params.get("amount", refund.amount) != refund.amount:
                raise PspRefused(f"the key {request.key} was used with another amount")
            status = refund.status or "unknown"
            # A pending refund is in progress; Stripe reports the rare failure later.
            done = status in ("succeeded", "pending")
            outcome = Outcome.REFUNDED if done else Outcome.DECLINED
            return Answer(outcome, status, f"refund {refund.id}", request.reference)
        return failure[0]

    def find(self, reference: str) -> Answer:
        with _errors({}) as failure:
            return _answer(self.client.v1.payment_intents.retrieve(reference))
        return failure[0]

    def look_up(self, request: Lookup) -> list[Answer]:
        with _errors({}):
            amount = to_stripe(request.amount, request.currency)
            query = f"metadata['donation']:{json.dumps(request.donation)}"
            pages = self.client.v1.payment_intents.search({"query": query, "limit": 100}).auto_paging_iter()
            # Stripe's comparison may ignore case (https://docs.stripe.com/search#search-query-language).
            intents = [each for each in pages if getattr(each.metadata, "donation", None) == request.donation]
            if any((each.amount, each.currency.upper()) != (amount, request.currency) for each in intents):
                raise PspRefused(f"{request.donation} has a payment with another amount")
            return [_current(intent) for intent in intents]
        return []  # an amount that Stripe cannot take: no payment was created

    def cancel(self, reference: str) -> Answer:
        with _errors():
            return _answer(self.client.v1.payment_intents.cancel(reference))
        # Most likely the donor was faster: the payment's state is more useful than the error.
        return self.find(reference)


def _current(intent: stripe.PaymentIntent) -> Answer:
    """Return a PaymentIntent's state: one with a refused card is not final, because another card may complete it."""
    answer = _answer(intent)
    return evolve(answer, outcome=Outcome.REDIRECT) if intent.status == "requires_payment_method" else answer


def _answer(intent: stripe.PaymentIntent) -> Answer:
    """Interpret a PaymentIntent's status: https://docs.stripe.com/payments/paymentintents/lifecycle."""
    status, message = intent.status, f"the PaymentIntent is {intent.status}"
    if status == "succeeded":
        return Answer(Outcome.PAID, status, "succeeded", intent.id)
    if status == "requires_capture":
        return Answer(Outcome.AUTHORISED, status, "authorised", intent.id)
    if status == "canceled":
        return Answer(Outcome.CANCELLED, status, "cancelled", intent.id)
    if status == "requires_action":
        # Stripe's objects lack attributes that the answer omits.
        redirect = getattr(intent.next_action, "redirect_to_url", None)
        return Answer(Outcome.REDIRECT, status, message, intent.id, getattr(redirect, "url", None))
    error = getattr(intent, "last_payment_error", None)
    if status == "requires_payment_method" and error:
        return _refused(error, getattr(error, "message", None), intent.id)
    if status in ("requires_payment_method", "requires_confirmation"):
        return Answer(Outcome.REDIRECT, status, message, intent.id)
    return Answer(Outcome.PENDING, status, message, intent.id)


def _refused(error: Any, message: str | None, reference: str | None) -> Answer:
    code = getattr(error, "decline_code", None) or getattr(error, "code", None)
    outcome = codes.declined(code, getattr(error, "advice_code", None))
    return Answer(outcome, code or "card_declined", message or "declined", reference)


@contextmanager
def _errors(definite: Mapping[str, Outcome] = codes.REQUEST_CODES) -> Iterator[list[Answer]]:
    """Translate Stripe's errors: append a definite refusal to the list as an answer, raise the others as ours (https://docs.stripe.com/api/errors)."""
    failure: list[Answer] = []
    try:
        yield failure
    except NotPayable as error:
        failure.append(Answer(Outcome.DECLINED, "invalid_amount", str(error)))
    except stripe.CardError as error:
        details = error.error
        intent = getattr(details, "payment_intent", None) if details else None
        reference = intent["id"] if intent else getattr(details, "charge", None)
        failure.append(_refused(details or error, error.user_message, reference))
    except stripe.InvalidRequestError as error:
        # A 404 without a code means that the object in the URL is missing.
        code = error.code or ("resource_missing" if error.http_status == 404 else "")
        if code not in definite:
            raise PspRefused(f"Stripe refuses the request: {code or 'no code'} {error.param or ''}") from error
        failure.append(Answer(definite[code], code, error.user_message or code))
    except (stripe.RateLimitError, stripe.APIConnectionError, stripe.APIError) as error:
        raise PspUnavailable(f"Stripe: {type(error).__name__} {error.http_status or ''}".rstrip()) from error
    except (stripe.AuthenticationError, stripe.PermissionError) as error:
        raise KeyRejected(f"Stripe rejects STRIPE_API_KEY: {type(error).__name__}; set a valid key") from error
    except stripe.StripeError as error:
        raise PspRefused(f"Stripe refuses the request: {type(error).__name__}") from error
