"""The permissions that a state machine's role needs, derived from the definition.

Source: Step Functions Developer Guide, "IAM policies for integrated services".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from attrs import evolve, frozen

from ..asl.integration_rights import REWRITES, Grant, Rights, without_qualifier
from ..asl.integrations import find_action
from ..asl.placeholders import has_placeholder
from ..asl.resource import Resource, parse_function, parse_resource
from ..asl.tree import Node, Tree
from ..base.diagnostics import AslPath, pointer
from .sdk import iam_actions, resources, roles, tables, with_arguments
from .statements import Place, Statement, merge

_FIELD = re.compile(r"\{([A-Za-z0-9.]+)(?::([a-z0-9]+))?(\*?)\}")
EVENTS: Final = "events:PutTargets events:PutRule events:DescribeRule"
"""What `.sync` needs on the EventBridge rule that Step Functions manages for it."""
LOGGING: Final = Statement.of(
    "logs:CreateLogDelivery logs:GetLogDelivery logs:UpdateLogDelivery logs:DeleteLogDelivery logs:ListLogDeliveries"
    " logs:PutResourcePolicy logs:DescribeResourcePolicies logs:DescribeLogGroups",
    "*",
)
"""What logging needs; these actions have no resource. Source: "Logging using CloudWatch Logs", "IAM policies"."""
TRACING: Final = Statement.of(
    "xray:PutTraceSegments xray:PutTelemetryRecords xray:GetSamplingRules xray:GetSamplingTargets", "*"
)


@frozen
class Gap:
    """What cannot be derived: the role lacks it unless the environment's `permissions` state it."""

    path: AslPath
    message: str
    actions: tuple[str, ...] = ()
    """The actions that are missing, where they are known."""

    def __str__(self) -> str:
        return f"{pointer(self.path)}: {self.message}"


@frozen
class Permissions:
    statements: tuple[Statement, ...]
    gaps: tuple[Gap, ...] = ()
    """In the order of the states."""


@frozen
class _Task:
    """A call, with what its definition tells of the arguments."""

    state: Node
    resource: Resource
    place: Place
    machine: str
    callees: tuple[str, ...]
    """ARNs of the functions that it may call, where the author said so."""
    stated: frozenset[str] = frozenset()
    """The actions that the user states resources for."""

    @property
    def sync(self) -> bool:
        return self.resource.pattern.startswith("sync")

    @property
    def arguments(self) -> Mapping[str, Any]:
        value = self.state.fields.get("Arguments" if self.state.language == "JSONata" else "Parameters")
        return value if isinstance(value, dict) else {}

    def argument(self, name: str) -> str | None:
        """An argument whose text is known before the task runs. Inner ones are written with dots."""
        value: Any = self.arguments
        for step in name.split("."):
            value = value.get(step) if isinstance(value, dict) else None
        if not isinstance(value, str) or has_placeholder(value):
            return None
        return None if self.state.language == "JSONata" and value.startswith("{%") else value

    def has(self, name: str) -> bool:
        """Whether the argument is given at all, known or not."""
        value: Any = self.arguments
        *outer, last = name.split(".")
        for step in outer:
            if isinstance(value, dict) and f"{step}.$" in value:
                return True
            value = value.get(step) if isinstance(value, dict) else None
        return isinstance(value, str) or (isinstance(value, dict) and bool({last, f"{last}.$"} & value.keys()))

    def gap(self, message: str, actions: str = "") -> Gap:
        return Gap((*self.state.path, "Resource"), message, tuple(actions.split()))


Derived = Iterator[Statement | Gap]


def derive(
    definition: Mapping[str, Any],
    *,
    name: str,
    place: Place,
    callees: Mapping[AslPath, Iterable[str]] | None = None,
    logging: bool = False,
    tracing: bool = False,
    kms_key: str = "",
    stated: Iterable[Statement] = (),
) -> Permissions:
    """The least permissions with which a machine of this name can run the definition in a place.

    `callees` has the ARNs of the functions that the Task at a path may call, as the author allowed them; `stated` are
    statements of the user's own: they are added, and no gap is reported for actions that they name.
    """
    stated = tuple(stated)
    named = frozenset(action for each in stated for action in each.actions)
    statements: list[Statement] = [*stated]
    gaps: list[Gap] = []
    for state in Tree(definition):
        for each in _of_state(state, name, place, callees or {}, named):
            if isinstance(each, Statement):
                statements.append(each)
            elif not each.actions or not {*each.actions} <= named:
                gaps.append(each)
    if logging:
        statements.append(LOGGING)
    if tracing:
        statements.append(TRACING)
    if kms_key:
        statements += _encryption(kms_key, place, name, logging=logging)
    return Permissions(merge(statements), tuple(gaps))


