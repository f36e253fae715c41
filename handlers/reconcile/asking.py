"""Asking PSPs that may be down: an outage must not take the time that the sweep has for everything else."""

from __future__ import annotations

import time
from collections import defaultdict
from typing import Any

from handlers.reconcile.finding import Ask, AskingFailed, reason_of
from handlers.transactions.record import Transaction

MOST_SECONDS = 120.0
"""Seconds that one sweep, which has 15 minutes, waits for answers that do not come, per PSP: some eight timeouts."""


def sparing(ask: Ask) -> Ask:
    """Return what asks a PSP no more when it has failed for MOST_SECONDS: then it raises the PSP's last error at once.

    Failures that come quickly are about one donation, or cost nothing.
    """
    spent: defaultdict[str | None, float] = defaultdict(float)
    last: dict[str | None, str] = {}

    def asked(transaction: Transaction, event: dict[str, Any]) -> dict[str, Any]:
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

    return asked
