"""What stands in for the hosts that HTTP Tasks call: `[tool.flowdsl.hosts]` of pyproject.toml.

    [tool.flowdsl.hosts."api.stripe.com"]
    url = "http://localhost:12111"
    headers = { Authorization = "Bearer ${STRIPE_KEY}" }

A host has the base of the URLs that are called instead, and what its EventBridge connection adds to each call. Nothing
is called at a host that isn't there, so that no test reaches the world unasked.
Source: Step Functions Developer Guide, "Call HTTPS APIs in Step Functions workflows".
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlsplit

from attrs import field, frozen

from ..asl.integrations import SERVICES
from ..base.diagnostics import FlowError

if TYPE_CHECKING:
    from ..engine import Call

JSON = Any


@frozen
class Host:
    """What is called instead of a host.

    `url` is `http` or `https`, a host and perhaps a path that the paths of calls are put behind. `headers`, `query` and
    `body` are a connection's: they win over the Task's own. `${NAME}` in them is an environment variable.
    """

    url: str
    headers: Mapping[str, str] = field(factory=dict)
    query: Mapping[str, str] = field(factory=dict)
    body: Mapping[str, JSON] = field(factory=dict)


Hosts = Mapping[str, Host]
"""By the host as calls name it: `api.stripe.com`, or `api.stripe.com:8443`."""


def host_named(call: Call) -> str | None:
    """The host that an HTTP Task or a call of API Gateway names; None for other calls."""
    service = SERVICES.get(call.integration)
    url = call.arguments.get(service.host) if service and service.host and isinstance(call.arguments, dict) else None
    if not isinstance(url, str):
        return None
    with suppress(ValueError):
        return urlsplit(url if "//" in url else f"//{url}").hostname
    return None


def host_of(hosts: Hosts, called: SplitResult, state: str) -> Host:
    """Raises FlowError where nothing is configured for the host of a URL."""
    found = hosts.get(called.netloc.rpartition("@")[2]) or hosts.get(called.hostname or "")
    if found is None:
        raise FlowError.of(
            f"the state {state!r} calls {called.hostname or 'no host'}, and only hosts that are configured are called",
            code="FD935",
            hint=f'say in pyproject.toml where to call instead: [tool.flowdsl.hosts."{called.hostname}"] '
            'url = "http://localhost:8000"; or give the state a mock',
        )
    return found


def expanded(text: str) -> str:
    """The text with environment variables in place of `${NAME}`. Raises FlowError where one is not set."""

    def value(found: re.Match[str]) -> str:
        if found[1] not in os.environ:
            raise FlowError.of(
                f"[tool.flowdsl.hosts] speaks of ${{{found[1]}}}, and there is no such environment variable",
                code="FD936",
                hint=f"set {found[1]}",
            )
        return os.environ[found[1]]

    return re.sub(r"\$\{(\w+)\}", value, text)


def headers_of(host: Host) -> dict[str, str]:
    """What the connection adds. Raises FlowError where a value cannot be one of a header, without the value: it may be
    a secret."""
    headers = {name: expanded(value) for name, value in host.headers.items()}
    for name, value in headers.items():
        if not value.isprintable():
            raise FlowError.of(
                f"[tool.flowdsl.hosts] the header {name} has a character that no header may have",
                code="FD936",
                hint=f"look for a line break or an invisible character in {host.headers[name]}",
            )
    return headers


def hosts_in(table: Mapping[str, Mapping[str, Any]]) -> Hosts:
    """The hosts of a table in which `mistakes_in` finds none."""
    return {name: Host(**said) for name, said in table.items()}


def mistakes_in(table: Any) -> Iterator[str]:
    """What is wrong with the table of hosts in pyproject.toml."""
    if not isinstance(table, dict):
        yield 'hosts must be a table of hosts, such as [tool.flowdsl.hosts."api.stripe.com"]'
        return
    for name, said in table.items():
        where = f'hosts."{name}"'
        if not isinstance(said, dict):
            yield f'{where} must be a table, such as {{ url = "http://localhost:8000" }}'
            continue
        if "/" in name:
            yield f"{where} must be a host alone, such as api.stripe.com"
        for key in said.keys() - {"url", "headers", "query", "body"}:
            yield f"{where} has no key {key!r}; the keys are url, headers, query, body"
        if not _is_base(said.get("url")):
            yield f'{where} url must be http:// or https://, a host and perhaps a path, as in "http://localhost:8000"'
        for key in ("headers", "query"):
            values = said.get(key, {})
            if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
                yield f'{where} {key} must be a table of texts, such as {{ Authorization = "Bearer ${{KEY}}" }}'
        if not isinstance(said.get("body", {}), dict):
            yield f"{where} body must be a table"


def _is_base(text: Any) -> bool:
    """Whether this is a URL that paths can be put behind."""
    try:
        parts = urlsplit(text)
        plain = not (parts.query or parts.fragment or "@" in parts.netloc)
        return (
            isinstance(text, str)
            and parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and plain
            and (parts.port != 0)
        )
    except (ValueError, AttributeError, TypeError):
        return False
