"""What is called in place of the hosts of HTTP Tasks: `[tool.flowdsl.hosts]` of pyproject.toml.

    [tool.flowdsl.hosts."api.stripe.com"]
    url = "http://localhost:12111"
    headers = { Authorization = "Bearer ${STRIPE_KEY}" }

A host has the base of the URLs to call instead, and what its EventBridge connection adds to each call. Other hosts are
never called, so that no test calls the internet by accident.
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
    """The configuration of a URL's host. Raises FlowError if there is none."""
    host = hosts.get(called.netloc.rpartition("@")[2]) or hosts.get(called.hostname or "")
    if host is None:
        raise FlowError.of(
            f"state {state!r} calls {called.hostname or 'a URL without a host'}, which is not in [tool.flowdsl.hosts]",
            code="FD935",
            hint=f'add to pyproject.toml what to call instead: [tool.flowdsl.hosts."{called.hostname}"] '
            'url = "http://localhost:8000"; or mock the state',
        )
    return host


def expanded(text: str) -> str:
    """The text with environment variables in place of `${NAME}`. Raises FlowError if one is not set."""

    def value(match: re.Match[str]) -> str:
        if match[1] not in os.environ:
            raise FlowError.of(
                f"[tool.flowdsl.hosts] uses ${{{match[1]}}}, but the environment variable {match[1]} is not set",
                code="FD936",
                hint=f"set {match[1]}",
            )
        return os.environ[match[1]]

    return re.sub(r"\$\{(\w+)\}", value, text)


def headers_of(host: Host) -> dict[str, str]:
    """The headers that the connection adds. Raises FlowError if a value cannot be a header's; the message does not
    contain the value, which may be a secret."""
    headers = {name: expanded(value) for name, value in host.headers.items()}
    for name, value in headers.items():
        if not value.isprintable():
            raise FlowError.of(
                f"[tool.flowdsl.hosts] header {name} contains a character that headers cannot contain",
                code="FD936",
                hint=f"remove the line break or invisible character from {host.headers[name]}",
            )
    return headers


def hosts_in(table: Mapping[str, Mapping[str, Any]]) -> Hosts:
    """Convert a table without `mistakes_in` it."""
    return {name: Host(**entry) for name, entry in table.items()}


def mistakes_in(table: Any) -> Iterator[str]:
    """Yield what is wrong with the table of hosts in pyproject.toml."""
    if not isinstance(table, dict):
        yield 'hosts must be a table of hosts, such as [tool.flowdsl.hosts."api.stripe.com"]'
        return
    for name, entry in table.items():
        where = f'hosts."{name}"'
        if not isinstance(entry, dict):
            yield f'{where} must be a table, such as {{ url = "http://localhost:8000" }}'
            continue
        if "/" in name:
            yield f"{where} must be only a host, such as api.stripe.com"
        for key in entry.keys() - {"url", "headers", "query", "body"}:
            yield f"{where} has the unknown key {key!r}; valid keys: url, headers, query, body"
        if not _is_base(entry.get("url")):
            yield f'{where} url must be a base URL, such as "http://localhost:8000" or "https://localhost/base"'
        for key in ("headers", "query"):
            values = entry.get(key, {})
            if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
                yield f'{where} {key} must be a table of strings, such as {{ Authorization = "Bearer ${{KEY}}" }}'
        if not isinstance(entry.get("body", {}), dict):
            yield f"{where} body must be a table"


def _is_base(text: Any) -> bool:
    """True if the text is a URL to which paths can be appended."""
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
