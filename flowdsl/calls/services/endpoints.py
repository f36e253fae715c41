"""Where calls go: only to endpoints that the user has named, so that no test reaches AWS by accident.

Source: AWS SDKs and Tools Reference Guide, "Service-specific endpoints".
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from attrs import define, field

from ...base.diagnostics import FlowError
from .catalogue import Operation, botocore_session

_SECONDS = 60.0
_LAMBDA_SECONDS = 900.0
"""A function may run for 15 minutes."""


@define
class Endpoints:
    """botocore's clients for the endpoints that were configured.

    `url` is for all services; `urls` for single ones by their Step Functions name (`dynamodb`, `sfn`) or botocore's.
    Without them AWS_ENDPOINT_URL_<SERVICE> and AWS_ENDPOINT_URL of `environment` are read, as the AWS SDKs do; nothing
    is read of AWS's configuration files.
    """

    url: str | None = None
    urls: Mapping[str, str] = field(factory=dict)
    environment: Mapping[str, str] = field(default=os.environ, repr=False)
    _clients: dict[tuple[str, str], Any] = field(factory=dict, init=False, repr=False)

    @property
    def configured(self) -> bool:
        """Whether there is an endpoint for any service."""
        named = (url for name, url in self.environment.items() if name.startswith("AWS_ENDPOINT_URL"))
        return bool(self.url or self.urls or any(named))

    def url_of(self, operation: Operation, named: str) -> str | None:
        """The endpoint for a service; `named` is its name in the flow."""
        return (
            self.urls.get(named)
            or self.urls.get(operation.service)
            or self.url
            or self.environment.get(_variable(operation))
            or self.environment.get("AWS_ENDPOINT_URL")
            or None
        )

    def _keys(self, url: str) -> dict[str, str]:
        """What signs the calls: for AWS what the AWS SDKs find; an emulator wants a signature, and takes any."""
        if (urlsplit(url).hostname or "").endswith((".amazonaws.com", ".amazonaws.com.cn")):
            return {}
        key = self.environment.get("AWS_ACCESS_KEY_ID") or "local"
        return {"aws_access_key_id": key, "aws_secret_access_key": "local"}

    def client(self, operation: Operation, named: str, region: str) -> Any:
        """Raises FlowError where no endpoint was configured."""
        key = (operation.service, region)
        if key not in self._clients:
            url = self.url_of(operation, named)
            if url is None:
                raise _unconfigured(operation, named)
            self._clients[key] = _connect(operation.service, url, region, self._keys(url))
        return self._clients[key]


def _connect(service: str, url: str, region: str, keys: dict[str, str]) -> Any:
    from botocore.config import Config

    config = Config(
        # One attempt of a Task is one call: what is to be tried again stands in Retry.
        retries={"total_max_attempts": 1},
        connect_timeout=10,
        read_timeout=_LAMBDA_SECONDS if service == "lambda" else _SECONDS,
        # The service says what is missing, in its own words.
        parameter_validation=False,
        inject_host_prefix=False,
        s3={"addressing_style": "path"},
    )
    try:
        return botocore_session().create_client(service, region_name=region, endpoint_url=url, config=config, **keys)
    except ValueError as error:
        raise FlowError.of(
            f"{url!r} is no endpoint: {error}", code="FD933", hint="write a URL, such as http://localhost:5000"
        ) from error


def _variable(operation: Operation) -> str:
    service: str = operation.service_model.service_id
    return "AWS_ENDPOINT_URL_" + service.replace(" ", "_").upper()


def _unconfigured(operation: Operation, named: str) -> FlowError:
    return FlowError.of(
        f"no endpoint is configured for {named}:{operation.name[:1].lower()}{operation.name[1:]}, and flowdsl calls "
        "no other",
        code="FD932",
        hint=f"set {_variable(operation)} or AWS_ENDPOINT_URL, for example to http://localhost:5000 of moto's server, "
        "or give the state a mock",
    )
