"""`http:invoke` and `apigateway:invoke`.

Source: Step Functions Developer Guide, "Call HTTPS APIs in Step Functions workflows" and "Create API Gateway REST APIs
with Step Functions". The texts of causes are ours; bodies are the API's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from attrs import evolve

from ...base.json import json_text
from ...engine import Call, Exchange, Failed, Reply
from ..hosts import Host, Hosts, expanded, headers_of, host_of
from .web import HttpResponse, LostAnswerError, Pairs, RefusedError, Request, body_text, form, pairs, send, url

JSON = Any
Result = dict[str, JSON]

SECONDS = 60.0
"""The time limit of an HTTP Task."""
_METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD")
_WITH_BODY = ("POST", "PUT", "PATCH")
_FORBIDDEN = re.compile(
    "a-im|accept-(charset|datetime|encoding)|authorization|cache-control|connection|content-(encoding|md5)|date|expect|"
    "forwarded|from|host|http2-settings|if-(match|modified-since|none-match|range|unmodified-since)|max-forwards|origin|"
    "pragma|proxy-authorization|referer|server|te|trailer|transfer-encoding|upgrade|via|warning|x-(forwarded|amz|amzn)-.*"
)
_FORBIDDEN_GATEWAY = re.compile(
    "(x-forwarded|x-amz|x-amzn).*|authorization|connection|content-md5|expect|host|max-forwards|proxy-authenticate|"
    "server|te|transfer-encoding|trailer|upgrade|via|www-authenticate"
)
_BINARY = re.compile(r"application/octet-stream|(image|video|audio)/.*")


def http_invoke(call: Call, hosts: Hosts) -> Reply:
    """Call an HTTPS API with what its connection adds. Raises FlowError if the host is not configured."""
    try:
        arguments = _arguments(call, _FORBIDDEN)
        connection = arguments.get("InvocationConfig") or arguments.get("Authentication")
        if not isinstance(connection, dict) or not connection.get("ConnectionArn"):
            raise RefusedError("ConnectionArn is missing in InvocationConfig")
        host = host_of(hosts, url(required(arguments, "ApiEndpoint")), call.state_name)
        request = _request(call, arguments, host)
        answer = send(host, request, seconds=seconds_of(call))
    except RefusedError as error:
        return _reply(refused(call, error))
    except LostAnswerError as lost:
        return Reply.failed("States.Http.Socket", str(lost))
    own = _request(call, arguments, Host(host.url))
    exchange = Exchange(own.traced(), request.traced(), answer.traced(request.called.scheme))
    return evolve(_reply(_judged(answer)), exchange=exchange)


def _request(call: Call, arguments: Result, connection: Host) -> Request:
    """The request of an HTTP Task; the values of the connection win."""
    added = headers_of(connection)
    body = _merged(arguments.get("RequestBody"), {name: _expanded(value) for name, value in connection.body.items()})
    content = None if body is None else _encoded(body, arguments.get("Transform"))
    values = {name: expanded(value) for name, value in connection.query.items()}
    query = {**as_object(arguments.get("QueryParameters")), **values}
    names = {name.lower() for name in added}
    own = [(name, value) for name, value in pairs(arguments.get("Headers")) if name.lower() not in names]
    headers = [*_all_headers(call, content is not None and not isinstance(body, str), [*own, *added.items()])]
    return Request(arguments["Method"], url(arguments["ApiEndpoint"]), [*pairs(query)], headers, content)


def _judged(answer: HttpResponse) -> Result | Failed:
    if _BINARY.match(",".join(_header(answer, "content-type"))):
        return Failed("States.Runtime", "The content type of the response is not supported", refused=True)
    try:
        if not 200 <= answer.status < 300:
            return Failed(f"States.Http.StatusCode.{answer.status}", answer.text or answer.reason)
        return answer.result()
    except ValueError:
        return Failed("States.Runtime", "The response body is not text", refused=True)


def _reply(result: Result | Failed) -> Reply:
    return Reply.of(result) if isinstance(result, Failed) else Reply.succeeded(result)


def gateway_invoke(call: Call, hosts: Hosts) -> Reply:
    """Call an API of API Gateway, without a signature. Raises FlowError if the host is not configured."""
    return _reply(_gateway_result(call, hosts))


def _gateway_result(call: Call, hosts: Hosts) -> Result | Failed:
    try:
        arguments = _arguments(call, _FORBIDDEN_GATEWAY)
        path = "/".join(str(arguments[key]).strip("/") for key in ("Stage", "Path") if arguments.get(key))
        called = url(f"https://{required(arguments, 'ApiEndpoint')}")._replace(path=f"/{path}")
        host = host_of(hosts, called, call.state_name)
    except RefusedError as error:
        return refused(call, error)
    body = arguments.get("RequestBody")
    if not arguments.get("AllowNullValues"):
        body = _without_nulls(body)
    content = body_text(body) if body is not None and arguments["Method"] in _WITH_BODY else None
    headers = [*pairs(arguments.get("Headers")), *headers_of(host).items()]
    if content is not None and not isinstance(body, str) and not _has(headers, "content-type"):
        headers.append(("Content-Type", "application/json"))
    query = [*pairs(arguments.get("QueryParameters")), *((name, expanded(value)) for name, value in host.query.items())]
    try:
        request = Request(arguments["Method"], called, query, headers, content)
        answer = send(host, request, seconds=seconds_of(call))
        if not 200 <= answer.status < 300:
            return Failed(f"ApiGateway.{answer.status}", answer.text)
        return answer.result()
    except RefusedError as error:
        return refused(call, error)
    except LostAnswerError as lost:
        return Failed("ApiGateway.SdkClientException", str(lost))
    except ValueError:
        return Failed("States.Runtime", "The response body is not text", refused=True)


def _arguments(call: Call, forbidden: re.Pattern[str]) -> Result:
    arguments = as_object(call.arguments)
    required(arguments, "ApiEndpoint")
    if required(arguments, "Method") not in _METHODS:
        raise RefusedError(f"The value for the field 'Method' must be one of {', '.join(_METHODS)}")
    for name, _ in pairs(arguments.get("Headers")):
        if forbidden.fullmatch(name.lower()):
            raise RefusedError(f"The header {name} is not supported")
    return arguments


def required(arguments: Result, name: str) -> str:
    if not isinstance(arguments.get(name), str):
        raise RefusedError(f"The field '{name}' is required but was missing")
    text: str = arguments[name]
    return text


def as_object(value: JSON) -> Result:
    return value if isinstance(value, dict) else {}


def refused(call: Call, error: RefusedError) -> Failed:
    arguments = json_text(call.arguments)
    cause = f"The Parameters '{arguments}' could not be used to start the Task: [{error}]"
    return Failed("States.Runtime", cause, refused=True)


def seconds_of(call: Call) -> float:
    return SECONDS if call.timeout_seconds is None else max(min(SECONDS, call.timeout_seconds), 0.001)


def _all_headers(call: Call, is_json: bool, headers: Pairs) -> Iterator[tuple[str, str]]:
    """The headers of an HTTP Task and those that Step Functions sets."""
    yield from headers
    if is_json and not _has(headers, "content-type"):
        yield "Content-Type", "application/json; charset=UTF-8"
    yield "Range", "bytes=0-262144"
    yield "User-Agent", f"Amazon|StepFunctions|HttpInvoke|{call.region}"


def _has(headers: Pairs, name: str) -> bool:
    return any(each.lower() == name for each, _ in headers)


def _header(answer: HttpResponse, name: str) -> list[str]:
    return [value for each, values in answer.headers.items() if each.lower() == name for value in values]


def _merged(body: JSON, added: Result) -> JSON:
    if not added:
        return body
    if body is not None and not isinstance(body, dict):
        raise RefusedError("A RequestBody that is not an object cannot be merged with the connection's body")
    return {**(body or {}), **added}


def _expanded(value: JSON) -> JSON:
    return expanded(value) if isinstance(value, str) else value


def _encoded(body: JSON, transform: JSON) -> str:
    options = as_object(transform)
    if options.get("RequestBodyEncoding") != "URL_ENCODED" or isinstance(body, str):
        return body_text(body)
    arrays = as_object(options.get("RequestEncodingOptions")).get("ArrayFormat", "INDICES")
    return form([*_fields("", body, arrays)])


def _fields(name: str, value: JSON, arrays: str) -> Iterator[tuple[str, str]]:
    """The fields of a form: `a[b]` for a member of an object, arrays in their ArrayFormat."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _fields(f"{name}[{key}]" if name else key, part, arrays)
    elif isinstance(value, list) and arrays == "COMMAS":
        yield name, ",".join(map(body_text, value))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            inner = {"INDICES": f"{name}[{index}]", "BRACKETS": f"{name}[]"}.get(arrays, name)
            yield from _fields(inner, part, arrays)
    else:
        yield name, body_text(value)


def _without_nulls(value: JSON) -> JSON:
    if isinstance(value, dict):
        return {key: _without_nulls(part) for key, part in value.items() if part is not None}
    return [_without_nulls(part) for part in value] if isinstance(value, list) else value
