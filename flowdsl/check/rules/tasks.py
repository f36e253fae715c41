"""Tasks: the resource and its pattern, the time limits, what Express cannot do.

Source: Step Functions Developer Guide, "Task state", "Integrating services", "Choosing workflow type".
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ...asl.integrations import SERVICES
from ...asl.placeholders import has_placeholder, is_placeholder
from ...asl.resource import TOKEN, Resource
from ...asl.tree import Node
from ...base.diagnostics import AslPath
from ...base.patterns import regex
from ...base.words import did_you_mean
from ..findings import Findings
from ..registry import Code, Rule
from ..subject import Subject

if TYPE_CHECKING:
    from ...author.functions import Function
    from ..dataflow.annotations import Data


def check_tasks(subject: Subject, findings: Findings) -> None:
    for state in subject.tree:
        if state.type == "Task":
            _check_limits(state, findings)
    for state, resource in subject.tasks:
        path = (*state.path, "Resource")
        _check_resource(resource, path, findings)
        if subject.type == "EXPRESS" or state.machine.is_express_child:
            _check_express(resource, path, findings)
        if resource.pattern == TOKEN:
            _check_token(state, findings)
            if not findings.is_wrong(path, state.path):
                _check_wait(state, subject, findings)
        if subject.data is not None:
            _check_function(state, subject.data, findings)


def _check_resource(resource: Resource, path: AslPath, findings: Findings) -> None:
    text = resource.text
    unrecognised = (
        f"The resource provided {text} is not recognized. The value is not a valid resource ARN, or the resource "
        "is not available in this region."
    )
    if resource.kind == "invalid":
        hint = 'for a Lambda function, write "arn:aws:lambda:REGION:ACCOUNT:function:NAME"'
        aws_message = "Value is not a valid resource ARN"
        findings.error("FD651", f"{text!r} is not an ARN", path, hint=hint, aws_message=aws_message)
    elif resource.problem:
        findings.failure("FD651", f"{text!r} is not the ARN of a Lambda function", path, hint=resource.problem)
    elif resource.kind == "incomplete":
        findings.failure("FD651", f"{text!r} is not a complete ARN", path)
    elif resource.kind == "other":
        message = (
            f"a Task cannot call {text!r}: use a Lambda function, an activity or an integration (arn:aws:states:::…)"
        )
        findings.failure("FD651", message, path)
    elif resource.kind == "integration":
        _check_integration(resource, path, unrecognised, findings)
    elif resource.kind == "sdk" and resource.pattern not in ("", TOKEN):
        message = f"AWS SDK integrations do not support .{resource.pattern}"
        findings.error(
            "FD653", message, path, hint="use request-response or .waitForTaskToken", aws_message=unrecognised
        )


def _check_integration(resource: Resource, path: AslPath, aws_message: str, findings: Findings) -> None:
    service, action, pattern = resource.service, resource.action, resource.pattern
    if has_placeholder(service):
        return
    record = SERVICES.get(service)
    if record is None:
        hint = (
            did_you_mean(service, SERVICES) or f"for an AWS SDK integration, use arn:aws:states:::aws-sdk:{service}:…"
        )
        findings.error(
            "FD652", f"there is no optimized integration for {service!r}", path, hint=hint, aws_message=aws_message
        )
    elif has_placeholder(action):
        return
    elif action not in record.actions:
        near = did_you_mean(action, record.actions)
        valid = f"valid actions: {', '.join(record.actions)}"
        hint = near or f"{valid}; for another, use arn:aws:states:::aws-sdk:{service}:{action}"
        message = f"the integration of {service!r} has no action {action!r}"
        findings.error("FD652", message, path, hint=hint, aws_message=aws_message)
    elif pattern and not has_placeholder(pattern) and pattern not in record.actions[action].patterns:
        patterns = "".join(f" or .{each}" for each in record.actions[action].patterns)
        message, hint = f"{service}:{action} does not support .{pattern}", f"use request-response{patterns}"
        findings.error("FD653", message, path, hint=hint, aws_message=aws_message)


def _check_express(resource: Resource, path: AslPath, findings: Findings) -> None:
    """Source: Developer Guide, "Choosing workflow type": Express supports request-response only, and no activities."""
    if resource.kind == "activity":
        aws_message = "Express state machine does not support Activity ARN"
        findings.error("FD654", "an Express state machine cannot use an activity", path, aws_message=aws_message)
    elif resource.pattern:
        pattern = "sync" if resource.pattern.startswith("sync") else resource.pattern
        space = " " if pattern == TOKEN else ""
        findings.error(
            "FD654",
            f"an Express state machine cannot use .{resource.pattern}",
            path,
            hint="use a Standard state machine, or remove the pattern",
            aws_message=f"Express state machine does not support '.{pattern}' service integration{space}",
        )


_TOKEN = {
    "JSONPath": regex(r"\$\$(?!\.\w|\[['\"])|\$\$(?:\.Task|\[['\"]Task['\"]\])(?!\w|\.(?!Token\b))"),
    "JSONata": regex(r"\$states(?!\s*\.)|\$states\s*\.\s*context(?!\s*\.\s*(?!Task\b)\w)"),
}
"""What reads the task token, or something that contains it, in a path or an expression.

