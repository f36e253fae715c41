"""The items of a Map: what each iteration is about, and what the context object says of it.

Source: Step Functions Developer Guide, "Context object data for Map states" and "ItemReader (Map)".
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from attrs import frozen

from ..history import JSON

if TYPE_CHECKING:
    from ..execution import Settings

DATA_SOURCES = date(2025, 9, 11)
"""On this day Map learned to go over the pairs of an object, and its context object got `Source`; recordings from
before refuse objects."""


@frozen
class Item:
    """One item. `key` is for the pairs of an object; `source` says where it was read, as `S3://bucket/key`."""

    value: JSON
    key: str | None = None
    source: str = "STATE_DATA"

    @property
    def input(self) -> JSON:
        """What an iteration gets that selects nothing.

        The Developer Guide ("ItemsPath") says that it is the pair, and not what a pair looks like; these are the names
        that the context object has for the two.
        """
        return self.value if self.key is None else {"Key": self.key, "Value": self.value}

    def context(self, index: int, settings: Settings) -> dict[str, JSON]:
        """`Map.Item` of the context object."""
        said: dict[str, JSON] = {"Index": index, "Value": self.value}
        if settings.since(DATA_SOURCES):
            said["Source"] = self.source
        if self.key is not None:
            said["Key"] = self.key
        return said


def iterable(found: JSON, settings: Settings) -> bool:
    """Whether a Map can go over this value."""
    return isinstance(found, list) or (isinstance(found, dict) and settings.since(DATA_SOURCES))


def items_of(found: JSON, source: str = "STATE_DATA") -> list[Item]:
    """The items of an array, or the pairs of an object."""
    if isinstance(found, dict):
        return [Item(value, key, source) for key, value in found.items()]
    return [Item(value, None, source) for value in found]