def _encryption(key: str, place: Place, name: str, *, logging: bool) -> Iterator[Statement]:
    """Source: Step Functions Developer Guide, "Data at rest encryption": the context of log delivery ends with an
    asterisk as it stands. CDK's StateMachine writes the same (packages/aws-cdk-lib/aws-stepfunctions)."""
    own = {"kms:EncryptionContext:aws:states:stateMachineArn": place.arn("states", f"stateMachine:{name}")}
    yield Statement.of("kms:Decrypt kms:GenerateDataKey", key, condition={"StringEquals": own})
    if logging:
        delivery = {"kms:EncryptionContext:SourceArn": place.arn("logs", "*")}
        yield Statement.of("kms:GenerateDataKey", key, condition={"StringEquals": delivery})


def _of_state(
    state: Node, name: str, place: Place, callees: Mapping[AslPath, Iterable[str]], stated: frozenset[str]
) -> Derived:
    if state.type == "Map":
        yield from _of_map(state, name, place)
    text = state.fields.get("Resource")
    if state.type != "Task" or not isinstance(text, str):
        return
    task = _Task(state, parse_resource(text), place, name, tuple(callees.get(state.path, ())), stated)
    credentials = state.fields.get("Credentials")
    if isinstance(credentials, dict):
        role = credentials.get("RoleArn")
        if isinstance(role, str) and role.startswith("arn:") and not has_placeholder(role):
            yield Statement.of("sts:AssumeRole", role)
        else:
            yield task.gap("the role of Credentials is chosen at run time", "sts:AssumeRole")
        return
    yield from _of_task(task)


def _of_task(task: _Task) -> Derived:
    resource = task.resource
    record = find_action(resource.integration, resource.action)
    if resource.kind == "function":
        yield from _invoke(task, resource.text)
    elif resource.kind == "sdk":
        yield from _sdk(task)
    elif resource.operation in _SPECIAL:
        yield from _SPECIAL[resource.operation](task)
    elif record is not None and record.rights is not None:
        if resource.operation == "bedrock:invokeModel":
            yield from _invoke_model(task)
        yield from _rights(task, record.rights)
    elif resource.kind != "activity":
        yield task.gap(f"no permissions are known for {resource.text}: state them yourself")


# Records


def _rights(task: _Task, rights: Rights) -> Derived:
    for grant in rights.grants:
        if (not grant.sync or task.sync) and (not grant.only_with or task.has(grant.only_with)):
            yield from _grant(task, grant)
    if rights.rule and task.sync:
        yield Statement.of(EVENTS, task.place.arn("events", f"rule/{rights.rule}"))
    for argument, service in rights.roles.items():
        yield from _pass_role(task, argument, service)
    if rights.hidden:
        yield task.gap(f"the definition does not tell {rights.hidden}")


def _grant(task: _Task, grant: Grant) -> Derived:
    operator, key, template = grant.condition or ("", "", "")
    target, value = _resource(task, grant.on), _resource(task, template)
    gap = next((each for each in (target, value) if isinstance(each, Gap)), None)
    if gap:
        yield task.gap(gap.message, grant.actions)
    else:
        condition = {operator: {key: str(value)}} if operator else None
        yield Statement.of(grant.actions, str(target), condition=condition)


def _resource(task: _Task, template: str) -> str | Gap:
    """The ARN of `Grant.on`, or a gap where an argument is not known."""
    place = {"partition": task.place.partition, "region": task.place.region, "account": task.place.account}
    whole: str | None = None
    missing: str | None = None

    def fill(match: re.Match[str]) -> str:
        nonlocal whole, missing
        name, rewrite, optional = match.groups()
        if name in place:
            return place[name]
        value = task.argument(name)
        if value is None:
            missing = missing or (None if optional else name)
            return "*"
        written = REWRITES[rewrite](value) if rewrite else value
        if not written:
            missing = missing or name
        if written.startswith("arn:") and name != "Key":  # the key of an object may be any text
            whole = whole or written
        return written

    filled = _FIELD.sub(fill, template)
    if missing:
        return task.gap(f"{missing} is chosen at run time, so it is not known what the role may use")
    if whole is None:
        return filled
    suffix = template.rpartition("}")[2]
    return whole + suffix if suffix.startswith((":", "/")) else whole


