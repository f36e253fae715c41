"""GoCardless's services, set up by the function's environment.

GOCARDLESS_ACCESS_TOKEN; GOCARDLESS_ENVIRONMENT, `live` or `sandbox` (which takes no money); GOCARDLESS_API_BASE for
another server, in tests.
"""

from __future__ import annotations

import json
from typing import Any

import requests
from attrs import frozen
from gocardless_pro import services
from gocardless_pro.api_client import ApiClient

from handlers.document import Misconfigured
from handlers.modes import checked, other_server
from handlers.psp_http import open_session

TIMEOUT = 10
"""Seconds to wait for an answer; one invocation sends four requests at most."""

_BASES = {"live": "https://api.gocardless.com", "sandbox": "https://api-sandbox.gocardless.com"}


class _Api(ApiClient):  # type: ignore[misc] # published without types
    """The library's client, with a session that bounds the size of answers."""

    def __init__(self, base: str, token: str) -> None:
        super().__init__(base, token, timeout=TIMEOUT)
        self.session = open_session()

    def get(self, path: str, params: Any = None, headers: Any = None) -> requests.Response:
        return self._request("GET", path, headers, params=params)

    def post(self, path: str, body: Any, headers: Any = None) -> requests.Response:
        return self._request("POST", path, headers, data=json.dumps(body))

    def _request(self, method: str, path: str, headers: Any, **content: Any) -> requests.Response:
        response = self.session.request(
            method,
            self._url_for(path),
            headers=self._headers(headers),
            timeout=self.timeout,
            allow_redirects=False,
            **content,
        )
        self._handle_errors(response)
        return response


@frozen
class Services:
    """The parts of GoCardless's API that a payment needs."""

    payments: Any
    refunds: Any
    events: Any
    billing_requests: Any
    billing_request_flows: Any


def open_services() -> Services:
    """Return GoCardless's services. Raises Misconfigured."""
    environment = checked("GOCARDLESS_ENVIRONMENT")
    if environment not in _BASES:
        raise Misconfigured(f"GOCARDLESS_ENVIRONMENT: expected one of {', '.join(_BASES)}")
    api = _Api(other_server("GOCARDLESS_API_BASE") or _BASES[environment], checked("GOCARDLESS_ACCESS_TOKEN"))
    # One try: the flow retries with back-off, visible in its history. A conflict is answered by the existing resource.
    kinds = (
        services.PaymentsService,
        services.RefundsService,
        services.EventsService,
        services.BillingRequestsService,
        services.BillingRequestFlowsService,
    )
    return Services(*(kind(api, max_network_retries=1) for kind in kinds))
