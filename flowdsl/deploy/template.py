"""The same resources as a deployment's, as a CloudFormation template, and a definition for other tools. Pure.

CloudFormation does not know which executions are in flight, so nothing that one may need is changed or removed:

- A function's version, a role and a state machine's version have a logical id with a digest of what they are. A change
  is a new resource beside the old one, and the old one is retained when it leaves the template.
- A role is not changed: a version of a function, and an execution, keep the role that they started with.
- Functions that leave the template are retained too. Whoever knows that nothing needs them any more deletes them.

Source: CloudFormation Template Reference, AWS::Lambda::Version, AWS::StepFunctions::StateMachineVersion,
AWS::StepFunctions::StateMachineAlias, "DeletionPolicy attribute".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from attrs import define, evolve, field, frozen

from ..asl.text import canonical_text
from ..base.diagnostics import FlowError
from . import pinning
from .kinds import Store, template_of, value_of
from .model import (
    LambdaFunction,
    LogGroup,
    Machine,
    Ref,
    Role,
    Stack,
    Wanted,
    digest,
    function_log_group,
    log_group_of,
)
from .order import make_in_order
from .roles import MOST_ATTACHED, split
from .statements import INLINE_LIMIT, Place, policy, size
from .tags import pairs
from .watching import ScheduleGroup

Resources = dict[str, dict[str, Any]]
_MOST: Final = 500
"""Resources of a template. Source: CloudFormation User Guide, "Quotas"."""
_MARKS: Final = {"\ue001": "AWS::Region", "\ue002": "AWS::AccountId"}
"""Characters of the private use area for what is only known where the template is deployed."""
_NAMES: Final = {mark: name.replace("::", "") for mark, name in _MARKS.items()}
"""The same as names of substitutions, which have letters and digits only."""
_RETAINED: Final = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}


@frozen
class Anywhere(Place):
    """The place of a template: any region and account of the environment's partition."""

    region: str = "\ue001"
    account: str = "\ue002"
    own: str = "aws"

    @property
    def partition(self) -> str:
        return self.own


def anywhere(stack: Stack) -> Stack:
    """The stack as a template has it."""
    return evolve(stack, place=Anywhere(own=stack.place.partition))


@frozen
class Exported:
    """A definition with `${Names}`, for tools that fill them in."""

    text: str
    values: Mapping[str, Any]
    """CloudFormation's values by name, for those that are no versions."""
    functions: Mapping[str, str]
    """The deployed names of the functions whose versions a name stands for."""
    machines: Mapping[str, str]
    """The deployed names of the state machines whose versions a name stands for."""


def make_template(wanted: Wanted, *, alarms: tuple[str, ...] = ()) -> dict[str, Any]:
    """The template of all that is wanted: of a stack whose place is `anywhere`. Raises FlowError if it has too much."""
    builder = _Builder(wanted, alarms)
    make_in_order(wanted, builder)
    if len(builder.resources) > _MOST:
        message = f"the template has {len(builder.resources)} resources, and CloudFormation takes {_MOST}"
        raise FlowError.of(message, code="FD986", hint="deploy with flowdsl deploy, or split the flow")
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"{wanted.stack.name}: made by flowdsl build --template",
        "Parameters": dict(_PARAMETERS),
        "Conditions": {"IsGradual": {"Fn::Not": [{"Fn::Equals": [{"Ref": "DeploymentType"}, "ALL_AT_ONCE"]}]}},
        "Resources": builder.resources,
        "Outputs": builder.outputs,
    }
    written: dict[str, Any] = _substitute(template)
    return written


_PARAMETERS: Final[Mapping[str, Any]] = {
    "CodeBucket": {"Type": "String", "Description": "The S3 bucket, in the stack's region, that has the zips"},
    "DeploymentType": {
        "Type": "String",
        "Default": "ALL_AT_ONCE",
        "AllowedValues": ["ALL_AT_ONCE", "CANARY", "LINEAR"],
        "Description": "How the alias moves to a new version of the state machine",
    },
    "DeploymentPercentage": {
        "Type": "Number",
        "Default": 10,
        "MinValue": 1,
        "MaxValue": 99,
        "Description": "CANARY and LINEAR: the percentage of new executions that get the new version at a time",
    },
    "DeploymentInterval": {
        "Type": "Number",
        "Default": 15,
        "MinValue": 1,
        "MaxValue": 2100,
        "Description": "CANARY and LINEAR: minutes between two shifts",
    },
}


