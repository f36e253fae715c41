"""How long a role keeps permissions that the newest build does not ask for any more. Pure.

A role's policies are live, so whatever began before a permission was dropped may still need it. Most of it is derived
again from the definitions in use. What no definition explains, because it was stated in the settings or was of another
logging or encryption, stays as long as something is in use that is older than the role's tag DROPPED.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from .model import DROPPED, Live, LiveMachine, LiveRole
from .statements import Statement, merge, within, without

EXPRESS_RUNS: Final = timedelta(minutes=5)
"""How long an Express execution can run at most. They cannot be listed."""
MARGIN: Final = timedelta(minutes=5)
"""For clocks that differ, and for the time between the tag and the change of the policy."""


def dropped_at(role: LiveRole) -> datetime | None:
    """When permissions were last dropped from a role; None if that is not known."""
    return _time(role.tags.get(DROPPED, ""))


def is_older_in_use(role: LiveRole, live: Live, kept: set[str], now: datetime) -> bool:
    """True if something in use may have begun before the role lost permissions.

    `kept` are the ARNs of the versions of state machines that stay. Executions of all the stack's state machines
    count, because they start each other.
    """
    when = dropped_at(role)
    return any(
        when is None or since is None or since < when + MARGIN
        for machine in live.machines.values()
        for since in _beginnings(machine, kept, now)
    )


def _beginnings(machine: LiveMachine, kept: set[str], now: datetime) -> Iterator[datetime | None]:
    """When what is in use began: executions, and versions of other definitions than the present one.

    What runs an earlier definition had the permissions of that definition, whenever it was started.
    """
    created = {each.arn: each.created for each in machine.versions}
    for execution in machine.executions:
        if execution.version and execution.definition != machine.definition:
            yield created.get(execution.version)
        elif execution.definition != machine.definition:
            yield None
        else:
            yield _time(execution.started)
    for version in machine.versions:
        if version.arn in kept and version.definition != machine.definition:
            yield version.created
    if machine.type == "EXPRESS":
        yield now - EXPRESS_RUNS


def _time(text: str) -> datetime | None:
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return None
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def still_needed(
    earlier: Iterable[Statement], derived: Iterable[Statement], *, is_older: bool
) -> tuple[Statement, ...]:
    """Of the permissions that were dropped, those that definitions in use need, and while anything older is in use,
    those that no definition explains."""
    earlier = [*earlier]
    explained = within(earlier, derived := [*derived])
    return merge([*explained, *without(earlier, derived)]) if is_older else merge(explained)


def differing(definitions: Iterable[Mapping[str, Any]], present: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The definitions in use that are not the present one."""
    return [each for each in definitions if each != present]
