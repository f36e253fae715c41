"""Read what is live, with describe and list calls only.

What is wanted is looked up by name, so that a tag index that lags behind cannot hide it; what else belongs to the
stack is found by its tags, and roles by their path.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import unquote

from attrs import evolve

from ..base.diagnostics import FlowError
from .aws import Aws, AwsError, Clock, items
from .model import (
    EARLIER,
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
)
from .statements import read_policy
from .stores import Store, read_store

REDRIVABLE: Final = timedelta(days=14)
"""How long an execution that did not succeed can be redriven. Source: "Redriving executions"."""
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
_DENIED: Final = frozenset(("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError"))


class Reader:
    """Reads a stack. All calls that AWS denies are told of together."""

    def __init__(self, aws: Aws, stack: Stack, clock: Clock, *, versions: int = 10) -> None:
        """`versions` is how many of a state machine's newest versions are described."""
        self.aws, self.stack, self.clock, self.described = aws, stack, clock, versions
        self.denied: dict[str, str] = {}

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
        live = Live(
            _by_name(self._roles(set(roles))),
            _by_name(filter(None, map(self._function, sorted({*functions, *own["function"]})))),
            _by_name(filter(None, map(self._log_group, sorted({*log_groups, *own["log-group"]})))),
            _by_name(filter(None, map(self._machine, sorted({*machines, *own["stateMachine"]})))),
            {each.label: live for each in stores if (live := read_store(each, self.stack, self._call))},
        )
        if self.denied:
            raise missing_permissions(self.denied)
        return live

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
        except AwsError as error:
            if error.code in _MISSING:
                return nothing
            if error.code in _DENIED:
                self.denied[f"{error.service}:{error.operation}"] = error.message
                return nothing
            raise

    # By tags

    def _tagged(self) -> dict[str, set[str]]:
        own: dict[str, set[str]] = {"function": set(), "log-group": set(), "stateMachine": set()}
        filters = [{"Key": key, "Values": [value]} for key, value in self.stack.marks.items()]
        for each in self._items("tagging", "GetResources", TagFilters=filters):
            tags = {tag["Key"]: tag["Value"] for tag in each.get("Tags", ())}
            kind, _, name = each["ResourceARN"].split(":", 5)[5].partition(":")
            if kind in own and self.stack.owns(tags):
                own[kind].add(name.partition(":")[0])
        return own

    # Roles

    def _roles(self, names: set[str]) -> list[LiveRole]:
        listed = {each["RoleName"] for each in self._items("iam", "ListRoles", PathPrefix=self.stack.role_path)}
        return [role for name in sorted(names | listed) if (role := self._role(name))]

    def _role(self, name: str) -> LiveRole | None:
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
        attached = self._items("iam", "ListAttachedRolePolicies", RoleName=name)
        foreign = [each for each in inline if each not in policies]
        foreign += [each["PolicyArn"] for each in attached]
        tags = {each["Key"]: each["Value"] for each in role.get("Tags", ())}
        return LiveRole(name, _document(role["AssumeRolePolicyDocument"]), policies, tags, tuple(foreign))

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
        return LiveLogGroup(name, group.get("retentionInDays"), tags)

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
            return evolve(machine, executions=self._executions(arn, machine))
        aliases = self._aliases(arn)
        routed = {version for alias in aliases.values() for version in alias.routes}
        machine = evolve(machine, versions=self._versions(arn, routed), aliases=aliases)
        return evolve(machine, executions=self._executions(arn, machine))

    def _versions(self, arn: str, routed: set[str]) -> tuple[LiveMachineVersion, ...]:
        listed = self._items("states", "ListStateMachineVersions", stateMachineArn=arn)
        arns = sorted((each["stateMachineVersionArn"] for each in listed), key=_number)
        newest = {*arns[-self.described :]}
        versions = []
        for version in arns:
            answer = (
                self._call("states", "DescribeStateMachine", stateMachineArn=version)
                if version in newest | routed
                else None
            )
            versions.append(
                LiveMachineVersion(version, json.loads(answer["definition"]), machine_settings(answer))
                if answer
                else LiveMachineVersion(version)
            )
        return tuple(versions)

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

    def _executions(self, arn: str, machine: LiveMachine) -> tuple[Execution, ...]:
        """Open executions, and those that can still be redriven. An Express machine's cannot be listed."""
        if machine.type == "EXPRESS":
            return ()
        known = {each.arn: each for each in machine.versions if each.definition is not None}
        since = self.clock.now() - REDRIVABLE
        executions: list[Execution] = []
        for status in ("RUNNING", "PENDING_REDRIVE", "FAILED", "TIMED_OUT", "ABORTED"):
            for each in self._items("states", "ListExecutions", stateMachineArn=arn, statusFilter=status):
                stopped = each.get("stopDate")
                if isinstance(stopped, datetime) and stopped < since:
                    continue
                execution = self._execution(each, status, known)
                if execution:
                    is_open = status in ("RUNNING", "PENDING_REDRIVE")
                    where = self._where(execution.arn) if is_open and len(executions) < LOOK_INTO else ()
                    executions.append(evolve(execution, at=where))
        return tuple(executions)

    def _execution(
        self, listed: Mapping[str, Any], status: str, known: Mapping[str, LiveMachineVersion]
    ) -> Execution | None:
        arn, version = listed["executionArn"], listed.get("stateMachineVersionArn")
        started = str(listed.get("startDate", ""))
        of = known.get(version) if isinstance(version, str) else None
        if of is not None and of.definition is not None:
            role, definition = str(of.settings["roleArn"]), of.definition
        else:
            answer = self._call("states", "DescribeStateMachineForExecution", executionArn=arn)
            if answer is None:
                return None
            role, definition = answer["roleArn"], json.loads(answer["definition"])
        return Execution(arn, listed["name"], status, version, role, definition, started=started)

    def _where(self, arn: str) -> tuple[str, ...]:
        """The state that was entered last."""
        answer = self._call(
            "states",
            "GetExecutionHistory",
            executionArn=arn,
            reverseOrder=True,
            maxResults=100,
            includeExecutionData=False,
        )
        for event in (answer or {}).get("events", ()):
            details = event.get("stateEnteredEventDetails")
            if details:
                return (str(details["name"]),)
        return ()


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
        "TracingConfig": {"Mode": configuration.get("TracingConfig", {}).get("Mode", "PassThrough")},
        "Architectures": [*configuration.get("Architectures", ["x86_64"])],
        "CodeSha256": configuration.get("CodeSha256"),
    }


