"""SQLite files for local runs: their paths and transactions."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from handlers.configuration import is_on_lambda
from handlers.document import Misconfigured


def database(name: str) -> Path:
    """Return the path of a database in the folder PAYMENTS_DATA (default: `.flowdsl` in the current folder).

    Raises Misconfigured on Lambda.
    """
    if is_on_lambda():
        raise Misconfigured(f"{name}: SQLite files, and so the sandbox, are for local runs; Lambda loses them")
    return Path(os.environ.get("PAYMENTS_DATA") or ".flowdsl") / f"{name}.sqlite"


@contextmanager
def transaction(path: Path, schema: str) -> Iterator[sqlite3.Connection]:
    """Open a connection and run the block in one durable write transaction: all of it is stored, or none.

    The write lock is taken at the start, so no other process changes what the block has read. Raises
    sqlite3.OperationalError after 30 seconds of waiting for the lock.
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
