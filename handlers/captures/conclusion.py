"""Store the state of a reserved payment: the donation's record, its receipt and total, and the capture."""

from __future__ import annotations

import json

from attrs import evolve

from handlers import clock
from handlers.captures.document import captured
from handlers.captures.record import Capture
from handlers.captures.store import finish
from handlers.reconcile.finishing import finish as finish_post_processing
from handlers.transactions.record import Transaction, from_document
from handlers.transactions.store import store


def conclude(capture: Capture, record: Transaction, status: str, code: str) -> Capture:
    """Store the donation after its capture, and the capture with its new status; return the stored capture.

    `capture.amount` is the amount that was taken. Calling it again changes nothing. The sweep finishes post-processing
    that fails.
    """
    # The donation first: if this is killed in between, it is run again, or the sweep asks the PSP once more.
    if status == "captured" and record.status != "paid":
        document = json.loads(record.document)
        paid = {**document["payment"], "status": "paid", "code": code}
        store().put(from_document(finish_post_processing(captured({**document, "payment": paid}, capture.amount))))
    elif status == "released":
        release(record, code)
    return finish(evolve(capture, status=status, code=code, stored_at=clock.now()))


def release(record: Transaction, code: str) -> Transaction:
    """Store that a reservation was released and nothing was taken; return the donation's record."""
    document = json.loads(record.document)
    payment = {**document["payment"], "status": "abandoned", "code": code, "message": "released"}
    # A paid donation stays paid.
    return store().put(from_document({**document, "payment": payment}), settles=True)
