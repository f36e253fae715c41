"""Check a request for a refund against what is stored, before anything is stored or started for it."""

from __future__ import annotations

from handlers import cards, disputes
from handlers.money import amount_text
from handlers.refunds.record import NOT_GONE, conflict
from handlers.refunds.store import of_donation
from handlers.transactions.record import Transaction
from handlers.transactions.store import store


class NotRefundable(Exception):
    """The donation cannot be refunded: it is unknown, was not taken, or less is left of it. The PSP is not asked."""


def check(donation: str, number: int, amount: int | None) -> tuple[Transaction, int]:
    """Return the donation's record, and the amount of its refund with this number.

    Without an amount it is that of the refund that has the number, or else all that earlier refunds and disputes left.
    Raises NotRefundable, RefundConflict.
    """
    record = store().get(donation)
    if record is None or record.status != "paid" or record.amount is None or not record.reference:
        raise NotRefundable(
            f"{cards.redact(donation)}: {record.status if record else 'unknown'}; expected a paid donation"
        )
    refunds = of_donation(donation)
    known = next((each for each in refunds if each.number == number), None)
    others = [each for each in refunds if each.number != number and each.status not in NOT_GONE]
    if known:
        # Of two that were requested at once, and are too much together, the first goes on.
        others = [each for each in others if each.number < known.number or not each.is_unheard]
    # What the donor's bank takes back, perhaps since the refund was requested, is not given back as well.
    disputed = [each for each in disputes.listed() if each.donation == donation and each.takes_back]
    left = record.amount - sum(each.amount for each in others) - sum(each.amount for each in disputed)
    if amount is None:
        amount = known.amount if known else left
    if not 1 <= amount <= left and not (known and not known.is_unheard):
        least, most, wanted = (amount_text(each, str(record.currency)) for each in (1, left, amount))
        why = f"{wanted} is not between {least} and the {most} that are left"
        taken = [
            f"dispute {each.id} ({each.status}) takes back {amount_text(each.amount, each.currency)}"
            for each in disputed
        ]
        asked = [f"if {known.psp} has made it already, the sweep stores that"] if known else []
        raise NotRefundable(
            "; ".join([f"{donation}: {why if left > 0 else 'nothing is left to refund'}", *taken, *asked])
        )
    if known and known.amount != amount:
        raise conflict(known)
    return record, amount
