"""What the optimised integrations do beyond calling the API.

Source: Step Functions Developer Guide, the page of each service under "Integrating optimized services"; recorded
executions.
"""

from __future__ import annotations

from typing import Any

from ...asl.integration_records import Action
from ...engine import Call, Failed
from .web import parsed

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
"""The names of headers in botocore → as Step Functions writes them."""


def prepare_arguments(call: Call, action: Action | None) -> JSON:
    """The arguments as the API expects them."""
    if action is None or not isinstance(call.arguments, dict):
        return call.arguments
    arguments = {**action.defaults, **call.arguments}
    return action.identify(arguments, call.execution_arn, call.state_machine_arn) if action.identify else arguments


def read_result(action: Action | None, result: Result, response: Result) -> Result | Failed:
    """The result of the task, or the failure that an answer with status 200 may still be."""
    if action is None:
        return with_metadata(result, response)
    failure = action.failure(result)
    if failure is not None:
        return Failed(*failure)
    values = {name: parsed(result[name]) for name in action.parsed if name in result}
    return with_metadata({**result, **values}, response) if action.has_metadata else {**result, **values}


def with_metadata(result: Result, response: Result) -> Result:
    """The result with SdkHttpMetadata and SdkResponseMetadata."""
    metadata = response.get("ResponseMetadata", {})
    headers = {_HEADERS.get(name, name): value for name, value in metadata.get("HTTPHeaders", {}).items()}
    http = {
        "AllHttpHeaders": {name: [value] for name, value in headers.items()},
        "HttpHeaders": headers,
        "HttpStatusCode": metadata.get("HTTPStatusCode", 200),
    }
    own = {"SdkHttpMetadata": http, "SdkResponseMetadata": {"RequestId": metadata.get("RequestId", "")}}
    return dict(sorted({**result, **own}.items()))
