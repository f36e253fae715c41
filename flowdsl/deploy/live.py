"""Read what is live, with describe and list calls only.

What is wanted is looked up by name, so that a tag index that lags behind cannot hide it; what else belongs to the
stack is found by its tags, and roles by their path.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import unquote

from attrs import evolve

from .aws import Aws, CallError, Clock, items
from .errors import DENIED, missing_permissions, refused
from .kinds import LiveStore, Store, read_store
from .model import (
    EARLIER,
    FOR,
    OPEN,
    POLICY,
    Execution,
    Live,
    LiveAlias,
    LiveFunction,
    LiveLogGroup,
    LiveMachine,
    LiveMachineVersion,
    LiveRole,
    LiveVersion,
    Stack,
    function_log_group,
    log_group_of,
)
from .pinning import versions_in
from .statements import Statement, read_policy
from .watching import leftover

REDRIVABLE: Final = timedelta(days=14)
"""How long an execution that did not succeed can be redriven. Source: "Redriving executions"."""
MOST_LISTED: Final = 1000
"""Executions or events on a page: the most that AWS takes."""
LOOK_INTO: Final = 25
"""How many open executions' histories are read to say where they are."""
SETTLING: Final = 30
"""How often a function that is in progress is looked at."""
_MISSING: Final = frozenset(
    (
        *("ResourceNotFoundException", "NoSuchEntity", "StateMachineDoesNotExist", "ResourceNotFound"),
        *("NoSuchEntityException", "ExecutionDoesNotExist", "NotFound", "NotFoundException"),
        *("QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"),
    )
)

_WATCHING: Final = ("alarm", "schedule-group")
"""Kinds of resources that go when they leave the flow, as their ARNs call them."""


