"""Service integrations against botocore's models: the operation, its parameters, the errors it can raise.

The model files are read without importing botocore, one per service that the definition calls; without botocore the
rules say nothing but that. Source: Step Functions Developer Guide, "Integrating services", "AWS SDK integrations".
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from functools import cache, cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from ...asl.placeholders import has_placeholder
from ...asl.resource import Resource
from ...asl.tree import Node
from ...base.diagnostics import AslPath
from ...base.words import abbreviate, did_you_mean
from ..findings import Findings

FOLDERS: Final = {
    "applicationdiscoveryservice": "discovery",
    "cloudwatchlogs": "logs",
    "cognitoidentityprovider": "cognito-idp",
    "configservice": "config",
    "costandusagereportservice": "cur",
    "costexplorer": "ce",
    "databasemigrationservice": "dms",
    "databasemigration": "dms",
    "directoryservice": "ds",
    "directoryservicedata": "ds-data",
    "directory": "ds",
    "elasticloadbalancing": "elb",
    "elasticloadbalancingv2": "elbv2",
    "elasticmapreduce": "emr",
    "elasticsearchservice": "es",
    "elasticsearch": "es",
    "eventbridge": "events",
    "iotdataplane": "iot-data",
    "iotjobsdataplane": "iot-jobs-data",
    "lexmodelbuildingservice": "lex-models",
    "lexmodelbuilding": "lex-models",
    "lexmodelsv2": "lexv2-models",
    "lexruntimeservice": "lex-runtime",
    "lexruntime": "lex-runtime",
    "lexruntimev2": "lexv2-runtime",
    "marketplaceentitlementservice": "marketplace-entitlement",
    "marketplaceentitlement": "marketplace-entitlement",
    "marketplacemetering": "meteringmarketplace",
    "migrationhub": "mgh",
    "pinpointsmsvoice": "sms-voice",
    "serverlessapplicationrepository": "serverlessrepo",
    "sfn": "stepfunctions",
    "simpledb": "sdb",
    "states": "stepfunctions",
}
"""The folders of botocore whose name is not the service's name in a Resource."""
OWN_PARAMETERS: Final = frozenset({"apigateway", "http", "eks", "elasticmapreduce"})
"""Integrations whose parameters are Step Functions' own, not those of an operation."""
ADDED: Final[dict[str, tuple[str, ...]]] = {"bedrock:invokeModel": ("Input", "Output")}
"""Parameters that Step Functions adds to an operation."""
COMMON: Final[dict[str, tuple[frozenset[str], frozenset[str]]]] = {
    "lambda:invoke": (
        frozenset({"FunctionName"}),
        frozenset({"FunctionName", "Payload", "Qualifier", "InvocationType", "LogType", "ClientContext"}),
    ),
    "sqs:sendMessage": (
        frozenset({"QueueUrl", "MessageBody"}),
        frozenset({"QueueUrl", "MessageBody", "MessageGroupId", "MessageDeduplicationId", "DelaySeconds"}),
    ),
    "sns:publish": (frozenset({"Message"}), frozenset({"TopicArn", "Message", "Subject", "TargetArn", "PhoneNumber"})),
    "states:startExecution": (frozenset({"StateMachineArn"}), frozenset({"StateMachineArn", "Input", "Name"})),
}
"""What the commonest integrations need and take: no model is read for them; tests hold it against the models."""
_SDK_ERRORS: Final = (
    *("SdkClientException", "AwsServiceException", "Unknown", "Timeout"),
    *("AWSLambdaException", "LambdaException", "ClientExecutionTimeoutException"),
)
"""Errors that come from the SDK rather than from the service, and those that Lambda's integration has for itself."""


class Model:
    """A service as botocore describes it. Of its JSON only the operations and shapes that are asked for are parsed."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._shapes: dict[str, dict[str, Any]] = {}

    @cached_property
    def whole(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.text)
        return found

    @cached_property
    def operations(self) -> list[str]:
        return [*self.whole.get("operations", {})]

    def _part(self, section: str, name: str, first: str) -> dict[str, Any] | None:
        """An entry of a section; `first` is the member with which every entry of the section begins."""
        start = f'\n    "{name}":'  # as botocore lays out most models, two levels deep
        for opening in (f'{start}{{\n      "{first}":', f'{start}{{"{first}":'):
            at = self.text.find(opening)
            if at >= 0:
                part: dict[str, Any] = json.JSONDecoder().raw_decode(self.text, at + len(start))[0]
                return part
        found: dict[str, Any] | None = self.whole.get(section, {}).get(name)
        return found

    def shape(self, name: str) -> dict[str, Any]:
        if name not in self._shapes:
            self._shapes[name] = self._part("shapes", name, "type") or {}
        return self._shapes[name]

    def input_of(self, action: str) -> str | None:
        """The name of the operation's input shape; "" where it takes none, None where there is no such operation."""
        operation = self._part("operations", action[:1].upper() + action[1:], "name")
        return None if operation is None else str(operation.get("input", {}).get("shape", ""))

    @cached_property
    def errors(self) -> list[str]:
        """The names of the errors, and those that the SDK itself raises."""
        own = [name for name, shape in self.whole.get("shapes", {}).items() if shape.get("exception")]
        return [*own, *(name + "Exception" for name in own), *_SDK_ERRORS]


