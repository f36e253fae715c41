"""Refunds that are not decided: store what the PSP says of them, however their flow ended. Nothing is refunded here."""

from __future__ import annotations

import json
from collections.abc import Iterator

from handlers import clock, refunds
from handlers.hints import to_start
from handlers.reconcile.finding import SETTLING, Ask, Finding, inquiry, reason_of
from handlers.refunds import Refund
from handlers.refunds.conclusion import conclude, status_of
from handlers.refunds.record import UNDECIDED
from handlers.transactions.store import Store

_UNANSWERED = 7 * 24 * 3600
"""Seconds after which a PSP that could not say whether it made a refund is not expected to say it."""


def undecided(store: Store, ask: Ask, *, repair: bool) -> Iterator[Finding]:
    """Yield a finding for each refund that is not decided, and for each that a bank returned."""
    for refund in refunds.listed():
        if refund.status == "failed":
            close = f"python -m handlers.refunds close {refund.id}"
            reason = f"the donor's bank returned it: pay the donor in another way, then {close}"
            yield Finding(refund.id, "refund failed", reason)
        elif not refund.is_final and clock.seconds_since(refund.stored_at) > SETTLING:
            yield settle_refund(refund, store, ask, repair=repair)


def settle_refund(refund: Refund, store: Store, ask: Ask, *, repair: bool = True) -> Finding:
    """Ask the PSP for a refund that is not decided, and store what it says."""
    try:
        return _settle(refund, store, ask, repair=repair)
    except Exception as error:  # noqa: BLE001 - one refund must not hide the other findings
        reason = f"{refund.psp} could not be asked: {reason_of(error)}; {_next_step(refund)}"
        # Adyen cannot be asked for one that it never answered. An execution would look at the refund every six hours.
        is_lasting = refund.is_unheard and clock.seconds_since(refund.stored_at) > _UNANSWERED
        return Finding(refund.id, f"refund {refund.status}", reason, is_for_the_dashboard=is_lasting)


def _settle(refund: Refund, store: Store, ask: Ask, *, repair: bool) -> Finding:
    record, name = store.get(refund.donation), f"refund {refund.status}"
    if record is None:
        return Finding(refund.id, name, "its donation is unknown")
    document = json.loads(record.document)
    payment = {"psp": refund.psp, "reference": refund.reference, "status": "paid", "attempts": []}
    event = inquiry(document, "find_refund", payment=payment, amount=refund.amount, refund=refund.id)
    state = ask(record, event)["refund"]
    if state is None:
        reason = f"{refund.psp} has no such refund; {_next_step(refund)}"
        return Finding(refund.id, name, reason, is_for_the_dashboard=True)
    status = status_of(state["status"])
    reason = f"{state['status']} at {refund.psp}: {refund.reference}"
    if status not in ("pending", "broken"):
        if not repair:
            return Finding(refund.id, name, f"{reason}; to be stored as {status}")
        return Finding(refund.id, name, reason, conclude(refund, status, state["code"]).status)
    if repair:
        conclude(refund, status, state["code"])
    has_time = clock.seconds_since(refund.requested_at) <= UNDECIDED
    return Finding(refund.id, name, f"{reason}; ask {refund.psp}", is_waiting=has_time)


def _next_step(refund: Refund) -> str:
    if not refund.number:
        return f"somebody made it at {refund.psp}: look there"
    request = to_start("refund", refund.donation, "--number", str(refund.number))
    close = f"python -m handlers.refunds close {refund.id} --not-made"
    return f"run it again, which is safe: {request}; or if it is not to be made any more: {close}"
