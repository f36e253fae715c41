"""Calls that tag, which each service has in its own way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .model import KEYS, Call


def pairs(tags: Mapping[str, str], key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    return [{key: name, value: each} for name, each in sorted(tags.items())]


def tag_call(kind: str, arn: str, tags: Mapping[str, str], resource: str, reason: str) -> Call:
    calls: dict[str, tuple[str, dict[str, Any]]] = {
        "lambda": ("TagResource", {"Resource": arn, "Tags": dict(tags)}),
        "logs": ("TagResource", {"resourceArn": arn, "tags": dict(tags)}),
        "iam": ("TagRole", {"RoleName": arn, "Tags": pairs(tags)}),
        "states": ("TagResource", {"resourceArn": arn, "tags": pairs(tags, "key", "value")}),
        "dynamodb": ("TagResource", {"ResourceArn": arn, "Tags": pairs(tags)}),
        "sqs": ("TagQueue", {"QueueUrl": arn, "Tags": dict(tags)}),
        "sns": ("TagResource", {"ResourceArn": arn, "Tags": pairs(tags)}),
        "events": ("TagResource", {"ResourceARN": arn, "Tags": pairs(tags)}),
        "cloudwatch": ("TagResource", {"ResourceARN": arn, "Tags": pairs(tags)}),
        "scheduler": ("TagResource", {"ResourceArn": arn, "Tags": pairs(tags)}),
    }
    operation, arguments = calls[kind]
    return Call(kind, operation, arguments, resource, reason)


def untag_call(kind: str, arn: str, keys: list[str], resource: str, reason: str) -> Call:
    calls: dict[str, tuple[str, dict[str, Any]]] = {
        "lambda": ("UntagResource", {"Resource": arn, "TagKeys": keys}),
        "logs": ("UntagResource", {"resourceArn": arn, "tagKeys": keys}),
        "iam": ("UntagRole", {"RoleName": arn, "TagKeys": keys}),
        "states": ("UntagResource", {"resourceArn": arn, "tagKeys": keys}),
        "dynamodb": ("UntagResource", {"ResourceArn": arn, "TagKeys": keys}),
        "sqs": ("UntagQueue", {"QueueUrl": arn, "TagKeys": keys}),
        "sns": ("UntagResource", {"ResourceArn": arn, "TagKeys": keys}),
        "events": ("UntagResource", {"ResourceARN": arn, "TagKeys": keys}),
        "cloudwatch": ("UntagResource", {"ResourceARN": arn, "TagKeys": keys}),
        "scheduler": ("UntagResource", {"ResourceArn": arn, "TagKeys": keys}),
    }
    operation, arguments = calls[kind]
    return Call(kind, operation, arguments, resource, reason)


def changed_tags(live: Mapping[str, str], wanted: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """The tags to set, and the names of those to remove: flowdsl removes only what it set itself."""
    changed = {key: value for key, value in wanted.items() if live.get(key) != value}
    own = {*live.get(KEYS, "").split(), KEYS}
    return changed, sorted((own & live.keys()) - wanted.keys())


def tag_calls(kind: str, arn: str, resource: str, live: Mapping[str, str], wanted: Mapping[str, str]) -> Iterator[Call]:
    """The calls that bring a resource's tags to what is wanted."""
    changed, gone = changed_tags(live, wanted)
    if changed:
        yield tag_call(kind, arn, changed, resource, f"tags {', '.join(sorted(changed))}")
    if gone:
        yield untag_call(kind, arn, gone, resource, f"tags {', '.join(gone)} removed")
