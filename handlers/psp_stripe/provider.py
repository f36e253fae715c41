"""Stripe as a PSP: one PaymentIntent per donation, which each attempt confirms again.

A PaymentIntent is paid once at most, and waits for another confirmation after a declined card
(https://docs.stripe.com/payments/paymentintents/lifecycle). A new one per attempt would be refused: a PaymentMethod
that is not attached to a customer cannot be used with a second PaymentIntent.

Idempotency-Key (https://docs.stripe.com/api/idempotent_requests): Stripe keeps the first answer to a key
for at least 24 hours, even a 500, and repeats it. After that, the donation's PaymentIntent is searched by its metadata
(https://docs.stripe.com/search: indexed within a minute as a rule) and compared with what is to be paid.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import stripe
from attrs import evolve, frozen
from stripe import StripeClient

from handlers import clock
from handlers.money import NotPayable
from handlers.psp import Answer, Authorisation, Capture, Lookup, Outcome, PspRefused, Refund
from handlers.psp.refusals import Refusal, returns_refusals
from handlers.psp_stripe import codes
from handlers.psp_stripe.amounts import to_stripe, whole_amount
from handlers.psp_stripe.errors import declined_card, translated_errors

if TYPE_CHECKING:
    from stripe.params import PaymentIntentCaptureParams, RefundCreateParams

TIMEOUT = 15
"""Seconds to wait for an answer. One invocation sends up to three requests (find, cancel, find), seldom four (search,
find, confirm, find); the function's timeout must be longer than three of them take."""

KEYS_KEPT = 23 * 3600
"""Seconds for which Stripe certainly knows a key: 24 hours, less one for clock skew and requests in transit."""


@frozen
class StripePsp:
    client: StripeClient
    return_url: str
    """The page to which the donor comes back from 3-D Secure; Stripe adds payment_intent and redirect_status."""
    name: str = "psp_stripe"
    schedule: tuple[int, ...] = codes.RETRY_SCHEDULE
    continues: bool = True
    captures: bool = True
    patience: int = 0

    @returns_refusals
    @translated_errors(codes.REQUEST_CODES)
    def authorise(self, request: Authorisation) -> Answer:
        amount = to_stripe(request.amount, request.currency)
        reference, forgotten = request.earlier, clock.seconds_since(request.since) > KEYS_KEPT
        if reference is None and forgotten:
            reference = self._search(request, amount)
        if reference is None:
            return self._create(request, amount)
        if forgotten:
            # The PaymentIntent has the outcome if the attempt was made. If it was declined, another confirmation is
            # safe: a PaymentIntent is paid once at most.
            intent = self.client.v1.payment_intents.retrieve(reference)
            _compare(intent, request, amount)
            if intent.status not in ("requires_payment_method", "requires_confirmation"):
                return _answer(intent)
        return self._confirm(request, reference, amount)

    def _search(self, request: Authorisation, amount: int) -> str | None:
        """Return the id of the donation's PaymentIntent, or None if it has none; of several, one that was or can be
        paid.

        Raises PspRefused if only others took payments, in the dashboard: the donor would pay twice.
        """
        known = self._intents(request.donation)
        intents = [each for each in known if not is_further(each.metadata)]
        for intent in intents:
            _compare(intent, request, amount)
        further = [each.id for each in known if is_further(each.metadata) and each.status != "canceled"]
        if further and not intents:
            raise PspRefused(f"{request.donation} has a payment that the flow did not ask for: {further[0]}")
        intents.sort(key=lambda intent: (intent.status != "succeeded", intent.status == "canceled"))
        return intents[0].id if intents else None

    def _intents(self, donation: str) -> list[stripe.PaymentIntent]:
        query = f"metadata['donation']:{json.dumps(donation)}"
        pages = self.client.v1.payment_intents.search({"query": query, "limit": 100}).auto_paging_iter()
        # Stripe's comparison may ignore case (https://docs.stripe.com/search#search-query-language).
        return [each for each in pages if getattr(each.metadata, "donation", None) == donation]

    def _create(self, request: Authorisation, amount: int) -> Answer:
        intent = self.client.v1.payment_intents.create(
            {
                "amount": amount,
                "currency": request.currency.lower(),
                "payment_method": request.token,
                "capture_method": "automatic" if request.capture else "manual",
                "confirm": True,
                "off_session": False,
                "return_url": self.return_url,
                "metadata": {
                    "donation": request.donation,
                    "attempt": request.key,
                    "method": _method(request.token),
                },
            },
            {"idempotency_key": request.key},
        )
        _compare(intent, request, amount)
        return _answer(intent)

    def _confirm(self, request: Authorisation, reference: str, amount: int) -> Answer:
        try:
            intent = self.client.v1.payment_intents.confirm(
                reference,
                {"payment_method": request.token, "off_session": False, "return_url": self.return_url},
                {"idempotency_key": f"{request.key}:again"},
            )
        except stripe.InvalidRequestError as error:
            if error.code != "payment_intent_unexpected_state":
                raise
            # The donor, or an earlier execution, was faster: the payment's state is the answer.
            intent = self.client.v1.payment_intents.retrieve(reference)
        _compare(intent, request, amount)
        return _answer(intent)

    @returns_refusals
    @translated_errors(codes.RELATED_CODES)
    def capture(self, request: Capture) -> Answer:
        params: PaymentIntentCaptureParams = {}
        if request.amount is not None:
            params["amount_to_capture"] = to_stripe(request.amount, request.currency)
        options: Any = {"idempotency_key": request.key}
        try:
            intent = self.client.v1.payment_intents.capture(request.reference, params, options)
        except stripe.InvalidRequestError as error:
            if error.code != "payment_intent_unexpected_state":
                raise
            # Captured before, under a key that Stripe has forgotten, or cancelled: its state is the answer.
            intent = self.client.v1.payment_intents.retrieve(request.reference)
            if intent.amount_received not in (0, params.get("amount_to_capture", intent.amount_received)):
                raise PspRefused(f"{request.reference} was captured with another amount") from error
        return _answer(intent)

    @returns_refusals
    @translated_errors(codes.RELATED_CODES)
    def refund(self, request: Refund) -> Answer:
        params: RefundCreateParams = {"payment_intent": request.reference, "metadata": {"key": request.key}}
        if request.amount is not None:
            params["amount"] = to_stripe(request.amount, request.currency)
        # Stripe forgets keys after a day, and a key's age is unknown here: the list of refunds is always complete.
        earlier = self._earlier_refund(request)
        refund = earlier or self.client.v1.refunds.create(params, {"idempotency_key": request.key})
        return _refunded(refund, request, params.get("amount"))

    @translated_errors()
    def find_refund(self, request: Refund) -> Answer | None:
        try:
            amount = None if request.amount is None else to_stripe(request.amount, request.currency)
        except NotPayable:
            return None  # Stripe cannot take the amount: no refund was created
        earlier = self._earlier_refund(request)
        return _refunded(earlier, request, amount) if earlier else None

    def _earlier_refund(self, request: Refund) -> stripe.Refund | None:
        """Return the refund with the request's key, or None. The key of a refund from the dashboard ends with its
        id."""
        refunds = self.client.v1.refunds.list({"payment_intent": request.reference, "limit": 100}).auto_paging_iter()
        names = (request.key, request.key.rpartition(":")[2])
        return next((each for each in refunds if {getattr(each.metadata, "key", None), each.id} & {*names}), None)

    @translated_errors()
    def find(self, reference: str, returned: Mapping[str, str] | None = None) -> Answer:  # noqa: ARG002 - not needed here
        return _answer(self.client.v1.payment_intents.retrieve(reference))

    @translated_errors()
    def look_up(self, request: Lookup) -> list[Answer]:
        if request.reported.startswith("pi_"):
            # Stripe's search knows a new payment only later, and accounts in India have none.
            reported = self.client.v1.payment_intents.retrieve(request.reported)
            intents = [reported] if getattr(reported.metadata, "donation", None) == request.donation else []
        else:
            intents = self._intents(request.donation)
        return [_current(intent) for intent in intents]

    def cancel(self, reference: str) -> Answer:
        try:
            with translated_errors(codes.REQUEST_CODES):
                return _answer(self.client.v1.payment_intents.cancel(reference))
        except Refusal:
            # Most likely the donor was faster: the payment's state is more useful than the error.
            return self.find(reference)


