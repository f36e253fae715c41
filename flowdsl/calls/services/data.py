"""Arguments and results: between the JSON of a flow and the values of botocore.

Source: Step Functions Developer Guide, "Learning to use AWS service SDK integrations"; recorded executions.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from ...base.json import json_text
from .catalogue import Operation, Shape

JSON = Any


class ArgumentError(Exception):
    """The arguments cannot be sent; the text is the service's message."""


def to_request(operation: Operation, arguments: JSON) -> dict[str, Any]:
    """The parameters for botocore. Raises ArgumentError if a field is unknown or cannot be converted."""
    shape = operation.model.input_shape
    if not isinstance(arguments, dict):
        raise ArgumentError("The value must be a valid JSON object")
    if shape is None:
        return {}
    return dict(_to_structure(operation, arguments, shape))


def _to_structure(operation: Operation, value: JSON, shape: Shape) -> dict[str, Any]:
    names = operation.names_of(shape)
    members = {}
    for key, part in value.items():
        member = names.get(key)
        if member is None:
            raise ArgumentError(f'The field "{key}" is not supported by Step Functions')
        if part is not None:
            members[member] = _to_value(operation, part, shape.members[member], key)
    return members


def _to_value(operation: Operation, value: JSON, shape: Shape, key: str) -> Any:
    kind = shape.type_name
    if kind == "structure" and getattr(shape, "is_document_type", False):
        return value
    if value is None:
        raise ArgumentError(f"The value for the field '{key}' must not be null")
    if shape.name == "AttributeValue" and not operation.sdk and isinstance(value, str):
        return {"S": value}  # The optimized integration of DynamoDB takes plain text, as AWS's samples have it.
    if kind in ("structure", "map"):
        if not isinstance(value, dict):
            raise ArgumentError(f"The value for the field '{key}' must be an object")
        if kind == "structure":
            return _to_structure(operation, value, shape)
        return {name: _to_value(operation, item, shape.value, name) for name, item in value.items()}
    if kind == "list":
        if not isinstance(value, list):
            raise ArgumentError(f"The value for the field '{key}' must be an array")
        return [_to_value(operation, item, shape.member, key) for item in value]
    if kind in ("string", "character", "blob"):
        text = value if isinstance(value, str) else json_text(value)
        return text.encode() if kind == "blob" else text
    if kind == "boolean":
        return _expect(isinstance(value, bool), value, key, "a BOOLEAN")
    if kind == "timestamp":
        return _expect(isinstance(value, (str, int, float)) and not isinstance(value, bool), value, key, "a TIMESTAMP")
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    whole = kind in ("integer", "long")
    return _expect(
        number and not (whole and value != int(value)), int(value) if number and whole else value, key, "a NUMBER"
    )


def _expect(is_valid: bool, value: Any, key: str, kind: str) -> Any:
    if not is_valid:
        raise ArgumentError(f"The value for the field '{key}' must be {kind}")
    return value


def from_response(
    operation: Operation, response: dict[str, Any], write_time: Callable[[datetime], JSON]
) -> dict[str, JSON]:
    """The result as a JSON value; `write_time` makes a value of a time."""
    shape = operation.model.output_shape
    if shape is None:
        return {}
    return dict(_from_value(operation, response, shape, write_time))


def _from_value(operation: Operation, value: Any, shape: Shape, write_time: Callable[[datetime], JSON]) -> JSON:
    kind = shape.type_name
    if kind == "structure" and not getattr(shape, "is_document_type", False):
        return {
            name: _from_value(operation, value[member], shape.members[member], write_time)
            for name, member in operation.names_of(shape).items()
            if value.get(member) is not None
        }
    if kind == "list":
        return [_from_value(operation, item, shape.member, write_time) for item in value]
    if kind == "map":
        return {name: _from_value(operation, item, shape.value, write_time) for name, item in value.items()}
    if isinstance(value, datetime):
        return write_time(value)
    if kind == "blob":
        return _text(value.read() if hasattr(value, "read") else value)
    return value


def _text(content: bytes | str) -> str:
    """The content of a body as text, or in Base64 if it is not UTF-8."""
    if isinstance(content, str):
        return content
    try:
        return content.decode()
    except UnicodeDecodeError:
        return base64.b64encode(content).decode()


def as_millis(moment: datetime) -> int:
    """Optimised integrations write a time in milliseconds since 1970."""
    return round(moment.timestamp() * 1000)


def as_iso(moment: datetime) -> str:
    """AWS SDK integrations write a time as the AWS SDK for Java does (Instant.toString)."""
    utc = moment.astimezone(UTC)
    fraction = f".{utc.microsecond:06d}".rstrip("0") if utc.microsecond else ""
    digits = fraction.ljust(4, "0") if fraction and len(fraction) < 5 else fraction.ljust(7, "0") if fraction else ""
    return utc.strftime("%Y-%m-%dT%H:%M:%S") + digits + "Z"
