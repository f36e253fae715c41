"""What a build and an environment's settings ask for."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from ..asl.placeholders import PLACEHOLDER
from ..author.functions import Function
from ..author.resources import Access, Resource
from ..base.diagnostics import FlowError
from ..base.source import display_path
from ..base.words import did_you_mean, join_words
from ..package import manifest as manifests
from ..package.archive import read_zip
from ..package.assembly import digest_of
from ..package.manifest import Manifest, Packaged
from ..project import Loaded
from ..project.environments import Allowed, Environment, FunctionSettings, Secret
from ..project.settings import find_root
from . import access as accesses
from . import pinning
from .kinds import Store
from .live import encryption_settings, logging_settings
from .model import LambdaFunction, LogGroup, Machine, Role, Stack, Wanted, function_log_group, log_group_of
from .permissions import derive
from .statements import Place, Statement, trust
from .stores import store_of
from .watching import alarm_of, schedules_of

NAMES: Final = "FLOWDSL_FUNCTION_NAMES"
"""The variable that tells functions how the deployed names are made from those in the flow: `test-{}-pr7`."""
_MOST_NAME: Final = 64
_MOST_VARIABLES: Final = 4096
"""Bytes of all of a function's environment variables. Source: Lambda Developer Guide, "Lambda quotas"."""


def stack_of(environment: Environment, flow: Path, instance: str = "", *, project: str = "") -> Stack:
    """The stack of a flow file in an environment.

    The project's name is part of its name, for flows of several projects may have one file name in one account.
    """
    if instance and not re.fullmatch(r"[A-Za-z0-9-]{1,20}", instance):
        hint = "use at most 20 letters, digits and '-', such as pr-7"
        raise FlowError.of(f"{instance!r} cannot be an instance's name", code="FD980", hint=hint)
    place = Place(environment.region, environment.account)
    name = re.sub(r"[^A-Za-z0-9_-]", "-", flow.name.partition(".")[0])
    if project:
        name = f"{re.sub(r'[^A-Za-z0-9_-]', '-', project)}.{name}"
    return Stack(name, environment.name, place, instance, environment.prefix)


def assemble(stack: Stack, environment: Environment, machines: Iterable[Loaded], build: Path) -> Wanted:
    """All resources of a stack, from the build's folder. Raises FlowError if the build is missing or out of date."""
    machines = [*machines]
    manifest = _read_build(build, machines)
    unknown = sorted(environment.functions.keys() - manifest.functions.keys())
    if unknown:
        raise FlowError.of(
            f"[tool.flowdsl.environments.{environment.name}.functions] names {join_words(unknown)}: not in the flow",
            code="FD980",
            hint=did_you_mean(unknown[0], manifest.functions)
            or f"the flow's functions: {join_words(sorted(manifest.functions))}",
        )
    roles: list[Role] = []
    groups: list[LogGroup] = []
    functions: list[LambdaFunction] = []
    access = {
        name: [*function.access]
        for loaded in machines
        for name, function in (loaded.machine.functions.items() if loaded.machine else ())
    }
    names = {name: stack.named(name) for name in [*manifest.functions, *(each.name for each in machines)]}
    for name, packaged in manifest.functions.items():
        function, role = _function(stack, environment, name, packaged, build, access.get(name, []), names)
        functions.append(function)
        roles.append(role)
        groups.append(LogGroup(function_log_group(function.name), environment.log_retention, environment.kms_key))
    wanted_machines: list[Machine] = []
    notes: list[str] = []
    for loaded in machines:
        machine, role, gaps = _machine(stack, environment, loaded, names)
        wanted_machines.append(machine)
        roles.append(role)
        notes += gaps
        if environment.logging != "OFF":
            groups.append(LogGroup(log_group_of(machine.name), environment.log_retention, environment.kms_key))
    watching, more_roles = _watching(stack, environment, machines, names)
    roles += more_roles
    return Wanted(
        stack,
        dict(environment.tags),
        tuple(roles),
        tuple(groups),
        tuple(functions),
        tuple(wanted_machines),
        tuple(notes),
        (*stores_of(stack, machines), *watching),
    )


def watching_of(stack: Stack, environment: Environment, machines: Iterable[Loaded]) -> tuple[Store, ...]:
    """The alarms and groups of schedules of the state machines."""
    machines = [*machines]
    functions = {name for loaded in machines for name in (loaded.machine.functions if loaded.machine else ())}
    names = {name: stack.named(name) for name in [*functions, *(each.name for each in machines)]}
    return tuple(_watching(stack, environment, machines, names)[0])


def _watching(
    stack: Stack, environment: Environment, machines: list[Loaded], names: Mapping[str, str]
) -> tuple[list[Store], list[Role]]:
    """Alarms, groups of schedules, and the roles of those. Raises FlowError for two alarms of one name."""
    stores: dict[str, Store] = {}
    roles: list[Role] = []
    for machine in (loaded.machine for loaded in machines if loaded.machine):
        if machine.schedules:
            store, role = schedules_of(machine.name, tuple(machine.schedules), stack, names)
            stores[store.label] = store
            roles.append(role)
        for alarm in machine.alarms:
            store = alarm_of(alarm, stack, names, environment.notify or ())
            if store.label in stores:
                message = f"two declarations of {store.label}"
                raise FlowError.of(message, code="FD980", hint="rename one of them")
            stores[store.label] = store
    return [*stores.values()], roles


