"""Calls of services and their errors in a state, turned into a Resource, arguments and error names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..base.diagnostics import AslPath
from ..base.source import Caller
from .conflicts import Report
from .fields import UNSET, Language, evolve
from .integrations import Action, AwsError, Errors, Integration, Service
from .states import Catcher, Retrier, State, Task, Working


def with_services(state: State, language: Language, report: Report) -> State:
    """The state with the Resource and the arguments of the call that its Task makes, and the names of AWS's errors."""
    resource = ""
    if isinstance(state, Task):
        if isinstance(state.resource, Integration):
            state = _calling(state, state.resource, language, report)
        elif isinstance(state.resource, Action | Service):
            hint = "call it with its arguments: aws.sqs.send_message(QueueUrl=…, MessageBody=…)"
            report(("Resource",), f"{_named(state.resource)} is not called", hint, None)
            state = evolve(state, resource="arn:aws:states:::")
        resource = state.resource if isinstance(state.resource, str) else ""
    if isinstance(state, Working):
        changes = {name: _each(getattr(state, name), resource, report, key) for name, key in _HANDLERS.items()}
        state = evolve(state, **changes)
    return state


_HANDLERS = {"retry": "Retry", "catch": "Catch"}


def _calling(task: Task, call: Integration, language: Language, report: Report) -> Task:
    for keyword in ("arguments", "parameters", "payload"):
        if getattr(task, keyword) is not UNSET:
            hint = f"remove {keyword}=, or give the whole Resource as text"
            report((_key(language),), f"the call of {call.service} has its own arguments beside {keyword}=", hint, None)
    if task.wait_for_task_token:
        hint = f"write {call.action}.wait_for_task_token(…) and remove wait_for_task_token="
        report(("Resource",), "wait_for_task_token= beside the call of a service", hint, None)
    changes: dict[str, Any] = {"arguments": UNSET, "parameters": UNSET, "payload": UNSET, "wait_for_task_token": False}
    if call.arguments:
        changes["arguments"] = call.arguments
    return evolve(task, **changes, resource=call.resource)


def _key(language: Language) -> str:
    """The field that holds the arguments of a call."""
    return "Arguments" if language == "JSONata" else "Parameters"


def _named(value: Action | Service) -> str:
    return f"aws.{value.name}" if isinstance(value, Service) else f"{value.service}:{value.name}"


def _each(handlers: Any, resource: str, report: Report, key: str) -> Any:
    """The retriers or catchers with the names of AWS's errors; what is of another kind stays, for others to report."""
    if isinstance(handlers, Retrier | Catcher):
        return _errors(handlers, resource, report, (key,))
    if not isinstance(handlers, list | tuple):
        return handlers
    return tuple(
        _errors(each, resource, report, (key, index)) if isinstance(each, Retrier | Catcher) else each
        for index, each in enumerate(handlers)
    )


def _errors(handler: Retrier | Catcher, resource: str, report: Report, path: AslPath) -> Retrier | Catcher:
    if not isinstance(handler.errors, Iterable) or isinstance(handler.errors, str):
        return handler
    names: list[Any] = []
    for error in handler.errors:
        if isinstance(error, Errors):
            hint = "name one of them: aws.dynamodb.errors.ConditionalCheckFailedException"
            report((*path, "ErrorEquals"), "aws.….errors holds all errors of a service", hint, None)
        names.extend(error.names(resource) if isinstance(error, AwsError) else [error])
    return evolve(handler, errors=tuple(names))


def places(state: State, language: Language) -> Mapping[AslPath, Caller | None]:
    """Where the author called the service, by the path of its arguments in the state."""
    if not isinstance(state, Task) or not isinstance(state.resource, Integration):
        return {}
    return {(_key(language),): state.resource.origin, ("Resource",): state.resource.origin}
