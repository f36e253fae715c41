"""A limit for the time that the sweep spends on a PSP that is down."""

from __future__ import annotations

import time
from collections import defaultdict
from typing import Any

from handlers.reconcile.finding import Ask, AskingFailed, reason_of
from handlers.transactions.record import Transaction

MOST_SECONDS = 120.0
"""Seconds, per PSP, of failed requests in one sweep, which has 15 minutes: some eight timeouts."""


def with_limit(ask: Ask) -> Ask:
    """Return an `ask` that raises a PSP's last error immediately once its failures took MOST_SECONDS.

    Quick failures hardly count: they are about one donation, or cost no time.
    """
    spent: defaultdict[str | None, float] = defaultdict(float)
    last: dict[str | None, str] = {}

    def ask_within_limit(transaction: Transaction, event: dict[str, Any]) -> dict[str, Any]:
        psp = transaction.psp
        if spent[psp] >= MOST_SECONDS:
            raise AskingFailed(last[psp])
        began = time.monotonic()
        try:
            return ask(transaction, event)
        except Exception as error:
            spent[psp] += time.monotonic() - began
            last[psp] = reason_of(error)
            raise

    return ask_within_limit
