"""Calls of services and their errors in a state, turned into a Resource, arguments and error names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from ..base.diagnostics import AslPath
from ..base.record import evolve
from ..base.source import Caller
from .conflicts import Report
from .fields import UNSET, Language, Unset
from .flow import describe
from .functions import Dynamic, Function
from .integrations import Action, AwsError, Errors, Integration, Service
from .states import Catcher, ItemReader, Map, ResultWriter, Retrier, State, Task, Working
from .tokens import has_tokens, tokens_in


def with_services(state: State, language: Language, report: Report) -> State:
    """The state with the Resource and the arguments of the call that its Task makes, and the names of AWS's errors."""
    resource = ""
    if isinstance(state, Task):
        state = _called(state, language, report, ())
        resource = state.resource if isinstance(state.resource, str) else ""
    if isinstance(state, Map):
        parts = {key: _with_s3(getattr(state, key), name, language, report) for key, name in _DATA.items()}
        state = evolve(state, **parts)
    if isinstance(state, Working):
        changes = {name: _each(getattr(state, name), resource, report, key) for name, key in _HANDLERS.items()}
        state = evolve(state, **changes)
    return state


_HANDLERS = {"retry": "Retry", "catch": "Catch"}
_DATA = {"item_reader": "ItemReader", "result_writer": "ResultWriter"}
_NO_CALL = "arn:aws:lambda:us-east-1:123456789012:function:unknown"
"""Takes the place of a Resource that is reported."""
Calls = TypeVar("Calls", Task, ItemReader, ResultWriter)


def _called(element: Calls, language: Language, report: Report, path: AslPath) -> Calls:
    """The element with the Resource of the call that it makes, and the call's arguments instead of any other."""
    call = element.resource
    if isinstance(call, Action | Service):
        hint = "call it with its arguments: aws.sqs.send_message(QueueUrl=…, MessageBody=…)"
        report((*path, "Resource"), f"{_named(call)} is not called", hint, None)
        return evolve(element, resource=_NO_CALL)
    if isinstance(call, str) and has_tokens(call):
        hint = "to choose a function when the flow runs, write dynamic(path, allowed=[...])"
        origin = tokens_in(call)[0].origin
        report((*path, "Resource"), "the Resource must be constant text, without an expression", hint, origin)
        return evolve(element, resource=_NO_CALL)
    if not isinstance(call, str | Integration | Function | Dynamic | Unset):
        hint = "write a Function, a call such as aws.sqs.send_message(...), or an ARN"
        report((*path, "Resource"), f"{describe(call)} cannot be called", hint, None)
        return evolve(element, resource=_NO_CALL)
    if not isinstance(call, Integration):
        return element
    arguments = {key: each.arn if isinstance(each, Function) else each for key, each in call.arguments.items()}
    changes: dict[str, Any] = {"arguments": arguments or UNSET, "resource": call.resource}
    for keyword in ("arguments", "parameters", "payload"):
        if getattr(element, keyword, UNSET) is UNSET:
            continue
        hint = f"remove {keyword}=, or give the whole Resource as text"
        message = f"the call of {call.service} has its own arguments beside {keyword}="
        report((*path, _key(language)), message, hint, None)
        changes.setdefault(keyword, UNSET)
    if getattr(element, "wait_for_task_token", False):
        hint = f"write {call.action}.wait_for_task_token(…) and remove wait_for_task_token="
        report((*path, "Resource"), "wait_for_task_token= beside the call of a service", hint, None)
        changes["wait_for_task_token"] = False
    return evolve(element, **changes)


def _with_s3(part: Any, name: str, language: Language, report: Report) -> Any:
    """The reader or writer of a Map with the Resource and the arguments of its call of S3.

    Step Functions has these actions of S3 for a Map only, so their Resource is not that of the SDK.
    """
    if not isinstance(part, ItemReader | ResultWriter):
        return part
    if isinstance(call := part.resource, Integration):
        part = evolve(part, resource=evolve(call, service=call.service.removeprefix("aws-sdk:")))
    return _called(part, language, report, (name,))


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
            continue
        names.extend(error.names(resource) if isinstance(error, AwsError) else [error])
    return evolve(handler, errors=tuple(names) or ("States.ALL",)) if handler.errors else handler


def places(state: State, language: Language) -> Mapping[AslPath, Caller | None]:
    """Where the author called a service, by the paths of its arguments and Resource in the state."""
    calls: dict[AslPath, Any] = {}
    if isinstance(state, Task):
        calls[()] = state.resource
    if isinstance(state, Map):
        calls |= {(name,): getattr(getattr(state, key), "resource", None) for key, name in _DATA.items()}
    return {
        (*path, key): call.origin
        for path, call in calls.items()
        if isinstance(call, Integration)
        for key in (_key(language), "Resource")
    }
