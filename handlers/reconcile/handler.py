"""Reconcile: run the sweep on a schedule. See handlers.reconcile.sweep."""

from __future__ import annotations

from typing import Any

from attrs import asdict

from handlers.logs import invocation, logger
from handlers.reconcile.sweep import ask_psp, execution_has_ended, sweep
from handlers.transactions import retention
from handlers.transactions.store import store

LOG = logger("reconcile")


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Return the numbers of `repaired` and `open` transactions, and the first 100 `findings` of open ones.

    Donors' data that is older than PAYMENTS_RETENTION_DAYS is `erased`.
    """
    with invocation(LOG, event, context):
        findings = list(sweep(store(), ask_psp, execution_has_ended))
        work = [finding for finding in findings if finding.repaired is None]
        erased = retention.apply(store())
        LOG.info("swept", repaired=len(findings) - len(work), open=len(work), erased=erased)
        return {
            "repaired": len(findings) - len(work),
            "open": len(work),
            "erased": erased,
            "findings": [asdict(finding) for finding in work[:100]],
        }
