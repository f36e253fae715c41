"""Calls that tag, which each service has in its own way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .model import Call


def pairs(tags: Mapping[str, str], key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    return [{key: name, value: each} for name, each in sorted(tags.items())]


def tag_call(kind: str, arn: str, tags: Mapping[str, str], resource: str, reason: str) -> Call:
    calls: dict[str, tuple[str, dict[str, Any]]] = {
        "lambda": ("TagResource", {"Resource": arn, "Tags": dict(tags)}),
        "logs": ("TagResource", {"resourceArn": arn, "tags": dict(tags)}),
        "iam": ("TagRole", {"RoleName": arn, "Tags": pairs(tags)}),
        "states": ("TagResource", {"resourceArn": arn, "tags": pairs(tags, "key", "value")}),
    }
    operation, arguments = calls[kind]
    return Call(kind, operation, arguments, resource, reason)


def untag_call(kind: str, arn: str, keys: list[str], resource: str, reason: str) -> Call:
    calls: dict[str, tuple[str, dict[str, Any]]] = {
        "lambda": ("UntagResource", {"Resource": arn, "TagKeys": keys}),
        "logs": ("UntagResource", {"resourceArn": arn, "tagKeys": keys}),
        "iam": ("UntagRole", {"RoleName": arn, "TagKeys": keys}),
        "states": ("UntagResource", {"resourceArn": arn, "tagKeys": keys}),
    }
    operation, arguments = calls[kind]
    return Call(kind, operation, arguments, resource, reason)
