"""Adyen's codes and their outcomes."""

from __future__ import annotations

from handlers.psp import Outcome

RESULTS: dict[str, Outcome] = {
    # https://docs.adyen.com/online-payments/build-your-integration/payment-result-codes, and `resultCode` in Adyen's
    # OpenAPI description of the Checkout API, which calls Authorised, Cancelled, Error and Refused final states.
    "Authorised": Outcome.PAID,
    "Pending": Outcome.PENDING,
    "Received": Outcome.PENDING,
    "RedirectShopper": Outcome.REDIRECT,
    "ChallengeShopper": Outcome.REDIRECT,
    "IdentifyShopper": Outcome.REDIRECT,
    "PresentToShopper": Outcome.REDIRECT,
    "Cancelled": Outcome.DECLINED,
    # Refused and Error depend on the reason: see REFUSALS. This flow's requests never have the results
    # PartiallyAuthorised (Adyen enables it for an account), AuthenticationFinished and AuthenticationNotRequired.
}
"""Outcomes by resultCode; an unknown one decides nothing: PENDING."""

REFUSALS: dict[str, Outcome] = {
    # https://docs.adyen.com/development-resources/refusal-reasons, `refusalReasonCode`: the acquirer or the issuer was
    # unavailable, so that a new payment with the same card may be accepted later.
    "4": Outcome.RETRY,  # Acquirer Error
    "9": Outcome.RETRY,  # Issuer Unavailable
}
"""All other reasons decline: the donor needs another card, or has to contact the bank."""

REQUEST_CODES: dict[str, Outcome] = {
    # https://docs.adyen.com/development-resources/error-codes: there is no payment, because of the donation. Any other
    # code may be a mistake in our setup, and needs an operator.
    "101": Outcome.DECLINED,  # Invalid card number
    "137": Outcome.DECLINED,  # Invalid amount specified
    "138": Outcome.DECLINED,  # Unsupported currency specified
    "800": Outcome.DECLINED,  # Contract not found
    "803": Outcome.DECLINED,  # PaymentDetail not found
}

IN_PROGRESS = frozenset({"703", "704"})
"""Adyen's store of keys is not available, or the first request with the key is in progress: ask again
(https://docs.adyen.com/development-resources/api-idempotency)."""

SHORTEST_SHOPPER = 3
"""Characters that a shopperReference has at least (`minLength` in Adyen's OpenAPI description)."""

RETRY_SCHEDULE = (3600, 86400, 259200)
"""Seconds before the next attempt: 1 hour, 1 day, 3 days; after that the payment is declined. Card schemes charge fees
for too many attempts (https://docs.adyen.com/online-payments/scheme-fees/excessive-retry-fees)."""

PATIENCE = 14 * 24 * 3600
"""Seconds. The webhook reports what was only received at first (`Received`, `Pending`, captures, refunds), mostly
within minutes."""
