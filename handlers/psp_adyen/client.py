"""Adyen's client, set up by the function's environment.

ADYEN_API_KEY and ADYEN_MERCHANT_ACCOUNT; ADYEN_ENVIRONMENT, `test` (which takes no money) or `live`, which also needs
ADYEN_LIVE_PREFIX (https://docs.adyen.com/development-resources/live-endpoints); ADYEN_API_BASE for another server, in
tests.
"""

from __future__ import annotations

from typing import Any

from Adyen.client import AdyenClient
from Adyen.services.checkout.modifications_api import ModificationsApi
from Adyen.services.checkout.payments_api import PaymentsApi
from attrs import frozen

from handlers.document import Misconfigured
from handlers.modes import checked, other_server, setting_if_live
from handlers.psp_http import open_session
from handlers.secrets import setting

TIMEOUT = 15
"""Seconds to wait for an answer; one invocation sends two requests at most."""


class _Http:
    """The library's transport, with a session that bounds the size of answers."""

    user_agent = "flowdsl-payment-flow"

    def __init__(self) -> None:
        self.session = open_session()

    def request(
        self, method: str, url: str, json: Any = None, xapikey: str = "", headers: Any = None
    ) -> tuple[str, Any, int, Any]:
        """Return text, request, status and headers, as the library expects them."""
        own = {**(headers or {}), "x-api-key": xapikey, "User-Agent": self.user_agent}
        response = self.session.request(method, url, json=json, headers=own, timeout=TIMEOUT, allow_redirects=False)
        return response.text, json, response.status_code, response.headers


@frozen
class Adyen:
    """The parts of Adyen's API that a payment needs."""

    payments: Any
    modifications: Any
    account: str


def open_adyen() -> Adyen:
    """Return Adyen's API, as the environment sets it up. Raises Misconfigured."""
    platform = checked("ADYEN_ENVIRONMENT")
    if platform not in ("test", "live"):
        raise Misconfigured("ADYEN_ENVIRONMENT: expected test or live")
    client = AdyenClient(
        xapikey=setting("ADYEN_API_KEY"),
        platform=platform,
        live_endpoint_prefix=setting_if_live("ADYEN_LIVE_PREFIX", "ADYEN_ENVIRONMENT"),
    )
    client.http_client, client.http_init = _Http(), True
    apis = PaymentsApi(client), ModificationsApi(client)
    if base := other_server("ADYEN_API_BASE"):
        for api in apis:
            api.baseUrl = base
    return Adyen(*apis, setting("ADYEN_MERCHANT_ACCOUNT"))
