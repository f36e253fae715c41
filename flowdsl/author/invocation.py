"""What a Task calls: from a function or an ARN, `payload` and `wait_for_task_token` to Resource and arguments."""

from __future__ import annotations

from typing import Any

from ..base.patterns import regex
from ..base.record import evolve
from .answers import Answer
from .conflicts import Report
from .expressions import result, state_input
from .fields import UNSET
from .functions import Dynamic, Function
from .states import Task

INVOKE = "arn:aws:states:::lambda:invoke"
INVOKE_AND_WAIT = INVOKE + ".waitForTaskToken"

_LAMBDA = regex(r"arn:[^:]*:lambda:[^:]*:[^:]*:function:.+")
_WAITING = ".waitForTaskToken"


def lower_call(task: Task, report: Report) -> tuple[Task, Answer]:
    """The Task with ASL's fields for its call, and where the answer is in the result.

    A function known beforehand is the Resource itself, so that its answer is the result. One that is chosen at run
    time, or gets a task token, needs the `lambda:invoke` integration, which wraps the answer in an object as Payload.
    Source: Step Functions Developer Guide, "Invoke an AWS Lambda function with Step Functions".
    """
    resource, payload, waits = task.resource, task.payload, task.wait_for_task_token
    task = evolve(task, payload=UNSET, wait_for_task_token=False)
    function = _function(resource)
    if function is None:
        return _service(task, payload, waits, report), result
    if not waits and not isinstance(resource, Dynamic):
        changes = {} if payload is UNSET else {"arguments": payload}
        return evolve(task, resource=function, **changes), result
    for keyword in ("arguments", "parameters"):
        if getattr(task, keyword) is not UNSET:
            what = f"{keyword}= would replace the arguments of the Lambda call"
            report((keyword.title(),), what, "write payload= for the function's event", None)
            task = evolve(task, **{keyword: UNSET})
    if waits and payload is UNSET:
        what = "the function gets no task token, so it cannot answer"
        report(("Resource",), what, 'write payload={"token": task_token, "document": state_input}', None)
    call = {"FunctionName": function, "Payload": state_input if payload is UNSET else payload}
    task = evolve(task, resource=INVOKE_AND_WAIT if waits else INVOKE, arguments=call)
    return task, result if waits else result.Payload


def _function(resource: Any) -> Any:
    """The ARN of the Lambda function that a Task calls, or the path to it; None for any other resource."""
    if isinstance(resource, Function):
        return resource.arn
    if isinstance(resource, Dynamic):
        return resource.path
    return resource if isinstance(resource, str) and _LAMBDA.fullmatch(resource) else None


def _service(task: Task, payload: Any, waits: bool, report: Report) -> Task:
    """A Task that calls something else than a Lambda function."""
    resource = task.resource
    if payload is not UNSET:
        report(("Payload",), "payload= is the event of a Lambda function", "write arguments= for other services", None)
    if not waits or not isinstance(resource, str) or resource.endswith(_WAITING):
        return task
    if ":states:::" in resource and not resource.endswith((".sync", ".sync:2")):
        return evolve(task, resource=resource + _WAITING)
    other = (
        "an activity always waits for its token" if ":activity:" in resource else "this resource takes no task token"
    )
    report(("WaitForTaskToken",), f"wait_for_task_token= cannot be used here: {other}", "remove it", None)
    return task
