"""Close what people have looked at: conflicts, and donations for which no PSP could be selected.

Nothing is deleted: the entry stays in the donation's history, with the note and the time.
"""

from __future__ import annotations

import json

from attrs import evolve

from handlers import cards, clock
from handlers.transactions.record import Transaction, owner
from handlers.transactions.store import Store


class NotClosable(Exception):
    """The donation has nothing that people may close: what its PSP may have taken is settled by the sweep."""


def close(store: Store, identity: str, note: str) -> list[Transaction]:
    """Close all that is open for people of a donation, and return the closed entries. Raises NotClosable."""
    note = cards.redact(note)[:200]
    record, history = store.get(identity), store.history(identity)
    closed = store.close_conflicts(identity, lambda entry: _closed(entry, note))
    if record is not None and record.status in ("open", "broken"):
        if owner(history) is None:
            # Nobody was charged: no PSP ever knew of it.
            settled = evolve(_closed(record, note), status="declined", complete=True, stored_at=clock.now())
            closed.append(store.put(settled, settles=True))
        elif not closed:
            raise NotClosable(f"{identity}: its PSP may have been asked; settle it: python -m handlers.reconcile")
    if not closed:
        raise NotClosable(f"{identity}: nothing to close")
    return closed


def _closed(entry: Transaction, note: str) -> Transaction:
    document = {**json.loads(entry.document), "closed": {"at": clock.now(), "note": note}}
    return evolve(entry, status="closed", document=json.dumps(document, ensure_ascii=False))
