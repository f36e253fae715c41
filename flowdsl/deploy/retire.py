"""Plans that go back or remove: rollback, prune, destroy. Pure.

Prune never takes what something still needs: an alias, an open execution, one that can still be redriven, or a version
that is kept for a rollback. Destroy removes only what carries the stack's tags.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from attrs import frozen

from .aliases import move_description, read_canary, read_description, routes_text, routing
from .model import (
    ALIAS_PREFIX,
    EARLIER,
    Call,
    Live,
    LiveFunction,
    LiveMachine,
    LiveRole,
    Plan,
    Problem,
    Stack,
    Wanted,
)
from .permissions import derive
from .pinning import functions_in, is_dynamic, tasks
from .plan import describe_current
from .statements import Statement, actions, merge, policy, within, without
from .stores import Store, delete_store

EXPRESS_RUNS: Final = timedelta(minutes=5)
"""How long an Express execution can run at most. They cannot be listed."""


def _plan(
    stack: Stack, live: Live, calls: Iterable[Call], notes: Iterable[str] = (), problems: Iterable[Problem] = ()
) -> Plan:
    executions = tuple(each for machine in live.machines.values() for each in machine.open)
    return Plan(stack, tuple(calls), tuple(notes), tuple(problems), tuple(describe_current(live)), executions)


# Rollback


def plan_rollback(stack: Stack, live: Live, alias: str, *, to: int | None = None) -> Plan:
    """Move the alias of each state machine back, and change nothing else.

    To version `to`, else away from the canary that goes on, else to the version before the last deploy, else to the
    one below.
    """
    calls: list[Call] = []
    notes: list[str] = []
    problems: list[Problem] = []
    for machine in live.machines.values():
        current = machine.aliases.get(alias)
        if current is None or not stack.owns(machine.tags):
            problems.append(Problem(f"state machine {machine.name} has no alias {alias} to roll back"))
            continue
        now = max(current.routes, key=lambda arn: int(arn.rpartition(":")[2]))
        canary = read_canary(current)
        target = _target(machine, to, read_description(current).get("previous"), now)
        if canary and to is None:
            now, target = canary.new, canary.old
        if target is None:
            versions = ", ".join(str(each.number) for each in machine.versions) or "none"
            wanted = f"version {to}" if to is not None else f"version below {now.rpartition(':')[2]}"
            hint = f"choose one of its versions with --to: {versions}"
            problems.append(Problem(f"state machine {machine.name} has no {wanted}", hint))
        elif current.routes == {target: 100}:
            notes.append(f"{machine.name}:{alias} is at version {target.rpartition(':')[2]} already")
        else:
            number = target.rpartition(":")[2]
            calls.append(
                Call(
                    "states",
                    "UpdateStateMachineAlias",
                    {
                        "stateMachineAliasArn": current.arn,
                        "description": move_description(rolled_back=now),
                        "routingConfiguration": routing({target: 100}),
                    },
                    f"alias {alias} of state machine {machine.name}",
                    f"back to version {number}, from {routes_text(current)}",
                )
            )
    if not live.machines:
        problems.append(Problem(f"nothing is deployed of {stack.label}", "run flowdsl deploy first"))
    return _plan(stack, live, calls, notes, problems)


def _target(machine: LiveMachine, to: int | None, previous: Any, now: str) -> str | None:
    by_number = {each.number: each.arn for each in machine.versions}
    if to is not None:
        return by_number.get(to)
    if isinstance(previous, int) and previous in by_number:
        return by_number[previous]
    below = [number for number in by_number if number < int(now.rpartition(":")[2])]
    return by_number[max(below)] if below else None


# Prune


def plan_prune(wanted: Wanted, live: Live, *, keep: int, now: datetime) -> Plan:
    """Remove what nothing needs any more: versions, aliases of functions, permissions, and what left the flow.

    `keep` is how many of a state machine's newest versions are left for a rollback.
    """
    calls: list[Call] = []
    notes: list[str] = []
    complete = True
    used: list[Mapping[str, Any]] = [machine.definition for machine in live.machines.values()]
    for machine in live.machines.values():
        if not wanted.stack.owns(machine.tags):
            continue
        kept = _kept_versions(machine, keep, now)
        running = {each.version for each in machine.executions}
        gone = [each for each in machine.versions if each.arn not in kept | running]
        definitions = [each.definition for each in machine.versions if each.arn in kept]
        complete = complete and None not in definitions
        used += [each for each in definitions if each is not None]
        used += [each.definition for each in machine.executions]
        calls += [
            _remove(
                "states",
                "DeleteStateMachineVersion",
                f"version {each.number} of state machine {machine.name}",
                stateMachineVersionArn=each.arn,
            )
            for each in gone
        ]
    if not complete:
        notes.append("the definition of a version in use could not be read, so functions and permissions stay")
        return _plan(wanted.stack, live, calls, notes)
    needed = {pair for definition in used for pair in functions_in(definition)}
    names = {each.name for each in wanted.functions}
    for function in live.functions.values():
        if wanted.stack.owns(function.tags):
            calls += _prune_function(function, needed, function.name in names)
    calls += _prune_roles(wanted, live, used, needed)
    if not calls:
        notes.append("everything is still needed")
    return _plan(wanted.stack, live, calls, notes)


def _remove(service: str, operation: str, resource: str, reason: str = "", **arguments: Any) -> Call:
    return Call(service, operation, arguments, resource, reason or "nothing needs it any more")


def _kept_versions(machine: LiveMachine, keep: int, now: datetime) -> set[str]:
    kept = {each.arn for each in machine.versions[-keep:]}
    for alias in machine.aliases.values():
        kept |= {*alias.routes}
        if machine.type == "EXPRESS" and (alias.updated is None or now - alias.updated < EXPRESS_RUNS):
            kept |= {each.arn for each in machine.versions}
    return kept


def _prune_function(function: LiveFunction, needed: set[tuple[str, str]], is_wanted: bool) -> Iterator[Call]:
    aliases = {alias for name, alias in needed if name in ("", function.name)}
    stale = [alias for alias in function.aliases if alias.startswith(ALIAS_PREFIX) and alias not in aliases]
    held = {version for alias, version in function.aliases.items() if alias not in stale}
    versions = {version for name, version in needed if name == function.name} | held
    if not is_wanted and not versions and (function.name, "") not in needed:
        yield _remove(
            "lambda",
            "DeleteFunction",
            f"function {function.name}",
            "no longer part of the flow",
            FunctionName=function.name,
        )
        return
    for alias in stale:
        resource = f"alias {alias} of function {function.name}"
        yield _remove("lambda", "DeleteAlias", resource, FunctionName=function.name, Name=alias)
    for version in function.versions[:-1]:
        if version.number not in versions:
            resource = f"version {version.number} of function {function.name}"
            yield _remove("lambda", "DeleteFunction", resource, FunctionName=function.name, Qualifier=version.number)


def _prune_roles(
    wanted: Wanted, live: Live, used: list[Mapping[str, Any]], needed: set[tuple[str, str]]
) -> Iterator[Call]:
    """Shrink what is kept for earlier versions to what the definitions in use still need."""
    for machine in wanted.machines:
        role = live.roles.get(machine.role)
        if role and EARLIER in role.policies:
            statements = [
                statement
                for definition in used
                for statement in derive(
                    definition,
                    name=machine.name,
                    place=wanted.stack.place,
                    callees=_callees(definition, live, wanted.stack),
                ).statements
            ]
            only_present = all(definition == used[0] for definition in used)
            yield from _shrink(role, () if only_present else _still_needed(role.policies[EARLIER], statements))
    for function in wanted.functions:
        role, deployed = live.roles.get(function.role), live.functions.get(function.name)
        if role and deployed and EARLIER in role.policies:
            newest = deployed.versions[-1].number if deployed.versions else ""
            versions = {version for name, version in needed if name == function.name and version}
            versions |= {deployed.aliases[alias] for name, alias in needed if not name and alias in deployed.aliases}
            if versions <= {newest, *(a for a, v in deployed.aliases.items() if v == newest)}:
                yield from _shrink(role, ())


def _still_needed(earlier: Iterable[Statement], derived: Iterable[Statement]) -> tuple[Statement, ...]:
    """Of the permissions kept for earlier versions, what their definitions need, and what cannot be told from them.

    Actions that no definition explains may have been stated in the settings: they stay until only the present
    definition is in use.
    """
    earlier, derived = [*earlier], [*derived]
    names = actions(derived)
    unexplained = [each for each in without(earlier, derived) if not names & {*each.actions}]
    return merge([*within(earlier, derived), *unexplained])


def _callees(definition: Mapping[str, Any], live: Live, stack: Stack) -> dict[Any, list[str]]:
    """The functions of dynamic Tasks: those that have the alias which the Task names."""
    callees = {}
    for state in tasks(definition):
        if is_dynamic(state):
            key = "Arguments" if state.language == "JSONata" else "Parameters"
            alias = state.fields[key].get("Qualifier")
            callees[state.path] = [
                stack.place.arn("lambda", f"function:{each.name}")
                for each in live.functions.values()
                if alias in each.aliases
            ]
    return callees


def _shrink(role: LiveRole, left: Iterable[Statement]) -> Iterator[Call]:
    left = merge(left)
    if left == merge(role.policies[EARLIER]):
        return
    reason = "permissions that nothing needs any more"
    if not left:
        yield _remove("iam", "DeleteRolePolicy", f"role {role.name}", reason, RoleName=role.name, PolicyName=EARLIER)
        return
    document = json.dumps(policy(left), sort_keys=True)
    yield _remove(
        "iam",
        "PutRolePolicy",
        f"role {role.name}",
        reason,
        RoleName=role.name,
        PolicyName=EARLIER,
        PolicyDocument=document,
    )


# Destroy


@frozen
class DestroyRequest:
    stop_executions: bool = False


def plan_destroy(stack: Stack, live: Live, request: DestroyRequest, stores: Iterable[Store] = ()) -> Plan:
    """Remove a stack: state machines until they are really gone, then functions, log groups and roles.

    Roles go last, since an execution without them fails. Whatever lacks the stack's tags stays.
    """
    calls: list[Call] = []
    notes: list[str] = []
    problems: list[Problem] = []
    for machine in live.machines.values():
        if not stack.owns(machine.tags):
            notes.append(f"state machine {machine.name} was not created by this stack, so it stays")
            continue
        if machine.open and not request.stop_executions:
            names = ", ".join(each.name for each in machine.open[:5])
            more = f" and {len(machine.open) - 5} more" if len(machine.open) > 5 else ""
            message = f"{len(machine.open)} executions of {machine.name} are open: {names}{more}"
            hint = "wait for their end, or stop them with --stop-executions; a payment may be left half done"
            problems.append(Problem(message, hint))
        calls += [
            _remove(
                "states",
                "StopExecution",
                f"execution {execution.name}",
                "stopped for flowdsl destroy",
                executionArn=execution.arn,
                error="Destroyed",
                cause="flowdsl destroy",
            )
            for execution in machine.open
        ]
        if machine.type == "EXPRESS":
            notes.append(f"{machine.name}: Express executions cannot be listed; they may log for another minute")
        arn = stack.place.arn("states", f"stateMachine:{machine.name}")
        resource = f"state machine {machine.name}"
        calls.append(
            _remove("states", "DeleteStateMachine", resource, "with its versions and aliases", stateMachineArn=arn)
        )
    calls += [
        _remove("lambda", "DeleteFunction", f"function {each.name}", "with its versions", FunctionName=each.name)
        for each in live.functions.values()
        if stack.owns(each.tags)
    ]
    calls += [
        _remove("logs", "DeleteLogGroup", f"log group {each.name}", logGroupName=each.name)
        for each in live.log_groups.values()
        if stack.owns(each.tags)
    ]
    for role in live.roles.values():
        if not stack.owns(role.tags):
            continue
        if role.foreign:
            message = f"role {role.name} has policies that flowdsl did not put there: {', '.join(role.foreign)}"
            problems.append(Problem(message, "detach or delete them, then run flowdsl destroy again"))
            continue
        calls += [
            _remove(
                "iam", "DeleteRolePolicy", f"role {role.name}", f"policy {name}", RoleName=role.name, PolicyName=name
            )
            for name in role.policies
        ]
        calls.append(_remove("iam", "DeleteRole", f"role {role.name}", RoleName=role.name))
    for store in stores:
        present = live.stores.get(store.label)
        if present and stack.owns(present.tags):
            if stack.instance:
                calls.append(delete_store(store, present))
            else:
                notes.append(f"{store.label} stays with its data: delete it yourself if nobody needs it")
    if not calls and not problems:
        notes.append("nothing is left")
    return _plan(stack, live, calls, notes, problems)
