"""Task: one call to the world an attempt, and the events that the service writes about it.

Source: ASL specification, "Task state"; Step Functions Developer Guide, "Integrating services".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from ...asl.resource import Pattern, Resource
from ...asl.texts import find_refused_text
from ...expr.errors import StatesError
from ..core import Await, Call, Failed, Fiber, Invoke, PreparedState, Started, Steps, Submitted, Succeeded, TimedOut
from ..data.flow import DataFlow, Limit
from ..errors import Failure
from ..history import JSON, text
from ..interpreter import oversized, within_limit
from ..limits import too_large
from .retry import Attempt

_EVENTS = {"activity": "Activity", "integration": "Task", "sdk": "Task"}
"""The kind of a Resource → how the types of a Task's events begin; LambdaFunction for all others."""

_NO_LIMITS: Mapping[str, JSON] = {}


def task_attempt(
    state: PreparedState,
    resource: Resource,
    flow: DataFlow,
    limits: Mapping[str, Limit],
    credentials: Callable[[JSON, Fiber], JSON] | None,
    following: str | None,
) -> Attempt:
    events = _EVENTS.get(resource.kind, "LambdaFunction")
    # The details that every event of an integration has; functions and activities are named once, when scheduled.
    named = {"resourceType": resource.integration, "resource": resource.full_action} if events == "Task" else {}
    pattern = cast(Pattern, resource.pattern)
    # A job's wait can be ended with its token too. Source: AWS's behaviour as localstack/localstack#11197 describes it.
    is_token_visible = pattern != ""
    needs_token = is_token_visible or events == "Activity"

    def attempt(fiber: Fiber, value: JSON) -> Steps:
        execution = fiber.execution
        settings, identity = execution.settings, execution.identity
        activities = settings.activities
        if events == "Activity" and activities is not None and resource.text not in activities:
            raise StatesError("States.Runtime", f"The activity {resource.text} does not exist.")
        fiber.task_token = execution.task_token(fiber) if needs_token else None
        if is_token_visible and state.reads_context:
            fiber.see(state)
        call = Call(
            resource=resource.text,
            integration=resource.integration,
            action=resource.action,
            pattern=pattern,
            limits={name: limit(value, fiber) for name, limit in limits.items()} if limits else _NO_LIMITS,
            arguments=within_limit(state.name, flow.effective(value, fiber.scope), value),
            credentials=credentials(value, fiber) if credentials else None,
            state_name=state.name,
            execution_arn=identity.arn,
            state_machine_arn=identity.state_machine_arn,
            now=execution.now,
            task_token=fiber.task_token,
            retry_count=fiber.retry_count,
            event_id=len(fiber.history) + 1,
            region=settings.region,
            account=settings.account,
        )
        if resource.kind == "integration":
            _check_texts(call)
        fiber.record(f"{events}Scheduled", _scheduled(call, events, named))
        if events != "Activity":
            fiber.record(f"{events}Started", named or None)
        result = yield from _answer(fiber, call, events, named)
        fiber.task_token = None
        output, assigned = flow.finish(value, result, fiber.scope)
        return following, output, assigned

    return attempt


def _check_texts(call: Call) -> None:
    name = find_refused_text(call.integration, call.action, call.arguments)
    if name is not None:
        reason = f"The value for the field '{name}' must be a STRING"
        cause = f"The Parameters '{text(call.arguments)}' could not be used to start the Task: [{reason}]"
        raise StatesError("States.Runtime", cause)


def _scheduled(call: Call, events: str, named: dict[str, JSON]) -> dict[str, JSON]:
    if events == "Task":
        details = {**named, "region": call.region, "parameters": call.arguments}
    else:
        details = {"resource": call.resource, "input": call.arguments}
    if call.limits and call.timeout_seconds is not None:
        details["timeoutInSeconds"] = _whole(call.timeout_seconds)
    if call.limits and call.heartbeat_seconds is not None and events != "LambdaFunction":
        details["heartbeatInSeconds"] = _whole(call.heartbeat_seconds)
    if isinstance(call.credentials, dict) and "RoleArn" in call.credentials and events != "Activity":
        details["taskCredentials"] = {"roleArn": call.credentials["RoleArn"]}
    return details


def _whole(seconds: float) -> float:
    return int(seconds) if seconds == int(seconds) else seconds


def _answer(fiber: Fiber, call: Call, events: str, named: dict[str, JSON]) -> Steps:
    """Carry out the call, write down what comes back, and return the task's result.

    A job or a message that could not be submitted leaves a TaskSubmitFailed. Source: HistoryEvent in the API reference;
    seen for `batch:submitJob.sync` in histories that others published.
    """
    failed = f"{events}SubmitFailed" if call.pattern else f"{events}Failed"
    signal = yield Invoke(call)
    while isinstance(signal, (Submitted, Started)):
        failed = f"{events}Failed"
        if isinstance(signal, Started):
            fiber.record(f"{events}Started", {"workerName": signal.worker} if signal.worker else {})
        else:
            fiber.record(f"{events}Submitted", {**named, "output": signal.output})
        signal = yield Await()
    if isinstance(signal, Succeeded) and too_large(signal.output):
        named_in_error = call.resource if events != "Task" else call.integration
        failure = oversized(named_in_error, terminal=False)
        signal = Failed(failure.error, failure.cause)
    if isinstance(signal, Succeeded):
        fiber.record(f"{events}Succeeded", {**named, "output": signal.output})
        return signal.output
    assert isinstance(signal, (Failed, TimedOut))  # noqa: S101 - the scheduler's contract
    if isinstance(signal, Failed) and signal.refused:
        raise StatesError(signal.error or "States.Runtime", signal.cause or "")
    details = dict(named)
    if signal.error is not None:
        details["error"] = signal.error
    if signal.cause is not None:
        details["cause"] = signal.cause
    if isinstance(signal, TimedOut):
        fiber.record(f"{events}TimedOut", details)
        alias = "States.HeartbeatTimeout" if signal.heartbeat else None
        raise Failure(signal.error, signal.cause, alias=alias)
    fiber.record(failed, details)
    raise Failure(signal.error, signal.cause)


def served(fiber: Fiber, state: PreparedState, resource: Resource, action: str, arguments: JSON, error: str) -> Steps:
    """The answer to a call that the service itself makes for a state, to read its items or write its results.

    Raises Failure with this error where there is none.
    """
    execution = fiber.execution
    call = Call(
        resource=f"arn:aws:states:::{resource.integration}:{action}",
        integration=resource.integration,
        action=action,
        arguments=arguments,
        state_name=state.name,
        execution_arn=execution.identity.arn,
        state_machine_arn=execution.identity.state_machine_arn,
        now=fiber.now,
        region=execution.settings.region,
        account=execution.settings.account,
    )
    signal = yield Invoke(call)
    if isinstance(signal, Succeeded):
        return signal.output
    raise Failure(error, signal.cause if isinstance(signal, (Failed, TimedOut)) else None)
