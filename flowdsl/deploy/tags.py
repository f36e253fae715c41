"""Calls that tag, which each service has in its own way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, Final

from attrs import frozen

from .model import KEYS, AwsCall


def pairs(tags: Mapping[str, str], key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    return [{key: name, value: each} for name, each in sorted(tags.items())]


@frozen
class _Tagging:
    """How a service tags: what names the resource and the tags, and how it writes them."""

    resource: str
    write: Callable[[Mapping[str, str]], Any] = pairs
    tags: str = "Tags"
    keys: str = "TagKeys"
    of: str = "Resource"
    """What it tags, as the names of its operations have it: TagRole, UntagRole."""


_SERVICES: Final[Mapping[str, _Tagging]] = {
    "lambda": _Tagging("Resource", dict),
    "logs": _Tagging("resourceArn", dict, "tags", "tagKeys"),
    "iam": _Tagging("RoleName", of="Role"),
    "states": _Tagging("resourceArn", partial(pairs, key="key", value="value"), "tags", "tagKeys"),
    "dynamodb": _Tagging("ResourceArn"),
    "sqs": _Tagging("QueueUrl", dict, of="Queue"),
    "sns": _Tagging("ResourceArn"),
    "events": _Tagging("ResourceARN"),
    "cloudwatch": _Tagging("ResourceARN"),
    "scheduler": _Tagging("ResourceArn"),
}


def tag_call(kind: str, arn: str, tags: Mapping[str, str], resource: str, reason: str) -> AwsCall:
    service = _SERVICES[kind]
    arguments = {service.resource: arn, service.tags: service.write(tags)}
    return AwsCall(kind, f"Tag{service.of}", arguments, resource, reason)


def untag_call(kind: str, arn: str, keys: list[str], resource: str, reason: str) -> AwsCall:
    service = _SERVICES[kind]
    return AwsCall(kind, f"Untag{service.of}", {service.resource: arn, service.keys: keys}, resource, reason)


def changed_tags(live: Mapping[str, str], wanted: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """The tags to set, and the names of those to remove: flowdsl removes only what it set itself."""
    changed = {key: value for key, value in wanted.items() if live.get(key) != value}
    own = {*live.get(KEYS, "").split(), KEYS}
    return changed, sorted((own & live.keys()) - wanted.keys())


def tag_calls(
    kind: str, arn: str, resource: str, live: Mapping[str, str], wanted: Mapping[str, str]
) -> Iterator[AwsCall]:
    """The calls that bring a resource's tags to what is wanted."""
    changed, gone = changed_tags(live, wanted)
    if changed:
        yield tag_call(kind, arn, changed, resource, f"tags {', '.join(sorted(changed))}")
    if gone:
        yield untag_call(kind, arn, gone, resource, f"tags {', '.join(gone)} removed")
