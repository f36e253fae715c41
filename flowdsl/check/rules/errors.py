"""Error names in Retry and Catch that nothing in the state can raise.

Source: Step Functions Developer Guide, "Handling errors in Step Functions workflows" (what each reserved name is for),
"Integrating services" (errors of a service start with its name), "Best practices" (the errors of Lambda).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Final

from ...asl.apis import api_name, class_name, read_api
from ...asl.integrations import SERVICES, api_of
from ...asl.placeholders import has_placeholder
from ...asl.resource import TOKEN, Resource
from ...asl.tree import Node
from ...base.diagnostics import AslPath
from ...base.named import NamedTuple
from ...base.words import did_you_mean, nearest
from ..findings import Findings
from ..raised import Handlers, Raised
from ..registry import Code, Rule
from ..subject import Subject

_LAMBDA: Final = {"Lambda", "Sandbox", "Runtime", "Extension", "Function"}
"""What the names of errors of Lambda, and of its runtimes, start with."""
_KNOWN: Final = (
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
    "Lambda.Unknown",
    "Lambda.ResourceNotFoundException",
    "Sandbox.Timedout",
    "Runtime.ExitError",
)
_ENDS: Final = ("Error", "Exception", "Timeout", "Timedout", "Fault", "Warning", "Exceeded")
"""How the names of the exceptions of libraries end."""


_RaisedBy = Callable[[Node], Raised | None]


class _Can(NamedTuple):
    """What a state, or the states inside it, can raise."""

    state: Node
    tasks: list[tuple[Node, Resource]]
    types: frozenset[str]
    languages: frozenset[str]
    timed: bool
    heartbeats: bool
    distributed: bool
    fails: frozenset[str] | None
    """The errors of its Fail states; None if one is not known."""


def check_errors(subject: Subject, findings: Findings) -> None:
    resources = dict(subject.tasks)
    raised_by = _reader(subject)
    problems: list[tuple[_Handled, str, str | None, bool]] = []
    useful: set[tuple[str, str]] = set()  # what a handler is for somewhere: one that states share need not fit each
    for state in subject.tree:
        names = [*_handled(state)]
        if not names:
            continue
        can = _able(state, resources)
        for each in names:
            name = each.name
            if has_placeholder(name) or name in ("States.ALL", "States.TaskFailed", "States.Runtime"):
                continue
            unknown = _unknown_service(name, can)
            problem = _reserved(name, can) if name.startswith("States.") else _own(name, can, subject, raised_by)
            problem = unknown or problem
            if problem is None:
                useful.add((each.handler, name))
            elif not findings.is_wrong(each.path, state.path):
                problems.append((each, *problem, unknown is not None))
    for each, message, hint, is_sure in problems:
        if (each.handler, each.name) not in useful:
            report = findings.failure if is_sure and findings.python else findings.warning
            report("FD506", message, each.path, hint=hint, needle=each.name)


class _Handled(NamedTuple):
    """An error name in a retrier or catcher."""

    name: str
    path: AslPath
    handler: str
    """The whole retrier or catcher: equal ones are one that several states share, such as a guard's."""


def _handled(state: Node) -> Iterator[_Handled]:
    for key in ("Retry", "Catch"):
        handlers = state.fields.get(key)
        for index, handler in enumerate(handlers if isinstance(handlers, list) else []):
            names = handler.get("ErrorEquals") if isinstance(handler, dict) else None
            for place, name in enumerate(names if isinstance(names, list) else []):
                if isinstance(name, str):
                    yield _Handled(name, (*state.path, key, index, "ErrorEquals", place), repr(handler))


def _able(state: Node, resources: dict[Node, Resource]) -> _Can:
    inside, distributed = [state], False
    for each in inside:
        for machine in each.machines:
            inside.extend(machine.states.values())
            distributed = distributed or machine.is_distributed
    fails: set[str] | None = set()
    for each in inside:
        if each.type == "Fail" and fails is not None:
            error = each.fields.get("Error")
            fails = fails | {error} if isinstance(error, str) and not error.startswith("{%") else None
    tasks = [each for each in inside if each.type == "Task"]
    return _Can(
        state,
        [(each, resources[each]) for each in tasks if each in resources],
        frozenset(each.type for each in inside),
        frozenset(each.language for each in inside),
        any({"TimeoutSeconds", "TimeoutSecondsPath"} & each.fields.keys() for each in tasks),
        any({"HeartbeatSeconds", "HeartbeatSecondsPath"} & each.fields.keys() for each in tasks),
        distributed,
        None if fails is None or len(tasks) > len([each for each in tasks if each in resources]) else frozenset(fails),
    )


