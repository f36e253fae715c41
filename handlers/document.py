"""Read the state document that every step receives, with clear errors instead of a KeyError."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, TypedDict, TypeVar, get_args, get_origin

T = TypeVar("T")

DONATION_FIELDS = ("id", "charity", "amount", "currency")
"""The fields of a donation that say nothing about the donor."""

PSP_FIELDS = (*DONATION_FIELDS, "payment_method", "capture")
"""The fields of a donation that a PSP's function gets."""

METHOD_FIELDS = ("type", "token", "psp")
"""The fields of a payment method that a PSP's function gets: others may name its holder."""

MOST_RETURNS = 20
"""Returns of a donor without a completed payment, after which only the PSP's webhook or the end of the day resumes the
execution: the number of its events is limited."""

_WORDS: dict[type, str] = {
    str: "a string",
    int: "an integer",
    dict: "an object",
    list: "an array",
    bool: "a boolean",
    float: "a number",
    type(None): "null",
}


class Done(TypedDict):
    """The answer of a step that adds no data."""

    status: Literal["done"]


class MalformedEvent(ValueError):
    """The event is not the document that this function expects; the message names the field."""


class Misconfigured(RuntimeError):
    """The function's environment or configuration is invalid; the message names the setting."""


def read(event: Mapping[str, Any], path: str, kind: type[T]) -> T:
    """Return the value at a dotted path, such as `payment.status`.

    Raises MalformedEvent if it is missing or has another type. The message omits the value, which may be private.
    """
    value: Any = event
    check_object(event)
    for step in path.split("."):
        if not isinstance(value, Mapping) or step not in value:
            raise MalformedEvent(f"{path}: missing; expected {word(kind)}")
        value = value[step]
    expected = get_origin(kind) or kind
    if not isinstance(value, expected) or (isinstance(value, bool) and expected is int):
        raise MalformedEvent(f"{path}: is {word(type(value))}; expected {word(kind)}")
    if expected is str and not value:
        raise MalformedEvent(f"{path}: is empty; expected {word(kind)}")
    return value


def read_objects(event: Mapping[str, Any], path: str) -> list[dict[str, Any]]:
    """Return the array of objects at a dotted path. Raises MalformedEvent."""
    items = read(event, path, list[Any])
    for number, item in enumerate(items):
        if not isinstance(item, dict):
            raise MalformedEvent(f"{path}[{number}]: is {word(type(item))}; expected an object")
    return items


def read_moment(event: Mapping[str, Any], path: str) -> str:
    """Return the time at a dotted path, as RFC 3339 writes it. Raises MalformedEvent."""
    text = read(event, path, str)
    try:
        if datetime.fromisoformat(text).tzinfo is not None:
            return text
    except ValueError:
        pass
    raise MalformedEvent(f"{path}: expected a time such as 2026-01-31T09:30:00.000Z")


def check_object(event: Any) -> None:
    """Raise MalformedEvent if an event is no document."""
    if not isinstance(event, Mapping):
        raise MalformedEvent(f"the event: is {word(type(event))}; expected an object")


def word(kind: Any) -> str:
    """Return the name of a JSON type, for messages."""
    if get_origin(kind) is list and get_args(kind):
        return "an array"
    return _WORDS.get(get_origin(kind) or kind, "something else")


def donation_id(event: Any) -> str | None:
    """Return the id of the donation in a document or of a bare donation, or None if it has none."""
    if not isinstance(event, Mapping):
        return None
    nested = event.get("document", event)
    donation = nested.get("donation", nested) if isinstance(nested, Mapping) else None
    identity = donation.get("id") if isinstance(donation, Mapping) else None
    return identity if isinstance(identity, str) and identity else None


def is_for_later(document: Mapping[str, Any]) -> bool:
    """Return true if the donation's amount is only to be reserved: its `capture` is `later`."""
    donation = document.get("donation")
    return isinstance(donation, Mapping) and donation.get("capture") == "later"


def execution_id(event: Any) -> str | None:
    """Return the execution's ARN or name (`$.execution`), or None if the flow did not add it."""
    nested = event.get("document", event) if isinstance(event, Mapping) else None
    execution = nested.get("execution") if isinstance(nested, Mapping) else None
    return execution if isinstance(execution, str) else None
