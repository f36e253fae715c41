"""Roles: the calls that create and change one, and how its permissions are spread over policies. Pure.

A role only gains permissions here: an execution keeps the ARN of its role, but the role's policies are live. What the
new definition no longer needs is kept, in the inline policy EARLIER or in policies that stay attached, until prune.

Permissions are an inline policy as long as they fit; then they are managed policies that are named by their content.
Those never change: another content is another policy.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from attrs import evolve

from .model import CLOCK, DROPPED, EARLIER, FOR, NOW, POLICY, AwsCall, LiveRole, Problem, Ref, Role, Stack, digest
from .statements import INLINE_LIMIT, MANAGED_LIMIT, Statement, actions, merge, policy, size, without
from .tags import pairs, tag_calls

MOST_ATTACHED: Final = 10
"""Managed policies of a role. Source: IAM User Guide, "IAM and AWS STS quotas"; the quota can be raised."""

Step = AwsCall | Problem


def split(statements: Iterable[Statement], limit: int = MANAGED_LIMIT) -> tuple[tuple[Statement, ...], ...]:
    """The statements in few parts, each at most `limit` characters as a policy."""
    parts: list[list[Statement]] = [[]]
    count = 0
    for statement in merge(statements):
        head = size([evolve(statement, resources=())])
        resources: list[str] = []
        count += head
        for resource in statement.resources:
            length = len(json.dumps(resource)) + 1
            if count + length > limit:
                parts[-1] += [evolve(statement, resources=resources)] if resources else []
                parts.append([])
                resources, count = [], head
            resources.append(resource)
            count += length
        parts[-1].append(evolve(statement, resources=resources))
    return tuple(merge(part) for part in parts if part)


def policy_arn(stack: Stack, role: str, statements: tuple[Statement, ...]) -> str:
    """The ARN of the managed policy with these statements."""
    name = f"{role}-{digest(policy(statements))[:12]}"
    return f"arn:{stack.place.partition}:iam::{stack.place.account}:policy{stack.role_path}{name}"


def plan_role(
    stack: Stack,
    role: Role,
    live: LiveRole | None,
    tags: Mapping[str, str],
    managed: Mapping[str, tuple[Statement, ...]],
) -> Iterator[Step]:
    """The calls for a role that is the stack's own or new. `managed` are the stack's managed policies that exist."""
    resource = f"role {role.name}"
    document = json.dumps(role.trust, sort_keys=True)
    tags = {**tags, FOR: role.owner}
    if live is None:
        arguments = {
            "RoleName": role.name,
            "Path": stack.role_path,
            "AssumeRolePolicyDocument": document,
            "Description": "Made by flowdsl",
            "Tags": pairs(tags),
        }
        yield AwsCall("iam", "CreateRole", arguments, resource, "new")
    else:
        if live.trust != role.trust:
            arguments = {"RoleName": role.name, "PolicyDocument": document}
            yield AwsCall("iam", "UpdateAssumeRolePolicy", arguments, resource, "who may assume it")
        yield from tag_calls("iam", role.name, resource, live.tags, tags)
    steps = [*_policies(stack, role, live, tags, managed)]
    if live and any(isinstance(each, AwsCall) for each in steps) and _loses(role, live):
        # First, so that a break in between leaves it no later than the change.
        arguments = {"RoleName": role.name, "Tags": [{"Key": DROPPED, "Value": Ref(CLOCK, NOW)}]}
        yield AwsCall("iam", "TagRole", arguments, resource, "permissions are kept for what began before")
    yield from steps


def _loses(role: Role, live: LiveRole) -> bool:
    """True if the role has permissions, besides those kept for earlier versions, that it does not need any more."""
    present = [*live.policies.get(POLICY, ()), *(each for part in live.managed.values() for each in part)]
    return bool(without(present, role.statements))


def _policies(
    stack: Stack,
    role: Role,
    live: LiveRole | None,
    tags: Mapping[str, str],
    managed: Mapping[str, tuple[Statement, ...]],
) -> Iterator[Step]:
    resource = f"role {role.name}"
    current = live.policies.get(POLICY, ()) if live else ()
    earlier = live.policies.get(EARLIER, ()) if live else ()
    attached = live.managed if live else {}
    lost = without(current, role.statements)
    kept = merge([*earlier, *lost])
    managed_parts: list[tuple[Statement, ...]] = []
    if size(current) + size(kept) > INLINE_LIMIT:  # both are there until the inline policy is changed
        kept = merge(earlier)
        managed_parts += split(lost)
    fits = size(kept) + size(role.statements) <= INLINE_LIMIT
    if not fits:
        managed_parts += split(role.statements)
    parts = {policy_arn(stack, role.name, part): part for part in managed_parts}
    yield from _problems(resource, parts, live)
    for arn, statements in parts.items():
        name = f"policy {arn.rpartition('/')[2]}"
        if arn not in managed:
            yield _create_policy(stack, arn, statements, tags, name)
        elif managed[arn] != statements:
            arguments = {"PolicyArn": arn, "PolicyDocument": _text(statements), "SetAsDefault": True}
            yield AwsCall("iam", "CreatePolicyVersion", arguments, name, "was changed")
        if arn not in attached:
            yield AwsCall("iam", "AttachRolePolicy", {"RoleName": role.name, "PolicyArn": arn}, resource, name)
    if kept != merge(earlier):
        yield put_policy(role.name, EARLIER, kept, resource, "kept for versions that are in use")
    if fits and merge(current) != merge(role.statements):
        new = without(role.statements, current)
        words = [f"{len(actions(new))} actions added"] if new and live else []
        words += [f"{len(actions(lost))} no longer needed"] if lost else []
        if role.statements:
            yield put_policy(role.name, POLICY, role.statements, resource, ", ".join(words) or "permissions")
        else:
            yield delete_policy(role.name, POLICY, resource, "no permissions are needed")
    elif not fits and current:
        yield delete_policy(role.name, POLICY, resource, "managed policies have its permissions now")


def _problems(resource: str, parts: Mapping[str, Any], live: LiveRole | None) -> Iterator[Problem]:
    attached = {*live.managed, *(each for each in live.foreign if ":policy/" in each)} if live else set()
    if parts and len(attached | parts.keys()) > MOST_ATTACHED:
        message = f"{resource} would have {len(attached | parts.keys())} managed policies; IAM takes {MOST_ATTACHED}"
        hint = "run flowdsl prune, or state permissions with wider resources, such as a name with *"
        yield Problem(message, hint)


def _text(statements: Iterable[Statement]) -> str:
    return json.dumps(policy(statements), sort_keys=True, separators=(",", ":"))


def _create_policy(
    stack: Stack, arn: str, statements: tuple[Statement, ...], tags: Mapping[str, str], name: str
) -> AwsCall:
    arguments = {
        "PolicyName": arn.rpartition("/")[2],
        "Path": stack.role_path,
        "PolicyDocument": _text(statements),
        "Description": "Made by flowdsl",
        "Tags": pairs(tags),
    }
    reason = f"the role's permissions are more than the {INLINE_LIMIT} characters of inline policies"
    return AwsCall("iam", "CreatePolicy", arguments, name, reason)


def put_policy(role: str, name: str, statements: Iterable[Statement], resource: str, reason: str) -> AwsCall:
    document = json.dumps(policy(statements), sort_keys=True)
    arguments = {"RoleName": role, "PolicyName": name, "PolicyDocument": document}
    return AwsCall("iam", "PutRolePolicy", arguments, resource, reason)


def delete_policy(role: str, name: str, resource: str, reason: str) -> AwsCall:
    return AwsCall("iam", "DeleteRolePolicy", {"RoleName": role, "PolicyName": name}, resource, reason)


def remove_managed(role: LiveRole, arn: str, reason: str) -> Iterator[AwsCall]:
    """Detach a managed policy and delete it."""
    yield AwsCall("iam", "DetachRolePolicy", {"RoleName": role.name, "PolicyArn": arn}, f"role {role.name}", reason)
    yield delete_managed(arn, reason)


def delete_managed(arn: str, reason: str) -> AwsCall:
    return AwsCall("iam", "DeletePolicy", {"PolicyArn": arn}, f"policy {arn.rpartition('/')[2]}", reason)


def remove_role(role: LiveRole, reason: str) -> Iterator[AwsCall]:
    """Delete a role with all policies that flowdsl made for it. Those of somebody else make IAM refuse that."""
    resource = f"role {role.name}"
    for name in role.policies:
        yield delete_policy(role.name, name, resource, f"policy {name}")
    for arn in role.managed:
        yield from remove_managed(role, arn, reason)
    yield AwsCall("iam", "DeleteRole", {"RoleName": role.name}, resource, reason)
