"""Setup: validate the donation and start the document that every later step adds to."""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict

from handlers import clock
from handlers.logs import invocation, logger
from handlers.setup.donation import validated

LOG = logger("setup")


class Start(TypedDict):
    """The `payment` of a document that no PSP has seen."""

    status: str
    attempts: list[Any]


class Document(TypedDict):
    """What every later step gets and adds to."""

    donation: dict[str, Any]
    payment: Start
    started_at: str
    execution: NotRequired[str]


def handler(event: Any, context: Any) -> Document:
    """Return the document: `donation`, `payment` (new, without attempts), `started_at`.

    The event is the donation, or `{"donation": …, "execution": …}` where the flow names the execution too;
    then `execution` becomes a part of the document. Raises MalformedDonation with everything that is wrong.
    """
    with invocation(LOG, event, context):
        wrapped = isinstance(event, dict) and "donation" in event
        document = Document(
            donation=validated(event["donation"] if wrapped else event),
            payment=Start(status="new", attempts=[]),
            started_at=clock.now(),
        )
        if wrapped and isinstance(event.get("execution"), str):
            document["execution"] = event["execution"]
        return document
