from typing import TypedDict


class Message(TypedDict):
    owner: str
    text: str
    tallest: int
    names: str
    urgent: bool
    execution: str


def handler(event: Message, _: object) -> None:
    print(event["text"])
