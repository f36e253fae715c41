"""Erase donors' data, unless a refund or dispute is open: an operator may have to write to the donor.

The reasons of refunds are texts of operators, who may have written about the donor: they are erased, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from handlers import disputes, refunds
from handlers.refunds import Refund
from handlers.refunds.store import forget_reason
from handlers.transactions.store import NotErasable, Store, check_erasable


def erase(store: Store, identities: Iterable[str]) -> Iterator[tuple[str, int | NotErasable]]:
    """Erase the donors' data of these donations; yield each id with the number of its entries, or the reason why it was
    not erased."""
    every_refund = [*refunds.listed()]
    busy = _busy(every_refund)
    for identity in identities:
        try:
            if identity in busy:
                raise NotErasable(f"{identity}: {busy[identity]}; settle it first")
            check_erasable(store.get(identity), store.history(identity))
            # The record last: while it has the donor's data, the donation is found again.
            for refund in every_refund:
                if refund.donation == identity and refund.reason:
                    forget_reason(refund)
            yield identity, store.erase(identity)
        except NotErasable as error:
            yield identity, error


def _busy(every_refund: Iterable[Refund]) -> dict[str, str]:
    """Return the ids of donations with an open refund or dispute, each with the reason. A refund that is not decided
    may fail, and then the donor has to be paid in another way."""
    busy = {each.donation: f"dispute {each.id} is {each.status}" for each in disputes.listed() if not each.is_final}
    for refund in every_refund:
        if not refund.is_final or refund.status == "failed":
            busy[refund.donation] = f"refund {refund.id} is {refund.status}"
    return busy