def code_prefix(wanted: Wanted) -> str:
    """Where in the bucket the zips are: a folder of its own for each set of zips, so that none is ever replaced."""
    return f"{wanted.stack.name}/{digest(sorted(each.settings['CodeSha256'] for each in wanted.functions))[:16]}/"


def export(machine: Machine, wanted: Wanted) -> Exported:
    """The definition with a `${Name}` for each version that it calls or starts, and for region and account."""
    names, place = _Names(), wanted.stack.place
    versions = {each.name: Ref(each.name, "function") for each in wanted.functions}
    order = pinning.called_first(wanted.machines, place)
    earlier = order[: [each.name for each in order].index(machine.name)]
    started = {place.arn("states", f"stateMachine:{each.name}"): Ref(each.name, "machine") for each in earlier}
    paths, alias = pinning.dynamic_paths(machine), pinning.alias_of(machine, wanted.functions)
    definition, refs = pinning.pinned(machine.definition, versions, paths, alias, place, started)
    text = canonical_text(definition)
    called: dict[str, dict[str, str]] = {"function": {}, "machine": {}}
    for number, ref in enumerate(refs):
        name = names.of(ref.call if ref.key == "function" else f"{ref.call} machine")
        called[ref.key][name] = ref.call
        mark = pinning.mark(number)
        arn = place.arn("lambda", f"function:{ref.call}")
        for written in (f"{arn}:{mark}", f"{ref.call}:{mark}", mark):
            text = text.replace(written, f"${{{name}}}")
    values = {name: {"Ref": _MARKS[mark]} for mark, name in _NAMES.items() if mark in text}
    for mark, name in _NAMES.items():
        text = text.replace(mark, f"${{{name}}}")
    return Exported(text, values, called["function"], called["machine"])


@define
class _Names:
    """Logical ids and names of substitutions: letters and digits, one for each name."""

    _taken: dict[str, str] = field(factory=dict)

    def of(self, name: str) -> str:
        """
        >>> _Names().of("payment-psp_stripe")
        'PaymentPspStripe'
        """
        short = "".join(part[:1].upper() + part[1:] for part in re.split(r"[^A-Za-z0-9]+", name))
        whole = short if self._taken.get(short, name) == name else f"{short}{digest(name)[:6]}"
        self._taken[whole] = name
        return whole


