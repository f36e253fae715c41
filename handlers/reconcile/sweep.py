"""Compare every unfinished transaction with its PSP and its execution.

What is certain is repaired: a payment that the PSP took is stored as paid, and its post-processing is finished; each
further one is stored as a conflict; a donation whose execution has ended and whose payments are all refused or
cancelled is stored as declined or abandoned. A payment that the donor could still complete is cancelled when no
execution has waited for it for a day. Everything else is a finding. Nothing is charged or refunded, and running the
sweep again, or beside an execution, is safe.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterator
from typing import Any

from attrs import evolve, frozen

from handlers import captures, clock, disputes, refunds
from handlers.captures.document import captured
from handlers.configuration import store_name
from handlers.disputes.record import NEEDS_RESPONSE
from handlers.document import PAYING, is_for_later
from handlers.psp import Outcome
from handlers.reconcile.finishing import finish
from handlers.transactions.record import Transaction, from_document, is_erased, owner
from handlers.transactions.store import ConflictingTransaction, Query, Store

SETTLING = 3600
"""Seconds for which an unfinished transaction is not called declined: a request may be on its way to the PSP, and
a PSP's search may lag behind."""

ABANDONED = 26 * 3600
"""Seconds after which a payment that waits for the donor is cancelled: the flow waits for a day."""

RESERVED = 5 * 24 * 3600
"""Seconds after which a reservation that nobody has taken is listed: card schemes keep most for seven days
(https://docs.stripe.com/payments/place-a-hold-on-a-payment-method)."""

_REFUSED = (Outcome.DECLINED, Outcome.CANCELLED, Outcome.RETRY)

_NOT_TAKEN = ("declined", "abandoned")
"""Statuses of records that a PSP's webhook may prove wrong: a bank debit that somebody submitted again, a payment that
the PSP authorised after it had closed it."""

_TAKEN = ("paid", "authorised")
"""Statuses of records that have a payment: whatever else the PSP takes is for people."""

UNSWEPT = (*_NOT_TAKEN, *_TAKEN)
"""Statuses of records for which the sweep does not ask the PSP: only a webhook tells of their payments."""

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

    @property
    def is_open_work(self) -> bool:
        return self.repaired is None and not self.is_waiting


def sweep(store: Store, ask: Ask, has_ended: Callable[[str], bool | None], *, repair: bool = True) -> Iterator[Finding]:
    """Yield a finding for each transaction that is not finished, the oldest first per status.

    `has_ended` returns None if the state of an execution is unknown. Without `repair`, nothing is stored.
    """
    for status in ("open", "broken"):
        for transaction in store.list(Query(status=status)):
            yield _reconciled(transaction, store, ask, has_ended, repair=repair)
    for transaction in store.list(Query(status="conflict")):
        reason = _conflict(transaction, store.get(transaction.id))
        yield Finding(transaction.id, transaction.status, f"{reason}; {_CLOSE.format(transaction.id)}")
    for transaction in store.list(Query(status="paid", complete=False)):
        yield _finished(transaction, store) if repair else Finding(transaction.id, transaction.status, _INCOMPLETE)
    for refund in refunds.listed():
        if refund.status in ("open", "broken") and clock.seconds_since(refund.stored_at) > SETTLING:
            again = f"python -m handlers.refunds request {refund.donation} --number {refund.number}"
            reason = f"its outcome is unknown; run it again, which is safe: {again}"
            yield Finding(refund.id, f"refund {refund.status}", reason)
        elif refund.status == "failed":
            close = f"python -m handlers.refunds close {refund.id}"
            reason = f"the donor's bank returned it: pay the donor in another way, then {close}"
            yield Finding(refund.id, "refund failed", reason)
    for transaction in store.list(Query(status="authorised")):
        capture = captures.find(transaction.id)
        if capture is not None and capture.status == "released":
            # An execution stored its earlier answer after the release.
            reason = f"released at {transaction.psp}"
            document, state = json.loads(transaction.document), {"status": "abandoned", "code": capture.code}
            yield _settled(transaction, document, state, reason, store, repair=repair)
        elif capture is None and clock.seconds_since(transaction.stored_at) > RESERVED:
            request = f"python -m handlers.captures request {transaction.id}"
            yield Finding(transaction.id, "authorised", f"the reservation expires soon; take or release it: {request}")
    for capture in captures.listed():
        if not capture.is_final and clock.seconds_since(capture.stored_at) > SETTLING:
            request = f"python -m handlers.captures request {capture.donation}"
            reason = f"it is not certain what was taken; run it again, which is safe: {request}"
            yield Finding(capture.donation, f"capture {capture.status}", reason)
    for dispute in disputes.listed():
        if dispute.status == NEEDS_RESPONSE:
            reason = f"dispute {dispute.id} ({dispute.reason}): answer it at {dispute.psp}"
            yield Finding(dispute.donation, f"dispute: {dispute.status}", reason)


