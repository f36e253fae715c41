"""Read the items of an ItemReader: one file, the listing of a bucket, or the files that a listing or a manifest names.

Source: Step Functions Developer Guide, "ItemReader (Map)"; messages from recorded executions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from ...base.json import parse_json
from ..core import Steps
from ..history import JSON
from ..times import until_timestamp
from .item_formats import ReaderError, content, parse, rows
from .items import Item, items_of, iterable

Fetch = Callable[[str, JSON], Steps]
"""(action, arguments) → the answer of the service, as a generator that asks for it."""

MAX_ITEMS = 100_000_000


def read_items(fetch: Fetch, action: str, arguments: JSON, config: dict[str, Any]) -> Steps:
    """The list of items that an ItemReader gives. Raises ReaderError.

    No file is fetched after the one that brings the items to MaxItems.
    """
    most = _max_items(config.get("MaxItems"))
    if not isinstance(arguments, dict):
        raise ReaderError("The arguments of an ItemReader must be an object.")
    kind, parsed = config.get("InputType", "JSON"), config
    files: Sequence[tuple[JSON, JSON]]
    flattened = config.get("Transformation") == "LOAD_AND_FLATTEN"
    if action == "listObjectsV2":
        listed = yield from _listing(fetch, arguments)
        bucket = arguments.get("Bucket")
        if not flattened:
            return items_of([_metadata(entry) for entry in listed], f"S3://{bucket}")[:most]
        files = [(bucket, entry.get("Key")) for entry in listed if not _is_folder(entry)]
    elif config.get("ManifestType") == "ATHENA_DATA":
        files = list(_athena_files((yield from _body(fetch, arguments))))
    elif kind == "MANIFEST" or config.get("ManifestType") == "S3_INVENTORY":
        files, headers = _inventory((yield from _body(fetch, arguments)))
        kind, parsed = "CSV", {**config, "CSVHeaderLocation": "GIVEN", "CSVHeaders": headers}
    else:
        values = _items((yield from _body(fetch, arguments)), kind, config, arguments)
        return values[:most]
    items: list[Item] = []
    for bucket, key in files:
        if len(items) >= most:
            break
        place = {**_owner(arguments), "Bucket": bucket, "Key": key}
        items += _items((yield from _body(fetch, place)), kind, parsed, place)
    return items[:most]


def _max_items(value: JSON) -> int:
    """Return the limit; 0 means the service's own limit, which is also the maximum."""
    if value is None:
        return MAX_ITEMS
    if value < 0:
        raise ReaderError("field MaxItems must be positive")
    return min(int(value), MAX_ITEMS) or MAX_ITEMS


def _body(fetch: Fetch, arguments: dict[str, JSON]) -> Steps:
    return content((yield from fetch("getObject", arguments)))


def _owner(arguments: dict[str, JSON]) -> dict[str, JSON]:
    return {key: arguments[key] for key in ("ExpectedBucketOwner",) if key in arguments}


def _items(raw: bytes, kind: str, config: dict[str, Any], place: dict[str, JSON]) -> list[Item]:
    values = parse(raw, kind, config)
    if not iterable(values):
        raise ReaderError("Attempting to map over non-iterable node.")
    return items_of(values, f"S3://{place.get('Bucket')}/{place.get('Key')}")


def _inventory(raw: bytes) -> tuple[list[tuple[str, str]], list[str]]:
    """The files that the manifest.json of an S3 inventory names, and their columns."""
    try:
        manifest = parse_json(raw)
        bucket = str(manifest["destinationBucket"]).rpartition(":")[2]
        headers = [column.strip() for column in manifest["fileSchema"].split(",")]
        return [(bucket, file["key"]) for file in manifest["files"]], headers
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ReaderError(f"The manifest is not an S3 inventory's: {error}") from error


def _athena_files(raw: bytes) -> Iterator[tuple[str, str]]:
    """The files that the manifest of an UNLOAD query of Athena names: a URI of S3 on each line."""
    try:
        uris = [row[0].strip() for row in rows(raw.decode(), {})]
    except ValueError as error:
        raise ReaderError(f"The manifest is not Athena's: {error}") from error
    for uri in uris:
        scheme, _, place = uri.partition("://")
        bucket, _, key = place.partition("/")
        if scheme.lower() != "s3" or not key:
            raise ReaderError(f"The manifest is not Athena's: {uri} is no URI of an object in S3.")
        yield bucket, key


def _listing(fetch: Fetch, arguments: dict[str, JSON]) -> Steps:
    items: list[dict[str, JSON]] = []
    token: dict[str, JSON] | None = None
    while True:
        page = yield from fetch("listObjectsV2", arguments if token is None else {**arguments, **token})
        contents = page.get("Contents", []) if isinstance(page, dict) else None
        if not isinstance(contents, list) or not all(isinstance(entry, dict) for entry in contents):
            raise ReaderError("The answer is not the listing of a bucket.")
        items += contents
        if page.get("NextContinuationToken") is None:
            return items
        token = {"ContinuationToken": page["NextContinuationToken"]}


def _is_folder(entry: dict[str, JSON]) -> bool:
    """Return True for the empty object that the S3 console creates for a folder."""
    return str(entry.get("Key", "")).endswith("/") and entry.get("Size") in (0, None)


def _metadata(entry: dict[str, JSON]) -> dict[str, JSON]:
    """An entry of a listing as an item: the fields that the Developer Guide shows, a time in seconds since 1970."""
    item = {name: entry[field] for field, name in _METADATA.items() if field in entry}
    modified = item.get("LastModified")
    if isinstance(modified, str):
        with suppress(ValueError):
            item["LastModified"] = until_timestamp(modified)
    elif isinstance(modified, (int, float)) and modified >= _IN_MILLISECONDS:
        item["LastModified"] = modified / 1000
    return item


_METADATA = {
    "ETag": "Etag",
    "Key": "Key",
    "LastModified": "LastModified",
    "Size": "Size",
    "StorageClass": "StorageClass",
}
"""The fields of an item, by the fields of S3's Object."""
_IN_MILLISECONDS = 10**11
"""Times of optimised integrations are in milliseconds since 1970; in seconds this would be the year 5138."""
