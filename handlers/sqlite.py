"""SQLite files on the desk: where they are and how they are written."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path


def database(name: str) -> Path:
    """The path of a database: in the folder that PAYMENTS_DATA names, `.flowdsl` in the current one by default."""
    return Path(os.environ.get("PAYMENTS_DATA") or ".flowdsl") / f"{name}.sqlite"


@contextmanager
def transaction(path: Path, schema: str) -> Iterator[sqlite3.Connection]:
    """A connection within one write transaction: all of the block is stored, durably, or nothing of it.

    The write lock is taken at the start, so what is read in the block stays true until its end, also beside
    other processes; one that has to wait longer than 30 seconds gets sqlite3.OperationalError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as connection:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("BEGIN IMMEDIATE")
        try:
            for statement in schema.split(";"):
                connection.execute(statement)
            yield connection
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