def reconcile(
    donation: str, store: Store, ask: Ask, has_ended: Callable[[str], bool | None], payment: str
) -> Finding | None:
    """Settle the donation of a payment that its PSP has reported; None if it is settled, or if an execution may still
    settle it. A second payment becomes a conflict, and so does one of a declined donation whose donor was erased."""
    record, history = store.get(donation), store.history(donation)
    if record is None or record.status not in ("open", "broken", *UNSWEPT) or payment in _stored(record, history):
        return None
    # An execution that still runs cannot give back what its donation already has.
    if record.status not in _TAKEN and not all(has_ended(execution) for execution in _unfinished(history)):
        return None
    reported = payment if record.status in UNSWEPT else ""
    finding = _reconciled(record, store, ask, has_ended, repair=True, reported=reported)
    return None if finding.repaired == record.status else finding


def _stored(record: Transaction, history: list[Transaction]) -> set[str | None]:
    """Return the references of payments that are stored as what they are: the record's, and conflicts, closed ones too.

    That an earlier execution stored a payment as declined does not count: the PSP may have taken it since.
    """
    statuses = ("conflict", "closed", *((record.status,) if record.status in _TAKEN else ()))
    return {each.reference for each in history if each.reference and each.status in statuses}


def _conflict(transaction: Transaction, record: Transaction | None) -> str:
    if not transaction.reference:
        return "not charged: a different donation uses the id"
    if record is not None and record.status in _NOT_TAKEN:
        why = f"the donation is {record.status}, and its donor's data was erased"
        return f"taken at {transaction.psp}: {transaction.reference}; {why}"
    return f"a second payment was taken at {transaction.psp}: {transaction.reference}"


_CLOSE = "seen to: python -m handlers.transactions close {} --note TEXT"
_INCOMPLETE = "post-processing is incomplete"


def _finished(transaction: Transaction, store: Store) -> Finding:
    """Finish the post-processing: each step has an effect once per donation, so an execution may do it too."""
    document = finish(json.loads(transaction.document))
    record = store.put(from_document(document))
    if record.complete:
        return Finding(transaction.id, transaction.status, "post-processing was finished", record.status)
    failed = {name: each for name, each in document["post_processing"].items() if each.get("status") != "done"}
    why = ", ".join(f"{name}: {each.get('error')}" for name, each in failed.items())
    return Finding(transaction.id, transaction.status, f"{_INCOMPLETE} ({why})")


def _reconciled(
    transaction: Transaction,
    store: Store,
    ask: Ask,
    has_ended: Callable[[str], bool | None],
    *,
    repair: bool,
    reported: str = "",
) -> Finding:
    history = store.history(transaction.id)
    intent = owner(history)
    if intent is None:
        reason = f"not charged: no PSP was selected; {_CLOSE.format(transaction.id)}"
        return Finding(transaction.id, transaction.status, reason)
    # The record may be of an execution that failed before it knew the PSP, or even the donation that owns the id.
    selected = {name: value for name, value in json.loads(intent.document).items() if name in ("donation", "psp")}
    document = {**json.loads(transaction.document), **selected}
    transaction = evolve(transaction, psp=intent.psp)
    running = [execution for execution in _unfinished(history) if not has_ended(execution)]
    age = clock.seconds_since(max(each.stored_at for each in history))
    capture = captures.find(transaction.id) if is_for_later(document) else None
    try:
        event = {
            **document,
            "donation": {name: value for name, value in document["donation"].items() if name in PAYING},
            "captured": capture.amount if capture else None,
            "reported": reported,
        }
        answer = ask(transaction, {**event, "operation": "look_up"})
        payments, patience = answer["payments"], answer["patience"]
        waiting = [payment for payment in payments if payment["status"] == Outcome.REDIRECT]
        if waiting and repair and not running and age > ABANDONED:
            cancel = {"operation": "cancel", "references": [payment["reference"] for payment in waiting]}
            payments = ask(transaction, {**event, **cancel})["payments"]
    except Exception as error:  # noqa: BLE001 - one PSP that cannot be asked must not hide the other findings
        reason = f"{transaction.psp} could not be asked: {type(error).__name__}"
        return Finding(transaction.id, transaction.status, reason)
    stored = _stored(transaction, history)
    taken = [payment for payment in payments if payment["status"] == Outcome.PAID]
    taken = [{**payment, "status": "paid"} for payment in taken if payment["reference"] not in stored]
    # A receipt needs the donor.
    settles = transaction.status not in _TAKEN and not is_erased(transaction)
    further = taken[1:] if settles else taken
    reason = f"taken at {transaction.psp}: {', '.join(str(each['reference']) for each in taken)}"
    if repair:
        for payment in further:
            store.put(evolve(_with_payment(transaction, document, payment), status="conflict"))
    if taken and settles:
        # Perhaps less than what was reserved.
        document = document if capture is None else captured(document, capture)
        return _settled(transaction, document, taken[0], reason, store, repair=repair)
    if taken:
        return Finding(transaction.id, transaction.status, reason, "conflict")
    if transaction.status in _TAKEN:
        return Finding(transaction.id, transaction.status, "taken once", transaction.status)
    undecided = [payment for payment in payments if payment["status"] not in _REFUSED]
    if is_for_later(document) and [each["status"] for each in undecided] == [Outcome.AUTHORISED]:
        if running:
            reason = f"reserved at {transaction.psp}; {running[0]} may still be running"
            return Finding(
                transaction.id, transaction.status, reason, is_waiting=_has_time(transaction, age, ABANDONED)
            )
        state, reason = {**undecided[0], "status": "authorised"}, f"reserved at {transaction.psp}"
        return _settled(transaction, document, state, reason, store, repair=repair)
    if transaction.status in _NOT_TAKEN:
        return Finding(transaction.id, transaction.status, f"not taken at {transaction.psp}", transaction.status)
    if undecided:
        reason = f"{undecided[0]['status']} at {transaction.psp}: {undecided[0]['reference']}"
        is_pending = all(payment["status"] == Outcome.PENDING for payment in undecided)
        has_time = _has_time(transaction, age, max(patience, ABANDONED) if is_pending and running else ABANDONED)
        return Finding(transaction.id, transaction.status, reason, is_waiting=has_time)
    if running or age < SETTLING:
        why = f"{running[0]} may still be running" if running else "wait an hour for late answers"
        reason, has_time = f"not taken at {transaction.psp} so far; {why}", _has_time(transaction, age, ABANDONED)
        return Finding(transaction.id, transaction.status, reason, is_waiting=has_time)
    last = payments[-1] if payments else {"code": "none", "message": "the PSP has no payment", "reference": None}
    status = "abandoned" if last.get("status") == Outcome.CANCELLED else "declined"
    reason = f"not taken at {transaction.psp}"
    return _settled(transaction, document, {**last, "status": status}, reason, store, repair=repair)


