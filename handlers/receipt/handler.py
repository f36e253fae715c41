"""Receipt: compose the e-mail and send it to the mailer."""

from __future__ import annotations

from typing import Any

from handlers.document import Done, read
from handlers.logs import invocation, logger
from handlers.money import amount_text
from handlers.outbox import Message, send

LOG = logger("receipt")

_TEXT = """\
Dear {name},

thank you for your donation to {charity}.

  Amount     {amount}
  Donation   {donation}
  Payment    {reference}

Please keep this receipt for your records.
"""


def handler(event: dict[str, Any], context: Any) -> Done:
    """Send `email.receipt` (to, subject, text) once per donation. Raises MalformedEvent, NotDelivered."""
    with invocation(LOG, event, context):
        donation, charity = read(event, "donation.id", str), read(event, "donation.charity", str)
        amount = amount_text(read(event, "donation.amount", int), read(event, "donation.currency", str))
        text = _TEXT.format(
            name=_line(read(event, "donation.donor.name", str)),
            charity=_line(charity),
            amount=amount,
            donation=donation,
            reference=read(event, "payment.reference", str),
        )
        subject = f"Your donation of {amount} to {_line(charity)}"
        detail = {"to": read(event, "donation.donor.email", str), "subject": subject, "text": text}
        send(Message("email.receipt", donation, detail))
        return {"status": "done"}


def _line(text: str) -> str:
    """Return the text in one line, so that a name cannot add a header or a paragraph to the e-mail."""
    return " ".join(text.split())
