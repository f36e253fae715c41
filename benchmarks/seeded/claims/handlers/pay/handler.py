"""Pays a claim."""

from typing import Any, Literal, TypedDict


class BankClosed(Exception):
    """It is night."""


class AccountUnknown(Exception):
    """The bank does not know it."""


class Order(TypedDict):
    number: str
    account: str
    registered: str
    parts: int


class Paid(TypedDict):
    status: Literal["paid", "waiting", "refused"]
    reference: str
    again_in: int


def handler(event: Order, _: Any) -> Paid:
    if not event["account"]:
        raise AccountUnknown
    if event["parts"] < 0:
        raise BankClosed
    return {"status": "paid", "reference": event["registered"], "again_in": 60}
