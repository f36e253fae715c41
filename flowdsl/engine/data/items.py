"""The items of a Map: the input of each iteration, and its part of the context object.

Source: Step Functions Developer Guide, "Context object data for Map states" and "ItemReader (Map)".
"""

from __future__ import annotations

from attrs import frozen

from ..history import JSON

ITERABLE: type | tuple[type, ...] = (list, dict)
"""The types of a value that a Map iterates over: the items of an array, the pairs of an object."""


@frozen
class Item:
    """One item. `key` is for the pairs of an object; `source` says where it was read, as `S3://bucket/key`."""

    value: JSON
    key: str | None = None
    source: str = "STATE_DATA"

    @property
    def input(self) -> JSON:
        """The input of an iteration without ItemSelector.

        The Developer Guide ("ItemsPath") says that it is the pair, and not what a pair looks like; these are the names
        that the context object has for the two.
        """
        return self.value if self.key is None else {"Key": self.key, "Value": self.value}

    def context(self, index: int) -> dict[str, JSON]:
        """`Map.Item` of the context object."""
        item: dict[str, JSON] = {"Index": index, "Value": self.value, "Source": self.source}
        if self.key is not None:
            item["Key"] = self.key
        return item


def iterable(value: JSON) -> bool:
    """Return True if a Map can iterate over this value."""
    return isinstance(value, ITERABLE)


def items_of(values: JSON, source: str = "STATE_DATA") -> list[Item]:
    """The items of an array, or the pairs of an object."""
    if isinstance(values, dict):
        return [Item(value, key, source) for key, value in values.items()]
    return [Item(value, None, source) for value in values]