def refund_outcome(refund: stripe.Refund) -> Outcome:
    """Interpret a refund's status: https://docs.stripe.com/api/refunds/object#refund_object-status."""
    return _REFUNDS.get(refund.status or "unknown", Outcome.PENDING)


_REFUNDS = {"succeeded": Outcome.REFUNDED, "failed": Outcome.DECLINED, "canceled": Outcome.DECLINED}


def is_further(metadata: Any) -> bool:
    """Return true for the metadata of a PaymentIntent that the flow did not create: the flow writes the attempt."""
    return "attempt" not in metadata


def _method(token: str) -> str:
    """Return a digest of the payment method's token."""
    return hashlib.sha256(token.encode()).hexdigest()[:32]


def _compare(intent: stripe.PaymentIntent, request: Authorisation, amount: int) -> None:
    """Raise PspRefused unless the PaymentIntent pays this amount by this payment method."""
    if (intent.amount, intent.currency.upper()) != (amount, request.currency):
        raise PspRefused(f"{request.donation} has a payment with another amount")
    if getattr(intent.metadata, "method", None) not in (None, _method(request.token)):
        raise PspRefused(f"{request.donation} has a payment by another payment method")


def _current(intent: stripe.PaymentIntent) -> Answer:
    """Return a PaymentIntent's state with its amounts. After a declined card it is not final: another card may complete
    it."""
    answer, currency = _answer(intent), intent.currency.upper()
    outcome = Outcome.REDIRECT if intent.status == "requires_payment_method" else answer.outcome
    # Stripe's objects lack attributes that the answer omits.
    received = getattr(intent, "amount_received", intent.amount if answer.outcome is Outcome.PAID else 0)
    amount, captured = (whole_amount(each, currency) for each in (intent.amount, received))
    further = is_further(intent.metadata)
    return evolve(answer, outcome=outcome, amount=amount, currency=currency, captured=captured, is_further=further)


def _refunded(refund: stripe.Refund, request: Refund, amount: int | None) -> Answer:
    if amount not in (None, refund.amount):
        raise PspRefused(f"the key {request.key} was used with another amount")
    return Answer(refund_outcome(refund), refund.status or "unknown", f"refund {refund.id}", request.reference)


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
        return declined_card(error, getattr(error, "message", None), intent.id)
    if status in ("requires_payment_method", "requires_confirmation"):
        return Answer(Outcome.REDIRECT, status, message, intent.id)
    return Answer(Outcome.PENDING, status, message, intent.id)
