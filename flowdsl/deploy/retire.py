"""Plans that go back or remove: rollback, prune, destroy. Pure.

Prune never takes what something still needs: an alias, an open execution, one that can still be redriven, or a version
that is kept for a rollback. Destroy removes only what carries the stack's tags.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from attrs import frozen

from ..base.words import counted
from .aliases import move_description, read_canary, read_description, routes_text, routing
from .earlier import EXPRESS_RUNS, differing, is_older_in_use, still_needed
from .kinds import Store, delete_store
from .model import (
    ALIAS_PREFIX,
    EARLIER,
    FOR,
    POLICY,
    AwsCall,
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
from .pinning import functions_in, is_dynamic, machines_in, tasks, versions_in
from .plan import describe_current
from .roles import delete_managed, delete_policy, put_policy, remove_managed, remove_role
from .statements import Statement, merge, within, without


def _plan(
    stack: Stack, live: Live, calls: Iterable[AwsCall], notes: Iterable[str] = (), problems: Iterable[Problem] = ()
) -> Plan:
    executions = tuple(each for machine in live.machines.values() for each in machine.open)
    return Plan(stack, tuple(calls), tuple(notes), tuple(problems), tuple(describe_current(live)), executions)


# Rollback


def plan_rollback(stack: Stack, live: Live, alias: str, *, to: int | None = None) -> Plan:
    """Move the alias of each state machine back, and change nothing else.

    To version `to`, else away from the canary that goes on, else to the version before the last deploy, else to the
    one below.
    """
    calls: list[AwsCall] = []
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
                AwsCall(
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
    stack = wanted.stack
    wanted_machines = {each.name for each in wanted.machines}
    kept = _kept_versions(live, keep, now)
    started = {
        name
        for machine in live.machines.values()
        for definition in _definitions(machine, kept)
        if definition is not None
        for name in machines_in(definition)
    }
    gone_machines = [
        each
        for each in live.machines.values()
        if stack.owns(each.tags) and each.name not in wanted_machines | started and _is_idle(each, now)
    ]
    gone = {each.name for each in gone_machines}
    staying = [each for each in live.machines.values() if each.name not in gone]
    read = {machine.name: _definitions(machine, kept) for machine in staying}
    used = {name: [each for each in definitions if each is not None] for name, definitions in read.items()}
    calls = [_delete_machine(each, stack, "no longer part of the flow") for each in gone_machines]
    calls += [
        _remove(
            "states",
            "DeleteStateMachineVersion",
            f"version {each.number} of state machine {machine.name}",
            stateMachineVersionArn=each.arn,
        )
        for machine in staying
        for each in machine.versions
        if stack.owns(machine.tags) and each.arn not in kept
    ]
    if any(None in definitions for definitions in read.values()):
        note = "the definition of a version in use could not be read, so functions and permissions stay"
        return _plan(stack, live, calls, [note])
    needed = {pair for definitions in used.values() for each in definitions for pair in functions_in(each)}
    names = {each.name for each in wanted.functions}
    for function in live.functions.values():
        if stack.owns(function.tags):
            calls += _prune_function(function, needed, function.name in names)
    deleted = {f"stateMachine/{name}" for name in gone}
    deleted |= {
        f"function/{call.arguments['FunctionName']}"
        for call in calls
        if call.operation == "DeleteFunction" and "Qualifier" not in call.arguments
    }
    calls += _prune_roles(wanted, live, used, needed, deleted, kept=kept, now=now)
    notes = [] if calls else ["everything is still needed"]
    return _plan(stack, live, calls, notes)


def _definitions(machine: LiveMachine, kept: set[str]) -> list[Mapping[str, Any] | None]:
    """Its definitions that may still run; None for one that could not be read."""
    kept_ones = [each.definition for each in machine.versions if each.arn in kept]
    return [machine.definition, *kept_ones, *(each.definition for each in machine.executions)]


def is_version_removal(call: AwsCall) -> bool:
    """True for the calls of a prune after which nobody can start the removed versions any more."""
    return call.operation in ("DeleteStateMachine", "DeleteStateMachineVersion")


def _remove(service: str, operation: str, resource: str, reason: str = "", **arguments: Any) -> AwsCall:
    return AwsCall(service, operation, arguments, resource, reason or "nothing needs it any more")


def _delete_machine(machine: LiveMachine, stack: Stack, reason: str) -> AwsCall:
    arn = stack.place.arn("states", f"stateMachine:{machine.name}")
    return _remove("states", "DeleteStateMachine", f"state machine {machine.name}", reason, stateMachineArn=arn)


def _is_idle(machine: LiveMachine, now: datetime) -> bool:
    """True if no execution runs or can be redriven."""
    return not machine.executions and not _may_run_express(machine, now)


def _may_run_express(machine: LiveMachine, now: datetime) -> bool:
    """Express executions cannot be listed; True if one that began before an alias moved may still run."""
    return machine.type == "EXPRESS" and any(
        alias.updated is None or now - alias.updated < EXPRESS_RUNS for alias in machine.aliases.values()
    )


def _kept_versions(live: Live, keep: int, now: datetime) -> set[str]:
    """The ARNs of the versions that stay, of all state machines, with those that they start themselves."""
    by_name = {(m.name, each.number): each for m in live.machines.values() for each in m.versions}
    kept: set[str] = set()
    todo: list[Mapping[str, Any]] = []
    for machine in live.machines.values():
        todo += [machine.definition, *(each.definition for each in machine.executions)]
        kept |= {each.version for each in machine.executions if each.version}
        kept |= {arn for alias in machine.aliases.values() for arn in alias.routes}
        kept |= {
            each.arn for each in (machine.versions if _may_run_express(machine, now) else machine.versions[-keep:])
        }
    todo += [each.definition for each in by_name.values() if each.arn in kept and each.definition is not None]
    while todo:
        for pair in versions_in(todo.pop()):
            version = by_name.get(pair)
            if version and version.arn not in kept:
                kept.add(version.arn)
                todo += [version.definition] if version.definition is not None else []
    return kept


def _prune_function(function: LiveFunction, needed: set[tuple[str, str]], is_wanted: bool) -> Iterator[AwsCall]:
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


Used = Mapping[str, list[Mapping[str, Any]]]
"""The definitions that may still run, by state machine."""
Needs = Callable[[Iterable[Statement]], tuple[Statement, ...]]
"""What of the permissions kept for earlier versions is still needed."""


def _prune_roles(
    wanted: Wanted,
    live: Live,
    used: Used,
    needed: set[tuple[str, str]],
    deleted: set[str],
    *,
    kept: set[str],
    now: datetime,
) -> Iterator[AwsCall]:
    """Shrink what is kept for earlier versions to what the definitions in use still need; delete roles of the gone."""
    for machine in wanted.machines:
        if role := live.roles.get(machine.role):
            is_older = is_older_in_use(role, live, kept, now)
            needs = _needs_of_machine(machine.name, wanted, live, used.get(machine.name, [{}]), is_older=is_older)
            yield from _prune_role(role, wanted, needs)
    for function in wanted.functions:
        role, deployed = live.roles.get(function.role), live.functions.get(function.name)
        if role and deployed:
            newest = deployed.versions[-1].number if deployed.versions else ""
            versions = {version for name, version in needed if name == function.name and version}
            versions |= {deployed.aliases[alias] for name, alias in needed if not name and alias in deployed.aliases}
            only_newest = versions <= {newest, *(a for a, v in deployed.aliases.items() if v == newest)}
            needs_nothing = only_newest and not is_older_in_use(role, live, kept, now)
            yield from _prune_role(role, wanted, (lambda _: ()) if needs_nothing else merge)
    for each in wanted.roles:
        # A schedule has no versions.
        if each.owner.startswith("schedules/") and (role := live.roles.get(each.name)):
            yield from _prune_role(role, wanted, lambda _: ())
    roles = {each.name for each in wanted.roles}
    present = {f"function/{name}" for name in live.functions} | {f"stateMachine/{name}" for name in live.machines}
    for role in live.roles.values():
        owner = role.tags.get(FOR, "")
        is_gone = owner in deleted or (owner and owner not in present)
        if role.name not in roles and is_gone and wanted.stack.owns(role.tags) and not role.foreign:
            yield from remove_role(role, f"{owner.replace('/', ' ')} is no longer part of the flow")


def _needs_of_machine(
    name: str, wanted: Wanted, live: Live, definitions: list[Mapping[str, Any]], *, is_older: bool
) -> Needs:
    place = wanted.stack.place
    derived = [
        statement
        for definition in differing(definitions, definitions[0])
        for statement in derive(
            definition, name=name, place=place, callees=_callees(definition, live, wanted.stack)
        ).statements
    ]
    return lambda earlier: still_needed(earlier, derived, is_older=is_older)


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


def _prune_role(role: LiveRole, wanted: Wanted, needs: Needs) -> Iterator[AwsCall]:
    """What is wanted now always stays, wherever the role has it."""
    reason = "permissions that nothing needs any more"
    present = next((each.statements for each in wanted.roles if each.name == role.name), ())
    earlier = role.policies.get(EARLIER, ())
    left = needs(earlier) if earlier else ()
    if not left and earlier:
        yield delete_policy(role.name, EARLIER, f"role {role.name}", reason)
    elif left != merge(earlier):
        yield put_policy(role.name, EARLIER, left, f"role {role.name}", reason)
    staying = {**role.managed}
    for arn, statements in role.managed.items():
        others = [*role.policies.get(POLICY, ()), *left, *(s for a in staying if a != arn for s in staying[a])]
        still = [*within(statements, present), *needs(without(statements, present))]
        if not without(still, others):
            del staying[arn]
            yield from remove_managed(role, arn, reason)


# Destroy


@frozen
class DestroyRequest:
    stop_executions: bool = False


def plan_destroy(stack: Stack, live: Live, request: DestroyRequest, stores: Iterable[Store] = ()) -> Plan:
    """Remove a stack: schedules and alarms, state machines until they are really gone, functions, log groups, roles.

    Roles go last, since an execution without them fails. Whatever lacks the stack's tags stays, with its role.
    """
    # Schedules and alarms first: nothing is to be invoked, or to ring, while the rest goes.
    watching, stores = dict(live.watching), [*stores]
    for store in stores:
        if not store.kind.has_data and (present := live.stores.get(store.label)) and stack.owns(present.tags):
            watching[store.label] = (store, present)
    calls = [delete_store(store, present) for store, present in watching.values()]
    notes: list[str] = []
    problems: list[Problem] = []
    tags = {f"function/{name}": each.tags for name, each in live.functions.items()}
    tags |= {f"stateMachine/{name}": each.tags for name, each in live.machines.items()}
    strangers = [owner for owner, each in tags.items() if not stack.owns(each)]
    for owner in strangers:
        kind, _, name = owner.partition("/")
        what = "state machine" if kind == "stateMachine" else kind
        notes.append(f"{what} {name} lacks the tags of this stack, so it stays with its role")
    for machine in live.machines.values():
        if not stack.owns(machine.tags):
            continue
        if machine.open and not request.stop_executions:
            names = ", ".join(each.name for each in machine.open[:5])
            more = f" and {len(machine.open) - 5} more" if len(machine.open) > 5 else ""
            message = f"state machine {machine.name} has {counted(len(machine.open), 'open execution')}: {names}{more}"
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
        calls.append(_delete_machine(machine, stack, "with its versions and aliases"))
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
        if not stack.owns(role.tags) or role.tags.get(FOR) in strangers:
            continue
        if role.foreign:
            message = f"role {role.name} has policies that flowdsl did not put there: {', '.join(role.foreign)}"
            problems.append(Problem(message, "detach or delete them, then run flowdsl destroy again"))
            continue
        calls += remove_role(role, "nothing needs it any more")
    attached = {arn for role in live.roles.values() for arn in role.managed}
    calls += [delete_managed(arn, "attached to nothing") for arn in live.managed if arn not in attached]
    for store in stores:
        present = live.stores.get(store.label)
        if store.kind.has_data and present and stack.owns(present.tags):
            if stack.instance:
                calls.append(delete_store(store, present))
            else:
                notes.append(f"{store.label} stays with its data: delete it yourself if nobody needs it")
    if not calls and not problems:
        notes.append("nothing else is left" if notes else "nothing is left")
    return _plan(stack, live, calls, notes, problems)
