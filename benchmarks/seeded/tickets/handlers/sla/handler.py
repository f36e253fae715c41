from dataclasses import dataclass
from typing import TypedDict


class Ask(TypedDict):
    plan: str
    priority: int


@dataclass
class Sla:
    hours: int
    queue_url: str


def handler(event: Ask, _: object) -> Sla:
    return Sla(24 // max(1, event["priority"]), "https://sqs.eu-west-1.amazonaws.com/1/q")
