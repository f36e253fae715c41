"""Service integrations against the APIs of AWS: the operation, its parameters, the errors it can raise.

Source: Step Functions Developer Guide, "Integrating services", "AWS SDK integrations"; botocore's models. Without
botocore, one warning says that they are not checked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from ...asl.apis import Api, api_name, api_names, member_name, read_api
from ...asl.integration_records import Action
from ...asl.integrations import SERVICES, api_of, find_action
from ...asl.placeholders import has_placeholder
from ...asl.resource import Resource
from ...asl.texts import has_known_texts, is_refused_as_text, names_one_thing
from ...asl.tree import Node
from ...base.diagnostics import AslPath
from ...base.named import NamedTuple
from ...base.words import abbreviate, did_you_mean
from ..findings import Findings
from ..registry import Code, Rule
from ..subject import Subject
from .values import arn_problem, attribute_problem, is_open, problem_with

_SDK_ERRORS: Final = frozenset(
    {
        *("SdkClientException", "AwsServiceException", "Unknown", "Timeout"),
        *("AWSLambdaException", "LambdaException", "ClientExecutionTimeoutException"),
    }
)
"""Errors of the AWS SDK itself, and of Lambda's integration."""
_EVERYWHERE: Final = frozenset(
    {
        *("AccessDeniedException", "ExpiredTokenException", "InternalFailure", "InternalServerError"),
        *("InternalServerException", "RequestLimitExceeded", "ServiceUnavailable", "ServiceUnavailableException"),
        *("Throttling", "ThrottlingException", "UnrecognizedClientException", "ValidationError", "ValidationException"),
    }
)
"""Errors that the models do not have, because every service may raise them: "Common errors" in the API references."""
_COMMON_ERRORS: Final = _SDK_ERRORS | {"ServiceException", "TooManyRequestsException"}
_SLIP: Final = 2
_CONTAINERS: Final = {"structure": (dict, "an object"), "map": (dict, "an object"), "list": (list, "a list")}

Todo = tuple[Any, str, AslPath, str]
"""A value to check with the name of its shape, its path and what to call it in messages."""


def check_integrations(subject: Subject, findings: Findings) -> None:
    for state, resource in subject.tasks:
        if not resource.operation or has_placeholder(resource.operation):
            continue
        action = find_action(resource.integration, resource.action)
        if action is not None and action.one_of:
            _one_of(state, resource, action.one_of, findings)
        if action is not None and _is_common(state, resource, action):
            _arns(state, action, findings)
            continue
        if api_names():
            _check(state, resource, action, findings)
        elif action is None or action.calls_api:
            hint = 'install it with: pip install "flowdsl[aws]"'
            message = "botocore is not installed, so the parameters of services are not checked"
            findings.warning("FD665", message, (*state.path, "Resource"), hint=hint)
            return


def _one_of(state: Node, resource: Resource, names: tuple[str, ...], findings: Findings) -> None:
    key, arguments = _arguments(state)
    if isinstance(arguments, dict) and not any(
        _plain(name, state) in names or has_placeholder(name) for name in arguments
    ):
        message = f"{resource.service}:{resource.action} requires one of {', '.join(names)}"
        findings.failure("FD662", message, (*state.path, key))


def _check(state: Node, resource: Resource, action: Action | None, findings: Findings) -> None:
    path, name = (*state.path, "Resource"), resource.action
    api_id = api_of(resource.integration, name)
    api = read_api(api_id) if api_id else None
    if api is None or api_id is None:
        if resource.kind == "sdk":
            # Without a similar name it may be a service that botocore does not have, or no longer.
            hint = did_you_mean(resource.service, api_names())
            report = findings.failure if hint else findings.warning
            report("FD660", f"the AWS SDK has no service {resource.service!r}", path, hint=hint)
        return
    shape = api.input_of(name)
    if resource.kind == "sdk" and shape is None:
        hint = did_you_mean(name, api.actions)
        findings.failure("FD660", f"{resource.service!r} has no operation {name!r}", path, hint=hint)
        return
    if resource.kind == "sdk" and name[:1].isupper():
        hint = f"write {name[:1].lower() + name[1:]!r}"
        findings.failure("FD660", f"action {name!r} must start with a lowercase letter", path, hint=hint)
    _errors(state, resource.service, api_id, api, findings)
    if shape is not None and (action is None or action.calls_api):
        _parameters(state, resource, action, api_id, api, shape, findings)


def _arguments(state: Node) -> tuple[str, Any]:
    key = "Arguments" if state.language == "JSONata" else "Parameters"
    return key, state.fields.get(key)


