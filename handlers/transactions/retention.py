"""Erase donors' data after PAYMENTS_RETENTION_DAYS days; `never`: only on request."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import date, timedelta

from handlers import clock
from handlers.configuration import NEVER, RETENTION, is_on_lambda, retention_days
from handlers.document import Misconfigured
from handlers.transactions.erasing import erase
from handlers.transactions.record import is_erased
from handlers.transactions.store import Query, Store

_WINDOW = 31
"""Days before the limit that each run reads: the most for which the store does not read its whole table."""

_NIGHT, _WINDOWS = "03", 14
"""The hour (UTC) in which runs read this many windows instead of one, for donations that were open work until then."""


def due(store: Store, *, since: str | None = None, until: str) -> Iterator[str]:
    """Yield the ids of donations started in these days (UTC, inclusive) that still have the donor's data."""
    yield from (each.id for each in store.list(Query(since=since, until=until)) if not is_erased(each))


def apply(store: Store) -> int:
    """Erase donations older than PAYMENTS_RETENTION_DAYS; return their number.

    Raises Misconfigured if it is invalid, and on Lambda also if it is not set: laws differ, so there is no default.
    """
    value = os.environ.get(RETENTION) or (None if is_on_lambda() else NEVER)
    if value == NEVER:
        return 0
    days = retention_days(value)
    if days is None:
        raise Misconfigured(f"{RETENTION}: expected a number of days, or {NEVER}")
    now = clock.now()
    last = date.fromisoformat(now[:10]) - timedelta(days=days + 1)
    windows = _WINDOWS if now[11:13] == _NIGHT else 1
    # A generator reads one window at a time: all windows may not fit into memory.
    old = (each for number in range(windows) for each in _due_in(store, last - timedelta(days=_WINDOW * number)))
    return sum(isinstance(result, int) for _, result in erase(store, old))


def _due_in(store: Store, last: date) -> list[str]:
    """Return the ids of the donations that are due in the window that ends with this day."""
    first = last - timedelta(days=_WINDOW - 1)
    return sorted(set(due(store, since=first.isoformat(), until=last.isoformat())))
