"""Compare every unfinished transaction with its PSP and its execution, and repair what is certain.

A payment that the PSP took is stored as paid, and its post-processing is finished; each further one is stored as a
conflict; a donation whose execution has ended and whose payments are all refused or cancelled is stored as declined or
abandoned. A payment that the donor could still complete is cancelled when no execution has waited for it for a day.
Everything else is only a finding. Nothing is charged or refunded, and running the sweep again, or beside an execution,
is safe.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from attrs import evolve

from handlers import captures, clock, disputes
from handlers.configuration import store_name
from handlers.disputes.record import NEEDS_RESPONSE
from handlers.document import is_for_later
from handlers.money import amount_text
from handlers.reconcile.asking import with_limit
from handlers.reconcile.finding import SETTLING, Ask, AskingFailed, Finding
from handlers.reconcile.finishing import finish
from handlers.reconcile.refunding import undecided as undecided_refunds
from handlers.reconcile.reservations import reservations, settle_reservation, state_of
from handlers.reconcile.settling import (
    CLOSE,
    NOT_TAKEN,
    TAKEN,
    HasEnded,
    keep_further,
    references,
    settle,
    settle_again,
    unfinished,
)
from handlers.transactions.record import Transaction, from_document, is_erased
from handlers.transactions.store import Query, Store

UNSWEPT = (*NOT_TAKEN, *TAKEN)
"""Statuses of records for which the sweep does not ask the PSP: only webhooks report their other payments."""


def sweep(store: Store, ask: Ask, has_ended: HasEnded, *, repair: bool = True) -> Iterator[Finding]:
    """Yield a finding for each transaction that is not finished, the oldest first per status.

    Without `repair`, nothing is stored.
    """
    ask = with_limit(ask)
    for status in ("open", "broken"):
        for transaction in store.list(Query(status=status)):
            yield _isolate(transaction, partial(settle, transaction, store, ask, has_ended, repair=repair))
    for transaction in store.list(Query(status="conflict")):
        reason = _describe_conflict(transaction, store.get(transaction.id))
        yield Finding(transaction.id, transaction.status, f"{reason}; {CLOSE.format(transaction.id)}")
    for transaction in store.list(Query(status="paid", complete=False)):
        if repair:
            yield _isolate(transaction, partial(_finish, transaction, store))
        else:
            yield Finding(transaction.id, transaction.status, _INCOMPLETE)
    yield from undecided_refunds(store, ask, repair=repair)
    yield from reservations(store, ask, repair=repair)
    for dispute in disputes.listed():
        if dispute.status == NEEDS_RESPONSE:
            reason = f"dispute {dispute.id} ({dispute.reason}): answer it at {dispute.psp}"
            yield Finding(dispute.donation, f"dispute: {dispute.status}", reason)


def _isolate(transaction: Transaction, settle: Callable[[], Finding]) -> Finding:
    """Settle one donation; an error is a finding, so that the others are settled as well."""
    try:
        return settle()
    except Exception as error:  # noqa: BLE001 - the next sweep tries again
        return Finding(transaction.id, transaction.status, f"could not be settled: {type(error).__name__}")


def reconcile(
    donation: str, store: Store, ask: Ask, has_ended: HasEnded, payment: str, *, is_further: bool = False
) -> Finding | None:
    """Settle the donation of a payment that its PSP has reported; return None if it is settled already, or if an
    execution may still settle it.

    A second payment becomes a conflict, and so does one that the flow did not ask for (`is_further`), and one of a
    declined donation whose donor's data was erased. Raises what `ask` raises if the payment is a reservation.
    """
    record, history = store.get(donation), store.history(donation)
    if record is None or record.status not in ("open", "broken", *UNSWEPT):
        return None
    if record.status in TAKEN and payment == record.reference:
        return _settle_known_reservation(record, store, ask)
    if payment in references(record, history):
        return None
    # Without this, an execution that still runs may settle it. It cannot settle a second payment.
    is_certain = is_further or record.status in TAKEN
    if not is_certain and not all(has_ended(execution) for execution in unfinished(history)):
        return None
    if is_further:
        finding = keep_further(record, store, ask, has_ended, payment)
    elif record.status in UNSWEPT:
        finding = settle_again(record, store, ask, has_ended, payment)
    else:
        finding = settle(record, store, ask, has_ended, reported=payment)
    return None if finding.repaired == record.status else finding


def _settle_known_reservation(record: Transaction, store: Store, ask: Ask) -> Finding | None:
    """Settle a reservation, or store later captures of it as a conflict; return None if nothing has changed."""
    if not is_for_later(json.loads(record.document)):
        return None
    state = state_of(record, ask)
    if record.status == "authorised":
        finding = settle_reservation(record, captures.find(record.id), state, repair=True)
        return finding if finding.repaired else None
    conflicts = [each for each in store.history(record.id) if each.status in ("conflict", "closed")]
    stored = [record, *(each for each in conflicts if each.reference == record.reference)]
    captured = (state["captured"] if state else 0) or 0
    more = captured - sum(each.amount or 0 for each in stored)
    if more <= 0:
        return None
    # The total makes the document of each capture a different one: one document is stored once.
    document = {**json.loads(record.document), "reconciled": {"captured": captured}}
    store.put(evolve(from_document(document), status="conflict", complete=True, amount=more))
    return Finding(record.id, record.status, f"{more} more was taken at {record.psp}: {record.reference}", "conflict")


def _describe_conflict(transaction: Transaction, record: Transaction | None) -> str:
    if not transaction.reference:
        is_known = transaction.amount is not None and transaction.currency is not None
        amount = f", of {amount_text(transaction.amount or 0, str(transaction.currency))}" if is_known else ""
        return f"not charged: a different donation uses the id{amount}, started at {transaction.started_at}"
    where = f"at {transaction.psp}: {transaction.reference}"
    if transaction.amount is not None and transaction.currency:
        where = f"{where}, {amount_text(transaction.amount, transaction.currency)}"
    if record is not None and (record.status, record.reference) == ("paid", transaction.reference):
        return f"more was taken of the payment {where}"
    payment = json.loads(transaction.document).get("payment")
    is_further = isinstance(payment, dict) and payment.get("further") is True
    what = "taken by somebody, not by the flow," if is_further else "taken"
    if record is not None and record.status in NOT_TAKEN:
        erased = ", and its donor's data was erased" if is_erased(record) else ""
        return f"{what} {where}; the donation is {record.status}{erased}"
    return f"{what} {where}" if is_further else f"a second payment was taken {where}"


_INCOMPLETE = "post-processing is incomplete"


def _finish(transaction: Transaction, store: Store) -> Finding:
    """Finish the post-processing. An execution may do the same: each step has its effect once per donation."""
    document = finish(json.loads(transaction.document))
    record = store.put(from_document(document))
    if record.complete:
        return Finding(transaction.id, transaction.status, "post-processing was finished", record.status)
    failed = {name: each for name, each in document["post_processing"].items() if each.get("status") != "done"}
    why = ", ".join(f"{name}: {each.get('error')}" for name, each in failed.items())
    return Finding(transaction.id, transaction.status, f"{_INCOMPLETE} ({why})")


def ask_psp(transaction: Transaction, event: dict[str, Any]) -> dict[str, Any]:
    """Send the event to the PSP's deployed function, or, without TRANSACTIONS_TABLE, to the handler in this process.

    Raises AskingFailed if the deployed function fails.
    """
    if not store_name("TRANSACTIONS_TABLE"):
        handler = importlib.import_module(f"handlers.{transaction.psp}.handler").handler
        answer: dict[str, Any] = handler(event, None)
        return answer
    import boto3

    response = boto3.client("lambda").invoke(FunctionName=event["psp"]["function_arn"], Payload=json.dumps(event))
    answer = json.loads(response["Payload"].read())
    if "FunctionError" in response:
        raise AskingFailed(str(answer.get("errorType")))
    return answer


def execution_has_settled(execution: str) -> bool | None:
    """Return true if the execution ended more than SETTLING ago, so that a request that was on its way has reached the
    PSP; None if that is unknown, see execution_has_ended."""
    return execution_has_ended(execution, seconds=SETTLING)


def execution_has_ended(execution: str, *, seconds: int = 0) -> bool | None:
    """Return true if the execution ended, and more than so many seconds ago; None without TRANSACTIONS_TABLE, or if no
    execution has this ARN."""
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
