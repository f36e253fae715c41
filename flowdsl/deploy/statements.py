"""IAM statements as values, and the policies that they add up to."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from attrs import evolve, field, frozen

from ..asl.placeholders import partition_of

INLINE_LIMIT: Final = 10_240
"""Characters of all inline policies of a role together, white space not counted. Source: IAM User Guide, "Quotas"."""
MANAGED_LIMIT: Final = 6_144
"""Characters of a managed policy, white space not counted. Source: as above."""


@frozen
class Place:
    """Where a deployment goes: one region of one account."""

    region: str
    account: str

    @property
    def partition(self) -> str:
        return partition_of(self.region)

    def arn(self, service: str, resource: str) -> str:
        """
        >>> Place("eu-west-1", "123456789012").arn("sqs", "orders")
        'arn:aws:sqs:eu-west-1:123456789012:orders'
        """
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def role(self, name: str, path: str = "/") -> str:
        return f"arn:{self.partition}:iam::{self.account}:role{path}{name}"

    def bucket(self, name: str) -> str:
        return f"arn:{self.partition}:s3:::{name}"


def _ordered(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(values)))


@frozen(order=True)
class Statement:
    """What a role may do: actions, each spelled out, on resources.

    `condition` is JSON text, "" for none, so that a statement can be compared and sorted.
    """

    actions: tuple[str, ...] = field(converter=_ordered)
    resources: tuple[str, ...] = field(converter=_ordered)
    condition: str = ""

    @classmethod
    def of(
        cls, actions: str | Iterable[str], *resources: str, condition: Mapping[str, Mapping[str, Any]] | None = None
    ) -> Statement:
        """A statement; actions as a list or as text with spaces between them."""
        names = actions.split() if isinstance(actions, str) else actions
        return cls(names, resources, json.dumps(condition, sort_keys=True) if condition else "")

    def json(self) -> dict[str, Any]:
        written: dict[str, Any] = {"Effect": "Allow", "Action": [*self.actions], "Resource": [*self.resources]}
        if self.condition:
            written["Condition"] = json.loads(self.condition)
        return written


def merge(statements: Iterable[Statement]) -> tuple[Statement, ...]:
    """The same permissions in as few statements as equal actions, or equal resources, allow; sorted."""
    by_actions: dict[tuple[tuple[str, ...], str], Statement] = {}
    for each in statements:
        key = each.actions, each.condition
        known = by_actions.get(key)
        by_actions[key] = evolve(known, resources=(*known.resources, *each.resources)) if known else each
    by_resources: dict[tuple[tuple[str, ...], str], Statement] = {}
    for each in by_actions.values():
        place = each.resources, each.condition
        known = by_resources.get(place)
        by_resources[place] = evolve(known, actions=(*known.actions, *each.actions)) if known else each
    merged = [*by_resources.values()]
    return tuple(sorted(one for one in merged if not any(_covers(other, one) for other in merged if other is not one)))


def _covers(one: Statement, other: Statement) -> bool:
    return (
        one.condition == other.condition
        and {*one.actions} >= {*other.actions}
        and ({*one.resources} >= {*other.resources})
    )


def policy(statements: Iterable[Statement]) -> dict[str, Any] | None:
    """A policy document, None without statements: IAM refuses an empty one."""
    merged = merge(statements)
    return {"Version": "2012-10-17", "Statement": [each.json() for each in merged]} if merged else None


def read_policy(document: Mapping[str, Any]) -> tuple[Statement, ...]:
    """The statements of a policy document that flowdsl wrote."""
    return tuple(
        Statement.of(
            [*_list(each.get("Action"))], *_list(each.get("Resource")), condition=each.get("Condition") or None
        )
        for each in _list(document.get("Statement"))
        if isinstance(each, Mapping) and each.get("Effect") == "Allow"
    )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def size(statements: Iterable[Statement]) -> int:
    """The characters that IAM counts of the statements' policy."""
    document = policy(statements)
    return len(json.dumps(document, separators=(",", ":"))) if document else 0


def trust(service: str, condition: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The policy that lets a service, such as `lambda.amazonaws.com`, take over a role."""
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
    }
    if condition:
        statement["Condition"] = dict(condition)
    return {"Version": "2012-10-17", "Statement": [statement]}


def _triples(statements: Iterable[Statement]) -> set[tuple[str, str, str]]:
    return {(action, on, each.condition) for each in statements for action in each.actions for on in each.resources}


def without(statements: Iterable[Statement], others: Iterable[Statement]) -> tuple[Statement, ...]:
    """What the first statements allow and the others do not, action by action."""
    left = sorted(_triples(statements) - _triples(others))
    return merge(Statement((action,), (on,), condition) for action, on, condition in left)


def within(statements: Iterable[Statement], others: Iterable[Statement]) -> tuple[Statement, ...]:
    """What both allow."""
    both = sorted(_triples(statements) & _triples(others))
    return merge(Statement((action,), (on,), condition) for action, on, condition in both)


def actions(statements: Iterable[Statement]) -> set[str]:
    return {action for each in statements for action in each.actions}