def stores_of(stack: Stack, machines: Iterable[Loaded]) -> tuple[Store, ...]:
    """The resources that the functions have access to. Raises FlowError for two of one name."""
    stores: dict[str, Store] = {}
    for loaded in machines:
        for function in loaded.machine.functions.values() if loaded.machine else ():
            for access in function.access:
                if not isinstance(access.resource, Resource):
                    continue
                store = store_of(access.resource, stack)
                known = stores.setdefault(store.label, store)
                if known != store:
                    message = f"two different declarations of {store.label}"
                    raise FlowError.of(message, code="FD980", hint="use one object for both")
    return tuple(stores.values())


def _read_build(folder: Path, machines: list[Loaded]) -> Manifest:
    manifest = manifests.read(folder)
    if manifest is None:
        raise FlowError.of(f"nothing is built in {display_path(folder)}", code="FD987", hint="run flowdsl build")
    for loaded in machines:
        digest = manifest.definitions.get(f"{loaded.name}.asl.json")
        if digest != hashlib.sha256(loaded.text.encode()).hexdigest():
            message = f"{display_path(folder)} is out of date: the definition of {loaded.name} has changed"
            raise FlowError.of(message, code="FD987", hint="run flowdsl build")
        functions = loaded.machine.functions.values() if loaded.machine else ()
        missing = sorted({each.name for each in functions if each.source} - manifest.functions.keys())
        if missing:
            message = f"{display_path(folder)} lacks the zips of {join_words(missing)}"
            raise FlowError.of(message, code="FD987", hint="run flowdsl build, without --asl-only")
        changed = sorted(each.name for each in functions if _has_changed(each, manifest, loaded.file))
        if changed:
            message = f"{display_path(folder)} is out of date: the code of {join_words(changed)} has changed"
            raise FlowError.of(message, code="FD987", hint="run flowdsl build")
    for packaged in manifest.functions.values():
        read_zip(folder / packaged.file, packaged.code_sha256)
    return manifest


def _has_changed(function: Function, manifest: Manifest, flow: Path) -> bool:
    """True if a build now would package something else; False where the code is not, only the build."""
    packaged, root = manifest.functions.get(function.name), find_root(flow.parent)
    if packaged is None or not function.source or not (root / function.source).is_dir():
        return False
    try:
        return digest_of(function, root) != packaged.inputs
    except FlowError:  # it could be packaged when it was built
        return True


def _function(
    stack: Stack,
    environment: Environment,
    name: str,
    packaged: Packaged,
    build: Path,
    access: list[Access],
    names: Mapping[str, str],
) -> tuple[LambdaFunction, Role]:
    own = environment.functions.get(name, FunctionSettings())
    deployed, role = stack.named(name), stack.role_named(name)
    if len(deployed) > _MOST_NAME:
        raise FlowError.of(
            f"{deployed!r} has {len(deployed)} characters, and a Lambda function's name at most {_MOST_NAME}",
            code="FD980",
            hint="shorten the prefix or the instance's name",
        )
    variables: dict[str, str] = {**packaged.environment, **{key: str(each) for key, each in own.environment.items()}}
    variables.update(accesses.variables(access, stack))
    if deployed != name:
        variables[NAMES] = stack.named("{}")
    _check_variables(deployed, variables)
    settings = {
        "Runtime": packaged.runtime,
        "Handler": packaged.handler,
        "Role": stack.place.role(role, stack.role_path),
        "Timeout": own.timeout or packaged.timeout,
        "MemorySize": own.memory or packaged.memory,
        "Environment": {"Variables": variables},
        "TracingConfig": {"Mode": "Active" if environment.tracing else "PassThrough"},
        "KMSKeyArn": environment.kms_key,
        "Architectures": [packaged.architecture],
        "CodeSha256": packaged.code_sha256,
    }
    statements = [*_function_statements(stack.place, deployed, environment, own)]
    statements += accesses.statements(access, stack, names)
    function = LambdaFunction(deployed, settings, build / packaged.file, own.reserved_concurrency, role)
    return function, Role(role, f"function/{deployed}", trust("lambda.amazonaws.com"), tuple(statements))


def _check_variables(function: str, variables: Mapping[str, str]) -> None:
    """Raise FlowError for more than Lambda takes, whose own error repeats all values."""
    size = len(json.dumps(variables, ensure_ascii=False, separators=(",", ":")).encode())
    if size > _MOST_VARIABLES:
        message = f"the environment variables of {function!r} have {size:,} bytes; Lambda takes {_MOST_VARIABLES:,}"
        hint = "refer to a secret or a parameter, or put the data into a file beside the handler"
        raise FlowError.of(message, code="FD980", hint=hint)


