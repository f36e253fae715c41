"""Where transactions are kept: a DynamoDB table where TRANSACTIONS_TABLE names one, else a SQLite file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Protocol

from attrs import frozen

from handlers import sqlite
from handlers.transactions.record import Transaction


class ConflictingTransaction(Exception):
    """The donation has two payments with different references: money may have been taken twice."""


@frozen
class Query:
    """Which transactions to list; dates are days in UTC, `YYYY-MM-DD`, both included; None does not restrict."""

    status: str | None = None
    charity: str | None = None
    since: str | None = None
    until: str | None = None

    def takes(self, transaction: Transaction) -> bool:
        day = transaction.started_at[:10]
        return (
            self.status in (None, transaction.status)
            and self.charity in (None, transaction.charity)
            and (self.since is None or day >= self.since)
            and (self.until is None or day <= self.until)
        )


class Store(Protocol):
    def put(self, transaction: Transaction) -> Transaction:
        """Keep the transaction, and return the record that stands for the donation.

        An earlier record that ranks higher stays (a paid donation never becomes unpaid by a duplicate
        execution), and one that is paid and complete stays as it was first stored. Raises
        ConflictingTransaction.
        """
        ...

    def get(self, identity: str) -> Transaction | None: ...

    def list(self, query: Query) -> Iterator[Transaction]:
        """The transactions, oldest first."""
        ...


def store() -> Store:
    table = os.environ.get("TRANSACTIONS_TABLE")
    if table:
        from handlers.transactions.dynamodb import DynamoDbStore

        return DynamoDbStore(table)
    from handlers.transactions.file import FileStore

    return FileStore(sqlite.database("transactions"))


def check(standing: Transaction, transaction: Transaction) -> None:
    """Raise ConflictingTransaction where both are paid, by different payments."""
    both_paid = standing.status == transaction.status == "paid"
    if both_paid and (standing.psp, standing.reference) != (transaction.psp, transaction.reference):
        raise ConflictingTransaction(
            f"{transaction.id}: stored as paid by {standing.psp} {standing.reference},"
            f" now also by {transaction.psp} {transaction.reference}"
        )
