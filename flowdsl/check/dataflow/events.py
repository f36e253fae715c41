"""The event that a Task sends to its function, against the annotation of the handler's first parameter.

Only what the annotation requires is asked for: the keys of a TypedDict that are not NotRequired, with their kinds; and
without an annotation, the keys that the handler reads in any case. Lambda passes the payload on as it is.
Source: Lambda Developer Guide, "Define Lambda function handler in Python".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ...base.named import NamedTuple
from ...base.words import abbreviate, nearest
from .kinds import kind_of_shape, misfit, misfit_sometimes
from .shapes import ArrayShape, Member, ObjectShape, ScalarShape, Shape, flatten

MAX_DEPTH: Final = 8


class Misfit(NamedTuple):
    """What is wrong with an event: the keys that lead to the value, the message, what to write instead."""

    keys: tuple[str, ...]
    message: str
    hint: str | None = None
    lacks: tuple[str, ...] = ()
    """The keys that lead to what the event surely lacks."""


def misfits(event: Shape, wanted: Shape, keys: tuple[str, ...] = ()) -> Iterator[Misfit]:
    """Yield what a handler asks for and the event does not have, or has of another kind."""
    if len(keys) > MAX_DEPTH:
        return
    kind = kind_of_shape(wanted)
    name = ".".join(keys) or "the event"
    if kind in ("string", "number", "boolean") and (wrong := misfit_sometimes(event, str(kind))):
        yield Misfit(keys, f"{name} must be {wrong}")
    event, wanted = flatten(event), flatten(wanted)
    kind = kind_of_shape(wanted)
    if kind in ("string", "number", "boolean", "array", "object") and (wrong := misfit(event, str(kind))):
        yield Misfit(keys, f"{name} must be {wrong}")
    elif isinstance(wanted, ScalarShape) and isinstance(event, ScalarShape):
        if wanted.values is not None and event.values is not None and not wanted.values & event.values:
            values, known = (", ".join(sorted(map(abbreviate, each))) for each in (event.values, wanted.values))
            yield Misfit(keys, f"{name} is {values}, and the handler takes {known}")
    elif isinstance(wanted, ArrayShape) and isinstance(event, ArrayShape):
        if event.items != ():
            yield from misfits(event.item, wanted.item, (*keys, "[]"))
    elif isinstance(wanted, ObjectShape) and isinstance(event, ObjectShape):
        yield from _fields(event, wanted, keys)


def _fields(event: ObjectShape, wanted: ObjectShape, keys: tuple[str, ...]) -> Iterator[Misfit]:
    unknown = [name for name in event.fields if name not in wanted.fields]
    for name, member in wanted.fields.items():
        sent = event.fields.get(name)
        if sent is not None:
            yield from misfits(sent.shape, member.shape, (*keys, name))
            if member.always and not sent.always and sent.absent:
                message = f"{'.'.join((*keys, name))} is missing on some routes: {sent.absent} does not have it"
                yield Misfit((*keys, name), message)
        elif event.closed:
            near = nearest(name, unknown)
            if member.always:
                has = ", ".join(event.fields) or "nothing"
                hint = f"rename {near!r} to {name!r}" if near else f"add {name!r}"
                place = (*keys, near) if near else keys
                yield Misfit(place, f"{'.'.join((*keys, name))!r} is missing: the event has {has}", hint, (*keys, name))
            elif near:
                yield Misfit((*keys, near), f"the handler takes {name!r}", f"rename it to {name!r}")


def is_read(reads: Shape, keys: tuple[str, ...]) -> bool:
    """True if a handler reads the value at these keys in any case: without it, it raises a KeyError."""
    for key in keys:
        member = reads.fields.get(key) if isinstance(reads, ObjectShape) else None
        if member is None:
            return False
        reads = member.shape
    return keys != ()


def payload_of(shape: Shape) -> Member | None:
    """Return the payload in the arguments of lambda:invoke."""
    return shape.fields.get("Payload") if isinstance(shape, ObjectShape) else None
