"""How the record of an integration says what its calls need of the state machine's role.

These are named tuples because a check imports them and attrs makes classes slowly.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from ..base.named import NamedTuple


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


def without_qualifier(machine: str) -> str:
    """The ARN of a state machine without its version or alias: IAM knows only that.

    Source: Step Functions Developer Guide, "Authorization for versions and aliases".
    """
    return ":".join(machine.split(":")[:7])


REWRITES: Final[Mapping[str, Callable[[str], str]]] = {
    # An ARN without a revision is refused since October 2024.
    "revision": lambda name: name if re.search(r":\d+$", name) else f"{name}:*",
    "s3": lambda uri: uri.removeprefix("s3://"),
    "api": lambda endpoint: endpoint.partition(".")[0],
    "path": lambda path: path.lstrip("/"),
    "machine": without_qualifier,
    "queue": lambda url: url.rstrip("/").rpartition("/")[2],
}


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
