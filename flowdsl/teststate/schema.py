"""Mocked results against the shapes of the APIs that they stand for.

Source: Step Functions API Reference, MockInput, `fieldValidationMode`; the messages from recorded calls.
"""

from __future__ import annotations

from typing import Any

from ..asl.integrations import find_action
from ..asl.resource import TOKEN, Resource
from ..calls.services.catalogue import Operation, Shape, find_operation
from .errors import TestStateError, invalid

JSON = Any


def check_result(resource: Resource, result: JSON, *, strict: bool) -> None:
    """Raise TestStateError if the result does not have the shape of the API's answer.

    Members that the API does not have are allowed, and so is everything if botocore does not know the API. Functions
    and activities may answer anything, and so may an integration that calls no API of AWS and a callback with a task
    token; a `.sync` task has the answer of the API that describes the job. Bytes are text, and so is the `Payload` of a
    function, which in a real result is a JSON value (AWS's answers quoted in boto/boto3 issues 4682 and 4683).
    Source: Developer Guide, "Testing state machines with TestState API", "Mock validation modes".
    """
    if not resource.operation or resource.pattern == TOKEN:
        return
    integration, action = resource.integration, resource.action
    if resource.pattern:
        record = find_action(integration, action)
        action = record.job.action if record is not None and record.job is not None else ""
    operation = find_operation(integration, action)
    if operation is not None and operation.model.output_shape is not None:
        _structure(_Rules(operation, strict), result, operation.model.output_shape)


class _Rules:
    def __init__(self, operation: Operation, strict: bool) -> None:
        self.operation = operation
        self.strict = strict


def _structure(rules: _Rules, value: JSON, shape: Shape) -> None:
    if not isinstance(value, dict):
        raise invalid("Mocked result must be a JSON object.")
    names = rules.operation.names_of(shape)
    if rules.strict:
        for name, member in names.items():
            if member in shape.required_members and name not in value:
                raise _wrong(f"Required field '{name}' is missing")
    for name, part in value.items():
        if name in names:
            _value(rules, name, part, shape.members[names[name]])


def _value(rules: _Rules, name: str, value: JSON, shape: Shape) -> None:
    kind = shape.type_name
    if getattr(shape, "is_document_type", False):
        return
    article, right = _TYPES[kind]
    if not isinstance(value, right) or (isinstance(value, bool) and kind != "boolean"):
        raise _wrong(f"Field '{name}' must be {article}")
    if kind == "structure":
        _structure(rules, value, shape)
    elif kind == "map":
        for part in value.values():
            _value(rules, name, part, shape.value)
    elif kind == "list":
        _limits(rules, name, value, shape)
        for part in value:
            _value(rules, name, part, shape.member)
    elif kind == "string" and shape.enum and value not in shape.enum:
        raise _wrong(f"Field '{name}' is not an expected value")
    else:
        _limits(rules, name, value, shape)


def _limits(rules: _Rules, name: str, value: JSON, shape: Shape) -> None:
    """Minimum and maximum: of a number, of the size of a text, bytes or an array. That sizes are looked at says the
    Developer Guide ("Mock validation modes"); the texts for them are ours, after the recorded ones for numbers."""
    kind = shape.type_name
    if kind in _SIZED or _TYPES[kind][1] is _NUMBER:
        size, what = (len(value), "length") if kind in _SIZED else (value, "value")
        if size < shape.metadata.get("min", size):
            raise _wrong(f"Field '{name}' is less than the minimum {what}")
        if size > _MAXIMA.get((rules.operation.service, shape.name), shape.metadata.get("max", size)):
            raise _wrong(f"Field '{name}' exceeds the maximum {what}")


_SIZED = ("blob", "list", "string")
_NUMBER = (int, float)
_TYPES: dict[str, tuple[str, Any]] = {
    **dict.fromkeys(("string", "character", "timestamp", "blob"), ("a string", str)),
    **dict.fromkeys(("integer", "long", "float", "double"), ("a number", _NUMBER)),
    "boolean": ("a boolean", bool),
    "list": ("an array", list),
    "map": ("an object", dict),
    "structure": ("an object", dict),
}


_MAXIMA = {("lambda", "MemorySize"): 10_240}
"""Where botocore's models are newer than those that TestState was recorded with: Lambda's allows 32,768 MB, the
recordings 10,240, as Lambda's Developer Guide says ("Configure Lambda function memory")."""


def _wrong(message: str) -> TestStateError:
    return invalid(f"Mock result schema validation error: {message}")
