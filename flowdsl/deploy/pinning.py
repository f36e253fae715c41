"""The definition as it is deployed: in its place, with the functions' published versions.

An execution keeps its definition, so one that names versions keeps the functions' code and configuration too.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from ..asl.resource import parse_resource
from ..asl.text import canonical_text
from ..asl.tree import Node, Tree
from ..base.diagnostics import AslPath
from .model import ALIAS_PREFIX, LambdaFunction, Machine, Ref, Text, digest
from .statements import Place

_MARK: Final = "\ue000"
"""A character of the private use area around the number of a reference, while the definition is data."""


def mark(number: int) -> str:
    """What stands in a definition for the version that the reference of this number, from 0, will tell."""
    return f"{_MARK}{number}{_MARK}"


def placed(definition: Mapping[str, Any], place: Place, substitutions: Mapping[str, str]) -> dict[str, Any]:
    """The definition with `${AWS::Region}` and the like, and the environment's substitutions, filled in."""
    values = {
        "AWS::Region": place.region,
        "AWS::AccountId": place.account,
        "AWS::Partition": place.partition,
        **substitutions,
    }

    def fill(value: Any) -> Any:
        if isinstance(value, str):
            filled = re.sub(r"\$\{([^{}!]+)\}", lambda match: values.get(match[1], match[0]), value)
            return filled.replace("arn:aws:", f"arn:{place.partition}:") if place.partition != "aws" else filled
        if isinstance(value, dict):
            return {fill(key): fill(each) for key, each in value.items()}
        return [fill(each) for each in value] if isinstance(value, list) else value

    written: dict[str, Any] = fill(copy.deepcopy(dict(definition)))
    return written


def renamed(definition: Mapping[str, Any], names: Mapping[str, str], place: Place) -> dict[str, Any]:
    """The definition with the deployed names of functions and state machines, given by the names that the flow has.

    Inside of texts too, such as a JSONata expression: an instance never calls another's functions.
    """
    deployed = {}
    for name, own in names.items():
        for kind in ("function", "stateMachine"):
            service = "lambda" if kind == "function" else "states"
            deployed[place.arn(service, f"{kind}:{name}")] = place.arn(service, f"{kind}:{own}")
    if not deployed:
        return dict(definition)
    longest_first = sorted(deployed, key=len, reverse=True)
    arns = re.compile(f"({'|'.join(map(re.escape, longest_first))})(?![\\w.-])")

    def rename(value: Any) -> Any:
        if isinstance(value, str):
            return arns.sub(lambda match: deployed[match[1]], value)
        if isinstance(value, dict):
            return {
                key: names[each] if key == "FunctionName" and isinstance(each, str) and each in names else rename(each)
                for key, each in value.items()
            }
        return [rename(each) for each in value] if isinstance(value, list) else value

    written: dict[str, Any] = rename(dict(definition))
    return written


def tasks(definition: Mapping[str, Any]) -> Iterator[Node]:
    return (state for state in Tree(definition) if state.type == "Task")


def is_dynamic(state: Node) -> bool:
    """Whether the Task calls a function that is chosen at run time."""
    resource = parse_resource(str(state.fields.get("Resource", "")))
    arguments = state.fields.get("Arguments" if state.language == "JSONata" else "Parameters")
    if (resource.service, resource.action) != ("lambda", "invoke") or not isinstance(arguments, dict):
        return False
    name = arguments.get("FunctionName")
    return "FunctionName.$" in arguments or (isinstance(name, str) and name.startswith("{%"))


def dynamic_paths(machine: Machine) -> frozenset[AslPath]:
    """The Tasks that choose one of the stack's functions at run time."""
    return frozenset(state.path for state in tasks(machine.definition) if machine.dynamic and is_dynamic(state))


def alias_of(machine: Machine, functions: Iterable[LambdaFunction]) -> str:
    """The alias by which the definition names versions of functions that are chosen at run time.

    It stands for just these versions, and is never moved once it exists.
    """
    return ALIAS_PREFIX + digest({each.name: each.identity for each in functions if each.name in machine.dynamic})[:12]


