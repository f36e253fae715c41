"""What has to be stored so that executions can go on after the process has ended, as values and as JSON.

A `Snapshot` is data only: the journals of the executions, the calls that have not ended, and the timers. The journal
alone is enough to rebuild an execution (`replay`), with everything that it waits for; timers add the answers that were
received and are due later. A call that had not returned is made again: at least once, as with any queue. An execution
that it started in this scheduler is not started again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
from attrs import frozen

from . import core, messages
from .calls import Heartbeat
from .core import Entry, Identity
from .history import JSON
from .messages import Address, Pending


@frozen
class StoredTimer:
    """A message and when it is due, in seconds since 1970."""

    when: float
    is_timeout: bool
    message: Pending


@frozen
class StoredTask:
    """A call that has not ended."""

    to: Address
    beat: float
    is_calling: bool
    is_queued: bool
    """True for an activity's task that waits for a worker."""
    is_settled: bool
    is_holding: bool
    early: tuple[messages.Sent, ...]


@frozen
class Descent:
    """The execution (an ARN) that an effect started."""

    to: Address
    child: str


@frozen
class StoredExecution:
    """One execution; `waiting` are the fibers that wait for its end."""

    identity: Identity
    input: JSON
    start: float
    depth: int
    waiting: tuple[Address, ...]
    journal: tuple[Entry, ...]


@frozen
class Snapshot:
    """All executions of a scheduler at one moment, in the order in which they were started.

    Among the timers are the messages of the inbox, due at 0. `timers` of None means that only the journals were stored:
    timers are set again from what the executions wait for.
    """

    now: float
    order: int
    """How many names the scheduler has made up."""
    executions: tuple[StoredExecution, ...]
    descent: tuple[Descent, ...] = ()
    tasks: tuple[StoredTask, ...] = ()
    timers: tuple[StoredTimer, ...] | None = None


_CLASSES: dict[str, type[Any]] = {
    cls.__name__: cls
    for cls in (
        *(core.Start, core.Wake, core.Submitted, core.Started, core.Succeeded, core.Failed, core.TimedOut, core.Stop),
        *(Heartbeat, Entry, Identity, Descent, StoredTimer, StoredTask, StoredExecution, Snapshot),
        *(
            messages.Begin,
            messages.Launch,
            messages.Expire,
            messages.Halt,
            messages.Resume,
            messages.Inform,
            messages.Sent,
        ),
        *(messages.CheckHeartbeat, messages.Repeat),
    )
}
_VALUES = {"input", "output"}
"""The fields that hold JSON values, which are stored as they are."""


def to_json(value: Any) -> JSON:
    """Write a snapshot, a timer, a message, an entry of a journal or a signal as a JSON value.

    Each is an object with its class in `is`; an address is an array.

    >>> to_json(Entry(1.5, 1, core.Succeeded({"paid": True})))
    {'is': 'Entry', 'now': 1.5, 'fiber': 1, 'signal': {'is': 'Succeeded', 'output': {'paid': True}}}
    """
    if isinstance(value, Address):
        return list(value)
    if isinstance(value, tuple):
        return [to_json(item) for item in value]
    if not attrs.has(type(value)):
        return value
    fields = {each.name: getattr(value, each.name) for each in attrs.fields(type(value))}
    return {
        "is": type(value).__name__,
        **{name: item if name in _VALUES else to_json(item) for name, item in fields.items()},
    }


def from_json(stored: JSON) -> Any:
    """Read what `to_json` wrote. Raises ValueError if it is something else."""
    if not isinstance(stored, Mapping) or stored.get("is") not in _CLASSES:
        raise ValueError(f"not a stored value of flowdsl's engine: {str(stored)[:80]}")
    cls = _CLASSES[stored["is"]]
    return cls(**{name: _field(name, value) for name, value in stored.items() if name != "is"})


def _field(name: str, value: JSON) -> Any:
    if name in _VALUES:
        return value
    if name == "to":
        return Address(*value)
    if name == "waiting":
        return tuple(Address(*each) for each in value)
    if isinstance(value, list):
        return tuple(from_json(each) for each in value)
    return from_json(value) if isinstance(value, dict) else value
