"""The values of a deployment: what is wanted, what is live, and the calls that lead from one to the other.

Settings have AWS's own parameter names, so that what is wanted compares with what describe and list calls return.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from attrs import field, frozen

from .statements import Place, Statement

JSON = Any
Settings = Mapping[str, JSON]

STACK, ENVIRONMENT, INSTANCE, KEYS = "flowdsl:stack", "flowdsl:environment", "flowdsl:instance", "flowdsl:tags"
"""Tags: whose a resource is, and which other tags flowdsl set."""
FOR = "flowdsl:for"
"""A role's tag: whose role it is, `function/NAME` or `stateMachine/NAME`. Unlike the index of tags, IAM lists roles at
once, so everything that was deployed can be found by its role."""
DROPPED = "flowdsl:dropped"
"""A role's tag: when permissions were last moved to EARLIER."""
POLICY, EARLIER = "flowdsl", "flowdsl-earlier"
"""A role's inline policies: what is needed now, and what earlier versions needed, until `flowdsl prune`."""
CLOCK: Final = "clock"
"""What a `Ref` names for the time at which its call is made (key NOW)."""
NOW: Final = "now"
ALIAS_PREFIX: Final = "flowdsl-"
"""How the aliases of functions begin with which a definition pins functions that are chosen at run time."""


# Wanted


@frozen
class Stack:
    """A flow in an environment, perhaps one of several instances: whatever is deployed together."""

    name: str
    environment: str
    place: Place
    instance: str = ""
    prefix: str = ""

    def named(self, name: str) -> str:
        """The deployed name of a resource: `test-payment-setup-pr7`."""
        suffix = ".fifo" if name.endswith(".fifo") else ""  # AWS wants it at the end
        instance = f"-{self.instance}" if self.instance else ""
        return f"{self.prefix}{name.removesuffix(suffix)}{instance}{suffix}"

    @property
    def marks(self) -> dict[str, str]:
        """The tags that say whose a resource is."""
        marks = {STACK: self.name, ENVIRONMENT: self.environment}
        return {**marks, INSTANCE: self.instance} if self.instance else marks

    def role_named(self, name: str) -> str:
        """The name of a role: unique in the account, at most 64 characters."""
        whole = f"{self.named(name)}-{self.place.region}"
        return whole if len(whole) <= 64 else f"{whole[:55]}-{digest(whole)[:8]}"

    @property
    def role_path(self) -> str:
        """The path of the roles in IAM, by which they are listed."""
        return "/".join(["/flowdsl", self.name, self.environment, *filter(None, [self.instance]), ""])

    def owns(self, tags: Mapping[str, str]) -> bool:
        return all(tags.get(key) == value for key, value in self.marks.items()) and (
            bool(self.instance) or INSTANCE not in tags
        )

    @property
    def label(self) -> str:
        parts = [self.name, self.environment, *filter(None, [self.instance])]
        return f"{' / '.join(parts)} ({self.place.account}, {self.place.region})"


@frozen
class Role:
    """A role: `name` without its path."""

    name: str
    owner: str
    """Whose role it is: the value of the tag FOR."""
    trust: Settings
    statements: tuple[Statement, ...]


@frozen
class LambdaFunction:
    """A Lambda function. `settings` are those of UpdateFunctionConfiguration, with Architectures and CodeSha256."""

    name: str
    settings: Settings
    zip: Path
    concurrency: int | None = None
    role: str = ""

    @property
    def identity(self) -> str:
        """A digest of code and configuration: equal ones are one version."""
        return digest(self.settings)


@frozen
class LogGroup:
    name: str
    retention: int
    key: str = ""
    """The ARN of the KMS key that encrypts it; without one AWS's own does."""


@frozen
class Machine:
    """A state machine. The definition names functions by their deployed ARNs, without versions.

    `settings` are those of UpdateStateMachine but for the definition.
    """

    name: str
    type: str
    definition: Mapping[str, Any]
    settings: Settings
    role: str
    alias: str
    dynamic: frozenset[str] = frozenset()
    """The deployed names of functions that are chosen at run time."""


@frozen
class Wanted:
    stack: Stack
    tags: Mapping[str, str]
    roles: tuple[Role, ...]
    log_groups: tuple[LogGroup, ...]
    functions: tuple[LambdaFunction, ...]
    machines: tuple[Machine, ...]
    notes: tuple[str, ...] = ()
    """What the user has to know, such as permissions that cannot be derived."""
    stores: tuple[Any, ...] = ()
    """Tables, queues, topics, event buses, alarms and groups of schedules (`stores.Store`)."""

    @property
    def all_tags(self) -> dict[str, str]:
        keys = {KEYS: " ".join(sorted(self.tags))} if self.tags else {}
        return {**self.tags, **keys, **self.stack.marks}


# Live


@frozen
class LiveRole:
    name: str
    trust: Settings
    policies: Mapping[str, tuple[Statement, ...]]
    """The inline policies that flowdsl wrote, by name."""
    tags: Mapping[str, str]
    managed: Mapping[str, tuple[Statement, ...]] = field(factory=dict)
    """The attached policies that flowdsl made, by ARN."""
    foreign: tuple[str, ...] = ()
    """Other policies: attached, or inline under another name."""


@frozen
class LiveVersion:
    """A published version of a function."""

    number: str
    settings: Settings


@frozen
class LiveFunction:
    name: str
    settings: Settings
    revision: str
    tags: Mapping[str, str]
    versions: tuple[LiveVersion, ...] = ()
    """Oldest first, without $LATEST."""
    aliases: Mapping[str, str] = field(factory=dict)
    """The version of each alias."""
    concurrency: int | None = None
    state: str = "Active"

    def version_of(self, settings: Settings) -> str | None:
        """The newest version with these settings."""
        matching = [each.number for each in self.versions if equal_settings(each.settings, settings)]
        return matching[-1] if matching else None


