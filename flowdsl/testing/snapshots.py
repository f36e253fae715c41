"""Snapshots of definitions with syrupy: one file per state machine, with placeholders for what differs by deployment.

Only this module needs syrupy.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from syrupy.data import SnapshotCollection
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode
from syrupy.location import PyTestLocation
from syrupy.types import SerializableData, SerializedData, SnapshotIndex

from ..asl.portable import portable
from ..asl.text import canonical_text
from ..author.machine import StateMachine
from ..author.serial import dump
from ..base.files import write_file


class AslSnapshotExtension(SingleFileSnapshotExtension):
    """Writes `<name>.asl.json`, where the name is that of `asl_snapshot(name=...)`, or else the test's."""

    _write_mode = WriteMode.TEXT
    file_extension = "asl.json"

    def serialize(self, data: SerializableData, **_: Any) -> SerializedData:
        definition = dump(data) if isinstance(data, StateMachine) else data
        if not isinstance(definition, Mapping):
            raise TypeError(f"asl_snapshot compares a StateMachine or ASL as a dict, not {type(data).__name__}")
        return canonical_text(portable(definition))

    def diff_lines(self, serialized_data: SerializedData, snapshot_data: SerializedData) -> Iterator[str]:
        """How to accept the change (first, for pytest may cut the rest), what it means, and the difference of lines."""
        yield "if the change is meant, accept it with: pytest --snapshot-update"
        yield from _meaning(str(snapshot_data), str(serialized_data))
        new, old = ("".join(_clean_lines(str(data))) for data in (serialized_data, snapshot_data))
        yield from super().diff_lines(new, old)

    @classmethod
    def write_snapshot_collection(cls, *, snapshot_collection: SnapshotCollection, **_: Any) -> None:
        """Write the file as a whole or not at all: a full disk or a process that is killed keeps the earlier one."""
        for snapshot in snapshot_collection:
            hint = "free disk space, or correct the permissions"
            write_file(Path(snapshot_collection.location), str(snapshot.data), code="FD001", hint=hint)

    @classmethod
    def get_snapshot_name(cls, *, test_location: PyTestLocation, index: SnapshotIndex = 0) -> str:
        if isinstance(index, str):
            return re.sub(r"[^A-Za-z0-9_.-]", "-", index)  # a file's name on every system
        return super().get_snapshot_name(test_location=test_location, index=index)


def _clean_lines(text: str) -> Iterator[str]:
    """The lines of a definition as a terminal may have them: JSON leaves marks of direction as they are."""
    from ..graph.fonts import clean

    for line in text.split("\n"):
        yield f"{clean(line)}\n"


def _meaning(old: str, new: str) -> Iterator[str]:
    """The lines of `flowdsl diff`; none if the snapshot is no definition."""
    try:
        definitions = json.loads(old), json.loads(new)
    except ValueError:
        return
    from ..diff.compare import compare  # only a snapshot that differs needs it
    from ..diff.model import Side
    from ..diff.text import lines
    from ..graph.fonts import clean

    one, other = (Side(name="What changed in meaning", definition=each) for each in definitions)
    for line in lines([compare(one, other)]):
        yield clean(line.text)
    yield ""
