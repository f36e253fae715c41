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
    # `failed` depends on the cause: see CAUSES.
}
"""A payment that was submitted is not paid: the bank may still refuse it."""

CAUSES: dict[str, Outcome] = {
    # https://developer.gocardless.com/api-reference/#event-types-payment, `failed`: the account may have money later.
    "insufficient_funds": Outcome.RETRY,
    "refer_to_payer": Outcome.DECLINED,
    "bank_account_closed": Outcome.DECLINED,
    "bank_account_disabled": Outcome.DECLINED,
    "bank_account_transferred": Outcome.DECLINED,
    "authorisation_disputed": Outcome.DECLINED,
    "invalid_bank_details": Outcome.DECLINED,
    "mandate_cancelled": Outcome.DECLINED,
    "direct_debit_not_enabled": Outcome.DECLINED,
    "refund_requested": Outcome.DECLINED,
    "test_failure": Outcome.DECLINED,
    "other": Outcome.DECLINED,
}
"""Unknown causes decline."""

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

REFUSALS: dict[str, Outcome] = {
    # Reasons of errors (https://developer.gocardless.com/api-reference/#errors-error-types) that are the donation's.
    "mandate_is_inactive": Outcome.DECLINED,
    "mandate_not_found": Outcome.DECLINED,
    "resource_not_found": Outcome.DECLINED,
    "retry_failed": Outcome.DECLINED,
    "mandate_payments_require_approval": Outcome.DECLINED,
    "refund_payment_invalid_state": Outcome.DECLINED,
    "number_of_refunds_exceeded": Outcome.DECLINED,
    "available_refund_amount_insufficient": Outcome.DECLINED,
}

REFUSED_FIELDS = frozenset({"amount", "currency", "mandate"})
"""Fields of a payment that come from the donation: an invalid one is a decline, any other a mistake of ours."""

RETRY_SCHEDULE = (259200, 604800)
"""Seconds before the next attempt: 3 days, 7 days; after that the payment is declined.

GoCardless allows three retries of a payment (https://developer.gocardless.com/api-reference/#payments-retry-a-payment),
and donors should not be debited again before they could act."""

PATIENCE = 45 * 24 * 3600
"""Seconds. Bank debits take three to eight working days
(https://support.gocardless.com/hc/en-gb/articles/360000281005), more if the mandate is new or the donor's bank slow."""
