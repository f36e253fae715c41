"""Adyen's codes and their outcomes."""

from __future__ import annotations

from handlers.psp import Outcome

RESULTS: dict[str, Outcome] = {
    # https://docs.adyen.com/online-payments/build-your-integration/payment-result-codes
    "Authorised": Outcome.PAID,
    "Pending": Outcome.PENDING,
    "Received": Outcome.PENDING,
    "RedirectShopper": Outcome.REDIRECT,
    "ChallengeShopper": Outcome.REDIRECT,
    "IdentifyShopper": Outcome.REDIRECT,
    "PresentToShopper": Outcome.REDIRECT,
    "Cancelled": Outcome.DECLINED,
    # Refused and Error depend on the reason: see REFUSALS.
}
"""An unknown result decides nothing: PENDING."""

REFUSALS: dict[str, Outcome] = {
    # https://docs.adyen.com/development-resources/refusal-reasons, `refusalReasonCode`. The bank or the acquirer was
    # not there, so that the same card may be accepted later.
    "4": Outcome.RETRY,  # Acquirer Error
    "9": Outcome.RETRY,  # Issuer Unavailable
    "21": Outcome.RETRY,  # Not Submitted
    # The donor has to do something: another card, another bank, other data.
    "2": Outcome.DECLINED,  # Refused
    "3": Outcome.DECLINED,  # Referral
    "5": Outcome.DECLINED,  # Blocked Card
    "6": Outcome.DECLINED,  # Expired Card
    "7": Outcome.DECLINED,  # Invalid Amount
    "8": Outcome.DECLINED,  # Invalid Card Number
    "10": Outcome.DECLINED,  # Not supported
    "11": Outcome.DECLINED,  # 3D Not Authenticated
    "12": Outcome.DECLINED,  # Not enough balance
    "14": Outcome.DECLINED,  # Acquirer Fraud
    "15": Outcome.DECLINED,  # Cancelled
    "16": Outcome.DECLINED,  # Shopper Cancelled
    "17": Outcome.DECLINED,  # Invalid Pin
    "18": Outcome.DECLINED,  # Pin tries exceeded
    "19": Outcome.DECLINED,  # Pin validation not possible
    "20": Outcome.DECLINED,  # FRAUD
    "22": Outcome.DECLINED,  # FRAUD-CANCELLED
}
"""Unknown reasons decline."""

REQUEST_CODES: dict[str, Outcome] = {
    # https://docs.adyen.com/development-resources/error-codes: the donation's mistakes, not those of our setup.
    "101": Outcome.DECLINED,  # Invalid card number
    "103": Outcome.DECLINED,  # CVC is not the right length
    "137": Outcome.DECLINED,  # Invalid amount specified
    "138": Outcome.DECLINED,  # Unsupported currency specified
    "800": Outcome.DECLINED,  # Contract not found
    "802": Outcome.DECLINED,  # Invalid contract
    "803": Outcome.DECLINED,  # PaymentDetail not found
}

IN_PROGRESS = frozenset({"704"})
"""The first request with the key is still at work (the same source): ask again."""

RETRY_SCHEDULE = (3600, 86400, 259200)
"""Seconds before the next attempt: 1 hour, 1 day, 3 days; after that the payment is declined. Card schemes fine too
many attempts (https://docs.adyen.com/online-payments/scheme-fees/excessive-retry-fees)."""

PATIENCE = 14 * 24 * 3600
"""Seconds. The webhook decides what was only received (`Received`, `Pending`, captures, refunds), mostly in minutes."""
