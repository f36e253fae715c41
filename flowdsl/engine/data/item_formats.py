"""The formats of the files that an ItemReader reads: JSON, JSON Lines, text with delimiters, Parquet.

Source: Step Functions Developer Guide, "ItemReader (Map)"; messages from recorded executions.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import io
import json
import math
import re
import zlib
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from functools import cache
from importlib import import_module
from typing import Any

from ...base.diagnostics import FlowError
from ...base.json import parse_json
from ..history import JSON

_DELIMITERS = {"COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "SPACE": " ", "TAB": "\t"}
_GZIP, _ZSTD, _PARQUET = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PAR1"
_ESCAPED = re.compile(r'""|\\(.?)', re.DOTALL)
_BASE64 = ("H4sI", "KLUv", "UEFS")
"""How the Base64 of these begins. A binary object is Base64 in the answer of s3:getObject."""


MOST_BYTES = 256 * 2**20
"""The largest file that is read, unpacked: a local run has all items in memory. AWS takes files of 10 GB."""


class ReaderError(Exception):
    """States.ItemReaderFailed; the message is its cause."""


def content(answer: JSON) -> bytes:
    """The body of an object, decompressed, from the answer to s3:getObject.

    Raises ReaderError, and FlowError for what is too large here.
    """
    if not isinstance(answer, dict) or "Body" not in answer:
        raise ReaderError('The answer to s3:getObject has no Body, such as {"Body": "the text of the file"}.')
    body = answer["Body"]
    raw = _bytes(body) if isinstance(body, str) else json.dumps(body).encode()
    try:
        if raw.startswith(_GZIP):
            with gzip.GzipFile(fileobj=io.BytesIO(raw)) as stream:
                return check_size(stream.read(MOST_BYTES + 1))
        if raw.startswith(_ZSTD):
            return _zstd(raw)
    except (OSError, EOFError, zlib.error) as error:
        raise ReaderError(f"Attempting to decompress the file failed: {error}") from error
    return raw


def _bytes(body: str) -> bytes:
    if body.startswith(_BASE64):
        try:
            raw = base64.b64decode(body, validate=True)
        except binascii.Error:
            return body.encode(errors="surrogatepass")
        if raw.startswith((_GZIP, _ZSTD, _PARQUET)):
            return raw
    return body.encode(errors="surrogatepass")


def parse(raw: bytes, kind: str, config: Mapping[str, Any]) -> JSON:
    """Parse a file of this InputType: an array, or, from JSON only, any value. Raises ReaderError."""
    if kind == "PARQUET":
        return _parquet(raw)
    try:
        text = raw.decode()
        if kind == "CSV":
            return _csv(text, config)
        if kind == "JSONL":
            return [parse_json(line) for line in text.split("\n") if line.strip()]
        return _resolve_pointer(parse_json(text), str(config.get("ItemsPointer", "")))
    except ValueError as error:
        raise ReaderError(f"Attempting to parse the file as {kind} failed: {error}") from error


def _resolve_pointer(value: JSON, pointer: str) -> JSON:
    """Return the value at a JSON pointer (RFC 6901), or None."""
    for token in pointer.split("/")[1:]:
        step = token.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


def rows(text: str, config: Mapping[str, Any]) -> Iterator[list[str]]:
    """The records of a text with delimiters, without empty lines.

    A quotation mark is doubled, in a field without quotation marks around it too. A backslash escapes itself, a
    quotation mark and the delimiter, and is dropped before anything else (Developer Guide, "How Step Functions parses
    input CSV files").
    """
    delimiter = _DELIMITERS.get(config.get("CSVDelimiter", "COMMA"))
    if delimiter is None:
        raise ReaderError(f"CSVDelimiter must be one of {', '.join(_DELIMITERS)}.")
    record: list[str] = []
    for match in _field(delimiter).finditer(text):
        quoted, plain, end = match.groups()
        if record or plain or quoted is not None or end == delimiter:
            record.append(_unescaped(quoted or "") + _unescaped(plain))
        if end != delimiter and record:
            yield record
            record = []


@cache
def _field(delimiter: str) -> re.Pattern[str]:
    """A field: what is between quotation marks, what is outside of them, and what ends it."""
    outside = rf"(?:[^{delimiter}\r\n\\]+|\\[^\r\n]?)*"
    return re.compile(rf'(?:"((?:[^"\\]+|""|\\.?)*)(?:"|\Z))?({outside})([{delimiter}]|\r\n?|\n|\Z)', re.DOTALL)


def _unescaped(text: str) -> str:
    if '"' not in text and "\\" not in text:
        return text
    return _ESCAPED.sub(lambda match: '"' if match[1] is None else match[1], text)


def _csv(text: str, config: Mapping[str, Any]) -> list[JSON]:
    """Rows as objects of strings; a row that is shorter than the header has empty strings, what is beyond it is
    dropped."""
    records = rows(text, config)
    headers = config.get("CSVHeaders")
    if config.get("CSVHeaderLocation", "FIRST_ROW") == "FIRST_ROW":
        headers = next(records, [])
    if not isinstance(headers, list):
        raise ReaderError("CSVHeaders must be given where CSVHeaderLocation is GIVEN.")
    if len(set(headers)) != len(headers):
        raise ReaderError("CSV headers cannot contain duplicates.")
    width = len(headers)
    return [dict(zip(headers, row + [""] * (width - len(row)), strict=False)) for row in records]


def _parquet(raw: bytes) -> list[JSON]:
    arrow, parquet = _pyarrow("pyarrow", "Parquet"), _pyarrow("pyarrow.parquet", "Parquet")
    try:
        table = parquet.read_table(io.BytesIO(raw))
    except (arrow.ArrowException, OSError, ValueError) as error:
        raise ReaderError(f"Attempting to parse the file as PARQUET failed: {error}") from error
    return [_plain(row) for row in table.to_pylist()]


def _zstd(raw: bytes) -> bytes:
    with _pyarrow("pyarrow", "ZSTD").CompressedInputStream(io.BytesIO(raw), "zstd") as stream:
        return check_size(stream.read(MOST_BYTES + 1))


def check_size(data: bytes) -> bytes:
    """Raises FlowError for a file that a local run does not hold."""
    if len(data) > MOST_BYTES:
        message = f"the file of an ItemReader has more than {MOST_BYTES:,} bytes, which is too large for a local run"
        raise FlowError.of(message, code="FD900", hint="give a smaller file, or an answer: --mock STATE=…")
    return data


def _pyarrow(module: str, what: str) -> Any:
    """Raises FlowError if the library is not installed: this must not fail the execution."""
    try:
        return import_module(module)
    except ImportError:
        raise FlowError.of(
            f"an ItemReader reads {what}, and pyarrow is not installed",
            code="FD901",
            hint="install flowdsl[parquet], or give the data as JSON, JSONL or CSV",
        ) from None


def _plain(value: Any) -> JSON:
    """A value of a Parquet file as JSON: times in ISO 8601, binary data in Base64, NaN and infinity as null."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, (str, int, float, bool)) or value is None else str(value)
