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

from attrs import evolve

from handlers import captures, clock, disputes
from handlers.configuration import store_name
from handlers.disputes.record import NEEDS_RESPONSE
from handlers.document import is_for_later
from handlers.money import amount_text
from handlers.psp import CAPTURED, Outcome, State
from handlers.reconcile.finding import SETTLING, Ask, Finding, inquiry
from handlers.reconcile.finishing import finish
from handlers.reconcile.refunding import undecided as undecided_refunds
from handlers.reconcile.reservations import reservations, settled, state_of
from handlers.transactions.record import Transaction, from_document, is_erased, owner
from handlers.transactions.store import ConflictingTransaction, Query, Store

ABANDONED = 26 * 3600
"""Seconds after which a payment that waits for the donor is cancelled: the flow waits for a day."""

_REFUSED = (Outcome.DECLINED, Outcome.CANCELLED, Outcome.RETRY)

_NOT_TAKEN = ("declined", "abandoned")
"""Statuses of records that a PSP's webhook may prove wrong: a bank debit that somebody submitted again, a payment that
the PSP authorised after it had closed it."""

_TAKEN = ("paid", "authorised")
"""Statuses of records that have a payment: whatever else the PSP takes is for people."""

UNSWEPT = (*_NOT_TAKEN, *_TAKEN)
"""Statuses of records for which the sweep does not ask the PSP: only a webhook tells of their payments."""

HasEnded = Callable[[str], bool | None]
"""Return true if the execution with this name or ARN is over; None if that is unknown. The sweep takes it that one that
is over has asked the PSP for nothing since SETTLING."""


def sweep(store: Store, ask: Ask, has_ended: HasEnded, *, repair: bool = True) -> Iterator[Finding]:
    """Yield a finding for each transaction that is not finished, the oldest first per status.

    Without `repair`, nothing is stored.
    """
    for status in ("open", "broken"):
        for transaction in store.list(Query(status=status)):
            yield _reconciled(transaction, store, ask, has_ended, repair=repair)
    for transaction in store.list(Query(status="conflict")):
        reason = _conflict(transaction, store.get(transaction.id))
        yield Finding(transaction.id, transaction.status, f"{reason}; {_CLOSE.format(transaction.id)}")
    for transaction in store.list(Query(status="paid", complete=False)):
        yield _finished(transaction, store) if repair else Finding(transaction.id, transaction.status, _INCOMPLETE)
    yield from undecided_refunds(store, ask, repair=repair)
    yield from reservations(store, ask, repair=repair)
    for dispute in disputes.listed():
        if dispute.status == NEEDS_RESPONSE:
            reason = f"dispute {dispute.id} ({dispute.reason}): answer it at {dispute.psp}"
            yield Finding(dispute.donation, f"dispute: {dispute.status}", reason)


def settle(record: Transaction, store: Store, ask: Ask, has_ended: HasEnded) -> Finding:
    """Do for one open or broken donation what the sweep does."""
    return _reconciled(record, store, ask, has_ended, repair=True)


def reconcile(
    donation: str, store: Store, ask: Ask, has_ended: HasEnded, payment: str, *, is_further: bool = False
) -> Finding | None:
    """Settle the donation of a payment that its PSP has reported; None if it is settled, or if an execution may still
    settle it.

    A second payment becomes a conflict, and so does one that the flow did not ask for (`is_further`), and one of a
    declined donation whose donor was erased. Raises what the PSP's function raises, if it is asked for a reservation.
    """
    record, history = store.get(donation), store.history(donation)
    if record is None or record.status not in ("open", "broken", *UNSWEPT):
        return None
    if record.status in _TAKEN and payment == record.reference:
        return _of_reservation(record, store, ask)
    if payment in _stored(record, history):
        return None
    # An execution that still runs cannot give back what its donation already has.
    is_certain = is_further or record.status in _TAKEN
    if not is_certain and not all(has_ended(execution) for execution in _unfinished(history)):
        return None
    is_alone = is_further or record.status in UNSWEPT
    finding = _reconciled(
        record, store, ask, has_ended, repair=True, reported=payment, is_alone=is_alone, is_further=is_further
    )
    return None if finding.repaired == record.status else finding


