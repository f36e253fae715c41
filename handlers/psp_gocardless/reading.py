"""Read GoCardless's resources: its library accepts any JSON for one. Raises PspUnavailable for another shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from handlers.psp import PspUnavailable


def attributes_of(resource: Any) -> dict[str, Any]:
    """Return a resource's attributes."""
    attributes = resource.attributes
    if not isinstance(attributes, dict):
        raise PspUnavailable("GoCardless: the answer is not an object")
    return attributes


def own_attributes(resource: Any, identity: str) -> dict[str, Any]:
    """Return a resource's attributes. Raises PspUnavailable if it has another id."""
    attributes = attributes_of(resource)
    if attributes.get("id") != identity:
        raise PspUnavailable("GoCardless: the answer is about another resource than was asked for")
    return attributes


def section(item: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return a member that has to be an object."""
    value = item.get(name)
    if not isinstance(value, dict):
        raise PspUnavailable(f"GoCardless: the answer has no {name}")
    return value


def metadata_of(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return the metadata, empty if there is none."""
    value = item.get("metadata")
    return value if isinstance(value, dict) else {}


def is_further(payment: Mapping[str, Any]) -> bool:
    """Return true for a payment that the flow did not create: the flow writes the attempt into the metadata."""
    return "attempt" not in metadata_of(payment)


def text(item: Mapping[str, Any], name: str) -> str:
    """Return a member that has to be a string, and not empty."""
    value = item.get(name)
    if not isinstance(value, str) or not value:
        raise PspUnavailable(f"GoCardless: the answer has no {name}")
    return value


def number(item: Mapping[str, Any], name: str) -> int:
    """Return a member that has to be an integer."""
    value = item.get(name)
    if type(value) is not int:
        raise PspUnavailable(f"GoCardless: the answer has no {name}")
    return value
