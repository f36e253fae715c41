"""How the record of an integration says what its calls need of the state machine's role.

These are named tuples because a check imports them and attrs makes classes slowly.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from ..base.named import NamedTuple
from ..base.patterns import regex
from .placeholders import partition_of


class Grant(NamedTuple):
    """Actions on a resource.

    `on` is an ARN in which `{partition}`, `{region}` and `{account}` stand for the place, `{Name}` for the argument of
    that name, which has to be known, and `{Name*}` for one that may be chosen at run time (then `*`). An argument that
    is an ARN itself replaces the whole. Inner arguments are written with dots: `{Source.Bucket}`. What follows a colon,
    as in `{TaskDefinition:revision}`, is how the argument is rewritten: see `REWRITES`.
    """

    actions: str
    on: str = "*"
    sync: bool = False
    """True if only `.sync` needs it."""
    only_with: str = ""
    """An argument without which it is not needed."""
    condition: tuple[str, str, str] | None = None
    """An operator of IAM, a key, and its value, in which arguments are filled in as in `on`."""


def without_qualifier(machine: str) -> str:
    """The ARN of a state machine without its version or alias: IAM knows only that.

    Source: Step Functions Developer Guide, "Authorization for versions and aliases".
    """
    return ":".join(machine.split(":")[:7])


def queue_arn(url: str) -> str:
    """The ARN of a queue by its URL, which tells its region and account; of any other text the last part.

    >>> queue_arn("https://sqs.eu-west-1.amazonaws.com/123456789012/orders")
    'arn:aws:sqs:eu-west-1:123456789012:orders'
    """
    if match := _QUEUE.match(url):
        region, account, name = match.groups()
        return f"arn:{partition_of(region)}:sqs:{region}:{account}:{name}"
    return url.rstrip("/").rpartition("/")[2]


_QUEUE: Final = regex(r"https://sqs\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/(\d{12})/([^/]+)$")


def service_role(service: str, role: str) -> Grant:
    """The service-linked role that a service makes in an account at its first use."""
    on = f"arn:{{partition}}:iam::{{account}}:role/aws-service-role/{service}/{role}"
    return Grant("iam:CreateServiceLinkedRole", on, condition=("StringLike", "iam:AWSServiceName", service))


REWRITES: Final[Mapping[str, Callable[[str], str]]] = {
    # An ARN without a revision is refused since October 2024.
    "revision": lambda name: name if re.search(r":\d+$", name) else f"{name}:*",
    "s3": lambda uri: uri.removeprefix("s3://"),
    "api": lambda endpoint: endpoint.partition(".")[0],
    "path": lambda path: path.lstrip("/"),
    "machine": without_qualifier,
    "queue": queue_arn,
    # A copy's source: `bucket/key`, perhaps with a version.
    "source": lambda source: source.lstrip("/").partition("?")[0],
    # IAM knows a key only by its id, which an alias does not tell.
    "key": lambda key: "" if key.startswith("alias/") or ":alias/" in key else key,
}
"""How arguments are rewritten; "" for one that does not tell the resource, an ARN for one that tells all of it."""


class Rights(NamedTuple):
    """What a call needs of the role."""

    grants: tuple[Grant, ...] = ()
    rule: str = ""
    """The EventBridge rule that Step Functions manages for `.sync`."""
    roles: Mapping[str, str] = MappingProxyType({})
    """Arguments that are roles which the call hands on → the services that take them."""
    hidden: str = ""
    """What the role may need besides, which the definition does not tell."""


def on(service: str, resource: str) -> str:
    """The ARN of a service's resource, for `Grant.on`."""
    return f"arn:{{partition}}:{service}:{{region}}:{{account}}:{resource}"


def allow(service: str, action: str, resource: str) -> Rights:
    """The rights of an action that needs only the IAM action of its name.

    >>> allow("sns", "publish", "{TopicArn}").grants[0].actions
    'sns:Publish'
    """
    return Rights((Grant(f"{service}:{action[0].upper()}{action[1:]}", on(service, resource)),))
