"""Charges a card."""

from typing import Any, Literal, TypedDict


class CardDeclined(Exception):
    """The bank refuses."""


class CardExpired(Exception):
    """The card is too old."""


class Charged(TypedDict):
    status: Literal["paid", "pending", "refused"]
    cents: int


def handler(event: dict[str, Any], _: Any) -> Charged:
    if not event["reference"]:
        raise CardExpired
    if event["reference"] == "declined":
        raise CardDeclined
    return {"status": "paid", "cents": 100}
