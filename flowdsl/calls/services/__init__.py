"""Service integrations at an endpoint of the user: `Services.at("http://localhost:5000")` is an invoker.

    execute(program, {"order": 5}, invoke=Services.at("http://localhost:5000"))
    execute(program, {"order": 5}, invoke=first_of(mocked, Services.at()))       # AWS_ENDPOINT_URL

Without an endpoint, no call is made. boto3 is imported with the first call. HTTP Tasks call the URLs that replace their
hosts: `Services.at(hosts={"api.stripe.com": Host("http://localhost:12111")})`.
"""

from __future__ import annotations

from ..hosts import Host, Hosts
from .endpoints import Endpoints
from .invoker import Services

__all__ = ["Endpoints", "Host", "Hosts", "Services"]