def _is_common(state: Node, resource: Resource, action: Action) -> bool:
    """True if arguments and error names are among the commonest, so that the API's model is not needed."""
    _, arguments = _arguments(state)
    if not action.required or not isinstance(arguments, dict):
        return False
    names = {_plain(name, state) for name in arguments}
    if not {*action.required} <= names or not has_known_texts(action, arguments, names):
        return False
    prefix = f"{resource.service}."
    return all(
        not name.lower().startswith(prefix) or name.partition(".")[2] in _COMMON_ERRORS for name, _ in _caught(state)
    )


def _arns(state: Node, action: Action, findings: Findings) -> None:
    """The ARNs in the arguments of an integration whose model is not read, and required ones that are empty."""
    key, arguments = _arguments(state)
    for name, value in arguments.items():
        if value == "" and name in action.required:
            findings.warning("FD663", f"{name} must not be empty", (*state.path, key, name))
        if problem := arn_problem(name, value):
            report = findings.failure if problem.is_sure else findings.warning
            report("FD663", problem.message, (*state.path, key, name), hint=problem.hint)


def _caught(state: Node) -> Iterator[tuple[str, AslPath]]:
    """The error names of Retry and Catch with their paths."""
    for key in ("Retry", "Catch"):
        handlers = state.fields.get(key)
        for index, handler in enumerate(handlers if isinstance(handlers, list) else []):
            names = handler.get("ErrorEquals") if isinstance(handler, dict) else None
            for place, name in enumerate(names if isinstance(names, list) else []):
                if isinstance(name, str):
                    yield name, (*state.path, key, index, "ErrorEquals", place)


def _parameters(
    state: Node, resource: Resource, action: Action | None, api_id: str, api: Api, shape: str, findings: Findings
) -> None:
    key, arguments = _arguments(state)
    root, is_sdk = f"{resource.service}:{resource.action}", resource.kind == "sdk"
    call = _Call(api, state.language == "JSONPath", is_optimized=not is_sdk)
    todo: list[Todo] = [(arguments, shape, (*state.path, key), root)] if isinstance(arguments, dict) else []
    while todo:
        value, shape, path, owner = todo.pop()
        structure = api.shape(shape)
        spelled = {name: member_name(api_id, name, is_sdk) for name in structure.get("members", {})}
        members = {spelled[name]: member["shape"] for name, member in structure.get("members", {}).items()}
        names = {_plain(name, state): name for name in value}
        added = action.added if action is not None and owner == root else ()
        for name, written in names.items():
            if name in members:
                if name == written:
                    todo.extend(_inside(value[name], members[name], (*path, name), name, call, findings))
            elif name not in added and not has_placeholder(name):
                valid = (
                    f"valid parameters: {', '.join([*members][:8])}{', …' * (len(members) > 8)}" if members else None
                )
                hint = did_you_mean(spelled.get(name, name), members) or valid
                findings.failure(
                    "FD661", f"{owner} has no parameter {name!r}", (*path, written), hint=hint, needle=written
                )
        present = {name.lower() for name in names}
        missing = [
            spelled[name]
            for name in structure.get("required", ())
            if name.lower() not in present and not structure["members"][name].get("idempotencyToken")
        ]  # The SDK fills in a token itself.
        if missing:
            findings.failure("FD662", f"{owner} requires {' and '.join(missing)}", path)
        for name in structure.get("required", ()):
            details = api.shape(structure["members"][name]["shape"])
            may_be_empty = owner != root or not names_one_thing(spelled[name])  # Few models have a least length.
            if value.get(spelled[name]) == "" and details.get("min", 0 if may_be_empty else 1) > 0:
                findings.warning("FD663", f"{spelled[name]} must not be empty", (*path, spelled[name]))


def _plain(name: str, state: Node) -> str:
    return name.removesuffix(".$") if state.language == "JSONPath" else name


class _Call(NamedTuple):
    """What a call takes: the API's shapes, and keys that end in `.$`. The optimized integrations take plain text for an
    attribute value, and text alone where the API has text."""

    api: Api
    path_keys: bool
    is_optimized: bool


def _text_hint(value: bool | float) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f'write "{text}"'


