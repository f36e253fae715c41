"""Erase donors' data, unless somebody may still have to write to the donor: also for a refund or a dispute."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from handlers import disputes, refunds
from handlers.transactions.store import NotErasable, Store


def erase(store: Store, identities: Iterable[str]) -> Iterator[tuple[str, int | NotErasable]]:
    """Erase the donor's data of these donations; yield each with the number of its entries, or why it is left alone."""
    busy = _busy()
    for identity in identities:
        try:
            if identity in busy:
                raise NotErasable(f"{identity}: {busy[identity]}; settle it first")
            yield identity, store.erase(identity)
        except NotErasable as error:
            yield identity, error


def _busy() -> dict[str, str]:
    """Return the donations with an open refund or dispute, and which it is. A refund that is not decided may fail, and
    then the donor has to be paid in another way."""
    busy = {each.donation: f"dispute {each.id} is {each.status}" for each in disputes.listed() if not each.is_final}
    for refund in refunds.listed():
        if not refund.is_final or refund.status == "failed":
            busy[refund.donation] = f"refund {refund.id} is {refund.status}"
    return busy