No variable can hold it: each Task has a token of its own, which exists only while it runs.
"""


_TARGETS = ("Arn", "Cluster", "Id", "Identifier", "Name", "Source", "TaskDefinition", "Type", "Url")
"""How the parameters end that say whom to call: a substitution there holds no token."""


def _check_token(state: Node, findings: Findings) -> None:
    payload: Any = state.fields.get("Parameters", state.fields.get("Arguments"))
    if payload is None or _sends_token(payload, state):
        return
    findings.warning(
        "FD659",
        f"state {state.name!r} waits for a callback but does not pass on its task token",
        (*state.path, "Parameters" if "Parameters" in state.fields else "Arguments"),
        hint=findings.either(
            'send {"token.$": "$$.Task.Token"}'
            if state.language == "JSONPath"
            else "send {% $states.context.Task.Token %}",
            'send {"token": task_token}, from flowdsl',
        ),
    )


def _sends_token(payload: Any, state: Node) -> bool:
    token, is_jsonata = _TOKEN[state.language], state.language == "JSONata"
    todo: list[tuple[str, Any]] = [("", payload)]
    while todo:
        key, value = todo.pop()
        if isinstance(value, dict):
            todo.extend(value.items())
        elif isinstance(value, list):
            todo.extend((key, item) for item in value)
        elif isinstance(value, str):
            if is_placeholder(value) and not key.endswith(_TARGETS):
                return True  # The substitution may be anything.
            if (value.startswith("{%") if is_jsonata else key.endswith(".$")) and token.search(value):
                return True
    return False


_LIMITS = ("TimeoutSeconds", "TimeoutSecondsPath", "HeartbeatSeconds", "HeartbeatSecondsPath")


def _check_wait(state: Node, subject: Subject, findings: Findings) -> None:
    """Source: Developer Guide, "Best practices", "Using timeouts to avoid stuck executions"."""
    is_express = subject.type == "EXPRESS" or state.machine.is_express_child  # which cannot wait at all
    if is_express or any(key in state.fields for key in _LIMITS) or "TimeoutSeconds" in subject.tree.root.fields:
        return
    hint = findings.either("add TimeoutSeconds or HeartbeatSeconds", "add timeout=… or heartbeat=…")
    message = f"state {state.name!r} has no time limit: if nobody answers, the execution waits for a year"
    findings.warning("FD667", message, state.path, hint=hint)


def _check_function(state: Node, data: Data, findings: Findings) -> None:
    """The time limit of a task against those of the functions that it may call."""
    timeout = state.fields.get("TimeoutSeconds")
    functions = data.functions.get(state.path, ())
    path = (*state.path, "TimeoutSeconds")
    if not isinstance(timeout, int) or not functions or findings.is_wrong(path, state.path):
        return
    slowest = max(functions, key=_seconds)
    if _seconds(slowest) > timeout:
        message = (
            f"state {state.name!r} gives up after {timeout} s, while function {slowest.name!r} may still run: "
            f"its timeout is {_seconds(slowest)} s"
        )
        hint = "make the timeout of the task longer than that of the function"
        findings.warning("FD666", message, path, hint=hint)


def _seconds(function: Function) -> int:
    return function.timeout_seconds if isinstance(function.timeout, int | timedelta) else 0


def _check_limits(state: Node, findings: Findings) -> None:
    timeout, heartbeat = state.fields.get("TimeoutSeconds"), state.fields.get("HeartbeatSeconds")
    if isinstance(timeout, int) and isinstance(heartbeat, int) and heartbeat >= timeout:
        findings.error(
            "FD658",
            f"HeartbeatSeconds ({heartbeat}) must be smaller than TimeoutSeconds ({timeout})",
            (*state.path, "HeartbeatSeconds"),
        )


RULES = (
    Rule(
        check_tasks,
        (
            Code("FD651", "error", "A Resource that a Task cannot call"),
            Code("FD652", "error", "Unknown service integration or action"),
            Code("FD653", "error", "A pattern that the integration does not support"),
            Code("FD654", "error", "Something that Express does not support"),
            Code("FD658", "error", "HeartbeatSeconds not below TimeoutSeconds"),
            Code("FD659", "warning", "A callback task that sends no token"),
            Code("FD666", "warning", "A task that gives up while its function runs"),
            Code("FD667", "warning", "A callback task without a time limit"),
        ),
    ),
)
