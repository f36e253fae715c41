"""GoCardless as a PSP: bank debits, which take days until they are confirmed.

The token is the donor's mandate (`MD…`), or `new_mandate` for a donor who has none: the first answer is then a redirect
to GoCardless's pages (a Billing Request Flow), and the payment is created when the donor is back with a mandate.

A payment is PENDING until GoCardless says that it is confirmed. A confirmed one may still fail (a late failure) or be
charged back: `handlers.gocardless_webhook` stores that as a dispute.

Idempotency-Key (https://developer.gocardless.com/api-reference/#making-requests-idempotency-keys): each key creates one
resource; a later request with the key is answered with 409 `idempotent_creation_conflict`, which names the resource,
and the library fetches it. GoCardless does not compare the requests, so this module does. GoCardless does not document
how long it knows a key, so this module looks for the donation's billing request and payment before it creates one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from attrs import evolve, frozen
from gocardless_pro import errors

from handlers.psp import Answer, Authorisation, Capture, Lookup, Outcome, PspRefused, PspUnavailable, Refund
from handlers.psp.refusals import returns_refusals
from handlers.psp_gocardless import codes
from handlers.psp_gocardless.client import Services
from handlers.psp_gocardless.errors import reasons_of, translated_errors
from handlers.psp_gocardless.reading import attributes_of, is_further, metadata_of, number, section, text

NEW_MANDATE = "new_mandate"
_REQUEST = "BRQ"
"""The beginning of billing requests' ids; payments' ids begin with PM."""


@frozen
class GoCardlessPsp:
    services: Services
    return_url: str
    """The page to which the donor comes back from GoCardless's pages."""
    name: str = "psp_gocardless"
    schedule: tuple[int, ...] = codes.RETRY_SCHEDULE
    continues: bool = True
    captures: bool = False
    """A bank debit is taken in one step: there is nothing to reserve."""
    patience: int = codes.PATIENCE

    @returns_refusals
    @translated_errors(codes.REFUSALS)
    def authorise(self, request: Authorisation) -> Answer:
        if request.earlier is not None:
            return self._retry(request.earlier)
        if request.token == NEW_MANDATE:
            return self._request_mandate(request)
        return self._create(request.token, _metadata(request), request.amount, request.currency, request.since)

    def _create(self, mandate: str, metadata: dict[str, str], amount: int, currency: str, since: str) -> Answer:
        """Create the payment, unless the donation has one. Raises PspRefused if that is another one than asked for."""
        known = self._payments(metadata["donation"], mandate, since)
        earlier = next((each for each in known if not is_further(each)), None)
        if earlier is not None:
            return self._checked_answer(earlier, metadata, amount, currency)
        further = [
            each.reference for each in map(self._answer, known) if each.outcome in (Outcome.PAID, Outcome.PENDING)
        ]
        if further:
            # Somebody made it in the dashboard: the donor would pay twice.
            raise PspRefused(f"{metadata['donation']} has a payment that the flow did not ask for: {further[0]}")
        with translated_errors(codes.UNKNOWN_MANDATE):
            payment = self.services.payments.create(
                {"amount": amount, "currency": currency, "links": {"mandate": mandate}, "metadata": metadata},
                {"Idempotency-Key": metadata["attempt"]},
            )
        return self._checked_answer(attributes_of(payment), metadata, amount, currency)

    def _checked_answer(
        self, payment: dict[str, Any], metadata: Mapping[str, str], amount: int, currency: str
    ) -> Answer:
        """Return the payment's state. Raises PspRefused if it is another payment than was asked for."""
        donation = metadata["donation"]
        if (number(payment, "amount"), payment.get("currency")) != (amount, currency):
            raise PspRefused(f"{donation} has a payment with another amount")
        if metadata_of(payment).get("donation") != donation:
            raise PspRefused(f"the key {metadata['attempt']} was used for another donation")
        return self._answer(payment)

    def _request_mandate(self, request: Authorisation) -> Answer:
        """Return the redirect to the pages on which the donor sets up a mandate
        (https://developer.gocardless.com/billing-requests/setting-up-a-dd-mandate)."""
        earlier = next(self._requests(request.donation, request.since), None)
        if earlier is not None:
            return self._continue_request(earlier)
        created = self.services.billing_requests.create(
            {
                "mandate_request": {"currency": request.currency},
                "metadata": {**_metadata(request), "amount": str(request.amount)},
            },
            {"Idempotency-Key": f"{request.key}:mandate"},
        )
        return self._continue_request(attributes_of(created))

    def _continue_request(self, request: dict[str, Any]) -> Answer:
        """Return the redirect to the pages of a billing request, or create the payment if it has a mandate."""
        identity, status = text(request, "id"), text(request, "status")
        if status == "cancelled":
            return Answer(Outcome.CANCELLED, status, "the billing request is cancelled", identity)
        if status != "fulfilled":
            url = self.return_url
            flow = self.services.billing_request_flows.create(
                # A URL works for a week (`expires_at`), and a donor who opens it again goes on where they left
                # (https://developer.gocardless.com/tutorials/customer-email-check). The flow waits for a day, so the
                # first URL, which is the one that is sent, is enough. All are of one billing request: one payment.
                {"redirect_uri": url, "exit_uri": url, "links": {"billing_request": identity}}
            )
            where = text(attributes_of(flow), "authorisation_url")
            return Answer(Outcome.REDIRECT, status, f"the billing request is {status}", identity, where)
        metadata = section(request, "metadata")
        mandate = _mandate(request)
        if mandate is None:
            raise PspUnavailable("GoCardless: the billing request is fulfilled, and has no mandate yet")
        currency = text(section(request, "mandate_request"), "currency")
        own = {name: text(metadata, name) for name in ("donation", "attempt")}
        return self._create(mandate, own, int(text(metadata, "amount")), currency, text(request, "created_at"))

    def _retry(self, reference: str) -> Answer:
        """Submit a failed payment again; one that is in another state was submitted before
        (https://developer.gocardless.com/api-reference/#payments-retry-a-payment)."""
        if reference.startswith(_REQUEST):
            return self._continue_request(attributes_of(self.services.billing_requests.get(reference)))
        payment = attributes_of(self.services.payments.get(reference))
        if text(payment, "status") == "failed":
            try:
                payment = attributes_of(self.services.payments.retry(reference))
            except errors.InvalidStateError:
                # Somebody was faster: the payment's state is the answer, unless it is the failure itself.
                payment = attributes_of(self.services.payments.get(reference))
                if text(payment, "status") == "failed":
                    raise
        return self._answer(payment)

    def capture(self, request: Capture) -> Answer:
        raise PspRefused(f"GoCardless has nothing to capture: {request.reference} is taken in one step")

    @returns_refusals
    @translated_errors(codes.REFUSALS)
    def refund(self, request: Refund) -> Answer:
        """Refund at most once per key: each refund has the key in its metadata, and GoCardless lists all refunds.

        `total_amount_confirmation` (https://developer.gocardless.com/api-reference/#refunds-create-a-refund) makes
        GoCardless refuse a second refund that somebody created between the list and this one.
        """
        earlier = self._earlier_refund(request)
        if earlier is not None:
            return _refunded(earlier, request)
        payment = attributes_of(self.services.payments.get(request.reference))
        before = number(payment, "amount_refunded")
        amount = request.amount if request.amount is not None else number(payment, "amount") - before
        if amount < 1 or before + amount > number(payment, "amount"):
            return Answer(Outcome.DECLINED, "amount", "more than is left of the payment", request.reference)
        try:
            created = self.services.refunds.create(
                {
                    "amount": amount,
                    "total_amount_confirmation": before + amount,
                    "links": {"payment": request.reference},
                    "metadata": {"key": request.key},
                },
                {"Idempotency-Key": request.key},
            )
        except errors.ApiError as error:
            if "total_amount_confirmation_invalid" in reasons_of(error):
                raise PspUnavailable("another refund of the payment was created just now: ask again") from error
            raise
        return _refunded(attributes_of(created), request)

    @translated_errors()
    def find_refund(self, request: Refund) -> Answer | None:
        earlier = self._earlier_refund(request)
        return None if earlier is None else _refunded(earlier, request)

    def _earlier_refund(self, request: Refund) -> dict[str, Any] | None:
        """Return the refund with the request's key, or None. The key of a refund from the dashboard ends with its
        id."""
        for refund in self._listed(self.services.refunds, {"payment": request.reference}):
            if metadata_of(refund).get("key") == request.key or refund.get("id") == request.key.rpartition(":")[2]:
                return refund
        return None

    @returns_refusals
    def find(self, reference: str, returned: Mapping[str, str] | None = None) -> Answer:  # noqa: ARG002
        with translated_errors():
            if not reference.startswith(_REQUEST):
                return self._answer(attributes_of(self.services.payments.get(reference)))
            request = attributes_of(self.services.billing_requests.get(reference))
        with translated_errors(codes.REFUSALS):
            return self._continue_request(request)

    @translated_errors()
    def look_up(self, request: Lookup) -> list[Answer]:
        """Look up by mandate and time: GoCardless does not list by metadata. Without a mandate, because the donation
        was erased, only a payment that GoCardless reported can be looked up."""
        if request.reported:
            return self._look_up_reported(request.reported, request.donation)
        if not request.since or not request.token:
            raise PspRefused(f"{request.donation}: its mandate is unknown; look for the donation at GoCardless")
        mandates, requests = {request.token}, list[dict[str, Any]]()
        if request.token == NEW_MANDATE:
            requests = [*self._requests(request.donation, request.since)]
            mandates = {mandate for each in requests if (mandate := _mandate(each))}
        payments = [
            payment
            for mandate in sorted(mandates)
            for payment in self._payments(request.donation, mandate, request.since)
        ]
        # A billing request that became a payment is that payment.
        return [self._current(each) for each in payments] or [_waiting(each) for each in requests]

    def _look_up_reported(self, reference: str, donation: str) -> list[Answer]:
        item = attributes_of(self._service(reference).get(reference))
        if metadata_of(item).get("donation") != donation:
            return []
        return [_waiting(item) if reference.startswith(_REQUEST) else self._current(item)]

    @translated_errors()
    def cancel(self, reference: str) -> Answer:
        """Cancel: possible until the payment is submitted to the banks
        (https://developer.gocardless.com/api-reference/#payments-cancel-a-payment)."""
        service = self._service(reference)
        try:
            item = attributes_of(service.cancel(reference))
        except errors.InvalidStateError:
            # Too late: its state is the answer.
            item = attributes_of(service.get(reference))
        return _waiting(item) if reference.startswith(_REQUEST) else self._answer(item)

    def _service(self, reference: str) -> Any:
        """Return the service of a billing request or a payment, by its id."""
        return self.services.billing_requests if reference.startswith(_REQUEST) else self.services.payments

    def _requests(self, donation: str, since: str) -> Iterator[dict[str, Any]]:
        """Yield the donation's billing requests, the newest first, back to the time at which the PSP was selected."""
        for request in self._listed(self.services.billing_requests, {}):
            if text(request, "created_at") < _before(since):
                return
            if metadata_of(request).get("donation") == donation:
                yield request

    def _payments(self, donation: str, mandate: str, since: str) -> list[dict[str, Any]]:
        """Return the donation's payments, oldest first."""
        query = {"created_at[gte]": _before(since), "mandate": mandate}
        listed = self._listed(self.services.payments, query)
        return [each for each in listed if metadata_of(each).get("donation") == donation][::-1]

    def _listed(self, service: Any, query: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield the attributes of all resources, newest first."""
        for each in service.all({**query, "limit": 500}):
            yield attributes_of(each)

    def _current(self, payment: dict[str, Any]) -> Answer:
        """Return the payment's state with its amount, which GoCardless has in ISO 4217's minor unit."""
        answer, amount = self._answer(payment), number(payment, "amount")
        captured = amount if answer.outcome is Outcome.PAID else 0
        currency = text(payment, "currency")
        return evolve(answer, amount=amount, currency=currency, captured=captured, is_further=is_further(payment))

    def _answer(self, payment: dict[str, Any]) -> Answer:
        identity, status = text(payment, "id"), text(payment, "status")
        if status != "failed":
            # An unknown status decides nothing.
            outcome = codes.PAYMENTS.get(status, Outcome.PENDING)
            return Answer(outcome, status, f"the payment is {status}", identity)
        details = self._failure(identity)
        cause = str(details.get("cause") or "other")
        if details.get("will_attempt_retry") is True:
            # GoCardless submits it again itself: https://developer.gocardless.com/introduction/success-plus
            return Answer(Outcome.PENDING, cause, "failed, and GoCardless will try again", identity)
        return Answer(codes.failed(cause, str(details.get("reason_code"))), cause, f"failed: {cause}", identity)

    def _failure(self, payment: str) -> dict[str, Any]:
        """Return the details of the payment's last failure, which only its events have; empty without one."""
        events = self.services.events.list({"payment": payment, "action": "failed", "limit": 1})
        event = next(iter(events.records), None)
        return section(attributes_of(event), "details") if event else {}


def _metadata(request: Authorisation) -> dict[str, str]:
    """Return the payment's metadata: GoCardless keeps up to three pairs (https://developer.gocardless.com/api-reference/#core-endpoints-payments)."""
    return {"donation": request.donation, "attempt": request.key}


def _waiting(request: dict[str, Any]) -> Answer:
    """Return the state of a billing request without a payment: the donor is not debited, but may complete it yet, or
    has."""
    identity, status = text(request, "id"), text(request, "status")
    outcome = {"cancelled": Outcome.CANCELLED, "fulfilled": Outcome.PENDING}.get(status, Outcome.REDIRECT)
    amount, currency = text(section(request, "metadata"), "amount"), section(request, "mandate_request")
    return Answer(
        outcome,
        status,
        f"the billing request is {status}",
        identity,
        amount=int(amount) if amount.isdecimal() else None,
        currency=text(currency, "currency"),
        captured=0,
    )


def _refunded(refund: dict[str, Any], request: Refund) -> Answer:
    if request.amount not in (None, number(refund, "amount")):
        raise PspRefused(f"the key {request.key} was used with another amount")
    status = text(refund, "status")
    outcome = codes.REFUNDS.get(status, Outcome.PENDING)
    return Answer(outcome, status, f"refund {text(refund, 'id')}", request.reference)


def _before(moment: str) -> str:
    """Return an hour before the moment: GoCardless's clock is not ours."""
    return (datetime.fromisoformat(moment) - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _mandate(request: Mapping[str, Any]) -> str | None:
    links = request.get("links")
    mandate = links.get("mandate_request_mandate") if isinstance(links, dict) else None
    return mandate if isinstance(mandate, str) and mandate else None
