"""Setup: validate the donation and create the document that every later step extends."""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict

from handlers import clock
from handlers.document import is_for_later
from handlers.logs import invocation, logger
from handlers.setup.donation import validated

LOG = logger("setup")


class Start(TypedDict):
    """The `payment` of a new document."""

    status: str
    attempts: list[Any]


class Document(TypedDict):
    """The document that every later step receives and extends."""

    donation: dict[str, Any]
    payment: Start
    started_at: str
    execution: NotRequired[str]
    operation: NotRequired[str]
    """`authorise` if the amount is to be reserved only; the capture flow takes it."""


def handler(event: Any, context: Any) -> Document:
    """Return the document: `donation`, `payment` (new, without attempts), `started_at`.

    The event is the donation, or `{"donation": …, "execution": …}`; `execution` is then added to the document. Raises
    MalformedDonation with all mistakes.
    """
    with invocation(LOG, event, context):
        wrapped = isinstance(event, dict) and "donation" in event
        document = Document(
            donation=validated(event["donation"] if wrapped else event),
            payment=Start(status="new", attempts=[]),
            started_at=clock.now(),
        )
        if is_for_later(document):
            document["operation"] = "authorise"
        if wrapped and isinstance(event.get("execution"), str):
            document["execution"] = event["execution"]
        return document