def pinned(
    definition: Mapping[str, Any],
    versions: Mapping[str, str | Ref],
    dynamic: frozenset[AslPath],
    alias: str,
    place: Place,
    machines: Mapping[str, str | Ref] = MappingProxyType({}),
) -> tuple[dict[str, Any], tuple[Ref, ...]]:
    """The definition with the functions' versions; those that are not known yet are marks for the references returned.

    `versions` are by deployed name, `dynamic` the paths of Tasks whose function is chosen at run time. `machines` has
    the ARNs of versions of state machines by the ARN of the state machine, for Tasks that start one.
    """
    refs: list[Ref] = []
    arns = {place.arn("lambda", f"function:{name}"): name for name in versions}

    def known(version: str | Ref) -> str:
        if isinstance(version, Ref):
            refs.append(version)
            return mark(len(refs) - 1)
        return version

    def qualified(function: str) -> str:
        return f"{function}:{known(versions[arns.get(function, function)])}"

    written = copy.deepcopy(dict(definition))
    for state in tasks(written):
        fields = state.fields
        if fields.get("Resource") in arns:
            fields["Resource"] = qualified(fields["Resource"])
        key = "Arguments" if state.language == "JSONata" else "Parameters"
        arguments = fields.get(key)
        if not isinstance(arguments, dict):
            continue
        started = started_machine(state)
        if started is not None and started in machines:
            fields[key] = {**arguments, "StateMachineArn": known(machines[started])}
        elif {"Qualifier", "Qualifier.$"} & arguments.keys():
            continue
        elif state.path in dynamic and is_dynamic(state):
            fields[key] = {**arguments, "Qualifier": alias}
        elif arguments.get("FunctionName") in (arns.keys() | versions.keys()):
            fields[key] = {**arguments, "FunctionName": qualified(arguments["FunctionName"])}
    return written, tuple(refs)


def started_machine(state: Node) -> str | None:
    """The ARN of the state machine that a Task starts, as the definition names it; None if it is not known."""
    resource = parse_resource(str(state.fields.get("Resource", "")))
    arguments = state.fields.get("Arguments" if state.language == "JSONata" else "Parameters")
    if resource.action not in ("startExecution", "startSyncExecution") or not isinstance(arguments, dict):
        return None
    arn = arguments.get("StateMachineArn")
    return arn if isinstance(arn, str) else None


def called_first(machines: Iterable[Machine], place: Place) -> list[Machine]:
    """The state machines, those that others start before these, so that their versions are known.

    One that starts itself, also through others, starts whatever its definition names then.
    """
    machines = [*machines]
    by_arn = {place.arn("states", f"stateMachine:{each.name}"): each for each in machines}
    order: dict[str, Machine] = {}

    def visit(machine: Machine, above: frozenset[str]) -> None:
        for state in tasks(machine.definition):
            child = by_arn.get(started_machine(state) or "")
            if child and child.name not in above:
                visit(child, above | {child.name})
        order.setdefault(machine.name, machine)

    for machine in machines:
        visit(machine, frozenset({machine.name}))
    return [*order.values()]


def definition_text(definition: Mapping[str, Any], refs: tuple[Ref, ...]) -> str | Text:
    """The canonical text, with references where versions are not known yet."""
    text = canonical_text(definition)
    if not refs:
        return text
    pieces = text.split(_MARK)
    return Text(tuple(refs[int(piece)] if index % 2 else piece for index, piece in enumerate(pieces)))


_QUALIFIED = re.compile(r"function:([A-Za-z0-9_-]+):([A-Za-z0-9_$-]+)")


def functions_in(definition: Mapping[str, Any]) -> set[tuple[str, str]]:
    """The functions that a definition names, with version or alias ("" for none); ("", alias) for a Qualifier alone."""
    names: set[tuple[str, str]] = set()
    todo: list[Any] = [definition]
    while todo:
        value = todo.pop()
        if isinstance(value, dict):
            qualifier = value.get("Qualifier")
            if isinstance(qualifier, str):
                names.add(("", qualifier))
            todo += value.values()
        elif isinstance(value, list):
            todo += value
        elif isinstance(value, str):
            names |= {(match[1], match[2]) for match in _QUALIFIED.finditer(value)}
            names |= {(match[1], "") for match in re.finditer(r":function:([A-Za-z0-9_-]+)$", value)}
    return names


_MACHINE = re.compile(r":stateMachine:([^:]+)(?::(\d+))?$")


def _started(definition: Mapping[str, Any]) -> Iterator[re.Match[str]]:
    for state in tasks(definition):
        if match := _MACHINE.search(started_machine(state) or ""):
            yield match


def machines_in(definition: Mapping[str, Any]) -> set[str]:
    """The names of the state machines that a definition starts."""
    return {match[1] for match in _started(definition)}


def versions_in(definition: Mapping[str, Any]) -> set[tuple[str, int]]:
    """The versions of state machines that a definition starts: their names and numbers."""
    return {(match[1], int(match[2])) for match in _started(definition) if match[2]}
