"""Executors of a plan: one that makes the calls, one that only tells of them.

AWS's services are eventually consistent: a new role cannot be assumed for some seconds, a function is not to be
changed while it is being updated, a deleted state machine keeps its name. Just these refusals are waited out, each for
a limited time. Source: Lambda Developer Guide, "Lambda function states"; IAM User Guide, "Troubleshooting IAM",
"Changes that I make are not always immediately visible"; Step Functions API Reference, UpdateStateMachine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from attrs import frozen

from ..base.diagnostics import FlowError
from ..package.archive import read_zip
from .aws import Answer, Aws, CallError, Clock
from .errors import ROLE_REFUSED, refused, role_hint
from .model import CLOCK, NOW, AwsCall, Content, Plan, Ref, Text

Progress = Callable[[int, int, AwsCall, str], None]
"""Called with the number of a call, how many there are, the call, and "starting", "waiting" or "done"."""

REVISION: Final = "RevisionId"
PATIENCE: Final = 120.0
"""Seconds for which a refusal that should pass is waited out."""
LONG: Final = 900.0
"""Seconds for which a function, or a state machine that is deleted, may take to settle."""
_NOT_SHOWN: Final = "(not shown)"
_SECRET: Final = 4
"""Characters from which on a variable's value may be a secret; a shorter one is a switch or a number."""
_IN_PROGRESS: Final = ("update is in progress", "is currently in the following state")


@frozen
class Passing:
    """A refusal that passes by itself."""

    operation: str
    code: str
    texts: tuple[str, ...] = ("",)
    seconds: float = PATIENCE

    def matches(self, error: CallError) -> bool:
        return error.code == self.code and any(text in error.message for text in self.texts)


PASSING: Final = (
    Passing("CreateFunction", "InvalidParameterValueException", ROLE_REFUSED),
    Passing("UpdateFunctionConfiguration", "InvalidParameterValueException", ROLE_REFUSED),
    *(
        Passing(operation, "ResourceConflictException", _IN_PROGRESS)
        for operation in (
            *("UpdateFunctionCode", "UpdateFunctionConfiguration", "PublishVersion", "DeleteFunction"),
            "PutFunctionConcurrency",
        )
    ),
    Passing("CreateStateMachine", "AccessDeniedException", ROLE_REFUSED),
    Passing("UpdateStateMachine", "AccessDeniedException", ROLE_REFUSED),
    # "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."
    Passing("CreateSchedule", "ValidationException", ("execution role",)),
    Passing("UpdateSchedule", "ValidationException", ("execution role",)),
    # A group of this name is being deleted.
    Passing("CreateScheduleGroup", "ConflictException", seconds=LONG),
    Passing("CreateStateMachine", "StateMachineDeleting", seconds=LONG),
    # Another publish or delete of a version is under way.
    Passing("CreateStateMachine", "ConflictException"),
    Passing("UpdateStateMachine", "ConflictException"),
    Passing("CreateStateMachineAlias", "ConflictException"),
    Passing("UpdateStateMachineAlias", "ConflictException"),
    Passing("CreateStateMachineAlias", "ResourceNotFound"),
    Passing("UpdateStateMachineAlias", "ResourceNotFound"),
    Passing("DeleteStateMachineVersion", "ConflictException"),
    Passing("CreateAlias", "ResourceNotFoundException"),
    Passing("UpdateAlias", "ResourceNotFoundException"),
    Passing("PutRolePolicy", "NoSuchEntity"),
    Passing("AttachRolePolicy", "NoSuchEntity"),
    # What was deleted a moment ago keeps its name for a while.
    Passing("CreateQueue", "QueueDeletedRecently"),
    Passing("CreateQueue", "AWS.SimpleQueueService.QueueDeletedRecently"),
    Passing("CreateTable", "ResourceInUseException", ("being deleted",), LONG),
    Passing("PutRetentionPolicy", "ResourceNotFoundException"),
    Passing("PutRetentionPolicy", "OperationAbortedException"),
    Passing("PutRolePolicy", "ConcurrentModification"),
)

GONE: Final[Mapping[str, tuple[str, ...]]] = {
    "DeleteFunction": ("ResourceNotFoundException",),
    "DeleteAlias": ("ResourceNotFoundException",),
    "DeleteLogGroup": ("ResourceNotFoundException",),
    "DeleteRole": ("NoSuchEntity",),
    "DeleteRolePolicy": ("NoSuchEntity",),
    "DetachRolePolicy": ("NoSuchEntity",),
    "DeletePolicy": ("NoSuchEntity",),
    "DeleteStateMachine": ("StateMachineDoesNotExist",),
    "DeleteStateMachineVersion": ("StateMachineDoesNotExist", "ResourceNotFound"),
    "DeleteStateMachineAlias": ("ResourceNotFound",),
    "StopExecution": ("ExecutionDoesNotExist",),
    "DeleteTable": ("ResourceNotFoundException",),
    "DeleteScheduleGroup": ("ResourceNotFoundException",),
    "DeleteSchedule": ("ResourceNotFoundException",),
    "DeleteAlarms": ("ResourceNotFound", "ResourceNotFoundException"),
    "DeleteQueue": ("QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"),
}
"""What a deletion may be answered because it was done before."""