def _pass_role(task: _Task, argument: str, service: str) -> Derived:
    if not task.has(argument):
        return
    role = task.argument(argument)
    if role is None:
        yield task.gap(f"{argument} is chosen at run time, so it is not known which role is handed on", "iam:PassRole")
        return
    arn = role if role.startswith("arn:") else task.place.role(role)
    yield Statement.of("iam:PassRole", arn, condition={"StringEquals": {"iam:PassedToService": service}})


# Integrations of their own


def _invoke(task: _Task, function: str | None) -> Derived:
    """A published version or an alias is a resource of its own: `function:NAME:*`."""
    targets = task.callees or ((function,) if function else ())
    if not targets:
        message = "the function is chosen at run time: name all that it may be with dynamic(path, allowed=[...])"
        yield task.gap(message, "lambda:InvokeFunction")
    for target in targets:
        yield Statement.of("lambda:InvokeFunction", *function_arns(target, task.place))


def function_arns(function: str, place: Place) -> tuple[str, str]:
    """A function, by name or ARN with or without a version, and all its versions and aliases."""
    name = parse_function(function)
    if function.startswith("arn:"):
        arn = function.removesuffix(f":{name.qualifier}")
    else:
        arn = (evolve(place, account=name.account) if name.account else place).arn("lambda", f"function:{name.name}")
    return arn, f"{arn}:*"


def _lambda_invoke(task: _Task) -> Derived:
    yield from _invoke(task, task.argument("FunctionName"))


def _put_events(task: _Task) -> Derived:
    entries = task.arguments.get("Entries")
    for entry in entries if isinstance(entries, list) else [None]:
        bus = entry.get("EventBusName", "default") if isinstance(entry, dict) else None
        dynamic = not isinstance(entry, dict) or "EventBusName.$" in entry or not isinstance(bus, str)
        if dynamic or has_placeholder(bus) or str(bus).startswith("{%"):
            yield task.gap("EventBusName is chosen at run time", "events:PutEvents")
        elif isinstance(bus, str):
            arn = bus if bus.startswith("arn:") else task.place.arn("events", f"event-bus/{bus}")
            yield Statement.of("events:PutEvents", arn)


def _start_execution(task: _Task) -> Derived:
    machine = task.argument("StateMachineArn")
    if machine is None:
        message = "StateMachineArn is chosen at run time, so it is not known what the role may start"
        yield task.gap(message, "states:StartExecution")
        return
    if not machine.startswith("arn:"):
        yield task.gap(f"StateMachineArn is {machine!r}, which is not an ARN", "states:StartExecution")
        return
    arn = without_qualifier(machine)
    name = arn.rpartition(":")[2]
    yield Statement.of("states:StartExecution", arn)
    if task.sync:
        executions = ":".join([*arn.split(":")[:5], "execution", name, "*"])
        yield Statement.of("states:DescribeExecution states:StopExecution", executions)
        rule = task.place.arn("events", "rule/StepFunctionsGetEventsForStepFunctionsExecutionRule")
        yield Statement.of(EVENTS, rule)


def _http(task: _Task) -> Derived:
    """The endpoint and the method are conditions; a part of the URL that is not known is `*`."""
    endpoint, method = task.argument("ApiEndpoint"), task.argument("Method")
    condition: dict[str, dict[str, str]] = {}
    if endpoint:
        condition["StringEquals"] = {"states:HTTPEndpoint": endpoint}
    else:
        known = _known_beginning(task)
        if known is None:
            yield task.gap(
                "ApiEndpoint is chosen at run time: any endpoint would be allowed", "states:InvokeHTTPEndpoint"
            )
            return
        condition["StringLike"] = {"states:HTTPEndpoint": f"{known}*"}
    if method:
        condition.setdefault("StringEquals", {})["states:HTTPMethod"] = method
    own = task.place.arn("states", f"stateMachine:{task.machine}")
    yield Statement.of("states:InvokeHTTPEndpoint", own, condition=condition)
    connection = task.argument("Authentication.ConnectionArn") or task.argument("InvocationConfig.ConnectionArn")
    if connection is None:
        actions = "events:RetrieveConnectionCredentials secretsmanager:GetSecretValue secretsmanager:DescribeSecret"
        yield task.gap("ConnectionArn is chosen at run time", actions)
        return
    name = connection.split("/")[1] if "/" in connection else "*"
    yield Statement.of("events:RetrieveConnectionCredentials", connection)
    secret = task.place.arn("secretsmanager", f"secret:events!connection/{name}/*")
    yield Statement.of("secretsmanager:GetSecretValue secretsmanager:DescribeSecret", secret)


