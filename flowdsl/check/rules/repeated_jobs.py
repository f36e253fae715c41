"""Jobs that a Retry starts again under a name that AWS takes only once.

Sources: SageMaker, CreateTrainingJob, "TrainingJobName" (unique within an account and region); Step Functions,
StartExecution, "name" (the name of a closed execution is refused for 90 days); aws-step-functions-data-science-sdk
issue 140.
"""

from __future__ import annotations

from typing import Any

from ...asl.integrations import find_action
from ...asl.resource import SYNC, Resource
from ...asl.tree import Node
from ...base.patterns import regex
from ..findings import Findings
from ..registry import Code, Rule
from ..subject import Subject

_AFTER_THE_START = frozenset({"States.ALL", "States.TaskFailed", "States.Timeout", "States.HeartbeatTimeout"})
_VARIES = regex(r"RetryCount|UUID|MathRandom|\$(uuid|random|now|millis)\b")


def check_repeated_jobs(subject: Subject, findings: Findings) -> None:
    for state, resource in subject.tasks:
        name = _unique_argument(resource)
        if name and resource.pattern.startswith(SYNC) and _is_started_again(state):
            _check_name(state, name, findings)


def _unique_argument(resource: Resource) -> str:
    action = find_action(resource.integration, resource.action)
    return action.unique if action is not None else ""


def _is_started_again(state: Node) -> bool:
    """True if a Retry follows a job that was started; an error of the call itself leaves no job behind."""
    retriers = state.fields.get("Retry")
    return isinstance(retriers, list) and any(
        isinstance(each, dict)
        and each.get("MaxAttempts") != 0
        and isinstance(names := each.get("ErrorEquals"), list)
        and any(isinstance(name, str) and name in _AFTER_THE_START for name in names)
        for each in retriers
    )


def _check_name(state: Node, name: str, findings: Findings) -> None:
    key = "Arguments" if state.language == "JSONata" else "Parameters"
    arguments: Any = state.fields.get(key)
    if not isinstance(arguments, dict):
        return
    for written in (name, f"{name}.$"):
        value = arguments.get(written)
        if isinstance(value, str) and not _VARIES.search(value):
            message = f"a retry starts the job under the same {name} again, which AWS refuses"
            hint = "add context.State.RetryCount to the name, or catch the error and go on with another name"
            findings.warning("FD670", message, (*state.path, key, written), hint=hint)


RULES = (Rule(check_repeated_jobs, (Code("FD670", "warning", "A job that is retried under the same name"),)),)
