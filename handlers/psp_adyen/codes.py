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
    # Refused and Error depend on the reason: see RETRY_REASONS. This flow's requests never have the results
    # PartiallyAuthorised (Adyen enables it for an account), AuthenticationFinished and AuthenticationNotRequired.
}
"""Outcomes by resultCode; an unknown one decides nothing: PENDING."""

RETRY_REASONS = frozenset({"4", "9"})  # Acquirer Error, Issuer Unavailable
"""Values of `refusalReasonCode` (https://docs.adyen.com/development-resources/refusal-reasons) after which a new
payment with the same card may be accepted. All others decline: the donor needs another card, or has to contact the
bank."""

REQUEST_CODES = frozenset(
    {
        "101",  # Invalid card number
        "137",  # Invalid amount specified
        "138",  # Unsupported currency specified
        "800",  # Contract not found
        "803",  # PaymentDetail not found
    }
)
"""Errors of a request (https://docs.adyen.com/development-resources/error-codes) that are about the donation: there is
no payment, and it is declined. Any other code may be a mistake in our setup, and needs an operator."""

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
