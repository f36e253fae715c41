"""Stripe's errors as ours: https://docs.stripe.com/api/errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import stripe

from handlers.money import NotPayable
from handlers.psp import Answer, KeyRejected, Outcome, PspRefused, PspUnavailable
from handlers.psp.refusals import Refusal
from handlers.psp_stripe import codes

_USED_UP = "may not be used again"
"""Part of the message for a PaymentMethod that was used without a customer, or detached from one."""


@contextmanager
def translated_errors(declines: frozenset[str] = frozenset()) -> Iterator[None]:
    """Raise a declined card, and an error whose code is in `declines`, as a Refusal, and all others as our errors."""
    try:
        yield
    except NotPayable as error:
        raise Refusal(Answer(Outcome.DECLINED, "invalid_amount", str(error))) from error
    except stripe.CardError as error:
        details = error.error
        intent = getattr(details, "payment_intent", None) if details else None
        reference = intent["id"] if intent else getattr(details, "charge", None)
        raise Refusal(declined_card(details or error, error.user_message, reference)) from error
    except stripe.InvalidRequestError as error:
        code = _code(error)
        if code not in declines:
            raise PspRefused(f"Stripe refuses the request: {code or 'no code'} {error.param or ''}") from error
        raise Refusal(Answer(Outcome.DECLINED, code, error.user_message or code)) from error
    except (stripe.RateLimitError, stripe.APIConnectionError, stripe.APIError) as error:
        raise PspUnavailable(f"Stripe: {type(error).__name__} {error.http_status or ''}".rstrip()) from error
    except (stripe.AuthenticationError, stripe.PermissionError) as error:
        raise KeyRejected(f"Stripe rejects STRIPE_API_KEY: {type(error).__name__}; set a valid key") from error
    except stripe.StripeError as error:
        raise PspRefused(f"Stripe refuses the request: {type(error).__name__}") from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        # The library takes any JSON for an object.
        raise PspUnavailable(f"Stripe: the answer cannot be read: {type(error).__name__}") from error


def declined_card(error: Any, message: str | None, reference: str | None) -> Answer:
    """Return the answer for a declined card; `error` has its codes, `reference` is the PaymentIntent's id."""
    code = getattr(error, "decline_code", None) or getattr(error, "code", None)
    outcome = codes.declined(code, getattr(error, "advice_code", None))
    return Answer(outcome, code or "card_declined", message or "declined", reference)


def _code(error: stripe.InvalidRequestError) -> str:
    """Return the error's code, or one for what Stripe leaves without a code."""
    if error.code:
        return error.code
    if error.http_status == 404:
        return "resource_missing"  # the object in the URL
    if error.param in (None, "payment_method") and _USED_UP in str(error.user_message or error):
        return "payment_method_used_up"
    # A refund of more than is left, for example: nothing was done.
    return "amount_too_large" if error.param == "amount" else ""