def _reserved(name: str, can: _Can) -> tuple[str, str] | None:
    """What is wrong with a reserved name here, and what to do."""
    quoted, state = f"{name} cannot occur", f"in state {can.state.name!r}"
    if can.fails is None or name in can.fails or any(resource.kind == "substituted" for _, resource in can.tasks):
        return None
    if name == "States.Timeout" and not (can.timed or can.heartbeats):
        return f"{quoted} {state}: no Task has a time limit", "add a timeout to the Task, or remove the name"
    if name == "States.HeartbeatTimeout" and not can.heartbeats:
        return f"{quoted} {state}: it has no heartbeat", "add a heartbeat to the Task, or remove the name"
    if name == "States.BranchFailed" and "Parallel" not in can.types:
        return f"{quoted} {state}: it is no Parallel", "name the error itself, or use States.TaskFailed"
    if name == "States.NoChoiceMatched" and "Choice" not in can.types:
        return f"{quoted} {state}: it has no Choice", "remove the name"
    if name in ("States.ExceedToleratedFailureThreshold", "States.ItemReaderFailed", "States.ResultWriterFailed"):
        return None if can.distributed else (f"{quoted} {state}: it is no Distributed Map", "remove the name")
    if name.startswith("States.Http.") and not any(resource.integration == "http" for _, resource in can.tasks):
        return f"{quoted} {state}: it calls no HTTPS API", "remove the name"
    if name == "States.QueryEvaluationError" and "JSONata" not in can.languages:
        return f"{quoted} {state}: its query language is JSONPath", "remove the name"
    jsonpath = ("States.ParameterPathFailure", "States.IntrinsicFailure", "States.ResultPathMatchFailure")
    if name in jsonpath and "JSONPath" not in can.languages:
        return f"{quoted} {state}: its query language is JSONata", "use States.QueryEvaluationError"
    return None


def _is_open(resource: Resource) -> bool:
    """True if any error may come: a person or a program elsewhere names it, or it is not known what is called."""
    return (
        resource.pattern == TOKEN
        or resource.kind not in ("function", "integration", "sdk")
        or has_placeholder(resource.operation)
        or (resource.operation != "lambda:invoke" and resource.pattern != "")
    )


def _own(name: str, can: _Can, subject: Subject, raised_by: _RaisedBy) -> tuple[str, str | None] | None:
    """What is wrong with a name of a service or of the author, and what to write."""
    if "." in name and name not in _KNOWN and (near := did_you_mean(name, _KNOWN)) and _is_misspelt(name, can):
        return f"Lambda has no error {name!r}", near
    only_jobs = all(resource.kind in ("integration", "sdk") and resource.pattern != TOKEN for _, resource in can.tasks)
    is_own = "." not in name and can.fails and name not in can.fails and only_jobs
    if is_own and not any(_calls_lambda(resource) for _, resource in can.tasks):
        near = did_you_mean(name, can.fails or ())
        if near:  # A job that failed is States.TaskFailed, or an error of its service.
            return f"nothing in state {can.state.name!r} can raise {name!r}", near
    if can.fails is None or name in can.fails or any(_is_open(resource) for _, resource in can.tasks):
        return None
    calls = [task for task in can.tasks if _calls_lambda(task[1])]
    prefix, dot, _ = name.partition(".")
    if dot:
        problem = _of_service(name, prefix, can, bool(calls))
        if problem is None and calls and len(calls) == len(can.tasks) and prefix not in _LAMBDA:
            handlers = [raised_by(state) for state, _ in calls]
            if all(each is not None for each in handlers):  # The name of a class in Python has no dot.
                return f"the handler never raises {name!r}", None
        return problem
    if not calls:
        if not can.tasks:
            return (f"nothing in the state can raise {name!r}", did_you_mean(name, can.fails))
        hint = did_you_mean(name, can.fails) or "errors of a service start with its name, such as DynamoDB."
        return f"no service that is called here raises {name!r}", hint
    known: list[Raised] = []
    for state, _ in calls:
        raised = raised_by(state)
        if raised is None:
            return None
        known.append(raised)
    if any(each.may_raise(name) for each in known):
        return None
    near = did_you_mean(name, sorted(set().union(*(each.names for each in known))))
    elsewhere = any(
        other is not None and name in other.classes
        for state, resource in subject.tasks
        if _calls_lambda(resource)
        for other in [raised_by(state)]
    )
    if near or elsewhere or not (any(each.imports_others for each in known) and name.endswith(_ENDS)):
        return f"the handler never raises {name!r}", near
    return None


