"""A state machine's alias: where it routes, and what its description keeps of how it got there.

The description changes together with the routes, in one call, so a canary can be taken up again by anybody.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from .model import Canary, LiveAlias, Ref, Text


def routing(routes: Mapping[str | Ref, int]) -> list[dict[str, Any]]:
    return [
        {"stateMachineVersionArn": Text((arn,)) if isinstance(arn, Ref) else arn, "weight": weight}
        for arn, weight in routes.items()
    ]


def routes_text(alias: LiveAlias) -> str:
    parts = [f"version {arn.rpartition(':')[2]}" for arn in alias.routes]
    return " and ".join(parts)


_SAYS = "flowdsl "


def move_description(
    previous: str | None = None, canary: tuple[int, str] | None = None, *, rolled_back: str | None = None
) -> str:
    """The description of an alias: where it pointed before, and the canary that goes on: percent and end."""
    value: dict[str, Any] = {}
    if previous:
        value["previous"] = int(previous.rpartition(":")[2])
    if rolled_back:
        value["rolled_back"] = int(rolled_back.rpartition(":")[2])
    if canary:
        value["canary"] = {"percent": canary[0], "until": canary[1]}
    return _SAYS + json.dumps(value)


def read_description(alias: LiveAlias) -> dict[str, Any]:
    """What `move_description` wrote; empty for a description of somebody else."""
    try:
        value = json.loads(alias.description.removeprefix(_SAYS)) if alias.description.startswith(_SAYS) else {}
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def read_canary(alias: LiveAlias) -> Canary | None:
    """The canary that the alias is in the middle of, with the share that it has now; None if somebody broke it."""
    value = read_description(alias)
    canary, previous = value.get("canary"), value.get("previous")
    old = next((arn for arn in alias.routes if arn.endswith(f":{previous}")), None)
    new = next((arn for arn in alias.routes if arn != old), None)
    if not isinstance(canary, dict) or len(alias.routes) != 2 or old is None or new is None:
        return None
    try:
        until = datetime.fromisoformat(str(canary.get("until")))
    except ValueError:
        return None
    return Canary(old, new, alias.routes[new], until.isoformat()) if until.tzinfo else None
