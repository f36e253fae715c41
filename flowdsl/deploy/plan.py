"""The planner: from what is wanted and what is live to the calls between them, in order. Pure.

What executions in flight use is never changed or removed: functions get new versions, roles only gain permissions, and
the state machine's alias moves last. What nothing needs any more goes with `flowdsl prune`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from attrs import define, field, frozen

from . import pinning
from .aliases import move_description, read_canary, read_description, routes_text, routing
from .kinds import Store, delete_store, plan_store
from .model import (
    AwsCall,
    Canary,
    Content,
    LambdaFunction,
    Live,
    LiveFunction,
    LiveMachine,
    LogGroup,
    Machine,
    Plan,
    Problem,
    Ref,
    Role,
    Wanted,
    differences,
    equal_settings,
)
from .order import make_in_order
from .roles import plan_role
from .tags import pairs, tag_calls

MOST_VERSIONS: Final = 1000
"""Versions of a state machine. Source: Step Functions Developer Guide, "Quotas related to versions and aliases"."""
NEAR: Final = 900


@frozen
class CanaryRequest:
    percent: int
    duration: timedelta


def make_plan(wanted: Wanted, live: Live, *, now: datetime, canary: CanaryRequest | None = None) -> Plan:
    """All calls that bring an environment to what is wanted, and what is to be said about them."""
    planner = _Planner(wanted, live, now, canary)
    make_in_order(wanted, planner)
    planner.leftovers()
    executions = tuple(each for machine in live.machines.values() for each in machine.open)
    return Plan(
        wanted.stack,
        tuple(planner.calls),
        (*wanted.notes, *planner.notes, *missing_versions(wanted, live)),
        tuple(planner.problems),
        tuple(describe_current(live)),
        executions,
        planner.canaries,
    )


def missing_versions(wanted: Wanted, live: Live) -> Iterator[str]:
    """The versions of functions that open executions call, and that somebody deleted: nothing brings them back."""
    own = live.functions.keys() | {each.name for each in wanted.functions}
    for execution in (each for machine in live.machines.values() for each in machine.open):
        for name, version in sorted(pinning.functions_in(execution.definition)):
            function = live.functions.get(name)
            there = {*function.aliases, *(each.number for each in function.versions)} if function else set()
            if name in own and version not in there | {"", "$LATEST"}:
                yield f"execution {execution.name} calls {name}:{version}, which is not there any more"


def describe_current(live: Live) -> Iterator[str]:
    """What runs now, a line for each alias."""
    for machine in live.machines.values():
        if not machine.aliases:
            yield f"{machine.name}: no alias, {len(machine.versions)} versions"
        for name, alias in machine.aliases.items():
            routes = ", ".join(
                f"version {arn.rpartition(':')[2]}" + (f" ({weight} %)" if len(alias.routes) > 1 else "")
                for arn, weight in alias.routes.items()
            )
            yield f"{machine.name}:{name} → {routes}"


@define
class _Planner:
    wanted: Wanted
    live: Live
    now: datetime
    canary: CanaryRequest | None
    calls: list[AwsCall] = field(factory=list)
    notes: list[str] = field(factory=list)
    problems: list[Problem] = field(factory=list)
    canaries: dict[str, Canary] = field(factory=dict)
    versions: dict[str, str | Ref] = field(factory=dict)
    """Of functions, by name."""
    started: dict[str, str | Ref] = field(factory=dict)
    """The ARNs of the versions of state machines, by the ARN of the state machine."""
    aliased: set[tuple[str, str]] = field(factory=set)
    """Aliases that are planned for Tasks that choose a function at run time, each with the function's name."""

    def machine_arn(self, name: str) -> str:
        return self.wanted.stack.place.arn("states", f"stateMachine:{name}")

    def call(self, service: str, operation: str, resource: str, reason: str, id: str = "", **arguments: Any) -> None:
        self.calls.append(AwsCall(service, operation, arguments, resource, reason, id))

    def taken(self, what: str, tags: Mapping[str, str]) -> bool:
        """Whether the name belongs to somebody else; then that is a problem."""
        if self.wanted.stack.owns(tags):
            return False
        owner = tags.get("flowdsl:stack")
        whose = f"belongs to {owner} / {tags.get('flowdsl:environment')}" if owner else "was not created by flowdsl"
        hint = "rename yours, or set `prefix` in the environment's settings; flowdsl changes only what it tagged"
        if not owner:
            marks = ", ".join(f"{key}={value}" for key, value in self.wanted.stack.marks.items())
            hint += f"; if it is yours and somebody removed its tags, give it these: {marks}"
        self.problems.append(Problem(f"the name is taken: {what} exists and {whose}", hint))
        return True

    def steps(self, steps: Iterable[AwsCall | Problem]) -> None:
        for each in steps:
            if isinstance(each, AwsCall):
                self.calls.append(each)
            else:
                self.problems.append(each)

    def tag(self, kind: str, arn: str, resource: str, live: Mapping[str, str]) -> None:
        self.calls += tag_calls(kind, arn, resource, live, self.wanted.all_tags)

    def store(self, store: Store) -> None:
        live = self.live.stores.get(store.label)
        if not (live and self.taken(store.label, live.tags)):
            self.steps(plan_store(store, live, self.wanted.stack, self.wanted.all_tags))

    # Log groups

    def log_group(self, group: LogGroup) -> None:
        live, resource = self.live.log_groups.get(group.name), f"log group {group.name}"
        key = {"kmsKeyId": group.key} if group.key else {}
        if live is None:
            tags = self.wanted.all_tags
            self.call("logs", "CreateLogGroup", resource, "new", logGroupName=group.name, tags=tags, **key)
        elif not self.wanted.stack.owns(live.tags):
            self.notes.append(f"{resource} was not created by flowdsl, so its settings are left as they are")
            return
        else:
            arn = self.wanted.stack.place.arn("logs", f"log-group:{group.name}")
            self.tag("logs", arn, resource, live.tags)
            if live.key != group.key:
                operation = "AssociateKmsKey" if group.key else "DisassociateKmsKey"
                self.call("logs", operation, resource, "encryption", logGroupName=group.name, **key)
        if live is None or live.retention != group.retention:
            reason = f"keep {group.retention} days" + (f" instead of {live.retention or 'all'}" if live else "")
            self.call(
                "logs",
                "PutRetentionPolicy",
                resource,
                reason,
                logGroupName=group.name,
                retentionInDays=group.retention,
            )

    # Roles

    def role(self, role: Role) -> None:
        live = self.live.roles.get(role.name)
        if live and self.taken(f"role {role.name}", live.tags):
            return
        self.steps(plan_role(self.wanted.stack, role, live, self.wanted.all_tags, self.live.managed))

    # Functions

    def function(self, function: LambdaFunction) -> None:
        live, resource = self.live.functions.get(function.name), f"function {function.name}"
        if live and self.taken(resource, live.tags):
            return
        content = Content(function.zip, function.settings["CodeSha256"])
        settings = {key: value for key, value in function.settings.items() if key != "CodeSha256"}
        latest = f"{function.name}.latest"
        revision: str | Ref = live.revision if live else Ref(latest, "RevisionId")
        if live is None:
            self.call(
                "lambda",
                "CreateFunction",
                resource,
                "new",
                latest,
                FunctionName=function.name,
                Code={"ZipFile": content},
                PackageType="Zip",
                Tags=self.wanted.all_tags,
                **settings,
            )
        else:
            revision = self.update_function(function, live, content, settings, resource, latest, revision)
        known = live.version_of(function.settings) if live else None
        if known is None:
            self.call(
                "lambda",
                "PublishVersion",
                resource,
                "a version for the state machine to name",
                f"{function.name}.version",
                FunctionName=function.name,
                CodeSha256=function.settings["CodeSha256"],
                RevisionId=revision,
                Description=f"flowdsl {function.identity[:12]}",
            )
        self.versions[function.name] = known or Ref(f"{function.name}.version", "Version")
        # Only now, because AWS does not say which other changes of a function give it another RevisionId.
        if live:
            self.tag("lambda", self.function_arn(function.name), resource, live.tags)
        self.concurrency(function, live, resource)

    def update_function(
        self,
        function: LambdaFunction,
        live: LiveFunction,
        content: Content,
        settings: Mapping[str, Any],
        resource: str,
        latest: str,
        revision: str | Ref,
    ) -> str | Ref:
        code = {key: function.settings[key] for key in ("CodeSha256", "Architectures")}
        changed = [*differences(live.settings, code)]
        if changed:
            self.call(
                "lambda",
                "UpdateFunctionCode",
                resource,
                ", ".join(changed),
                latest,
                FunctionName=function.name,
                ZipFile=content,
                Architectures=settings["Architectures"],
                RevisionId=revision,
            )
            revision = Ref(latest, "RevisionId")
        rest = {key: value for key, value in settings.items() if key != "Architectures"}
        changed = [*differences(live.settings, rest)]
        if changed:
            self.call(
                "lambda",
                "UpdateFunctionConfiguration",
                resource,
                ", ".join(changed),
                latest,
                FunctionName=function.name,
                RevisionId=revision,
                **rest,
            )
            revision = Ref(latest, "RevisionId")
        return revision

    def concurrency(self, function: LambdaFunction, live: LiveFunction | None, resource: str) -> None:
        before = live.concurrency if live else None
        if function.concurrency == before:
            return
        if function.concurrency is None:
            self.call(
                "lambda",
                "DeleteFunctionConcurrency",
                resource,
                f"reserved concurrency {before} removed",
                FunctionName=function.name,
            )
        else:
            self.call(
                "lambda",
                "PutFunctionConcurrency",
                resource,
                f"reserved concurrency {function.concurrency}",
                FunctionName=function.name,
                ReservedConcurrentExecutions=function.concurrency,
            )

    def function_arn(self, name: str) -> str:
        return self.wanted.stack.place.arn("lambda", f"function:{name}")

    # State machines

    def machine(self, machine: Machine) -> None:
        live, resource = self.live.machines.get(machine.name), f"state machine {machine.name}"
        if live and live.status == "DELETING":
            self.notes.append(f"{resource} is being deleted; it is created again when that has ended")
            live = None
        if live and self.taken(resource, live.tags):
            return
        if live and live.type != machine.type:
            hint = "run flowdsl destroy first (its history is lost and its name has to be freed), or rename yours"
            message = f"{resource} is {live.type} and cannot become {machine.type}: it has to be replaced"
            self.problems.append(Problem(message, hint))
            return
        alias = self.pin_dynamic(machine)
        paths = pinning.dynamic_paths(machine)
        place = self.wanted.stack.place
        definition, refs = pinning.pinned(machine.definition, self.versions, paths, alias, place, self.started)
        target = self.version(machine, live, definition, refs, resource)
        self.started[self.machine_arn(machine.name)] = target
        self.alias(machine, live, target)

    def pin_dynamic(self, machine: Machine) -> str:
        """An alias for the functions that are chosen at run time, so that the definition can name their versions."""
        functions = [each for each in self.wanted.functions if each.name in machine.dynamic]
        alias = pinning.alias_of(machine, functions)
        for function in functions:
            live, version = self.live.functions.get(function.name), self.versions.get(function.name)
            before = live.aliases.get(alias) if live else None
            # Two state machines with the same functions share the alias.
            if version is None or before == version or (alias, function.name) in self.aliased:
                continue
            self.aliased.add((alias, function.name))
            operation, reason = ("CreateAlias", "names its version") if before is None else ("UpdateAlias", "was moved")
            self.call(
                "lambda",
                operation,
                f"alias {alias} of function {function.name}",
                f"{reason}, for a Task that chooses the function at run time",
                FunctionName=function.name,
                Name=alias,
                FunctionVersion=version,
            )
        return alias

    def version(
        self,
        machine: Machine,
        live: LiveMachine | None,
        definition: Mapping[str, Any],
        refs: tuple[Ref, ...],
        resource: str,
    ) -> str | Ref:
        """Plan the state machine and its version; the ARN of the version."""
        key = f"{machine.name}.machine"
        text = pinning.definition_text(definition, refs)
        description = f"flowdsl {self.wanted.stack.environment}"
        if live is None:
            self.call(
                "states",
                "CreateStateMachine",
                resource,
                "new, with its first version",
                key,
                name=machine.name,
                type=machine.type,
                definition=text,
                tags=pairs(self.wanted.all_tags, "key", "value"),
                publish=True,
                versionDescription=description,
                **machine.settings,
            )
            return Ref(key, "stateMachineVersionArn")
        arn = self.machine_arn(machine.name)
        wanted = {"definition": definition, **machine.settings}
        same = [
            each.arn
            for each in live.versions
            if not refs
            and each.definition is not None
            and equal_settings({"definition": each.definition, **each.settings}, wanted)
        ]
        existing = same[-1] if same else None
        changed = ["definition"] if refs or live.definition != definition else []
        changed += differences(live.settings, machine.settings)
        if existing is None and len(live.versions) >= MOST_VERSIONS:
            hint = "run flowdsl prune first"
            self.problems.append(Problem(f"{resource} has {len(live.versions)} versions, the most AWS takes", hint))
        elif len(live.versions) >= NEAR:
            self.notes.append(f"{resource} has {len(live.versions)} of {MOST_VERSIONS} versions: run flowdsl prune")
        if changed:
            publish = {} if existing else {"publish": True, "versionDescription": description}
            self.call(
                "states",
                "UpdateStateMachine",
                resource,
                ", ".join(changed) + ("" if existing else ", with a new version"),
                key,
                stateMachineArn=arn,
                definition=text,
                **machine.settings,
                **publish,
            )
        elif existing is None:
            self.call(
                "states",
                "PublishStateMachineVersion",
                resource,
                "has no version of what it is now",
                key,
                stateMachineArn=arn,
                revisionId=live.revision,
                description=description,
            )
        self.tag("states", arn, resource, live.tags)
        return existing or Ref(key, "stateMachineVersionArn")

    def alias(self, machine: Machine, live: LiveMachine | None, target: str | Ref) -> None:
        arn = self.wanted.stack.place.arn("states", f"stateMachine:{machine.name}:{machine.alias}")
        before = live.aliases.get(machine.alias) if live else None
        resource = f"alias {machine.alias} of state machine {machine.name}"
        if before is None:
            self.call(
                "states",
                "CreateStateMachineAlias",
                resource,
                "new",
                name=machine.alias,
                description=move_description(),
                routingConfiguration=routing({target: 100}),
            )
            return
        running = read_canary(before)
        if running and running.new != target:
            number = running.new.rpartition(":")[2]
            message = f"{resource}: a canary of version {number} goes on until {running.until}"
            self.problems.append(Problem(message, "end it with flowdsl rollback, or deploy again after that time"))
        elif running and self.now < datetime.fromisoformat(running.until):
            self.canaries[arn] = running
            number = running.new.rpartition(":")[2]
            self.notes.append(f"{resource}: version {number} gets {running.percent} % until {running.until}")
        elif before.routes != {target: 100}:
            if str(target).endswith(f":{read_description(before).get('rolled_back')}"):
                self.notes.append(f"{resource}: version {str(target).rpartition(':')[2]} was rolled back")
            old = max(before.routes, key=lambda each: before.routes[each]) if before.routes else None
            if running:
                self.move(arn, resource, "the canary has ended well", {target: 100}, running.old)
            elif self.canary and old and len(before.routes) == 1:
                self.start_canary(arn, resource, old, target, self.canary)
            else:
                goal = "the new one" if isinstance(target, Ref) else f"version {target.rpartition(':')[2]}"
                self.move(arn, resource, f"from {routes_text(before)} to {goal}", {target: 100}, old)

    def start_canary(self, arn: str, resource: str, old: str, target: str | Ref, request: CanaryRequest) -> None:
        until = (self.now + request.duration).isoformat(timespec="seconds")
        percent = request.percent
        reason = f"{percent} % until {until}, then all"
        self.move(arn, resource, reason, {target: percent, old: 100 - percent}, old, (percent, until))

    def move(
        self,
        arn: str,
        resource: str,
        reason: str,
        routes: Mapping[str | Ref, int],
        previous: str | None,
        canary: tuple[int, str] | None = None,
    ) -> None:
        self.call(
            "states",
            "UpdateStateMachineAlias",
            resource,
            reason,
            stateMachineAliasArn=arn,
            description=move_description(previous, canary),
            routingConfiguration=routing(routes),
        )

    # What is live and not wanted

    def leftovers(self) -> None:
        wanted = {each.label for each in self.wanted.stores}
        for store, live_store in self.live.watching.values():
            if store.label not in wanted:
                self.calls.append(delete_store(store, live_store, "no longer part of the flow"))
        names = {each.name for each in self.wanted.functions}
        machines = {each.name for each in self.wanted.machines}
        gone = [f"function {name}" for name in self.live.functions if name not in names]
        gone += [f"state machine {name}" for name in self.live.machines if name not in machines]
        if gone:
            self.notes.append(
                f"no longer part of the flow: {', '.join(gone)}; flowdsl prune removes what nothing needs any more"
            )
