"""Where calls go: only to endpoints that the user names, so that no test reaches AWS by accident.

Source: AWS SDKs and Tools Reference Guide, "Service-specific endpoints".
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from attrs import define, field

from ...asl.placeholders import DOMAINS
from ...base.diagnostics import FlowError
from .catalogue import Operation, botocore_session

_SECONDS = 60.0
_LAMBDA_SECONDS = 900.0
"""A function may run for 15 minutes."""


@define
class Endpoints:
    """botocore's clients for the endpoints that were configured.

    `url` is for all services; `urls` for single ones by their Step Functions name (`dynamodb`, `sfn`) or botocore's.
    Without them, AWS_ENDPOINT_URL_<SERVICE> and AWS_ENDPOINT_URL of `environment` apply, as in the AWS SDKs; AWS's
    configuration files are not read.
    """

    url: str | None = None
    urls: Mapping[str, str] = field(factory=dict)
    environment: Mapping[str, str] = field(default=os.environ, repr=False)
    _clients: dict[tuple[str, str], Any] = field(factory=dict, init=False, repr=False)

    @property
    def configured(self) -> bool:
        """True if there is an endpoint for any service."""
        variables = (url for name, url in self.environment.items() if name.startswith("AWS_ENDPOINT_URL"))
        return bool(self.url or self.urls or any(variables))

    def url_of(self, operation: Operation, name: str) -> str | None:
        """The endpoint for a service; `name` is its name in the definition."""
        return (
            self.urls.get(name)
            or self.urls.get(operation.service)
            or self.url
            or self.environment.get(_variable(operation))
            or self.environment.get("AWS_ENDPOINT_URL")
            or None
        )

    def _keys(self, url: str) -> dict[str, str]:
        """The keys that sign calls: for AWS those of the AWS SDKs; an emulator needs a signature, and accepts any."""
        if (urlsplit(url).hostname or "").endswith(DOMAINS):
            return {}
        key = self.environment.get("AWS_ACCESS_KEY_ID") or "local"
        return {"aws_access_key_id": key, "aws_secret_access_key": "local"}

    def client(self, operation: Operation, name: str, region: str) -> Any:
        """Raises FlowError if no endpoint is configured."""
        key = (operation.service, region)
        if key not in self._clients:
            url = self.url_of(operation, name)
            if url is None:
                raise _unconfigured(operation, name)
            self._clients[key] = _connect(operation.service, url, region, self._keys(url))
        return self._clients[key]


def _connect(service: str, url: str, region: str, keys: dict[str, str]) -> Any:
    from botocore.config import Config

    config = Config(
        # One attempt of a Task is one call; Retry says what is retried.
        retries={"total_max_attempts": 1},
        connect_timeout=10,
        read_timeout=_LAMBDA_SECONDS if service == "lambda" else _SECONDS,
        # The service reports missing parameters in its own words.
        parameter_validation=False,
        inject_host_prefix=False,
        s3={"addressing_style": "path"},
    )
    try:
        return botocore_session().create_client(service, region_name=region, endpoint_url=url, config=config, **keys)
    except ValueError as error:
        raise FlowError.of(
            f"{url!r} is not an endpoint: {error}", code="FD933", hint="use a URL, such as http://localhost:5000"
        ) from error


def _variable(operation: Operation) -> str:
    service: str = operation.service_model.service_id
    return "AWS_ENDPOINT_URL_" + service.replace(" ", "_").upper()


def _unconfigured(operation: Operation, name: str) -> FlowError:
    return FlowError.of(
        f"no endpoint is configured for {name}:{operation.name[:1].lower()}{operation.name[1:]}",
        code="FD932",
        hint=f"set {_variable(operation)} or AWS_ENDPOINT_URL, for example to http://localhost:5000 for moto's server, "
        "or give the state a mock",
    )