def _of_reservation(record: Transaction, store: Store, ask: Ask) -> Finding | None:
    """Settle a reservation, and what somebody took of it later: None if nothing has changed."""
    if not is_for_later(json.loads(record.document)):
        return None
    state = state_of(record, ask)
    if record.status == "authorised":
        finding = settled(record, captures.find(record.id), state, repair=True)
        return finding if finding.repaired else None
    known = [each for each in store.history(record.id) if each.status in ("conflict", "closed")]
    captured = (state["captured"] if state else 0) or 0
    before = (record.amount or 0) + sum(each.amount or 0 for each in known if each.reference == record.reference)
    more = captured - before
    if more <= 0:
        return None
    # The same document is stored once: that of each capture says how much was taken in all.
    document = {**json.loads(record.document), "reconciled": {"captured": captured}}
    store.put(evolve(from_document(document), status="conflict", complete=True, amount=more))
    return Finding(record.id, record.status, f"{more} more was taken at {record.psp}: {record.reference}", "conflict")


def _stored(record: Transaction, history: list[Transaction]) -> set[str | None]:
    """Return the references of payments that are stored as what they are: the record's, and conflicts, closed ones too.

    That an earlier execution stored a payment as declined does not count: the PSP may have taken it since.
    """
    statuses = ("conflict", "closed", *((record.status,) if record.status in _TAKEN else ()))
    return {each.reference for each in history if each.reference and each.status in statuses}


def _conflict(transaction: Transaction, record: Transaction | None) -> str:
    if not transaction.reference:
        return "not charged: a different donation uses the id"
    where, is_same = f"at {transaction.psp}: {transaction.reference}", False
    if transaction.amount is not None and transaction.currency:
        where = f"{where}, {amount_text(transaction.amount, transaction.currency)}"
        is_same = record is not None and (record.amount, record.currency) == (transaction.amount, transaction.currency)
    if record is not None and (record.status, record.reference) == ("paid", transaction.reference):
        return f"more was taken of the payment {where}"
    if record is not None and record.status in _NOT_TAKEN:
        why = f"the donation is {record.status}"
        return f"taken {where}; {why}, and its donor's data was erased" if is_same else f"taken {where}; {why}"
    return f"a second payment was taken {where}"


