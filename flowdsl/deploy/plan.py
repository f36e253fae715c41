"""The planner: from what is wanted and what is live to the calls between them, in order. Pure.

What executions in flight use is never changed or removed: functions get new versions, roles only gain permissions, and
the state machine's alias moves last. What nothing needs any more goes with `flowdsl prune`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from attrs import define, field, frozen

from . import pinning
from .aliases import move_description, read_canary, read_description, routes_text, routing
from .model import (
    EARLIER,
    KEYS,
    POLICY,
    Call,
    Canary,
    Content,
    Function,
    Live,
    LiveFunction,
    LiveMachine,
    LiveRole,
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
from .statements import INLINE_LIMIT, Statement, actions, merge, policy, size, without
from .stores import Store, plan_store
from .tags import pairs, tag_call, untag_call

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
    planner.run()
    executions = tuple(each for machine in live.machines.values() for each in machine.open)
    return Plan(
        wanted.stack,
        tuple(planner.calls),
        (*wanted.notes, *planner.notes),
        tuple(planner.problems),
        tuple(describe_current(live)),
        executions,
        planner.canaries,
    )


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
    calls: list[Call] = field(factory=list)
    notes: list[str] = field(factory=list)
    problems: list[Problem] = field(factory=list)
    canaries: dict[str, Canary] = field(factory=dict)
    versions: dict[str, str | Ref] = field(factory=dict)

    def run(self) -> None:
        for store in self.wanted.stores:
            self.store(store)
        for group in self.wanted.log_groups:
            self.log_group(group)
        for role in self.wanted.roles:
            self.role(role)
        for function in self.wanted.functions:
            self.function(function)
        for machine in self.wanted.machines:
            self.machine(machine)
        self.leftovers()

    def call(self, service: str, operation: str, resource: str, reason: str, id: str = "", **arguments: Any) -> None:
        self.calls.append(Call(service, operation, arguments, resource, reason, id))

    def taken(self, what: str, tags: Mapping[str, str]) -> bool:
        """Whether the name belongs to somebody else; then that is a problem."""
        if self.wanted.stack.owns(tags):
            return False
        owner = tags.get("flowdsl:stack")
        whose = f"belongs to {owner} / {tags.get('flowdsl:environment')}" if owner else "was not created by flowdsl"
        hint = "rename yours, or set `prefix` in the environment's settings; flowdsl changes only what it tagged"
        self.problems.append(Problem(f"the name is taken: {what} exists and {whose}", hint))
        return True

    def tag(self, kind: str, arn: str, resource: str, live: Mapping[str, str]) -> None:
        wanted = self.wanted.all_tags
        changed = {key: value for key, value in wanted.items() if live.get(key) != value}
        own = {*live.get(KEYS, "").split(), KEYS}
        gone = sorted((own & live.keys()) - wanted.keys())
        if changed:
            self.calls.append(tag_call(kind, arn, changed, resource, f"tags {', '.join(sorted(changed))}"))
        if gone:
            self.calls.append(untag_call(kind, arn, gone, resource, f"tags {', '.join(gone)} removed"))

    def store(self, store: Store) -> None:
        live = self.live.stores.get(store.label)
        if live and self.taken(store.label, live.tags):
            return
        for each in plan_store(store, live, self.wanted.stack, self.wanted.all_tags):
            if isinstance(each, Call):
                self.calls.append(each)
            else:
                self.problems.append(each)

    # Log groups

    def log_group(self, group: LogGroup) -> None:
        live, resource = self.live.log_groups.get(group.name), f"log group {group.name}"
        if live is None:
            self.call("logs", "CreateLogGroup", resource, "new", logGroupName=group.name, tags=self.wanted.all_tags)
        elif not self.wanted.stack.owns(live.tags):
            self.notes.append(f"{resource} was not created by flowdsl, so its retention is left as it is")
            return
        else:
            arn = self.wanted.stack.place.arn("logs", f"log-group:{group.name}")
            self.tag("logs", arn, resource, live.tags)
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
        live, resource = self.live.roles.get(role.name), f"role {role.name}"
        document = json.dumps(role.trust, sort_keys=True)
        if live is None:
            self.call(
                "iam",
                "CreateRole",
                resource,
                "new",
                RoleName=role.name,
                Path=self.wanted.stack.role_path,
                AssumeRolePolicyDocument=document,
                Description="Made by flowdsl",
                Tags=pairs(self.wanted.all_tags),
            )
        else:
            if self.taken(resource, live.tags):
                return
            if live.trust != role.trust:
                self.call(
                    "iam",
                    "UpdateAssumeRolePolicy",
                    resource,
                    "who may assume it",
                    RoleName=role.name,
                    PolicyDocument=document,
                )
            self.tag("iam", role.name, resource, live.tags)
        self.policies(role, live, resource)

    def policies(self, role: Role, live: LiveRole | None, resource: str) -> None:
        current = live.policies.get(POLICY, ()) if live else ()
        earlier = live.policies.get(EARLIER, ()) if live else ()
        kept = merge([*earlier, *without(current, role.statements)])
        count = size(kept) + size(role.statements)
        if count > INLINE_LIMIT:
            more = f", of which {size(kept)} are kept for earlier versions: run flowdsl prune" if kept else ""
            hint = "let fewer functions be called by one state machine, or state permissions with wider resources"
            message = f"the policies of {resource} have {count} characters{more}; IAM takes {INLINE_LIMIT}"
            self.problems.append(Problem(message, hint))
        if kept != merge(earlier):
            self.put_policy(role.name, EARLIER, kept, resource, "kept for versions that are in use")
        if merge(current) != merge(role.statements):
            lost, new = without(current, role.statements), without(role.statements, current)
            words = [f"{len(actions(new))} actions added"] if new and live else []
            words += [f"{len(actions(lost))} no longer needed"] if lost else []
            if role.statements:
                self.put_policy(role.name, POLICY, role.statements, resource, ", ".join(words) or "permissions")
            else:
                self.call(
                    "iam",
                    "DeleteRolePolicy",
                    resource,
                    "no permissions are needed",
                    RoleName=role.name,
                    PolicyName=POLICY,
                )

    def put_policy(self, role: str, name: str, statements: Iterable[Statement], resource: str, reason: str) -> None:
        document = json.dumps(policy(statements), sort_keys=True)
        self.call("iam", "PutRolePolicy", resource, reason, RoleName=role, PolicyName=name, PolicyDocument=document)

    # Functions

    def function(self, function: Function) -> None:
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
            self.tag("lambda", self.function_arn(function.name), resource, live.tags)
        self.concurrency(function, live, resource)
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

    def update_function(
        self,
        function: Function,
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

    def concurrency(self, function: Function, live: LiveFunction | None, resource: str) -> None:
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
        paths = frozenset(
            state.path for state in pinning.tasks(machine.definition) if machine.dynamic and pinning.is_dynamic(state)
        )
        definition, refs = pinning.pinned(machine.definition, self.versions, paths, alias, self.wanted.stack.place)
        target = self.version(machine, live, definition, refs, resource)
        if target is not None:
            self.alias(machine, live, target)

    def pin_dynamic(self, machine: Machine) -> str:
        """An alias for the functions that are chosen at run time, so that the definition can name their versions."""
        functions = [each for each in self.wanted.functions if each.name in machine.dynamic]
        alias = pinning.alias_of({each.name: each.identity for each in functions})
        for function in functions:
            live, version = self.live.functions.get(function.name), self.versions.get(function.name)
            before = live.aliases.get(alias) if live else None
            if version is None or before == version:
                continue
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
    ) -> str | Ref | None:
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
        arn = self.wanted.stack.place.arn("states", f"stateMachine:{machine.name}")
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
                self.move(arn, resource, f"from {routes_text(before)}", {target: 100}, old)

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
        names = {each.name for each in self.wanted.functions}
        machines = {each.name for each in self.wanted.machines}
        gone = [f"function {name}" for name in self.live.functions if name not in names]
        gone += [f"state machine {name}" for name in self.live.machines if name not in machines]
        if gone:
            self.notes.append(
                f"no longer part of the flow: {', '.join(gone)}; flowdsl prune removes what nothing needs any more"
            )
