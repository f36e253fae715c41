"""What the optimised integrations do beyond calling the API.

Source: Step Functions Developer Guide, the page of each service under "Integrating optimized services"; recorded
executions.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ...base.json import json_text
from ...engine import Call, Failed

JSON = Any
Result = dict[str, JSON]

_HEADERS = {
    "connection": "Connection",
    "content-length": "Content-Length",
    "content-type": "Content-Type",
    "date": "Date",
    "server": "Server",
    "x-amzn-requestid": "x-amzn-RequestId",
}
"""botocore has the names of headers in lower case."""


def prepare_arguments(call: Call) -> JSON:
    """The arguments as the API wants them."""
    prepared = _PREPARE.get((call.integration, call.action))
    return call.arguments if prepared is None or not isinstance(call.arguments, dict) else prepared(call)


def judge_result(call: Call, result: Result) -> Result | Failed:
    """The result, or the failure that an answer with status 200 may still be."""
    judged = _JUDGE.get((call.integration, call.action))
    return result if judged is None else judged(result)


WITHOUT_METADATA = {("events", "putEvents")}
"""The optimised integrations that add no metadata. Source: recorded executions."""


def with_metadata(result: Result, response: Result) -> Result:
    """SdkHttpMetadata and SdkResponseMetadata, which the other optimised integrations add."""
    metadata = response.get("ResponseMetadata", {})
    headers = {_HEADERS.get(name, name): value for name, value in metadata.get("HTTPHeaders", {}).items()}
    http = {
        "AllHttpHeaders": {name: [value] for name, value in headers.items()},
        "HttpHeaders": headers,
        "HttpStatusCode": metadata.get("HTTPStatusCode", 200),
    }
    told = {"SdkHttpMetadata": http, "SdkResponseMetadata": {"RequestId": metadata.get("RequestId", "")}}
    return dict(sorted({**result, **told}.items()))


def _put_events(call: Call) -> JSON:
    """Step Functions adds the execution and its state machine to the resources of each event."""
    own = [call.execution_arn, call.state_machine_arn]
    entries = call.arguments.get("Entries")
    if not isinstance(entries, list):
        return call.arguments
    told = [
        {**entry, "Resources": [*(entry.get("Resources") or ()), *own]} for entry in entries if isinstance(entry, dict)
    ]
    return {**call.arguments, "Entries": told}


def _events_put(result: Result) -> Result | Failed:
    if result.get("FailedEntryCount"):
        return Failed("EventBridge.FailedEntry", json_text(result))
    return result


def _invoke(call: Call) -> JSON:
    """Recorded: a payload that is a string is the JSON text that the function gets."""
    payload = call.arguments.get("Payload", {})
    return {**call.arguments, "Payload": payload if isinstance(payload, str) else json_text(payload)}


_UNTYPED = "The cause could not be determined because Lambda did not return an error type. Returned payload: "


def _invoked(result: Result) -> Result | Failed:
    """The payload as a JSON value; an error of the function is the task's. What is said of one that has no type: AWS's
    answers quoted in public issues."""
    text = result.get("Payload", "")
    try:
        payload = json.loads(text) if text else ""
    except ValueError:
        payload = text
    if result.get("FunctionError"):
        kind = payload.get("errorType") if isinstance(payload, dict) else None
        return Failed(kind, text) if kind else Failed("Lambda.Unknown", _UNTYPED + text)
    return {**result, "Payload": payload}


def _body_parsed(result: Result) -> Result | Failed:
    try:
        return {**result, "Body": json.loads(result.get("Body", ""))}
    except ValueError:
        return result


_PREPARE: dict[tuple[str, str], Callable[[Call], JSON]] = {
    ("events", "putEvents"): _put_events,
    ("lambda", "invoke"): _invoke,
}
_JUDGE: dict[tuple[str, str], Callable[[Result], Result | Failed]] = {
    ("bedrock", "invokeModel"): _body_parsed,
    ("events", "putEvents"): _events_put,
    ("lambda", "invoke"): _invoked,
}
