"""Settle one donation: compare the PSP's payments with what is stored, and store what is certain.

A payment that the flow did not ask for, because somebody took it at the PSP, never becomes the donation's: it is stored
as a conflict, for an operator.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from attrs import evolve, frozen

from handlers import captures, clock
from handlers.document import is_for_later
from handlers.psp import CAPTURED, Outcome, State
from handlers.reconcile.finding import SETTLING, Ask, Finding, inquiry, reason_of
from handlers.reconcile.reservations import settle_reservation
from handlers.transactions.record import Transaction, execution_of, from_document, is_erased, owner
from handlers.transactions.store import ConflictingTransaction, Store, begun, put_settled

ABANDONED = 26 * 3600
"""Seconds after which a payment that the donor has not completed is cancelled: the flow waits for a day."""

NOT_TAKEN = ("declined", "abandoned")
"""Statuses of records that a PSP's webhook may correct: somebody submitted a bank debit again, or the PSP authorised a
payment after the flow had closed it."""

TAKEN = ("paid", "authorised")
"""Statuses of records that have a payment: any other payment that the PSP takes is a conflict."""

CLOSE = "once it is resolved: python -m handlers.transactions close {} --note TEXT"
_CLOSE_NOT_TAKEN = "python -m handlers.transactions close {} --not-taken --note TEXT"
_REFUSED = (Outcome.DECLINED, Outcome.CANCELLED, Outcome.RETRY)

HasEnded = Callable[[str], bool | None]
"""Return true if the execution with this name or ARN has ended, None if that is unknown. For the sweep it has sent its
last request to the PSP more than SETTLING ago."""


@frozen
class Known:
    """A donation as it is stored, with its executions, and its payments at the PSP."""

    record: Transaction
    """The donation's record, with the PSP that has its payments."""
    document: dict[str, Any]
    payments: list[dict[str, Any]]
    """States of handlers.psp."""
    stored: set[str | None]
    """The references of payments that need no other record or conflict: see `references`."""
    begun: set[str]
    """Executions that asked the PSP, or were about to, before it was asked here."""
    running: list[str]
    """Those that may still ask the PSP, or have not stored their result."""
    age: float
    """Seconds since something was stored."""
    patience: int
    """Seconds for which a payment may be pending at this PSP."""

    @property
    def taken(self) -> list[dict[str, Any]]:
        """The payments that the PSP took and that are not in `stored`."""
        paid = [each for each in self.payments if each["status"] == Outcome.PAID]
        return [{**each, "status": "paid"} for each in paid if each["reference"] not in self.stored]

    @property
    def own_taken(self) -> dict[str, Any] | None:
        """The first of `taken` that the flow asked for and that has the donation's amount."""
        return next((each for each in self.taken if not each["further"] and self.is_asked_for(each)), None)

    @property
    def undecided(self) -> list[dict[str, Any]]:
        """The flow's payments that are neither taken, refused nor cancelled."""
        decided = (*_REFUSED, Outcome.PAID)
        return [each for each in self.payments if not each["further"] and each["status"] not in decided]

    @property
    def reserved(self) -> dict[str, Any] | None:
        """The reservation of a donation with `capture` `later`, if no other payment is undecided."""
        is_reserved = [each["status"] for each in self.undecided] == [Outcome.AUTHORISED]
        if not is_reserved or not is_for_later(self.document) or not self.is_asked_for(self.undecided[0]):
            return None
        return {**self.undecided[0], "status": "authorised"}

    def is_asked_for(self, payment: dict[str, Any]) -> bool:
        """Return true if the payment has the donation's amount, and nothing or all of it was taken; of a reservation,
        any part."""
        donation, captured = self.document["donation"], payment["captured"]
        if (payment["amount"], payment["currency"]) != (donation["amount"], donation["currency"]):
            return False
        return captured in (0, donation["amount"]) or (is_for_later(self.document) and captured is not None)

    def has_time(self, limit: float = ABANDONED) -> bool:
        """Return true if an operator does not have to look at the donation yet."""
        return self.record.status == "open" and self.age <= limit

    def finding(self, reason: str, repaired: str | None = None, **more: bool) -> Finding:
        return Finding(self.record.id, self.record.status, reason, repaired, **more)


