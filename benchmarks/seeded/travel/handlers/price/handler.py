"""Prices an offer."""

from typing import Any, TypedDict


class Offer(TypedDict):
    code: str
    seats: int


class Price(TypedDict):
    code: str
    cents: int
    currency: str


def handler(event: Offer, _: Any) -> Price:
    return {"code": event["code"], "cents": event["seats"] * 100, "currency": "GBP"}
