"""Folders in place of S3 buckets, for an ItemReader, a ResultWriter, or a Task that uses S3.

Source: S3 API reference, GetObject, ListObjectsV2 and PutObject.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from ..base.diagnostics import FlowError
from ..base.json import json_text
from ..engine import Call, Reply
from ..engine.data.item_formats import MOST_BYTES, check_size

ACTIONS = ("getObject", "listObjectsV2", "putObject")
"""The actions of S3 that a folder can answer."""


def is_for_bucket(call: Call) -> bool:
    """True if a folder in place of a bucket can answer the call."""
    return call.integration in ("s3", "aws-sdk:s3") and call.action in ACTIONS


@frozen
class LocalFiles:
    """`buckets` maps a bucket's name to a folder; keys are paths below it.

    Returns the content of files that are not UTF-8 text as Base64, and None for calls to other services or buckets.
    Raises FlowError if a key cannot be that of a file.
    """

    buckets: Mapping[str, Path]

    def __call__(self, call: Call) -> Reply | None:
        arguments = call.arguments if isinstance(call.arguments, dict) else {}
        folder = self.buckets.get(str(arguments.get("Bucket")))
        if folder is None or not is_for_bucket(call):
            return None
        try:
            return _answer(call.action, arguments, folder)
        except (OSError, ValueError) as error:  # ValueError: a null in the key
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise FlowError.of(
                f"state {call.state_name!r} calls {call.resource} with key {arguments.get('Key')!r}, which "
                f"cannot be a file in {folder}: {reason}",
                hint="in a folder a key cannot be both a file and a folder: rename a key, or mock the state",
            ) from None

    def may_answer(self, call: Call) -> bool:
        """True for a call of S3 with arguments as written, unless they name another bucket."""
        bucket = call.arguments.get("Bucket") if isinstance(call.arguments, dict) else None
        is_known = isinstance(bucket, str) and not bucket.startswith("{%")
        return is_for_bucket(call) and bool(self.buckets) and (not is_known or bucket in self.buckets)


def _answer(action: str, arguments: Mapping[str, Any], folder: Path) -> Reply:
    if action == "listObjectsV2":
        return Reply.succeeded({"Contents": _list_objects(folder, str(arguments.get("Prefix", "")))})
    file = folder / str(arguments.get("Key", ""))
    if not file.resolve().is_relative_to(folder.resolve()):
        return Reply.failed("S3.S3Exception", f"key {arguments.get('Key')!r} is outside its bucket")
    if action == "getObject":
        if not file.is_file():
            return Reply.failed("S3.NoSuchKeyException", "The specified key does not exist.")
        with file.open("rb") as stream:
            content = check_size(stream.read(MOST_BYTES + 1))
        return Reply.succeeded({"Body": _text_or_base64(content), "ContentLength": len(content)})
    body = arguments.get("Body", "")
    text = body if isinstance(body, str) else json_text(body)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text.encode(errors="surrogatepass"))
    return Reply.succeeded({})


def _list_objects(folder: Path, prefix: str) -> list[dict[str, Any]]:
    files = {file.relative_to(folder).as_posix(): file for file in folder.rglob("*") if file.is_file()}
    return [_describe_object(key, files[key]) for key in sorted(files) if key.startswith(prefix)]


def _describe_object(key: str, file: Path) -> dict[str, Any]:
    """An entry of ListObjectsV2's Contents; times are in milliseconds since 1970."""
    content, about = file.read_bytes(), file.stat()
    return {
        "ETag": f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"',
        "Key": key,
        "LastModified": round(about.st_mtime * 1000),
        "Size": about.st_size,
        "StorageClass": "STANDARD",
    }


def _text_or_base64(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return base64.b64encode(content).decode()
