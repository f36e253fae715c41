"""Donors' data is kept for PAYMENTS_RETENTION_DAYS days, or until somebody erases it if that is `never`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, timedelta

from handlers import clock
from handlers.configuration import NEVER, RETENTION, is_on_lambda
from handlers.document import Misconfigured
from handlers.transactions.record import is_erased
from handlers.transactions.store import NotErasable, Query, Store

_LOOK_BACK = 30
"""Days before the limit that each run reads: what was open work then, or failed, is erased later."""


def due(store: Store, *, since: str | None = None, until: str) -> Iterator[str]:
    """Yield the ids of donations started in these days (UTC, inclusive) that still have the donor's data."""
    for transaction in store.list(Query(since=since, until=until)):
        if not is_erased(transaction):
            yield transaction.id


def apply(store: Store) -> int:
    """Erase what is older than PAYMENTS_RETENTION_DAYS; return how many donations that were.

    Raises Misconfigured, on Lambda also if it is not set: no default is right for everybody's law.
    """
    value = os.environ.get(RETENTION) or (None if is_on_lambda() else NEVER)
    if value == NEVER:
        return 0
    if value is None or not value.isdecimal() or int(value) < 1:
        raise Misconfigured(f"{RETENTION}: expected a number of days, or {NEVER}")
    last = date.fromisoformat(clock.now()[:10]) - timedelta(days=int(value) + 1)
    first = last - timedelta(days=_LOOK_BACK)
    erased = 0
    for identity in sorted(set(due(store, since=first.isoformat(), until=last.isoformat()))):
        with suppress(NotErasable):
            store.erase(identity)
            erased += 1
    return erased
