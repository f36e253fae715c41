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
    """Return `id`, `status` and `stored_at` of the donation's record.

    It may be an earlier record: see Store.put. Raises MalformedEvent, ConflictingTransaction.
    """
    with invocation(LOG, event, context):
        if not isinstance(event, dict):
            raise MalformedEvent("the event: expected the execution's document, an object")
        transaction = from_document(event)
        record = store().put(transaction)
        LOG.info("stored", status=record.status, complete=record.complete, kept=record is not transaction)
        stored = {"id": record.id, "status": record.status, "stored_at": record.stored_at}
        return cast("Stored", stored)
