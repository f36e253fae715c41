"""The error and cause of a task when a service refuses the call.

The optimised integrations speak of errors as version 1 of the AWS SDK for Java does, the AWS SDK integrations as
version 2. Source: recorded executions; the naming in the code generators of both.
"""

from __future__ import annotations

from typing import Any

from ...asl.apis import class_name
from .catalogue import Operation


def failure(operation: Operation, response: dict[str, Any]) -> tuple[str, str]:
    """Error and cause for the `response` of botocore's ClientError."""
    answer = response.get("Error", {})
    code, message = str(answer.get("Code", "")), str(answer.get("Message", ""))
    metadata = response.get("ResponseMetadata", {})
    status, request = metadata.get("HTTPStatusCode", 400), metadata.get("RequestId", "")
    shape = operation.service_model.shape_for_error_code(code)
    if not operation.sdk:
        prefix, service = _optimised(operation)
        name = exception_name(shape.name) if shape is not None else f"{service.removesuffix('v2')}Exception"
        details = [f"Service: {service}", f"Status Code: {status}", f"Error Code: {code}", f"Request ID: {request}"]
        return f"{prefix}.{name}", f"{message} ({'; '.join(details)}; Proxy: null)"
    prefix = class_name(operation.service_model.service_id)
    name = exception_name(shape.name) if shape is not None else f"{prefix}Exception"
    details = [f"Service: {prefix}", f"Status Code: {status}", f"Request ID: {request}"]
    if metadata.get("HostId"):
        details.append(f"Extended Request ID: {metadata['HostId']}")
    return f"{prefix}.{name}", f"{message} ({', '.join(details)})"


def _optimised(operation: Operation) -> tuple[str, str]:
    """The prefix of the errors of an optimised integration, and the name of its service in causes."""
    name, record = class_name(operation.service_model.service_id), operation.record
    return (record.error_prefix or name, record.cause_name or name) if record else (name, name)


def error_prefix(operation: Operation) -> str:
    """What the errors of an integration start with: `DynamoDB`, `DynamoDb` for the AWS SDK."""
    return class_name(operation.service_model.service_id) if operation.sdk else _optimised(operation)[0]


def exception_name(shape: str) -> str:
    """The class of an error in the AWS SDK for Java.

    >>> [exception_name(name) for name in ("NoSuchKey", "ServiceFault", "ConditionalCheckFailedException")]
    ['NoSuchKeyException', 'ServiceException', 'ConditionalCheckFailedException']
    """
    for suffix in ("Exception", "Fault"):
        if shape.endswith(suffix):
            return shape.removesuffix(suffix) + "Exception"
    return f"{shape}Exception"
