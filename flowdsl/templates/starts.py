"""What in a template may start a state machine with more data than an execution takes as its input.

StartExecution takes 262,144 bytes, and rules and pipes of EventBridge deliver more: no execution starts, and nothing in
the flow notices. Whoever calls an API gets the refusal as the answer, and the input of a schedule stands in the
template: neither is reported. Nor are the events of AWS's own services, which are small.

Sources: Step Functions API Reference, StartExecution, `input`; AWS Compute Blog, "More room to build: serverless
services now support payloads up to 1 MB" (2026), for EventBridge and SQS; SQS API Reference, CreateQueue,
`MaximumMessageSize`; Kinesis Data Streams Developer Guide, "Handle large records"; DynamoDB Developer Guide,
"Quotas"; EventBridge User Guide, "Input transformation", "Pipes batching and concurrency" and "Pipes input
transformation".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from ..base.diagnostics import AslPath, Diagnostic, FlowError
from ..base.named import NamedTuple
from ..base.patterns import regex
from .errors import OVERSIZED, note
from .intrinsics import TemplateScope, is_intrinsic, whole_number

MOST_BYTES: Final = 262_144
"""The largest input of an execution."""
_ENVELOPE: Final = 1024
"""About what a pipe adds to a message of SQS: ids, a receipt handle, attributes, the queue's ARN."""
_VERSIONS: Final = {
    "AWS::StepFunctions::StateMachineAlias": ("RoutingConfiguration", 0, "StateMachineVersionArn"),
    "AWS::StepFunctions::StateMachineVersion": ("StateMachineArn",),
}
"""Where a version or an alias says of which state machine it is one."""


class _Source(NamedTuple):
    """What a pipe reads: its entries, how large one may be, and the paths that pass on all data of one."""

    name: str
    entries: str
    size: str
    whole: tuple[str, ...]


_SQS: Final = _Source("SqsQueueParameters", "messages", "up to 1 MiB", ("$.body",))
"""The only source that needs no SourceParameters."""
_SOURCES: Final = (
    _SQS,
    _Source("KinesisStreamParameters", "records", "up to 1 MiB", ("$.data",)),
    _Source(
        "DynamoDBStreamParameters",
        "records",
        "up to 400 KB an item",
        ("$.dynamodb", "$.dynamodb.NewImage", "$.dynamodb.OldImage"),
    ),
    _Source("ManagedStreamingKafkaParameters", "messages", "up to 1 MiB", ("$.value",)),
    _Source("SelfManagedKafkaParameters", "messages", "up to 1 MiB", ("$.value",)),
    _Source("ActiveMQBrokerParameters", "messages", "any size", ("$.data",)),
    _Source("RabbitMQBrokerParameters", "messages", "any size", ("$.data",)),
)
Resources = Mapping[str, Mapping[str, Any]]


def oversized_starts(
    resources: Any, at: AslPath, scope: TemplateScope, machines: Mapping[str, Any]
) -> Iterator[tuple[str, Diagnostic]]:
    """Yield what may start a state machine with too much, after the machine's logical id. `at` is the path of the
    resources; `machines` has the names of the state machines on AWS by logical id."""
    resources = {id_: each for id_, each in _mapping(resources).items() if isinstance(each, Mapping)}
    for id_, resource in resources.items():
        properties, path = _properties(id_, resources), (*at, id_, "Properties")
        kind, name = resource.get("Type"), repr(scope.names.get(id_, id_))
        if kind == "AWS::Serverless::StateMachine":
            yield from ((id_, each) for each in _sam_events(properties, path, scope))
        elif kind == "AWS::Events::Rule" and isinstance(targets := properties.get("Targets"), list):
            pattern, bus = properties.get("EventPattern"), properties.get("EventBusName")
            for index, target in enumerate(targets):
                machine = (
                    _machine(target.get("Arn"), resources, scope, machines) if isinstance(target, Mapping) else None
                )
                if machine and _is_custom(pattern, bus, scope) and _is_whole(target, scope):
                    yield machine, _of_rule(f"rule {name}", (*path, "Targets", index), scope)
        elif kind == "AWS::Pipes::Pipe":
            machine = _machine(properties.get("Target"), resources, scope, machines)
            problem = _of_pipe(f"pipe {name}", properties, path, resources, scope) if machine else None
            if machine and problem:
                yield machine, problem


