"""What the parts of the AWS in memory share: its place, models, clock, and how it refuses a call."""

import base64
import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from attrs import define

from flowdsl.deploy.statements import Place

PLACE = Place("eu-west-1", "123456789012")
START = datetime(2026, 3, 1, tzinfo=UTC)
FOLDERS = {"states": "stepfunctions", "tagging": "resourcegroupstaggingapi"}
READS = ("Get", "List", "Describe", "Validate")


@cache
def model(service: str) -> Any:
    import botocore.session

    return botocore.session.get_session().get_service_model(FOLDERS.get(service, service))


@cache
def operation(service: str, name: str) -> Any:
    return model(service).operation_model(name)


@define
class Clock:
    """Time that passes when somebody sleeps."""

    time: datetime = START
    slept: float = 0.0

    def now(self) -> datetime:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept += seconds
        self.time += timedelta(seconds=seconds)


class ConnectionLostError(Exception):
    """The connection broke: whether the call was carried out is not known."""


class RefusedError(Exception):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(code)
        self.code, self.message = code, message


def get(values: Mapping[Any, Any], key: Any, code: str, message: str) -> Any:
    if key not in values:
        raise RefusedError(code, message)
    return values[key]


def iam_name(service: str, name: str) -> str:
    """The action in IAM that a call needs."""
    return f"{'tag' if service == 'tagging' else service}:{name}"


def needed_by_caller(service: str, name: str, arguments: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The actions that a call needs of the caller, with their resources. Publishing in one call needs both rights.

    Source: Step Functions Developer Guide, "Authorization for versions and aliases"; IAM User Guide, "Grant a user
    permissions to pass a role to an AWS service".
    """
    target = arguments.get("Target") or {}
    role = arguments.get("Role") or arguments.get("roleArn") or target.get("RoleArn")
    needed = [(iam_name(service, name), "*")]
    needed += [("states:PublishStateMachineVersion", "*")] if arguments.get("publish") else []
    if name.startswith("Create") and (arguments.get("Tags") or arguments.get("tags")):
        tag = {"CreateRole": "TagRole", "CreatePolicy": "TagPolicy", "CreateQueue": "TagQueue"}.get(name, "TagResource")
        needed.append((iam_name(service, tag), "*"))
    return [*needed, ("iam:PassRole", role)] if role else needed


def sha(data: bytes) -> str:
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


def matches(pattern: str, resource: str) -> bool:
    from fnmatch import fnmatchcase

    return fnmatchcase(resource, pattern)
