"""Snapshots of definitions with syrupy: one file per state machine, with placeholders for what differs by deployment.

Only this module needs syrupy.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode
from syrupy.location import PyTestLocation
from syrupy.types import SerializableData, SerializedData, SnapshotIndex

from ..asl.text import canonical_text
from ..author.machine import StateMachine
from ..author.serial import dump

_PLACEHOLDERS = (
    # The account in an ARN, in the URL of a queue, and at the end of a bucket's name.
    (re.compile(r"(?<![0-9A-Za-z])[0-9]{12}(?![0-9A-Za-z])"), "<account>"),
    # A function's version, a state machine's version.
    (re.compile(r"(:function:[A-Za-z0-9_-]+|:stateMachine:[A-Za-z0-9_.-]+):[0-9]+$"), r"\1:<version>"),
    # Digests: SHA-256, SHA-1 and MD5 in hexadecimal, SHA-256 in Base64.
    (re.compile(r"(?<![0-9A-Za-z])(?:[0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{32})(?![0-9A-Za-z])"), "<hash>"),
    (re.compile(r"(?<![0-9A-Za-z+/])[0-9A-Za-z+/]{43}=(?!=)"), "<hash>"),
)


def portable(value: Any) -> Any:
    """The definition with account ids, hashes and versions in its strings replaced by `<account>` and so on."""
    if isinstance(value, str):
        for pattern, placeholder in _PLACEHOLDERS:
            value = pattern.sub(placeholder, value)
        return value
    if isinstance(value, Mapping):
        return {key: portable(item) for key, item in value.items()}
    return [portable(item) for item in value] if isinstance(value, list | tuple) else value


class AslSnapshotExtension(SingleFileSnapshotExtension):
    """Writes `<name>.asl.json`, where the name is that of `asl_snapshot(name=...)`, or else the test's."""

    _write_mode = WriteMode.TEXT
    file_extension = "asl.json"

    def serialize(self, data: SerializableData, **_: Any) -> SerializedData:
        definition = dump(data) if isinstance(data, StateMachine) else data
        if not isinstance(definition, Mapping):
            raise TypeError(f"asl_snapshot compares a StateMachine or ASL as a dict, not {type(data).__name__}")
        return canonical_text(portable(definition))

    @classmethod
    def get_snapshot_name(cls, *, test_location: PyTestLocation, index: SnapshotIndex = 0) -> str:
        if isinstance(index, str):
            return re.sub(r"[^A-Za-z0-9_.-]", "-", index)  # a file's name on every system
        return super().get_snapshot_name(test_location=test_location, index=index)