def settle(
    record: Transaction, store: Store, ask: Ask, has_ended: HasEnded, *, repair: bool = True, reported: str = ""
) -> Finding:
    """Settle an open or broken donation; `reported` is the reference of a payment that its PSP has reported."""
    known = _ask(record, store, ask, has_ended, cancels=repair)
    if isinstance(known, Finding):
        return known
    own = known.own_taken
    if repair:
        _keep_conflicts(known, store, but=own)
    if own:
        return _store_taken(known, own, store, repair=repair)
    if known.taken and not repair:
        return known.finding(_where(known))
    if known.reserved:
        return _store_reservation(known, known.reserved, store, repair=repair)
    if known.undecided:
        return _describe_undecided(known)
    if known.running:
        return _too_early(known, f"{known.running[0]} may still be running")
    if known.age < SETTLING or reported not in ("", *(each["reference"] for each in known.payments)):
        return _too_early(known, "wait for late answers")
    return _store_not_taken(known, store, repair=repair)


def settle_again(record: Transaction, store: Store, ask: Ask, has_ended: HasEnded, reported: str) -> Finding:
    """Settle a payment that the PSP reports for a donation that is not open or broken."""
    known = _ask(record, store, ask, has_ended, alone=reported)
    if isinstance(known, Finding):
        return known
    # A receipt needs the donor's address.
    own = None if record.status in TAKEN or is_erased(record) else known.own_taken
    _keep_conflicts(known, store, but=own)
    if own:
        return _store_taken(known, own, store, repair=True)
    if known.taken:
        return known.finding(_where(known), "conflict")
    if record.status in TAKEN:
        return known.finding("nothing else was taken", record.status)
    if known.reserved:
        return _store_reservation(known, known.reserved, store, repair=True)
    return known.finding(f"not taken at {known.record.psp}", record.status)


def keep_further(record: Transaction, store: Store, ask: Ask, has_ended: HasEnded, reported: str) -> Finding:
    """Store a payment that the flow did not ask for as a conflict; leave the flow's own payments alone."""
    known = _ask(record, store, ask, has_ended, alone=reported)
    if isinstance(known, Finding):
        return known
    known = evolve(known, payments=[each for each in known.payments if each["reference"] == reported])
    _keep_conflicts(known, store, but=None)
    if known.taken:
        return known.finding(_where(known), "conflict")
    return known.finding("nothing else was taken", record.status)


def unfinished(history: list[Transaction]) -> set[str]:
    """Return the executions that asked a PSP, or were about to, and have not stored their result."""
    executions: dict[bool, set[str]] = {True: set(), False: set()}
    for entry in history:
        executions[entry.status == "open"].add(execution_of(entry))
    return executions[True] - executions[False]


def references(record: Transaction, history: list[Transaction]) -> set[str | None]:
    """Return the references of stored payments: the record's if it is taken, and those of conflicts, also closed ones.

    A payment that an earlier execution stored as declined does not count: the PSP may have taken it since.
    """
    statuses = ("conflict", "closed", *((record.status,) if record.status in TAKEN else ()))
    return {each.reference for each in history if each.reference and each.status in statuses}


def _ask(
    record: Transaction, store: Store, ask: Ask, has_ended: HasEnded, *, alone: str = "", cancels: bool = False
) -> Known | Finding:
    """Ask the PSP for the donation's payments, or for a reported one `alone`; return a finding if it cannot be asked.

    With `cancels`, cancel a payment that the donor could still complete once no execution waits for it.
    """
    history = store.history(record.id)
    intent = owner(history)
    if intent is None:
        reason = f"not charged: no PSP was selected; {CLOSE.format(record.id)}"
        return Finding(record.id, record.status, reason)
    # The record may be of an execution that failed before SelectPsp, or of another donation with the same id.
    selected = {name: value for name, value in json.loads(intent.document).items() if name in ("donation", "psp")}
    document = {**json.loads(record.document), **selected}
    asked = evolve(record, psp=intent.psp)
    running = [execution for execution in unfinished(history) if not has_ended(execution)]
    age = clock.seconds_since(max(each.stored_at for each in history))
    try:
        answer = ask(asked, inquiry(document, "look_up", reported=alone))
        stored = references(record, history)
        known = Known(asked, document, _states(answer), stored, begun(history), running, age, answer["patience"])
        waiting = [each for each in known.undecided if each["status"] == Outcome.REDIRECT and known.is_asked_for(each)]
        if cancels and waiting and not running and age > ABANDONED:
            cancelled = [each["reference"] for each in waiting]
            answer = ask(asked, inquiry(document, "cancel", reported=alone, references=cancelled))
            known = evolve(known, payments=_states(answer))
    except Exception as error:  # noqa: BLE001 - one PSP that cannot be asked must not hide the other findings
        return Finding(record.id, record.status, f"{intent.psp} could not be asked: {reason_of(error)}")
    return known


