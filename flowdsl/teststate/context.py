"""The context object of a TestState request.

Source: Step Functions API Reference, TestState, `context`; Developer Guide, "Context object"; the messages from
recorded calls.
"""

from __future__ import annotations

from typing import Any

from ..asl.resource import parse_resource
from .definition import Tested, json_value
from .errors import invalid

JSON = Any

_EXECUTION = {
    "Id": str,
    "Input": object,
    "Name": str,
    "RoleArn": str,
    "StartTime": str,
    "RedriveCount": int,
    "RedriveTime": str,
}
_STATE = {"EnteredTime": str, "Name": str, "RetryCount": int}
_CONTEXT: dict[str, dict[str, type]] = {
    "Execution": _EXECUTION,
    "State": _STATE,
    "StateMachine": {"Id": str, "Name": str},
    "Task": {"Token": str},
}
_KINDS = {str: "a string", int: "an integer"}


def read_context(value: JSON, tested: Tested) -> dict[str, JSON]:
    """Read the context object of a request. Raises TestStateError if it is invalid."""
    message = "Invalid Context object provided: {}"
    context = json_value(value, "ValidationException", message.format("must be a valid JSON object"))
    if not isinstance(context, dict):
        raise invalid(message.format("must be a valid JSON object"))
    for part, members in context.items():
        if part == "Map":
            raise invalid(message.format("'Map' field is not supported when mocking a Context object"))
        if part not in _CONTEXT:
            raise invalid(message.format(f"Field '{part}' is not allowed"))
        if not isinstance(members, dict):
            raise invalid(message.format(f"{part} must be an object"))
        _check_members(part, members, message)
    if "Task" in context and not parse_resource(tested.body.get("Resource", "")).pattern:
        raise invalid(
            message.format(
                "Context object contains 'Task' when state is not a Task state with a '.sync' or '.waitForTaskToken' "
                "service integration pattern"
            )
        )
    return context


def _check_members(part: str, members: dict[str, JSON], message: str) -> None:
    for name, value in members.items():
        kind = _CONTEXT[part].get(name)
        if kind is None:
            raise invalid(message.format(f"Field '{name}' is not allowed"))
        if kind is not object and (not isinstance(value, kind) or isinstance(value, bool)):
            raise invalid(message.format(f"{part}.{name} must be {_KINDS[kind]}"))