@frozen
class LiveLogGroup:
    name: str
    retention: int | None
    tags: Mapping[str, str]
    key: str = ""


@frozen
class LiveMachineVersion:
    """A published version of a state machine; only the newest and those of aliases are read."""

    arn: str
    definition: Mapping[str, Any] | None = None
    settings: Settings = field(factory=dict)
    created: datetime | None = None

    @property
    def number(self) -> int:
        return int(self.arn.rpartition(":")[2])


@frozen
class LiveAlias:
    """An alias of a state machine: weights by version ARN."""

    arn: str
    routes: Mapping[str, int]
    description: str = ""
    updated: datetime | None = None


@frozen
class Execution:
    """An execution that is open, or that could still be redriven."""

    arn: str
    name: str
    status: str
    version: str | None
    """The ARN of the version that it was started with, if it was."""
    role: str
    definition: Mapping[str, Any]
    at: tuple[str, ...] = ()
    """The states that it is in, where that was asked."""
    started: str = ""


@frozen
class LiveMachine:
    name: str
    type: str
    status: str
    definition: Mapping[str, Any]
    settings: Settings
    revision: str
    tags: Mapping[str, str]
    versions: tuple[LiveMachineVersion, ...] = ()
    """Oldest first."""
    aliases: Mapping[str, LiveAlias] = field(factory=dict)
    executions: tuple[Execution, ...] = ()
    """Open ones, and ended ones that can be redriven."""

    @property
    def open(self) -> tuple[Execution, ...]:
        return tuple(each for each in self.executions if each.status in OPEN)


OPEN: Final = ("RUNNING", "PENDING_REDRIVE")


@frozen
class Live:
    """What is in AWS of what is wanted, and whatever else is tagged as the stack's."""

    roles: Mapping[str, LiveRole] = field(factory=dict)
    functions: Mapping[str, LiveFunction] = field(factory=dict)
    log_groups: Mapping[str, LiveLogGroup] = field(factory=dict)
    machines: Mapping[str, LiveMachine] = field(factory=dict)
    stores: Mapping[str, Any] = field(factory=dict)
    """Tables, queues, topics and event buses (`stores.LiveStore`), by their labels."""
    watching: Mapping[str, tuple[Any, Any]] = field(factory=dict)
    """Alarms and groups of schedules that have the stack's tags, by label: `stores.Store` and `stores.LiveStore`."""
    managed: Mapping[str, tuple[Statement, ...]] = field(factory=dict)
    """The managed policies of the stack, by ARN, attached or not."""


# Plans


@frozen
class Ref:
    """A part of the answer to an earlier call of the plan."""

    call: str
    key: str

    def __str__(self) -> str:
        return f"<{self.key} of {self.call}>"


@frozen
class Text:
    """Text with answers of earlier calls in it."""

    parts: tuple[str | Ref, ...]

    def __str__(self) -> str:
        return "".join(map(str, self.parts))


@frozen
class Content:
    """The bytes of a file; it has to have this digest when it is sent."""

    file: Path
    code_sha256: str

    def __str__(self) -> str:
        return f"<{self.file.name}>"


@frozen
class AwsCall:
    """A call of AWS. `id` names its answer for a `Ref`."""

    service: str
    operation: str
    arguments: Mapping[str, Any] = field(repr=False)
    resource: str
    """What it changes, for people: `function payment-setup`."""
    reason: str
    id: str = ""

    @property
    def verb(self) -> str:
        """create, change or delete."""
        word = self.operation
        if word.startswith(("Create", "Publish")):
            return "create"
        return "delete" if word.startswith(("Delete", "Untag", "Stop", "Detach", "Disassociate")) else "change"


@frozen
class Problem:
    """What keeps a plan from being applied."""

    message: str
    hint: str = ""


@frozen
class Canary:
    """A gradual move of an alias. Kept in the alias's description, so that it survives the terminal."""

    old: str
    new: str
    """ARNs of versions."""
    percent: int
    until: str
    """RFC 3339."""


@frozen
class Plan:
    stack: Stack
    calls: tuple[AwsCall, ...]
    notes: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    current: tuple[str, ...] = ()
    """What runs now, for people."""
    executions: tuple[Execution, ...] = ()
    """Open ones, of all machines."""
    canaries: Mapping[str, Canary] = field(factory=dict)
    """Gradual moves that go on, by the alias's ARN."""

    def __bool__(self) -> bool:
        return bool(self.calls)


# Names and comparing


def function_log_group(function: str) -> str:
    """The log group that Lambda writes to."""
    return f"/aws/lambda/{function}"


def log_group_of(machine: str) -> str:
    """With this prefix a log group does not use up the account's policy for log delivery."""
    return f"/aws/vendedlogs/states/{machine}"


def digest(value: JSON) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def equal_settings(live: Settings, wanted: Settings) -> bool:
    """Whether all that is wanted is so."""
    return not [*differences(live, wanted)]


def differences(live: Settings, wanted: Settings) -> Iterator[str]:
    """What differs, for people; of environment variables only the names, as values are not to be shown."""
    for key, value in wanted.items():
        before = live.get(key)
        if before == value:
            continue
        if key == "Environment":
            old, new = (before or {}).get("Variables", {}), value.get("Variables", {})
            names = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
            yield f"environment variable{'s' * (len(names) > 1)} {', '.join(names)}"
        elif key == "CodeSha256":
            yield "code"
        elif isinstance(value, str | int | float) and isinstance(before, str | int | float):
            yield f"{key} {before} → {value}"
        else:
            yield key
