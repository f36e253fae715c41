"""State machines and functions of CloudFormation and SAM templates, in YAML or JSON.

Sources: CloudFormation Template Reference, AWS::StepFunctions::StateMachine and AWS::Lambda::Function; SAM
specification, AWS::Serverless::StateMachine and AWS::Serverless::Function.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..base.diagnostics import AslPath, Diagnostic, FlowError
from ..base.document import read_json
from ..base.patterns import regex
from ..base.source import display_path
from .assets import local_asset
from .building import Definition, Identity, Overrides, build_machine, definition_at, machine_name, machine_type
from .errors import UNIMPORTED, cannot, note
from .files import Places, read_document, read_text
from .intrinsics import TemplateScope, whole_number
from .model import Machine, TemplateFunction
from .starts import oversized_starts
from .texts import hide_bare, show_bare

MACHINES = ("AWS::StepFunctions::StateMachine", "AWS::Serverless::StateMachine")
FUNCTIONS = ("AWS::Lambda::Function", "AWS::Serverless::Function")
_NAMES = {"AWS::StepFunctions::StateMachine": "StateMachineName", "AWS::Serverless::StateMachine": "Name"}
_TYPES = {"AWS::StepFunctions::StateMachine": "StateMachineType", "AWS::Serverless::StateMachine": "Type"}
_ROLES = {"AWS::StepFunctions::StateMachine": "RoleArn", "AWS::Serverless::StateMachine": "Role"}
_SETTING = "set it in pyproject.toml: [tool.flowdsl.environments.NAME] "
_OTHERS: Mapping[str, str] = {
    "Policies": "flowdsl deploy derives the role's policy from the definition; add what is missing as permissions",
    "PermissionsBoundary": "set it on the role after the deployment",
    "RolePath": "flowdsl deploy names the role itself",
    "Connectors": "flowdsl deploy derives the role's policy from the definition",
    "Events": "keep what starts the state machine in the template, and point it at the ARN that flowdsl deploy prints",
    "Tags": _SETTING + 'tags = {team = "payments"}',
    "PropagateTags": _SETTING + "tags; flowdsl deploy gives them to all that it makes",
    "Logging": _SETTING + 'logging = "ALL"',
    "LoggingConfiguration": _SETTING + 'logging = "ALL"',
    "Tracing": _SETTING + "tracing = true",
    "TracingConfiguration": _SETTING + "tracing = true",
    "AutoPublishAlias": _SETTING + 'alias = "live"',
    "UseAliasAsEventTarget": "flowdsl deploy publishes a version and moves an alias; point events at the alias",
    "DeploymentPreference": "use flowdsl deploy with --canary",
    "EncryptionConfiguration": "set it on the state machine after the deployment",
}
"""What to do about a property that is not brought in."""
_SAM = "AWS::Serverless-2016-10-31"
_SAMS_TAG = {"Key": "stateMachine:createdBy", "Value": "SAM"}
"""A tag that SAM's transform adds."""
_DEFINITION = ("Definition", "DefinitionString", "DefinitionUri", "DefinitionS3Location")


def read_resources(
    root: Path, template: Any, at: AslPath, places: Places, overrides: Overrides, scope: TemplateScope | None = None
) -> tuple[list[Machine], list[TemplateFunction]]:
    """The machines and functions of the template at a path of the file."""
    resources = {name: each for name, each in _mapping(template, "Resources").items() if isinstance(each, dict)}
    scope = scope or new_scope(template, resources, places)
    own = {name: each for name, each in resources.items() if each.get("Type") in MACHINES}
    names = {name: _mapping(each, "Properties").get(_NAMES[each["Type"]], "") for name, each in own.items()}
    starts = [*oversized_starts(resources, (*at, "Resources"), scope.fresh(), names)]
    machines = [
        _machine(root, name, resource, (*at, "Resources", name), scope.fresh(), overrides, _of(name, starts))
        for name, resource in own.items()
    ]
    functions = [
        _function(root, name, resource, (*at, "Resources", name), scope.fresh(), template)
        for name, resource in resources.items()
        if resource.get("Type") in FUNCTIONS
    ]
    return machines, functions


def _of(name: str, starts: list[tuple[str, Diagnostic]]) -> list[Diagnostic]:
    return [problem for machine, problem in starts if machine == name]


def new_scope(template: Any, resources: Mapping[str, Any], places: Places) -> TemplateScope:
    parameters = _mapping(template, "Parameters")
    names = frozenset({*resources, *parameters, *_mapping(template, "Conditions")})
    transforms = template.get("Transform", []) if isinstance(template, dict) else []
    by_sam = transforms in (_SAM, [_SAM])
    known = None if (transforms and not by_sam) or "Fn::Transform" in template else names
    mappings = _mapping(template, "Mappings")
    return TemplateScope(places, readable_names([*resources, *parameters]), known, by_sam, mappings)


def readable_names(ids: list[str]) -> dict[str, str]:
    """Logical ids without the hash that CDK appends, as long as they stay unique.

    >>> readable_names(["Charge8F2C9A1B", "Q1A2B3C4", "Table"])
    {'Charge8F2C9A1B': 'Charge', 'Q1A2B3C4': 'Q', 'Table': 'Table'}
    """
    short = {name: _without_hash(name) for name in ids}
    return {
        name: each if each not in ids and [*short.values()].count(each) == 1 else name for name, each in short.items()
    }


_HASHED = regex(r"(?P<name>[A-Za-z]\w*?)(?=[0-9A-F]*\d)[0-9A-F]{7,8}")


def _without_hash(name: str) -> str:
    match = _HASHED.fullmatch(name)
    return match["name"] if match else name