def _is_misspelt(name: str, can: _Can) -> bool:
    """True where Lambda is called, for a name that its API does not have, as it has EC2ThrottledException."""
    if not any(_calls_lambda(resource) or resource.kind == "substituted" for _, resource in can.tasks):
        return False
    prefix, _, error = name.partition(".")
    api = read_api("lambda") if prefix == "Lambda" else None
    return prefix != "Runtime" and (api is None or not api.has_error(error))


def _reader(subject: Subject) -> _RaisedBy:
    data = subject.data
    handlers = Handlers(data.root) if data is not None and data.root else None

    @cache
    def raised_by(state: Node) -> Raised | None:
        """What the handlers of a Task raise; None if one is not known."""
        functions = data.functions.get(state.path) if data is not None else None
        return handlers.raised(functions) if handlers is not None and functions else None

    return raised_by


def _calls_lambda(resource: Resource) -> bool:
    return resource.kind == "function" or resource.operation == "lambda:invoke"


def _of_service(name: str, prefix: str, can: _Can, calls_lambda: bool) -> tuple[str, str | None] | None:
    if calls_lambda:
        if prefix in _LAMBDA:
            return None
        if not (prefix in {each.error_prefix for each in SERVICES.values()} and api_name(prefix)):
            near = did_you_mean(prefix, _LAMBDA)
            return (f"Lambda has no error {name!r}", near) if near else None
    if problem := _in_other_case(name, prefix, can):
        return problem
    apis = {api_of(resource.integration, resource.action) for _, resource in can.tasks}
    if not apis or api_name("dynamodb") is None:  # without botocore no service is known
        return None
    own = api_name(prefix)
    if own in apis or prefix.lower() in {_prefix(resource).lower() for _, resource in can.tasks}:
        return None
    if own is None and (calls_lambda or not all(apis)):
        return None
    prefixes = sorted({_prefix(resource) for _, resource in can.tasks} - {""})
    expected = f"its errors start with {' or '.join(f'{each}.' for each in prefixes)}" if prefixes else None
    return f"{name!r} is not an error of a service that is called here", expected


def _in_other_case(name: str, prefix: str, can: _Can) -> tuple[str, str] | None:
    """What is wrong with an error of the other kind of integration: those of the optimized one of DynamoDB start with
    `DynamoDB.`, those of the AWS SDK with `DynamoDb.` (recorded executions)."""
    prefixes = {_exact_prefix(resource) for _, resource in can.tasks}
    right = next((each for each in prefixes if each is not None and each.lower() == prefix.lower()), None)
    if right is None or prefix in prefixes or None in prefixes:
        return None
    kind = "the AWS SDK" if any(resource.kind == "sdk" for _, resource in can.tasks) else "the optimized integration"
    error = name.partition(".")[2]
    return f"{kind} raises {right}.{error}, not {name}", f"did you mean '{right}.{error}'?"


def _exact_prefix(resource: Resource) -> str | None:
    """What errors of an integration start with, letter for letter; None if it is not known."""
    record = SERVICES.get(resource.service)
    if record is None or not record.error_prefix:
        return None
    return class_name(record.error_prefix) if resource.kind == "sdk" else record.error_prefix


def _unknown_service(name: str, can: _Can) -> tuple[str, str | None] | None:
    """What is wrong with an error of a service that AWS does not have, if its name resembles that of one."""
    prefix, dot, error = name.partition(".")
    is_known = not dot or prefix == "States" or prefix in _LAMBDA or api_name(prefix) or api_name("dynamodb") is None
    if is_known or can.fails is None or name in can.fails or not can.tasks:
        return None
    if any(_is_open(resource) or _calls_lambda(resource) for _, resource in can.tasks):
        return None
    prefixes = {_prefix(resource) for _, resource in can.tasks} - {""}
    if not all(api_of(resource.integration, resource.action) for _, resource in can.tasks):
        return None
    if prefix.lower() in {each.lower() for each in prefixes}:
        return None
    near = nearest(prefix, sorted(prefixes) or [each.error_prefix for each in SERVICES.values()])
    if near is None:
        return None
    return f"AWS has no service {prefix!r}, so nothing raises {name!r}", f"did you mean '{near}.{error}'?"


def _prefix(resource: Resource) -> str:
    record: Any = SERVICES.get(resource.integration)
    return record.error_prefix if record is not None else resource.service[:1].upper() + resource.service[1:]


RULES = (Rule(check_errors, (Code("FD506", "error or warning", "An error that nothing here can raise"),)),)