def _inside(value: Any, shape: str, path: AslPath, name: str, call: _Call, findings: Findings) -> Iterator[Todo]:
    """The objects inside a parameter whose members are known; a value of another kind is reported."""
    details = call.api.shape(shape)
    kind = details.get("type")
    if kind not in _CONTAINERS:
        if call.is_optimized and kind in ("string", "blob") and is_refused_as_text(value):
            findings.failure("FD663", f"{name} must be text, not {abbreviate(value)}", path, hint=_text_hint(value))
        elif kind == "string" and isinstance(value, dict | list) and names_one_thing(name) and not _is_reference(value):
            what = "a list" if isinstance(value, list) else "an object"
            findings.failure("FD663", f"{name} must be text, not {what}", path)
        elif not isinstance(value, dict | list) and (problem := problem_with(name, value, details)):
            findings.failure("FD663", problem.message, path, hint=problem.hint)
        elif kind == "string" and (problem := arn_problem(name, value, details.get("pattern"))):
            report = findings.failure if problem.is_sure else findings.warning
            report("FD663", problem.message, path, hint=problem.hint)
        return
    if value is None or (isinstance(value, str) and is_open(value)):
        return
    if isinstance(value, str) and ((shape == "AttributeValue" and call.is_optimized) or details.get("document")):
        return  # The optimized integration of DynamoDB takes text (AWS's samples).
    python_type, description = _CONTAINERS[kind]
    if not isinstance(value, python_type):
        findings.failure("FD663", f"{name} must be {description}, not {abbreviate(value)}", path)
    elif kind == "structure" and not details.get("document") and "members" in details:
        if shape == "AttributeValue" and "BOOL" in details["members"]:
            wrong = attribute_problem(name, value, call.path_keys, call.is_optimized)
            if wrong and not any(has_placeholder(key) for key in value):
                key, problem = wrong
                # Text under N may become a number: a sample is often what is left of a template.
                report = findings.warning if key == "N" and isinstance(value[key], str) else findings.failure
                report("FD663", problem.message, (*path, key) if key else path, hint=problem.hint)
                return
        yield value, shape, path, name
    elif kind == "map":
        for key, each in value.items():
            if not (call.path_keys and key.endswith(".$")):
                yield from _inside(each, details["value"]["shape"], (*path, key), key, call, findings)
    elif kind == "list":
        for index, each in enumerate(value):
            yield from _inside(each, details["member"]["shape"], (*path, index), name, call, findings)


def _is_reference(value: Any) -> bool:
    """True for `{"Ref": …}` and `{"Fn::GetAtt": …}`, which a template fills in."""
    return isinstance(value, dict) and any(name == "Ref" or name.startswith("Fn::") for name in value)


def _errors(state: Node, service: str, api_id: str, api: Api, findings: Findings) -> None:
    """Report error names that resemble an error of the service, such as `DynamoDB.ConditionalCheckFailed`."""
    record = SERVICES.get(service)
    known = api.exceptions | _SDK_ERRORS | _EVERYWHERE
    for name, path in _caught(state):
        prefix, dot, error = name.partition(".")
        is_own = api_name(prefix) == api_id or (record is not None and prefix == record.error_prefix)
        if not dot or error in known or not is_own or api.has_error(error):
            continue
        whole = _with_other_end(error, known) or api.spelled(error)
        if near := whole or _near(error, sorted(known)):
            hint = f"did you mean '{prefix}.{near}'?"
            is_sure = whole is not None or _is_slip(error, near)
            report = findings.failure if findings.python and is_sure else findings.warning
            report("FD664", f"{service} has no error {error!r}", path, hint=hint, needle=name)


def _near(word: str, known: Iterable[str]) -> str | None:
    from difflib import get_close_matches  # only a definition with mistakes needs it

    near = next(iter(get_close_matches(word, known, 1, 0.85)), None)
    return near or next((each for each in known if each.endswith(word) and len(word) > len(each) / 2), None)


_ENDS: Final = ("Exception", "Error", "Fault", "")
"""How the names of errors end."""


def _with_other_end(word: str, known: frozenset[str]) -> str | None:
    """Return the error of this name whose end was left out, or is another one."""
    stems = [word.removesuffix(end) for end in _ENDS if end and word.endswith(end)] or [word]
    return next((f"{stem}{end}" for stem in stems for end in _ENDS if f"{stem}{end}" in known), None)


def _is_slip(word: str, meant: str) -> bool:
    """True if at most two letters differ: two errors of a service differ by more, known or not."""
    from difflib import SequenceMatcher

    changes = SequenceMatcher(None, word, meant).get_opcodes()
    return sum(max(two - one, four - three) for tag, one, two, three, four in changes if tag != "equal") <= _SLIP


RULES = (
    Rule(
        check_integrations,
        (
            Code("FD660", "error or warning", "Unknown service or operation of the AWS SDK"),
            Code("FD661", "error", "Unknown parameter"),
            Code("FD662", "error", "Missing parameter"),
            Code("FD663", "error or warning", "A parameter of the wrong kind"),
            Code("FD664", "error or warning", "Unknown error of a service"),
            Code("FD665", "warning", "Parameters are not checked"),
        ),
    ),
)
