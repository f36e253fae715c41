"""The store of transactions: the DynamoDB table TRANSACTIONS_TABLE, or a SQLite file if it is not set."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Protocol

from attrs import evolve, frozen

from handlers import sqlite
from handlers.configuration import store_name
from handlers.transactions.record import Transaction, erased_at, execution_of


class ConflictingTransaction(Exception):
    """The donation has two payments with different references: it may have been charged twice."""


class NotErasable(Exception):
    """The donation is open work: settle it first."""


def check_erasable(record: Transaction | None, history: Iterable[Transaction]) -> None:
    """Raise NotErasable if the record is open work, or if the history has a conflict that is not closed."""
    if record is not None and record.is_open_work:
        state = record.status if record.complete else "paid, and its post-processing is incomplete"
        raise NotErasable(f"{record.id}: is {state}; settle it first: python -m handlers.reconcile")
    for each in _conflicts(history):
        raise NotErasable(
            f"{each.id}: has a conflict; resolve it first: python -m handlers.transactions close {each.id}"
        )


@frozen
class Query:
    """Filters for transactions; dates are days in UTC, `YYYY-MM-DD`, both inclusive; None matches all."""

    status: str | None = None
    charity: str | None = None
    since: str | None = None
    until: str | None = None
    complete: bool | None = None
    """False: only those whose post-processing is not done."""

    def takes(self, transaction: Transaction) -> bool:
        day = transaction.started_at[:10]
        return (
            self.status in (None, transaction.status)
            and self.charity in (None, transaction.charity)
            and self.complete in (None, transaction.complete)
            and (self.since is None or day >= self.since)
            and (self.until is None or day <= self.until)
        )


class Store(Protocol):
    def put(self, transaction: Transaction, *, settles: bool = False) -> Transaction:
        """Append the transaction to the donation's history, make it the donation's record, and return that record.

        An earlier record with a higher rank is kept (a duplicate execution never makes a paid donation unpaid), and so
        is one that is paid and complete. A transaction that `settles` replaces a broken record, too: the PSP was asked
        for all payments of the donation. A conflict is appended, but never becomes the record. Raises
        ConflictingTransaction for a second payment, after appending it as a conflict.
        """
        ...

    def get(self, identity: str) -> Transaction | None:
        """Return the donation's record, or None if it has none."""
        ...

    def history(self, identity: str) -> list[Transaction]:
        """Return all entries of the donation, oldest first. They are never deleted."""
        ...

    def erase(self, identity: str) -> int:
        """Remove the donor's data from the record and the whole history; return how many entries there are.

        Raises NotErasable while the donation is open work: an operator may have to write to the donor. Refunds and
        disputes are checked in handlers.transactions.erasing.
        """
        ...

    def close_conflicts(self, identity: str, close: Callable[[Transaction], Transaction]) -> list[Transaction]:
        """Replace each conflict in the donation's history by the result of `close`, and return the results."""
        ...

    def list(self, query: Query) -> Iterator[Transaction]:
        """Yield the donations' records and all conflicts, closed ones included, oldest first."""
        ...


def store() -> Store:
    table = store_name("TRANSACTIONS_TABLE")
    if table:
        from handlers.transactions.dynamodb import DynamoDbStore

        return DynamoDbStore(table)
    from handlers.transactions.file import FileStore

    return FileStore(sqlite.database("transactions"))


def begun(history: Iterable[Transaction]) -> set[str]:
    """Return the executions in a donation's history that asked a PSP, or were about to."""
    return {execution_of(each) for each in history if each.status == "open"}


def put_settled(store: Store, transaction: Transaction, begun_before: set[str]) -> Transaction:
    """Store a result that was found without an execution; return the donation's record.

    `begun_before` are the executions that had begun when it was looked for. A later one may take a payment, whatever
    was found: then the donation is open work again, and the next sweep settles it.
    """
    record = store.put(transaction, settles=True)
    # Not the entries' keys: storing may erase the donor's data, from which they are made.
    for entry in store.history(transaction.id):
        if entry.status == "open" and execution_of(entry) not in begun_before:
            record = store.put(entry)
    return record


def erase_late_entry(store: Store, record: Transaction, transaction: Transaction) -> Transaction:
    """Erase the donor's data again if the stored transaction is of an execution that began before the erasure, unless
    the donation is open work; return the record."""
    history = store.history(transaction.id)
    began_before = any(transaction.started_at < erased_at(each) for each in history)
    if began_before and not any(each.is_open_work for each in (record, *_conflicts(history))):
        with suppress(NotErasable):  # open work since just now
            store.erase(transaction.id)
    return record


def _conflicts(history: Iterable[Transaction]) -> list[Transaction]:
    return [each for each in history if each.status == "conflict"]


def paid_twice(existing: Transaction, transaction: Transaction) -> bool:
    """Return true if both are paid, by different payments."""
    both_paid = existing.status == transaction.status == "paid"
    return both_paid and (existing.psp, existing.reference) != (transaction.psp, transaction.reference)


def as_conflict(transaction: Transaction) -> Transaction:
    """Return the entry for a second payment, which gets no post-processing."""
    return evolve(transaction, status="conflict", complete=True)


def conflict(existing: Transaction, transaction: Transaction) -> ConflictingTransaction:
    return ConflictingTransaction(
        f"{transaction.id}: already paid by {existing.psp} {existing.reference},"
        f" now also by {transaction.psp} {transaction.reference}"
    )
