"""PersistOutput: store the execution's final document as the record of the transaction."""

from __future__ import annotations

from typing import Any, Literal, TypedDict, cast

from handlers.document import MalformedEvent
from handlers.logs import invocation, logger
from handlers.transactions.record import from_document
from handlers.transactions.store import store

LOG = logger("persist_output")


class Stored(TypedDict):
    """The document's `transaction`."""

    id: str
    status: Literal["paid", "declined", "abandoned", "broken"]
    stored_at: str


def handler(event: Any, context: Any) -> Stored:
    """Return `id`, `status` and `stored_at` of the record that stands for the donation.

    That may be an earlier one: see Store.put. Raises MalformedEvent, ConflictingTransaction.
    """
    with invocation(LOG, event, context):
        if not isinstance(event, dict):
            raise MalformedEvent("the event: expected the execution's document, an object")
        transaction = from_document(event)
        standing = store().put(transaction)
        LOG.info("stored", status=standing.status, complete=standing.complete, kept=standing is not transaction)
        stored = {"id": standing.id, "status": standing.status, "stored_at": standing.stored_at}
        return cast("Stored", stored)