def _members(shape: dict[str, Any]) -> dict[str, str]:
    """The members of a structure, first letter capital as Step Functions has them, with their shapes."""
    return {capitalised(name): member["shape"] for name, member in shape.get("members", {}).items()}


def _required(shape: dict[str, Any]) -> list[str]:
    return [capitalised(name) for name in shape.get("required", ())]


@cache
def _folder() -> Path | None:
    found = find_spec("botocore")
    return Path(found.origin).parent / "data" if found and found.origin else None


@cache
def services() -> dict[str, str]:
    """The folder of each service by its name in a Resource; empty without botocore."""
    folder = _folder()
    if folder is None or not folder.is_dir():
        return {}
    present = {*os.listdir(folder)}  # noqa: PTH208 - some 400 names; looking at each would take the longest of a check
    own = {each.replace("-", ""): each for each in present}
    return own | {name: target for name, target in FOLDERS.items() if target in present}


@cache
def model_of(service: str) -> Model | None:
    """The newest model of a service, or None where botocore has none."""
    folder, name = _folder(), services().get(service.replace("-", "").lower())
    if folder is None or name is None:
        return None
    import gzip  # the commonest integrations need no model

    for path in sorted((folder / name).glob("*/service-2.json.gz"), reverse=True):
        return Model(gzip.decompress(path.read_bytes()).decode())
    return None


def check_integrations(tasks: list[tuple[Node, Resource]], findings: Findings) -> None:
    for state, resource in tasks:
        if not resource.operation or has_placeholder(resource.operation):
            continue
        if services():
            _check(state, resource, resource.service, resource.action, findings)
        elif not _is_common(state, resource) and resource.service not in OWN_PARAMETERS:
            hint = 'install it with: pip install "flowdsl[aws]"'
            message = "botocore is not installed, so the parameters of services are not checked"
            findings.warning("FD665", message, (*state.path, "Resource"), hint=hint)
            return


def _check(state: Node, resource: Resource, service: str, action: str, findings: Findings) -> None:
    path = (*state.path, "Resource")
    if _is_common(state, resource):
        return
    model = model_of("bedrockruntime" if (service, action) == ("bedrock", "invokeModel") else service)
    if model is None:
        if resource.kind == "sdk":
            hint = did_you_mean(service, services())
            findings.warning("FD660", f"the AWS SDK has no service {service!r}", path, hint=hint)
        return
    shape = model.input_of(action)
    if shape is None:
        if resource.kind == "sdk":
            actions = [name[:1].lower() + name[1:] for name in model.operations]
            hint = did_you_mean(action, actions)
            findings.warning("FD660", f"{service!r} has no operation {action!r}", path, hint=hint)
        return
    if resource.kind == "sdk" and action[:1].isupper():
        hint = f"write {action[:1].lower() + action[1:]!r}"
        findings.warning("FD660", f"an action starts with a small letter, not {action!r}", path, hint=hint)
    _errors(state, service, model, findings)
    if resource.kind == "sdk" or service not in OWN_PARAMETERS:
        _parameters(state, resource, model, shape, findings)


def _is_common(state: Node, resource: Resource) -> bool:
    required, taken = COMMON.get(f"{resource.service}:{resource.action}", (None, frozenset()))
    given = state.fields.get("Arguments" if state.language == "JSONata" else "Parameters")
    if required is None or resource.kind == "sdk" or not isinstance(given, dict):
        return False
    names = {_plain(name, state) for name in given}
    if not required <= names <= taken:
        return False
    service = f"{resource.service}."
    known = (*_SDK_ERRORS, *_COMMON_ERRORS)
    return all(not name.lower().startswith(service) or name.partition(".")[2] in known for name, _ in _caught(state))