_CONFLICTS: Final = frozenset(
    (
        *("PreconditionFailedException", "ConflictException", "ResourceConflictException", "EntityAlreadyExists"),
        *("ResourceAlreadyExistsException", "StateMachineAlreadyExists", "ResourceInUseException"),
    )
)


class Executor:
    """Makes the calls of a plan. Raises FlowError at the first that fails; the next deploy goes on from there."""

    def __init__(self, aws: Aws, clock: Clock, progress: Progress | None = None) -> None:
        self.aws, self.clock = aws, clock
        self.progress: Progress = progress or (lambda *_: None)
        self.answers: dict[str, Answer] = {}

    def run(self, plan: Plan) -> None:
        for number, call in enumerate(plan.calls, 1):

            def tell(what: str, number: int = number, call: AwsCall = call) -> None:
                self.progress(number, len(plan.calls), call, what)

            tell("starting")
            try:
                answer = self._make(call, tell)
                answer = self._settle(call, answer, tell)
            except CallError as error:
                raise _failed(call, error, number, len(plan.calls)) from error
            if call.id:
                self.answers[call.id] = answer
            tell("done")

    def _make(self, call: AwsCall, tell: Callable[[str], None]) -> Answer:
        clock = {CLOCK: {NOW: self.clock.now().isoformat(timespec="seconds")}}
        arguments = resolve(call.arguments, {**self.answers, **clock})
        waited, pause = 0.0, 1.0
        while True:
            try:
                return self.aws.call(call.service, call.operation, arguments)
            except CallError as error:
                if error.code in GONE.get(call.operation, ()):
                    return {}
                own = [each for each in PASSING if each.operation == call.operation]
                passing = next((each for each in own if each.matches(error)), None)
                if passing is None or waited >= passing.seconds:
                    raise
                tell("waiting")
                self.clock.sleep(pause)
                waited += pause
                pause = min(pause * 1.5, 10.0)

    def _settle(self, call: AwsCall, answer: Answer, tell: Callable[[str], None]) -> Answer:
        settle = _SETTLE.get((call.service, call.operation))
        if settle is None:
            return answer
        waited, pause = 0.0, 0.5
        while (settled := settle(self.aws, call, answer)) is None:
            if waited >= LONG:
                raise FlowError.of(
                    f"{call.resource} has not settled in {LONG:.0f} seconds after {call.operation}",
                    code="FD985",
                    hint="look at it in the console, then deploy again: it goes on from what is live",
                )
            tell("waiting")
            self.clock.sleep(pause)
            waited += pause
            pause = min(pause * 1.5, 10.0)
        return settled


def resolve(value: Any, answers: Mapping[str, Answer]) -> Any:
    """The arguments with what they refer to. Raises FlowError for a zip that has changed since it was built."""
    if isinstance(value, Ref):
        # Emulators may answer without a revision; then there is nothing to hold a change against.
        return answers[value.call].get(REVISION, "") if value.key == REVISION else answers[value.call][value.key]
    if isinstance(value, Text):
        return "".join(str(resolve(part, answers)) for part in value.parts)
    if isinstance(value, Content):
        return read_zip(value.file, value.code_sha256)
    if isinstance(value, Mapping):
        resolved = {key: resolve(each, answers) for key, each in value.items()}
        return {key: each for key, each in resolved.items() if key != REVISION or each}
    if isinstance(value, list | tuple):
        return [resolve(each, answers) for each in value]
    return value


def _failed(call: AwsCall, error: CallError, number: int, total: int) -> FlowError:
    hint = role_hint(error) or "correct that and deploy again: it goes on from what is live"
    if error.code in _CONFLICTS:
        hint = "somebody else changed it meanwhile: look at flowdsl plan, then deploy again"
    plain = CallError(error.code, _without_values(error.message, call), error.service, error.operation)
    return refused(plain, f"{call.resource} (call {number} of {total})", hint)


def _without_values(message: str, call: AwsCall) -> str:
    """Lambda's text about environment variables that are too long, or wrong, repeats them."""
    import json

    values = call.arguments.get("Environment", {}).get("Variables", {}).values()
    for value in sorted(values, key=len, reverse=True):
        if len(value) >= _SECRET:
            message = message.replace(value, _NOT_SHOWN).replace(json.dumps(value)[1:-1], _NOT_SHOWN)
    return message


