"""Assesses one damage."""

from typing import Any, TypedDict


class NotCovered(Exception):
    """The policy does not cover it."""


class Damage(TypedDict):
    part: str
    cents: int


class Assessment(TypedDict):
    part: str
    paid: int


def handler(event: Damage, _: Any) -> Assessment:
    if event["part"] == "hull":
        raise NotCovered
    return {"part": event["part"], "paid": event["cents"]}