def _machine(
    root: Path,
    name: str,
    resource: Mapping[str, Any],
    at: AslPath,
    scope: TemplateScope,
    overrides: Overrides,
    starts: list[Diagnostic],
) -> Machine:
    kind = str(resource["Type"])
    properties = _mapping(resource, "Properties")
    inside = (*at, "Properties")
    id_ = scope.names.get(name, name)
    notes = [*_unimported(resource, properties, at, scope)]
    definition = _definition(root, id_, properties, inside, scope)
    role = _ROLES[kind]
    identity = Identity(
        id_,
        machine_name(scope, properties.get(_NAMES[kind]), (*inside, _NAMES[kind]), id_, notes),
        scope.places.span(at),
    )
    return build_machine(
        scope,
        identity,
        definition,
        substitutions=_mapping(properties, "DefinitionSubstitutions"),
        substitutions_at=(*inside, "DefinitionSubstitutions"),
        overrides=overrides,
        type=machine_type(scope, properties.get(_TYPES[kind]), (*inside, _TYPES[kind])),
        role=scope.known_text(properties[role], (*inside, role)) if role in properties else None,
        notes=notes,
        starts=starts,
    )


def _unimported(
    resource: Mapping[str, Any], properties: Mapping[str, Any], at: AslPath, scope: TemplateScope
) -> Iterator[Diagnostic]:
    kind = str(resource["Type"])
    read = {_NAMES[kind], _TYPES[kind], _ROLES[kind], *_DEFINITION, "DefinitionSubstitutions"}
    for key, value in properties.items():
        if key not in read and not (key == "Tags" and value == [_SAMS_TAG]):
            span = scope.places.span((*at, "Properties", key))
            hint = _OTHERS.get(key, "keep it in the template")
            yield note(UNIMPORTED, f"{key} is not imported", span, hint)
    for key in ("Connectors", "Condition", "DeletionPolicy", "UpdateReplacePolicy"):
        if key in resource:
            span = scope.places.span((*at, key))
            yield note(UNIMPORTED, f"{key} is not imported", span, _OTHERS.get(key, "keep it in the template"))


def _definition(root: Path, name: str, properties: Mapping[str, Any], at: AslPath, scope: TemplateScope) -> Definition:
    for key in ("Definition", "DefinitionString"):
        if key in properties:
            return definition_at(scope, properties[key], (*at, key))
    key = "DefinitionUri" if "DefinitionUri" in properties else "DefinitionS3Location"
    path = (*at, key)
    span = scope.places.span(path)
    location = properties.get(key)
    if location is None:
        hint = "add Definition, DefinitionString or DefinitionUri"
        raise cannot(f"state machine {name} has no definition", scope.places.span(at), hint)
    hint = "correct the path, which is relative to the template"
    if isinstance(location, str) and not location.startswith("s3://"):
        return _from_file(root / location, scope, path, hint)
    object_key = location.get("Key") if isinstance(location, dict) else location
    asset = local_asset(root / "template", object_key)
    if asset is not None:
        return _from_file(asset, scope, path, "run cdk synth again")
    text = object_key if isinstance(object_key, str) else "an object"
    raise cannot(
        f"the definition of {name} is in S3 ({text}), and no file of it is here",
        span,
        "import the file itself (ASL as JSON or YAML), or the template of a cdk.out folder with its assets",
    )


def _from_file(file: Path, scope: TemplateScope, at: AslPath, hint: str) -> Definition:
    text = read_text(file, scope.places.span(at), hint)
    names: dict[str, str] = {}
    if file.suffix.lower() in (".yaml", ".yml"):
        document = read_document(file, text)
    else:
        hidden, names = hide_bare(text)
        document = read_json(hidden, display_path(file))
    value = show_bare(document.value, names)
    return Definition(value, document.span, document.comments, document.twice, frozenset(names.values()))


# Functions


def _function(
    root: Path, name: str, resource: Mapping[str, Any], at: AslPath, scope: TemplateScope, template: Any
) -> TemplateFunction:
    kind = str(resource["Type"])
    properties: dict[str, Any] = {}
    if kind == "AWS::Serverless::Function":
        properties |= _mapping(_mapping(template, "Globals"), "Function")
    properties |= _mapping(resource, "Properties")
    id_ = scope.names.get(name, name)

    def text(key: str) -> str:
        value = properties.get(key)
        return value if isinstance(value, str) else ""

    def number(key: str) -> int | None:
        return whole_number(properties.get(key))

    variables = _mapping(_mapping(properties, "Environment"), "Variables")
    architectures = properties.get("Architectures")
    return TemplateFunction(
        id_,
        text("FunctionName") or id_,
        text("Handler"),
        _code(root, properties, resource),
        text("Runtime"),
        number("Timeout"),
        number("MemorySize"),
        {key: known for key, value in variables.items() if (known := _quiet(scope, value, at)) is not None},
        architectures[0] if isinstance(architectures, list) and isinstance(architectures[0], str) else None,
        scope.places.span(at),
    )


def _quiet(scope: TemplateScope, value: Any, at: AslPath) -> str | None:
    try:
        return scope.known_text(value, at)
    except FlowError:
        return None


def _code(root: Path, properties: Mapping[str, Any], resource: Mapping[str, Any]) -> Path | None:
    code = properties.get("CodeUri", properties.get("Code"))
    if isinstance(code, str) and not code.startswith("s3://"):
        return (root / code).resolve()
    if isinstance(code, dict):
        asset = local_asset(root / "template", code.get("S3Key", code.get("Key")))
        return asset.resolve() if asset else None
    if "InlineCode" in properties or code is not None:
        return None
    return root.resolve() if resource["Type"] == "AWS::Serverless::Function" else None


def _mapping(value: Any, key: str) -> Mapping[str, Any]:
    inner = value.get(key) if isinstance(value, Mapping) else None
    return inner if isinstance(inner, Mapping) else {}
