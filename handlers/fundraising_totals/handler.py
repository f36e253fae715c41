"""Fundraising totals: add the donation to what its charity has raised."""

from __future__ import annotations

from typing import Any

from handlers.document import Done, read
from handlers.fundraising_totals.totals import Contribution, add
from handlers.logs import invocation, logger

LOG = logger("fundraising_totals")


class Counted(Done):
    """The charity's total in the minor unit, this donation included."""

    total: int
    currency: str


def handler(event: dict[str, Any], context: Any) -> Counted:
    """Return `total`, the charity's in that currency (minor unit). A donation counts once. Raises MalformedEvent."""
    with invocation(LOG, event, context):
        contribution = Contribution(
            donation=read(event, "donation.id", str),
            charity=read(event, "donation.charity", str),
            amount=read(event, "donation.amount", int),
            currency=read(event, "donation.currency", str),
        )
        return {"status": "done", "total": add(contribution), "currency": contribution.currency}
