"""Erase donors' data, unless a refund or dispute is open: an operator may have to write to the donor."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from handlers import disputes, refunds
from handlers.transactions.store import NotErasable, Store


def erase(store: Store, identities: Iterable[str]) -> Iterator[tuple[str, int | NotErasable]]:
    """Erase the donors' data of these donations; yield each id with the number of its entries, or the reason why it was
    not erased."""
    busy = _busy()
    for identity in identities:
        try:
            if identity in busy:
                raise NotErasable(f"{identity}: {busy[identity]}; settle it first")
            yield identity, store.erase(identity)
        except NotErasable as error:
            yield identity, error


def _busy() -> dict[str, str]:
    """Return the ids of donations with an open refund or dispute, each with the reason. A refund that is not decided
    may fail, and then the donor has to be paid in another way."""
    busy = {each.donation: f"dispute {each.id} is {each.status}" for each in disputes.listed() if not each.is_final}
    for refund in refunds.listed():
        if not refund.is_final or refund.status == "failed":
            busy[refund.donation] = f"refund {refund.id} is {refund.status}"
    return busy
