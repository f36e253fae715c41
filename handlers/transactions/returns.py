"""What became of a donation's amount after it was reserved or taken: its capture, refunds and disputes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import asdict, evolve, frozen

from handlers import captures, disputes, refunds
from handlers.captures import Capture
from handlers.disputes import Dispute
from handlers.money import amount_text
from handlers.refunds import Refund
from handlers.refunds.record import NOT_GONE
from handlers.transactions.record import Transaction

_REFUNDED = ("refunded", "closed")


@frozen
class Returns:
    """The refunds and disputes of a donation."""

    refunds: tuple[Refund, ...] = ()
    disputes: tuple[Dispute, ...] = ()

    @property
    def refunded(self) -> int:
        """What went back to the donor (minor unit), also in another way after the bank had returned it."""
        return sum(each.amount for each in self.refunds if each.status in _REFUNDED)

    @property
    def disputed(self) -> int:
        """What the donor's bank takes back, or has taken."""
        return sum(each.amount for each in self.disputes if each.takes_back)

    @property
    def refunding(self) -> int:
        """What refunds will give back, unless the PSP refuses them."""
        return sum(each.amount for each in self.refunds if each.status not in (*_REFUNDED, *NOT_GONE))

    def words(self, currency: str) -> str:
        """Say what is not ours any more, or may not be, empty if nothing: `, 10.00 GBP refunded`."""
        amounts = {"refunded": self.refunded, "being refunded": self.refunding, "disputed": self.disputed}
        return "".join(f", {amount_text(amount, currency)} {word}" for word, amount in amounts.items() if amount)


def by_payment() -> Mapping[tuple[str, str | None], Returns]:
    """Return the refunds and disputes by donation and payment: one scan of each table, which is small."""
    gone: dict[tuple[str, str | None], Returns] = {}
    for refund in refunds.listed():
        key = refund.donation, refund.reference
        known = gone.get(key, Returns())
        gone[key] = evolve(known, refunds=(*known.refunds, refund))
    for dispute in disputes.listed():
        key = dispute.donation, dispute.reference
        known = gone.get(key, Returns())
        gone[key] = evolve(known, disputes=(*known.disputes, dispute))
    return gone


def of_one(donation: str) -> Returns:
    """Return the donation's refunds and disputes."""
    return Returns(tuple(refunds.of_donation(donation)), tuple(_disputes(donation)))


def as_json(record: Transaction, returns: Returns) -> dict[str, Any]:
    """Return what became of the donation's amount, for programs."""
    capture = captures.find(record.id)
    return {
        "capture": asdict(capture) if capture else None,
        "refunds": [asdict(each) for each in returns.refunds],
        "disputes": [asdict(each) for each in returns.disputes],
        "left": _left(record, returns),
    }


def describe(record: Transaction, returns: Returns) -> Iterator[str]:
    """Yield a line for each capture, refund and dispute, and one for what is left."""
    capture = captures.find(record.id)
    if capture is not None:
        yield f"capture    {_part(capture)}  {capture.status}  {capture.stored_at}"
    for refund in returns.refunds:
        amount = amount_text(refund.amount, refund.currency)
        yield f"refund {refund.number or '-'}   {amount}  {refund.status}  {refund.stored_at}"
    for dispute in returns.disputes:
        amount = amount_text(dispute.amount, dispute.currency)
        yield f"dispute    {amount}  {dispute.status}  {dispute.stored_at}  {dispute.id}"
    left = _left(record, returns)
    if left is not None and (returns.refunds or returns.disputes):
        yield f"left       {amount_text(left, str(record.currency))}"


def _left(record: Transaction, returns: Returns) -> int | None:
    if record.status != "paid" or record.amount is None or record.currency is None:
        return None
    gone = sum(each.amount for each in returns.refunds if each.status not in NOT_GONE)
    return record.amount - gone - returns.disputed


def _part(capture: Capture) -> str:
    return f"{amount_text(capture.amount, capture.currency)} of {amount_text(capture.reserved, capture.currency)}"


def _disputes(donation: str) -> Iterator[Dispute]:
    return (each for each in disputes.listed() if each.donation == donation)
