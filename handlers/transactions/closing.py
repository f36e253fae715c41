"""Close what an operator has looked at: conflicts, donations for which no PSP could be selected, and those of which a
PSP that cannot be asked has taken nothing, as its dashboard shows.

Nothing is deleted: the entry stays in the donation's history, with the note and the time.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from attrs import evolve

from handlers import cards, clock
from handlers.transactions.record import Transaction, as_text, owner
from handlers.transactions.store import Store, begun, erase_late_entry, put_settled


class NotClosable(Exception):
    """The donation has nothing that an operator may close: what its PSP may have taken is settled by the sweep."""


def close(
    store: Store,
    identity: str,
    note: str,
    *,
    payment: str = "",
    check_not_taken: Callable[[str], None] | None = None,
) -> list[Transaction]:
    """Close what an operator may close of a donation, and return the closed entries. Raises NotClosable.

    `payment`: only the conflict with this reference.

    `check_not_taken`: an operator has looked at the PSP, and it took nothing, and will not: an open or broken donation
    is stored as declined, unless this raises NotClosable. If its webhook ever says otherwise, it becomes paid all the
    same.
    """
    note = cards.redact(note)[:200]
    if payment:
        return _close_one(store, identity, note, payment)
    history = store.history(identity)
    if check_not_taken:
        check_not_taken(identity)
    record = store.get(identity)
    closed = store.close_conflicts(identity, lambda entry: _closed(entry, note))
    if record is not None and record.status in ("open", "broken"):
        if owner(history) is None or check_not_taken:
            # Nobody was charged: no PSP ever knew of it, or somebody has seen that it took nothing.
            declined = evolve(_closed(record, note), status="declined", complete=True, stored_at=clock.now())
            stored = put_settled(store, declined, begun(history))
            if stored.status != "declined":
                raise NotClosable(f"{identity}: is {stored.status} since just now")
            closed.append(stored)
        elif not closed:
            command = "python -m handlers.reconcile"
            raise NotClosable(
                f"{identity}: its PSP may have been asked; settle it: {command}; if the PSP cannot be asked, and shows"
                " in its dashboard that nothing was taken: --not-taken"
            )
    if not closed:
        raise NotClosable(f"{identity}: {'nothing to close' if record else 'no such transaction'}")
    return _erased_if_late(store, identity, closed)


def check_single(store: Store, identity: str) -> None:
    """Raise NotClosable if the donation has conflicts of several payments: one note hardly fits all."""
    history = store.history(identity)
    references = sorted({each.reference for each in history if each.status == "conflict" and each.reference})
    if len(references) > 1:
        raise NotClosable(
            f"{identity}: has conflicts of {len(references)} payments; close one with --payment, or --all of them: "
            f"{', '.join(references)}"
        )


def _close_one(store: Store, identity: str, note: str, payment: str) -> list[Transaction]:
    entries = store.close_conflicts(
        identity, lambda entry: _closed(entry, note) if entry.reference == payment else entry
    )
    closed = [each for each in entries if each.status == "closed"]
    if not closed:
        raise NotClosable(f"{identity}: has no conflict of the payment {payment}")
    return _erased_if_late(store, identity, closed)


def _erased_if_late(store: Store, identity: str, closed: list[Transaction]) -> list[Transaction]:
    """Erase the donor's data from the closed entries if the donation's was erased; return the entries."""
    if record := store.get(identity):
        for each in closed:
            erase_late_entry(store, record, each)
    return closed


def _closed(entry: Transaction, note: str) -> Transaction:
    document = {**json.loads(entry.document), "closed": {"at": clock.now(), "note": note}}
    return evolve(entry, status="closed", document=as_text(document))
