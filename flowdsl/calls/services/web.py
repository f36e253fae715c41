"""Requests over HTTP, to the URLs that replace the hosts of Tasks.

One request is one attempt; redirects are not followed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.parse import SplitResult, quote, urlsplit

from attrs import frozen

from ...base.diagnostics import FlowError
from ...base.json import json_text
from ..hosts import Host

JSON = Any
Pairs = list[tuple[str, str]]


_KEPT = "/%:@!$&'()*+,;=~"
"""Characters that stay unescaped in a URL. Source: RFC 3986, section 3.3 and 3.4."""


def parsed(text: str) -> JSON:
    """Parse JSON text; other text is returned as it is."""
    with suppress(ValueError, RecursionError):
        return json.loads(text)
    return text


class RefusedError(Exception):
    """The arguments are not a valid call; the text says why."""


class LostAnswerError(Exception):
    """The call was sent and not answered: the host may have carried it out."""


@frozen
class Request:
    method: str
    called: SplitResult
    """The URL as the Task names it."""
    query: Pairs
    headers: Pairs
    body: str | None

    @property
    def target(self) -> str:
        path = quote(self.called.path, safe=_KEPT) or "/"
        query = "&".join(filter(None, (quote(self.called.query, safe=_KEPT + "?"), form(self.query))))
        return f"{path}?{query}" if query else path

    def traced(self) -> dict[str, str]:
        """As TestState's TRACE shows it."""
        trace = {
            "protocol": self.called.scheme,
            "method": self.method,
            "url": f"{self.called.scheme}://{self.called.netloc}{self.target}",
            "headers": _listed(self.headers),
        }
        return trace if self.body is None else {**trace, "body": self.body}


@frozen
class HttpResponse:
    status: int
    reason: str
    headers: dict[str, list[str]]
    body: bytes

    @property
    def text(self) -> str:
        """Raises ValueError if the body is not UTF-8."""
        return self.body.decode()

    def traced(self, protocol: str) -> dict[str, str]:
        """As TestState's TRACE shows it."""
        return {
            "protocol": protocol,
            "statusCode": str(self.status),
            "statusMessage": self.reason,
            "headers": _listed([(name, value) for name, values in self.headers.items() for value in values]),
            "body": self.body.decode(errors="replace"),
        }

    def result(self) -> dict[str, JSON]:
        """The result of the integrations that call APIs by HTTP. Raises ValueError if the body is not UTF-8."""
        return {
            "Headers": self.headers,
            "ResponseBody": parsed(self.text),
            "StatusCode": self.status,
            "StatusText": self.reason,
        }


def _listed(headers: Pairs) -> str:
    return f"[{', '.join(f'{name}: {value}' for name, value in headers)}]"


def body_text(body: JSON) -> str:
    return body if isinstance(body, str) else json_text(body)


def pairs(values: JSON) -> Iterator[tuple[str, str]]:
    """The names and values of headers or query parameters; a value may be a list of values."""
    for name, value in values.items() if isinstance(values, Mapping) else ():
        for each in value if isinstance(value, list) else [value]:
            yield name, body_text(each)


def url(text: str) -> SplitResult:
    """Split a URL. Raises RefusedError if it is invalid."""
    try:
        return urlsplit(text)
    except ValueError as error:
        raise RefusedError(f"{text} is not a URL: {error}") from None


def form(query: Pairs) -> str:
    """
    >>> form([("a[0]", "x y"), ("b", "ü")])
    'a%5B0%5D=x%20y&b=%C3%BC'
    """
    return "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in query)


def send(host: Host, request: Request, *, seconds: float) -> HttpResponse:
    """Send the request to `host` instead of the host that it names.

    Raises RefusedError if HTTP does not allow the method or a header, FlowError if the host does not accept a
    connection, LostAnswerError if it does not answer.
    """
    base = urlsplit(host.url)
    make = HTTPSConnection if base.scheme == "https" else HTTPConnection
    connection = make(base.hostname or "", base.port, timeout=seconds)
    try:
        connection.connect()
    except (OSError, UnicodeError) as error:  # UnicodeError: an invalid host name
        raise FlowError.of(
            f"{host.url}, which replaces {request.called.hostname}, does not answer: {error}",
            code="FD933",
            hint="start it, or correct the url in [tool.flowdsl.hosts]",
        ) from None
    try:
        return _sent(connection, request, quote(base.path.rstrip("/"), safe=_KEPT) + request.target)
    except (OSError, HTTPException) as error:
        raise LostAnswerError(str(error) or type(error).__name__) from error
    finally:
        connection.close()


def _sent(connection: HTTPConnection, request: Request, target: str) -> HttpResponse:
    content = None if request.body is None else request.body.encode()
    try:
        connection.putrequest(request.method, target, skip_accept_encoding=True)
        for name, value in request.headers:
            connection.putheader(name, value.encode())
    except ValueError as error:
        raise RefusedError(str(error)) from None
    if content is not None:
        connection.putheader("Content-Length", str(len(content)))
    connection.endheaders(content)
    response = connection.getresponse()
    return HttpResponse(response.status, response.reason, _headers(response), response.read())


def _headers(response: HTTPResponse) -> dict[str, list[str]]:
    headers: dict[str, list[str]] = {}
    for name, value in response.getheaders():
        headers.setdefault(name, []).append(value)
    return headers
