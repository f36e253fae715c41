"""What the states of a Map get: its items, what a reader reads, batches, and the context object that has the item.

Source: Step Functions Developer Guide, "Map state", "ItemReader", "ItemBatcher", "Accessing the Context object".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ...asl.tree import Node
from .shapes import (
    ANY,
    MAYBE,
    NULL,
    NUMBER,
    STRING,
    ArrayShape,
    Member,
    ObjectShape,
    Shape,
    Source,
    UnionShape,
    UnknownShape,
    merged,
)

_TEXT, _NUMBER = Member(STRING), Member(NUMBER)
_CONTEXT: Final[Mapping[str, Member]] = {
    "Execution": Member(
        ObjectShape(
            {**dict.fromkeys(("Id", "Name", "RoleArn", "StartTime"), _TEXT), "RedriveCount": _NUMBER, "Input": MAYBE},
            False,
        )
    ),
    "State": Member(ObjectShape({"EnteredTime": _TEXT, "Name": _TEXT, "RetryCount": _NUMBER}, False)),
    "StateMachine": Member(ObjectShape({"Id": _TEXT, "Name": _TEXT}, False)),
}
_OBJECT_IN_S3: Final = ObjectShape(
    {**dict.fromkeys(("Key", "Etag", "StorageClass"), _TEXT), **dict.fromkeys(("LastModified", "Size"), _NUMBER)},
    False,
    Source("an object that the ItemReader lists"),
)
_ROW: Final = Source("a row of the CSV file")


def context_of(item: Shape) -> ObjectShape:
    """Return the context object where a Map is at an item; names that are not listed are for rules/context."""
    if isinstance(item, UnknownShape):
        return _PLAIN
    inside = ObjectShape({"Index": _NUMBER, "Value": Member(item)}, False)
    return ObjectShape({**_CONTEXT, "Map": Member(ObjectShape({"Item": Member(inside)}, False))}, False)


_PLAIN: Final = ObjectShape(_CONTEXT, False)


def item_of(items: Shape) -> Shape:
    """Return the shape of each item of what a Map goes through."""
    if isinstance(items, ArrayShape):
        return items.item
    if isinstance(items, UnionShape):
        lists = [each for each in items.ways if each != NULL]
        if all(isinstance(each, ArrayShape) for each in lists):
            return merged(tuple(each.item for each in lists if isinstance(each, ArrayShape)))
    return ANY


def item_read_by(reader: Mapping[str, Any]) -> Shape:
    """Return the shape of each item that an ItemReader reads: a row of CSV is an object of texts."""
    config = reader.get("ReaderConfig")
    config = config if isinstance(config, dict) else {}
    if config.get("InputType") == "CSV":
        names = config.get("CSVHeaders")
        if config.get("CSVHeaderLocation") == "GIVEN" and isinstance(names, list):
            texts = {name: Member(STRING) for name in names if isinstance(name, str)}
            return ObjectShape(texts, True, _ROW)
        return ObjectShape({}, False, _ROW, STRING)
    resource = reader.get("Resource")
    is_list = isinstance(resource, str) and resource.endswith(":listObjectsV2") and "InputType" not in config
    return _OBJECT_IN_S3 if is_list and "Transformation" not in config else ANY


def result_written_by(writer: Mapping[str, Any]) -> Shape:
    """Return the result of a Map that has a ResultWriter: where it wrote the results, if it did."""
    if "Resource" not in writer:
        return ANY
    details = ObjectShape(dict.fromkeys(("Bucket", "Key"), _TEXT), True, Source("ResultWriterDetails"))
    fields = {"MapRunArn": _TEXT, "ResultWriterDetails": Member(details)}
    return ObjectShape(fields, True, Source("the result of a Map with a ResultWriter"))


def batch_of(batcher: Mapping[str, Any], item: Shape, added: Shape, state: Node) -> Shape:
    """Return what a child execution gets: a batch of items, with the BatchInput if there is one."""
    fields = {"Items": Member(ArrayShape(item))}
    if "BatchInput" in batcher:
        fields["BatchInput"] = Member(added)
    return ObjectShape(fields, True, Source(f"a batch of {state.name!r}"))
