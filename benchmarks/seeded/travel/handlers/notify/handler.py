"""Tells the traveller."""

from typing import Any, TypedDict


class Message(TypedDict):
    text: str
    cents: int
    length: int
    codes: str


def handler(event: Message, _: Any) -> None:
    print(event["text"])
