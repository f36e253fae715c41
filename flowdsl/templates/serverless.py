"""State machines and functions of a serverless.yml with the plugin serverless-step-functions.

Sources: serverless-step-functions, README and lib/deploy/stepFunctions/compileStateMachines.js; Serverless Framework,
"Serverless.yml Reference".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

from ..base.diagnostics import AslPath, Diagnostic
from .building import Identity, Overrides, build_machine, definition_at, machine_name, machine_type
from .cloudformation import read_resources
from .errors import UNIMPORTED, cannot, note
from .files import Places
from .intrinsics import TemplateScope
from .model import Machine, TemplateFunction
from .starts import oversized_events, oversized_starts
from .variables import Variables

_SETTING = "set it in pyproject.toml: [tool.flowdsl.environments.NAME] "
_KEEP = "keep what starts the state machine in serverless.yml, and point it at the ARN that flowdsl deploy prints"
_OTHERS: Mapping[str, str] = {
    "events": _KEEP,
    "notifications": "keep the rule in serverless.yml, and point it at the ARN that flowdsl deploy prints",
    "alarms": f"keep the alarms in serverless.yml; to stop a rollout by them, {_SETTING}alarms = [...]",
    "tags": _SETTING + 'tags = {team = "payments"}',
    "inheritGlobalTags": _SETTING + 'tags = {team = "payments"}',
    "loggingConfig": _SETTING + 'logging = "ALL"',
    "tracingConfig": _SETTING + "tracing = true",
    "iamRoleStatements": "flowdsl deploy derives the role's policy from the definition; add others as permissions",
    "useExactVersion": "flowdsl deploy always calls exact versions of the functions that it deploys",
    "encryptionConfig": "set it on the state machine after the deployment",
    "dependsOn": "flowdsl deploy orders its calls itself",
    "retain": "flowdsl destroy asks before it deletes a state machine",
}
_READ = ("id", "name", "type", "role", "definition")
TIMEOUT = 6
"""Seconds that a function has if serverless.yml says nothing."""


def read_serverless(
    root: Path, template: Mapping[str, Any], places: Places, overrides: Overrides
) -> tuple[list[Machine], list[TemplateFunction], list[Diagnostic]]:
    """The machines, the functions, and notes about the rest of the section. Raises FlowError."""
    scope = TemplateScope(places)
    variables = Variables(root, template, places, overrides, scope)
    declared = dict(_functions(variables))
    resources = variables.resolve(template.get("resources"), ("resources",)) if "resources" in template else None
    scope.names = {logical_id(key): key for key in declared}
    functions = [_function(root, key, each, variables) for key, each in declared.items()]
    scope.notes.clear()  # what a function's settings lack does not concern the definitions
    section = variables.resolve_text(template["stepFunctions"], ("stepFunctions",))
    if not isinstance(section, Mapping):
        hint = "write stateMachines: and below it a name and a definition"
        raise cannot("stepFunctions must be a mapping", places.span(("stepFunctions",)), hint)
    notes = [*_section_notes(section, places)]
    entries = [*_entries(section, variables)]
    notes += scope.notes
    parts: list[tuple[AslPath, Mapping[str, Any]]] = [
        (("resources", index) if isinstance(resources, list) else ("resources",), part)
        for index, part in enumerate(resources if isinstance(resources, list) else [resources])
        if isinstance(part, Mapping)
    ]
    names = {_machine_id(key, entry): entry.get("name") for key, entry, _, _ in entries}
    starts = [
        start
        for at, part in parts
        for start in oversized_starts(part.get("Resources"), (*at, "Resources"), scope.fresh(), names)
    ]
    machines = [
        _machine(key, entry, path, attrs.evolve(scope, notes=own, literals=set()), overrides, starts)
        for key, entry, path, own in entries
    ]
    for at, part in parts:
        more, others = read_resources(root, part, at, places, overrides, scope)
        machines += more
        functions += others
    return machines, functions, notes


def logical_id(key: str) -> str:
    """The logical id of a function. Source: Serverless Framework, "Resources", "AWS CloudFormation Resource Reference".

    >>> logical_id("charge-card")
    'ChargeDashcardLambdaFunction'
    """
    normal = key.replace("-", "Dash").replace("_", "Underscore")
    return f"{normal[:1].upper()}{normal[1:]}LambdaFunction"


def _machine_id(key: str, entry: Mapping[str, Any]) -> str:
    """The logical id of a state machine. Source: serverless-step-functions, README, "id", and lib/naming.js."""
    own = entry.get("id")
    return own if isinstance(own, str) else f"{logical_id(key).removesuffix('LambdaFunction')}StepFunctionsStateMachine"


def _entries(
    section: Mapping[str, Any], variables: Variables
) -> Iterator[tuple[str, Mapping[str, Any], AslPath, list[Diagnostic]]]:
    """Each state machine by its key, with the notes about its variables. `stateMachines` may be a list of mappings, as
    `${file(…)}` makes it."""
    places, scope = variables.places, variables.scope
    at: AslPath = ("stepFunctions", "stateMachines")
    entries = variables.resolve_text(section.get("stateMachines"), at)
    groups = enumerate(entries) if isinstance(entries, list) else [(None, entries or {})]
    for index, item in groups:
        inside = at if index is None else (*at, index)
        group = variables.resolve_text(item, inside)
        if not isinstance(group, Mapping):
            hint = "write a name, and below it a definition; a file with code cannot be read"
            raise cannot("stateMachines must be a mapping", places.span(inside), hint)
        for key, unresolved in group.items():
            before, scope.notes = scope.notes, []
            entry = variables.resolve(unresolved, (*inside, key))
            own, scope.notes = scope.notes, before
            if not isinstance(entry, Mapping) or "definition" not in entry:
                hint = "add definition: with StartAt and States"
                raise cannot(f"state machine {key} has no definition", places.span((*inside, key)), hint)
            yield key, entry, (*inside, key), own


def _section_notes(section: Mapping[str, Any], places: Places) -> Iterator[Diagnostic]:
    for key in section:
        if key not in ("stateMachines", "validate", "noOutput"):
            hint = "create activities in another stack, and give their ARNs: --substitution NAME=ARN"
            hint = hint if key == "activities" else "keep it in serverless.yml"
            yield note(UNIMPORTED, f"{key} is not imported", places.span(("stepFunctions", key)), hint)


def _machine(
    id_: str,
    entry: Mapping[str, Any],
    path: AslPath,
    scope: TemplateScope,
    overrides: Overrides,
    starts: list[tuple[str, Diagnostic]],
) -> Machine:
    notes = [
        note(
            UNIMPORTED, f"{each} is not imported", scope.places.span((*path, each)), _OTHERS.get(each, "keep it there")
        )
        for each in entry
        if each not in _READ
    ]
    definition = definition_at(scope, entry["definition"], (*path, "definition"))
    name = machine_name(scope, entry.get("name"), (*path, "name"), id_, notes)
    return build_machine(
        scope,
        Identity(id_, name, scope.places.span(path)),
        definition,
        overrides=overrides,
        type=machine_type(scope, entry.get("type"), (*path, "type")),
        role=scope.known_text(entry["role"], (*path, "role")) if "role" in entry else None,
        notes=notes,
        starts=[
            *oversized_events(entry.get("events"), (*path, "events"), scope.fresh()),
            *(problem for machine, problem in starts if machine == _machine_id(id_, entry)),
        ],
    )


def _functions(variables: Variables) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if not isinstance(variables.template, Mapping) or "functions" not in variables.template:
        return
    value = variables.resolve(variables.template["functions"], ("functions",))
    for group in value if isinstance(value, list) else [value]:
        if isinstance(group, Mapping):
            yield from ((key, each) for key, each in group.items() if isinstance(each, Mapping))


def _function(root: Path, key: str, entry: Mapping[str, Any], variables: Variables) -> TemplateFunction:
    template = variables.template
    provider = variables.resolve(template.get("provider"), ("provider",))
    provider = provider if isinstance(provider, Mapping) else {}
    service = variables.resolve(template.get("service"), ("service",))
    service = service.get("name") if isinstance(service, Mapping) else service
    settings = {**provider, **entry}

    def text(name: str) -> str:
        return settings[name] if isinstance(settings.get(name), str) else ""

    def number(name: str) -> int | None:
        return settings[name] if isinstance(settings.get(name), int) else None

    both = (provider.get("environment"), entry.get("environment"))
    environment = {
        name: str(value)
        for each in both
        if isinstance(each, Mapping)
        for name, value in each.items()
        if isinstance(value, str | int | float)
    }
    name = entry.get("name")
    return TemplateFunction(
        key,
        name if isinstance(name, str) else f"{service or 'service'}-{variables.stage()}-{key}",
        entry["handler"] if isinstance(entry.get("handler"), str) else "",
        root.resolve(),
        text("runtime"),
        number("timeout") or TIMEOUT,
        number("memorySize"),
        environment,
        text("architecture") or None,
        variables.places.span(("functions", key)),
    )
