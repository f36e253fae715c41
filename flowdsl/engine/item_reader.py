"""What an ItemReader reads: JSON, JSON Lines, CSV, an S3 inventory manifest, or the listing of a bucket.

Source: Step Functions Developer Guide, "ItemReader (Map)"; messages from recorded executions.
"""

from __future__ import annotations

import base64
import csv
import gzip
import io
import json
import zlib
from collections.abc import Callable
from typing import Any

from .execution import Steps
from .history import JSON

Fetch = Callable[[str, JSON], Steps]
"""(action, arguments) → the answer of the service, as a generator that asks for it."""

MAX_ITEMS = 100_000_000
_DELIMITERS = {"COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "SPACE": " ", "TAB": "\t"}


class ReaderError(Exception):
    """States.ItemReaderFailed; the message is its cause."""


def read_items(fetch: Fetch, action: str, arguments: JSON, config: dict[str, Any]) -> Steps:
    """The list of items that an ItemReader gives. Raises ReaderError."""
    most = _max_items(config.get("MaxItems"))
    if action == "listObjectsV2":
        items = yield from _listing(fetch, arguments)
    else:
        answer = yield from fetch(action, arguments)
        kind = config.get("InputType", "JSON")
        if kind == "MANIFEST":
            items = yield from _manifest(fetch, action, answer, config)
        else:
            items = parse(_text(answer), kind, config)
    return items[:most]


def _max_items(value: JSON) -> int:
    """The limit; 0 is none, and neither is a number beyond the service's own."""
    if value is None:
        return MAX_ITEMS
    try:
        number = int(value)
    except (TypeError, ValueError):
        raise ReaderError(f"field MaxItems must be an integer, not {value!r}") from None
    if number < 0:
        raise ReaderError("field MaxItems must be positive")
    return min(number, MAX_ITEMS) or MAX_ITEMS


def parse(text: str, kind: str, config: dict[str, Any]) -> list[JSON]:
    if kind == "CSV":
        return _csv(text, config)
    try:
        if kind == "JSONL":
            return [_json(line) for line in text.split("\n") if line.strip()]
        found = _json(text)
    except (ValueError, RecursionError) as error:
        raise ReaderError(f"Attempting to parse the file as {kind} failed: {error}") from error
    for step in str(config.get("ItemsPointer", "")).split("/")[1:]:
        found = found.get(step) if isinstance(found, dict) else None
    if not isinstance(found, list):
        raise ReaderError("Attempting to map over non-iterable node.")
    return found


def _json(text: str) -> JSON:
    return json.loads(text, parse_constant=_refuse)


def _refuse(constant: str) -> JSON:
    raise ValueError(f"{constant} is not JSON")


def _csv(text: str, config: dict[str, Any]) -> list[JSON]:
    """Rows as objects of strings; a row that is shorter than the header has empty strings, what is beyond it is
    dropped."""
    delimiter = _DELIMITERS.get(config.get("CSVDelimiter", "COMMA"))
    if delimiter is None:
        raise ReaderError(f"CSVDelimiter must be one of {', '.join(_DELIMITERS)}.")
    try:
        rows = [row for row in csv.reader(io.StringIO(text), delimiter=delimiter) if row]
    except csv.Error as error:
        raise ReaderError(f"Attempting to parse the file as CSV failed: {error}") from error
    headers = config.get("CSVHeaders")
    if config.get("CSVHeaderLocation", "FIRST_ROW") == "FIRST_ROW":
        headers, rows = (rows[0], rows[1:]) if rows else ([], [])
    if not isinstance(headers, list):
        raise ReaderError("CSVHeaders must be given where CSVHeaderLocation is GIVEN.")
    if len(set(headers)) != len(headers):
        raise ReaderError("CSV headers cannot contain duplicates.")
    return [dict(zip(headers, [*row, *[""] * (len(headers) - len(row))], strict=False)) for row in rows]


def _manifest(fetch: Fetch, action: str, answer: JSON, config: dict[str, Any]) -> Steps:
    """An S3 inventory: manifest.json names the CSV files, whose columns are in its fileSchema."""
    try:
        manifest = json.loads(_text(answer))
        bucket = str(manifest["destinationBucket"]).rpartition(":")[2]
        keys = [file["key"] for file in manifest["files"]]
        headers = [column.strip() for column in manifest["fileSchema"].split(",")]
    except (ValueError, KeyError, TypeError) as error:
        raise ReaderError(f"The manifest is not an S3 inventory's: {error}") from error
    items: list[JSON] = []
    for key in keys:
        part = yield from fetch(action, {"Bucket": bucket, "Key": key})
        items += _csv(_text(part), {**config, "CSVHeaderLocation": "GIVEN", "CSVHeaders": headers})
    return items


def _listing(fetch: Fetch, arguments: JSON) -> Steps:
    items: list[JSON] = []
    token = None
    while True:
        page = yield from fetch(
            "listObjectsV2", arguments if token is None else {**arguments, "ContinuationToken": token}
        )
        if not isinstance(page, dict) or not isinstance(contents := page.get("Contents", []), list):
            raise ReaderError("The answer is not the listing of a bucket.")
        items += contents
        token = page.get("NextContinuationToken")
        if token is None:
            return items


def _text(answer: JSON) -> str:
    """The body of an object: text, JSON that was parsed on the way, or base64 of gzipped text."""
    body = answer.get("Body") if isinstance(answer, dict) else answer
    if not isinstance(body, str):
        return json.dumps(body)
    if not body.startswith("H4sI"):
        return body
    try:
        return gzip.decompress(base64.b64decode(body)).decode()
    except (ValueError, OSError, EOFError, zlib.error) as error:
        raise ReaderError(f"Attempting to decompress the file failed: {error}") from error
