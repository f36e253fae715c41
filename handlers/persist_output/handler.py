"""PersistOutput: store the execution's final document as the record of the transaction."""

from __future__ import annotations

import json
from typing import Any, Literal, TypedDict, cast

from attrs import evolve

from handlers.document import MalformedEvent
from handlers.fingerprint import fingerprint
from handlers.logs import invocation, logger
from handlers.transactions.record import Transaction, from_document, owner
from handlers.transactions.store import store

LOG = logger("persist_output")


class Stored(TypedDict):
    """The document's `transaction`."""

    id: str
    status: Literal["paid", "authorised", "declined", "abandoned", "broken", "conflict"]
    stored_at: str


def handler(event: Any, context: Any) -> Stored:
    """Return `id`, `status` and `stored_at` of the donation's record.

    It may be an earlier record: see Store.put. A different donation with the same id has status `conflict`.
    Raises MalformedEvent, ConflictingTransaction.
    """
    with invocation(LOG, event, context):
        if not isinstance(event, dict):
            raise MalformedEvent("the event: expected the execution's document, an object")
        transaction = from_document(event)
        transactions = store()
        if transaction.status == "broken" and _is_another(event, transactions.history(transaction.id)):
            # SelectPsp failed before it found the conflict: this donation must not get the other one's status.
            transaction = evolve(transaction, status="conflict")
        record = transactions.put(transaction)
        LOG.info("stored", status=record.status, complete=record.complete, kept=record is not transaction)
        return cast("Stored", {"id": record.id, "status": record.status, "stored_at": record.stored_at})


def _is_another(event: dict[str, Any], history: list[Transaction]) -> bool:
    """Return true if the id belongs to a donation that is not the event's."""
    intent = owner(history)
    if intent is None:
        return False
    try:
        return fingerprint(event["donation"]) != fingerprint(json.loads(intent.document)["donation"])
    except (MalformedEvent, KeyError):
        return True