class Reader:
    """Reads a stack. All calls that AWS denies are told of together."""

    def __init__(self, aws: Aws, stack: Stack, clock: Clock, *, versions: int = 10) -> None:
        """`versions` is how many of a state machine's newest versions are described."""
        self.aws, self.stack, self.clock, self.described = aws, stack, clock, versions
        self.denied: list[CallError] = []
        self.unread: set[str] = set()
        """Versions of state machines that are listed, but cannot be described."""

    def read(
        self,
        *,
        roles: Iterable[str] = (),
        functions: Iterable[str] = (),
        log_groups: Iterable[str] = (),
        machines: Iterable[str] = (),
        stores: Iterable[Store] = (),
    ) -> Live:
        """The resources of these names, and all others of the stack. Raises FlowError if a call is not allowed."""
        own = self._tagged()
        managed = self._managed()
        live_roles = self._roles(set(roles), managed)
        for role in live_roles:
            kind, _, name = role.tags.get(FOR, "").partition("/")
            if kind == "schedules" and self.stack.owns(role.tags):
                own["schedule-group"].add(name)
            elif kind in own and self.stack.owns(role.tags):
                own[kind].add(name)
                own["log-group"].add(log_group_of(name) if kind == "stateMachine" else function_log_group(name))
        stores = [*stores]
        known = {each.label for each in stores}
        others = [each for kind in _WATCHING for name in sorted(own[kind]) if (each := leftover(kind, name))]
        watching = [(each, present) for each in others if each.label not in known and (present := self._store(each))]
        live = Live(
            _by_name(live_roles),
            _by_name(filter(None, map(self._function, sorted({*functions, *own["function"]})))),
            _by_name(filter(None, map(self._log_group, sorted({*log_groups, *own["log-group"]})))),
            self._started(_by_name(filter(None, map(self._machine, sorted({*machines, *own["stateMachine"]}))))),
            {each.label: present for each in stores if (present := self._store(each))},
            {each.label: (each, present) for each, present in watching if self.stack.owns(present.tags)},
            managed,
        )
        if self.denied:
            raise missing_permissions(self.denied)
        return live

    def _store(self, store: Store) -> LiveStore | None:
        return read_store(store, self.stack, self._call)

    def _call(self, service: str, operation: str, **arguments: Any) -> dict[str, Any] | None:
        """The answer, None if there is no such thing."""
        answer: dict[str, Any] | None = self._guard(lambda: self.aws.call(service, operation, arguments), None)
        return answer

    def _items(self, service: str, operation: str, **arguments: Any) -> list[Any]:
        listed: list[Any] = self._guard(lambda: [*items(self.aws, service, operation, **arguments)], [])
        return listed

    def _guard(self, ask: Callable[[], Any], nothing: Any) -> Any:
        try:
            return ask()
        except CallError as error:
            if error.code in _MISSING:
                return nothing
            if error.code in DENIED:
                self.denied.append(error)
                return nothing
            raise refused(error) from error

    # By tags

    def _tagged(self) -> dict[str, set[str]]:
        own: dict[str, set[str]] = {kind: set() for kind in ("function", "log-group", "stateMachine", *_WATCHING)}
        filters = [{"Key": key, "Values": [value]} for key, value in self.stack.marks.items()]
        for each in self._items("tagging", "GetResources", TagFilters=filters):
            tags = {tag["Key"]: tag["Value"] for tag in each.get("Tags", ())}
            # stateMachine:NAME, but schedule-group/NAME
            kind, _, name = (
                each["ResourceARN"].split(":", 5)[5].replace("schedule-group/", "schedule-group:").partition(":")
            )
            if kind in own and self.stack.owns(tags):
                own[kind].add(name.partition(":")[0])
        return own

    # Roles

    def _managed(self) -> dict[str, tuple[Statement, ...]]:
        """The stack's own managed policies; instances have paths below that of their environment."""
        managed = {}
        for each in self._items("iam", "ListPolicies", Scope="Local", PathPrefix=self.stack.role_path):
            if each["Path"] == self.stack.role_path:
                arn = each["Arn"]
                answer = self._call("iam", "GetPolicyVersion", PolicyArn=arn, VersionId=each["DefaultVersionId"])
                if answer:
                    managed[arn] = read_policy(_document(answer["PolicyVersion"]["Document"]))
        return managed

    def _roles(self, names: set[str], managed: Mapping[str, tuple[Statement, ...]]) -> list[LiveRole]:
        listed = self._items("iam", "ListRoles", PathPrefix=self.stack.role_path)
        names = names | {each["RoleName"] for each in listed if each["Path"] == self.stack.role_path}
        return [role for name in sorted(names) if (role := self._role(name, managed))]

    def _role(self, name: str, managed: Mapping[str, tuple[Statement, ...]]) -> LiveRole | None:
        answer = self._call("iam", "GetRole", RoleName=name)
        if answer is None:
            return None
        role = answer["Role"]
        inline = self._items("iam", "ListRolePolicies", RoleName=name)
        policies = {}
        for policy in inline:
            if policy in (POLICY, EARLIER):
                document = self._call("iam", "GetRolePolicy", RoleName=name, PolicyName=policy)
                policies[policy] = read_policy(_document(document["PolicyDocument"])) if document else ()
        attached = [each["PolicyArn"] for each in self._items("iam", "ListAttachedRolePolicies", RoleName=name)]
        own = {arn: managed[arn] for arn in attached if arn in managed}
        foreign = [each for each in inline if each not in policies] + [arn for arn in attached if arn not in own]
        tags = {each["Key"]: each["Value"] for each in role.get("Tags", ())}
        return LiveRole(name, _document(role["AssumeRolePolicyDocument"]), policies, tags, own, tuple(foreign))

    # Functions

    def _function(self, name: str) -> LiveFunction | None:
        answer = self._settled_function(name)
        if answer is None:
            return None
        configuration = answer["Configuration"]
        versions = [
            LiveVersion(each["Version"], function_settings(each))
            for each in self._items("lambda", "ListVersionsByFunction", FunctionName=name)
            if each["Version"] != "$LATEST"
        ]
        aliases = {
            each["Name"]: each["FunctionVersion"] for each in self._items("lambda", "ListAliases", FunctionName=name)
        }
        return LiveFunction(
            name,
            function_settings(configuration),
            configuration.get("RevisionId", ""),
            answer.get("Tags", {}),
            tuple(sorted(versions, key=lambda each: int(each.number))),
            aliases,
            answer.get("Concurrency", {}).get("ReservedConcurrentExecutions"),
            configuration.get("State", "Active"),
        )

    def _settled_function(self, name: str) -> dict[str, Any] | None:
        """The answer of GetFunction, once a change that an earlier deploy left in progress has ended."""
        for _ in range(SETTLING):
            answer = self._call("lambda", "GetFunction", FunctionName=name)
            configuration = answer["Configuration"] if answer else {}
            if configuration.get("State") != "Pending" and configuration.get("LastUpdateStatus") != "InProgress":
                break
            self.clock.sleep(2)
        return answer

    def _log_group(self, name: str) -> LiveLogGroup | None:
        groups = self._items("logs", "DescribeLogGroups", logGroupNamePrefix=name)
        group = next((each for each in groups if each["logGroupName"] == name), None)
        if group is None:
            return None
        arn = self.stack.place.arn("logs", f"log-group:{name}")
        tags = (self._call("logs", "ListTagsForResource", resourceArn=arn) or {}).get("tags", {})
        return LiveLogGroup(name, group.get("retentionInDays"), tags, group.get("kmsKeyId", ""))

    # State machines

    def _machine(self, name: str) -> LiveMachine | None:
        arn = self.stack.place.arn("states", f"stateMachine:{name}")
        answer = self._call("states", "DescribeStateMachine", stateMachineArn=arn)
        if answer is None:
            return None
        tags = (self._call("states", "ListTagsForResource", resourceArn=arn) or {}).get("tags", ())
        machine = LiveMachine(
            name,
            answer["type"],
            answer["status"],
            json.loads(answer["definition"]),
            machine_settings(answer),
            answer.get("revisionId") or "INITIAL",
            {each["key"]: each["value"] for each in tags},
        )
        if machine.status == "DELETING":
            return self._with_executions(arn, machine)
        aliases = self._aliases(arn)
        routed = {version for alias in aliases.values() for version in alias.routes}
        machine = evolve(machine, versions=self._versions(arn, routed), aliases=aliases)
        return self._with_executions(arn, machine)

    def _versions(self, arn: str, routed: set[str]) -> tuple[LiveMachineVersion, ...]:
        listed = self._items("states", "ListStateMachineVersions", stateMachineArn=arn)
        created = {each["stateMachineVersionArn"]: each.get("creationDate") for each in listed}
        arns = sorted(created, key=_number)
        newest = {*arns[-self.described :]}
        return tuple(
            evolve(self._version(each) if each in newest | routed else LiveMachineVersion(each), created=created[each])
            for each in arns
        )

    def _version(self, arn: str) -> LiveMachineVersion:
        answer = self._call("states", "DescribeStateMachine", stateMachineArn=arn)
        if answer is None:
            return LiveMachineVersion(arn)
        return LiveMachineVersion(arn, json.loads(answer["definition"]), machine_settings(answer))

    def _started(self, machines: dict[str, LiveMachine]) -> dict[str, LiveMachine]:
        """Read the versions too that other definitions start, and those that these start."""
        while True:
            definitions = [
                definition
                for machine in machines.values()
                for definition in (
                    machine.definition,
                    *(each.definition for each in machine.versions),
                    *(each.definition for each in machine.executions),
                )
                if definition is not None
            ]
            named = {pair for definition in definitions for pair in versions_in(definition)}
            unread = [
                (machine, each)
                for machine in machines.values()
                for each in machine.versions
                if each.definition is None and (machine.name, each.number) in named and each.arn not in self.unread
            ]
            if not unread:
                return machines
            for machine, version in unread:
                described = evolve(self._version(version.arn), created=version.created)
                if described.definition is None:
                    self.unread.add(version.arn)
                latest = machines[machine.name]
                versions = tuple(described if each.arn == version.arn else each for each in latest.versions)
                machines[machine.name] = evolve(latest, versions=versions)

    def _aliases(self, arn: str) -> dict[str, LiveAlias]:
        aliases = {}
        for each in self._items("states", "ListStateMachineAliases", stateMachineArn=arn):
            alias = each["stateMachineAliasArn"]
            answer = self._call("states", "DescribeStateMachineAlias", stateMachineAliasArn=alias)
            if answer:
                routes = {
                    route["stateMachineVersionArn"]: route["weight"]
                    for route in answer["routingConfiguration"]
                    if route["weight"]
                }
                aliases[answer["name"]] = LiveAlias(
                    alias, routes, answer.get("description") or "", answer.get("updateDate")
                )
        return aliases

    def _with_executions(self, arn: str, machine: LiveMachine) -> LiveMachine:
        """With open executions, those that can still be redriven, and the definitions of their versions.

        An Express machine's cannot be listed.
        """
        if machine.type == "EXPRESS":
            return machine
        versions = {each.arn: each for each in machine.versions}
        since = self.clock.now() - REDRIVABLE
        executions: list[Execution] = []
        for status in (*OPEN, "FAILED", "TIMED_OUT", "ABORTED"):
            listed = self._items(
                "states", "ListExecutions", stateMachineArn=arn, statusFilter=status, maxResults=MOST_LISTED
            )
            for each in listed:
                stopped = each.get("stopDate")
                if isinstance(stopped, datetime) and stopped < since:
                    continue
                execution = self._execution(each, status, versions)
                if execution:
                    where = self._where(execution.arn) if status in OPEN and len(executions) < LOOK_INTO else ()
                    executions.append(evolve(execution, at=where))
        return evolve(machine, versions=tuple(versions.values()), executions=tuple(executions))

    def _execution(
        self, listed: Mapping[str, Any], status: str, versions: dict[str, LiveMachineVersion]
    ) -> Execution | None:
        """`versions` are read and kept as they are needed: thousands of executions may have a few versions."""
        arn, number = listed["executionArn"], listed.get("stateMachineVersionArn")
        started = str(listed.get("startDate", ""))
        version = versions.get(number) if isinstance(number, str) else None
        if version is not None and version.definition is None:
            version = versions[version.arn] = evolve(self._version(version.arn), created=version.created)
        if version is not None and version.definition is not None:
            role, definition = str(version.settings["roleArn"]), version.definition
        else:
            answer = self._call("states", "DescribeStateMachineForExecution", executionArn=arn)
            if answer is None:
                return None
            role, definition = answer["roleArn"], json.loads(answer["definition"])
        return Execution(arn, listed["name"], status, number, role, definition, started=started)

    def _where(self, arn: str) -> tuple[str, ...]:
        """The states that it is in, in the order in which it entered them, as far as its latest events tell."""
        answer = self._call(
            "states",
            "GetExecutionHistory",
            executionArn=arn,
            reverseOrder=True,
            maxResults=MOST_LISTED,
            includeExecutionData=False,
        )
        left: Counter[str] = Counter()
        inside: list[str] = []
        for event in (answer or {}).get("events", ()):
            if exited := event.get("stateExitedEventDetails"):
                left[exited["name"]] += 1
            elif entered := event.get("stateEnteredEventDetails"):
                name = str(entered["name"])
                if left[name]:
                    left[name] -= 1
                elif name not in inside:
                    inside.append(name)
        return tuple(reversed(inside))


