"""Reserves seats."""

from dataclasses import dataclass
from typing import Any, Literal, NotRequired, TypedDict


class SeatsTaken(Exception):
    """Somebody was faster."""


@dataclass
class Reservation:
    status: Literal["confirmed", "waiting", "refused"]
    cents: int
    wait_seconds: int


class Trip(TypedDict):
    id: str
    cents: int
    tries: NotRequired[int]


def handler(event: Trip, _: Any) -> Reservation:
    if event["cents"] < 0:
        raise SeatsTaken
    return Reservation("confirmed", event["cents"], 30)