def oversized_events(events: Any, path: AslPath, scope: TemplateScope) -> Iterator[Diagnostic]:
    """Yield the `events` of a state machine of serverless.yml that may be too large."""
    for index, event in enumerate(events if isinstance(events, list) else []):
        for kind in ("eventBridge", "cloudwatchEvent"):
            settings = event.get(kind) if isinstance(event, Mapping) else None
            if not isinstance(settings, Mapping):
                continue
            target = {f"{key[:1].upper()}{key[1:]}": value for key, value in settings.items()}
            transformer = target.get("InputTransformer")
            if isinstance(transformer, Mapping):
                target["InputTransformer"] = {f"{key[:1].upper()}{key[1:]}": each for key, each in transformer.items()}
            if _is_custom(target.get("Event"), target.get("EventBusName"), scope) and _is_whole(target, scope):
                yield _of_rule(f"the event {kind}", (*path, index, kind), scope)


def _sam_events(properties: Mapping[str, Any], path: AslPath, scope: TemplateScope) -> Iterator[Diagnostic]:
    events = properties.get("Events")
    for name, event in events.items() if isinstance(events, Mapping) else ():
        target = event.get("Properties") if isinstance(event, Mapping) else None
        if not isinstance(target, Mapping) or event.get("Type") not in ("EventBridgeRule", "CloudWatchEvent"):
            continue
        if _is_custom(target.get("Pattern"), target.get("EventBusName"), scope) and _is_whole(target, scope):
            yield _of_rule(f"event {name!r}", (*path, "Events", name), scope)


# Rules


def _of_rule(what: str, path: AslPath, scope: TemplateScope) -> Diagnostic:
    hint = "pass on a reference to the data, such as a key in S3: by InputTransformer, or an InputPath below $.detail"
    return _problem(f"{what} may send events of up to 1 MB", hint, path, scope)


def _problem(what: str, hint: str, path: AslPath, scope: TemplateScope) -> Diagnostic:
    message = f"{what}, and an execution's input has at most {MOST_BYTES:,} bytes: for more, no execution starts"
    return note(OVERSIZED, message, scope.places.span(path), hint)


def _is_custom(pattern: Any, bus: Any, scope: TemplateScope) -> bool:
    """True if a pattern takes events that a program or a partner sends. Where it does not name their sources, such
    events are expected on a bus of one's own only."""
    if not isinstance(pattern, Mapping) or is_intrinsic(pattern):
        return False
    sources = pattern.get("source")
    if sources is None:
        return bus not in (None, "default")
    return any(_is_custom_source(each, scope) for each in (sources if isinstance(sources, list) else [sources]))


def _is_custom_source(source: Any, scope: TemplateScope) -> bool:
    if isinstance(source, Mapping) and not is_intrinsic(source):
        [test, *_] = [*source, ""]
        if test not in ("prefix", "wildcard", "equals-ignore-case"):
            return True  # such as `anything-but`
        source = source[test]
    text = (_text(source, scope) or "${}").lower()
    return not text.startswith(("aws.", "${")) or text.startswith("aws.partner")


_VARIABLE: Final = regex(r"<\s*([^<>\s]+)\s*>")


def _is_whole(target: Mapping[str, Any], scope: TemplateScope) -> bool:
    """True if a target of a rule gets all of an event, or all of its detail."""
    if "Input" in target:
        return False
    transformer = target.get("InputTransformer")
    if transformer is None:
        return target.get("InputPath", "$") in ("$", "$.detail")
    template = _text(transformer.get("InputTemplate"), scope) if isinstance(transformer, Mapping) else None
    paths = transformer.get("InputPathsMap") if template is not None else None
    variables = {"aws.events.event.json": "$"} | (dict(paths) if isinstance(paths, Mapping) else {})
    return any(variables.get(name) in ("$", "$.detail") for name in _VARIABLE.findall(template or ""))


