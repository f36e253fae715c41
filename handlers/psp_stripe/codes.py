"""Stripe's codes and their outcomes.

Sources: https://docs.stripe.com/declines/codes (decline codes and the next step for each),
https://docs.stripe.com/declines/card#retrying-issuer-declines (advice codes),
https://docs.stripe.com/error-codes.
"""

from __future__ import annotations

from handlers.psp import Outcome

RETRY_CODES = frozenset(
    {
        "approve_with_id",
        "issuer_not_available",
        "processing_error",
        "reenter_transaction",
        "try_again_later",
    }
)
"""Decline codes whose next step is another attempt. All other codes decline, also unknown ones: the donor uses another
card, corrects the data, or calls the bank."""

NEVER_AGAIN = frozenset(
    {
        # Visa's category 1 (https://checkout.com/docs/developer-resources/codes/visa-response-codes): the bank never
        # accepts another attempt, and each costs a fee. And other codes that time does not change.
        "do_not_try_again",
        "expired_card",
        "fraudulent",
        "incorrect_number",
        "invalid_account",
        "invalid_number",
        "lost_card",
        "merchant_blacklist",
        "pickup_card",
        "revocation_of_all_authorizations",
        "revocation_of_authorization",
        "stolen_card",
        "stop_payment_order",
        "transaction_not_allowed",
    }
)
"""Codes after which no attempt is made, whatever the bank's advice code says."""

ADVICE_CODES: dict[str, Outcome] = {
    "confirm_card_data": Outcome.DECLINED,
    "do_not_try_again": Outcome.DECLINED,
    "try_again_later": Outcome.RETRY,
}

REQUEST_CODES = frozenset(
    {
        "amount_too_large",
        "amount_too_small",
        "charge_already_refunded",
        "charge_disputed",
        "charge_exceeds_source_limit",
        "charge_exceeds_transaction_limit",
        "payment_intent_payment_attempt_expired",
        "payment_intent_unexpected_state",
        "payment_method_currency_mismatch",
        "payment_method_not_available",
        "payment_method_unactivated",
        "payment_method_used_up",  # our name: Stripe sends only a message
        "resource_missing",
        "token_already_used",
    }
)
"""Errors of a request that are about the donation, not about our setup: the payment is declined."""

RELATED_CODES = REQUEST_CODES - {"resource_missing"}
"""For captures and refunds, where only the payment can be missing: the API key may be that of another account."""

RETRY_SCHEDULE = (3600, 86400, 259200)
"""Seconds before the next attempt: 1 hour, 1 day, 3 days; after that the payment is declined.

Stripe declines cards that are tried too often
(https://docs.stripe.com/error-codes#card-decline-rate-limit-exceeded).
"""


def declined(code: str | None, advice: str | None) -> Outcome:
    """Return the outcome of a declined card: by the bank's advice, else by the code; unknown codes decline."""
    if code in NEVER_AGAIN:
        return Outcome.DECLINED
    if advice in ADVICE_CODES:
        return ADVICE_CODES[advice]
    return Outcome.RETRY if code in RETRY_CODES else Outcome.DECLINED