_CLOSE = "seen to: python -m handlers.transactions close {} --note TEXT"
_CLOSE_NOT_TAKEN = "python -m handlers.transactions close {} --not-taken --note TEXT"
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
    has_ended: HasEnded,
    *,
    repair: bool,
    reported: str = "",
    is_alone: bool = False,
    is_further: bool = False,
) -> Finding:
    """Ask the PSP for the donation's payments, or for the `reported` one alone, and settle what is certain."""
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
    try:
        alone = reported if is_alone else ""
        answer = ask(transaction, inquiry(document, "look_up", reported=alone))
        payments, patience = _states(answer), answer["patience"]
        waiting = [each for each in payments if each["status"] == Outcome.REDIRECT and _is_asked_for(each, document)]
        if waiting and repair and not running and age > ABANDONED:
            references = [payment["reference"] for payment in waiting]
            event = inquiry(document, "cancel", reported=alone, references=references)
            payments = _states(ask(transaction, event))
    except Exception as error:  # noqa: BLE001 - one PSP that cannot be asked must not hide the other findings
        reason = f"{transaction.psp} could not be asked: {type(error).__name__}"
        return Finding(transaction.id, transaction.status, reason)
    if is_further:
        # The others are the flow's.
        payments = [payment for payment in payments if payment["reference"] == reported]
    stored = _stored(transaction, history)
    taken = [payment for payment in payments if payment["status"] == Outcome.PAID]
    taken = [{**payment, "status": "paid"} for payment in taken if payment["reference"] not in stored]
    # A receipt needs the donor.
    settles = transaction.status not in _TAKEN and not is_erased(transaction) and not is_further
    first = next((payment for payment in taken if settles and _is_asked_for(payment, document)), None)
    reason = f"taken at {transaction.psp}: {', '.join(str(each['reference']) for each in taken)}"
    if repair:
        for payment in taken:
            if payment is not first:
                further = _with_payment(transaction, document, payment)
                amounts = {"amount": payment["captured"], "currency": payment["currency"]}
                store.put(evolve(further, status="conflict", complete=True, **amounts))
    if first and is_for_later(document):
        # Perhaps less than what was reserved.
        reserved = _with_payment(transaction, document, {**first, "status": "authorised", "code": CAPTURED})
        record = store.put(reserved, settles=True) if repair else reserved
        return evolve(settled(record, captures.find(record.id), first, repair=repair), status=transaction.status)
    if first:
        return _settled(transaction, document, first, reason, store, repair=repair)
    if taken and (transaction.status in UNSWEPT or is_further or not repair):
        return Finding(transaction.id, transaction.status, reason, "conflict" if repair else None)
    if transaction.status in _TAKEN or is_further:
        return Finding(transaction.id, transaction.status, "nothing else was taken", transaction.status)
    undecided = [payment for payment in payments if payment["status"] not in (*_REFUSED, Outcome.PAID)]
    is_reserved = is_for_later(document) and [each["status"] for each in undecided] == [Outcome.AUTHORISED]
    if is_reserved and _is_asked_for(undecided[0], document):
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
        if not _is_asked_for(undecided[0], document):
            reason += ", which is of another amount than the donation"
        is_pending = all(payment["status"] == Outcome.PENDING for payment in undecided)
        has_time = _has_time(transaction, age, max(patience, ABANDONED) if is_pending and running else ABANDONED)
        if is_pending and not running and not has_time:
            reason += f"; look there, and if nothing was taken: {_CLOSE_NOT_TAKEN.format(transaction.id)}"
            return Finding(transaction.id, transaction.status, reason, is_for_the_dashboard=True)
        return Finding(transaction.id, transaction.status, reason, is_waiting=has_time)
    is_missing = reported not in ("", *(payment["reference"] for payment in payments))
    if running or age < SETTLING or is_missing:
        why = f"{running[0]} may still be running" if running else "wait for late answers"
        reason, has_time = f"not taken at {transaction.psp} so far; {why}", _has_time(transaction, age, ABANDONED)
        return Finding(transaction.id, transaction.status, reason, is_waiting=has_time)
    refused = [payment for payment in payments if payment["status"] in _REFUSED]
    last = refused[-1] if refused else {"code": "none", "message": "the PSP has no payment", "reference": None}
    status = "abandoned" if last.get("status") == Outcome.CANCELLED else "declined"
    reason = f"not taken at {transaction.psp}"
    return _settled(transaction, document, {**last, "status": status}, reason, store, repair=repair)


def _states(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the payments of an answer. Raises KeyError if one has not all that a State has."""
    return [{name: each[name] for name in State.__annotations__} for each in answer["payments"]]


def _is_asked_for(payment: dict[str, Any], document: dict[str, Any]) -> bool:
    """Return true if the payment is of the donation's amount, and as much was taken of it as may be."""
    donation = document["donation"]
    if (payment["amount"], payment["currency"]) != (donation["amount"], donation["currency"]):
        return False
    return payment["captured"] in (0, donation["amount"]) or (
        is_for_later(document) and payment["captured"] is not None
    )


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


def execution_has_settled(execution: str) -> bool | None:
    """Return true if the execution was over SETTLING ago: its last request, which may have been underway when it was
    stopped, has reached the PSP, and the PSP's search. None as of execution_has_ended."""
    return execution_has_ended(execution, seconds=SETTLING)


def execution_has_ended(execution: str, *, seconds: int = 0) -> bool | None:
    """Return true if the execution is over, since so many seconds; None without TRANSACTIONS_TABLE, or if the ARN is
    unknown."""
    if not store_name("TRANSACTIONS_TABLE"):
        return None
    import boto3

    client = boto3.client("stepfunctions")
    try:
        description = client.describe_execution(executionArn=execution)
        if description["status"] in ("RUNNING", "PENDING_REDRIVE"):
            return False
        return seconds == 0 or clock.seconds_since(description["stopDate"].isoformat()) > seconds
    except (client.exceptions.ExecutionDoesNotExist, client.exceptions.InvalidArn):
        return None
