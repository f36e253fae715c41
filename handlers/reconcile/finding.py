"""What the sweep, or a webhook, finds about one donation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from attrs import frozen

from handlers.document import METHOD_FIELDS, PSP_FIELDS
from handlers.transactions.record import Transaction

SETTLING = 3600
"""Seconds for which nothing is called certain: a request may be on its way to the PSP, and a PSP's search may lag
behind."""


class AskingFailed(Exception):
    """The PSP's deployed function failed; the message is the name of its error."""


def reason_of(error: Exception) -> str:
    """Return the name of the error: people have to know a rejected key from an outage."""
    return str(error) if isinstance(error, AskingFailed) else type(error).__name__


Ask = Callable[[Transaction, dict[str, Any]], dict[str, Any]]
"""Send an event to the function of the transaction's PSP, and return its answer."""


@frozen
class Finding:
    """The result for one transaction: `repaired` is its new status, conflict for a further payment, or None."""

    id: str
    status: str
    reason: str
    repaired: str | None = None
    is_waiting: bool = False
    """True if nobody has to do anything yet: an execution, a donor or a bank has its time."""
    is_for_the_dashboard: bool = False
    """True if the PSP cannot say more, and somebody has to look there: `close --not-taken` is possible then."""

    @property
    def is_open_work(self) -> bool:
        return self.repaired is None and not self.is_waiting


def inquiry(document: Mapping[str, Any], operation: str, **more: Any) -> dict[str, Any]:
    """Return the event of an inquiry: the document with what a PSP's function gets of the donation."""
    donation = {name: value for name, value in document["donation"].items() if name in PSP_FIELDS}
    if isinstance(method := donation.get("payment_method"), dict):
        donation["payment_method"] = {name: value for name, value in method.items() if name in METHOD_FIELDS}
    return {**document, "donation": donation, "operation": operation, **more}
