"""FundraisingTotals: add the donation to its charity's total."""

from __future__ import annotations

from typing import Any

from handlers.document import Done, read
from handlers.fundraising_totals.totals import Contribution, add
from handlers.logs import invocation, logger

LOG = logger("fundraising_totals")


class Counted(Done):
    """The charity's total in the minor unit, including this donation."""

    total: int
    currency: str


def handler(event: dict[str, Any], context: Any) -> Counted:
    """Return the charity's `total` in the donation's currency (minor unit); it counts once. Raises MalformedEvent."""
    with invocation(LOG, event, context):
        contribution = Contribution(
            donation=read(event, "donation.id", str),
            charity=read(event, "donation.charity", str),
            amount=read(event, "donation.amount", int),
            currency=read(event, "donation.currency", str),
        )
        return {"status": "done", "total": add(contribution), "currency": contribution.currency}