def _function_statements(
    place: Place, name: str, environment: Environment, own: FunctionSettings
) -> Iterator[Statement]:
    group = place.arn("logs", f"log-group:{function_log_group(name)}")
    yield Statement.of("logs:CreateLogStream logs:PutLogEvents", f"{group}:*")
    if environment.tracing:
        yield Statement.of("xray:PutTraceSegments xray:PutTelemetryRecords", "*")
    if environment.kms_key:
        context = {"kms:EncryptionContext:aws:lambda:FunctionArn": place.arn("lambda", f"function:{name}")}
        yield Statement.of("kms:Decrypt", environment.kms_key, condition={"StringEquals": context})
    for value in own.environment.values():
        if isinstance(value, Secret):
            yield _secret(place, value)
    yield from stated(place, own.permissions)


def _secret(place: Place, secret: Secret) -> Statement:
    """Secrets Manager ends a secret's ARN with a dash and six characters of its own."""
    if secret.store == "secretsmanager":
        arn = place.arn("secretsmanager", f"secret:{secret.name}-??????")
        return Statement.of("secretsmanager:GetSecretValue", arn)
    return Statement.of("ssm:GetParameter", place.arn("ssm", f"parameter/{secret.name.lstrip('/')}"))


def stated(place: Place, permissions: Iterable[Allowed]) -> Iterator[Statement]:
    """The statements that the settings state, in their place."""
    for each in permissions:
        filled = pinning.placed({"resources": [*each.resources]}, place, {})
        yield Statement.of(each.actions, *filled["resources"])


def _machine(
    stack: Stack, environment: Environment, loaded: Loaded, names: Mapping[str, str]
) -> tuple[Machine, Role, list[str]]:
    place, name = stack.place, stack.named(loaded.name)
    if len(name) > 80:
        message = f"{name!r} has {len(name)} characters, and a state machine's name at most 80"
        raise FlowError.of(message, code="FD980", hint="shorten the prefix or the instance's name")
    if not re.fullmatch(r"[A-Za-z0-9_.-]+", name):
        message = f"{name!r} cannot be the name of the state machine's role and log group"
        raise FlowError.of(message, code="FD980", hint="rename the state machine: use a to z, digits, '-', '_' and '.'")
    definition = pinning.renamed(pinning.placed(loaded.definition, place, environment.substitutions), names, place)
    _refuse_placeholders(loaded, definition, environment)
    callees = {
        path: tuple(
            place.arn("lambda", f"function:{names.get(function.name, function.name)}") for function in functions
        )
        for path, functions in (loaded.machine.callees.items() if loaded.machine else ())
    }
    dynamic = {
        function.name
        for state in pinning.tasks(definition)
        if pinning.is_dynamic(state) and loaded.machine
        for function in loaded.machine.callees.get(state.path, ())
        if function.name in names
    }
    permissions = derive(
        definition,
        name=name,
        place=place,
        callees=callees,
        logging=environment.logging != "OFF",
        tracing=environment.tracing,
        stated=stated(place, environment.permissions),
        kms_key=environment.kms_key,
    )
    role = stack.role_named(f"{loaded.name}-states")
    group = place.arn("logs", f"log-group:{log_group_of(name)}")
    settings = {
        "roleArn": place.role(role, stack.role_path),
        # Inputs and outputs of states can be card data: they are never logged.
        "loggingConfiguration": logging_settings(environment.logging, group, data=False),
        "tracingConfiguration": {"enabled": environment.tracing},
        "encryptionConfiguration": encryption_settings(environment.kms_key),
    }
    machine = Machine(
        name,
        loaded.type,
        definition,
        settings,
        role,
        environment.alias,
        frozenset(names[each] for each in dynamic),
    )
    confused_deputy = {
        "StringEquals": {"aws:SourceAccount": place.account},
        "ArnLike": {"aws:SourceArn": place.arn("states", "stateMachine:*")},
    }
    gaps = [f"role of {name}: {gap}" for gap in permissions.gaps]
    trusted = trust("states.amazonaws.com", confused_deputy)
    return machine, Role(role, f"stateMachine/{name}", trusted, permissions.statements), gaps


def _refuse_placeholders(loaded: Loaded, definition: Mapping[str, Any], environment: Environment) -> None:
    """Nothing that is not filled in is ever sent."""
    for state in pinning.tasks(definition):
        _refuse_in(state.fields, f"state {state.name!r}", loaded, environment)
    _refuse_in(definition, loaded.name, loaded, environment)


def _refuse_in(value: Any, where: str, loaded: Loaded, environment: Environment) -> None:
    todo = [value]
    while todo:
        each = todo.pop()
        if isinstance(each, dict):
            todo += [*each.keys(), *each.values()]
        elif isinstance(each, list):
            todo += each
        elif isinstance(each, str) and not each.startswith("{%") and (match := PLACEHOLDER.search(each)):
            key = match[0][2:-1]
            raise FlowError.of(
                f"{where}: {match[0]} has no value in environment {environment.name!r}",
                code="FD980",
                span=loaded.locate(()),
                hint=f'add it: [tool.flowdsl.environments.{environment.name}.substitutions] "{key}" = "…"',
            )