def _known_beginning(task: _Task) -> str | None:
    """The beginning of an endpoint's URL that a States.Format or a JSONata `&` always has: at least its host."""
    texts = [task.arguments.get(name) for name in ("ApiEndpoint.$", "ApiEndpoint")]
    for text in texts:
        match = re.search(r"""['"](https://[^'"{}]+)""", text) if isinstance(text, str) else None
        if match and re.match(r"\s*(?:States\.Format\(|\{%)\s*$", str(text)[: match.start()]):
            parts = urlsplit(match[1])
            return match[1] if parts.path else None
    return None


_PROFILE: Final = re.compile(r"(?:us|us-gov|eu|apac|jp|au|ca|global)\.(.+)")
"""The id of an inference profile that AWS defines: where it may run, and the model."""


def _invoke_model(task: _Task) -> Derived:
    """A model, or an inference profile, which calls its model in several regions.

    Source: Amazon Bedrock User Guide, "Prerequisites for inference profiles".
    """
    model, place = task.argument("ModelId"), task.place
    if model is None:
        message = "ModelId is chosen at run time, so it is not known what the role may use"
        yield task.gap(message, "bedrock:InvokeModel")
        return
    match = _PROFILE.fullmatch(model.rpartition("/")[2])
    if ":application-inference-profile/" in model:
        yield Statement.of("bedrock:InvokeModel", model)
        yield task.gap("the definition does not tell the model of the inference profile", "bedrock:InvokeModel")
    elif match:
        profile = model if model.startswith("arn:") else place.arn("bedrock", f"inference-profile/{model}")
        yield Statement.of("bedrock:InvokeModel", profile)
        models = f"arn:{place.partition}:bedrock:*::foundation-model/{match[1]}"
        through = {"StringEquals": {"bedrock:InferenceProfileArn": profile}}
        yield Statement.of("bedrock:InvokeModel", models, condition=through)
    else:
        own = f"arn:{place.partition}:bedrock:{place.region}::foundation-model/{model}"
        yield Statement.of("bedrock:InvokeModel", model if model.startswith("arn:") else own)


_SPECIAL: Final = {
    "lambda:invoke": _lambda_invoke,
    "events:putEvents": _put_events,
    "states:startExecution": _start_execution,
    "http:invoke": _http,
}


# AWS SDK


def _sdk(task: _Task) -> Derived:
    service, action = task.resource.service, task.resource.action
    actions = iam_actions(service, action) if service and action else None
    if actions is None:
        yield task.gap(f"no IAM action can be derived from {task.resource.text}: state it yourself")
        return
    for each in with_arguments(actions, task.has):
        if each == "lambda:InvokeFunction":
            yield from _invoke(task, task.argument("FunctionName"))
        elif each == "events:PutEvents":
            yield from _put_events(task)
        elif each == "bedrock:InvokeModel":
            yield from _invoke_model(task)
        else:
            yield from _on_resources(task, each)
    yield from _handed_on(task, actions)


def _on_resources(task: _Task, action: str) -> Derived:
    prefix, _, name = action.partition(":")
    names = tables(task.arguments, name) if prefix == "dynamodb" else None
    if names is not None:
        arns = [each if each.startswith("arn:") else task.place.arn("dynamodb", f"table/{each}") for each in names]
        # A transaction may have no operation of this kind.
        yield from [Statement.of([action], *arns)] if arns else []
        return
    templates = resources(action, task.has)
    known = [each for each in (_resource(task, template) for template in templates or ()) if isinstance(each, str)]
    own = [arn for arn in _named_arns(task.arguments) if arn.split(":")[2] == prefix and prefix not in ("iam", "s3")]
    if known and len(known) == len(templates or ()):
        yield Statement.of([action], *known)
    elif own:
        yield Statement.of([action], *own)
    elif templates is not None:
        yield task.gap(f"it is not known beforehand on what {action} is used", action)
    elif action not in task.stated:
        yield Statement.of([action], "*")
        yield task.gap(f"{action} is allowed on every resource: state it with the resources that you mean", action)