def machine_settings(described: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a described state machine, with the defaults that AWS leaves out."""
    logging = described.get("loggingConfiguration") or {}
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
    }


def logging_settings(level: str, *groups: str, data: bool = False) -> dict[str, Any]:
    """A loggingConfiguration, `OFF` said as AWS wants it. A log group's ARN has to end with `:*`."""
    if level == "OFF":
        return {"level": "OFF", "includeExecutionData": False, "destinations": []}
    arns = [arn if arn.endswith(":*") else f"{arn}:*" for arn in groups]
    destinations = [{"cloudWatchLogsLogGroup": {"logGroupArn": arn}} for arn in arns]
    return {"level": level, "includeExecutionData": data, "destinations": destinations}


_IAM_ACTIONS: Final = {
    "tagging:GetResources": "tag:GetResources",
    "lambda:ListVersionsByFunction": "lambda:ListVersionsByFunction",
    "logs:ListTagsForResource": "logs:ListTagsForResource",
}


def missing_permissions(denied: Mapping[str, str]) -> FlowError:
    """An error with the policy that the user lacks, to paste."""
    actions = sorted({_IAM_ACTIONS.get(action, action) for action in denied})
    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}],
    }
    return FlowError.of(
        f"your credentials lack permissions: {', '.join(actions)}",
        code="FD983",
        hint="have this added to them (with narrower resources if you like):\n" + json.dumps(policy, indent=2),
    )
