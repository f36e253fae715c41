"""Stripe's codes and their outcomes.

Sources: https://docs.stripe.com/declines/codes (decline codes and the next step for each),
https://docs.stripe.com/declines/card#retrying-issuer-declines (advice codes),
https://docs.stripe.com/error-codes.
"""

from __future__ import annotations

from handlers.psp import Outcome

DECLINE_CODES: dict[str, Outcome] = {
    # Next step: attempt the payment again.
    "approve_with_id": Outcome.RETRY,
    "issuer_not_available": Outcome.RETRY,
    "processing_error": Outcome.RETRY,
    "reenter_transaction": Outcome.RETRY,
    "try_again_later": Outcome.RETRY,
    # Next step: the donor uses another card, corrects the data, or calls the bank.
    "authentication_not_handled": Outcome.DECLINED,
    "authentication_required": Outcome.DECLINED,
    "call_issuer": Outcome.DECLINED,
    "card_not_supported": Outcome.DECLINED,
    "card_velocity_exceeded": Outcome.DECLINED,
    "currency_not_supported": Outcome.DECLINED,
    "do_not_honor": Outcome.DECLINED,
    "do_not_try_again": Outcome.DECLINED,
    "duplicate_transaction": Outcome.DECLINED,
    "expired_card": Outcome.DECLINED,
    "fraudulent": Outcome.DECLINED,
    "generic_decline": Outcome.DECLINED,
    "incorrect_address": Outcome.DECLINED,
    "incorrect_cvc": Outcome.DECLINED,
    "incorrect_number": Outcome.DECLINED,
    "incorrect_pin": Outcome.DECLINED,
    "incorrect_zip": Outcome.DECLINED,
    "insufficient_funds": Outcome.DECLINED,
    "invalid_account": Outcome.DECLINED,
    "invalid_amount": Outcome.DECLINED,
    "invalid_cvc": Outcome.DECLINED,
    "invalid_expiry_month": Outcome.DECLINED,
    "invalid_expiry_year": Outcome.DECLINED,
    "invalid_number": Outcome.DECLINED,
    "invalid_pin": Outcome.DECLINED,
    "lost_card": Outcome.DECLINED,
    "merchant_blacklist": Outcome.DECLINED,
    "mobile_device_authentication_required": Outcome.DECLINED,
    "new_account_information_available": Outcome.DECLINED,
    "no_action_taken": Outcome.DECLINED,
    "not_permitted": Outcome.DECLINED,
    "offline_pin_required": Outcome.DECLINED,
    "online_or_offline_pin_required": Outcome.DECLINED,
    "pickup_card": Outcome.DECLINED,
    "pin_try_exceeded": Outcome.DECLINED,
    "restricted_card": Outcome.DECLINED,
    "revocation_of_all_authorizations": Outcome.DECLINED,
    "revocation_of_authorization": Outcome.DECLINED,
    "security_violation": Outcome.DECLINED,
    "service_not_allowed": Outcome.DECLINED,
    "stolen_card": Outcome.DECLINED,
    "stop_payment_order": Outcome.DECLINED,
    "testmode_decline": Outcome.DECLINED,
    "transaction_not_allowed": Outcome.DECLINED,
    "withdrawal_count_limit_exceeded": Outcome.DECLINED,
}

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

REQUEST_CODES: dict[str, Outcome] = {
    # Stripe rejects the request because of the donation, not because of our setup: a definite decline.
    "amount_too_large": Outcome.DECLINED,
    "amount_too_small": Outcome.DECLINED,
    "charge_already_refunded": Outcome.DECLINED,
    "charge_disputed": Outcome.DECLINED,
    "charge_exceeds_source_limit": Outcome.DECLINED,
    "charge_exceeds_transaction_limit": Outcome.DECLINED,
    "payment_intent_payment_attempt_expired": Outcome.DECLINED,
    "payment_intent_unexpected_state": Outcome.DECLINED,
    "payment_method_currency_mismatch": Outcome.DECLINED,
    "payment_method_not_available": Outcome.DECLINED,
    "payment_method_unactivated": Outcome.DECLINED,
    "payment_method_used_up": Outcome.DECLINED,  # our name: Stripe gives only a message
    "resource_missing": Outcome.DECLINED,
    "token_already_used": Outcome.DECLINED,
}

RELATED_CODES = {code: outcome for code, outcome in REQUEST_CODES.items() if code != "resource_missing"}
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
    return DECLINE_CODES.get(code or "", Outcome.DECLINED)
