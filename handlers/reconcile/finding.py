"""Findings: the results of the sweep, and of webhooks, for one donation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from attrs import frozen

from handlers.document import METHOD_FIELDS, PSP_FIELDS
from handlers.transactions.record import Transaction

SETTLING = 3600
"""Seconds after which a PSP's answer is final: no earlier request is on its way, and the PSP's search is up to date."""


class AskingFailed(Exception):
    """A PSP's deployed function failed; the message is the name of its error."""


def reason_of(error: Exception) -> str:
    """Return the name of the error, which tells an operator a rejected key from an outage."""
    return str(error) if isinstance(error, AskingFailed) else type(error).__name__


Ask = Callable[[Transaction, dict[str, Any]], dict[str, Any]]
"""Send an event to the function of the transaction's PSP, and return its answer."""


@frozen
class Finding:
    """The result for one transaction."""

    id: str
    status: str
    """Before this finding."""
    reason: str
    """What the PSP says, and what an operator has to do."""
    repaired: str | None = None
    """The new status, `conflict` if a further payment was stored; None if nothing was."""
    is_waiting: bool = False
    """True if an execution, a donor or a bank still has time: an operator has nothing to do yet."""
    is_for_the_dashboard: bool = False
    """True if only the PSP's dashboard can say more: after a look there, `close --not-taken` or `--not-made` works."""

    @property
    def is_open_work(self) -> bool:
        return self.repaired is None and not self.is_waiting


def inquiry(document: Mapping[str, Any], operation: str, **more: Any) -> dict[str, Any]:
    """Return the event of an inquiry: the document, with those fields of the donation that a PSP's function gets."""
    donation = {name: value for name, value in document["donation"].items() if name in PSP_FIELDS}
    if isinstance(method := donation.get("payment_method"), dict):
        donation["payment_method"] = {name: value for name, value in method.items() if name in METHOD_FIELDS}
    return {**document, "donation": donation, "operation": operation, **more}