def _has_time(transaction: Transaction, age: float, limit: float) -> bool:
    """Return true if nobody has to look at an unfinished transaction of this age (seconds) yet."""
    return transaction.status == "open" and age <= limit


def _unfinished(history: list[Transaction]) -> set[str]:
    """Return the executions that asked a PSP, or were about to, and have not stored their result."""
    executions: dict[bool, set[str]] = {True: set(), False: set()}
    for entry in history:
        executions[entry.status == "open"].add(str(json.loads(entry.document).get("execution")))
    return executions[True] - executions[False]


def _settled(
    transaction: Transaction,
    document: dict[str, Any],
    state: dict[str, Any],
    reason: str,
    store: Store,
    *,
    repair: bool,
) -> Finding:
    if not repair:
        return Finding(transaction.id, transaction.status, f"{reason}; to be stored as {state['status']}")
    known = len(store.history(transaction.id))
    try:
        record = store.put(_with_payment(transaction, document, state), settles=True)
    except ConflictingTransaction as error:
        return Finding(transaction.id, transaction.status, str(error), "conflict")
    for entry in store.history(transaction.id)[known:]:
        if entry.status == "open":
            # An execution started meanwhile: its donation is open work again, and the next sweep looks at it.
            record = store.put(entry)
    return Finding(transaction.id, transaction.status, reason, record.status)


def _with_payment(transaction: Transaction, document: dict[str, Any], state: dict[str, Any]) -> Transaction:
    """Return the transaction with the payment's state at the PSP."""
    # After a malformed answer of the PSP's function it may be anything.
    before = document["payment"] if isinstance(document.get("payment"), dict) else {}
    payment = {"attempts": [], **before, **state, "psp": transaction.psp, "delay_seconds": 0}
    reconciled = {"at": clock.now(), "status": transaction.status, "error": document.get("error")}
    kept = {name: value for name, value in document.items() if name != "error"}
    return from_document({**kept, "payment": payment, "reconciled": reconciled})


def ask_psp(transaction: Transaction, event: dict[str, Any]) -> dict[str, Any]:
    """Send the event to the PSP's deployed function, or without TRANSACTIONS_TABLE to the handler in this process.

    Raises RuntimeError if the deployed function fails.
    """
    if not store_name("TRANSACTIONS_TABLE"):
        handler = importlib.import_module(f"handlers.{transaction.psp}.handler").handler
        answer: dict[str, Any] = handler(event, None)
        return answer
    import boto3

    response = boto3.client("lambda").invoke(FunctionName=event["psp"]["function_arn"], Payload=json.dumps(event))
    answer = json.loads(response["Payload"].read())
    if "FunctionError" in response:
        raise RuntimeError(str(answer.get("errorType")))
    return answer


def execution_has_ended(execution: str) -> bool | None:
    """Return true if the execution is over; None without TRANSACTIONS_TABLE, or if the ARN is unknown."""
    if not store_name("TRANSACTIONS_TABLE"):
        return None
    import boto3

    client = boto3.client("stepfunctions")
    try:
        return bool(client.describe_execution(executionArn=execution)["status"] not in ("RUNNING", "PENDING_REDRIVE"))
    except (client.exceptions.ExecutionDoesNotExist, client.exceptions.InvalidArn):
        return None
