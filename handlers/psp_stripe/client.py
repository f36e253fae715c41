"""Stripe's client, set up by the function's environment: STRIPE_API_KEY, and STRIPE_API_BASE for tests."""

from __future__ import annotations

import stripe

from handlers.modes import checked, other_server
from handlers.psp_http import open_session
from handlers.psp_stripe.provider import TIMEOUT


def open_client() -> stripe.StripeClient:
    """Return a client. Raises Misconfigured without a key, or with one of the wrong mode."""
    return stripe.StripeClient(
        checked("STRIPE_API_KEY"),
        base_addresses={"api": other_server("STRIPE_API_BASE") or stripe.DEFAULT_API_BASE},
        http_client=stripe.RequestsClient(timeout=TIMEOUT, session=open_session()),
        # The flow retries with back-off, visible in its history.
        max_network_retries=0,
    )
