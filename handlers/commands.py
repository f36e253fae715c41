"""Commands for operators. Exit status 0: done; 1: refused, or work is left; 2: wrong use, or a store or AWS fails."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from handlers.sqlite import database

STORES = (
    "CAPTURES_TABLE",
    "DISPUTES_TABLE",
    "PAYMENTS_EVENT_BUS",
    "REFUNDS_TABLE",
    "TOTALS_TABLE",
    "TRANSACTIONS_TABLE",
)
"""The settings that name the tables and the bus of a deployed environment, as far as commands use them."""


def place() -> str:
    """Name where the commands read and write: an environment's tables, or a folder."""
    table = os.environ.get("TRANSACTIONS_TABLE")
    if table:
        return f"the tables of the environment ({table}, …)"
    folder = database("").parent
    return str(folder) if folder.is_dir() else f"{folder}, which is not a folder"


def check_deployed() -> None:
    """Raise Failed unless the commands work on a deployed environment: what they start there must be stored there."""
    if not os.environ.get("TRANSACTIONS_TABLE"):
        raise Failed(f"nothing was started: {', '.join(STORES)} are not set; set them to the names in the environment")


def _check_stores() -> None:
    """Raise Failed if only some of the stores are an environment's: what belongs together would be told apart."""
    named = [name for name in STORES if os.environ.get(name)]
    missing = [name for name in STORES if name not in named]
    if named and missing:
        raise Failed(
            f"{', '.join(missing)}: not set, but {named[0]} is: set all of them to the names in one environment, or "
            "none to use the SQLite files"
        )


class Failed(click.ClickException):
    """A store or a service cannot be used."""

    exit_code = 2


class Command(click.Command):
    """A command that reports a store or a service that fails in one line."""

    def invoke(self, ctx: click.Context) -> Any:
        with _failures():
            _check_stores()
            return super().invoke(ctx)


class Group(click.Group):
    """Commands that report a store or a service that fails in one line."""

    def invoke(self, ctx: click.Context) -> Any:
        with _failures():
            _check_stores()
            return super().invoke(ctx)


class Amount(click.IntRange):
    """An amount in the currency's minor unit, at least 1."""

    name = "amount"

    def __init__(self) -> None:
        super().__init__(min=1)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if not str(value).isdecimal():
            self.fail(f"{value!r} is not in the minor unit: write 500 for 5.00 GBP, and 5 for 5 JPY", param, ctx)
        return int(super().convert(value, param, ctx))


@contextmanager
def _failures() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise Failed(f"cannot use the SQLite files in {database('').parent}: {error}") from error
    except OSError as error:
        if error.errno == errno.EPIPE:
            raise  # click ends quietly if nobody reads on
        raise Failed(str(error)) from error
    except Exception as error:
        if not type(error).__module__.startswith("botocore"):  # imported only if a table is used
            raise
        raise Failed(f"AWS: {error}") from error