_ROLE: Final = re.compile(r"arn:[^:]+:iam::\d*:role/")


def _handed_on(task: _Task, actions: Iterable[str]) -> Derived:
    """A gap if the call gives a role to the service: which service takes it over is not known."""
    if any(each.startswith(("iam:", "sts:")) for each in actions):
        return
    passed = sorted({name for name in _literal_arns(task.arguments) if _ROLE.match(name)} | {*roles(task.arguments)})
    if passed:
        yield task.gap(f"the role of the call needs iam:PassRole on {', '.join(passed)}", "iam:PassRole")


_NAMING: Final = re.compile(r"(?:arn|id|name|identifier|resource)s?$", re.IGNORECASE)


def _named_arns(arguments: Mapping[str, Any]) -> Iterator[str]:
    """The ARNs in fields that name a resource; elsewhere, such as in a message, one is data."""
    return _literal_arns({key: value for key, value in arguments.items() if _NAMING.search(key)})


def _literal_arns(value: Any) -> Iterator[str]:
    if isinstance(value, str) and value.startswith("arn:") and value.count(":") >= 5 and not has_placeholder(value):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _literal_arns(each)


# Distributed Map


def _of_map(state: Node, name: str, place: Place) -> Derived:
    """Source: Step Functions Developer Guide, "IAM policies for using Distributed Map states"."""
    processor = state.fields.get("ItemProcessor") or state.fields.get("Iterator")
    config = processor.get("ProcessorConfig") if isinstance(processor, dict) else None
    if not isinstance(config, dict) or config.get("Mode") != "DISTRIBUTED":
        return
    yield Statement.of("states:StartExecution", place.arn("states", f"stateMachine:{name}"))
    yield Statement.of("states:DescribeExecution states:StopExecution", place.arn("states", f"execution:{name}:*"))
    yield Statement.of("states:RedriveExecution", place.arn("states", f"execution:{name}/*:*"))
    yield from _reader(state, name, place)
    yield from _writer(state, name, place)


def _reader(state: Node, name: str, place: Place) -> Derived:
    reader = state.fields.get("ItemReader")
    if not isinstance(reader, dict):
        return
    task = _part(state, reader, name, place)
    config = reader.get("ReaderConfig")
    bucket, key = task.argument("Bucket"), task.argument("Key")
    lists = task.resource.action == "listObjectsV2"
    if bucket is None:
        yield task.gap("the bucket is chosen at run time", "s3:ListBucket" if lists else "s3:GetObject")
    elif lists:
        yield Statement.of("s3:ListBucket", place.bucket(bucket))
        if isinstance(config, dict) and config.get("Transformation") == "LOAD_AND_FLATTEN":
            yield Statement.of("s3:GetObject", place.bucket(f"{bucket}/{task.argument('Prefix') or ''}*"))
    else:
        yield Statement.of("s3:GetObject", place.bucket(f"{bucket}/{key or '*'}"))
        if isinstance(config, dict) and config.get("InputType") == "MANIFEST":
            yield Statement.of("s3:GetObject", place.bucket(f"{bucket}/*"))


def _writer(state: Node, name: str, place: Place) -> Derived:
    writer = state.fields.get("ResultWriter")
    if not isinstance(writer, dict) or "Resource" not in writer:
        return
    task = _part(state, writer, name, place)
    actions = "s3:PutObject s3:GetObject s3:ListMultipartUploadParts s3:AbortMultipartUpload"
    bucket, prefix = task.argument("Bucket"), (task.argument("Prefix") or "").rstrip("/")
    if bucket is None:
        yield task.gap("the bucket of ResultWriter is chosen at run time", actions)
    else:
        yield Statement.of(actions, place.bucket(f"{bucket}/{prefix}/*" if prefix else f"{bucket}/*"))


def _part(state: Node, part: dict[str, Any], name: str, place: Place) -> _Task:
    """ItemReader or ResultWriter, which have a Resource and arguments like a Task."""
    at = Node(state.name, part, state.machine, state.language)
    return _Task(at, parse_resource(str(part.get("Resource", ""))), place, name, ())
