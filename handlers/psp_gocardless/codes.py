"""GoCardless's statuses and codes, and their outcomes."""

from __future__ import annotations

from handlers.psp import Outcome

PAYMENTS: dict[str, Outcome] = {
    # https://developer.gocardless.com/api-reference/#core-endpoints-payments, `status`.
    "pending_customer_approval": Outcome.PENDING,
    "pending_submission": Outcome.PENDING,
    "submitted": Outcome.PENDING,
    "confirmed": Outcome.PAID,
    "paid_out": Outcome.PAID,
    "cancelled": Outcome.CANCELLED,
    "customer_approval_denied": Outcome.DECLINED,
    "charged_back": Outcome.DECLINED,
    # `failed` depends on the cause: see RETRY.
}
"""A payment that was submitted is not paid: the bank may still refuse it."""

RETRY = frozenset(
    {
        # https://developer.gocardless.com/api-reference/#event-types-payment, `failed`: the event's cause.
        "insufficient_funds",
        # The event's reason_code: these schemes report a lack of money with the cause `refer_to_payer`, as they do
        # refusals (https://support.gocardless.com/hc/en-ca/articles/115002900765-Retrying-a-failed-payment).
        "ARUDD-0",  # Bacs: refer to payer, almost always for lack of money
        "ACH_RETURN-R01",  # ACH: insufficient funds
        "ACH_RETURN-R09",  # ACH: uncollected funds
    }
)
"""Causes of a failure, and banks' reasons for one, after which the account may have money later. All others decline."""


def failed(cause: str, reason: str) -> Outcome:
    """Return the outcome of a failed payment, by GoCardless's cause and the bank's reason."""
    return Outcome.RETRY if {cause, reason} & RETRY else Outcome.DECLINED


REFUNDS: dict[str, Outcome] = {
    # https://developer.gocardless.com/api-reference/#core-endpoints-refunds, `status`.
    "created": Outcome.PENDING,
    "pending_submission": Outcome.PENDING,
    "submitted": Outcome.PENDING,
    "paid": Outcome.REFUNDED,
    "cancelled": Outcome.DECLINED,
    "bounced": Outcome.DECLINED,
    "funds_returned": Outcome.DECLINED,
}

REFUSALS = frozenset(
    {
        # https://developer.gocardless.com/api-reference/#errors-error-types
        "mandate_is_inactive",
        "mandate_replaced",
        "retry_failed",
        # https://developer.gocardless.com/api-reference/#refunds-create-a-refund
        "refund_payment_invalid_state",
        "number_of_refunds_exceeded",
        "available_refund_amount_insufficient",
    }
)
"""Reasons of errors that are about the donation: the payment or refund is declined. Any other reason may be a mistake
in our setup, and needs an operator."""

UNKNOWN_MANDATE = REFUSALS | {"resource_not_found"}
"""For a new payment, where only the mandate can be unknown. Elsewhere an unknown resource is no decline: the access
token may be that of another account."""

REFUSED_FIELDS = frozenset({"amount", "currency", "mandate"})
"""Fields of a payment that come from the donation: if one is invalid, the payment is declined."""

RETRY_SCHEDULE = (259200, 604800)
"""Seconds before the next attempt: 3 days, 7 days; after that the payment is declined.

GoCardless allows three retries of a payment (https://developer.gocardless.com/api-reference/#payments-retry-a-payment),
and a donor needs time to act before the next debit."""

PATIENCE = 60 * 24 * 3600
"""Seconds. Bank debits are confirmed three to eight working days after they were created, in Denmark on a day of the
next month, or the one after that (https://support.gocardless.com/hc/en-us/articles/360001018705, by scheme); later if
the mandate is new, or if it fails and is tried again."""