@define
class _Builder:
    wanted: Wanted
    alarms: tuple[str, ...]
    names: _Names = field(factory=_Names)
    resources: Resources = field(factory=dict)
    outputs: dict[str, Any] = field(factory=dict)
    roles: dict[str, str] = field(factory=dict)
    """Logical ids by the names that roles have in a deployment."""
    versions: dict[str, str] = field(factory=dict)
    """Logical ids of functions' versions by the functions' names."""
    machines: dict[str, str] = field(factory=dict)
    """Logical ids of state machines' versions by the state machines' names."""
    stores: dict[str, str] = field(factory=dict)
    """Logical ids by what a function finds in its variable."""

    @property
    def tags(self) -> dict[str, str]:
        """Not those of a deployment: `flowdsl deploy` changes only what it made itself."""
        stack = self.wanted.stack
        return {**self.wanted.tags, "flowdsl:template": "/".join(filter(None, (stack.name, stack.instance)))}

    def schedules(self, logical: str, store: Store, group: ScheduleGroup) -> None:
        """The schedules of a group, by the group's logical id."""
        for name, settings in group.schedules.items():
            target = settings["Target"]
            role = target["RoleArn"].rpartition("/")[2]
            function = target["Arn"].rpartition(":")[2]
            target = {
                **target,
                "Arn": {"Fn::GetAtt": [self.names.of(f"{function} function"), "Arn"]},
                "RoleArn": {"Fn::GetAtt": [self.roles[role], "Arn"]},
            }
            properties = {"Name": name, "GroupName": {"Ref": logical}, **settings, "Target": target}
            self.add(self.names.of(f"{store.name} {name} schedule"), "AWS::Scheduler::Schedule", properties)

    def add(self, name: str, kind: str, properties: Mapping[str, Any], **attributes: Any) -> str:
        self.resources[name] = {"Type": kind, **attributes, "Properties": dict(properties)}
        return name

    def store(self, store: Store) -> None:
        name = self.names.of(f"{store.name} {store.kind.word}")
        self.resources[name] = template_of(store, self.wanted.stack, self.tags)
        self.stores[value_of(store, self.wanted.stack)] = name
        if isinstance(store.resource, ScheduleGroup):
            self.schedules(name, store, store.resource)

    def log_group(self, group: LogGroup) -> None:
        key = {"KmsKeyId": group.key} if group.key else {}
        properties = {"LogGroupName": group.name, "RetentionInDays": group.retention, **key, "Tags": pairs(self.tags)}
        self.add(self.names.of(f"logs {group.name}"), "AWS::Logs::LogGroup", properties, **_RETAINED)

    def role(self, role: Role) -> None:
        # CloudFormation names it, so that the next one can stand beside it.
        plain = role.name.replace(self.wanted.stack.place.region, "")
        properties = {
            "AssumeRolePolicyDocument": role.trust,
            "Description": f"Made by flowdsl for {self.wanted.stack.name}",
            **self.permissions(role, plain),
            "Tags": pairs(self.tags),
        }
        mark = digest([role.trust, policy(role.statements)])[:10]
        name = f"{self.names.of(f'{plain} role')}{mark}"
        self.roles[role.name] = self.add(name, "AWS::IAM::Role", properties, **_RETAINED)

    def permissions(self, role: Role, plain: str) -> dict[str, Any]:
        """An inline policy, or managed ones for more than IAM takes inline."""
        if not role.statements:
            return {}
        if size(role.statements) <= INLINE_LIMIT:
            return {"Policies": [{"PolicyName": "flowdsl", "PolicyDocument": policy(role.statements)}]}
        parts = split(role.statements)
        if len(parts) > MOST_ATTACHED:
            message = f"role {role.name} would have {len(parts)} managed policies, and IAM takes {MOST_ATTACHED}"
            raise FlowError.of(message, code="FD986", hint="state permissions with wider resources, or split the flow")
        names = []
        for part in parts:
            document = policy(part)
            name = f"{self.names.of(f'{plain} policy')}{digest(document)[:10]}"
            properties = {"Description": f"Of {plain.strip('-')}", "PolicyDocument": document}
            names.append(self.add(name, "AWS::IAM::ManagedPolicy", properties, **_RETAINED))
        return {"ManagedPolicyArns": [{"Ref": name} for name in names]}

    def function(self, function: LambdaFunction) -> None:
        settings = {key: value for key, value in function.settings.items() if key not in ("CodeSha256", "KMSKeyArn")}
        variables = settings["Environment"]["Variables"]
        values = {key: self.known(value) for key, value in variables.items()}
        logs = self.names.of(f"logs {function_log_group(function.name)}")
        key = code_prefix(self.wanted) + function.zip.name
        properties = {
            "FunctionName": function.name,
            "PackageType": "Zip",
            "Code": {"S3Bucket": {"Ref": "CodeBucket"}, "S3Key": key},
            **settings,
            "Role": {"Fn::GetAtt": [self.roles[function.role], "Arn"]},
            "Environment": {"Variables": values},
            "Tags": pairs(self.tags),
        }
        if function.settings.get("KMSKeyArn"):
            properties["KmsKeyArn"] = function.settings["KMSKeyArn"]
        if function.concurrency is not None:
            properties["ReservedConcurrentExecutions"] = function.concurrency
        name = self.names.of(f"{function.name} function")
        depends = {"DependsOn": [logs]} if logs in self.resources else {}
        self.add(name, "AWS::Lambda::Function", properties, **_RETAINED, **depends)
        version = {
            "FunctionName": {"Ref": name},
            "CodeSha256": function.settings["CodeSha256"],
            "Description": f"flowdsl {function.identity[:12]}",
        }
        logical = f"{self.names.of(f'{function.name} version')}{self.identity(function)[:10]}"
        self.versions[function.name] = self.add(logical, "AWS::Lambda::Version", version, **_RETAINED)

    def identity(self, function: LambdaFunction) -> str:
        """A new version for new code, configuration, or role: Lambda publishes one only if something has changed."""
        return digest([function.settings, self.roles[function.role]])

    def known(self, value: str) -> Any:
        """A variable's value: a reference to the resource that it names."""
        return {"Ref": self.stores[value]} if value in self.stores else value

    def machine(self, machine: Machine) -> None:
        exported = export(machine, self.wanted)
        alias = pinning.alias_of(machine, self.wanted.functions)
        aliases = [self.function_alias(name, alias) for name in sorted(machine.dynamic)]
        versions = {name: self.versions[each] for name, each in exported.functions.items()}
        versions |= {name: self.machines[each] for name, each in exported.machines.items()}
        substitutions = {**exported.values, **{name: {"Ref": each} for name, each in versions.items()}}
        role = self.roles[machine.role]
        properties = {
            "StateMachineName": machine.name,
            "StateMachineType": machine.type,
            "RoleArn": {"Fn::GetAtt": [role, "Arn"]},
            "DefinitionString": exported.text,
            "DefinitionSubstitutions": substitutions,
            **_capitals({key: value for key, value in machine.settings.items() if key != "roleArn"}),
            "Tags": pairs(self.tags),
        }
        logs = self.names.of(f"logs {log_group_of(machine.name)}")
        depends = [*aliases, *([logs] if logs in self.resources else [])]
        name = self.names.of(f"{machine.name} machine")
        more = {"DependsOn": depends} if depends else {}
        self.add(name, "AWS::StepFunctions::StateMachine", properties, **_RETAINED, **more)
        mark = digest([machine.settings, exported.text, role, versions])[:10]
        version = self.add(
            f"{self.names.of(f'{machine.name} machine version')}{mark}",
            "AWS::StepFunctions::StateMachineVersion",
            {
                "StateMachineArn": {"Ref": name},
                "StateMachineRevisionId": {"Fn::GetAtt": [name, "StateMachineRevisionId"]},
            },
            **_RETAINED,
        )
        self.machines[machine.name] = version
        gradual = {
            key: {"Fn::If": ["IsGradual", {"Ref": parameter}, {"Ref": "AWS::NoValue"}]}
            for key, parameter in (("Percentage", "DeploymentPercentage"), ("Interval", "DeploymentInterval"))
        }
        preference = {
            "StateMachineVersionArn": {"Ref": version},
            "Type": {"Ref": "DeploymentType"},
            **gradual,
            **({"Alarms": [*self.alarms]} if self.alarms else {}),
        }
        moved = self.add(
            self.names.of(f"{machine.name} machine alias"),
            "AWS::StepFunctions::StateMachineAlias",
            {"Name": machine.alias, "DeploymentPreference": preference},
        )
        self.outputs[self.names.of(f"{machine.name} start")] = {
            "Description": f"What callers of {machine.name} start",
            "Value": {"Ref": moved},
        }

    def function_alias(self, function: str, alias: str) -> str:
        """An alias that is never moved, for Tasks that choose the function at run time."""
        version = self.versions[function]
        name = f"{self.names.of(f'{function} pin')}{alias.rpartition('-')[2]}"
        properties = {
            "FunctionName": {"Ref": self.names.of(f"{function} function")},
            "FunctionVersion": {"Fn::GetAtt": [version, "Version"]},
            "Name": alias,
        }
        return self.add(name, "AWS::Lambda::Alias", properties, **_RETAINED)


def _capitals(value: Any) -> Any:
    """The parameters of Step Functions' API as CloudFormation writes them: `includeExecutionData` with a capital."""
    if isinstance(value, dict):
        return {key[:1].upper() + key[1:]: _capitals(each) for key, each in value.items()}
    return [_capitals(each) for each in value] if isinstance(value, list) else value


def _substitute(value: Any) -> Any:
    """Fn::Sub for each text that has marks; what looks like a substitution in it is escaped."""
    if isinstance(value, dict):
        return {key: _substitute(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_substitute(each) for each in value]
    if not isinstance(value, str) or not any(mark in value for mark in _MARKS):
        return value
    text = re.sub(r"\$\{(?=[^!])", "${!", value)
    for mark, name in _MARKS.items():
        text = text.replace(mark, f"${{{name}}}")
    return {"Fn::Sub": text}
