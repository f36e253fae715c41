"""Commands for operators. Exit status 0: done; 1: refused, or work is left; 2: wrong use, or a store or AWS fails."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from handlers.sqlite import database


class Failed(click.ClickException):
    """A store or a service cannot be used."""

    exit_code = 2


class Command(click.Command):
    """A command that reports a store or a service that fails in one line."""

    def invoke(self, ctx: click.Context) -> Any:
        with _failures():
            return super().invoke(ctx)


class Group(click.Group):
    """Commands that report a store or a service that fails in one line."""

    def invoke(self, ctx: click.Context) -> Any:
        with _failures():
            return super().invoke(ctx)


@contextmanager
def _failures() -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        if isinstance(error, OSError) and error.errno == errno.EPIPE:
            raise  # click ends quietly if nobody reads on
        raise Failed(f"cannot use the SQLite files in {database('').parent}: {error}") from error
    except Exception as error:
        if not type(error).__module__.startswith("botocore"):  # imported only if a table is used
            raise
        raise Failed(f"AWS: {error}") from error
