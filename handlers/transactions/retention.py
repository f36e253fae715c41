"""Donors' data is kept for PAYMENTS_RETENTION_DAYS days, or until somebody erases it if that is `never`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import date, timedelta

from handlers import clock
from handlers.configuration import NEVER, RETENTION, is_on_lambda, retention_days
from handlers.document import Misconfigured
from handlers.transactions.erasing import erase
from handlers.transactions.record import STATUSES, is_erased
from handlers.transactions.store import Query, Store

_LOOK_BACK = 30
"""Days before the limit that each run reads."""

_ALL = "03"
"""The hour (UTC) in which runs read all older donations: those that were open work for long, that a run of weeks ago
has missed, or that a longer limit has kept until today."""


def due(store: Store, *, since: str | None = None, until: str) -> Iterator[str]:
    """Yield the ids of donations started in these days (UTC, inclusive) that still have the donor's data."""
    queries = [Query(since=since, until=until)]
    if since is None:
        queries = [Query(status=status, until=until) for status in STATUSES]
    for query in queries:
        yield from (each.id for each in store.list(query) if not is_erased(each))


def apply(store: Store) -> int:
    """Erase what is older than PAYMENTS_RETENTION_DAYS; return how many donations that were.

    Raises Misconfigured, on Lambda also if it is not set: no default is right for everybody's law.
    """
    value = os.environ.get(RETENTION) or (None if is_on_lambda() else NEVER)
    if value == NEVER:
        return 0
    days = retention_days(value)
    if days is None:
        raise Misconfigured(f"{RETENTION}: expected a number of days, or {NEVER}")
    now = clock.now()
    last = date.fromisoformat(now[:10]) - timedelta(days=days + 1)
    first = None if now[11:13] == _ALL else (last - timedelta(days=_LOOK_BACK)).isoformat()
    results = erase(store, sorted(set(due(store, since=first, until=last.isoformat()))))
    return sum(isinstance(result, int) for _, result in results)
