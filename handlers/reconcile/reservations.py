"""Reserved donations: store what the PSP took of a reservation, or released, whoever asked for it: a capture flow whose
outcome is unknown, or somebody in the PSP's dashboard. Nothing is taken here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from attrs import evolve

from handlers import captures, clock
from handlers.captures.conclusion import conclude, release
from handlers.captures.record import Capture
from handlers.hints import to_start
from handlers.money import amount_text
from handlers.psp import CAPTURED, Outcome
from handlers.reconcile.finding import SETTLING, Ask, Finding, inquiry, reason_of
from handlers.transactions.record import Transaction
from handlers.transactions.store import ConflictingTransaction, Query, Store

RESERVED = 5 * 24 * 3600
"""Seconds after which a reservation that was not captured is listed: card schemes keep most for seven days
(https://docs.stripe.com/payments/place-a-hold-on-a-payment-method)."""

_GONE = (Outcome.CANCELLED, Outcome.DECLINED, Outcome.RETRY)


def reservations(store: Store, ask: Ask, *, repair: bool) -> Iterator[Finding]:
    """Yield a finding for each reservation that expires soon, and for each whose capture is not certain."""
    requested = {capture.donation: capture for capture in captures.listed()}
    for record in store.list(Query(status="authorised")):
        capture = requested.pop(record.id, None)
        # A final capture is due, too: an execution stored its earlier answer after it.
        if _is_due(capture) if capture else _expires(record) or _is_captured(record):
            yield _ask_and_settle(record, capture, ask, repair=repair)
    for capture in requested.values():
        other = None if capture.is_final or not _is_due(capture) else store.get(capture.donation)
        # The sweep settles open and broken donations itself, and a declined one has no reservation.
        if other is not None and (other.status == "paid" or (other.status == "abandoned" and not _is_refused(capture))):
            yield _ask_and_settle(other, capture, ask, repair=repair)


def _expires(record: Transaction) -> bool:
    return clock.seconds_since(record.stored_at) > RESERVED


def _is_captured(record: Transaction) -> bool:
    """Return true if the flow found the reservation captured already: the PSP knows how much of it."""
    return bool(json.loads(record.document)["payment"].get("code") == CAPTURED)


def _is_due(capture: Capture) -> bool:
    return capture.is_final or clock.seconds_since(capture.stored_at) > SETTLING


def _is_refused(capture: Capture) -> bool:
    return capture.status == "declined"


def _ask_and_settle(record: Transaction, capture: Capture | None, ask: Ask, *, repair: bool) -> Finding:
    try:
        return settle_reservation(record, capture, state_of(record, ask), repair=repair)
    except Exception as error:  # noqa: BLE001 - one reservation must not hide the other findings
        reason = f"{record.psp} could not be asked: {reason_of(error)}; {_next_step(record, capture)}"
        return Finding(record.id, _name(capture), reason)


def state_of(record: Transaction, ask: Ask) -> dict[str, Any] | None:
    """Ask the PSP for the donation's payment; return None if the PSP does not know it.

    Raises what the PSP's function raises.
    """
    event = inquiry(json.loads(record.document), "look_up", reported=record.reference)
    payments = ask(record, event)["payments"]
    return next((each for each in payments if each["reference"] == record.reference), None)


def settle_reservation(
    record: Transaction, capture: Capture | None, state: dict[str, Any] | None, *, repair: bool
) -> Finding:
    """Store what the PSP says of a reserved donation's payment.

    `state` is a State of handlers.psp, or None if the PSP does not know the payment.
    """
    where = f"at {record.psp} by {record.reference}"
    outcome, taken = (state["status"], state["captured"]) if state else (None, 0)
    if outcome == Outcome.PAID and taken and state and state["currency"] == record.currency:
        reason = f"taken {where}: {amount_text(taken, str(record.currency))}"
        if capture and capture.amount != taken:
            reason += f"; requested were {amount_text(capture.amount, capture.currency)}"
        if not repair:
            return Finding(record.id, _name(capture), f"{reason}; to be stored as paid")
        # Stored as open first: if this is killed before its end, the next sweep settles it.
        done = evolve(capture, amount=taken) if capture else captures.finish(_dashboard_capture(record, taken))
        try:
            conclude(done, record, "captured", str(state["code"]))
        except ConflictingTransaction as error:
            return Finding(record.id, _name(capture), str(error), "conflict")
        return Finding(record.id, _name(capture), reason, "paid")
    if state and outcome in _GONE:
        reason = f"nothing was taken {where}, and the reservation is gone: {state['code']}"
        if not repair:
            return Finding(record.id, _name(capture), f"{reason}; to be stored as abandoned")
        stored = release(record, str(state["code"]))
        if capture and not capture.is_final:
            conclude(capture, record, "declined" if capture.amount else "released", str(state["code"]))
        return Finding(record.id, _name(capture), reason, stored.status)
    what = f"{outcome} {where}" if state else f"{record.psp} does not know {record.reference}"
    return Finding(record.id, _name(capture), f"{what}; {_next_step(record, capture)}")


def _dashboard_capture(record: Transaction, taken: int) -> Capture:
    """Return a capture that somebody made in the PSP's dashboard: once it is stored, no other can be requested."""
    now = clock.now()
    return Capture(
        donation=record.id,
        amount=taken,
        reserved=int(record.amount or 0),
        currency=str(record.currency),
        charity=str(record.charity),
        psp=str(record.psp),
        reference=str(record.reference),
        status="open",
        code="",
        requested_at=now,
        stored_at=now,
    )


def _name(capture: Capture | None) -> str:
    return "authorised" if capture is None else f"capture {capture.status}"


def _next_step(record: Transaction, capture: Capture | None) -> str:
    if capture is None:
        take, release = (to_start("capture", record.id, *each) for each in ([], ["--release"]))
        return f"the reservation expires soon; take it: {take}; or release it: {release}"
    if capture.status == "declined":
        # The PSP would repeat its answer.
        return f"the capture was declined: take or release it in the dashboard of {record.psp}"
    return f"run the capture again, which is safe: {to_start('capture', record.id)}"