def _number(arn: str) -> int:
    return int(arn.rpartition(":")[2])


def _by_name(values: Iterable[Any]) -> dict[str, Any]:
    return {each.name: each for each in values}


def _document(value: Any) -> dict[str, Any]:
    """A policy document; IAM sends it URL-encoded, and botocore decodes it."""
    document: dict[str, Any] = json.loads(unquote(value)) if isinstance(value, str) else value
    return document


def function_settings(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a FunctionConfiguration, with the defaults that AWS leaves out."""
    return {
        "Runtime": configuration.get("Runtime"),
        "Handler": configuration.get("Handler"),
        "Role": configuration.get("Role"),
        "Timeout": configuration.get("Timeout", 3),
        "MemorySize": configuration.get("MemorySize", 128),
        "Environment": {"Variables": configuration.get("Environment", {}).get("Variables", {})},
        "KMSKeyArn": configuration.get("KMSKeyArn") or "",
        "TracingConfig": {"Mode": configuration.get("TracingConfig", {}).get("Mode", "PassThrough")},
        "Architectures": [*configuration.get("Architectures", ["x86_64"])],
        "CodeSha256": configuration.get("CodeSha256"),
    }


def machine_settings(described: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a described state machine, with the defaults that AWS leaves out."""
    logging = described.get("loggingConfiguration") or {}
    encryption = described.get("encryptionConfiguration") or {}
    groups = [
        each["cloudWatchLogsLogGroup"]["logGroupArn"]
        for each in logging.get("destinations") or ()
        if "cloudWatchLogsLogGroup" in each
    ]
    return {
        "roleArn": described["roleArn"],
        "loggingConfiguration": logging_settings(
            logging.get("level", "OFF"), *groups, data=logging.get("includeExecutionData", False)
        ),
        "tracingConfiguration": {"enabled": bool((described.get("tracingConfiguration") or {}).get("enabled"))},
        "encryptionConfiguration": encryption_settings(
            encryption.get("kmsKeyId", "") if encryption.get("type") == _OWN_KEY else "",
            encryption.get("kmsDataKeyReusePeriodSeconds", KEY_REUSE),
        ),
    }


_OWN_KEY: Final = "CUSTOMER_MANAGED_KMS_KEY"
KEY_REUSE: Final = 300
"""Seconds for which Step Functions uses a data key again: AWS's default."""


def encryption_settings(key: str, reuse: int = KEY_REUSE) -> dict[str, Any]:
    """An encryptionConfiguration; without a key it says so, because an update keeps what it leaves out."""
    if not key:
        return {"type": "AWS_OWNED_KEY"}
    return {"type": _OWN_KEY, "kmsKeyId": key, "kmsDataKeyReusePeriodSeconds": reuse}


def logging_settings(level: str, *groups: str, data: bool = False) -> dict[str, Any]:
    """A loggingConfiguration, `OFF` said as AWS wants it. A log group's ARN has to end with `:*`."""
    if level == "OFF":
        return {"level": "OFF", "includeExecutionData": False, "destinations": []}
    arns = [arn if arn.endswith(":*") else f"{arn}:*" for arn in groups]
    destinations = [{"cloudWatchLogsLogGroup": {"logGroupArn": arn}} for arn in arns]
    return {"level": level, "includeExecutionData": data, "destinations": destinations}
