"""Reconcile: run the sweep on a schedule. See handlers.reconcile.sweep."""

from __future__ import annotations

from typing import Any

from attrs import asdict

from handlers.logs import invocation, logger
from handlers.metrics import report
from handlers.reconcile.sweep import ask_psp, execution_has_settled, sweep
from handlers.transactions import retention
from handlers.transactions.store import store

LOG = logger("reconcile")


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Return the numbers of `repaired`, `waiting` and `open` transactions, and the first 100 `findings` of open ones.

    The number of open ones is the metric OpenWork. Then donors' data older than PAYMENTS_RETENTION_DAYS is erased:
    `erased` is the number of donations.
    """
    with invocation(LOG, event, context):
        findings = list(sweep(store(), ask_psp, execution_has_settled))
        work = [finding for finding in findings if finding.is_open_work]
        repaired = sum(finding.repaired is not None for finding in findings)
        waiting = len(findings) - repaired - len(work)
        # Before erasing, which may fail.
        report("OpenWork", len(work))
        erased = retention.apply(store())
        LOG.info("swept", repaired=repaired, waiting=waiting, open=len(work), erased=erased)
        return {
            "repaired": repaired,
            "waiting": waiting,
            "open": len(work),
            "erased": erased,
            "findings": [asdict(finding) for finding in work[:100]],
        }