# Pipes


def _of_pipe(
    what: str, pipe: Mapping[str, Any], path: AslPath, resources: Resources, scope: TemplateScope
) -> Diagnostic | None:
    if "Enrichment" in pipe:
        return None  # what the enrichment answers is the input
    parameters, target = (_mapping(pipe.get(key)) for key in ("SourceParameters", "TargetParameters"))
    source = next((each for each in _SOURCES if each.name in parameters), _SQS)
    template, passed = target.get("InputTemplate"), {"$", "aws.pipes.event.json", *source.whole}
    if template is not None and not passed.intersection(_VARIABLE.findall(_text(template, scope) or "")):
        return None
    read = _properties(_referred(pipe.get("Source")), resources)
    if _mapping(read.get("StreamSpecification")).get("StreamViewType") == "KEYS_ONLY":
        return None
    batch = whole_number(_mapping(parameters.get(source.name)).get("BatchSize")) or (10 if source is _SQS else None)
    size = source.size
    hint = "pass on a reference to the data, such as a key in S3: by InputTemplate under TargetParameters"
    if source is _SQS and batch is not None:
        most = whole_number(read.get("MaximumMessageSize"))
        if most is not None and batch * (most + _ENVELOPE) <= MOST_BYTES:
            return None
        size = f"up to {most:,} bytes" if most is not None else size
        if most is not None and most + _ENVELOPE <= MOST_BYTES:
            hint += f", or set BatchSize to at most {MOST_BYTES // (most + _ENVELOPE)}"
        elif (limit := MOST_BYTES // batch - _ENVELOPE) >= _ENVELOPE:
            hint += f", or give the queue a MaximumMessageSize of at most {limit}"
    batches = "" if batch == 1 else f"batches of {batch} " if batch is not None else "batches of "
    return _problem(f"{what} may send {batches}{source.entries} of {size}", hint, (*path, "Source"), scope)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


# References


def _machine(value: Any, resources: Resources, scope: TemplateScope, machines: Mapping[str, Any]) -> str | None:
    """The logical id of the state machine that a target means: itself, a version or an alias of it, or by its name."""
    for _ in range(3):
        id_ = _referred(value)
        if id_ is None or id_ in machines:
            break
        value = _inside(_properties(id_, resources), _VERSIONS.get(str(resources.get(id_, {}).get("Type")), ("",)))
    if id_ in machines:
        return id_
    name = (_text(value, scope) or "").partition(":stateMachine:")[2].partition(":")[0]
    return next((id_ for id_, each in machines.items() if name and each == name), None)


_SUB: Final = regex(r"\$\{(\w+)(?:\.\w+)?\}")


def _referred(value: Any) -> str | None:
    """The logical id in `!Ref Id`, `!GetAtt Id.Arn` or `!Sub ${Id.Arn}`."""
    if not isinstance(value, Mapping) or len(value) != 1:
        return None
    [(function, argument)] = value.items()
    if function == "Fn::Sub" and isinstance(argument, str):
        match = _SUB.fullmatch(argument)
        return match[1] if match else None
    if function == "Fn::GetAtt":
        argument = argument[0] if isinstance(argument, list) and argument else str(argument).partition(".")[0]
    return argument if function in ("Ref", "Fn::GetAtt") and isinstance(argument, str) else None


def _properties(id_: str | None, resources: Resources) -> Mapping[str, Any]:
    return _mapping(resources.get(id_ or "", {}).get("Properties"))


def _inside(value: Any, way: tuple[str | int, ...]) -> Any:
    """The value at a path, or None."""
    for step in way:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def _text(value: Any, scope: TemplateScope) -> str | None:
    """The text of a value with placeholders, or None if it is known only on AWS."""
    try:
        return scope.known_text(value, ())
    except FlowError:
        return None
