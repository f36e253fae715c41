"""Registers a claim."""

from typing import Any, Literal, TypedDict


class RegisterBusy(Exception):
    """Try again."""


class Registration(TypedDict):
    id: str
    account: str
    status: Literal["new", "known"]


class Asked(TypedDict):
    number: str
    channel: str


def handler(event: Asked, _: Any) -> Registration:
    if not event["number"]:
        raise RegisterBusy
    return {"id": "1", "account": "2", "status": "new"}