def _caught(state: Node) -> Iterator[tuple[str, AslPath]]:
    """The error names of Retry and Catch."""
    for key in ("Retry", "Catch"):
        handlers = state.fields.get(key)
        for index, handler in enumerate(handlers if isinstance(handlers, list) else []):
            names = handler.get("ErrorEquals") if isinstance(handler, dict) else None
            for place, name in enumerate(names if isinstance(names, list) else []):
                if isinstance(name, str):
                    yield name, (*state.path, key, index, "ErrorEquals", place)


_COMMON_ERRORS: Final = ("ServiceException", "TooManyRequestsException")


def _parameters(state: Node, resource: Resource, model: Model, shape: str, findings: Findings) -> None:
    key = "Arguments" if state.language == "JSONata" else "Parameters"
    given = state.fields.get(key)
    if not isinstance(given, dict):
        return
    where = f"{resource.service}:{resource.action}"
    todo: list[tuple[dict[str, Any], str, AslPath, str]] = [(given, shape, (*state.path, key), where)]
    while todo:
        value, shape, path, owner = todo.pop()
        structure = model.shape(shape)
        members = _members(structure)
        # botocore writes DBInstanceClass where Step Functions, after the SDK for Java, has DbInstanceClass.
        known = members | {capitalised(decapitalised(name)): member for name, member in members.items()}
        names = {_plain(name, state): name for name in value}
        added = ADDED.get(where, ()) if owner == where else ()
        for name, written in names.items():
            if name in known:
                if name == written:
                    todo.extend(_inside(value[name], known[name], (*path, name), name, model, findings))
            elif name not in added and not has_placeholder(name):
                hint = did_you_mean(name, members) or (f"it has {', '.join([*members][:8])}" if members else None)
                findings.warning("FD661", f"{owner} has no parameter {name!r}", (*path, written), hint=hint)
        said = {name.lower() for name in names}
        missing = [name for name in _required(structure) if name.lower() not in said]
        if missing:
            message = f"{owner} needs {' and '.join(missing)}"
            findings.warning("FD662", message, path)


def decapitalised(name: str) -> str:
    """The name of a member or an action in the AWS SDK for Java: a leading acronym in lower case.

    >>> [decapitalised(name) for name in ("DBInstance", "ACL", "ETag", "ChecksumCRC32", "executionArn")]
    ['dbInstance', 'acl', 'eTag', 'checksumCRC32', 'executionArn']
    """
    capitals = re.match(r"[A-Z]+(?![a-z])|[A-Z]", name)
    return name if capitals is None else capitals.group().lower() + name[capitals.end() :]


def capitalised(name: str) -> str:
    """With a capital first letter, as Step Functions has all names."""
    return name[:1].upper() + name[1:]


def _plain(name: str, state: Node) -> str:
    return name.removesuffix(".$") if state.language == "JSONPath" else name


_SHAPES: Final = {"structure": (dict, "an object"), "map": (dict, "an object"), "list": (list, "a list")}


def _inside(
    value: Any, shape: str, path: AslPath, name: str, model: Model, findings: Findings
) -> Iterator[tuple[dict[str, Any], str, AslPath, str]]:
    """The objects inside a parameter whose members are known; a value of another kind is reported."""
    found = model.shape(shape)
    kind = found.get("type")
    if kind not in _SHAPES or isinstance(value, str):
        return  # Step Functions turns what is no object or list into text and numbers itself, and text may be a path.
    wanted, what = _SHAPES[kind]
    if not isinstance(value, wanted):
        findings.warning("FD663", f"{name} takes {what}, not {abbreviate(value)}", path)
    elif kind == "structure" and not found.get("document") and "members" in found:
        yield value, shape, path, name
    elif kind == "list":
        for index, each in enumerate(value):
            yield from _inside(each, found["member"]["shape"], (*path, index), name, model, findings)


def _errors(state: Node, service: str, model: Model, findings: Findings) -> None:
    """Error names such as `DynamoDB.ConditionalCheckFailedException`; only what is nearly an error of the service."""
    own = services().get(service.replace("-", ""))
    for name, path in _caught(state):
        prefix, dot, error = name.partition(".")
        if not dot or error in model.errors or services().get(prefix.lower()) != own:
            continue
        if near := _near(error, model.errors):
            findings.warning(
                "FD664", f"{service} has no error {error!r}", path, hint=f"did you mean '{prefix}.{near}'?"
            )


def _near(word: str, known: list[str]) -> str | None:
    from difflib import get_close_matches

    found = get_close_matches(word, known, 1, 0.9)
    return found[0] if found else None