def _states(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the payments of an answer. Raises KeyError if one lacks a field of State."""
    return [{name: each[name] for name in State.__annotations__} for each in answer["payments"]]


def _where(known: Known) -> str:
    return f"taken at {known.record.psp}: {', '.join(str(each['reference']) for each in known.taken)}"


def _keep_conflicts(known: Known, store: Store, *, but: dict[str, Any] | None) -> None:
    """Store each payment that was taken, except the donation's own (`but`), as a conflict with its amount."""
    for payment in known.taken:
        if payment != but:
            amounts = {"amount": payment["captured"], "currency": payment["currency"]}
            store.put(evolve(_with_payment(known, payment), status="conflict", complete=True, **amounts))


def _store_taken(known: Known, payment: dict[str, Any], store: Store, *, repair: bool) -> Finding:
    if not is_for_later(known.document):
        return _store(known, payment, _where(known), store, repair=repair)
    # Perhaps a part of the reservation was taken.
    reserved = _with_payment(known, {**payment, "status": "authorised", "code": CAPTURED})
    record = store.put(reserved, settles=True) if repair else reserved
    finding = settle_reservation(record, captures.find(record.id), payment, repair=repair)
    return evolve(finding, status=known.record.status)


def _store_reservation(known: Known, payment: dict[str, Any], store: Store, *, repair: bool) -> Finding:
    reason = f"reserved at {known.record.psp}"
    if known.running:
        return known.finding(f"{reason}; {known.running[0]} may still be running", is_waiting=known.has_time())
    return _store(known, payment, reason, store, repair=repair)


def _describe_undecided(known: Known) -> Finding:
    payment = known.undecided[0]
    reason = f"{payment['status']} at {known.record.psp}: {payment['reference']}"
    if not known.is_asked_for(payment):
        reason += ", which has another amount than the donation"
    is_pending = all(each["status"] == Outcome.PENDING for each in known.undecided)
    limit = max(known.patience, ABANDONED) if is_pending and known.running else ABANDONED
    if is_pending and not known.running and not known.has_time(limit):
        reason += f"; look there, and if nothing was taken: {_CLOSE_NOT_TAKEN.format(known.record.id)}"
        return known.finding(reason, is_for_the_dashboard=True)
    return known.finding(reason, is_waiting=known.has_time(limit))


def _too_early(known: Known, why: str) -> Finding:
    return known.finding(f"not taken at {known.record.psp} so far; {why}", is_waiting=known.has_time())


def _store_not_taken(known: Known, store: Store, *, repair: bool) -> Finding:
    refused = [each for each in known.payments if not each["further"] and each["status"] in _REFUSED]
    last = refused[-1] if refused else {"code": "none", "message": "the PSP has no payment", "reference": None}
    status = "abandoned" if last.get("status") == Outcome.CANCELLED else "declined"
    return _store(known, {**last, "status": status}, f"not taken at {known.record.psp}", store, repair=repair)


def _store(known: Known, payment: dict[str, Any], reason: str, store: Store, *, repair: bool) -> Finding:
    """Store the payment's status as the donation's."""
    if not repair:
        return known.finding(f"{reason}; to be stored as {payment['status']}")
    try:
        record = put_settled(store, _with_payment(known, payment), known.begun)
    except ConflictingTransaction as error:
        return known.finding(str(error), "conflict")
    return known.finding(reason, record.status)


def _with_payment(known: Known, state: dict[str, Any]) -> Transaction:
    """Return the donation's transaction with the payment's state at the PSP."""
    # It has any type after a malformed answer of the PSP's function.
    before = known.document["payment"] if isinstance(known.document.get("payment"), dict) else {}
    payment = {"attempts": [], **before, **state, "psp": known.record.psp, "delay_seconds": 0}
    reconciled = {"at": clock.now(), "status": known.record.status, "error": known.document.get("error")}
    kept = {name: value for name, value in known.document.items() if name != "error"}
    return from_document({**kept, "payment": payment, "reconciled": reconciled})