# What a call has to wait for afterwards: the settled answer, or None while it has not settled.


def _function(aws: Aws, call: AwsCall, answer: Answer) -> Answer | None:
    arguments = {"FunctionName": call.arguments["FunctionName"]}
    if call.operation == "PublishVersion":
        arguments["Qualifier"] = answer["Version"]
    try:
        latest = aws.call("lambda", "GetFunctionConfiguration", arguments)
    except CallError as error:
        if error.code == "ResourceNotFoundException":
            return None
        raise
    for key in ("State", "LastUpdateStatus"):
        if latest.get(key) == "Failed":
            reason = latest.get(f"{key}Reason", "")
            raise CallError("Failed", f"{key} is Failed: {reason}", "lambda", call.operation)
    if latest.get("State", "Active") not in ("Active", "Inactive") or latest.get("LastUpdateStatus") == "InProgress":
        return None
    return latest


def _updated_machine(aws: Aws, call: AwsCall, answer: Answer) -> Answer | None:
    """By revision: texts and dates lag behind."""
    latest = aws.call("states", "DescribeStateMachine", {"stateMachineArn": call.arguments["stateMachineArn"]})
    return answer if answer.get("revisionId") in (None, latest.get("revisionId")) else None


def _table(aws: Aws, call: AwsCall, answer: Answer) -> Answer | None:
    table = aws.call("dynamodb", "DescribeTable", {"TableName": call.arguments["TableName"]})["Table"]
    parts = [table, *table.get("GlobalSecondaryIndexes", ())]
    states = {part.get("TableStatus") or part.get("IndexStatus") for part in parts}
    return answer if states <= {"ACTIVE", None} else None


def _gone(operation: str, argument: str, code: str) -> Callable[[Aws, AwsCall, Answer], Answer | None]:
    """Deleted once that call is answered with that error."""

    def settle(aws: Aws, call: AwsCall, answer: Answer) -> Answer | None:
        try:
            aws.call(call.service, operation, {argument: call.arguments[argument]})
        except CallError as error:
            if error.code == code:
                return answer
            raise
        return None

    return settle


_SETTLE: Final[Mapping[tuple[str, str], Callable[[Aws, AwsCall, Answer], Answer | None]]] = {
    ("lambda", "CreateFunction"): _function,
    ("lambda", "UpdateFunctionCode"): _function,
    ("lambda", "UpdateFunctionConfiguration"): _function,
    ("lambda", "PublishVersion"): _function,
    ("dynamodb", "CreateTable"): _table,
    ("dynamodb", "UpdateTable"): _table,
    ("dynamodb", "DeleteTable"): _gone("DescribeTable", "TableName", "ResourceNotFoundException"),
    ("states", "UpdateStateMachine"): _updated_machine,
    ("states", "DeleteStateMachine"): _gone("DescribeStateMachine", "stateMachineArn", "StateMachineDoesNotExist"),
}


# Telling


def plan_json(plan: Plan) -> dict[str, Any]:
    """A plan as JSON values. Environment variables' values and files' contents are left out."""
    return {
        "stack": plan.stack.name,
        "environment": plan.stack.environment,
        "instance": plan.stack.instance or None,
        "region": plan.stack.place.region,
        "account": plan.stack.place.account,
        "changes": [
            {
                "service": call.service,
                "operation": call.operation,
                "resource": call.resource,
                "reason": call.reason,
                "arguments": _for_reader(call.arguments),
            }
            for call in plan.calls
        ],
        "notes": [*plan.notes],
        "problems": [{"message": each.message, "hint": each.hint} for each in plan.problems],
        "current": [*plan.current],
        "executions": [
            {
                "arn": each.arn,
                "status": each.status,
                "version": each.version,
                "at": [*each.at],
                "role": each.role,
                "functions": reachable(each),
            }
            for each in plan.executions
        ],
    }


def reachable(execution: Any) -> list[str]:
    """The functions that an execution can still call, with their versions."""
    from .pinning import functions_in

    functions = functions_in(execution.definition)
    return sorted(f"{name}:{version}" if version else name for name, version in functions if name)


def _for_reader(value: Any) -> Any:
    if isinstance(value, Ref | Text | Content):
        return str(value)
    if isinstance(value, Mapping):
        return {
            key: dict.fromkeys(each, _NOT_SHOWN) if key == "Variables" else _for_reader(each)
            for key, each in value.items()
        }
    return [_for_reader(each) for each in value] if isinstance(value, list | tuple) else value
